#include "front/native/admin_routes.h"

#include <gtest/gtest.h>

#include <tuple>

#include "front/native/front_end_fixture.h"

namespace visor::front::native {
namespace {

using namespace std::chrono_literals;

class ListedRequests final : public http::LiveRequests {
 public:
  async::Task<std::vector<http::LiveRequest>> list() override { co_return all; }
  async::Task<bool> cancel(std::string id) override {
    cancelled = id;
    co_return id == "upload1";
  }
  std::vector<http::LiveRequest> all;
  std::string cancelled;
};

class Activity : public FrontEndFixture {
 protected:
  Activity() {
    http::LiveRequest upload;
    upload.id = "upload1";
    upload.method = "POST";
    upload.target = "/images?sig=-";
    upload.user = "ada";
    upload.peer = "192.0.2.7";
    upload.stage = http::Stage::body;
    upload.age = 2s;
    upload.bytes_in = 4'000'000;
    http::LiveRequest young;
    young.id = "young";
    young.peer = "192.0.2.8";
    requests_.all = {young, upload};
    Options options;
    options.requests = &requests_;
    options.jobs = &jobs_;
    make_front_end({}, std::move(options));
  }

  ListedRequests requests_;
  service::Jobs jobs_{clock_};
};

TEST_F(Activity, ShowsRequestsTheOldestFirst) {
  const Answer answer = as("root", "GET", "/requests");
  ASSERT_EQ(answer.status, 200) << answer.body;
  EXPECT_EQ(answer.header("Cache-Control"), "no-store");
  const document::Value document = answer.json();
  const auto& shown = *document.find("requests")->as_array();
  ASSERT_EQ(shown.size(), 2U);
  EXPECT_EQ(*shown[0].text("id"), "upload1");
  EXPECT_EQ(*shown[0].text("method"), "POST");
  EXPECT_EQ(*shown[0].text("path"), "/images?sig=-");
  EXPECT_EQ(*shown[0].text("account"), "ada");
  EXPECT_EQ(*shown[0].text("client"), "192.0.2.7");
  EXPECT_EQ(*shown[0].text("state"), "body");
  EXPECT_EQ(shown[0].integer("bytes_in"), 4'000'000);
  EXPECT_EQ(shown[0].integer("bytes_per_second"), 2'000'000);
  EXPECT_EQ(*shown[1].text("id"), "young");
  EXPECT_EQ(shown[1].find("method"), nullptr) << "its head is not there yet";
}

TEST_F(Activity, IsShownAsXmlToo) {
  TestRequest request("GET", "/requests", {{"Accept", "application/xml"}});
  const Answer answer = as("root", request);
  EXPECT_EQ(answer.status, 200);
  EXPECT_TRUE(answer.body.contains("<request><id>upload1</id>")) << answer.body;
}

TEST_F(Activity, EndsARequestAndSaysSo) {
  const Answer answer = as("root", "DELETE", "/requests/upload1");
  ASSERT_EQ(answer.status, 200) << answer.body;
  EXPECT_EQ(requests_.cancelled, "upload1");
  EXPECT_EQ(*answer.json().find("request")->text("state"), "cancelled");
  EXPECT_EQ(as("root", "DELETE", "/requests/another").status, 404);
}

TEST_F(Activity, ShowsJobsWithTheirLastRun) {
  const std::size_t job = jobs_.add("tidy", 30s);
  std::ignore = jobs_.run(job, []() -> Result<void> { return fail(Code::no_space, "it is full"); });
  const Answer answer = as("root", "GET", "/jobs");
  ASSERT_EQ(answer.status, 200) << answer.body;
  const document::Value document = answer.json();
  const document::Value& shown = document.find("jobs")->as_array()->front();
  EXPECT_EQ(*shown.text("name"), "tidy");
  EXPECT_EQ(*shown.text("state"), "idle");
  EXPECT_EQ(*shown.text("result"), "failed");
  EXPECT_EQ(*shown.text("failure"), "it is full");
  EXPECT_EQ(shown.integer("failures"), 1);
  EXPECT_EQ(shown.find("period")->as_number(), 30);
  EXPECT_NE(shown.text("next_at"), nullptr);
}

TEST_F(Activity, IsForAdministratorsOnly) {
  for (const auto& [method, target] :
       {std::pair{"GET", "/requests"}, {"DELETE", "/requests/upload1"}, {"GET", "/jobs"}}) {
    EXPECT_EQ(as("ada", method, target).status, 403) << target;
    TestRequest nobody(method, target);
    EXPECT_EQ(send(nobody).status, 403) << target;
  }
  EXPECT_EQ(requests_.cancelled, "");
}

TEST_F(Activity, IsNotServedWhereNobodyKeepsBooks) {
  make_front_end({}, {});
  EXPECT_EQ(as("root", "GET", "/requests").status, 404);
  EXPECT_EQ(as("root", "GET", "/jobs").status, 404);
}

}  // namespace
}  // namespace visor::front::native
