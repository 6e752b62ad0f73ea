#include "http/router.h"

#include <algorithm>
#include <utility>

#include "base/encoding.h"

namespace visor::http {
namespace {

constexpr std::size_t kUsualSegments = 6;

bool catches(std::string_view pattern_segment) {
  return pattern_segment.size() > 2 && pattern_segment.front() == '{' &&
         pattern_segment.back() == '}';
}

std::vector<std::string_view> split_path(std::string_view path) {
  std::vector<std::string_view> segments;
  segments.reserve(kUsualSegments);
  while (!path.empty()) {
    const std::size_t slash = std::min(path.find('/'), path.size());
    if (slash > 0) segments.push_back(path.substr(0, slash));
    path.remove_prefix(std::min(slash + 1, path.size()));
  }
  return segments;
}

// Decodes the path's segments; false if one of them could be mistaken for something else.
bool decode_segments(std::string_view path, std::vector<std::string>& decoded) {
  if (!path.starts_with('/')) return false;
  const auto parts = split_path(path);
  decoded.reserve(parts.size());
  for (const std::string_view segment : parts) {
    if (segment.find('%') == std::string_view::npos) {
      decoded.emplace_back(segment);
    } else {
      auto text = percent_decode(segment);
      if (!text) return false;
      decoded.push_back(std::move(*text));
    }
    const std::string& text = decoded.back();
    if (text == "." || text == ".." || text.contains('\0')) return false;
  }
  return true;
}

}  // namespace

void Router::add(std::string method, std::string_view pattern, Action action) {
  Route route{std::move(method), {}, std::move(action)};
  for (const std::string_view segment : split_path(pattern)) route.segments.emplace_back(segment);
  routes_.push_back(std::move(route));
}

std::vector<std::pair<std::string, std::string>> Router::listed() const {
  std::vector<std::pair<std::string, std::string>> listed;
  for (const Route& route : routes_) {
    std::string pattern;
    for (const std::string& segment : route.segments) pattern.append("/").append(segment);
    listed.emplace_back(route.method, pattern.empty() ? "/" : std::move(pattern));
  }
  return listed;
}

Router::Match Router::match(std::string_view method, std::string_view path) const {
  Match match;
  std::vector<std::string> segments;
  if (!decode_segments(path, segments)) return match;

  // A literal segment is worth more than one that is caught, the earlier the more; so the order of
  // add() does not count.
  const Route* best = nullptr;
  const auto more_literal = [](const Route& left, const Route& right) {
    for (std::size_t i = 0; i < left.segments.size(); ++i) {
      const bool left_catches = catches(left.segments[i]);
      if (left_catches != catches(right.segments[i])) return !left_catches;
    }
    return false;
  };
  for (const Route& route : routes_) {
    if (route.segments.size() != segments.size()) continue;
    const bool same = std::ranges::equal(
        route.segments, segments, [](const std::string& pattern, const std::string& segment) {
          return catches(pattern) ? !segment.empty() : pattern == segment;
        });
    if (same && (best == nullptr || more_literal(route, *best))) best = &route;
  }
  if (best == nullptr) return match;
  // The path is the resource of its best pattern for every method: one that this pattern doesn't
  // know must not reach what a parameter would catch.
  const Route* found = nullptr;
  std::vector<const Route*> others;
  for (const Route& route : routes_) {
    if (route.segments.size() != best->segments.size()) continue;
    const bool same = std::ranges::equal(
        route.segments, best->segments, [](const std::string& left, const std::string& right) {
          return left == right || (catches(left) && catches(right));
        });
    if (!same) continue;
    if (route.method == method) {
      found = &route;
      break;
    }
    others.push_back(&route);
  }
  if (found == nullptr) {
    for (const Route* other : others) match.allowed.push_back(other->method);
    return match;
  }
  best = found;
  match.action = &best->action;
  for (std::size_t i = 0; i < segments.size(); ++i) {
    if (catches(best->segments[i])) match.parameters.push_back(std::move(segments[i]));
  }
  return match;
}

std::string fold_slashes(std::string_view path) {
  std::string folded;
  folded.reserve(path.size());
  for (const char c : path) {
    if (c != '/' || !folded.ends_with('/')) folded += c;
  }
  if (folded.size() > 1 && folded.ends_with('/')) folded.pop_back();
  return folded;
}

std::optional<std::vector<std::pair<std::string, std::string>>> parse_query(
    std::string_view query) {
  const auto decode = [](std::string_view text) -> std::optional<std::string> {
    std::string blanks(text);
    std::ranges::replace(blanks, '+', ' ');
    auto decoded = percent_decode(blanks);
    if (!decoded || !valid_utf8(*decoded)) return std::nullopt;
    return decoded;
  };
  std::vector<std::pair<std::string, std::string>> pairs;
  while (!query.empty()) {
    const std::size_t end = std::min(query.find('&'), query.size());
    const std::string_view pair = query.substr(0, end);
    query.remove_prefix(std::min(end + 1, query.size()));
    if (pair.empty()) continue;
    const std::size_t equals = std::min(pair.find('='), pair.size());
    auto name = decode(pair.substr(0, equals));
    auto value = decode(pair.substr(std::min(equals + 1, pair.size())));
    if (!name || !value) return std::nullopt;
    pairs.emplace_back(std::move(*name), std::move(*value));
  }
  return pairs;
}

}  // namespace visor::http
