// The whole front end over a service in memory, driven without sockets. For tests only.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "async/executor.h"
#include "base/clock.h"
#include "base/encoding.h"
#include "document/json.h"
#include "document/xml.h"
#include "front/native/native_front_end.h"
#include "http/test_request.h"
#include "service/service_fixture.h"
#include "sign/sigv4_signer.h"
#include "sign/visor_scheme.h"

namespace visor::front::native {

using http::TestRequest;

/// An answer with its body read to the end.
struct Answer {
  int status = 0;
  http::Response response;
  std::string body;
  std::optional<Error> broken;  ///< the body broke off

  std::string header(std::string_view name) const { return header_of(response, name); }
  document::Value json() const {
    auto value = document::parse_json(body);
    EXPECT_TRUE(value) << body;
    return value ? *value : document::Value();
  }
  std::string message() const {
    const document::Value value = json();
    const std::string* text = value.text("message");
    return text ? *text : "(no message)";
  }
};

class FrontEndFixture : public service::ServiceFixture {
 protected:
  FrontEndFixture() {
    create_account("root", true);
    create_account("ada", false);
    create_account("bob", false);
    make_front_end({}, {});
  }

  static Secret secret_of(std::string_view access_key) {
    return Secret("secret-of-" + std::string(access_key) + "-0123456789");
  }

  void create_account(std::string access_key, bool administrator) {
    auth::Account account;
    account.access_key = access_key;
    account.email = access_key + "@example.org";
    account.administrator = administrator;
    account.may_refer = administrator;
    const auto created =
        async::run_until_done(accounts_.create(std::move(account), secret_of(access_key)));
    ASSERT_TRUE(created) << created.error().message;
  }

  void make_front_end(auth::AuthenticatorOptions authentication, Options options) {
    front_.reset();
    authenticator_ =
        std::make_unique<auth::Authenticator>(accounts_, std::move(authentication), clock_);
    front_ =
        std::make_unique<NativeFrontEnd>(*service_, users_, *authenticator_, std::move(options));
  }

  static std::vector<sign::Header> headers_of(const TestRequest& request) {
    std::vector<sign::Header> headers;
    for (const http::Field& field : request.head.fields) {
      headers.push_back({field.name, field.value});
    }
    return headers;
  }

  /// Signs with AWS Signature Version 4, the body's hash included where it must be.
  TestRequest& sign_today(TestRequest& request, std::string_view access_key) {
    request.with("Host", "127.0.0.1:4568");
    const auto headers = headers_of(request);
    const sign::RequestHead head{request.head.method, request.head.path, request.head.query,
                                 headers, false};
    const sign::SigV4Signer signer{std::string(access_key), secret_of(access_key)};
    const auto added = sign::sign_sigv4(head, signer, clock_.now(),
                                        digest_hex(DigestAlgorithm::sha256, request.text()));
    EXPECT_TRUE(added) << added.error().message;
    for (const auto& [name, value] : *added) request.with(name, value);
    return request;
  }

  /// The same without x-amz-content-sha256, as many clients do for services other than S3.
  TestRequest& sign_without_hash(TestRequest& request, std::string_view access_key) {
    const std::string timestamp = format_basic_time(clock_.now());
    request.with("Host", "127.0.0.1:4568").with("X-Amz-Date", timestamp);
    const auto headers = headers_of(request);
    const sign::RequestHead head{request.head.method, request.head.path, request.head.query,
                                 headers, false};
    const sign::CredentialScope scope{timestamp.substr(0, 8), "us-east-1", "visor"};
    const auto canonical = sign::canonical_request(
        head, sign::PathForm::normalised, *sign::canonical_query(head.query),
        {"host", "x-amz-date"}, digest_hex(DigestAlgorithm::sha256, request.text()));
    const Secret key = sign::signing_key(secret_of(access_key), scope);
    const std::string signature =
        sign::sigv4_signature(key, sign::string_to_sign(timestamp, scope, *canonical));
    return request.with("Authorization",
                        "AWS4-HMAC-SHA256 Credential=" + std::string(access_key) + "/" +
                            scope.text() +
                            ", SignedHeaders=host;x-amz-date, Signature=" + signature);
  }

  /// Signs as the clients of 2012 do.
  TestRequest& sign_classic(TestRequest& request, std::string_view access_key) {
    request.with("Date", format_http_time(clock_.now()));
    const auto headers = headers_of(request);
    const sign::RequestHead head{request.head.method, request.head.path, request.head.query,
                                 headers, false};
    const auto authorization =
        sign::sign_visor(head, request.head.has_body(), access_key, secret_of(access_key));
    EXPECT_TRUE(authorization) << authorization.error().message;
    request.with("Authorization", *authorization);
    return request;
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

  Answer as(std::string_view access_key, TestRequest& request) {
    return send(sign_today(request, access_key));
  }
  Answer as(std::string_view access_key, std::string_view method, std::string_view target) {
    TestRequest request(method, target);
    return as(access_key, request);
  }
  Answer classic(std::string_view access_key, TestRequest& request) {
    return send(sign_classic(request, access_key));
  }
  Answer classic(std::string_view access_key, std::string_view method, std::string_view target) {
    TestRequest request(method, target);
    return classic(access_key, request);
  }

  static TestRequest registration(std::string_view name, std::string_view access = "public") {
    return TestRequest("POST", "/images",
                       {{"x-image-meta-name", name},
                        {"x-image-meta-architecture", "x86_64"},
                        {"x-image-meta-access", access}});
  }

  /// Registers an image, with data if there is any, and gives its id.
  std::string register_as(std::string_view access_key, std::string_view name,
                          std::string_view access = "public", std::string data = {}) {
    TestRequest request = registration(name, access);
    if (!data.empty()) request.data(std::move(data));
    const Answer answer = as(access_key, request);
    EXPECT_EQ(answer.status, 200) << answer.body;
    const document::Value document = answer.json();
    const document::Value* image = document.find("image");
    const std::string* id = image ? image->text("_id") : nullptr;
    return id ? *id : std::string();
  }

  std::vector<std::string> names_in(const Answer& answer) {
    std::vector<std::string> names;
    const document::Value document = answer.json();
    const document::Value* images = document.find("images");
    if (images == nullptr || !images->is_array()) return {"(no list)"};
    for (const document::Value& image : *images->as_array()) names.push_back(*image.text("name"));
    return names;
  }

  auth::Accounts accounts_{client_, auth::SecretBox::generate(), clock_};
  service::AccountService users_{accounts_};
  std::unique_ptr<auth::Authenticator> authenticator_;
  std::unique_ptr<NativeFrontEnd> front_;
};

}  // namespace visor::front::native
