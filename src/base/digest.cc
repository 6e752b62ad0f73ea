#include "base/digest.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <utility>

#include "base/encoding.h"
#include "base/name_table.h"

namespace visor {
namespace {

constexpr NameTable<DigestAlgorithm, 4> kNames = {{
    {DigestAlgorithm::md5, "md5"},
    {DigestAlgorithm::sha1, "sha1"},
    {DigestAlgorithm::sha256, "sha256"},
    {DigestAlgorithm::sha512, "sha512"},
}};

const EVP_MD* method(DigestAlgorithm algorithm) {
  switch (algorithm) {
    case DigestAlgorithm::md5:
      return EVP_md5();
    case DigestAlgorithm::sha1:
      return EVP_sha1();
    case DigestAlgorithm::sha256:
      return EVP_sha256();
    case DigestAlgorithm::sha512:
      return EVP_sha512();
  }
  return EVP_sha256();
}

// Going on without a digest would store or sign something that nobody checked.
void require(bool condition, const char* reason) {
  if (condition) return;
  std::fprintf(stderr, "visor: %s; the process stops\n", reason);
  std::abort();
}

struct ContextDeleter {
  void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
};

}  // namespace

std::string_view to_string(DigestAlgorithm algorithm) { return name_in(kNames, algorithm); }

std::optional<DigestAlgorithm> parse_digest_algorithm(std::string_view name) {
  return value_in(kNames, name);
}

struct Digester::State {
  DigestAlgorithm algorithm;
  std::unique_ptr<EVP_MD_CTX, ContextDeleter> context;
};

Digester::Digester(DigestAlgorithm algorithm)
    : state_(std::make_unique<State>(
          algorithm, std::unique_ptr<EVP_MD_CTX, ContextDeleter>(EVP_MD_CTX_new()))) {
  require(state_->context != nullptr &&
              EVP_DigestInit_ex(state_->context.get(), method(algorithm), nullptr) == 1,
          "OpenSSL cannot start a digest (is the algorithm disabled by a policy?)");
}

Digester::~Digester() = default;
Digester::Digester(Digester&&) noexcept = default;
Digester& Digester::operator=(Digester&&) noexcept = default;

DigestAlgorithm Digester::algorithm() const { return state_->algorithm; }

void Digester::update(std::span<const std::byte> bytes) {
  require(state_->context != nullptr, "a finished digest was fed");
  require(EVP_DigestUpdate(state_->context.get(), bytes.data(), bytes.size()) == 1,
          "OpenSSL cannot go on with a digest");
}

void Digester::update(std::string_view text) {
  update(std::as_bytes(std::span(text.data(), text.size())));
}

std::vector<std::byte> Digester::finish() {
  require(state_->context != nullptr, "a digest was finished twice");
  std::array<unsigned char, EVP_MAX_MD_SIZE> raw{};
  unsigned int size = 0;
  require(EVP_DigestFinal_ex(state_->context.get(), raw.data(), &size) == 1,
          "OpenSSL cannot finish a digest");
  state_->context.reset();
  const auto bytes = std::as_bytes(std::span(raw.data(), size));
  return {bytes.begin(), bytes.end()};
}

std::string Digester::finish_hex() {
  const auto raw = finish();
  return to_hex(std::span<const std::byte>(raw));
}

std::string digest_hex(DigestAlgorithm algorithm, std::string_view text) {
  Digester digester(algorithm);
  digester.update(text);
  return digester.finish_hex();
}

std::string hmac(DigestAlgorithm algorithm, std::string_view key, std::string_view text) {
  // OpenSSL takes a null key for "the key of the last call".
  if (key.empty()) key = std::string_view("", 0);
  std::array<unsigned char, EVP_MAX_MD_SIZE> raw{};
  unsigned int size = 0;
  const auto* done =
      HMAC(method(algorithm), key.data(), static_cast<int>(key.size()),
           reinterpret_cast<const unsigned char*>(text.data()), text.size(), raw.data(), &size);
  require(done != nullptr, "OpenSSL cannot compute an HMAC");
  return std::string(reinterpret_cast<const char*>(raw.data()), size);
}

bool equal_in_constant_time(std::string_view left, std::string_view right) {
  if (left.size() != right.size()) return false;
  if (left.empty()) return true;
  return CRYPTO_memcmp(left.data(), right.data(), left.size()) == 0;
}

}  // namespace visor
