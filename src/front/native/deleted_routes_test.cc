// Routes of deleted images, and what the audit log is told of refusals, driven without sockets.
#include "front/native/deleted_routes.h"

#include <gtest/gtest.h>

#include <stdlib.h>

#include <filesystem>

#include "audit/verify.h"
#include "front/native/front_end_fixture.h"

namespace visor::front::native {
namespace {

class DeletedRoutes : public FrontEndFixture {
 protected:
  DeletedRoutes() {
    options_.keep_deleted = std::chrono::hours(24);
    restart();
    make_front_end({}, {});
  }
};

TEST_F(DeletedRoutes, AnImageIsListedShownRestoredAndPurged) {
  const std::string id = register_as("ada", "debian", "private", "some data");
  EXPECT_EQ(as("ada", "DELETE", "/images/" + id).status, 200);
  EXPECT_EQ(as("ada", "GET", "/images/" + id).status, 404);
  const Answer list = as("ada", "GET", "/deleted/images");
  EXPECT_EQ(list.status, 200);
  EXPECT_EQ(names_in(list), std::vector<std::string>{"debian"});
  const Answer shown = as("ada", "GET", "/deleted/images/" + id);
  ASSERT_EQ(shown.status, 200) << shown.body;
  const document::Value document = shown.json();
  const document::Value& image = *document.find("image");
  EXPECT_EQ(*image.text("deleted_by"), "ada");
  EXPECT_EQ(*image.text("deleted_at"), "2012-06-15 21:05:20 +0000");
  EXPECT_EQ(*image.text("restorable_until"), "2012-06-16 21:05:20 +0000");
  EXPECT_EQ(*image.text("uri"), "http://127.0.0.1:4568/deleted/images/" + id);
  EXPECT_EQ(as("bob", "GET", "/deleted/images/" + id).status, 404);
  EXPECT_EQ(names_in(as("bob", "GET", "/deleted/images")), std::vector<std::string>{});
  EXPECT_EQ(as("bob", "POST", "/deleted/images/" + id + "/restore").status, 404);

  const Answer restored = as("ada", "POST", "/deleted/images/" + id + "/restore");
  ASSERT_EQ(restored.status, 200) << restored.body;
  EXPECT_EQ(restored.json().find("image")->text("broken_links"), nullptr);
  EXPECT_EQ(as("ada", "GET", "/images/" + id).body, "some data");
  EXPECT_EQ(as("ada", "DELETE", "/images/" + id).status, 200);
  EXPECT_EQ(as("ada", "DELETE", "/deleted/images/" + id).status, 200);
  EXPECT_EQ(as("ada", "DELETE", "/deleted/images/" + id).status, 404);
  EXPECT_EQ(store_->keys().size(), 0u);
}

TEST_F(DeletedRoutes, FreeAttributesNeverPassForWhatTheServerSays) {
  TestRequest post = registration("debian");
  post.with("x-image-meta-deleted_by", "somebody").with("x-image-meta-restorable_until", "never");
  const Answer registered = as("ada", post);
  ASSERT_EQ(registered.status, 200) << registered.body;
  const document::Value document = registered.json();
  const std::string id = *document.find("image")->text("_id");
  EXPECT_EQ(as("ada", "DELETE", "/images/" + id).status, 200);
  const document::Value shown = as("ada", "GET", "/deleted/images/" + id).json();
  EXPECT_EQ(*shown.find("image")->text("deleted_by"), "ada");
  EXPECT_EQ(as("ada", "POST", "/deleted/images/" + id + "/restore").status, 200);
  const document::Value after = as("ada", "GET", "/images/" + id + "/metadata").json();
  EXPECT_EQ(*after.find("image")->text("deleted_by"), "somebody");
}

TEST_F(DeletedRoutes, TheListHasPagesAndNoFilters) {
  for (int i = 0; i < 60; ++i) {
    const std::string id = register_as("ada", "image-" + std::to_string(i));
    ASSERT_EQ(as("ada", "DELETE", "/images/" + id).status, 200);
  }
  EXPECT_EQ(names_in(as("ada", "GET", "/deleted/images")).size(), 60u) << "streamed";
  const Answer page = as("ada", "GET", "/deleted/images?limit=25");
  EXPECT_EQ(names_in(page).size(), 25u);
  const document::Value document = page.json();
  ASSERT_NE(document.text("next"), nullptr);
  EXPECT_EQ(names_in(as("ada", "GET", *document.text("next"))).size(), 25u);
  EXPECT_EQ(as("ada", "GET", "/deleted/images?name=x").status, 400);
  EXPECT_EQ(as("ada", "GET", "/deleted/images?limit=0").status, 400);
}

TEST_F(DeletedRoutes, RestoringTakesNoBody) {
  const std::string id = register_as("ada", "debian");
  ASSERT_EQ(as("ada", "DELETE", "/images/" + id).status, 200);
  TestRequest request("POST", "/deleted/images/" + id + "/restore");
  request.data("bytes");
  EXPECT_EQ(as("ada", request).status, 400);
}

class AuditedRoutes : public FrontEndFixture {
 protected:
  AuditedRoutes() {
    std::string name = (std::filesystem::temp_directory_path() / "visor-front-XXXXXX").string();
    EXPECT_NE(::mkdtemp(name.data()), nullptr);
    folder_ = name;
    audit::Options options;
    options.folder = folder_ + "/audit";
    auto opened = audit::Log::open(std::move(options), audit::Seal(Secret("key")), clock_);
    EXPECT_TRUE(opened);
    log_ = std::move(*opened);
    Options front;
    front.audit = log_.get();
    make_front_end({}, std::move(front));
  }
  ~AuditedRoutes() override {
    front_.reset();
    log_.reset();
    std::error_code unknown;
    std::filesystem::remove_all(folder_, unknown);
  }

