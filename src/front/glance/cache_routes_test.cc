#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "front/glance/front_end_fixture.h"
#include "service/warm_images.h"

namespace visor::front::glance {
namespace {

using Names = std::vector<std::string>;

class Cache : public FrontEndFixture {
 protected:
  Cache() {
    Options options;
    options.cache = &warm_;
    make_front_end(std::move(options));
  }

  std::string active(std::string bytes = "data") {
    const auto image = add(alice_, draft(), std::move(bytes));
    EXPECT_TRUE(image);
    return image ? image->id : std::string();
  }
  std::string cached() {
    const std::string id = active();
    EXPECT_EQ(as("root", "PUT", "/v2/cache/" + id).status, 202);
    async::run_until_done(warm_.run());
    return id;
  }
  std::string queued() {
    const std::string id = active();
    EXPECT_EQ(as("root", "PUT", "/v2/cache/" + id).status, 202);
    return id;
  }
  int clear(std::string_view caller, const char* target) {
    TestRequest request("DELETE", "/v2/cache");
    if (target != nullptr) request.with("x-image-cache-clear-target", target);
    return as(caller, request).status;
  }
  document::Value list() {
    const Answer answer = as("root", "GET", "/v2/cache");
    EXPECT_EQ(answer.status, 200) << answer.body;
    return answer.json();
  }
  Names cached_ids() {
    Names ids;
    const document::Value document = list();
    for (const auto& image : *document.find("cached_images")->as_array()) {
      ids.push_back(*image.text("image_id"));
    }
    return ids;
  }
  Names queued_ids() {
    Names ids;
    const document::Value document = list();
    for (const auto& id : *document.find("queued_images")->as_array()) ids.push_back(*id.as_text());
    return ids;
  }

  service::WarmImages warm_{
      service::Foundation{client_, stores_, digest_pool_, slices_, clock_, quota_}, *service_};
};

TEST_F(Cache, IsEmptyUntilAnImageIsQueued) {
  EXPECT_EQ(as("root", "GET", "/v2/cache").body, R"({"cached_images":[],"queued_images":[]})");
  const std::string id = queued();
  EXPECT_EQ(queued_ids(), Names{id});
  EXPECT_EQ(cached_ids(), Names{});
}

TEST_F(Cache, TellsOfAnImageWhatClientsShow) {
  const std::string id = cached();
  EXPECT_EQ(as("root", "GET", "/v2/cache").body,
            R"({"cached_images":[{"image_id":")" + id +
                R"(","hits":0,"last_accessed":0,"last_modified":1339794320,"size":4}],)"
                R"("queued_images":[]})");
  clock_.advance(std::chrono::seconds(10));
  EXPECT_EQ(as("root", "GET", "/v2/images/" + id + "/file").status, 200);
  const document::Value document = list();
  const document::Value image = document.find("cached_images")->as_array()->front();
  EXPECT_EQ(image.find("hits")->as_integer(), 1);
  EXPECT_EQ(image.find("last_accessed")->as_integer(), 1339794330);
  EXPECT_EQ(image.find("last_modified")->as_integer(), 1339794320);
}

TEST_F(Cache, IsForAdministrators) {
  const std::string id = cached();
  for (const auto& [method, path] : {std::pair("GET", std::string("/v2/cache")),
                                     {"DELETE", "/v2/cache"},
                                     {"PUT", "/v2/cache/" + id},
                                     {"DELETE", "/v2/cache/" + id},
                                     {"GET", "/v2/cache/nodes/one"},
                                     {"POST", "/v2/cache/clean"},
                                     {"POST", "/v2/cache/prune"}}) {
    EXPECT_EQ(as("ada", method, path).status, 403) << method << " " << path;
    EXPECT_EQ(as("eve", method, path).status, 403) << method << " " << path;
  }
  EXPECT_EQ(clear("ada", "nonsense"), 403);
  EXPECT_EQ(cached_ids(), Names{id});
}

TEST_F(Cache, RefusesImagesThatCannotBeCached) {
  EXPECT_EQ(as("root", "PUT", "/v2/cache/non-existing-image-id").status, 404);
  EXPECT_EQ(as("root", "PUT", "/v2/cache/5c0a1b2c-0000-4000-8000-000000000001").status, 404);
  EXPECT_EQ(as("root", "PUT", "/v2/cache/" + add(alice_, draft())->id).status, 400);
  remote_->put("far://image", "data");
  const auto far = refer(Principal::root("root"), "far://image");
  ASSERT_TRUE(far);
  const Answer answer = as("root", "PUT", "/v2/cache/" + far->id);
  EXPECT_EQ(answer.status, 400);
  EXPECT_NE(answer.message().find("local store"), std::string::npos) << answer.message();
}

TEST_F(Cache, DropsAnImageOnce) {
  const std::string warm = cached();
  EXPECT_EQ(as("root", "DELETE", "/v2/cache/" + warm).status, 204);
  EXPECT_EQ(as("root", "DELETE", "/v2/cache/" + warm).status, 404);
  const std::string waiting = queued();
  EXPECT_EQ(as("root", "DELETE", "/v2/cache/" + waiting).status, 204);
  EXPECT_EQ(as("root", "GET", "/v2/cache").body, R"({"cached_images":[],"queued_images":[]})");
}

TEST_F(Cache, IsClearedInPartsOrAltogether) {
  const std::string warm = cached();
  const std::string waiting = queued();
  EXPECT_EQ(clear("root", "everything"), 400);
  EXPECT_EQ(cached_ids(), Names{warm});
  EXPECT_EQ(queued_ids(), Names{waiting});
  EXPECT_EQ(clear("root", "cache"), 204);
  EXPECT_EQ(cached_ids(), Names{});
  EXPECT_EQ(queued_ids(), Names{waiting});
  EXPECT_EQ(clear("root", "queue"), 204);
  EXPECT_EQ(queued_ids(), Names{});
  for (const char* both : {"", static_cast<const char*>(nullptr)}) {
    cached();
    queued();
    EXPECT_EQ(clear("root", both), 204);
    EXPECT_EQ(cached_ids(), Names{});
    EXPECT_EQ(queued_ids(), Names{});
  }
}

TEST_F(Cache, KnowsOfNoOtherNodesAndHasNothingToPrune) {
  EXPECT_EQ(as("root", "GET", "/v2/cache/nodes/one").status, 409);
  EXPECT_EQ(as("root", "POST", "/v2/cache/clean").status, 200);
  const Answer pruned = as("root", "POST", "/v2/cache/prune");
  EXPECT_EQ(pruned.status, 200);
  EXPECT_EQ(pruned.body, R"({"total_files_pruned":0,"total_bytes_pruned":0})");
}

TEST_F(Cache, BelongsToOneNode) {
  const std::string id = cached();
  service::WarmImages other{
      service::Foundation{client_, stores_, digest_pool_, slices_, clock_, quota_}, *service_};
  Options options;
  options.cache = &other;
  make_front_end(std::move(options));
  EXPECT_EQ(cached_ids(), Names{});
  EXPECT_EQ(clear("root", ""), 204);
  Options first;
  first.cache = &warm_;
  make_front_end(std::move(first));
  EXPECT_EQ(cached_ids(), Names{id});
}

TEST_F(Cache, IsNotThereWithoutOne) {
  make_front_end({});
  EXPECT_EQ(as("root", "GET", "/v2/cache").status, 404);
}

}  // namespace
}  // namespace visor::front::glance
