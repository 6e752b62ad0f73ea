// A secret with the keys that were derived from it.
#pragma once

#include <array>
#include <memory>
#include <mutex>
#include <utility>

#include "base/secret.h"
#include "sign/sigv4_canonical.h"

namespace visor::sign {

/// Derives the keys of AWS Signature Version 4 and remembers those of the last few scopes: a client
/// uses one a day. The keys go with this object, so whoever renews a secret makes a new one.
/// Thread-safe.
class SigningKeys {
 public:
  explicit SigningKeys(Secret secret) : secret_(std::move(secret)) {}
  SigningKeys(const SigningKeys&) = delete;
  SigningKeys& operator=(const SigningKeys&) = delete;

  const Secret& secret() const { return secret_; }

  /// Never null.
  std::shared_ptr<const Secret> key(const CredentialScope& scope) const;

 private:
  struct Derived {
    CredentialScope scope;
    std::shared_ptr<const Secret> key;
  };

  const Secret secret_;
  mutable std::mutex mutex_;
  mutable std::array<Derived, 4> derived_;
  mutable std::size_t next_ = 0;  ///< the place that is used anew next
};

}  // namespace visor::sign
