#include "base/sha256.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>

#include <cstdio>
#include <cstdlib>

namespace visor {
namespace {

constexpr std::size_t kBlock = 64;

// Going on without a digest would let in a request that nobody checked.
void require(bool condition) {
  if (condition) return;
  std::fputs("visor: OpenSSL cannot compute a SHA-256; the process stops\n", stderr);
  std::abort();
}

// Looked up once: OpenSSL 3 searches its providers at each use of a method that was not. Lives as
// long as the process.
const EVP_MD* method() {
  static EVP_MD* const fetched = EVP_MD_fetch(nullptr, "SHA256", nullptr);
  require(fetched != nullptr);
  return fetched;
}

struct ContextDeleter {
  void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
};
using Context = std::unique_ptr<EVP_MD_CTX, ContextDeleter>;

Sha256Sum digest(EVP_MD_CTX* context, std::string_view first, std::string_view second) {
  Sha256Sum sum;
  unsigned int size = 0;
  require(EVP_DigestInit_ex2(context, method(), nullptr) == 1);
  require(EVP_DigestUpdate(context, first.data(), first.size()) == 1);
  if (!second.empty()) require(EVP_DigestUpdate(context, second.data(), second.size()) == 1);
  require(EVP_DigestFinal_ex(context, sum.data(), &size) == 1 && size == sum.size());
  return sum;
}

// A thread's context, made once; destructors may still need a digest when it is gone.
thread_local bool context_gone = false;
struct OwnContext {
  Context context{EVP_MD_CTX_new()};
  ~OwnContext() { context_gone = true; }
};

}  // namespace

Sha256Sum sha256(std::string_view text) { return sha256(text, {}); }

Sha256Sum sha256(std::string_view first, std::string_view second) {
  if (context_gone) {
    const Context context(EVP_MD_CTX_new());
    require(context != nullptr);
    return digest(context.get(), first, second);
  }
  thread_local const OwnContext own;
  require(own.context != nullptr);
  return digest(own.context.get(), first, second);
}

Sha256Sum hmac_sha256(std::string_view key, std::string_view text) {
  std::array<char, kBlock> inner{};
  std::array<char, kBlock> outer{};
  Sha256Sum short_key{};
  if (key.size() > kBlock) {
    short_key = sha256(key);
    key = bytes_of(short_key);
  }
  key.copy(inner.data(), key.size());
  outer = inner;
  for (char& c : inner) c = static_cast<char>(c ^ 0x36);
  for (char& c : outer) c = static_cast<char>(c ^ 0x5c);
  const Sha256Sum within = sha256({inner.data(), inner.size()}, text);
  const Sha256Sum sum = sha256({outer.data(), outer.size()}, bytes_of(within));
  OPENSSL_cleanse(inner.data(), inner.size());
  OPENSSL_cleanse(outer.data(), outer.size());
  OPENSSL_cleanse(short_key.data(), short_key.size());
  return sum;
}

Sha256Hex hex_of(const Sha256Sum& sum) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  Sha256Hex hex;
  for (std::size_t i = 0; i < sum.size(); ++i) {
    hex[2 * i] = kDigits[sum[i] >> 4];
    hex[2 * i + 1] = kDigits[sum[i] & 15];
  }
  return hex;
}

}  // namespace visor
