#include "client/token_source.h"

#include <fstream>
#include <iterator>
#include <memory>
#include <utility>

#include "base/encoding.h"
#include "client/body_source.h"
#include "client/session.h"
#include "document/json.h"

namespace visor::client {
namespace {

using document::Value;

Value named(const std::string& word, bool is_id) {
  return Value::object({{is_id ? "id" : "name", word}});
}

Value login_document(const Login& login) {
  const Value secret(login.secret.reveal());
  if (!login.application_credential.empty()) {
    return Value::object(
        {{"auth",
          Value::object(
              {{"identity", Value::object({{"methods", Value::array({"application_credential"})},
                                           {"application_credential",
                                            Value::object({{"id", login.application_credential},
                                                           {"secret", secret}})}})}})}});
  }
  Value user = named(login.user, login.user_is_id);
  if (!login.user_is_id) user.set("domain", named(login.user_domain, login.user_domain_is_id));
  user.set("password", secret);
  Value project = named(login.project, login.project_is_id);
  if (!login.project_is_id) {
    project.set("domain", named(login.project_domain, login.project_domain_is_id));
  }
  Value identity = Value::object({{"methods", Value::array({"password"})},
                                  {"password", Value::object({{"user", std::move(user)}})}});
  Value scope = Value::object({{"project", std::move(project)}});
  return Value::object(
      {{"auth", Value::object({{"identity", std::move(identity)}, {"scope", std::move(scope)}})}});
}

Outcome<Secret> log_in(Transport& transport, const Login& login) {
  const auto body = text_body(document::write_json(login_document(login)));
  Request request;
  request.method = "POST";
  request.path = "/auth/tokens";
  request.headers = {{"Content-Type", "application/json"}, {"Accept", "application/json"}};
  request.body = body.get();
  auto answer = transport.exchange(request);
  if (!answer) return pass_on(answer);
  const std::string url = login.identity.address.url();
  if (answer->head.status == 401) {
    Failure failure = failure_of(*answer);
    failure.error.message = "the identity service at " + url +
                            " doesn't accept this user and password (or application credential)";
    return std::unexpected<Failure>(std::move(failure));
  }
  if (answer->head.status >= 300) {
    Failure failure = failure_of(*answer);
    failure.error.message = "the identity service at " + url + " answers: " + failure.error.message;
    if (failure.status >= 500) failure.error.retry = Retry::later;
    failure.status = 0;
    return std::unexpected<Failure>(std::move(failure));
  }
  const std::string_view token = answer->head.headers.find("x-subject-token");
  if (token.empty()) {
    return local_failure(Code::internal, "the answer of " + url +
                                             " holds no token. Is this the address of an identity "
                                             "service (OS_AUTH_URL)?");
  }
  return Secret(std::string(token));
}

}  // namespace

Outcome<Secret> TokenSource::token() {
  const std::lock_guard lock(mutex_);
  if (!fetched_) {
    auto token = fetch_();
    if (!token) return pass_on(token);
    token_ = std::move(*token);
    fetched_ = true;
  }
  return token_;
}

Outcome<bool> TokenSource::renew(const Secret& refused) {
  const std::lock_guard lock(mutex_);
  // Another thread may have been here meanwhile.
  if (!(token_ == refused)) return true;
  auto token = fetch_();
  if (!token) {
    if (token.error().error.retry == Retry::never) token.error().error.code = Code::unauthenticated;
    return pass_on(token);
  }
  if (*token == refused) return false;
  token_ = std::move(*token);
  return true;
}

TokenSource::Fetch no_token() {
  return [] { return Outcome<Secret>(Secret()); };
}

TokenSource::Fetch fixed_token(Secret token) {
  return [token = std::move(token)] { return Outcome<Secret>(token); };
}

TokenSource::Fetch token_in_file(std::string path) {
  return [path = std::move(path)]() -> Outcome<Secret> {
    std::ifstream file(path, std::ios::binary);
    if (!file) return local_failure(Code::invalid, "cannot read the token in '" + path + "'");
    std::string text(std::istreambuf_iterator<char>(file), {});
    const auto end = text.find_last_not_of(" \t\r\n");
    text.resize(end == std::string::npos ? 0 : end + 1);
    if (text.empty() || text.find_first_of("\r\n") != std::string::npos) {
      return local_failure(Code::invalid, "'" + path + "' must hold a token, on one line");
    }
    return Secret(std::move(text));
  };
}

TokenSource::Fetch token_by_login(Login login) {
  auto transport = std::make_shared<Transport>(login.identity);
  return [transport, login = std::move(login)] { return log_in(*transport, login); };
}

}  // namespace visor::client
