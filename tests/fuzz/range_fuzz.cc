// Ranges, conditions, paths and addresses from a stranger: a range lies within what there is, a
// condition on the very tag that was given out holds, and a path catches no more than a segment.
#include <cstdint>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/encoding.h"
#include "client/address.h"
#include "head_of_lines.h"
#include "http/range.h"
#include "http/router.h"

namespace {

using namespace visor;
using namespace visor::http;
using fuzz::require;

const Time kModified = *parse_http_time("Fri, 15 Jun 2012 21:05:20 GMT");

void check_range(std::optional<std::string_view> text, std::uint64_t size) {
  ResolvedRange range;
  switch (resolve_range(text, size, range)) {
    case RangeOutcome::whole:
      require(range.offset == 0 && range.length == size);
      break;
    case RangeOutcome::partial:
      require(range.length > 0 && range.length <= size && range.offset <= size - range.length);
      require(content_range(range, size).starts_with("bytes "));
      break;
    case RangeOutcome::unsatisfiable:
      require(text.has_value());
      break;
  }
}

void check_conditions(const RequestHead& head) {
  const Validators validators{"\"0123abcd\"", kModified};
  const Condition condition = evaluate_conditions(head, validators);
  require(condition != Condition::not_modified || head.method == "GET");
  const bool conditional = head.field("If-Match") || head.field("If-None-Match") ||
                           head.field("If-Modified-Since") || head.field("If-Unmodified-Since");
  require(conditional || condition == Condition::proceed);
  require(head.field("If-Range") || range_applies(head, validators));
  (void)evaluate_conditions(head, {});
  (void)range_applies(head, {});
  // The very tag among whatever else a field of its own says.
  RequestHead with_tag;
  with_tag.method = head.method;
  with_tag.fields.push_back({"If-None-Match", validators.etag});
  with_tag.fields.insert(with_tag.fields.end(), head.fields.begin(), head.fields.end());
  const Condition tagged = evaluate_conditions(with_tag, validators);
  require(tagged != Condition::proceed);
}

void check_path(std::string_view path) {
  static const Router& router = []() -> Router& {
    auto& made = *new Router;
    made.add("GET", "/images", {});
    made.add("GET", "/images/detail", {});
    made.add("GET", "/images/{id}", {});
    made.add("PUT", "/images/{id}", {});
    made.add("GET", "/images/{id}/metadata", {});
    return made;
  }();
  const auto match = router.match("GET", path);
  require(match.action == nullptr || match.allowed.empty());
  require(match.parameters.size() <= 1);
  for (const std::string& parameter : match.parameters) {
    require(!parameter.empty() && parameter != "." && parameter != "..");
    require(!parameter.contains('\0'));
  }
  const std::string folded = fold_slashes(path);
  require(!folded.contains("//") && fold_slashes(folded) == folded);
  require(router.match("GET", folded).parameters == match.parameters);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  RequestHead head;
  head.method = size % 2 == 0 ? "GET" : "PUT";
  fuzz::head_of_lines(text, head);
  const std::string_view line = text.substr(0, text.find('\n'));
  for (const std::uint64_t of : {std::uint64_t{0}, std::uint64_t{1}, std::uint64_t{1000},
                                 std::uint64_t{1} << 40, UINT64_MAX}) {
    check_range(line, of);
    check_range(head.field("Range"), of);
  }
  check_conditions(head);
  check_path(line);
  (void)parse_query(line);
  (void)client::parse_address(std::string(line));
  return 0;
}
