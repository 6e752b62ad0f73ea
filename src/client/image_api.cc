#include "client/image_api.h"

#include <chrono>
#include <utility>

#include "base/encoding.h"
#include "client/body_source.h"
#include "client/session.h"
#include "document/json.h"

namespace visor::client {
namespace {

using document::Value;

// A page of a thousand images with all the properties that they may have stays below.
constexpr document::Limits kAnswerLimits{32, std::size_t{1} << 28, 50'000'000};
constexpr std::string_view kPatch = "application/openstack-images-v2.1-json-patch";
constexpr std::string_view kToken = "X-Auth-Token";
// Some servers never say that they are ready for data, and soon miss it.
constexpr std::chrono::milliseconds kLeave{500};

Request request_for(std::string method, const std::string& id, const std::string& rest = {}) {
  Request request;
  request.method = std::move(method);
  request.path = "/v2/images/" + percent_encode(id) + rest;
  return request;
}

std::string member_path(const std::string& member) { return "/members/" + percent_encode(member); }

Failure understood(const Answer& answer, const Address& address) {
  Failure failure = failure_of(answer);
  if (failure.request_id.empty()) {
    failure.request_id = answer.head.headers.find("x-openstack-request-id");
  }
  if (failure.status == 401) {
    failure.error.message = address.url() + " doesn't accept the token, or wants one";
  } else {
    failure.error.message = plain_sentence(failure.error.message);
  }
  return failure;
}

Outcome<Answer> accept_from(Outcome<Answer> answer, const Address& address) {
  if (!answer || answer->head.status < 300) return answer;
  return std::unexpected<Failure>(understood(*answer, address));
}

std::unexpected<Failure> no_image_service(const Address& address) {
  return local_failure(
      Code::internal, "the answer of " + address.url() +
                          " is none of the Image API v2. Is this the address of an image service?");
}

Connection with_short_leave(Connection connection) {
  connection.expect_timeout = kLeave;
  return connection;
}

}  // namespace

std::string plain_sentence(std::string_view markup) {
  std::string text;
  bool tag = false;
  for (std::size_t at = 0; at < markup.size(); ++at) {
    const char letter = markup[at];
    const char next = at + 1 < markup.size() ? markup[at + 1] : ' ';
    // A '<' that compares something has a blank or a digit behind it.
    const bool letter_follows = (next >= 'a' && next <= 'z') || (next >= 'A' && next <= 'Z');
    if (letter == '<' && (next == '/' || letter_follows)) tag = true;
    const bool blank = letter == ' ' || letter == '\n' || letter == '\r' || letter == '\t';
    if (!tag && !blank) text += letter;
    if (blank && !tag && !text.empty() && text.back() != ' ') text += ' ';
    if (tag && letter == '>') tag = false;
  }
  while (text.ends_with(' ')) text.pop_back();
  for (const auto& [entity, character] :
       {std::pair{std::string_view("&lt;"), '<'}, std::pair{std::string_view("&gt;"), '>'},
        std::pair{std::string_view("&#x27;"), '\''}, std::pair{std::string_view("&quot;"), '"'},
        std::pair{std::string_view("&amp;"), '&'}}) {
    for (auto at = text.find(entity); at != std::string::npos; at = text.find(entity, at + 1)) {
      text.replace(at, entity.size(), 1, character);
    }
  }
  return text;
}

ImageApi::ImageApi(Connection connection, TokenSource& tokens)
    : transport_(with_short_leave(std::move(connection))), tokens_(tokens) {}

Outcome<Answer> ImageApi::send(Request request, const Value* body, BodySink* sink,
                               std::string_view type) {
  const std::string text = body != nullptr ? document::write_json(*body) : std::string();
  request.headers.push_back({"Accept", "application/json"});
  if (body != nullptr) request.headers.push_back({"Content-Type", std::string(type)});
  for (bool again = false;; again = true) {
    auto token = tokens_.token();
    if (!token) return pass_on(token);
    Request attempt = request;
    if (!token->empty())
      attempt.headers.push_back({std::string(kToken), std::string(token->reveal())});
    const auto source = text_body(text);
    if (body != nullptr) attempt.body = source.get();
    auto answer = transport_.exchange(attempt, sink);
    if (!answer || answer->head.status != 401 || again) {
      return accept_from(std::move(answer), address());
    }
    auto renewed = tokens_.renew(*token);
    if (!renewed) return pass_on(renewed);
    if (!*renewed) return accept_from(std::move(answer), address());
  }
}

Outcome<Value> ImageApi::ask(Request request, const Value* body, std::string_view type) {
  auto answer = send(std::move(request), body, nullptr, type);
  if (!answer) return pass_on(answer);
  auto document = document::parse_json(answer->body, kAnswerLimits);
  if (!document || !document->is_object()) return no_image_service(address());
  return std::move(*document);
}

Outcome<void> ImageApi::tell(Request request, const Value* body) {
  auto answer = send(std::move(request), body, nullptr);
  if (!answer) return pass_on(answer);
  return {};
}

Outcome<ImagePage> ImageApi::list(const std::string& query) {
  Request request;
  request.path = "/v2/images";
  request.query = query;
  auto document = ask(std::move(request));
  if (!document) return pass_on(document);
  Value* images = document->find("images");
  if (images == nullptr || !images->is_array()) return no_image_service(address());
  ImagePage page;
  for (Value& image : *images->as_array()) {
    if (image.text("id") == nullptr) return no_image_service(address());
    page.images.push_back(std::move(image));
  }
  const std::string* next = document->text("next");
  if (next == nullptr) return page;
  // Its path may be another than the one that leads here, behind a proxy.
  const auto mark = next->find('?');
  if (mark == std::string::npos) return no_image_service(address());
  page.next = next->substr(mark + 1);
  return page;
}

Outcome<Value> ImageApi::show(const std::string& id) { return ask(request_for("GET", id)); }

Outcome<Value> ImageApi::create(const Value& image) {
  Request request;
  request.method = "POST";
  request.path = "/v2/images";
  return ask(std::move(request), &image);
}

Outcome<Value> ImageApi::change(const std::string& id, const Value& operations) {
  return ask(request_for("PATCH", id), &operations, kPatch);
}

Outcome<void> ImageApi::deactivate(const std::string& id) {
  return tell(request_for("POST", id, "/actions/deactivate"));
}

Outcome<void> ImageApi::reactivate(const std::string& id) {
  return tell(request_for("POST", id, "/actions/reactivate"));
}

Outcome<Value> ImageApi::members(const std::string& id) {
  auto document = ask(request_for("GET", id, "/members"));
  if (!document) return document;
  Value* members = document->find("members");
  if (members == nullptr || !members->is_array()) return no_image_service(address());
  return std::move(*members);
}

Outcome<void> ImageApi::add_member(const std::string& id, const std::string& member) {
  const Value body = Value::object({{"member", member}});
  return tell(request_for("POST", id, "/members"), &body);
}

Outcome<void> ImageApi::answer_for_member(const std::string& id, const std::string& member,
                                          const std::string& status) {
  const Value body = Value::object({{"status", status}});
  return tell(request_for("PUT", id, member_path(member)), &body);
}

Outcome<void> ImageApi::remove_member(const std::string& id, const std::string& member) {
  return tell(request_for("DELETE", id, member_path(member)));
}

Outcome<void> ImageApi::upload(const std::string& id, BodySource& body) {
  auto token = tokens_.token();
  if (!token) return pass_on(token);
  Request request = request_for("PUT", id, "/file");
  request.headers = {{"Accept", "application/json"},
                     {"Content-Type", "application/octet-stream"},
                     {"Expect", "100-continue"}};
  if (!token->empty())
    request.headers.push_back({std::string(kToken), std::string(token->reveal())});
  if (const auto size = body.size()) {
    request.headers.push_back({"X-OpenStack-Image-Size", std::to_string(*size)});
  }
  request.body = &body;
  auto answer = accept_from(transport_.exchange(request), address());
  if (answer) return {};
  Failure failure = std::move(answer.error());
  if (failure.status == 401) {
    auto renewed = tokens_.renew(*token);
    if (!renewed) return pass_on(renewed);
    if (*renewed) failure.error.retry = Retry::later;
  }
  return std::unexpected<Failure>(std::move(failure));
}

Outcome<void> ImageApi::download(const std::string& id, std::uint64_t first, BodySink& sink) {
  Request request = request_for("GET", id, "/file");
  if (first > 0) request.headers.push_back({"Range", "bytes=" + std::to_string(first) + "-"});
  auto answer = send(std::move(request), nullptr, &sink);
  if (!answer) return pass_on(answer);
  return {};
}

}  // namespace visor::client
