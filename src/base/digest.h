// Message digests, computed in one pass over a stream.
#pragma once

#include <cstddef>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace visor {

enum class DigestAlgorithm { md5, sha1, sha256, sha512 };

/// "md5", "sha1", "sha256", "sha512".
std::string_view to_string(DigestAlgorithm algorithm);
std::optional<DigestAlgorithm> parse_digest_algorithm(std::string_view name);

/// Lower-case hex digests by algorithm.
using Digests = std::map<DigestAlgorithm, std::string>;

/// One running digest. Not for use by two threads at once, but it may wander from thread to thread.
class Digester {
 public:
  explicit Digester(DigestAlgorithm algorithm);
  ~Digester();
  Digester(Digester&&) noexcept;
  Digester& operator=(Digester&&) noexcept;

  DigestAlgorithm algorithm() const;
  void update(std::span<const std::byte> bytes);
  void update(std::string_view text);
  /// The raw digest; the object is used up by it.
  std::vector<std::byte> finish();
  /// The same in lower-case hex.
  std::string finish_hex();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// Hex digest of a text at once.
std::string digest_hex(DigestAlgorithm algorithm, std::string_view text);

/// HMAC (RFC 2104) of `text` under `key`, raw bytes in a string. Algorithms: sha1, sha256.
std::string hmac(DigestAlgorithm algorithm, std::string_view key, std::string_view text);

/// Whether two secrets are equal, in a time that depends on their lengths alone.
bool equal_in_constant_time(std::string_view left, std::string_view right);

}  // namespace visor
