// TLS contexts: the certificate, the key and the rules with which a server speaks TLS.
#pragma once

#include <memory>
#include <string>

#include "base/error.h"

namespace visor::net {

/// Whether clients show a certificate of their own.
enum class ClientCertificates {
  none,      ///< they are not asked
  optional,  ///< they are asked; who shows one must show a good one
  required,
};

/// Where the files are, all in PEM.
struct TlsSettings {
  std::string certificate;              ///< the server's, followed by those between it and its root
  std::string key;                      ///< not encrypted, not readable by others
  std::string client_authorities = {};  ///< who may have issued clients' certificates
  ClientCertificates client_certificates = ClientCertificates::none;

  bool operator==(const TlsSettings&) const = default;
};

/// What a listener needs to speak TLS 1.2 and 1.3 (RFC 5246, RFC 8446; the choice of ciphers
/// follows RFC 9325). Certificate and key can be exchanged while connections are open: these keep
/// what they began with. Thread-safe.
class TlsContext {
 public:
  /// Reads the files. Errors are sentences for the operator that name the file and say what to do:
  /// `not_found`, `forbidden` (a key that others can read), `invalid`, `unavailable`. A certificate
  /// whose time has not come or is over is used, with a warning in the log.
  static Result<std::shared_ptr<TlsContext>> load(TlsSettings settings);
  ~TlsContext();
  TlsContext(const TlsContext&) = delete;
  TlsContext& operator=(const TlsContext&) = delete;

  /// Reads the files again; new connections get what is in them now. After an error, which is also
  /// logged, everything stays as it was; an expired certificate does not take the place of one that
  /// is good.
  Result<void> reload();
  /// The same if the files have changed since they were read, and not since the last call, so that
  /// a half-finished exchange of certificate and key is not taken. What was refused once is not
  /// tried again until it changes. To be called from time to time.
  void reload_if_changed();

  /// Whom the certificate in use is for and until when it is good, for the log:
  /// "CN = images.example.org, until Jan  1 00:00:00 2027 GMT".
  std::string certificate_in_use() const;

  struct Core;
  /// For this folder.
  Core& core() { return *core_; }

 private:
  explicit TlsContext(TlsSettings settings);
  std::unique_ptr<Core> core_;
};

}  // namespace visor::net
