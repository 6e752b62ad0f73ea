// A blocking TLS client for tests.
#pragma once

#include <gtest/gtest.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <algorithm>
#include <memory>
#include <string>
#include <string_view>

#include "support/certificates.h"

namespace visor::test {

struct TlsClientOptions {
  const Certificate* trusts = nullptr;  ///< null: believes everybody
  const Certificate* shows = nullptr;   ///< its own certificate
  int lowest = TLS1_2_VERSION;
  int highest = TLS1_3_VERSION;
  std::string protocols = {};  ///< of ALPN, as on the wire
  std::string ciphers = {};    ///< of TLS 1.2
  SSL_SESSION* session = nullptr;
};

/// One end of a connected, blocking socket, which it then owns. What takes longer than two minutes
/// fails.
class TlsClient {
 public:
  TlsClient(int socket, const TlsClientOptions& options)
      : socket_(socket), context_(SSL_CTX_new(TLS_client_method()), SSL_CTX_free) {
    // OpenSSL tells even a peer that is gone.
    ::signal(SIGPIPE, SIG_IGN);
    const timeval patience{120, 0};
    ::setsockopt(socket_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    ::setsockopt(socket_, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
    SSL_CTX* context = context_.get();
    // So that it could speak versions that the server must refuse.
    SSL_CTX_set_security_level(context, 0);
    SSL_CTX_set_min_proto_version(context, options.lowest);
    SSL_CTX_set_max_proto_version(context, options.highest);
    if (!options.ciphers.empty()) {
      EXPECT_EQ(SSL_CTX_set_cipher_list(context, options.ciphers.c_str()), 1);
    }
    if (options.trusts != nullptr) {
      X509_STORE_add_cert(SSL_CTX_get_cert_store(context), options.trusts->get());
      SSL_CTX_set_verify(context, SSL_VERIFY_PEER, nullptr);
    }
    if (options.shows != nullptr) {
      SSL_CTX_use_certificate(context, options.shows->get());
      SSL_CTX_use_PrivateKey(context, options.shows->key());
    }
    ssl_.reset(SSL_new(context));
    if (!options.protocols.empty()) {
      SSL_set_alpn_protos(ssl_.get(),
                          reinterpret_cast<const unsigned char*>(options.protocols.data()),
                          static_cast<unsigned>(options.protocols.size()));
    }
    if (options.session != nullptr) SSL_set_session(ssl_.get(), options.session);
    SSL_set_fd(ssl_.get(), socket_);
  }
  TlsClient(const TlsClient&) = delete;
  TlsClient& operator=(const TlsClient&) = delete;
  ~TlsClient() { close_socket(); }

  SSL* ssl() { return ssl_.get(); }
  int socket() const { return socket_; }

  bool connect() {
    ERR_clear_error();
    const int outcome = SSL_connect(ssl_.get());
    return note(outcome);
  }
  bool send(std::string_view text) {
    while (!text.empty()) {
      ERR_clear_error();
      const int count = SSL_write(ssl_.get(), text.data(), static_cast<int>(text.size()));
      if (!note(count)) return false;
      text.remove_prefix(static_cast<std::size_t>(count));
    }
    return true;
  }
  /// What comes next, at most `size` bytes; nothing at the end or after a failure.
  std::string receive(std::size_t size = 65536) {
    std::string text(size, '\0');
    ERR_clear_error();
    const int count = SSL_read(ssl_.get(), text.data(), static_cast<int>(text.size()));
    text.resize(note(count) ? static_cast<std::size_t>(count) : 0);
    return text;
  }
  std::string receive_exactly(std::size_t size) {
    std::string text;
    while (text.size() < size) {
      const std::string part = receive(std::min<std::size_t>(size - text.size(), 65536));
      if (part.empty()) break;
      text += part;
    }
    return text;
  }
  /// Until the server's closing message; `ended_properly` tells whether that came.
  std::string receive_all() {
    std::string text;
    while (true) {
      const std::string part = receive();
      if (part.empty()) return text;
      text += part;
    }
  }
  bool ended_properly() const { return error_ == SSL_ERROR_ZERO_RETURN; }
  /// Why the last operation failed, in OpenSSL's words.
  const std::string& reason() const { return reason_; }

  void close_properly() {
    SSL_shutdown(ssl_.get());
    close_socket();
  }
  void close_socket() {
    if (socket_ >= 0) ::close(std::exchange(socket_, -1));
  }

 private:
  bool note(int outcome) {
    error_ = SSL_get_error(ssl_.get(), outcome);
    const char* text = ERR_reason_error_string(ERR_peek_error());
    reason_ = text == nullptr ? "" : text;
    ERR_clear_error();
    return outcome > 0;
  }

  int socket_;
  std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)> context_;
  std::unique_ptr<SSL, decltype([](SSL* ssl) { SSL_free(ssl); })> ssl_;
  int error_ = SSL_ERROR_NONE;
  std::string reason_;
};

}  // namespace visor::test
