// OpenStack's Image API, version 2, as a handler of HTTP requests.
//
// Contract: the Image API's reference. A translator: what may be done, and what it means, the
// service decides.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "audit/log.h"
#include "auth/identity_source.h"
#include "front/glance/exchange.h"
#include "front/glance/image_routes.h"
#include "front/glance/remote_image.h"
#include "front/glance/store_routes.h"
#include "http/message.h"
#include "http/router.h"
#include "service/definition_service.h"
#include "service/image_service.h"
#include "service/import_service.h"
#include "service/location_service.h"
#include "service/warm_images.h"

namespace visor::front::glance {

struct Options {
  /// What clients reach the server by, for links: "images.example.org:9292", or with its scheme in
  /// front. Empty: the address that the request came to.
  std::string public_address;
  /// Data whose format is another than its image says is refused.
  bool strict_formats = true;
  std::vector<StoreInfo> stores;  ///< those that clients can name, by name
  /// Takes locations as patches of an image; outlives the front end. Null: there are none in
  /// documents, and none can be patched.
  service::LocationService* locations = nullptr;
  /// Brings data in the background; outlives the front end. Null: there are no imports.
  service::ImportService* imports = nullptr;
  /// Outlives the front end. Null: there are no metadata definitions.
  service::DefinitionService* definitions = nullptr;
  /// What this node keeps in memory; outlives the front end. Null: there is no cache.
  service::WarmImages* cache = nullptr;
  /// PEM file of the certificates of the cloud's other services; empty: the system's.
  std::string authorities_file;
  /// Told of refusals that never reach a service; outlives the front end. Null: nobody is.
  audit::Log* audit = nullptr;
};

/// Answers the Image API. Every request but those for the versions and for the server's health must
/// show who it comes from. Thread-safe; services and identities outlive it.
class GlanceFrontEnd : public http::Handler {
 public:
  GlanceFrontEnd(service::ImageService& images, auth::IdentitySource& identities, Options options);

  async::Task<http::Response> handle(http::Request& request) override;
  http::Response refuse(int status, std::string_view reason,
                        const http::RequestHead& head) override;

 private:
  void add(std::string method, std::string_view pattern, Verb verb);
  void add_image_routes();
  void add_data_routes();
  void add_member_routes();
  void add_store_routes();
  void add_import_routes();
  void add_schema_routes();
  void add_definition_routes(service::DefinitionService& definitions);
  void add_cache_routes(service::WarmImages& cache);

  async::Task<http::Response> route(http::Request& request);
  async::Task<http::Response> answer(http::Request& request, const http::Parameters& parameters,
                                     const Verb& verb);
  async::Task<Result<void>> admit(Exchange& exchange);
  std::string address_of(const http::Request& request) const;

  service::ImageService& images_;
  auth::IdentitySource& identities_;
  const Options options_;
  const Offer offer_;
  const Remote remote_;
  http::Router router_;
};

}  // namespace visor::front::glance
