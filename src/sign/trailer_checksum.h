// The checksums that a trailer may carry: x-amz-checksum-*.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/digest.h"

namespace visor::sign {

/// A reflected CRC with all-ones start and end, as every CRC of these checksums is.
class Crc {
 public:
  /// `polynomial` is the reflected one; `width` 32 or 64.
  Crc(std::uint64_t polynomial, int width);
  void update(std::span<const std::byte> bytes);
  /// The raw value, most significant byte first.
  std::string finish() const;

 private:
  std::array<std::uint64_t, 256> table_;
  int width_;
  std::uint64_t state_;
};

/// One running checksum of the data in a body with a trailer.
class TrailerChecksum {
 public:
  /// Nothing for a header (lower case) that is no checksum of a known kind. Known: crc32, crc32c,
  /// crc64nvme, sha1, sha256.
  static std::optional<TrailerChecksum> for_header(std::string_view name);

  const std::string& header() const { return header_; }
  void update(std::span<const std::byte> bytes);
  /// Base64, as the trailer carries it. The object is used up by it.
  std::string finish();

 private:
  explicit TrailerChecksum(std::string_view header) : header_(header) {}
  std::string header_;
  std::optional<Crc> crc_;
  std::optional<Digester> digester_;
};

}  // namespace visor::sign
