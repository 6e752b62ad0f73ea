// Private to this folder: OpenSSL's objects with owners.
#pragma once

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <memory>
#include <string>

namespace visor::net {

template <auto Free>
struct Freed {
  template <class T>
  void operator()(T* object) const {
    Free(object);
  }
};
using BioPointer = std::unique_ptr<BIO, Freed<BIO_free_all>>;
using SslPointer = std::unique_ptr<SSL, Freed<SSL_free>>;
using SslContextPointer = std::unique_ptr<SSL_CTX, Freed<SSL_CTX_free>>;
using CertificatePointer = std::unique_ptr<X509, Freed<X509_free>>;
using KeyPointer = std::unique_ptr<EVP_PKEY, Freed<EVP_PKEY_free>>;

/// The reason of the calling thread's first pending OpenSSL error, in words for the log.
inline std::string openssl_reason() {
  const unsigned long code = ERR_peek_error();
  const char* reason = code == 0 ? nullptr : ERR_reason_error_string(code);
  return reason == nullptr ? "unknown (" + std::to_string(code) + ")" : reason;
}

}  // namespace visor::net
