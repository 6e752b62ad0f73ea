#include "front/glance/remote_image.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "async/executor.h"
#include "auth/service_catalogue.h"
#include "support/scripted_server.h"

namespace visor::front::glance {
namespace {

using testing_support::field_of;
using testing_support::http_answer;
using testing_support::ScriptedConnection;
using testing_support::ScriptedServer;

constexpr const char* kId = "5c0a1b2c-0000-4000-8000-000000000001";

/// A catalogue with one service.
class OneService final : public auth::IdentitySource {
 public:
  explicit OneService(std::string url) : url_(std::move(url)) {}
  async::Task<Result<Principal>> identify(auth::Presented) override {
    co_return auth::refuse_caller("tests");
  }
  bool has_catalogue() const override { return true; }
  async::Task<Result<std::string>> find_service(Secret, auth::ServiceQuery query) override {
    if (query.region != "North") co_return auth::no_such_service(query);
    co_return url_;
  }
  std::string challenge() const override { return {}; }

 private:
  std::string url_;
};

class RemoteImages : public testing::Test {
 protected:
  /// `document` and `data` are whole answers.
  void serve(std::string document, std::string data) {
    server_ = std::make_unique<ScriptedServer>([=](ScriptedConnection& connection) {
      for (std::string head = connection.read_head(); !head.empty();
           head = connection.read_head()) {
        const bool known = field_of(head, "X-Auth-Token") == "a token";
        const bool file = head.starts_with(std::string("GET /v2/images/") + kId + "/file ");
        const bool shown = head.starts_with(std::string("GET /v2/images/") + kId + " ");
        const std::string answer = !known  ? http_answer("401 No", "")
                                   : file  ? data
                                   : shown ? document
                                           : http_answer("404 No", "");
        if (!connection.send(answer)) return;
      }
    });
    identities_ = std::make_unique<OneService>("http://" + server_->authority() + path_);
  }
  void serve_document(const std::string& document) {
    serve(http_answer("200 OK", document), http_answer("200 OK", "some data"));
  }

  Result<service::Brought> open(std::string region = "North", std::string token = "a token") {
    RemoteImage image{kId, {"image", std::move(region)}, Secret(std::move(token))};
    return async::run_until_done(open_remote_image({*identities_, {}}, std::move(image)));
  }
  static std::string text_of(service::Brought& brought) {
    auto text = async::run_until_done(async::read_all(*brought.data, 1000));
    return text ? *text : "(error: " + text.error().message + ")";
  }

  std::string path_;
  std::unique_ptr<ScriptedServer> server_;
  std::unique_ptr<OneService> identities_;
};

TEST_F(RemoteImages, AreReadWithWhatAMachineNeeds) {
  serve_document(R"({"id":"x","name":"theirs","status":"active","disk_format":"qcow2",
    "container_format":"bare","size":9,"checksum":"1e50210a0202497fb79bc38b6ade6c34",
    "os_hash_algo":"sha512","os_hash_value":"00","visibility":"public","owner":"them",
    "hw_cpu_cores":"5","trait:DISK":"required","os_distro":"rhel","os_distro_x":"y","speed":"88"})");
  auto brought = open();
  ASSERT_TRUE(brought) << brought.error().message;
  EXPECT_EQ(text_of(*brought), "some data");
  EXPECT_EQ(brought->format, "qcow2");
  EXPECT_EQ(brought->container, "bare");
  EXPECT_EQ(brought->size, 9u);
  EXPECT_EQ(brought->digests.at(DigestAlgorithm::md5), "1e50210a0202497fb79bc38b6ade6c34");
  EXPECT_EQ(brought->digests.at(DigestAlgorithm::sha512), "00");
  std::string names;
  for (const image::Edit& edit : brought->edits) names += edit.name + "=" + edit.value + " ";
  EXPECT_EQ(names,
            "format=qcow2 container=bare hw_cpu_cores=5 trait:DISK=required os_distro=rhel ");
}

TEST_F(RemoteImages, AreFoundBehindAPathAndAVersionOfTheApi) {
  path_ = "/v2";
  serve_document(R"({"disk_format":"raw","container_format":"bare"})");
  EXPECT_TRUE(open());
}

TEST_F(RemoteImages, AnUnknownRegionIsNotFoundWithoutAskingAnyServer) {
  serve_document("{}");
  EXPECT_EQ(open("South").error().code, Code::not_found);
  EXPECT_EQ(server_->connections(), 0u);
}

TEST_F(RemoteImages, ARefusalIsToldInWords) {
  serve_document("{}");
  EXPECT_EQ(open("North", "a wrong token").error().code, Code::forbidden);
  serve(http_answer("404 Not Found", "{}"), {});
  EXPECT_EQ(open().error().code, Code::not_found);
  serve(http_answer("503 Busy", "{}"), {});
  EXPECT_EQ(open().error().code, Code::unavailable);
  serve(http_answer("302 Found", "{}", "Location: http://127.0.0.1:1/\r\n"), {});
  EXPECT_EQ(open().error().code, Code::unavailable) << "nobody is sent elsewhere";
  serve(http_answer("200 OK", "{}"), "HTTP/1.1 204 No Content\r\n\r\n");
  EXPECT_EQ(open().error().code, Code::conflict);
}

TEST_F(RemoteImages, WhatDescribesNoImageIsRefused) {
  for (const char* document : {"[]", "7", "{", "\xff"}) {
    serve_document(document);
    EXPECT_EQ(open().error().code, Code::corrupt) << document;
  }
  for (const char* document : {R"({"disk_format":"floppy"})", R"({"hw_x":7})"}) {
    serve_document(document);
    EXPECT_EQ(open().error().code, Code::invalid) << document;
  }
}

TEST_F(RemoteImages, DataThatBreaksOffIsAnError) {
  serve(http_answer("200 OK", "{}"), "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nsome");
  auto brought = open();
  ASSERT_TRUE(brought);
  server_.reset();
  EXPECT_NE(text_of(*brought).find("(error"), std::string::npos);
}

}  // namespace
}  // namespace visor::front::glance
