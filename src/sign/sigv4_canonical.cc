#include "sign/sigv4_canonical.h"

#include <algorithm>
#include <array>
#include <compare>
#include <utility>

#include "base/encoding.h"
#include "base/sha256.h"

namespace visor::sign {
namespace {

struct Parameter {
  std::string_view name;
  std::string_view value;
  auto operator<=>(const Parameter&) const = default;
};
using Parameters = std::vector<Parameter>;

// More than most queries have.
constexpr std::size_t kUsualParameters = 16;

constexpr std::string_view kSignatureParameter = "X-Amz-Signature";

template <class Each>
void for_each_parameter(std::string_view query, Each each) {
  if (query.empty()) return;
  for (std::size_t start = 0; start <= query.size();) {
    const std::size_t end = std::min(query.find('&', start), query.size());
    const std::string_view pair = query.substr(start, end - start);
    start = end + 1;
    const auto equals = pair.find('=');
    const std::string_view name = pair.substr(0, equals);
    each(name, equals == std::string_view::npos ? std::string_view{} : pair.substr(equals + 1));
  }
}

std::string join_sorted(Parameters& parameters) {
  std::sort(parameters.begin(), parameters.end());
  std::string joined;
  std::size_t size = 0;
  for (const Parameter& parameter : parameters) {
    size += parameter.name.size() + parameter.value.size() + 2;
  }
  joined.reserve(size);
  for (const Parameter& parameter : parameters) {
    if (!joined.empty()) joined += '&';
    joined.append(parameter.name).append("=").append(parameter.value);
  }
  return joined;
}

constexpr auto kUnreserved = [] {
  std::array<bool, 256> unreserved{};
  for (unsigned c = 0; c < 128; ++c) {
    unreserved[c] = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
                    c == '-' || c == '.' || c == '_' || c == '~';
  }
  return unreserved;
}();

int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return -1;
}

// Decodes and encodes again, in the one right way; false if a '%' is not followed by two hex
// digits. `out` has the room for it.
bool append_canonical(std::string& out, std::string_view text) {
  constexpr std::string_view kDigits = "0123456789ABCDEF";
  for (std::size_t i = 0; i < text.size(); ++i) {
    auto byte = static_cast<unsigned char>(text[i]);
    if (byte == '%') {
      if (text.size() - i < 3) return false;
      const int high = hex_value(text[i + 1]);
      const int low = hex_value(text[i + 2]);
      if (high < 0 || low < 0) return false;
      byte = static_cast<unsigned char>(high << 4 | low);
      i += 2;
    }
    if (kUnreserved[byte]) {
      out += static_cast<char>(byte);
    } else {
      out += '%';
      out += kDigits[byte >> 4];
      out += kDigits[byte & 15];
    }
  }
  return true;
}

// Whether folding and encoding leave a path as it is.
bool is_canonical_path(std::string_view path) {
  if (path.front() != '/') return false;
  char before = 'x';
  for (const char c : path) {
    if (c == '/' ? before == '/' : !kUnreserved[static_cast<unsigned char>(c)]) return false;
    if (c == '.' && before == '/') return false;
    before = c;
  }
  return true;
}

bool is_space(char c) {
  return c == ' ' || c == '\t' || c == '\r' || c == '\n' || c == '\f' || c == '\v';
}

// Without blanks at the ends, and with one space for each run of them inside.
void append_folded(std::string& out, std::string_view value) {
  bool pending = false;
  bool started = false;
  for (const char c : value) {
    if (is_space(c)) {
      pending = started;
      continue;
    }
    if (pending) out += ' ';
    pending = false;
    started = true;
    out += c;
  }
}

}  // namespace

std::string CredentialScope::text() const {
  return date + "/" + region + "/" + service + "/aws4_request";
}

