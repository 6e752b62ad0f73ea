#include "http/codec.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <limits>

#include "base/encoding.h"
#include "base/units.h"

namespace visor::http {
namespace {

constexpr std::string_view kTokenPunctuation = "!#$%&'*+-.^_`|~";
constexpr std::size_t kMethodBytes = 32;
constexpr std::size_t kSkimmedLineBytes = 1024;
constexpr std::size_t kSkimmedBytes = 1024 * 1024;

enum : unsigned char { kToken = 1, kValue = 2, kTarget = 4, kHost = 8 };

constexpr auto kClasses = [] {
  std::array<unsigned char, 256> classes{};
  for (unsigned c = 0; c < 256; ++c) {
    const char character = static_cast<char>(c);
    const bool alphanumeric =
        (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
    if (alphanumeric || (c < 128 && kTokenPunctuation.contains(character))) classes[c] |= kToken;
    if (c == '\t' || (c >= 0x20 && c != 0x7f)) classes[c] |= kValue;
    if (c > 0x20 && c < 0x7f && c != '#') classes[c] |= kTarget;
    if (alphanumeric || (c < 128 && std::string_view("-._~!$&'()*+,;=%:[]").contains(character))) {
      classes[c] |= kHost;
    }
  }
  return classes;
}();

bool has_class(char c, unsigned char wanted) {
  return (kClasses[static_cast<unsigned char>(c)] & wanted) != 0;
}
bool all_of_class(std::string_view text, unsigned char wanted) {
  return std::ranges::all_of(text, [wanted](char c) { return has_class(c, wanted); });
}

bool is_digit(char c) { return c >= '0' && c <= '9'; }

// `name`, `1.2.3.4` or `[::1]`, with or without a port.
bool is_authority(std::string_view text) {
  if (text.empty() || !all_of_class(text, kHost)) return false;
  std::string_view rest = text;
  if (rest.starts_with('[')) {
    const std::size_t end = rest.find(']');
    if (end == std::string_view::npos || end < 3) return false;
    const bool hexadecimal = std::ranges::all_of(rest.substr(1, end - 1), [](char c) {
      return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F') || c == ':' ||
             c == '.';
    });
    if (!hexadecimal) return false;
    rest.remove_prefix(end + 1);
  } else {
    const std::size_t end = std::min(rest.find(':'), rest.size());
    if (end == 0 || rest.substr(0, end).find_first_of("[]") != std::string_view::npos) return false;
    rest.remove_prefix(end);
  }
  if (rest.empty()) return true;
  rest.remove_prefix(1);
  return text[text.size() - rest.size() - 1] == ':' && rest.size() <= 5 &&
         std::ranges::all_of(rest, is_digit);
}

// What the fields say about the message, gathered while they are read.
struct FieldFacts {
  std::string_view host;
  std::size_t hosts = 0;
  std::size_t lengths = 0;
  std::size_t codings = 0;
  bool coding_is_chunked = false;
  bool length_is_number = true;
  bool says_close = false;
  bool says_keep_alive = false;
  bool expects_unknown = false;
};

void note_connection(std::string_view value, FieldFacts& facts) {
  while (!value.empty()) {
    const std::size_t comma = std::min(value.find(','), value.size());
    const std::string_view option = trim(value.substr(0, comma));
    if (equal_ignoring_case(option, "close")) facts.says_close = true;
    if (equal_ignoring_case(option, "keep-alive")) facts.says_keep_alive = true;
    value.remove_prefix(std::min(comma + 1, value.size()));
  }
}

void note_content_length(std::string_view value, RequestHead& head, FieldFacts& facts) {
  ++facts.lengths;
  const auto length = parse_unsigned(value);
  if (!length || *length > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max())) {
    facts.length_is_number = false;
  } else {
    head.content_length = *length;
  }
}

// Only names of these lengths can matter; the rest passes with one comparison of a number.
void note_field(const Field& field, RequestHead& head, FieldFacts& facts) {
  switch (field.name.size()) {
    case 4:
      if (equal_ignoring_case(field.name, "host")) {
        ++facts.hosts;
        facts.host = field.value;
      }
      break;
    case 6:
      if (equal_ignoring_case(field.name, "expect")) {
        if (equal_ignoring_case(field.value, "100-continue")) {
          head.expects_continue = true;
        } else {
          facts.expects_unknown = true;
        }
      }
      break;
    case 10:
      if (equal_ignoring_case(field.name, "connection")) note_connection(field.value, facts);
      break;
    case 14:
      if (equal_ignoring_case(field.name, "content-length"))
        note_content_length(field.value, head, facts);
      break;
    case 17:
      if (equal_ignoring_case(field.name, "transfer-encoding")) {
        ++facts.codings;
        facts.coding_is_chunked = equal_ignoring_case(field.value, "chunked");
      }
      break;
    default:
      break;
  }
}

HeadFailure check_facts(const FieldFacts& facts, std::string_view authority, RequestHead& head) {
  if (facts.hosts > 1) return {400, "the request has more than one Host"};
  if (facts.hosts == 0 && head.minor_version > 0) return {400, "the request has no Host"};
  if (facts.hosts == 1 && !is_authority(facts.host))
    return {400, "the Host of the request is malformed"};
  if (!authority.empty() && facts.hosts == 1 && !equal_ignoring_case(authority, facts.host)) {
    return {400, "the request's target names another host than its Host"};
  }
  if (facts.lengths > 1) return {400, "the request has more than one Content-Length"};
  if (!facts.length_is_number) return {400, "the Content-Length is not a number"};
  if (facts.codings > 0) {
    if (facts.lengths > 0)
      return {400, "the request has both a Content-Length and a Transfer-Encoding"};
    if (facts.codings > 1) return {400, "the request has more than one Transfer-Encoding"};
    if (head.minor_version == 0) return {400, "HTTP/1.0 knows no Transfer-Encoding"};
    if (!facts.coding_is_chunked)
      return {501, "the only Transfer-Encoding that this server knows is chunked"};
    head.chunked = true;
  }
  if (head.minor_version == 0) {
    head.expects_continue = false;
  } else if (facts.expects_unknown) {
    return {417, "the only expectation that this server can meet is 100-continue"};
  }
  head.keep_alive = !facts.says_close && (head.minor_version > 0 || facts.says_keep_alive);
  return {};
}

}  // namespace

void HeadSkimmer::feed(std::string_view bytes) {
  for (const char c : bytes) {
    if (finished_) return;
    if (c == '\n') {
      finished_ = has_line_ && line_bytes_ == 0;
      has_line_ = has_line_ || line_bytes_ > 0;
      line_bytes_ = 0;
    } else if (c != '\r') {
      ++line_bytes_;
    }
    if (line_bytes_ <= kSkimmedLineBytes) text_ += c;
    finished_ = finished_ || ++seen_ >= kSkimmedBytes || text_.size() >= limits_.head_bytes;
  }
}

void make_out_head(std::string_view bytes, const Limits& limits, RequestHead& head) {
  head.storage.assign(bytes.substr(0, limits.head_bytes));
  head.method = head.target = head.path = head.query = {};
  head.fields.clear();
  std::string_view rest(head.storage);
  const auto next_line = [&rest](std::string_view& line) {
    const std::size_t end = rest.find('\n');
    if (end == std::string_view::npos) return false;
    line = rest.substr(0, end > 0 && rest[end - 1] == '\r' ? end - 1 : end);
    rest.remove_prefix(end + 1);
    return true;
  };
  if (rest.starts_with("\r\n")) rest.remove_prefix(2);
  const std::size_t blank = std::min(rest.find(' '), rest.size());
  if (is_token(rest.substr(0, blank)) && blank <= kMethodBytes) head.method = rest.substr(0, blank);
  const std::string_view target = rest.substr(std::min(blank + 1, rest.size()));
  const std::string_view path = target.substr(0, target.find_first_of(" ?\r\n"));
  if (path.size() <= limits.uri_bytes && all_of_class(path, kTarget)) head.path = path;

  std::string_view line;
  if (!next_line(line)) return;
  while (head.fields.size() < 2 * limits.fields && next_line(line) && !line.empty()) {
    const std::size_t colon = std::min(line.find(':'), line.size());
    const std::string_view value = line.substr(std::min(colon + 1, line.size()));
    const Field field{line.substr(0, colon), trim(value)};
    if (is_token(field.name) && is_field_value(field.value)) head.fields.push_back(field);
  }
}

bool is_token(std::string_view text) { return !text.empty() && all_of_class(text, kToken); }
bool is_field_value(std::string_view text) { return all_of_class(text, kValue); }

HeadParser::Outcome HeadParser::fail(int status, std::string_view reason) {
  failure_ = {status, reason};
  return Outcome::failed;
}

// Looks for the end of the head line by line, so that what can never become one is refused at once
// and not when time is up.
HeadParser::Outcome HeadParser::parse(std::string_view bytes, RequestHead& head) {
  const std::size_t line_limit = limits_.uri_bytes + kMethodBytes + sizeof "  HTTP/1.1\r\n";
  while (true) {
    const std::size_t limit =
        request_at_ +
        (has_request_line_ ? limits_.head_bytes : std::min(line_limit, limits_.head_bytes));
    const std::size_t visible = std::min(bytes.size(), limit);
    const char* line = bytes.data() + scanned_;
    const auto* newline =
        scanned_ < visible ? static_cast<const char*>(std::memchr(line, '\n', visible - scanned_))
                           : nullptr;
    if (!has_request_line_ && scanned_ < bytes.size() && *line != '\r' &&
        !has_class(*line, kToken)) {
      return fail(400, "the request does not begin with a method");
    }
    if (newline == nullptr) {
      if (bytes.size() < limit) return Outcome::incomplete;
      return has_request_line_ ? fail(431, "the header fields of the request are too large")
                               : fail(414, "the request's target is too long");
    }
    const auto length = static_cast<std::size_t>(newline - line);
    if (length == 0 || newline[-1] != '\r')
      return fail(400, "a line of the request does not end in CR and LF");
    scanned_ += length + 1;
    if (length > 1) {
      has_request_line_ = true;
    } else if (has_request_line_) {
      return parse_complete(bytes.substr(request_at_, scanned_ - request_at_), head);
    } else if (request_at_ > 0) {
      return fail(400, "the request does not begin with a method");
    } else {
      // RFC 9112, 2.2: an empty line before the request is ignored.
      request_at_ = scanned_;
    }
  }
}

HeadParser::Outcome HeadParser::parse_complete(std::string_view bytes, RequestHead& head) {
  head.storage.assign(bytes);
  const std::string_view text(head.storage);
  const std::size_t end = text.find("\r\n");
  if (const Outcome outcome = parse_request_line(text.substr(0, end), head);
      outcome != Outcome::complete) {
    return outcome;
  }
  std::string_view authority;
  if (const Outcome outcome = parse_target(head, authority); outcome != Outcome::complete)
    return outcome;
  return parse_fields(text.substr(end + 2, text.size() - end - 4), head, authority);
}

HeadParser::Outcome HeadParser::parse_request_line(std::string_view line, RequestHead& head) {
  const std::size_t first = line.find(' ');
  const std::size_t second = line.rfind(' ');
  if (first == std::string_view::npos || first == second)
    return fail(400, "the request line is malformed");
  head.method = line.substr(0, first);
  head.target = line.substr(first + 1, second - first - 1);
  const std::string_view version = line.substr(second + 1);
  if (!is_token(head.method)) return fail(400, "the request's method is malformed");
  if (head.target.size() > limits_.uri_bytes) return fail(414, "the request's target is too long");
  if (head.target.empty() || !all_of_class(head.target, kTarget)) {
    return fail(400, "the request's target has characters that must be percent-encoded");
  }
  if (version.size() != 8 || !version.starts_with("HTTP/") || !is_digit(version[5]) ||
      version[6] != '.' || !is_digit(version[7])) {
    return fail(400, "the request line is malformed");
  }
  if (version[5] != '1' || version[7] > '1')
    return fail(505, "this server speaks HTTP/1.1 and HTTP/1.0");
  head.minor_version = version[7] - '0';
  const bool capitals =
      std::ranges::none_of(head.method, [](char c) { return c >= 'a' && c <= 'z'; });
  if (!capitals || head.method.size() > kMethodBytes || head.method == "CONNECT") {
    return fail(501, "this server does not know the request's method");
  }
  return Outcome::complete;
}

HeadParser::Outcome HeadParser::parse_target(RequestHead& head, std::string_view& authority) {
  std::string_view rest = head.target;
  if (rest == "*") {
    if (head.method != "OPTIONS") return fail(400, "the target * is for OPTIONS only");
    head.path = rest;
    return Outcome::complete;
  }
  if (!rest.starts_with('/')) {
    const std::size_t colon = rest.find("://");
    const std::string_view scheme = rest.substr(0, std::min(colon, rest.size()));
    if (colon == std::string_view::npos ||
        !(equal_ignoring_case(scheme, "http") || equal_ignoring_case(scheme, "https"))) {
      return fail(400, "the request's target is neither a path nor an http address");
    }
    rest.remove_prefix(colon + 3);
    const std::size_t end = std::min(rest.find_first_of("/?"), rest.size());
    authority = rest.substr(0, end);
    if (!is_authority(authority)) return fail(400, "the host in the request's target is malformed");
    rest.remove_prefix(end);
  }
  const std::size_t mark = std::min(rest.find('?'), rest.size());
  head.path = mark == 0 ? std::string_view("/") : rest.substr(0, mark);
  head.query = rest.substr(std::min(mark + 1, rest.size()));
  return Outcome::complete;
}

HeadParser::Outcome HeadParser::parse_fields(std::string_view lines, RequestHead& head,
                                             std::string_view authority) {
  FieldFacts facts;
  head.fields.reserve(16);
  while (!lines.empty()) {
    const std::size_t end = lines.find("\r\n");
    const std::string_view line = lines.substr(0, end);
    lines.remove_prefix(end + 2);
    if (head.fields.size() == limits_.fields)
      return fail(431, "the request has too many header fields");
    if (line.front() == ' ' || line.front() == '\t')
      return fail(400, "a header field is folded over two lines");
    std::size_t colon = 0;
    while (colon < line.size() && has_class(line[colon], kToken)) ++colon;
    if (colon == 0 || colon == line.size() || line[colon] != ':') {
      return fail(400, "the name of a header field is malformed");
    }
    const Field field{line.substr(0, colon), trim(line.substr(colon + 1))};
    if (!is_field_value(field.value))
      return fail(400, "the value of a header field has a control character");
    note_field(field, head, facts);
    head.fields.push_back(field);
  }
  failure_ = check_facts(facts, authority, head);
  return failure_.status == 0 ? Outcome::complete : Outcome::failed;
}

}  // namespace visor::http
