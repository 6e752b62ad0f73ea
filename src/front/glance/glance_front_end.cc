#include "front/glance/glance_front_end.h"

#include <exception>
#include <optional>
#include <utility>

#include "audit/event.h"
#include "base/random.h"
#include "front/glance/cache_routes.h"
#include "front/glance/data_routes.h"
#include "front/glance/definition_routes.h"
#include "front/glance/errors.h"
#include "front/glance/image_routes.h"
#include "front/glance/import_routes.h"
#include "front/glance/location_routes.h"
#include "front/glance/member_routes.h"
#include "front/glance/schema_routes.h"
#include "front/glance/task_routes.h"
#include "front/glance/versions.h"

namespace visor::front::glance {
namespace {

constexpr std::string_view kRequestIdHeader = "x-openstack-request-id";
constexpr std::size_t kLongestRequestId = 64;

/// The id that the caller gave the request, or a new one; nothing if theirs is too long.
std::optional<std::string> request_id_of(const http::RequestHead& head) {
  const auto given = head.field(kRequestIdHeader);
  if (!given || given->empty()) return "req-" + random_uuid();
  if (given->size() > kLongestRequestId) return std::nullopt;
  return std::string(*given);
}

Offer offer_of(const Options& options, const auth::IdentitySource& identities) {
  Offer offer;
  if (options.imports != nullptr) {
    offer.import_methods = import_methods(identities.has_catalogue());
  }
  for (const StoreInfo& store : options.stores) offer.stores.push_back(store.name);
  offer.locations = options.locations;
  return offer;
}

http::Response plain_text(std::string text) {
  http::Response response;
  response.set("Content-Type", "text/plain");
  response.text = std::move(text);
  return response;
}

http::Response redirect_to(std::string location) {
  http::Response response;
  response.status = 302;
  response.set("Location", std::move(location));
  return response;
}

bool takes_no_body(std::string_view method) {
  return method == "GET" || method == "HEAD" || method == "DELETE";
}

// While the log can't be written it says so itself; a refusal stands either way.
void tell_unauthenticated(audit::Log* log, const http::Request& request, const Error& error) {
  if (log == nullptr || error.code != Code::unauthenticated) return;
  audit::Event event;
  event.verb = "request.authenticate";
  event.outcome = audit::Outcome::refused;
  event.error = error.code;
  event.role = audit::Role::anonymous;
  event.request = request.id;
  event.from = request.peer;
  event.detail = std::string(request.head.method) + " " + std::string(request.head.path);
  [[maybe_unused]] const auto told = log->append(event);
}

}  // namespace

GlanceFrontEnd::GlanceFrontEnd(service::ImageService& images, auth::IdentitySource& identities,
                               Options options)
    : images_(images),
      identities_(identities),
      options_(std::move(options)),
      offer_(offer_of(options_, identities)),
      remote_{identities, options_.authorities_file} {
  add_image_routes();
  add_data_routes();
  add_member_routes();
  add_store_routes();
  if (options_.imports != nullptr) add_import_routes();
  add_schema_routes();
  if (options_.definitions != nullptr) add_definition_routes(*options_.definitions);
  if (options_.cache != nullptr) add_cache_routes(*options_.cache);
}

void GlanceFrontEnd::add_image_routes() {
  using ImageVerb = async::Task<Result<http::Response>> (*)(service::ImageService&, Exchange&);
  const auto route = [this](const char* method, const char* pattern, ImageVerb verb) {
    add(method, pattern, [this, verb](Exchange& exchange) { return verb(images_, exchange); });
  };
  constexpr const char* kImage = "/v2/images/{image}";
  add("POST", "/v2/images", [this](Exchange& e) { return create_image(images_, offer_, e); });
  add("GET", "/v2/images", [this](Exchange& e) { return list_images(images_, offer_, e); });
  add("GET", kImage, [this](Exchange& e) { return show_image(images_, offer_, e); });
  add("PATCH", kImage, [this](Exchange& e) { return patch_image(images_, offer_, e); });
  route("DELETE", "/v2/images/{image}", delete_image);
  route("POST", "/v2/images/{image}/actions/deactivate", deactivate_image);
  route("POST", "/v2/images/{image}/actions/reactivate", reactivate_image);
  route("PUT", "/v2/images/{image}/tags/{tag}", put_tag);
  route("DELETE", "/v2/images/{image}/tags/{tag}", delete_tag);
}

void GlanceFrontEnd::add_data_routes() {
  constexpr const char* kFile = "/v2/images/{image}/file";
  add("PUT", kFile,
      [this](Exchange& e) { return upload_file(images_, options_.strict_formats, e); });
  add("GET", kFile, [this](Exchange& e) { return download_file(images_, e); });
  add("HEAD", kFile, [this](Exchange& e) { return download_file(images_, e); });
}

void GlanceFrontEnd::add_member_routes() {
  constexpr const char* kMembers = "/v2/images/{image}/members";
  constexpr const char* kMember = "/v2/images/{image}/members/{member}";
  add("POST", kMembers, [this](Exchange& e) { return create_member(images_, e); });
  add("GET", kMembers, [this](Exchange& e) { return list_members(images_, e); });
  add("GET", kMember, [this](Exchange& e) { return show_member(images_, e); });
  add("PUT", kMember, [this](Exchange& e) { return update_member(images_, e); });
  add("DELETE", kMember, [this](Exchange& e) { return delete_member(images_, e); });
}

void GlanceFrontEnd::add_import_routes() {
  service::ImportService& imports = *options_.imports;
  using ImportVerb = async::Task<Result<http::Response>> (*)(service::ImportService&, Exchange&);
  const auto route = [this, &imports](const char* method, const char* pattern, ImportVerb verb) {
    add(method, pattern, [&imports, verb](Exchange& exchange) { return verb(imports, exchange); });
  };
  add("PUT", "/v2/images/{image}/stage",
      [this](Exchange& e) { return stage_data(images_, options_.strict_formats, e); });
  add("POST", "/v2/images/{image}/import",
      [this, &imports](Exchange& e) { return import_image(images_, imports, remote_, e); });
  route("GET", "/v2/images/{image}/tasks", list_image_tasks);
  route("POST", "/v2/images/{image}/locations", add_location);
  add("GET", "/v2/images/{image}/locations",
      [this](Exchange& e) { return list_locations(images_, e); });
  route("DELETE", "/v2/stores/{store}/{image}", delete_from_store);
  add("POST", "/v2/tasks",
      [this, &imports](Exchange& e) { return create_task(images_, imports, e); });
  route("GET", "/v2/tasks", list_tasks);
  route("GET", "/v2/tasks/{task}", show_task);
}

void GlanceFrontEnd::add_store_routes() {
  add("GET", "/v2/info/import",
      [this](Exchange&) { return list_import_methods(offer_.import_methods); });
  add("GET", "/v2/info/stores", [this](Exchange&) { return list_stores(options_.stores); });
  add("GET", "/v2/info/usage", [this](Exchange& e) { return show_usage(images_, e); });
  add("GET", "/v2/info/stores/detail",
      [this](Exchange& e) { return list_stores_in_detail(options_.stores, e); });
}

void GlanceFrontEnd::add_schema_routes() {
  add("GET", "/v2/schemas/{schema}", [](Exchange& e) { return show_schema(e.parameters[0]); });
  add("GET", "/v2/schemas/metadefs/{schema}",
      [](Exchange& e) { return show_schema("metadefs/" + e.parameters[0]); });
}

void GlanceFrontEnd::add_definition_routes(service::DefinitionService& definitions) {
  const auto route = [this, &definitions](const char* method, const std::string& part,
                                          DefinitionVerb* verb) {
    add(method, "/v2/metadefs" + part,
        [&definitions, verb](Exchange& exchange) { return verb(definitions, exchange); });
  };
  const std::string space = "/namespaces/{namespace}";
  route("GET", "/resource_types", list_resource_types);
  route("GET", "/namespaces", list_namespaces);
  route("POST", "/namespaces", create_namespace);
  route("GET", space, show_namespace);
  route("PUT", space, update_namespace);
  route("DELETE", space, delete_namespace);
  route("GET", space + "/properties", list_properties);
  route("POST", space + "/properties", create_property);
  route("DELETE", space + "/properties", delete_properties);
  route("GET", space + "/properties/{property}", show_property);
  route("PUT", space + "/properties/{property}", update_property);
  route("DELETE", space + "/properties/{property}", delete_property);
  route("GET", space + "/objects", list_objects);
  route("POST", space + "/objects", create_object);
  route("DELETE", space + "/objects", delete_objects);
  route("GET", space + "/objects/{object}", show_object);
  route("PUT", space + "/objects/{object}", update_object);
  route("DELETE", space + "/objects/{object}", delete_object);
  route("GET", space + "/tags", list_definition_tags);
  route("POST", space + "/tags", create_definition_tags);
  route("DELETE", space + "/tags", delete_definition_tags);
  route("GET", space + "/tags/{tag}", show_definition_tag);
  route("POST", space + "/tags/{tag}", create_definition_tag);
  route("PUT", space + "/tags/{tag}", update_definition_tag);
  route("DELETE", space + "/tags/{tag}", delete_definition_tag);
  route("GET", space + "/resource_types", list_associations);
  route("POST", space + "/resource_types", create_association);
  route("DELETE", space + "/resource_types/{type}", delete_association);
}

void GlanceFrontEnd::add_cache_routes(service::WarmImages& cache) {
  const auto route = [this, &cache](const char* method, const char* pattern, CacheVerb* verb) {
    add(method, pattern, [&cache, verb](Exchange& exchange) { return verb(cache, exchange); });
  };
  route("GET", "/v2/cache", list_cache);
  route("DELETE", "/v2/cache", clear_cache);
  route("PUT", "/v2/cache/{image}", queue_for_cache);
  route("DELETE", "/v2/cache/{image}", delete_from_cache);
  route("GET", "/v2/cache/nodes/{node}", show_cache_of_node);
  route("POST", "/v2/cache/clean", clean_cache);
  route("POST", "/v2/cache/prune", prune_cache);
}

void GlanceFrontEnd::add(std::string method, std::string_view pattern, Verb verb) {
  router_.add(
      std::move(method), pattern,
      [this, verb = std::move(verb)](http::Request& request, const http::Parameters& parameters) {
        return answer(request, parameters, verb);
      });
}

async::Task<http::Response> GlanceFrontEnd::handle(http::Request& request) {
  // A request that fails in a way nobody thought of must not take the others' server with it.
  try {
    co_return co_await route(request);
  } catch (const std::exception& defect) {
    const Error error{Code::internal, "an exception escaped", defect.what(), Retry::never};
    log_failure(error, request);
    const http::Parameters none;
    const Exchange exchange{request, none, {}, {}};
    co_return error_answer(error, exchange);
  }
}

async::Task<http::Response> GlanceFrontEnd::route(http::Request& request) {
  const http::RequestHead& head = request.head;
  if (head.path == "/healthcheck") co_return plain_text("OK");
  if (head.path == "/versions" || head.path == "/versions/") {
    co_return list_versions(200, address_of(request));
  }
  const auto path = versioned_path(head);
  if (!path) co_return list_versions(300, address_of(request));
  if (*path == "/v2") co_return redirect_to(address_of(request) + "/v2/");

  // The router takes a path with a slash at its end for the one without; to this API an empty id is
  // none.
  const bool empty_end = path->ends_with('/');
  const http::Router::Match match =
      empty_end ? http::Router::Match() : router_.match(head.method, *path);
  if (match.action != nullptr) {
    const http::Action& action = *match.action;
    co_return co_await action(request, match.parameters);
  }
  http::Response response = match.allowed.empty()
                                ? refusal(head, 404, "The resource could not be found.")
                                : method_refusal(head, match.allowed);
  if (const auto id = request_id_of(head)) response.set(std::string(kRequestIdHeader), *id);
  co_return response;
}

async::Task<http::Response> GlanceFrontEnd::answer(http::Request& request,
                                                   const http::Parameters& parameters,
                                                   const Verb& verb) {
  const http::RequestHead& head = request.head;
  auto request_id = request_id_of(head);
  if (!request_id) {
    co_return refusal(head, 431, "the header x-openstack-request-id has at most 64 characters");
  }
  Exchange exchange{request, parameters, address_of(request), std::move(*request_id)};
  Result<void> admitted = co_await admit(exchange);
  Result<http::Response> response = http::Response();
  if (!admitted) {
    response = pass(admitted);
  } else if (takes_no_body(head.method) && head.has_body()) {
    response = fail(Code::invalid, "A body is not expected with this request.");
  } else {
    response = co_await verb(exchange);
  }
  if (!response) {
    log_failure(response.error(), request);
    const bool unknown = response.error().code == Code::unauthenticated;
    response = error_answer(response.error(), exchange);
    if (unknown) response->set("WWW-Authenticate", identities_.challenge());
  }
  response->set(std::string(kRequestIdHeader), exchange.request_id);
  co_return std::move(*response);
}

async::Task<Result<void>> GlanceFrontEnd::admit(Exchange& exchange) {
  const http::RequestHead& head = exchange.request.head;
  auth::Presented presented;
  presented.token = head.field("x-auth-token").value_or("");
  presented.service_token = head.field("x-service-token").value_or("");
  presented.authorization = head.field("authorization").value_or("");
  presented.address = exchange.request.peer;
  Result<Principal> who = co_await identities_.identify(presented);
  if (!who) {
    tell_unauthenticated(options_.audit, exchange.request, who.error());
    co_return pass(who);
  }
  exchange.who = std::move(*who);
  // An administrator of an OpenStack cloud sees every project's images without asking for it.
  exchange.who.everybody = exchange.who.administrator;
  exchange.who.may_publish = exchange.who.administrator;
  exchange.who.origin = {exchange.request.id, exchange.request.peer};
  exchange.request.user = exchange.who.user.empty() ? exchange.who.account : exchange.who.user;
  co_return Result<void>{};
}

std::string GlanceFrontEnd::address_of(const http::Request& request) const {
  if (options_.public_address.find("://") != std::string::npos) return options_.public_address;
  const std::string& address =
      options_.public_address.empty() ? request.local : options_.public_address;
  return (request.secure ? "https://" : "http://") + address;
}

http::Response GlanceFrontEnd::refuse(int status, std::string_view reason,
                                      const http::RequestHead& head) {
  return refusal(head, status, reason);
}

}  // namespace visor::front::glance