  std::vector<audit::Line> told() {
    std::vector<audit::Line> lines;
    EXPECT_TRUE(
        audit::verify(folder_ + "/audit", nullptr, [&](const audit::Line& line, std::string_view) {
          if (!line.verb.starts_with("log.")) lines.push_back(line);
        }));
    return lines;
  }

  std::string folder_;
  std::unique_ptr<audit::Log> log_;
};

TEST_F(AuditedRoutes, TellWhoAFailedSignatureClaimsToBe) {
  TestRequest today("GET", "/images?x=secret");
  sign_today(today, "ada");
  clock_.advance(std::chrono::hours(2));
  EXPECT_EQ(send(today).status, 403);
  TestRequest classic("GET", "/images");
  classic.with("Authorization", "VISOR mallory:" + to_base64("no signature at all."))
      .with("Date", format_http_time(clock_.now()));
  EXPECT_EQ(send(classic).status, 403);
  TestRequest presigned("GET",
                        "/images?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=eve%2F2012&"
                        "X-Amz-Signature=ab");
  EXPECT_EQ(send(presigned).status, 403);
  TestRequest basic("GET", "/images");
  basic.with("Authorization", "Basic dXNlcjpwYXNzd29yZA==");
  EXPECT_EQ(send(basic).status, 403);
  const auto lines = told();
  ASSERT_EQ(lines.size(), 4u);
  const std::vector<std::string> claimed = {"ada", "mallory", "eve", ""};
  for (std::size_t i = 0; i < lines.size(); ++i) {
    EXPECT_EQ(lines[i].verb, "request.authenticate");
    EXPECT_EQ(lines[i].account, claimed[i]);
    EXPECT_EQ(lines[i].role, claimed[i].empty() ? "anonymous" : "claimed");
    EXPECT_EQ(lines[i].detail, "GET /images");
    EXPECT_EQ(lines[i].outcome, "refused");
  }
}

TEST_F(AuditedRoutes, TellWhatIsRefusedBeforeAServiceHearsOfIt) {
  TestRequest scope("GET", "/images");
  scope.with("x-visor-scope", "all");
  EXPECT_EQ(as("ada", scope).status, 403);
  TestRequest user("POST", "/users");
  user.with("Content-Type", "application/json");
  EXPECT_EQ(as("ada", user).status, 403);
  EXPECT_EQ(as("ada", "PUT", "/users/bob").status, 403);
  const auto lines = told();
  ASSERT_EQ(lines.size(), 3u);
  EXPECT_EQ(lines[0].verb, "request.scope");
  EXPECT_EQ(lines[1].verb, "account.create");
  EXPECT_EQ(lines[2].verb, "account.update");
  EXPECT_EQ(lines[2].subject, "bob");
  EXPECT_EQ(lines[2].account, "ada");
}

}  // namespace
}  // namespace visor::front::native
