// Keystone's Identity API v3 over VISOR's own accounts, as far as clients need it.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "audit/log.h"
#include "auth/own_tokens.h"
#include "auth/token_service.h"
#include "base/error.h"
#include "document/value.h"
#include "front/identity/documents.h"
#include "http/message.h"
#include "http/router.h"

namespace visor::front::identity {

/// A request on its way through the front end. Lives as long as its answer is being made.
struct Call {
  http::Request& request;
  const http::Parameters& parameters;
  std::string base;          ///< "http://127.0.0.1:5000", as the client reached it
  auth::GoodToken who = {};  ///< the caller; set unless the request needs none
};

/// Where the image service listens, on the host that a client reached.
struct ImageListener {
  std::uint16_t port = 0;  ///< 0: there is none
  bool secure = false;
};

struct Options {
  std::string region = "RegionOne";
  std::string identity_address;  ///< as clients reach this front end; empty: as they did
  std::string image_address;     ///< of the image service; empty: see `image_listener`
  std::function<ImageListener()> image_listener;
  std::vector<auth::ServiceEndpoint> endpoints;  ///< further ones, see Services
  /// Told of what is refused and of changes; outlives the front end. Null: nobody is.
  audit::Log* audit = nullptr;
};

/// Answers the Identity API. Everything but the versions and the making of tokens needs a token.
/// Thread-safe; `tokens` outlives it.
class IdentityFrontEnd final : public http::Handler {
 public:
  IdentityFrontEnd(auth::TokenService& tokens, Options options);

  async::Task<http::Response> handle(http::Request& request) override;
  http::Response refuse(int status, std::string_view reason,
                        const http::RequestHead& head) override;

  /// Every (method, path pattern) that is answered.
  std::vector<std::pair<std::string, std::string>> routes() const { return router_.listed(); }

 private:
  using Verb = std::function<async::Task<Result<http::Response>>(Call&)>;
  enum class Needs { nothing, token };

  void add(const char* method, const char* pattern, Needs needs, Verb verb);
  /// GET and HEAD.
  void add_reading(const char* pattern, Needs needs, Verb verb);
  void add_token_routes();
  void add_account_routes();
  void add_catalogue_routes();
  void add_credential_routes();

  async::Task<http::Response> answer(http::Request& request, const http::Parameters& parameters,
                                     Needs needs, const Verb& verb);
  http::Response refused(const Call& call, const Error& error) const;
  std::string base_of(const http::Request& request) const;
  Services services_for(const Call& call) const;

  async::Task<Result<http::Response>> log_in(Call& call);
  async::Task<Result<http::Response>> look_up(Call& call);
  async::Task<Result<http::Response>> revoke(Call& call);
  async::Task<Result<http::Response>> own_catalogue(Call& call);
  async::Task<Result<http::Response>> own_projects(Call& call);
  async::Task<Result<http::Response>> own_system(Call& call);
  async::Task<Result<http::Response>> get_account(Call& call, bool as_project);
  async::Task<Result<http::Response>> list_accounts(Call& call, bool as_projects);
  async::Task<Result<http::Response>> projects_of_user(Call& call);
  async::Task<Result<http::Response>> list_of_administrators(Call& call, const char* name);
  async::Task<Result<http::Response>> create_credential(Call& call);
  async::Task<Result<http::Response>> list_credentials(Call& call);
  async::Task<Result<http::Response>> get_credential(Call& call);
  async::Task<Result<http::Response>> remove_credential(Call& call);

  auth::TokenService& tokens_;
  const Options options_;
  http::Router router_;
};

}  // namespace visor::front::identity
