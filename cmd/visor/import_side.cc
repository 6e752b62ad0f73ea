#include "import_side.h"

#include <array>
#include <chrono>
#include <optional>
#include <utility>

#include "base/units.h"

namespace visor::command {
namespace {

constexpr std::uint16_t kHttpPort = 80;
constexpr std::string_view kDefaultDomain = "default";
// By these a side's own variables are noticed.
constexpr std::array<std::string_view, 7> kTelling = {"OS_AUTH_TYPE",
                                                      "OS_TOKEN",
                                                      "OS_AUTH_URL",
                                                      "OS_USERNAME",
                                                      "OS_USER_ID",
                                                      "OS_PASSWORD",
                                                      "OS_APPLICATION_CREDENTIAL_ID"};

/// The variables for one side.
class Variables {
 public:
  Variables(std::string_view prefix, const Environment& environment) : environment_(environment) {
    for (const auto name : kTelling) {
      if (environment((std::string(prefix) + std::string(name)).c_str())) prefix_ = prefix;
    }
  }

  std::string name(std::string_view rest) const { return prefix_ + "OS_" + std::string(rest); }
  std::string get(std::string_view rest) const {
    return environment_(name(rest).c_str()).value_or("");
  }
  std::unexpected<Error> missing(std::string_view rest, std::string_view beside) const {
    return fail(Code::invalid, name(rest) + " is not set, though " + name(beside) + " is");
  }

 private:
  const Environment& environment_;
  std::string prefix_;
};

/// A name or an id from two variables, of which the id beats the name.
struct Named {
  std::string word;
  bool is_id = false;
};
Named named(const Variables& variables, std::string_view what) {
  const std::string key(what);
  // A user's is USERNAME, a project's PROJECT_NAME.
  const std::string by_name = key == "USER" ? "USERNAME" : key + "_NAME";
  if (std::string id = variables.get(key + "_ID"); !id.empty()) return {std::move(id), true};
  return {variables.get(by_name), false};
}
Named named_domain(const Variables& variables, std::string_view what) {
  Named domain = named(variables, std::string(what) + "_DOMAIN");
  if (domain.word.empty()) domain = {std::string(kDefaultDomain), true};
  return domain;
}

Result<client::Address> parse_identity(const std::string& text) {
  const bool plain = text.starts_with("http://");
  auto address = client::parse_address(text, plain ? std::optional(kHttpPort) : std::nullopt);
  if (!address) return pass(address);
  if (!address->base_path.ends_with("/v3")) address->base_path += "/v3";
  return address;
}

Result<client::Connection> connection_to(client::Address address, const BothSides& both,
                                         const std::atomic<bool>* stop) {
  client::Connection connection;
  connection.address = std::move(address);
  connection.verify_tls = !both.insecure;
  connection.ca_file = both.ca_file;
  connection.stop = stop;
  if (!both.stall_timeout.empty()) {
    const auto timeout = parse_duration(both.stall_timeout);
    if (!timeout || *timeout < std::chrono::seconds(1)) {
      return fail(Code::invalid,
                  "--timeout takes a time such as 30s or 2m, not '" + both.stall_timeout + "'");
    }
    connection.stall_timeout = std::chrono::duration_cast<std::chrono::seconds>(*timeout);
  }
  return connection;
}

Result<client::Login> read_login(const Variables& variables, const BothSides& both,
                                 const std::atomic<bool>* stop) {
  client::Login login;
  login.application_credential = variables.get("APPLICATION_CREDENTIAL_ID");
  const bool credential = !login.application_credential.empty();
  const std::string_view who = credential
                                   ? "APPLICATION_CREDENTIAL_ID"
                                   : (variables.get("USER_ID").empty() ? "USERNAME" : "USER_ID");
  const std::string_view secret = credential ? "APPLICATION_CREDENTIAL_SECRET" : "PASSWORD";
  const std::string url = variables.get("AUTH_URL");
  if (url.empty()) return variables.missing("AUTH_URL", who);
  login.secret = Secret(variables.get(secret));
  if (login.secret.empty()) return variables.missing(secret, who);
  if (!credential) {
    const Named user = named(variables, "USER");
    const Named user_domain = named_domain(variables, "USER");
    const Named project = named(variables, "PROJECT");
    const Named project_domain = named_domain(variables, "PROJECT");
    if (project.word.empty()) return variables.missing("PROJECT_NAME", who);
    login.user = user.word;
    login.user_is_id = user.is_id;
    login.user_domain = user_domain.word;
    login.user_domain_is_id = user_domain.is_id;
    login.project = project.word;
    login.project_is_id = project.is_id;
    login.project_domain = project_domain.word;
    login.project_domain_is_id = project_domain.is_id;
  }
  auto address = parse_identity(url);
  if (!address) return pass(address);
  auto connection = connection_to(std::move(*address), both, stop);
  if (!connection) return pass(connection);
  login.identity = std::move(*connection);
  return login;
}

/// The authorities to trust: the command line's, else what OpenStack's clients look for, else what
/// this one does.
std::string authorities(std::string_view prefix, const BothSides& both,
                        const Environment& environment) {
  if (!both.ca_file.empty()) return both.ca_file;
  const std::string own = std::string(prefix) + "OS_CACERT";
  for (const char* name : {own.c_str(), "OS_CACERT", "VISOR_CA"}) {
    if (const auto file = environment(name); file && !file->empty()) return *file;
  }
  return {};
}

}  // namespace

Result<client::Address> parse_image_api(std::string_view text) {
  std::optional<std::uint16_t> port = kImageApiPort;
  if (text.starts_with("http://")) port = kHttpPort;
  if (text.starts_with("https://")) port = std::nullopt;
  auto address = client::parse_address(text, port);
  if (address && address->base_path.ends_with("/v2")) {
    address->base_path.resize(address->base_path.size() - 3);
  }
  return address;
}

Result<Side> resolve_side(std::string_view prefix, const SideOptions& options, BothSides both,
                          const Environment& environment, const std::atomic<bool>* stop) {
  both.ca_file = authorities(prefix, both, environment);
  auto address = parse_image_api(options.address);
  if (!address) return pass(address);
  auto connection = connection_to(std::move(*address), both, stop);
  if (!connection) return pass(connection);
  Side side{std::move(*connection), client::no_token(), "without a token"};
  if (!options.token_file.empty()) {
    side.token = client::token_in_file(options.token_file);
    side.identity = "with the token in " + options.token_file;
    return side;
  }
  const Variables variables(prefix, environment);
  if (variables.get("AUTH_TYPE") == "none") return side;
  if (std::string token = variables.get("TOKEN"); !token.empty()) {
    side.token = client::fixed_token(Secret(std::move(token)));
    side.identity = "with the token of " + variables.name("TOKEN");
    return side;
  }
  const bool names_somebody = !variables.get("USERNAME").empty() ||
                              !variables.get("USER_ID").empty() ||
                              !variables.get("APPLICATION_CREDENTIAL_ID").empty();
  if (!names_somebody) {
    if (!variables.get("AUTH_URL").empty()) return variables.missing("USERNAME", "AUTH_URL");
    return side;
  }
  auto login = read_login(variables, both, stop);
  if (!login) return pass(login);
  side.identity = login->application_credential.empty()
                      ? "as " + login->user + " of " + login->identity.address.url()
                      : "with an application credential of " + login->identity.address.url();
  side.token = client::token_by_login(std::move(*login));
  return side;
}

}  // namespace visor::command
