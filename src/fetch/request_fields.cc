#include "fetch/request_fields.h"

#include <algorithm>
#include <array>
#include <limits>

#include "base/encoding.h"

namespace visor::fetch {
namespace {

constexpr std::array<std::string_view, 5> kMethods = {"GET", "HEAD", "PUT", "POST", "DELETE"};
/// Of the framing and the connection, which are libcurl's business.
constexpr std::array<std::string_view, 5> kReserved = {"host", "content-length",
                                                       "transfer-encoding", "connection", "expect"};

bool is_token_character(char c) {
  return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
         std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
}

bool is_control(char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }

}  // namespace

Result<void> add_field(std::vector<std::string>& fields, std::string_view name,
                       std::string_view value) {
  if (name.empty() || !std::ranges::all_of(name, is_token_character)) {
    return fail(Code::invalid, "a field of a request has no sound name", "fetch.field");
  }
  if (std::ranges::any_of(value, is_control)) {
    return fail(Code::invalid, "a field of a request contains a control character",
                "fetch.field " + std::string(name));
  }
  // libcurl's way of writing a field without a value.
  const bool empty = value.find_first_not_of(' ') == std::string_view::npos;
  fields.push_back(std::string(name) + (empty ? std::string(";") : ": " + std::string(value)));
  return {};
}

Result<Request> request_for(const Call& call) {
  if (std::ranges::find(kMethods, call.method) == kMethods.end()) {
    return fail(Code::invalid, "requests have the method GET, HEAD, PUT, POST or DELETE",
                "fetch.call");
  }
  const bool reads = call.method == "GET" || call.method == "HEAD";
  if (call.body != nullptr && reads) {
    return fail(Code::invalid, "a request with the method GET or HEAD has no body", "fetch.call");
  }
  if (call.body_size && *call.body_size > std::uint64_t{std::numeric_limits<std::int64_t>::max()}) {
    return fail(Code::too_large, "the data to send is larger than a request can carry",
                "fetch.call");
  }
  Request request;
  request.method = call.method;
  request.sends = call.body != nullptr && call.body_size != 0;
  request.body_size = call.body_size;
  request.expect_continue = request.sends && call.expect_continue;
  request.answer_timeout = call.answer_timeout;
  for (const auto& [name, value] : call.fields) {
    if (std::ranges::find(kReserved, to_lower(name)) != kReserved.end()) {
      return fail(Code::invalid, "the field " + name + " is not the caller's to set", "fetch.call");
    }
    if (auto added = add_field(request.fields, name, value); !added) return pass(added);
  }
  return request;
}

bool may_repeat(const Request& request) {
  return !request.sends && request.method != "PUT" && request.method != "POST";
}

}  // namespace visor::fetch
