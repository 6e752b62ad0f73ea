// A text that must not leak.
#pragma once

#include <string>
#include <string_view>
#include <utility>

namespace visor {

/// Holds a secret: wiped when it goes, no way to stream or format it, compared in constant time.
class Secret {
 public:
  Secret() = default;
  explicit Secret(std::string value) : value_(std::move(value)) {}
  Secret(const Secret&) = default;
  Secret(Secret&& other) noexcept;
  Secret& operator=(const Secret& other);
  Secret& operator=(Secret&& other) noexcept;
  ~Secret() { wipe(); }

  /// The secret itself, for the one call that needs it. Don't store what it returns.
  std::string_view reveal() const { return value_; }
  bool empty() const { return value_.empty(); }
  friend bool operator==(const Secret& left, const Secret& right);

 private:
  void wipe() noexcept;
  std::string value_;
};

}  // namespace visor
