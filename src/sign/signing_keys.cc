#include "sign/signing_keys.h"

namespace visor::sign {

std::shared_ptr<const Secret> SigningKeys::key(const CredentialScope& scope) const {
  {
    const std::lock_guard lock(mutex_);
    for (const Derived& derived : derived_) {
      if (derived.key && derived.scope == scope) return derived.key;
    }
  }
  auto key = std::make_shared<const Secret>(signing_key(secret_, scope));
  const std::lock_guard lock(mutex_);
  derived_[next_] = {scope, key};
  next_ = (next_ + 1) % derived_.size();
  return key;
}

}  // namespace visor::sign
