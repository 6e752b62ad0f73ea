#include "front/native/native_front_end.h"

#include <exception>
#include <optional>
#include <utility>
#include <vector>

#include "base/digest.h"
#include "base/encoding.h"
#include "front/native/admin_routes.h"
#include "front/native/deleted_routes.h"
#include "front/native/image_reading.h"
#include "front/native/image_writing.h"
#include "front/native/openapi.h"
#include "front/native/store_routes.h"
#include "front/native/user_routes.h"
#include "sign/request_head.h"
#include "sign/sigv4.h"

namespace visor::front::native {
namespace {

constexpr std::string_view kScopeHeader = "x-visor-scope";

ErrorForm form_for(const http::RequestHead& head, const std::string& request_id) {
  return {dialect_of(head), preferred_kind(head), head.method == "HEAD", request_id};
}

/// Whether only its first byte tells if a chunked body is one: HTTP libraries announce chunks, and
/// name a type, for requests that then bring nothing. Data of an image is never in doubt.
bool may_be_empty(const http::RequestHead& head) {
  return head.chunked && !head.expects_continue && !is_image_data(head);
}

std::vector<sign::Header> signed_fields(const http::RequestHead& head) {
  std::vector<sign::Header> headers;
  headers.reserve(head.fields.size());
  for (const http::Field& field : head.fields) headers.push_back({field.name, field.value});
  return headers;
}

/// Reads a body that can only be checked as a whole, if this is one.
async::Task<Result<void>> read_ahead(Exchange& exchange, const sign::RequestHead& head,
                                     sign::BodyFacts& body) {
  if (!body.has_body || !sign::needs_body_hash(head)) co_return Result<void>{};
  // Too long a body is the authenticator's to refuse, unread.
  if (body.content_length.value_or(0) > sign::kLargestHashedBody) co_return Result<void>{};
  const std::unique_ptr<async::ByteSource> whole = open_body(exchange);
  async::ByteSource& source = *whole;
  Result<std::string> text = co_await async::read_all(source, sign::kLargestHashedBody);
  if (!text) co_return pass(text);
  body.sha256 = digest_hex(DigestAlgorithm::sha256, *text);
  exchange.read_ahead = std::move(*text);
  co_return Result<void>{};
}

/// The reach that the request asks for.
Result<void> read_scope(const http::RequestHead& head, Principal& who) {
  const auto scope = head.field(kScopeHeader);
  if (!scope) return {};
  if (head.count(kScopeHeader) > 1 || !equal_ignoring_case(*scope, "all")) {
    return fail(Code::invalid, "x-visor-scope takes the word all, once");
  }
  if (!who.administrator) {
    return fail(Code::forbidden, "only administrators may reach every account's images");
  }
  who.everybody = true;
  return {};
}

http::Response plain_text(const http::Request& request, int status, std::string text) {
  http::Response response;
  response.status = status;
  response.set("Content-Type", "text/plain");
  if (request.head.method == "HEAD") {
    response.unsent_length = text.size();
  } else {
    response.text = std::move(text);
  }
  return response;
}

async::Task<http::Response> at_once(http::Response response) { co_return response; }

async::Task<Result<http::Response>> not_served(const char* sentence) {
  co_return fail(Code::not_found, sentence);
}

}  // namespace

NativeFrontEnd::NativeFrontEnd(service::ImageService& images, service::AccountService& users,
                               auth::Authenticator& authenticator, Options options)
    : images_(images),
      users_(users),
      authenticator_(authenticator),
      options_(std::move(options)),
      rendered_(options_.rendering_cache) {
  add_image_routes();
  add_deleted_routes();
  add_user_routes();
  add_admin_routes();
  add_store_routes();
  add_status_routes();
}

void NativeFrontEnd::add(std::string method, std::string_view pattern, Verb verb, QuickVerb quick) {
  router_.add(std::move(method), pattern,
              [this, verb = std::move(verb), quick](http::Request& request,
                                                    const http::Parameters& parameters) {
                return answer(request, parameters, verb, quick);
              });
}

void NativeFrontEnd::add_image_routes() {
  add("GET", "/images", [this](Exchange& e) { return list_images(images_, e, Shown::brief); });
  add("GET", "/images/detail",
      [this](Exchange& e) { return list_images(images_, e, Shown::detail); });
  add("POST", "/images", [this](Exchange& e) { return post_image(images_, e); });
  add(
      "HEAD", "/images/{id}", [this](Exchange& e) { return head_image(images_, rendered_, e); },
      head_image_at_once);
  add("GET", "/images/{id}", [this](Exchange& e) { return get_image(images_, e); });
  add("PUT", "/images/{id}", [this](Exchange& e) { return put_image(images_, e); });
  add("DELETE", "/images/{id}", [this](Exchange& e) { return delete_image(images_, e); });
  add(
      "GET", "/images/{id}/metadata",
      [this](Exchange& e) { return get_metadata(images_, rendered_, e); }, get_metadata_at_once);
}

void NativeFrontEnd::add_deleted_routes() {
  add("GET", "/deleted/images", [this](Exchange& e) { return list_deleted(images_, e); });
  add("GET", "/deleted/images/{id}", [this](Exchange& e) { return get_deleted(images_, e); });
  add("DELETE", "/deleted/images/{id}", [this](Exchange& e) { return purge_image(images_, e); });
  add("POST", "/deleted/images/{id}/restore",
      [this](Exchange& e) { return restore_image(images_, e); });
}

void NativeFrontEnd::add_user_routes() {
  add("GET", "/users", [this](Exchange& e) { return list_users(users_, e); });
  add("POST", "/users", [this](Exchange& e) { return post_user(users_, e); });
  add("GET", "/users/{access_key}", [this](Exchange& e) { return get_user(users_, e); });
  add("PUT", "/users/{access_key}", [this](Exchange& e) { return put_user(users_, e); });
  add("DELETE", "/users/{access_key}", [this](Exchange& e) { return delete_user(users_, e); });
}

void NativeFrontEnd::add_admin_routes() {
  const auto when = [](bool served, Verb verb) -> Verb {
    if (served) return verb;
    return [](Exchange&) { return not_served("this server does not show what it is doing"); };
  };
  http::LiveRequests* const requests = options_.requests;
  const service::Jobs* const jobs = options_.jobs;
  add("GET", "/requests",
      when(requests != nullptr, [requests](Exchange& e) { return list_requests(*requests, e); }));
  add("DELETE", "/requests/{id}",
      when(requests != nullptr, [requests](Exchange& e) { return cancel_request(*requests, e); }));
  add("GET", "/jobs", when(jobs != nullptr, [jobs](Exchange& e) { return list_jobs(*jobs, e); }));
}

void NativeFrontEnd::add_store_routes() {
  using StoreVerb = async::Task<Result<http::Response>> (*)(service::PlacementService&, Exchange&);
  service::PlacementService* const placements = options_.placements;
  const auto route = [this, placements](const char* method, const char* pattern, StoreVerb verb) {
    add(method, pattern,
        [placements, verb](Exchange& exchange) -> async::Task<Result<http::Response>> {
          if (placements != nullptr) return verb(*placements, exchange);
          return not_served("this server does not tell where images lie");
        });
  };
  route("GET", "/stores", list_stores);
  route("POST", "/stores/{name}/check", check_store);
  route("GET", "/images/{id}/copies", list_copies);
  route("GET", "/placements", list_placements);
  route("POST", "/placements", post_placement);
  route("GET", "/placements/{id}", get_placement);
  route("DELETE", "/placements/{id}", cancel_placement);
}

void NativeFrontEnd::add_status_routes() {
  for (const char* method : {"GET", "HEAD"}) {
    router_.add(method, "/status", [](http::Request& request, const http::Parameters&) {
      return at_once(plain_text(request, 200, "OK"));
    });
    router_.add(method, "/openapi.json", [](http::Request& request, const http::Parameters&) {
      return at_once(describe_api(request));
    });
    router_.add(method, "/healthz", [this](http::Request& request, const http::Parameters&) {
      const bool ready = !options_.ready || options_.ready();
      return at_once(plain_text(request, ready ? 200 : 503, ready ? "OK" : "not ready"));
    });
  }
}

async::Task<http::Response> NativeFrontEnd::handle(http::Request& request) {
  // A request that fails in a way nobody thought of must not take the others' server with it.
  try {
    const http::Router::Match match = router_.match(request.head.method, request.head.path);
    if (match.action != nullptr) {
      const http::Action& action = *match.action;
      co_return co_await action(request, match.parameters);
    }
    const ErrorForm form = form_for(request.head, request.id);
    if (match.allowed.empty()) co_return refusal(404, kInvalidOperation, form);
    co_return method_refusal(match.allowed, form);
  } catch (const std::exception& defect) {
    const Error error{Code::internal, "an exception escaped", defect.what(), Retry::never};
    log_failure(error, request);
    co_return error_answer(error, form_for(request.head, request.id));
  }
}

async::Task<http::Response> NativeFrontEnd::answer(http::Request& request,
                                                   const http::Parameters& parameters,
                                                   const Verb& verb, QuickVerb quick) {
  Exchange exchange{request, parameters, address_of(request), form_for(request.head, request.id)};
  exchange.has_body = request.head.has_body();
  exchange.audit = options_.audit;
  std::optional<Result<void>> admitted = admit_at_once(exchange);
  if (!admitted) admitted = co_await admit(exchange);
  if (!*admitted) {
    log_failure(admitted->error(), request);
    co_return error_answer(admitted->error(), exchange.form);
  }
  if (quick != nullptr) {
    if (auto response = quick(images_, rendered_, exchange)) co_return std::move(*response);
  }
  Result<http::Response> response = co_await verb(exchange);
  if (!response) {
    log_failure(response.error(), request);
    co_return error_answer(response.error(), exchange.form);
  }
  co_return std::move(*response);
}

std::optional<Result<void>> NativeFrontEnd::admit_at_once(Exchange& exchange) {
  const http::RequestHead& head = exchange.request.head;
  if (head.has_body()) return std::nullopt;
  const std::vector<sign::Header> headers = signed_fields(head);
  const sign::RequestHead signed_head{head.method, head.path, head.query, headers,
                                      exchange.request.secure};
  const sign::BodyFacts no_body{false, head.content_length, std::nullopt};
  auto identity = authenticator_.identify_at_once(signed_head, no_body);
  if (!identity) return std::nullopt;
  return take_identity(exchange, signed_head, std::move(*identity));
}

async::Task<Result<void>> NativeFrontEnd::admit(Exchange& exchange) {
  const http::RequestHead& head = exchange.request.head;
  const std::vector<sign::Header> headers = signed_fields(head);
  const sign::RequestHead signed_head{head.method, head.path, head.query, headers,
                                      exchange.request.secure};
  if (may_be_empty(head)) {
    Result<void> looked = co_await look_for_body(exchange);
    if (!looked) co_return pass(looked);
  }
  sign::BodyFacts body{exchange.has_body, head.content_length, std::nullopt};
  Result<void> read = co_await read_ahead(exchange, signed_head, body);
  if (!read) co_return pass(read);
  Result<auth::Identity> identity = co_await authenticator_.identify(signed_head, body);
  co_return take_identity(exchange, signed_head, std::move(identity));
}

Result<void> NativeFrontEnd::take_identity(Exchange& exchange, const sign::RequestHead& head,
                                           Result<auth::Identity> identity) {
  if (!identity) {
    tell_unauthenticated(exchange, auth::claimed_access_key(head), identity.error());
    return pass(identity);
  }
  exchange.who = std::move(identity->principal);
  exchange.who.origin = {exchange.request.id, exchange.request.peer};
  exchange.payload = std::move(identity->payload);
  exchange.request.user = exchange.who.account;
  Result<void> reach = read_scope(exchange.request.head, exchange.who);
  if (!reach) tell_refused(exchange, "request.scope", {}, reach.error());
  return reach;
}

std::string NativeFrontEnd::address_of(const http::Request& request) const {
  if (options_.public_address.find("://") != std::string::npos) return options_.public_address;
  const std::string& address =
      options_.public_address.empty() ? request.local : options_.public_address;
  return (request.secure ? "https://" : "http://") + address;
}

http::Response NativeFrontEnd::refuse(int status, std::string_view reason,
                                      const http::RequestHead& head) {
  const ErrorForm form = form_for(head, {});
  // To classic clients a method that isn't known is a path that isn't; a coding is another matter.
  const bool coding = status == 501 && head.field("transfer-encoding");
  return refusal(coding && form.dialect == Dialect::classic ? 400 : status, reason, form);
}

}  // namespace visor::front::native
