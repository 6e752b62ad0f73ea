#include "client/client.h"

#include "base/encoding.h"
#include "document/json.h"

namespace visor::client {
namespace {

using document::Value;

// The transport bounds what is kept of an answer; within that, a list may be as long as it is.
constexpr document::Limits kAnswerLimits{32, std::size_t{1} << 30, 200'000'000};
// A server that always names a next page must not keep the client for ever.
constexpr int kMostPages = 100'000;

Outcome<std::string> image_path(const std::string& id) {
  if (id.empty() || id == "." || id == "..") {
    return local_failure(Code::invalid, "'" + id + "' is no image id");
  }
  return "/images/" + percent_encode(id);
}

Outcome<std::string> user_path(const std::string& access_key) {
  if (access_key.empty() || access_key == "." || access_key == "..") {
    return local_failure(Code::invalid, "'" + access_key + "' is no access key");
  }
  return "/users/" + percent_encode(access_key);
}

Outcome<std::string> store_path(const std::string& name) {
  if (name.empty() || name == "." || name == "..") {
    return local_failure(Code::invalid, "'" + name + "' is no store's name");
  }
  return "/stores/" + percent_encode(name);
}

Outcome<std::string> placement_path(const std::string& id) {
  if (id.empty() || id == "." || id == "..") {
    return local_failure(Code::invalid, "'" + id + "' is no placement's id");
  }
  return "/placements/" + percent_encode(id);
}

Outcome<Value> parse_answer(Outcome<Answer> answer) {
  if (!answer) return pass_on(answer);
  auto document = document::parse_json(answer->body, kAnswerLimits);
  if (!document) {
    return local_failure(Code::internal,
                         "the server's answer is no JSON document: " + document.error().message +
                             ". Is this the address of an image service?");
  }
  return std::move(*document);
}

Attributes list_parameters(const ListOptions& options) {
  Attributes parameters = options.filters;
  if (!options.sort.empty()) parameters.emplace_back("sort", options.sort);
  if (!options.direction.empty()) parameters.emplace_back("dir", options.direction);
  if (options.limit) parameters.emplace_back("limit", std::to_string(*options.limit));
  return parameters;
}

/// `next` is the marker of the next page, or a whole reference to it.
std::string next_query(const ListOptions& options, const std::string& next) {
  if (const auto mark = next.find('?'); mark != std::string::npos) return next.substr(mark + 1);
  Attributes parameters = list_parameters(options);
  parameters.emplace_back("marker", next);
  return write_query(parameters);
}

}  // namespace

Client::Client(Connection connection, std::optional<Credentials> credentials, const Clock& clock)
    : session_(std::move(connection), std::move(credentials), clock) {}

Outcome<Value> Client::ask(Request request, std::string body) {
  request.headers.push_back({"Accept", "application/json"});
  return parse_answer(accept(session_.send(std::move(request), nullptr, std::move(body))));
}

Outcome<Value> Client::ask_for_all(Request request, std::string body) {
  request.headers.push_back({"x-visor-scope", "all"});
  return ask(std::move(request), std::move(body));
}

Outcome<Value> Client::list(const ListOptions& options) {
  Request request;
  request.path = options.detail ? "/images/detail" : "/images";
  request.query = options.marker.empty() ? write_query(list_parameters(options))
                                         : next_query(options, options.marker);
  if (options.everybody) request.headers.push_back({"x-visor-scope", "all"});

  auto document = ask(request);
  if (!document) return document;
  if (document->find("images") == nullptr || !document->find("images")->is_array()) {
    return local_failure(Code::internal,
                         "the server's answer holds no list of images. Is this the "
                         "address of an image service?");
  }
  if (options.limit) return document;
  for (int page = 0; page < kMostPages && document->text("next") != nullptr; ++page) {
    request.query = next_query(options, *document->text("next"));
    document->erase("next");
    auto more = ask(request);
    if (!more) return more;
    Value* images = more->find("images");
    if (images == nullptr || !images->is_array()) break;
    for (Value& image : *images->as_array()) document->find("images")->push(std::move(image));
    if (const std::string* next = more->text("next")) document->set("next", *next);
  }
  return document;
}

Outcome<AnswerHead> Client::describe(const std::string& id) {
  auto path = image_path(id);
  if (!path) return pass_on(path);
  Request request;
  request.method = "HEAD";
  request.path = *path;
  auto answer = accept(session_.send(std::move(request)));
  if (!answer) return pass_on(answer);
  return std::move(answer->head);
}

Outcome<Attributes> Client::head(const std::string& id) {
  auto answer = describe(id);
  if (!answer) return pass_on(answer);
  return read_metadata(answer->headers);
}

Outcome<Value> Client::metadata(const std::string& id) {
  auto path = image_path(id);
  if (!path) return pass_on(path);
  Request request;
  request.path = *path + "/metadata";
  return ask(std::move(request));
}

Outcome<Downloaded> Client::get(const std::string& id, const AnswerHead& head,
                                DownloadTarget& target, Progress& progress,
                                const Persistence& persistence) {
  return download(session_, id, head, target, progress, persistence);
}

Outcome<Value> Client::store(Request request, const Attributes& attributes, BodySource* data,
                             Progress& progress) {
  request.headers.push_back({"Accept", "application/json"});
  for (auto& header : metadata_headers(attributes)) request.headers.push_back(std::move(header));
  auto answer = data != nullptr ? session_.upload(std::move(request), *data, progress)
                                : session_.send(std::move(request));
  return parse_answer(accept(std::move(answer)));
}

Outcome<Value> Client::add(const Attributes& attributes, BodySource* data, Progress& progress) {
  Request request;
  request.method = "POST";
  request.path = "/images";
  return store(std::move(request), attributes, data, progress);
}

Outcome<Value> Client::update(const std::string& id, const Attributes& attributes, BodySource* data,
                              Progress& progress) {
  auto path = image_path(id);
  if (!path) return pass_on(path);
  Request request;
  request.method = "PUT";
  request.path = *path;
  return store(std::move(request), attributes, data, progress);
}

Outcome<Value> Client::remove(const std::string& id) {
  auto path = image_path(id);
  if (!path) return pass_on(path);
  Request request;
  request.method = "DELETE";
  request.path = *path;
  return ask(std::move(request));
}

Outcome<Value> Client::deleted(bool everybody) {
  Request request;
  request.path = "/deleted/images";
  if (everybody) request.headers.push_back({"x-visor-scope", "all"});
  return ask(std::move(request));
}

Outcome<Value> Client::restore(const std::string& id, bool everybody) {
  auto path = image_path(id);
  if (!path) return pass_on(path);
  Request request;
  request.method = "POST";
  request.path = "/deleted" + *path + "/restore";
  if (everybody) request.headers.push_back({"x-visor-scope", "all"});
  return ask(std::move(request));
}

Outcome<Value> Client::purge(const std::string& id, bool everybody) {
  auto path = image_path(id);
  if (!path) return pass_on(path);
  Request request;
  request.method = "DELETE";
  request.path = "/deleted" + *path;
  if (everybody) request.headers.push_back({"x-visor-scope", "all"});
  return ask(std::move(request));
}

Outcome<std::string> Client::status() {
  Request request;
  request.path = "/status";
  auto answer = accept(session_.send(std::move(request)));
  if (!answer) return pass_on(answer);
  std::string_view text = answer->body;
  while (text.ends_with('\n') || text.ends_with('\r')) text.remove_suffix(1);
  return std::string(text);
}

Outcome<void> Client::health() {
  Request request;
  request.path = "/healthz";
  auto answer = accept(session_.send(std::move(request)));
  if (!answer) return pass_on(answer);
  return {};
}

Outcome<Value> Client::users() {
  Request request;
  request.path = "/users";
  return ask(std::move(request));
}

Outcome<Value> Client::user(const std::string& access_key) {
  auto path = user_path(access_key);
  if (!path) return pass_on(path);
  Request request;
  request.path = *path;
  return ask(std::move(request));
}

Outcome<Value> Client::add_user(const Value& user) {
  Request request;
  request.method = "POST";
  request.path = "/users";
  return ask(std::move(request), document::write_json(Value::object({{"user", user}})));
}

Outcome<Value> Client::update_user(const std::string& access_key, const Value& user) {
  auto path = user_path(access_key);
  if (!path) return pass_on(path);
  Request request;
  request.method = "PUT";
  request.path = *path;
  return ask(std::move(request), document::write_json(Value::object({{"user", user}})));
}

Outcome<Value> Client::remove_user(const std::string& access_key) {
  auto path = user_path(access_key);
  if (!path) return pass_on(path);
  Request request;
  request.method = "DELETE";
  request.path = *path;
  return ask(std::move(request));
}

Outcome<Value> Client::requests_under_way() {
  Request request;
  request.path = "/requests";
  return ask(std::move(request));
}

Outcome<Value> Client::cancel_request(const std::string& id) {
  Request request;
  request.method = "DELETE";
  request.path = "/requests/" + percent_encode(id);
  return ask(std::move(request));
}

Outcome<Value> Client::jobs() {
  Request request;
  request.path = "/jobs";
  return ask(std::move(request));
}

Outcome<Value> Client::stores() {
  Request request;
  request.path = "/stores";
  return ask_for_all(std::move(request));
}

Outcome<Value> Client::check_store(const std::string& name) {
  auto path = store_path(name);
  if (!path) return pass_on(path);
  Request request;
  request.method = "POST";
  request.path = *path + "/check";
  return ask_for_all(std::move(request));
}

Outcome<Value> Client::copies(const std::string& id) {
  auto path = image_path(id);
  if (!path) return pass_on(path);
  Request request;
  request.path = *path + "/copies";
  return ask_for_all(std::move(request));
}

Outcome<Value> Client::place(const PlacementRequest& wanted) {
  Value placement = Value::object({{"kind", wanted.kind}});
  if (!wanted.image.empty()) placement.append("image", wanted.image);
  placement.append("store", wanted.store);
  if (!wanted.from.empty()) placement.append("from", wanted.from);
  Request request;
  request.method = "POST";
  request.path = "/placements";
  return ask_for_all(std::move(request),
                     document::write_json(Value::object({{"placement", std::move(placement)}})));
}

Outcome<Value> Client::placement(const std::string& id) {
  auto path = placement_path(id);
  if (!path) return pass_on(path);
  Request request;
  request.path = *path;
  return ask_for_all(std::move(request));
}

Outcome<Value> Client::cancel_placement(const std::string& id) {
  auto path = placement_path(id);
  if (!path) return pass_on(path);
  Request request;
  request.method = "DELETE";
  request.path = *path;
  return ask_for_all(std::move(request));
}

Outcome<Value> Client::placements(std::optional<std::uint64_t> limit, const std::string& marker) {
  Attributes parameters;
  if (limit) parameters.emplace_back("limit", std::to_string(*limit));
  if (!marker.empty()) parameters.emplace_back("marker", marker);
  Request request;
  request.path = "/placements";
  request.query = write_query(parameters);
  return ask_for_all(std::move(request));
}

}  // namespace visor::client