std::string canonical_path(std::string_view path, PathForm form) {
  if (path.empty()) return "/";
  if (form == PathForm::as_sent || is_canonical_path(path)) return std::string(path);
  std::vector<std::string_view> segments;
  for (std::size_t start = 0; start <= path.size();) {
    const std::size_t end = std::min(path.find('/', start), path.size());
    const std::string_view segment = path.substr(start, end - start);
    if (segment == "..") {
      if (!segments.empty()) segments.pop_back();
    } else if (!segment.empty() && segment != ".") {
      segments.push_back(segment);
    }
    start = end + 1;
  }
  std::string folded = path.front() == '/' ? "/" : "";
  for (std::size_t i = 0; i < segments.size(); ++i) {
    if (i > 0) folded += '/';
    folded += segments[i];
  }
  if (path.back() == '/' && !segments.empty()) folded += '/';
  return percent_encode(folded, "/");
}

std::optional<std::string> canonical_query(std::string_view query) {
  std::string encoded;
  encoded.reserve(3 * query.size());  // the parameters point into it
  Parameters parameters;
  parameters.reserve(kUsualParameters);
  bool readable = true;
  for_each_parameter(query, [&](std::string_view name, std::string_view value) {
    if (!readable || (name.empty() && value.empty())) return;
    const std::size_t start = encoded.size();
    readable = append_canonical(encoded, name);
    const std::size_t middle = encoded.size();
    readable = readable && append_canonical(encoded, value);
    const std::string_view all(encoded);
    const Parameter parameter{all.substr(start, middle - start), all.substr(middle)};
    if (parameter.name != kSignatureParameter) parameters.push_back(parameter);
  });
  if (!readable) return std::nullopt;
  return join_sorted(parameters);
}

std::string sorted_query(std::string_view query) {
  Parameters parameters;
  parameters.reserve(kUsualParameters);
  for_each_parameter(query, [&](std::string_view name, std::string_view value) {
    if (name != kSignatureParameter) parameters.push_back({name, value});
  });
  return join_sorted(parameters);
}

std::optional<std::string> canonical_request(const RequestHead& head, PathForm form,
                                             std::string_view query,
                                             const std::vector<std::string>& signed_headers,
                                             std::string_view payload_hash) {
  constexpr std::size_t kRoomForHeaders = 512;
  std::string text;
  text.reserve(head.method.size() + head.path.size() + query.size() + payload_hash.size() +
               kRoomForHeaders);
  text.append(head.method).append("\n");
  text.append(canonical_path(head.path, form)).append("\n").append(query).append("\n");
  for (const std::string& name : signed_headers) {
    text.append(name).append(":");
    bool found = false;
    for (const Header& header : head.headers) {
      if (!equal_ignoring_case(header.name, name)) continue;
      if (found) text += ',';
      append_folded(text, header.value);
      found = true;
    }
    if (!found) return std::nullopt;
    text += '\n';
  }
  text += '\n';
  bool first = true;
  for (const std::string& name : signed_headers) {
    if (!std::exchange(first, false)) text += ';';
    text += name;
  }
  text.append("\n").append(payload_hash);
  return text;
}

std::string string_to_sign(std::string_view timestamp, const CredentialScope& scope,
                           std::string_view canonical_request) {
  std::string text;
  text.reserve(256);
  text.append(kSigV4Algorithm).append("\n").append(timestamp).append("\n");
  text.append(scope.date).append("/").append(scope.region).append("/").append(scope.service);
  text.append("/aws4_request\n").append(text_of(hex_of(sha256(canonical_request))));
  return text;
}

Secret signing_key(const Secret& secret, const CredentialScope& scope) {
  const Secret start("AWS4" + std::string(secret.reveal()));
  const auto step = [](const Secret& key, std::string_view text) {
    return Secret(std::string(bytes_of(hmac_sha256(key.reveal(), text))));
  };
  const Secret day = step(start, scope.date);
  const Secret region = step(day, scope.region);
  const Secret service = step(region, scope.service);
  return step(service, "aws4_request");
}

std::string sigv4_signature(const Secret& key, std::string_view text) {
  return std::string(text_of(hex_of(hmac_sha256(key.reveal(), text))));
}

}  // namespace visor::sign
