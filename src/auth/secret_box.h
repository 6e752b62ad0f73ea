// Secrets at rest: encrypted under a master key that lies in a file.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/secret.h"

namespace visor::auth {

/// Seals secrets with AES-256-GCM (NIST SP 800-38D) and opens them again. Writes with one key; may
/// hold older ones that it opens with, so that a master key can be renewed while the server runs. A
/// plain value; const calls are thread-safe.
///
/// A sealed text is the base64url of: version (one byte, 1), key id (8 bytes, from the key's
/// SHA-256), nonce (12 bytes, random), ciphertext, tag (16 bytes). `context` is bound to it: a text
/// that is moved to another account does not open.
class SecretBox {
 public:
  /// Reads the key file: exactly 32 bytes, private to its owner. Errors, each a sentence about what
  /// to do: `not_found`, `forbidden` (others may read it, or it is somebody else's), `invalid`
  /// (size, no plain file).
  static Result<SecretBox> load(const std::string& path);

  /// The same, but makes the file first if there is none: 32 random bytes, mode 600, durable before
  /// it has its name. Of two processes that start at once one makes the key and both use it.
  static Result<SecretBox> load_or_create(const std::string& path);

  /// A key that lies in no file, for throw-away servers and tests.
  static SecretBox generate();

  /// Lets this box open what `older` could open; it goes on writing with its own key.
  void also_open(const SecretBox& older);

  std::string seal(const Secret& secret, std::string_view context) const;
  /// `corrupt` if the text was changed, belongs to another context, or was sealed under a key that
  /// this box lacks.
  Result<Secret> open(std::string_view sealed, std::string_view context) const;
  /// A key for another use, which tells nothing of the one that this box writes with: 32 bytes.
  Secret derive(std::string_view purpose) const;
  /// Whether `sealed` was written with the key that this box writes with.
  bool seals_like(std::string_view sealed) const;

 private:
  struct Key {
    std::string id;
    Secret bytes;
  };

  explicit SecretBox(Secret key);

  std::vector<Key> keys_;  // the first one writes
};

}  // namespace visor::auth
