#include "auth/secret_box.h"

#include <openssl/evp.h>

#include <cstdio>
#include <cstdlib>
#include <memory>
#include <optional>
#include <utility>

#include "auth/key_file.h"
#include "base/digest.h"
#include "base/encoding.h"
#include "base/random.h"

namespace visor::auth {
namespace {

constexpr char kVersion = 1;
constexpr std::size_t kIdSize = 8;
constexpr std::size_t kNonceSize = 12;
constexpr std::size_t kTagSize = 16;
constexpr std::size_t kHeadSize = 1 + kIdSize;

struct ContextDeleter {
  void operator()(EVP_CIPHER_CTX* context) const { EVP_CIPHER_CTX_free(context); }
};
using Context = std::unique_ptr<EVP_CIPHER_CTX, ContextDeleter>;

const unsigned char* bytes_of(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}
unsigned char* bytes_of(std::string& text) { return reinterpret_cast<unsigned char*>(text.data()); }

// Encryption fails only if the library is unusable; storing a secret in the clear is no way out.
void require(bool condition) {
  if (condition) return;
  std::fprintf(stderr, "visor: the system's AES-256-GCM does not work; the process stops\n");
  std::abort();
}

std::string key_id(const Secret& key) {
  Digester digester(DigestAlgorithm::sha256);
  digester.update(std::string_view("visor master key id"));
  digester.update(key.reveal());
  const auto digest = digester.finish();
  return std::string(reinterpret_cast<const char*>(digest.data()), kIdSize);
}

// The head is bound too, so that its version and key id can't be exchanged.
std::string associated_data(std::string_view head, std::string_view context) {
  return std::string(head).append(context);
}

std::string encrypt(const Secret& key, std::string_view nonce, std::string_view bound,
                    std::string_view plain) {
  const Context context(EVP_CIPHER_CTX_new());
  require(context != nullptr);
  std::string sealed(plain.size() + kTagSize, '\0');
  int count = 0;
  require(EVP_EncryptInit_ex(context.get(), EVP_aes_256_gcm(), nullptr, bytes_of(key.reveal()),
                             bytes_of(nonce)) == 1);
  require(EVP_EncryptUpdate(context.get(), nullptr, &count, bytes_of(bound),
                            static_cast<int>(bound.size())) == 1);
  require(EVP_EncryptUpdate(context.get(), bytes_of(sealed), &count, bytes_of(plain),
                            static_cast<int>(plain.size())) == 1);
  require(EVP_EncryptFinal_ex(context.get(), bytes_of(sealed) + count, &count) == 1);
  require(EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_GCM_GET_TAG, kTagSize,
                              bytes_of(sealed) + plain.size()) == 1);
  return sealed;
}

std::optional<Secret> decrypt(const Secret& key, std::string_view nonce, std::string_view bound,
                              std::string_view sealed) {
  const Context context(EVP_CIPHER_CTX_new());
  require(context != nullptr);
  const std::string_view cipher = sealed.substr(0, sealed.size() - kTagSize);
  std::string tag(sealed.substr(cipher.size()));
  std::string plain(cipher.size(), '\0');
  int count = 0;
  require(EVP_DecryptInit_ex(context.get(), EVP_aes_256_gcm(), nullptr, bytes_of(key.reveal()),
                             bytes_of(nonce)) == 1);
  require(EVP_DecryptUpdate(context.get(), nullptr, &count, bytes_of(bound),
                            static_cast<int>(bound.size())) == 1);
  require(EVP_DecryptUpdate(context.get(), bytes_of(plain), &count, bytes_of(cipher),
                            static_cast<int>(cipher.size())) == 1);
  require(EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_GCM_SET_TAG, kTagSize, tag.data()) == 1);
  unsigned char end[kTagSize];
  const bool authentic = EVP_DecryptFinal_ex(context.get(), end, &count) == 1;
  Secret secret(std::move(plain));
  if (!authentic) return std::nullopt;
  return secret;
}

}  // namespace

SecretBox::SecretBox(Secret key) {
  std::string id = key_id(key);
  keys_.push_back({std::move(id), std::move(key)});
}

Result<SecretBox> SecretBox::load(const std::string& path) {
  auto key = read_key_file(path);
  if (!key) return pass(key);
  return SecretBox(std::move(*key));
}

Result<SecretBox> SecretBox::load_or_create(const std::string& path) {
  auto box = load(path);
  if (box || box.error().code != Code::not_found) return box;
  const Secret key(random_bytes(kKeySize));
  if (auto created = create_key_file(path, key); !created) return pass(created);
  return load(path);
}

SecretBox SecretBox::generate() { return SecretBox(Secret(random_bytes(kKeySize))); }

void SecretBox::also_open(const SecretBox& older) {
  keys_.insert(keys_.end(), older.keys_.begin(), older.keys_.end());
}

std::string SecretBox::seal(const Secret& secret, std::string_view context) const {
  const Key& key = keys_.front();
  const std::string head = std::string(1, kVersion) + key.id;
  const std::string nonce = random_bytes(kNonceSize);
  const std::string sealed =
      encrypt(key.bytes, nonce, associated_data(head, context), secret.reveal());
  return to_base64url(head + nonce + sealed);
}

Result<Secret> SecretBox::open(std::string_view sealed, std::string_view context) const {
  const auto raw = from_base64url(sealed);
  if (!raw || raw->size() < kHeadSize + kNonceSize + kTagSize || raw->front() != kVersion) {
    return fail(Code::corrupt, "A stored secret cannot be read.", "auth.secret_box: form");
  }
  const std::string_view all(*raw);
  const std::string_view head = all.substr(0, kHeadSize);
  const std::string bound = associated_data(head, context);
  bool known = false;
  for (const Key& key : keys_) {
    if (key.id != head.substr(1)) continue;
    known = true;
    auto secret = decrypt(key.bytes, all.substr(kHeadSize, kNonceSize), bound,
                          all.substr(kHeadSize + kNonceSize));
    if (secret) return std::move(*secret);
  }
  return fail(Code::corrupt,
              known ? "A stored secret was changed and cannot be opened."
                    : "A stored secret was sealed under another master key than the server has.",
              known ? "auth.secret_box: tag" : "auth.secret_box: key id");
}

Secret SecretBox::derive(std::string_view purpose) const {
  // The prefix keeps it apart from every other use of the master key.
  const std::string text = "visor derived key:" + std::string(purpose);
  return Secret(hmac(DigestAlgorithm::sha256, keys_.front().bytes.reveal(), text));
}

bool SecretBox::seals_like(std::string_view sealed) const {
  const auto raw = from_base64url(sealed);
  return raw && raw->size() >= kHeadSize && raw->front() == kVersion &&
         std::string_view(*raw).substr(1, kIdSize) == keys_.front().id;
}

}  // namespace visor::auth
