#include "store/key.h"

#include <string>

namespace visor::store {
namespace {

constexpr std::size_t kLongest = 200;

bool allowed(char c) {
  return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '/';
}

}  // namespace

Result<void> check_key(std::string_view key) {
  if (key.empty()) return fail(Code::invalid, "a blob's key must not be empty");
  if (key.size() > kLongest) {
    return fail(Code::invalid, "a blob's key has at most 200 characters",
                "length=" + std::to_string(key.size()));
  }
  if (key.front() == '/' || key.back() == '/') {
    return fail(Code::invalid, "a blob's key neither begins nor ends with '/'");
  }
  char previous = 0;
  for (const char c : key) {
    if (!allowed(c)) {
      return fail(Code::invalid, "a blob's key has only lower-case letters, digits, '-' and '/'");
    }
    if (c == '/' && previous == '/') {
      return fail(Code::invalid, "a blob's key has no empty part between two '/'");
    }
    previous = c;
  }
  return {};
}

}  // namespace visor::store
