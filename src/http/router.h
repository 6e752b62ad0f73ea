// Paths to handlers.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "http/message.h"

namespace visor::http {

/// What the path patterns caught: `{id}` in "/images/{id}" becomes parameters[0], percent-decoded.
using Parameters = std::vector<std::string>;
using Action = std::function<async::Task<Response>(Request&, const Parameters&)>;

/// A table of (method, pattern) → action. Patterns are slash-separated; `{name}` catches one
/// non-empty segment. Repeated slashes are folded and a trailing one is ignored before matching; a
/// segment is decoded after it was cut out, so %2F never separates, and a segment that decodes to
/// "." or ".." or holds a NUL matches nothing. Filled before the server starts, then read-only.
class Router {
 public:
  void add(std::string method, std::string_view pattern, Action action);

  struct Match {
    const Action* action = nullptr;  ///< null: no such path, or not with this method
    Parameters parameters;
    /// Without an action: the methods that the path knows; empty: no such path.
    std::vector<std::string> allowed;
  };
  Match match(std::string_view method, std::string_view path) const;

  /// Every route as (method, pattern), in the order of add(). Patterns are folded.
  std::vector<std::pair<std::string, std::string>> listed() const;

 private:
  struct Route {
    std::string method;
    std::vector<std::string> segments;
    Action action;
  };
  std::vector<Route> routes_;
};

/// The path with repeated slashes folded into one and without a trailing one (but for "/" itself).
std::string fold_slashes(std::string_view path);

/// `a=1&b=2` as decoded pairs in order ('+' is a blank). Nothing if an escape is broken or the text
/// is not UTF-8.
std::optional<std::vector<std::pair<std::string, std::string>>> parse_query(std::string_view query);

}  // namespace visor::http
