// The whole front end over a service in memory, driven without sockets. For tests only.
#pragma once

#include <gtest/gtest.h>

#include <initializer_list>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "async/executor.h"
#include "auth/identity_source.h"
#include "document/json.h"
#include "front/glance/glance_front_end.h"
#include "http/test_request.h"
#include "service/service_fixture.h"

namespace visor::front::glance {

using http::TestRequest;

/// An answer with its body read to the end.
struct Answer {
  int status = 0;
  http::Response response;
  std::string body;
  std::optional<Error> broken;  ///< the body broke off

  std::string header(std::string_view name) const { return http::header_of(response, name); }
  document::Value json() const {
    auto value = document::parse_json(body);
    EXPECT_TRUE(value) << body;
    return value ? *value : document::Value();
  }
  /// What an answer says of a refusal.
  std::string message() const {
    const document::Value value = json();
    const std::string* text = value.text("message");
    return text ? *text : "(no message)";
  }
};

/// Takes a token for the name of the caller that it belongs to.
class NamedIdentities final : public auth::IdentitySource {
 public:
  void add(std::string token, Principal who) { callers_[std::move(token)] = std::move(who); }

  async::Task<Result<Principal>> identify(auth::Presented presented) override {
    const auto found = callers_.find(presented.token);
    if (found == callers_.end()) co_return auth::refuse_caller("tests");
    Principal who = found->second;
    who.service = presented.service_token == "service";
    co_return who;
  }
  std::string challenge() const override { return "Keystone uri=\"http://127.0.0.1:5000\""; }

 private:
  std::map<std::string, Principal, std::less<>> callers_;
};

/// Callers: "root" administers, "ada" and "bob" are ordinary projects, "eve" only reads in ada's.
class FrontEndFixture : public service::ServiceFixture {
 protected:
  FrontEndFixture() {
    identities_.add("root", Principal::root("root"));
    identities_.add("ada", Principal::of("ada"));
    identities_.add("bob", Principal::of("bob"));
    Principal reader = Principal::of("ada");
    reader.user = "eve";
    reader.read_only = true;
    identities_.add("eve", reader);
    make_front_end({});
  }

  void make_front_end(Options options) {
    options.definitions = &definitions_;
    front_ = std::make_unique<GlanceFrontEnd>(*service_, identities_, std::move(options));
  }

  Answer send(TestRequest& request) {
    http::Request message = request.request();
    Answer answer;
    answer.response = async::run_until_done(front_->handle(message));
    answer.status = answer.response.status;
    answer.body = answer.response.body_text();
    if (answer.response.source) {
      async::ByteSource& source = *answer.response.source;
      auto text = async::run_until_done(async::read_all(source, 64 << 20));
      if (text) {
        answer.body = std::move(*text);
      } else {
        answer.broken = std::move(text.error());
      }
    }
    return answer;
  }

  Answer as(std::string_view caller, TestRequest& request) {
    request.with("X-Auth-Token", caller).with("Accept", "application/json");
    return send(request);
  }
  Answer as(std::string_view caller, std::string_view method, std::string_view target) {
    TestRequest request(method, target);
    return as(caller, request);
  }
  /// With a JSON document as the body.
  Answer as(std::string_view caller, std::string_view method, std::string_view target,
            std::string document, TestRequest::Fields fields = {}) {
    TestRequest request(method, target, fields);
    request.with("Content-Type", "application/json").body(std::move(document));
    return as(caller, request);
  }

  NamedIdentities identities_;
  service::DefinitionService definitions_{client_, clock_, nullptr};
  std::unique_ptr<GlanceFrontEnd> front_;
};

}  // namespace visor::front::glance
