#include "service/location_service.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "service/placement_service.h"
#include "service/service_fixture.h"

namespace visor::service {
namespace {

using Names = std::vector<std::string>;
using Kind = Placement::Kind;

class Locations : public ServiceFixture {
 protected:
  Locations() {
    for (const char* name : {"a", "b", "c"}) remote_->put(far(name), "some data");
    remote_->put(far("long"), "data of another size");
    owner_.may_refer = true;
    root_.everybody = true;
    auto other = std::make_unique<StubbornStore>();
    stores_.add("other", std::move(other));
  }

  static std::string far(const std::string& name) { return "far://host/" + name; }

  Result<image::Image> change(const Principal& who, const std::string& id, LocationEditor editor) {
    return async::run_until_done(locations_.change(who, id, std::move(editor)));
  }
  /// Makes the places these, by their names; what the server keeps itself is named "own".
  Result<image::Image> set(const Principal& who, const std::string& id, const Names& names,
                           Digests claimed = {}) {
    return change(who, id, [&](const image::Image&, const std::vector<Location>& places) {
      WantedLocations wanted;
      wanted.claimed = claimed;
      for (const std::string& name : names) {
        Location& place = wanted.places.emplace_back();
        place.location = far(name);
        for (const Location& known : places) {
          if (name == "own" && known.store == "main") place = known;
        }
      }
      return Result<WantedLocations>(wanted);
    });
  }
  Names places(const std::string& id) {
    Names names;
    for (const Location& place :
         *async::run_until_done(service_->locations_of(*show(alice_, id)))) {
      names.push_back(place.store == "far" ? place.location.substr(far("").size()) : "own");
    }
    return names;
  }
  std::string registered() { return add(alice_, draft())->id; }
  std::string uploaded() { return add(alice_, draft(), "some data")->id; }
  std::int64_t charged() { return counter(bytes_counter("alice")); }

