#include <gtest/gtest.h>

#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include "service/import_service.h"
#include "service/service_fixture.h"

namespace visor::service {
namespace {

using Kind = Import::Kind;
using State = Import::State;
using Names = std::vector<std::string>;

async::Task<Result<Brought>> brought(std::string bytes, std::string sha256,
                                     std::string format = {}) {
  Brought brought;
  brought.data = async::text_source(std::move(bytes));
  brought.container = "bare";
  brought.format = std::move(format);
  if (!sha256.empty()) brought.digests = {{DigestAlgorithm::sha256, std::move(sha256)}};
  brought.edits = {{.name = "os_type", .value = "linux", .extra = true}};
  co_return brought;
}

class Imports : public ServiceFixture {
 protected:
  Imports() {
    auto other = std::make_unique<StubbornStore>();
    other_ = other.get();
    stores_.add("other", std::move(other));
    begin_anew();
  }

  /// As after a restart of the server.
  void begin_anew() {
    imports_.reset();
    placements_.reset();
    restart();
    const Foundation foundation{client_, stores_, digest_pool_, slices_, clock_, quota_};
    placements_ = std::make_unique<PlacementService>(foundation, options_.digests);
    imports_ =
        std::make_unique<ImportService>(foundation, *service_, *placements_, options_.digests);
    EXPECT_TRUE(async::run_until_done(service_->recover()));
    EXPECT_TRUE(async::run_until_done(placements_->recover()));
    EXPECT_TRUE(async::run_until_done(imports_->recover()));
  }

  std::string registered() {
    const auto image = add(alice_, draft());
    EXPECT_TRUE(image);
    return image ? image->id : std::string();
  }
  std::string staged(std::string bytes) {
    const std::string id = registered();
    Source source(std::move(bytes), true);
    Data data = Data::from(source);
    data.aside = true;
    EXPECT_TRUE(
        async::run_until_done(service_->change(alice_, id, {}, std::move(data), std::nullopt)));
    return id;
  }

  Result<std::optional<Import>> ask(const Principal& who, ImportRequest request) {
    return async::run_until_done(imports_->request(who, std::move(request)));
  }
  void run() { async::run_until_done(imports_->run()); }
  Import last_of(const std::string& image) {
    const auto all = async::run_until_done(imports_->of_image(alice_, image));
    EXPECT_TRUE(all && !all->empty());
    return all && !all->empty() ? all->back() : Import{};
  }
  Names stores_of(const std::string& id) {
    return *async::run_until_done(service_->stores_of(*show(alice_, id)));
  }
  image::Phase phase(const std::string& id) { return image::phase_of(*show(alice_, id)); }

