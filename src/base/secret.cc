#include "base/secret.h"

#include <openssl/crypto.h>

#include "base/digest.h"

namespace visor {

// A short string's characters lie in the object itself and stay there when it is moved from, so the
// source is wiped too.
Secret::Secret(Secret&& other) noexcept : value_(std::move(other.value_)) { other.wipe(); }

Secret& Secret::operator=(const Secret& other) {
  if (this != &other) {
    wipe();
    value_ = other.value_;
  }
  return *this;
}

Secret& Secret::operator=(Secret&& other) noexcept {
  if (this != &other) {
    wipe();
    value_ = std::move(other.value_);
    other.wipe();
  }
  return *this;
}

bool operator==(const Secret& left, const Secret& right) {
  return equal_in_constant_time(left.value_, right.value_);
}

void Secret::wipe() noexcept {
  // Growing to the capacity never allocates, and makes every byte the string owns one that may be
  // written.
  value_.resize(value_.capacity());
  OPENSSL_cleanse(value_.data(), value_.size());
  value_.clear();
}

}  // namespace visor