  Principal root_ = Principal::root("root");
  Principal owner_ = Principal::of("alice");
  LocationService locations_{Foundation{client_, stores_, digest_pool_, slices_, clock_, quota_}};
};

TEST_F(Locations, AnImageWithoutDataGetsItByOne) {
  const std::string id = registered();
  const auto changed = set(owner_, id, {"a"});
  ASSERT_TRUE(changed) << changed.error().message;
  EXPECT_EQ(changed->state, image::DataState::present);
  EXPECT_TRUE(changed->referred);
  EXPECT_EQ(changed->size, 9u);
  EXPECT_TRUE(changed->digests.empty()) << "nobody has looked at the data";
  EXPECT_EQ(*fetch(alice_, id), "some data");
  EXPECT_EQ(charged(), 0) << "what lies elsewhere costs nothing";
  EXPECT_EQ(show(alice_, id)->revision, changed->revision);
}

TEST_F(Locations, StandInTheOrderThatTheyWereGiven) {
  const std::string id = registered();
  ASSERT_TRUE(set(owner_, id, {"b", "a", "c"}));
  EXPECT_EQ(places(id), (Names{"b", "a", "c"}));
  ASSERT_TRUE(set(owner_, id, {"c", "b", "a"}));
  EXPECT_EQ(places(id), (Names{"c", "b", "a"}));
  EXPECT_EQ(show(alice_, id)->location, far("c"));
}

TEST_F(Locations, KeepWhatIsNotedOfThem) {
  const std::string id = registered();
  const auto note = [](const image::Image&, const std::vector<Location>&) {
    return Result<WantedLocations>(
        WantedLocations{{{.store = {}, .location = far("a"), .metadata = R"({"n":1})"}}});
  };
  ASSERT_TRUE(change(owner_, id, note));
  const auto all = async::run_until_done(service_->locations_of(*show(alice_, id)));
  EXPECT_EQ(all->front().metadata, R"({"n":1})");
}

TEST_F(Locations, AreReadInTheirOrderWhenTheFirstOneIsGone) {
  const std::string id = registered();
  ASSERT_TRUE(set(owner_, id, {"a", "b"}));
  remote_->drop(far("a"));
  EXPECT_EQ(*fetch(alice_, id), "some data");
}

TEST_F(Locations, OnlyAdministratorsTakeOneAwayAndNobodyTheLast) {
  const std::string id = registered();
  ASSERT_TRUE(set(owner_, id, {"a", "b"}));
  EXPECT_EQ(set(owner_, id, {"b"}).error().code, Code::forbidden);
  ASSERT_TRUE(set(root_, id, {"b"}));
  EXPECT_EQ(places(id), Names{"b"});
  EXPECT_EQ(set(root_, id, {}).error().code, Code::forbidden);
  EXPECT_EQ(*fetch(alice_, id), "some data");
  EXPECT_EQ(count(kCopies), 1u);
}

TEST_F(Locations, MustHaveTheImagesSizeAndExist) {
  const std::string id = registered();
  ASSERT_TRUE(set(owner_, id, {"a"}));
  EXPECT_EQ(set(owner_, id, {"a", "long"}).error().code, Code::conflict);
  EXPECT_EQ(set(owner_, id, {"a", "nothing"}).error().code, Code::invalid);
  EXPECT_EQ(set(owner_, id, {"a", "a"}).error().code, Code::invalid);
  EXPECT_EQ(places(id), Names{"a"});
}

TEST_F(Locations, AreAtMostTen) {
  const std::string id = registered();
  Names many;
  for (int i = 0; i < 11; ++i) {
    many.push_back("many" + std::to_string(i));
    remote_->put(far(many.back()), "some data");
  }
  EXPECT_EQ(set(owner_, id, many).error().code, Code::too_large);
  many.pop_back();
  EXPECT_TRUE(set(owner_, id, many));
}

TEST_F(Locations, AreChangedByWhoMayChangeTheImage) {
  const std::string id = registered();
  Principal bob = Principal::of("bob");
  bob.may_refer = true;
  EXPECT_EQ(set(bob, id, {"a"}).error().code, Code::forbidden) << "the image is public";
  EXPECT_EQ(set(alice_, id, {"a"}).error().code, Code::forbidden) << "she may not refer";
  EXPECT_EQ(set(owner_, random_uuid(), {"a"}).error().code, Code::not_found);
  EXPECT_EQ(show(alice_, id)->state, image::DataState::none);
}

TEST_F(Locations, TakeDigestsOnTrustOnceAndNeverOthers) {
  const std::string id = registered();
  const Digests claimed = {{DigestAlgorithm::md5, "11"}};
  ASSERT_TRUE(set(owner_, id, {"a"}, claimed));
  EXPECT_EQ(show(alice_, id)->digests, claimed);
  ASSERT_TRUE(set(owner_, id, {"a", "b"}, claimed));
  EXPECT_EQ(set(owner_, id, {"a", "b", "c"}, {{DigestAlgorithm::md5, "22"}}).error().code,
            Code::conflict);
  EXPECT_EQ(set(owner_, id, {"a", "b", "c"}, {{DigestAlgorithm::sha1, "11"}}).error().code,
            Code::conflict);
}

TEST_F(Locations, StandBesideWhatTheServerKeepsItself) {
  const std::string id = uploaded();
  ASSERT_TRUE(set(owner_, id, {"a", "own"}));
  EXPECT_EQ(places(id), (Names{"a", "own"}));
  EXPECT_FALSE(show(alice_, id)->referred) << "the account still pays for its copy";
  EXPECT_EQ(charged(), 9);
  EXPECT_EQ(blobs_stored(), 1u);
  ASSERT_TRUE(remove(alice_, id));
  expect_nothing_left("alice");
}

TEST_F(Locations, GiveTheChargeBackWhenTheServersOwnCopyGoes) {
  const std::string id = uploaded();
  ASSERT_TRUE(set(owner_, id, {"own", "a"}));
  ASSERT_TRUE(set(root_, id, {"a"}));
  EXPECT_TRUE(show(alice_, id)->referred);
  EXPECT_EQ(charged(), 0);
  EXPECT_EQ(blobs_stored(), 0u);
  EXPECT_EQ(*fetch(alice_, id), "some data");
  ASSERT_TRUE(remove(alice_, id));
  expect_nothing_left("alice");
}

TEST_F(Locations, DoNotKeepTheServersOnlyCopyFromBeingNeeded) {
  const std::string id = uploaded();
  ASSERT_TRUE(set(owner_, id, {"own", "a"}));
  PlacementService placements(Foundation{client_, stores_, digest_pool_, slices_, clock_, quota_},
                              options_.digests);
  const auto evicted =
      async::run_until_done(placements.place(Kind::evict, *show(alice_, id), "main"));
  EXPECT_EQ(evicted.error().code, Code::conflict);
  ASSERT_TRUE(async::run_until_done(placements.place(Kind::copy, *show(alice_, id), "other")));
  ASSERT_TRUE(async::run_until_done(placements.place(Kind::evict, *show(alice_, id), "main")));
  EXPECT_FALSE(show(alice_, id)->referred);
  EXPECT_EQ(charged(), 9);
  ASSERT_TRUE(remove(alice_, id));
  expect_nothing_left("alice");
}

TEST_F(Locations, OfOneThatIsEvictedAnotherReferenceRemains) {
  const std::string id = registered();
  ASSERT_TRUE(set(owner_, id, {"a", "b"}));
  PlacementService placements(Foundation{client_, stores_, digest_pool_, slices_, clock_, quota_},
                              options_.digests);
  ASSERT_TRUE(async::run_until_done(placements.place(Kind::evict, *show(alice_, id), "far")));
  EXPECT_TRUE(show(alice_, id)->referred);
  EXPECT_EQ(places(id), Names{"b"});
  ASSERT_TRUE(remove(alice_, id));
  expect_nothing_left("alice");
}

TEST_F(Locations, ChangeAllAtOnceOrNotAtAll) {
  const std::string id = uploaded();
  ASSERT_TRUE(set(owner_, id, {"own", "a"}));
  catalogue_.before_apply = [](const catalogue::Batch&) {
    return std::optional(Error{Code::unavailable, "the disk is gone", {}, {}});
  };
  EXPECT_EQ(set(root_, id, {"a", "b"}).error().code, Code::unavailable);
  catalogue_.before_apply = nullptr;
  EXPECT_EQ(places(id), (Names{"own", "a"}));
  EXPECT_EQ(*fetch(alice_, id), "some data");
  EXPECT_EQ(charged(), 9);
}

TEST_F(Locations, AreWorkedOutAnewWhenSomebodyElseChangesTheImage) {
  const std::string id = registered();
  ASSERT_TRUE(set(owner_, id, {"a"}));
  bool first = true;
  catalogue_.before_apply = [&](const catalogue::Batch&) -> std::optional<Error> {
    if (!std::exchange(first, false)) return std::nullopt;
    auto image = *show(alice_, id);
    image.name = "another name";
    catalogue::Batch batch;
    batch.puts.push_back(put_of(image, image.revision));
    EXPECT_TRUE(catalogue_.apply_at_once(batch));
    return std::nullopt;
  };
  ASSERT_TRUE(set(owner_, id, {"a", "b"}));
  catalogue_.before_apply = nullptr;
  EXPECT_EQ(show(alice_, id)->name, "another name");
  EXPECT_EQ(places(id), (Names{"a", "b"}));
}

TEST_F(Locations, WaitForDataThatIsOnItsWay) {
  const std::string id = registered();
  ASSERT_TRUE(leave_upload_behind(id, false));
  EXPECT_EQ(set(owner_, id, {"a"}).error().code, Code::conflict);
}

}  // namespace
}  // namespace visor::service