  StubbornStore* other_ = nullptr;
  const Principal root_ = Principal::root("root");
  std::unique_ptr<PlacementService> placements_;
  std::unique_ptr<ImportService> imports_;
};

TEST_F(Imports, MakeStagedDataTheImagesOwn) {
  const std::string bytes = pattern(150'000);
  const std::string id = staged(bytes);
  EXPECT_EQ(phase(id), image::Phase::staged);
  EXPECT_EQ(fetch(alice_, id).error().code, Code::not_found) << "nothing is served before";
  ASSERT_TRUE(ask(alice_, {.kind = Kind::staged, .image = id}));
  EXPECT_EQ(phase(id), image::Phase::importing);
  run();
  EXPECT_EQ(phase(id), image::Phase::available);
  EXPECT_TRUE(*fetch(alice_, id) == bytes);
  EXPECT_EQ(stores_of(id), Names{"main"});
  EXPECT_EQ(last_of(id).state, State::done);
  EXPECT_EQ(counter(bytes_counter("alice")), 150'000);
}

TEST_F(Imports, BringDataToEveryStore) {
  const std::string id = staged(pattern(1000));
  ASSERT_TRUE(ask(alice_, {.kind = Kind::staged, .image = id, .every_store = true}));
  EXPECT_EQ(show(alice_, id)->awaited_stores.size(), 2U);
  run();
  EXPECT_EQ(stores_of(id), (Names{"main", "other"}));
  EXPECT_TRUE(show(alice_, id)->awaited_stores.empty());
  EXPECT_EQ(counter(bytes_counter("alice")), 1000) << "the account pays once";
}

TEST_F(Imports, LeaveNothingWhereDataWasStagedOnly) {
  const std::string id = staged(pattern(1000));
  ASSERT_TRUE(ask(alice_, {.kind = Kind::staged, .image = id, .stores = {"other"}}));
  run();
  EXPECT_EQ(stores_of(id), Names{"other"});
  EXPECT_EQ(store_->keys(), Names{});
}

TEST_F(Imports, TakeDataThatWhoAskedCanOpenWithWhatIsKnownOfIt) {
  const std::string id = registered();
  const auto bring = [](const std::string& digest) -> Bring {
    return [digest] { return brought("some data", digest); };
  };
  ASSERT_TRUE(ask(alice_, {.kind = Kind::brought, .image = id, .bring = bring("wrong")}));
  run();
  EXPECT_EQ(last_of(id).state, State::failed);
  EXPECT_EQ(phase(id), image::Phase::pending);
  EXPECT_FALSE(show(alice_, id)->extra.contains("os_type")) << "what fails changes nothing";
  EXPECT_EQ(counter(bytes_counter("alice")), 0);
  EXPECT_TRUE(store_->keys().empty());

  ASSERT_TRUE(ask(alice_, {.kind = Kind::brought,
                           .image = id,
                           .bring = bring(digest_hex(DigestAlgorithm::sha256, "some data"))}));
  run();
  EXPECT_EQ(last_of(id).state, State::done) << last_of(id).message;
  EXPECT_EQ(*fetch(alice_, id), "some data");
  EXPECT_EQ(show(alice_, id)->extra.at("os_type"), "linux");
}

TEST_F(Imports, DoNotWaitForDataThatNobodyCanOpenAfterARestart) {
  const std::string id = registered();
  ASSERT_TRUE(ask(alice_, {.kind = Kind::brought, .image = id, .bring = [] {
                             return brought("some data", {});
                           }}));
  begin_anew();
  run();
  EXPECT_EQ(last_of(id).state, State::failed);
  EXPECT_NE(last_of(id).message.find("started anew"), std::string::npos);
  EXPECT_EQ(phase(id), image::Phase::pending);
}

TEST_F(Imports, HoldDataThatIsBroughtAgainstTheFormatThatIsToldOfIt) {
  const std::string id = registered();
  const auto bring = [] { return brought("no qcow2 at all", {}, "qcow2"); };
  ASSERT_TRUE(ask(alice_, {.kind = Kind::brought, .image = id, .bring = bring}));
  run();
  EXPECT_EQ(last_of(id).state, State::failed);
  EXPECT_EQ(phase(id), image::Phase::pending);
}

TEST_F(Imports, GoOnTellingWhereAReferenceWasWhoseDataIsWrong) {
  remote_->put("far://host/a", "some data");
  const std::string id = registered();
  ASSERT_TRUE(ask(alice_, {.kind = Kind::referred,
                           .image = id,
                           .location = "far://host/a",
                           .digest = "md5:00000000000000000000000000000000"}));
  run();
  EXPECT_EQ(last_of(id).state, State::failed);
  EXPECT_EQ(phase(id), image::Phase::pending);
  EXPECT_EQ(stores_of(id), Names{"far"});
  EXPECT_EQ(fetch(alice_, id).error().code, Code::not_found) << "nothing of it is served";
  ASSERT_TRUE(upload(alice_, id, "other data"));
  EXPECT_EQ(stores_of(id), Names{"main"});
}

TEST_F(Imports, FetchDataFromElsewhere) {
  const std::string bytes = pattern(90'000);
  remote_->put("far://host/image", bytes);
  const std::string id = registered();
  ASSERT_TRUE(ask(alice_, {.kind = Kind::fetched, .image = id, .location = "far://host/image"}));
  EXPECT_EQ(phase(id), image::Phase::importing);
  run();
  EXPECT_TRUE(*fetch(alice_, id) == bytes);
  EXPECT_FALSE(show(alice_, id)->referred);
  EXPECT_EQ(show(alice_, id)->digests.at(DigestAlgorithm::md5),
            digest_hex(DigestAlgorithm::md5, bytes));
}

TEST_F(Imports, ThatFailLeaveTheImageAsItWas) {
  const std::string id = registered();
  ASSERT_TRUE(ask(alice_, {.kind = Kind::fetched, .image = id, .location = "far://host/gone"}));
  run();
  EXPECT_EQ(phase(id), image::Phase::pending);
  EXPECT_EQ(last_of(id).state, State::failed);
  EXPECT_NE(last_of(id).message, "");
  EXPECT_EQ(show(alice_, id)->failed_stores, std::set<std::string>{"main"});
  EXPECT_EQ(counter(bytes_counter("alice")), 0);
  EXPECT_TRUE(upload(alice_, id, "data")) << "it can be tried again";
}

TEST_F(Imports, OfWhichOneStoreFailsGoOnIfTheyMay) {
  other_->fail_after_commits = true;
  const std::string id = staged(pattern(1000));
  ASSERT_TRUE(
      ask(alice_, {.kind = Kind::staged, .image = id, .every_store = true, .whole = false}));
  run();
  EXPECT_EQ(stores_of(id), Names{"main"});
  EXPECT_EQ(show(alice_, id)->failed_stores, std::set<std::string>{"other"});
  EXPECT_EQ(last_of(id).state, State::done);
  EXPECT_EQ(other_->keys(), Names{}) << "nothing is left where it failed";
}

TEST_F(Imports, OfWhichOneStoreFailsFailWholeIfTheyMustBeWhole) {
  other_->fail_after_commits = true;
  const std::string id = staged(pattern(1000));
  ASSERT_TRUE(ask(alice_, {.kind = Kind::staged, .image = id, .every_store = true}));
  run();
  EXPECT_EQ(phase(id), image::Phase::pending);
  EXPECT_EQ(last_of(id).state, State::failed);
  EXPECT_EQ(blobs_stored(), 0U);
  EXPECT_EQ(other_->keys(), Names{});
  EXPECT_EQ(counter(bytes_counter("alice")), 0);
}

TEST_F(Imports, ReferAndComputeTheDigests) {
  const std::string bytes = pattern(5000);
  remote_->put("far://host/image", bytes);
  const std::string id = registered();
  ASSERT_TRUE(ask(alice_, {.kind = Kind::referred,
                           .image = id,
                           .location = "far://host/image",
                           .digest = "sha256:" + digest_hex(DigestAlgorithm::sha256, bytes)}));
  run();
  EXPECT_EQ(phase(id), image::Phase::available);
  EXPECT_TRUE(show(alice_, id)->referred);
  EXPECT_EQ(show(alice_, id)->digests.at(DigestAlgorithm::sha256),
            digest_hex(DigestAlgorithm::sha256, bytes));
  EXPECT_FALSE(show(alice_, id)->digests.contains(DigestAlgorithm::sha512))
      << "what the caller named is what is shown";
}

TEST_F(Imports, RefuseALocationWhoseDataIsNotWhatItShouldBe) {
  remote_->put("far://host/image", "other data");
  const std::string id = registered();
  ASSERT_TRUE(ask(alice_, {.kind = Kind::referred,
                           .image = id,
                           .location = "far://host/image",
                           .digest = "md5:" + digest_hex(DigestAlgorithm::md5, "data")}));
  run();
  EXPECT_EQ(phase(id), image::Phase::pending);
  EXPECT_EQ(last_of(id).state, State::failed);
  EXPECT_TRUE(remote_->has("far://host/image")) << "what is elsewhere is nobody's to remove";
}

TEST_F(Imports, CopyAPresentImageForAdministratorsWhileItIsServed) {
  const auto image = add(alice_, draft(), pattern(1000));
  Principal root = root_;
  root.everybody = true;
  const ImportRequest all{.kind = Kind::copied, .image = image->id, .every_store = true};
  EXPECT_EQ(ask(alice_, all).error().code, Code::forbidden);
  ASSERT_TRUE(ask(root, all));
  EXPECT_EQ(phase(image->id), image::Phase::available);
  run();
  EXPECT_EQ(stores_of(image->id), (Names{"main", "other"}));
  const auto nothing = ask(root, all);
  ASSERT_TRUE(nothing);
  EXPECT_FALSE(*nothing) << "it lies everywhere already";
  EXPECT_EQ(ask(root, {.kind = Kind::copied, .image = image->id, .stores = {"main"}}).error().code,
            Code::invalid);
}

TEST_F(Imports, WorkOnAnImageOneAtATimeAndKeepOthersOff) {
  const std::string id = staged(pattern(1000));
  ASSERT_TRUE(ask(alice_, {.kind = Kind::staged, .image = id}));
  EXPECT_EQ(ask(alice_, {.kind = Kind::staged, .image = id}).error().code, Code::conflict);
  const std::string fetching = registered();
  remote_->put("far://host/image", "data");
  ASSERT_TRUE(
      ask(alice_, {.kind = Kind::fetched, .image = fetching, .location = "far://host/image"}));
  EXPECT_EQ(upload(alice_, fetching, "other").error().code, Code::conflict);
  run();
  EXPECT_EQ(*fetch(alice_, fetching), "data");
}

TEST_F(Imports, RefuseWhatCanNotBeDone) {
  const std::string id = registered();
  EXPECT_EQ(ask(alice_, {.kind = Kind::staged, .image = id}).error().code, Code::conflict);
  EXPECT_EQ(ask(bob_, {.kind = Kind::staged, .image = id}).error().code, Code::forbidden)
      << "it is everybody's to see";
  EXPECT_EQ(
      ask(alice_, {.kind = Kind::fetched, .image = id, .location = "gopher://x"}).error().code,
      Code::invalid);
  const std::string waiting = staged("data");
  EXPECT_EQ(
      ask(alice_, {.kind = Kind::staged, .image = waiting, .stores = {"nowhere"}}).error().code,
      Code::conflict);
  EXPECT_EQ(ask(alice_, {.kind = Kind::staged, .image = "x"}).error().code, Code::not_found);
  EXPECT_EQ(show(alice_, waiting)->importing, image::Importing::no);
}

TEST_F(Imports, BeginAgainAfterACrashAtAnyChange) {
  // Of one import there are not so many changes as that.
  for (int survived = 0; survived < 40; ++survived) {
    const std::string bytes = pattern(2000);
    const std::string id = staged(bytes);
    ASSERT_TRUE(ask(alice_, {.kind = Kind::staged, .image = id, .stores = {"other"}}));
    int changes = 0;
    catalogue_.before_apply = [&](const catalogue::Batch&) -> std::optional<Error> {
      if (changes++ < survived) return std::nullopt;
      return Error{Code::unavailable, "the process is gone", {}, Retry::later};
    };
    run();
    catalogue_.before_apply = nullptr;
    begin_anew();
    run();
    // What the placements had begun goes on by itself, too.
    async::run_until_done(placements_->run());
    ASSERT_EQ(phase(id), image::Phase::available) << "after " << survived << " changes";
    ASSERT_TRUE(*fetch(alice_, id) == bytes);
    ASSERT_EQ(stores_of(id), Names{"other"}) << "after " << survived << " changes";
    ASSERT_TRUE(remove(alice_, id));
    ASSERT_EQ(blobs_stored(), 0U) << "after " << survived << " changes";
    ASSERT_EQ(other_->keys(), Names{}) << "after " << survived << " changes";
    ASSERT_EQ(counter(bytes_counter("alice")), 0);
    if (changes <= survived) return;
  }
  FAIL() << "an import makes more changes than were tried";
}

TEST_F(Imports, DropOneCopyButNotTheLast) {
  const auto image = add(alice_, draft(), pattern(1000));
  Principal root = root_;
  root.everybody = true;
  const auto evict = [&](const Principal& who, const char* store) {
    return async::run_until_done(imports_->evict(who, image->id, store));
  };
  EXPECT_EQ(evict(root, "main").error().code, Code::forbidden);
  ASSERT_TRUE(ask(root, {.kind = Kind::copied, .image = image->id, .every_store = true}));
  run();
  EXPECT_EQ(evict(alice_, "main").error().code, Code::forbidden);
  EXPECT_EQ(evict(root, "nowhere").error().code, Code::conflict);
  EXPECT_TRUE(evict(root, "main"));
  EXPECT_EQ(evict(root, "main").error().code, Code::not_found);
  EXPECT_EQ(stores_of(image->id), Names{"other"});
}

TEST_F(Imports, AreForgottenInTime) {
  const std::string id = staged("data");
  ASSERT_TRUE(ask(alice_, {.kind = Kind::staged, .image = id}));
  run();
  ASSERT_TRUE(async::run_until_done(imports_->tidy()));
  EXPECT_EQ(count(kImports), 1U);
  clock_.advance(std::chrono::hours(49));
  ASSERT_TRUE(async::run_until_done(imports_->tidy()));
  EXPECT_EQ(count(kImports), 0U);
}

}  // namespace
}  // namespace visor::service
