// The native VISOR API as a handler of HTTP requests.
//
// Contract: the native API's document, all of it. A translator: what may be done, and what it
// means, the service decides.
#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "audit/log.h"
#include "auth/authenticator.h"
#include "front/native/exchange.h"
#include "front/native/rendered_images.h"
#include "http/live_requests.h"
#include "http/message.h"
#include "http/router.h"
#include "service/account_service.h"
#include "service/image_service.h"
#include "service/jobs.h"
#include "service/placement_service.h"
#include "sign/request_head.h"

namespace visor::front::native {

struct Options {
  /// What clients reach the server by, for the attribute uri: "images.example.org:4568", or with
  /// its scheme in front. Empty: the address that the request came to.
  std::string public_address;
  /// Whether the server serves, for /healthz; null: as long as it answers.
  std::function<bool()> ready;
  /// What administrators are shown under /requests and /jobs, and what they decide under /stores
  /// and /placements; all outlive the front end. Null: these are not served.
  http::LiveRequests* requests = nullptr;
  const service::Jobs* jobs = nullptr;
  service::PlacementService* placements = nullptr;
  /// Told of refusals that never reach a service; outlives the front end. Null: nobody is.
  audit::Log* audit = nullptr;
  /// Memory for answers that are sent often, in bytes; 0: none.
  std::size_t rendering_cache = std::size_t{16} << 20;
};

/// Answers the native API. Every request but GET and HEAD of /status and /healthz must show who it
/// comes from. Thread-safe; services and authenticator outlive it.
class NativeFrontEnd : public http::Handler {
 public:
  NativeFrontEnd(service::ImageService& images, service::AccountService& users,
                 auth::Authenticator& authenticator, Options options);

  async::Task<http::Response> handle(http::Request& request) override;
  http::Response refuse(int status, std::string_view reason,
                        const http::RequestHead& head) override;

  /// Every (method, path pattern) that is answered.
  std::vector<std::pair<std::string, std::string>> routes() const { return router_.listed(); }

 private:
  /// Answers on the spot what needs no waiting; nothing if it does, or fails: the verb does it
  /// then.
  using QuickVerb = std::optional<http::Response> (*)(service::ImageService&, RenderedImages&,
                                                      Exchange&);

  void add(std::string method, std::string_view pattern, Verb verb, QuickVerb quick = nullptr);
  void add_image_routes();
  void add_deleted_routes();
  void add_user_routes();
  void add_admin_routes();
  void add_store_routes();
  void add_status_routes();

  async::Task<http::Response> answer(http::Request& request, const http::Parameters& parameters,
                                     const Verb& verb, QuickVerb quick);
  async::Task<Result<void>> admit(Exchange& exchange);
  /// As `admit`, if that takes no waiting.
  std::optional<Result<void>> admit_at_once(Exchange& exchange);
  static Result<void> take_identity(Exchange& exchange, const sign::RequestHead& head,
                                    Result<auth::Identity> identity);
  std::string address_of(const http::Request& request) const;

  service::ImageService& images_;
  service::AccountService& users_;
  auth::Authenticator& authenticator_;
  const Options options_;
  RenderedImages rendered_;
  http::Router router_;
};

}  // namespace visor::front::native
