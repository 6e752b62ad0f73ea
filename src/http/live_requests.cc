#include "http/live_requests.h"

#include <algorithm>
#include <array>
#include <cctype>

namespace visor::http {
namespace {

// In lower case. Parts of names: dialects differ in what stands around them.
constexpr std::array<std::string_view, 8> kSecretWords = {
    "signature", "token", "secret", "credential", "password", "key", "auth", "sig"};

bool is_secret(std::string_view name) {
  std::string lower(name);
  std::ranges::transform(lower, lower.begin(),
                         [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  // A percent sign in a name may hide any word.
  return lower.contains('%') || std::ranges::any_of(kSecretWords, [&](std::string_view word) {
           return lower.contains(word);
         });
}

}  // namespace

std::string_view to_string(Stage stage) {
  switch (stage) {
    case Stage::head:
      return "head";
    case Stage::body:
      return "body";
    case Stage::working:
      return "working";
    case Stage::sending:
      return "sending";
    case Stage::ending:
      return "ending";
  }
  return "unknown";
}

std::string without_secrets(std::string_view target) {
  const std::size_t question = target.find('?');
  if (question == std::string_view::npos) return std::string(target);
  std::string shown(target.substr(0, question + 1));
  std::string_view query = target.substr(question + 1);
  while (!query.empty()) {
    const std::size_t end = std::min(query.find('&'), query.size());
    const std::string_view pair = query.substr(0, end);
    const std::size_t equals = pair.find('=');
    if (equals != std::string_view::npos && is_secret(pair.substr(0, equals))) {
      shown.append(pair.substr(0, equals + 1)).append("-");
    } else {
      shown.append(pair);
    }
    if (end < query.size()) shown.push_back('&');
    query.remove_prefix(std::min(end + 1, query.size()));
  }
  return shown;
}

}  // namespace visor::http
