#include "net/tls_ticket_keys.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/params.h>
#include <openssl/rand.h>

#include <algorithm>

namespace visor::net {
namespace {

int keys_index() {
  static const int index = SSL_CTX_get_ex_new_index(
      0, nullptr, nullptr, nullptr, [](void*, void* keys, CRYPTO_EX_DATA*, int, long, void*) {
        delete static_cast<TicketKeys*>(keys);
      });
  return index;
}

bool use_for_authentication(const TicketKeys::Key& key, EVP_MAC_CTX* context) {
  char digest[] = "SHA256";
  const std::array<OSSL_PARAM, 3> parameters{
      OSSL_PARAM_construct_octet_string(OSSL_MAC_PARAM_KEY,
                                        const_cast<unsigned char*>(key.authentication.data()),
                                        key.authentication.size()),
      OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0), OSSL_PARAM_END};
  return EVP_MAC_CTX_set_params(context, parameters.data()) == 1;
}

// SSL_CTX_set_tlsext_ticket_key_evp_cb(3): 1 goes on, 0 does without the ticket, negative fails.
int use_ticket_key(SSL* ssl, unsigned char* name, unsigned char* iv, EVP_CIPHER_CTX* cipher,
                   EVP_MAC_CTX* authentication, int encrypt) {
  auto* keys = static_cast<TicketKeys*>(SSL_CTX_get_ex_data(SSL_get_SSL_CTX(ssl), keys_index()));
  if (keys == nullptr) return 0;
  const auto now = std::chrono::steady_clock::now();
  const std::span<unsigned char, 16> named(name, 16);
  const auto key = encrypt == 1 ? keys->current(now) : keys->find(named, now);
  if (!key) return 0;
  if (encrypt == 1) {
    std::ranges::copy(key->name, name);
    if (RAND_bytes(iv, EVP_CIPHER_get_iv_length(EVP_aes_256_cbc())) != 1) return -1;
  }
  const bool ready = EVP_CipherInit_ex(cipher, EVP_aes_256_cbc(), nullptr, key->encryption.data(),
                                       iv, encrypt) == 1 &&
                     use_for_authentication(*key, authentication);
  return ready ? 1 : -1;
}

}  // namespace

TicketKeys::Key::~Key() {
  OPENSSL_cleanse(encryption.data(), encryption.size());
  OPENSSL_cleanse(authentication.data(), authentication.size());
}

std::optional<TicketKeys::Key> TicketKeys::current(TimePoint now) {
  const std::lock_guard lock(mutex_);
  forget_old(now);
  if (keys_.empty() || now - keys_.front().made >= kPeriod) {
    Key key;
    key.made = now;
    for (const std::span<unsigned char> part :
         {std::span<unsigned char>(key.name), std::span<unsigned char>(key.encryption),
          std::span<unsigned char>(key.authentication)}) {
      if (RAND_priv_bytes(part.data(), static_cast<int>(part.size())) != 1) return std::nullopt;
    }
    keys_.push_front(key);
  }
  return keys_.front();
}

std::optional<TicketKeys::Key> TicketKeys::find(std::span<const unsigned char, 16> name,
                                                TimePoint now) {
  const std::lock_guard lock(mutex_);
  forget_old(now);
  for (const Key& key : keys_) {
    if (std::ranges::equal(key.name, name)) return key;
  }
  return std::nullopt;
}

void TicketKeys::forget_old(TimePoint now) {
  while (!keys_.empty() && now - keys_.back().made >= kPeriod + kTicketLife) keys_.pop_back();
}

bool TicketKeys::attach(std::unique_ptr<TicketKeys> keys, SSL_CTX* context) {
  if (SSL_CTX_set_ex_data(context, keys_index(), keys.get()) != 1) return false;
  keys.release();
  SSL_CTX_set_timeout(context,
                      std::chrono::duration_cast<std::chrono::seconds>(kTicketLife).count());
  return SSL_CTX_set_tlsext_ticket_key_evp_cb(context, use_ticket_key) == 1;
}

}  // namespace visor::net
