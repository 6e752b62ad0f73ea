// Images that were removed: kept, restored, purged.
#include <gtest/gtest.h>

#include <algorithm>

#include "service/service_fixture.h"

namespace visor::service {
namespace {

using async::run_until_done;
using image::DataState;

class Deletion : public ServiceFixture {
 protected:
  Deletion() {
    options_.keep_deleted = std::chrono::hours(24);
    restart();
  }

  Result<Restored> restore(const Principal& who, const std::string& id) {
    return run_until_done(service_->restore(who, id));
  }
  Result<image::Image> purge(const Principal& who, const std::string& id) {
    return run_until_done(service_->purge(who, id));
  }
  std::vector<std::string> deleted(const Principal& who) {
    auto page = run_until_done(service_->find_deleted(who, std::nullopt, 100));
    std::vector<std::string> ids;
    if (!page) return {page.error().message};
    for (const auto& each : page->images) ids.push_back(each.image.id);
    return ids;
  }
  static Principal everybody(const std::string& name) {
    Principal who = Principal::root(name);
    who.everybody = true;
    return who;
  }
  void tidy() { ASSERT_TRUE(run_until_done(service_->tidy())); }
};

using Ids = std::vector<std::string>;

TEST_F(Deletion, HidesAnImageFromEveryVerbAndKeepsItsBytesAndCharges) {
  const auto image = *add(alice_, draft(), pattern(1000));
  ASSERT_TRUE(remove(alice_, image.id));
  EXPECT_EQ(show(alice_, image.id).error().code, Code::not_found);
  EXPECT_EQ(fetch(alice_, image.id).error().code, Code::not_found);
  EXPECT_EQ(upload(alice_, image.id, "x").error().code, Code::not_found);
  EXPECT_EQ(remove(alice_, image.id).error().code, Code::not_found);
  EXPECT_TRUE(find(alice_).images.empty());
  EXPECT_TRUE(find(everybody("root")).images.empty());
  EXPECT_EQ(blobs_stored(), 1u);
  EXPECT_EQ(counter(bytes_counter("alice")), 1000);
  EXPECT_EQ(counter(images_counter("alice")), 1);
}

TEST_F(Deletion, GivesAnImageBackAsItWas) {
  const std::string bytes = pattern(3000);
  auto edits = draft();
  edits.push_back({"os", "linux", true});
  const auto before = *add(alice_, edits, bytes);
  ASSERT_TRUE(fetch(bob_, before.id));
  ASSERT_TRUE(remove(alice_, before.id));
  clock_.advance(std::chrono::hours(23));
  const auto restored = restore(alice_, before.id);
  ASSERT_TRUE(restored) << restored.error().message;
  EXPECT_TRUE(restored->broken_links.empty());
  const auto after = *show(bob_, before.id);
  EXPECT_EQ(after.id, before.id);
  EXPECT_EQ(after.digests, before.digests);
  EXPECT_EQ(after.blob, before.blob);
  EXPECT_EQ(after.extra, before.extra);
  EXPECT_EQ(after.created_at, before.created_at);
  EXPECT_EQ(after.uploaded_at, before.uploaded_at);
  EXPECT_EQ(after.updated_at, clock_.now());
  EXPECT_GT(after.revision, before.revision);
  EXPECT_EQ(restored->image.revision, after.revision);
  EXPECT_EQ(*fetch(bob_, before.id), bytes);
  EXPECT_EQ(run_until_done(service_->reads(before.id))->count, 2u);
  EXPECT_EQ(find(alice_).images.size(), 1u);
  EXPECT_EQ(count(kDeletedImages), 0u);
  EXPECT_EQ(counter(images_counter("alice")), 1);
  ASSERT_TRUE(remove(alice_, before.id));
  ASSERT_TRUE(purge(alice_, before.id));
  expect_nothing_left("alice");
}

TEST_F(Deletion, NeverGivesARevisionTwice) {
  const auto first = *add(alice_, draft());
  std::uint64_t revision = first.revision;
  for (int i = 0; i < 5; ++i) {
    ASSERT_TRUE(remove(alice_, first.id));
    const auto restored = restore(alice_, first.id);
    ASSERT_TRUE(restored);
    EXPECT_GT(restored->image.revision, revision);
    revision = restored->image.revision;
  }
  EXPECT_EQ(show(alice_, first.id)->revision, revision);
}

TEST_F(Deletion, IsKnownToTheOwnerAndToAdministratorsWhoReachForEverybodysOnly) {
  const auto image = *add(alice_, draft(), "data");
  ASSERT_TRUE(remove(alice_, image.id));
  EXPECT_EQ(deleted(alice_), Ids{image.id});
  EXPECT_EQ(deleted(bob_), Ids{});
  EXPECT_EQ(deleted(Principal::root("root")), Ids{});
  EXPECT_EQ(deleted(everybody("root")), Ids{image.id});
  for (const Principal& stranger : {bob_, Principal::root("root")}) {
    EXPECT_EQ(restore(stranger, image.id).error().code, Code::not_found);
    EXPECT_EQ(purge(stranger, image.id).error().code, Code::not_found);
    EXPECT_EQ(run_until_done(service_->show_deleted(stranger, image.id)).error().code,
              Code::not_found);
  }
  EXPECT_EQ(restore(Principal::nobody(), image.id).error().code, Code::forbidden);
  EXPECT_EQ(restore(alice_, "../x").error().code, Code::not_found);
  const auto shown = run_until_done(service_->show_deleted(alice_, image.id));
  ASSERT_TRUE(shown);
  EXPECT_EQ(shown->by, "alice");
  EXPECT_EQ(shown->at, clock_.now());
  EXPECT_EQ(shown->until, clock_.now() + std::chrono::hours(24));
  EXPECT_TRUE(restore(everybody("root"), image.id));
}

TEST_F(Deletion, IsForGoodOnceItsTimeHasPassed) {
  const auto early = *add(alice_, draft(), pattern(100));
  const auto late = *add(alice_, draft(), pattern(200));
  ASSERT_TRUE(remove(alice_, early.id));
  clock_.advance(std::chrono::hours(12));
  ASSERT_TRUE(remove(alice_, late.id));
  clock_.advance(std::chrono::hours(13));
  EXPECT_EQ(restore(alice_, early.id).error().code, Code::not_found) << "also before it is purged";
  EXPECT_EQ(deleted(alice_), Ids{late.id});
  restart();
  tidy();
  EXPECT_EQ(count(kDeletedImages), 1u);
  EXPECT_EQ(blobs_stored(), 1u);
  EXPECT_EQ(counter(bytes_counter("alice")), 200);
  EXPECT_EQ(counter(images_counter("alice")), 1);
  EXPECT_TRUE(restore(alice_, late.id));
  ASSERT_TRUE(remove(alice_, late.id));
  clock_.advance(std::chrono::hours(25));
  tidy();
  EXPECT_EQ(count(kDeletedImages), 0u);
  expect_nothing_left("alice");
}

TEST_F(Deletion, PurgesManyThatAreDue) {
  for (int i = 0; i < 450; ++i) {
    const auto image = add(alice_, draft());
    ASSERT_TRUE(image && remove(alice_, image->id));
  }
  EXPECT_EQ(count(kDeletedImages), 450u);
  clock_.advance(std::chrono::hours(25));
  tidy();
  EXPECT_EQ(count(kDeletedImages), 0u);
  EXPECT_EQ(counter(images_counter("alice")), 0);
}

TEST_F(Deletion, KeepsTheTimeThatHeldWhenAnImageWasRemoved) {
  const auto image = *add(alice_, draft(), "data");
  ASSERT_TRUE(remove(alice_, image.id));
  options_.keep_deleted = std::chrono::milliseconds(0);
  restart();
  tidy();
  EXPECT_EQ(count(kDeletedImages), 1u);
  EXPECT_TRUE(restore(alice_, image.id));
  ASSERT_TRUE(remove(alice_, image.id)) << "and now at once";
  expect_nothing_left("alice");
}

TEST_F(Deletion, CountsAgainstTheQuotaUntilItIsPurged) {
  quota_.set({.bytes = 150, .images = std::nullopt});
  const auto image = *add(alice_, draft(), pattern(100));
  ASSERT_TRUE(remove(alice_, image.id));
  EXPECT_EQ(add(alice_, draft(), pattern(100)).error().code, Code::quota);
  ASSERT_TRUE(purge(alice_, image.id));
  EXPECT_EQ(blobs_stored(), 0u);
  EXPECT_TRUE(add(alice_, draft(), pattern(100)));
}

TEST_F(Deletion, WorksForReferencesWhoseDataStays) {
  Principal carol = Principal::of("carol");
  carol.may_refer = true;
  remote_->put("far://image", "far data");
  const auto image = refer(carol, "far://image");
  ASSERT_TRUE(image) << image.error().message;
  ASSERT_TRUE(remove(carol, image->id));
  ASSERT_TRUE(restore(carol, image->id));
  EXPECT_EQ(*fetch(carol, image->id), "far data");
  ASSERT_TRUE(remove(carol, image->id));
  ASSERT_TRUE(purge(carol, image->id));
  EXPECT_TRUE(remote_->has("far://image"));
  expect_nothing_left("carol");
}

TEST_F(Deletion, WorksForImagesInErrorAndWithoutData) {
  const auto empty = *add(alice_, draft());
  BrokenSource source(pattern(1000), 300);
  const auto broken = *add(alice_, draft());
  ASSERT_FALSE(
      run_until_done(service_->change(alice_, broken.id, {}, Data::from(source), std::nullopt)));
  for (const auto& [id, state] :
       {std::pair(empty.id, DataState::none), std::pair(broken.id, DataState::error)}) {
    ASSERT_TRUE(remove(alice_, id));
    ASSERT_TRUE(restore(alice_, id));
    EXPECT_EQ(show(alice_, id)->state, state);
    EXPECT_EQ(*fetch(alice_, upload(alice_, id, "whole")->id), "whole");
  }
}

TEST_F(Deletion, EndsAnUploadAndGivesTheImageBackInError) {
  const auto image = *add(alice_, draft());
  GatedSource source(pattern(1000));
  std::optional<Result<image::Image>> uploaded;
  std::thread uploading([&] {
    uploaded =
        run_until_done(service_->change(alice_, image.id, {}, Data::from(source), std::nullopt));
  });
  source.wait_until_read();
  ASSERT_TRUE(remove(alice_, image.id));
  source.open();
  uploading.join();
  EXPECT_EQ(uploaded->error().code, Code::conflict);
  EXPECT_EQ(blobs_stored(), 0u);
  EXPECT_EQ(counter(bytes_counter("alice")), 0);
  EXPECT_EQ(count(kUploads), 0u);
  ASSERT_TRUE(restore(alice_, image.id));
  EXPECT_EQ(show(alice_, image.id)->state, DataState::error);
  EXPECT_TRUE(upload(alice_, image.id, "again"));
}

TEST_F(Deletion, NoticesLinksThatLeadNowhereAnyMore) {
  const auto kernel = *add(alice_, {{"name", "k"}, {"architecture", "x86_64"}, {"type", "kernel"}});
  auto edits = draft();
  edits.push_back({"kernel", kernel.id});
  const auto image = add(alice_, edits);
  ASSERT_TRUE(image) << image.error().message;
  ASSERT_TRUE(remove(alice_, image->id));
  ASSERT_TRUE(remove(alice_, kernel.id));
  const auto restored = restore(alice_, image->id);
  ASSERT_TRUE(restored);
  EXPECT_EQ(restored->broken_links, std::vector<std::string>{"kernel"});
  EXPECT_EQ(show(alice_, image->id)->kernel, kernel.id);
  ASSERT_TRUE(restore(alice_, kernel.id));
  ASSERT_TRUE(remove(alice_, image->id));
  EXPECT_TRUE(restore(alice_, image->id)->broken_links.empty());
}

TEST_F(Deletion, HappensOnceWhenRestoredAndPurgedAtTheSameTime) {
  const auto image = *add(alice_, draft(), "data");
  ASSERT_TRUE(remove(alice_, image.id));
  bool purged = false;
  catalogue_.before_apply = [&](const catalogue::Batch& batch) -> std::optional<Error> {
    if (purged || batch.removes.empty() || batch.removes[0].collection != kDeletedImages) {
      return std::nullopt;
    }
    purged = true;
    // Somebody else's purge comes first.
    const auto record = catalogue_.get(kDeletedImages, image.id);
    catalogue::Batch other;
    other.removes.push_back({kDeletedImages, image.id, record->revision});
    EXPECT_TRUE(catalogue_.apply_at_once(other));
    return std::nullopt;
  };
  EXPECT_EQ(restore(alice_, image.id).error().code, Code::not_found);
  EXPECT_EQ(show(alice_, image.id).error().code, Code::not_found);
}

TEST_F(Deletion, KeepsAnImageWhoseDataAStoreCanNotDropYet) {
  const auto image = *add(alice_, draft(), pattern(10));
  ASSERT_TRUE(remove(alice_, image.id));
  store_->refuse_removals = true;
  ASSERT_TRUE(purge(alice_, image.id));
  EXPECT_EQ(count(kRemovals), 1u);
  store_->refuse_removals = false;
  tidy();
  expect_nothing_left("alice");
}

TEST_F(Deletion, PurgesTheOthersWhenTheDataOfOneCanNotBeRead) {
  const auto damaged = *add(alice_, draft(), pattern(10));
  ASSERT_TRUE(remove(alice_, damaged.id));
  clock_.advance(std::chrono::seconds(1));
  const auto sound = *add(alice_, draft(), pattern(20));
  ASSERT_TRUE(remove(alice_, sound.id));
  auto copy = *catalogue_.get(kCopies, damaged.blob);
  copy.document = "damaged";
  catalogue::Batch batch;
  batch.puts.push_back({copy, copy.revision});
  ASSERT_TRUE(catalogue_.apply(batch));
  restart();
  clock_.advance(std::chrono::hours(25));
  EXPECT_FALSE(run_until_done(service_->tidy())) << "it is told";
  EXPECT_TRUE(catalogue_.get(kDeletedImages, damaged.id));
  EXPECT_FALSE(catalogue_.get(kDeletedImages, sound.id));
  EXPECT_EQ(counter(bytes_counter("alice")), 10);
}

TEST_F(Deletion, IsNotPurgedForAnEarlierOneThatWasRestoredMeanwhile) {
  const auto image = *add(alice_, draft(), pattern(10));
  ASSERT_TRUE(remove(alice_, image.id));
  const auto first = *catalogue_.get(kDeletedImages, image.id);
  ASSERT_TRUE(restore(alice_, image.id));
  ASSERT_TRUE(remove(alice_, image.id));
  // What the sweep would do that has read the first one and is late.
  catalogue::Batch late;
  late.removes.push_back({kDeletedImages, image.id, first.revision});
  const auto applied = catalogue_.apply(late);
  ASSERT_FALSE(applied);
  EXPECT_EQ(applied.error().code, Code::precondition);
  EXPECT_TRUE(restore(alice_, image.id));
}

TEST_F(Deletion, IsListedInPages) {
  Ids ids;
  for (int i = 0; i < 7; ++i) {
    ids.push_back(add(alice_, draft())->id);
    ASSERT_TRUE(remove(alice_, ids.back()));
  }
  std::ranges::sort(ids);
  Ids found;
  std::optional<std::string> after;
  do {
    auto page = run_until_done(service_->find_deleted(alice_, after, 3));
    ASSERT_TRUE(page);
    EXPECT_LE(page->images.size(), 3u);
    for (const auto& each : page->images) found.push_back(each.image.id);
    after = page->next;
  } while (after);
  EXPECT_EQ(found, ids);
}

TEST_F(Deletion, RecordsSurviveARewriteWithWhatALaterVersionPutIntoTheImage) {
  const auto image = *add(alice_, draft());
  auto record = *catalogue_.get(kImages, image.id);
  record.document.insert(record.document.size() - 1, R"(,"from_the_future":{"a":[1]})");
  catalogue::Batch batch;
  batch.puts.push_back({record, record.revision});
  ASSERT_TRUE(catalogue_.apply(batch));
  restart();
  ASSERT_TRUE(remove(alice_, image.id));
  ASSERT_TRUE(restore(alice_, image.id));
  EXPECT_NE(catalogue_.get(kImages, image.id)->document.find(R"("from_the_future":{"a":[1]})"),
            std::string::npos);
}

TEST(UntilFact, SortsAsTimesDo) {
  const auto at = [](std::int64_t micros) { return Time(std::chrono::microseconds(micros)); };
  EXPECT_LT(until_value(at(9)), until_value(at(10)));
  EXPECT_LT(until_value(at(0)), until_value(at(1'700'000'000'000'000)));
  EXPECT_EQ(until_value(at(-5)), until_value(at(0)));
  EXPECT_EQ(until_value(at(INT64_MAX)).size(), 20u);
}

}  // namespace
}  // namespace visor::service
