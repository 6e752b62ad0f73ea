#include "front/native/store_routes.h"

#include "front/native/front_end_fixture.h"

namespace visor::front::native {
namespace {

class StoreRoutes : public FrontEndFixture {
 protected:
  StoreRoutes() {
    auto other = std::make_unique<service::StubbornStore>();
    stores_.add("other", std::move(other));
    placements_.emplace(
        service::Foundation{client_, stores_, digest_pool_, slices_, clock_, quota_},
        options_.digests);
    Options options;
    options.placements = &*placements_;
    make_front_end({}, std::move(options));
    image_ = add(Principal::of("ada"), draft(), service::pattern(1000))->id;
  }

  Answer ask(std::string_view method, std::string_view target, std::string body = {},
             std::string_view access_key = "root") {
    TestRequest request(method, target);
    if (!body.empty()) request.body(std::move(body));
    return send(sign_today(request, access_key));
  }
  std::string wish(std::string_view kind, std::string_view store) const {
    return R"({"placement":{"kind":")" + std::string(kind) + R"(","image":")" + image_ +
           R"(","store":")" + std::string(store) + R"("}})";
  }

  std::optional<service::PlacementService> placements_;
  std::string image_;
};

TEST_F(StoreRoutes, ListTheStoresAndWhatTheyDo) {
  const document::Value answer = ask("GET", "/stores").json();
  const auto& stores = *answer.find("stores")->as_array();
  ASSERT_EQ(stores.size(), 3U);
  EXPECT_EQ(*stores[0].text("name"), "far");
  EXPECT_EQ(stores[0].boolean("writable"), false);
  EXPECT_EQ(*stores[0].text("references"), "privileged");
  EXPECT_EQ(*stores[1].text("name"), "main");
  EXPECT_EQ(stores[1].boolean("default"), true);
}

TEST_F(StoreRoutes, SayHowAStoreDoes) {
  const document::Value well = ask("POST", "/stores/main/check").json();
  EXPECT_EQ(*well.find("check")->text("result"), "well");
  const document::Value unchecked = ask("POST", "/stores/far/check").json();
  EXPECT_EQ(*unchecked.find("check")->text("result"), "unchecked");
  store_->fail_after_commits = true;
  const Answer answer = ask("POST", "/stores/main/check");
  EXPECT_EQ(answer.status, 200);
  const document::Value failed = answer.json();
  EXPECT_EQ(*failed.find("check")->text("result"), "failed");
  EXPECT_NE(*failed.find("check")->text("failure"), "");
  EXPECT_EQ(ask("POST", "/stores/nowhere/check").status, 404);
}

TEST_F(StoreRoutes, TakeAWishAndShowHowFarItIs) {
  const Answer asked = ask("POST", "/placements", wish("copy", "other"));
  ASSERT_EQ(asked.status, 200) << asked.body;
  const std::string id = *asked.json().find("placement")->text("id");
  EXPECT_EQ(*asked.json().find("placement")->text("state"), "waiting");
  EXPECT_EQ(ask("POST", "/placements", wish("copy", "other")).status, 409);
  async::run_until_done(placements_->run());
  const document::Value shown = ask("GET", "/placements/" + id).json();
  EXPECT_EQ(*shown.find("placement")->text("state"), "done");
  EXPECT_EQ(shown.find("placement")->integer("done"), 1000);
  EXPECT_EQ(ask("DELETE", "/placements/" + id).status, 409) << "it is over";
  const document::Value copies = ask("GET", "/images/" + image_ + "/copies").json();
  const auto& places = *copies.find("copies")->as_array();
  ASSERT_EQ(places.size(), 2U);
  EXPECT_EQ(*places[0].text("store"), "main");
  EXPECT_EQ(places[0].boolean("first"), true);
  EXPECT_EQ(*places[1].text("state"), "whole");
}

TEST_F(StoreRoutes, TakeAWishInXml) {
  const Answer asked =
      ask("POST", "/placements", "<placement><kind>scrub</kind><store>main</store></placement>");
  EXPECT_EQ(asked.status, 200) << asked.body;
  EXPECT_EQ(*asked.json().find("placement")->text("kind"), "scrub");
}

TEST_F(StoreRoutes, GoThroughAListPageByPage) {
  for (const char* store : {"main", "other"}) {
    ASSERT_EQ(ask("POST", "/placements", wish("scrub", store)).status, 200);
    clock_.advance(std::chrono::seconds(1));
  }
  const document::Value first = ask("GET", "/placements?limit=1").json();
  ASSERT_EQ(first.find("placements")->as_array()->size(), 1U);
  EXPECT_EQ(*first.find("placements")->as_array()->front().text("store"), "other");
  const document::Value second = ask("GET", *first.text("next")).json();
  EXPECT_EQ(*second.find("placements")->as_array()->front().text("store"), "main");
}

TEST_F(StoreRoutes, SayWhatIsWrongWithAWish) {
  for (const char* body :
       {"", "[]", "{}", R"({"kind":"heal","store":"main"})", R"({"kind":"paint","store":"main"})",
        R"({"kind":3})", R"({"kind":"scrub","store":"main","colour":"red"})", "<placement>"}) {
    EXPECT_EQ(ask("POST", "/placements", body).status, 400) << body;
  }
  EXPECT_EQ(ask("GET", "/placements?sort=kind").status, 400);
  EXPECT_EQ(ask("GET", "/placements?marker=x").status, 400);
  EXPECT_EQ(ask("GET", "/placements?marker=9999999999999999999").status, 200);
  EXPECT_EQ(ask("GET", "/placements/7").status, 404);
}

TEST_F(StoreRoutes, RefuseEverybodyButAdministrators) {
  const std::pair<const char*, std::string> asked[] = {{"GET", "/stores"},
                                                       {"POST", "/stores/main/check"},
                                                       {"GET", "/images/" + image_ + "/copies"},
                                                       {"GET", "/placements"},
                                                       {"GET", "/placements/7"},
                                                       {"DELETE", "/placements/7"}};
  for (const auto& [method, target] : asked) {
    EXPECT_EQ(ask(method, target, {}, "ada").status, 403) << method << " " << target;
  }
  EXPECT_EQ(ask("POST", "/placements", wish("copy", "other"), "ada").status, 403);
}

}  // namespace
}  // namespace visor::front::native
