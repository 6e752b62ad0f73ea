// The checksum that HDFS itself keeps of a file, computed from the bytes on their way to it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "base/digest.h"
#include "store/hdfs/webhdfs.h"

namespace visor::store {

/// CRC-32C (Castagnoli; RFC 3720, appendix B.4) of `bytes`, going on from `before` (0 at first).
std::uint32_t crc32c(std::uint32_t before, std::span<const std::byte> bytes);

/// HDFS's MD5 of the MD5s, a block each, of the CRC-32Cs of 512 bytes each: what GETFILECHECKSUM
/// answers in a cluster with the settings that Hadoop comes with. Needs little memory whatever the
/// size.
class BlockChecksum {
 public:
  static constexpr std::size_t kChunk = 512;

  /// `block_size` is a multiple of 512.
  explicit BlockChecksum(std::uint64_t block_size);

  void update(std::span<const std::byte> bytes);

  /// Whether `remote` is the checksum of the bytes so far; nothing if it can't be told: nothing was
  /// written, or the cluster computes another checksum. The object is used up by it.
  std::optional<bool> matches(const webhdfs::FileChecksum& remote);

 private:
  void end_chunk();
  void end_block();

  const std::uint64_t block_size_;
  Digester block_{DigestAlgorithm::md5};
  Digester file_{DigestAlgorithm::md5};
  Digester padded_{DigestAlgorithm::md5};
  std::uint32_t crc_ = 0;
  std::size_t in_chunk_ = 0;
  std::uint64_t in_block_ = 0;
  std::uint64_t blocks_ = 0;
};

}  // namespace visor::store
