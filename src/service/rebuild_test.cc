#include "service/rebuild.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "service/manifest_writer.h"
#include "service/placement_service.h"
#include "service/service_fixture.h"

namespace visor::service {
namespace {

using Kind = RebuildProblem::Kind;

class Rebuilds : public ServiceFixture {
 protected:
  Rebuilds() {
    auto other = std::make_unique<StubbornStore>();
    other_ = other.get();
    stores_.add("other", std::move(other));
  }

  static image::Edits in_store(const std::string& store) {
    return {
        {"name", "debian"}, {"architecture", "x86_64"}, {"store", store}, {"tier", "gold", true}};
  }
  void describe_all() {
    for (const char* store : {"main", "other"}) {
      ManifestWriter writer(client_, stores_, store);
      ASSERT_TRUE(async::run_until_done(writer.run()));
    }
  }
  void copy_to_other(const std::string& image) {
    PlacementService placements(Foundation{client_, stores_, digest_pool_, slices_, clock_, quota_},
                                options_.digests);
    ASSERT_TRUE(async::run_until_done(
        placements.request(Principal::root("root"), {Placement::Kind::copy, image, "other", {}})));
    async::run_until_done(placements.run());
  }
  /// With the catalogue that was lost replaced by an empty one.
  Result<RebuildReport> rebuild(RebuildOptions options) {
    Rebuild rebuild({new_client_, stores_, digest_pool_, slices_, clock_, options_.digests},
                    std::move(options));
    rebuild.on_progress = on_progress_;
    return async::run_until_done(rebuild.run());
  }
  static std::vector<Kind> kinds(const RebuildReport& report) {
    std::vector<Kind> all;
    for (const RebuildProblem& problem : report.problems) all.push_back(problem.kind);
    return all;
  }
  void put(StubbornStore& store, const std::string& key, std::string bytes) {
    ASSERT_TRUE(async::run_until_done(store.replace(key, std::move(bytes))));
  }
  void drop(StubbornStore& store, const std::string& key) {
    ASSERT_TRUE(async::run_until_done(store.remove(key)));
  }
  std::string text(StubbornStore& store, const std::string& key) {
    auto source = async::run_until_done(store.open(key, {}, ""));
    return *async::run_until_done(async::read_all(**source, 1 << 20));
  }
  std::size_t rebuilt(const char* collection) {
    catalogue::Query query;
    query.collection = collection;
    query.limit = 1000;
    return new_catalogue_.find(query)->records.size();
  }
  /// The documents of a collection in both catalogues, by id.
  void expect_same(const char* collection) {
    catalogue::Query query;
    query.collection = collection;
    query.limit = 1000;
    const auto lost = catalogue_.find(query);
    const auto found = new_catalogue_.find(query);
    ASSERT_EQ(lost->records.size(), found->records.size()) << collection;
    for (std::size_t i = 0; i < lost->records.size(); ++i) {
      EXPECT_EQ(found->records[i].id, lost->records[i].id);
      EXPECT_EQ(found->records[i].document, lost->records[i].document);
    }
  }
  void expect_same_counters(const std::string& account) {
    for (const auto& name : {images_counter(account), bytes_counter(account)}) {
      EXPECT_EQ(*new_catalogue_.counter(name), *catalogue_.counter(name)) << name;
    }
  }

  StubbornStore* other_ = nullptr;
  WatchedCatalogue new_catalogue_;
  catalogue::Client new_client_{new_catalogue_, catalogue_pool_};
  std::function<bool(const RebuildReport&)> on_progress_;
};

TEST_F(Rebuilds, BringBackEveryRecordAndWhatAccountsAreCharged) {
  options_.keep_deleted = std::chrono::hours(1);
  restart();
  const auto kernel =
      *add(alice_, {{"name", "k"}, {"architecture", "x86_64"}, {"type", "kernel"}}, pattern(1000));
  auto with_kernel = in_store("main");
  with_kernel.push_back({"kernel", kernel.id});
  ASSERT_TRUE(add(alice_, with_kernel, pattern(2000)));
  ASSERT_TRUE(add(bob_, draft(), ""));
  const auto gone = *add(bob_, draft(), pattern(300));
  ASSERT_TRUE(remove(bob_, gone.id));
  describe_all();

  const auto report = rebuild({.store = "main", .verify = true});
  ASSERT_TRUE(report) << report.error().message;
  EXPECT_EQ(report->images, 3u);
  EXPECT_EQ(report->deleted, 1u);
  EXPECT_EQ(report->problem_count, 0u);
  EXPECT_EQ(report->bytes, 3300u);
  for (const char* collection : {kImages, kBlobs, kCopies, kDeletedImages}) expect_same(collection);
  expect_same_counters("alice");
  expect_same_counters("bob");
  EXPECT_EQ(rebuilt(kRebuilds), 0u);
  EXPECT_EQ(report->owners.at("bob").images, 2u);
  EXPECT_FALSE(report->owners.at("bob").account);
  const auto image = decode_image(*new_catalogue_.get(kImages, kernel.id));
  EXPECT_GT(image->revision, kernel.revision) << "no revision of an id is ever there twice";
}

TEST_F(Rebuilds, RefuseACatalogueThatHasImagesUnlessToldToMerge) {
  const auto image = *add(alice_, in_store("main"), pattern(100));
  const auto there = *add(alice_, in_store("other"), pattern(100));
  copy_to_other(image.id);
  describe_all();
  ASSERT_TRUE(rebuild({.store = "main"}));
  const auto refused = rebuild({.store = "other"});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Code::conflict);
  EXPECT_EQ(rebuilt(kImages), 1u);

  const auto merged = rebuild({.store = "other", .merge = true});
  ASSERT_TRUE(merged) << merged.error().message;
  EXPECT_EQ(merged->images, 1u);
  EXPECT_EQ(merged->copies, 1u);
  expect_same(kImages);
  expect_same(kBlobs);
  EXPECT_EQ(rebuilt(kCopies), 3u);
  expect_same_counters("alice");
  // Again, and from both: nothing is new.
  for (const char* store : {"main", "other"}) {
    const auto again = rebuild({.store = store, .merge = true});
    ASSERT_TRUE(again);
    EXPECT_EQ(again->images + again->copies + again->problem_count, 0u);
    EXPECT_GE(again->known, 1u);
  }
  EXPECT_EQ(rebuilt(kCopies), 3u);
  expect_same_counters("alice");
  EXPECT_EQ(decode_image(*new_catalogue_.get(kImages, there.id))->store, "other");
}

TEST_F(Rebuilds, LeaveImagesAloneThatTheCatalogueHas) {
  const auto image = *add(alice_, draft(), pattern(100));
  describe_all();
  ASSERT_TRUE(rebuild({.store = "main"}));
  auto changed = *decode_image(*new_catalogue_.get(kImages, image.id));
  changed.name = "changed since";
  catalogue::Batch batch;
  batch.puts.push_back(put_of(changed, changed.revision));
  ASSERT_TRUE(new_catalogue_.apply(batch));
  ASSERT_TRUE(rebuild({.store = "main", .merge = true}));
  EXPECT_EQ(decode_image(*new_catalogue_.get(kImages, image.id))->name, "changed since");
}

TEST_F(Rebuilds, TellWhatIsDamagedOrMissingAndGoOn) {
  std::vector<image::Image> images;
  for (int i = 0; i < 6; ++i) images.push_back(*add(alice_, draft(), pattern(100)));
  describe_all();
  put(*store_, images[0].blob, pattern(99));
  put(*store_, images[1].blob, std::string(100, 'x'));
  drop(*store_, images[2].blob);
  drop(*store_, manifest_key(images[3].blob));
  put(*store_, manifest_key(images[4].blob), "{\"format\":");

  const auto report = rebuild({.store = "main", .verify = true});
  ASSERT_TRUE(report);
  auto told = kinds(*report);
  std::ranges::sort(told);
  EXPECT_EQ(told, (std::vector<Kind>{Kind::damaged_manifest, Kind::missing_data, Kind::damaged_data,
                                     Kind::damaged_data, Kind::unknown_data}));
  EXPECT_EQ(report->images, 3u);
  for (const int damaged : {0, 1}) {
    EXPECT_TRUE(decode_copy(*new_catalogue_.get(kCopies, images[damaged].blob))->damaged);
  }
  EXPECT_FALSE(decode_copy(*new_catalogue_.get(kCopies, images[5].blob))->damaged);
}

TEST_F(Rebuilds, LookAtSizesAloneUnlessToldToVerify) {
  const auto image = *add(alice_, draft(), pattern(100));
  describe_all();
  put(*store_, image.blob, std::string(100, 'x'));
  EXPECT_EQ(rebuild({.store = "main"})->problem_count, 0u);
}

TEST_F(Rebuilds, AdoptDataWithoutAManifestOnce) {
  const auto image = *add(alice_, draft(), "QFI\xfb" + pattern(1000));
  ASSERT_TRUE(add(alice_, draft(), pattern(50)));
  describe_all();
  drop(*store_, manifest_key(image.blob));
  put(*store_, "check-of-somebody", "not an image");
  const auto report = rebuild({.store = "main", .adopt = "carol"});
  ASSERT_TRUE(report) << report.error().message;
  EXPECT_EQ(report->images, 1u);
  EXPECT_EQ(report->adopted, 1u);
  EXPECT_EQ(kinds(*report), std::vector<Kind>{Kind::unknown_data});
  const auto blob = decode_blob(*new_catalogue_.get(kBlobs, image.blob));
  EXPECT_EQ(blob->digests, image.digests);
  const auto adopted = decode_image(*new_catalogue_.get(kImages, blob->image));
  EXPECT_EQ(adopted->owner, "carol");
  EXPECT_EQ(adopted->access, image::Access::owner);
  EXPECT_EQ(adopted->format, image.format);
  EXPECT_EQ(*new_catalogue_.counter(bytes_counter("carol")), 1004);
  const auto again = rebuild({.store = "main", .merge = true, .adopt = "carol"});
  ASSERT_TRUE(again);
  EXPECT_EQ(again->adopted, 0u);
  EXPECT_EQ(rebuilt(kImages), 2u);
  EXPECT_EQ(*new_catalogue_.counter(images_counter("carol")), 1);
}

TEST_F(Rebuilds, DoNotAdoptWhatUnfinishedWorkIsAboutToRemove) {
  const auto image = *add(alice_, draft(), pattern(100));
  drop(*store_, manifest_key(image.blob));
  catalogue::Batch batch;
  batch.puts.push_back({encode(Removal{"main", image.blob, 1}), 0});
  ASSERT_TRUE(new_catalogue_.apply(batch));
  const auto report = rebuild({.store = "main", .adopt = "carol"});
  ASSERT_TRUE(report);
  EXPECT_EQ(report->adopted + report->problem_count, 0u);
}

TEST_F(Rebuilds, MergeDataThatTheCatalogueKnowsUnderAnotherNameWithoutAdoptingIt) {
  const auto image = *add(alice_, draft(), pattern(100));
  copy_to_other(image.id);
  describe_all();
  ASSERT_TRUE(rebuild({.store = "main"}));
  ASSERT_TRUE(rebuild({.store = "other", .merge = true}));
  for (const std::string& key : other_->keys()) {
    if (described_key(key)) drop(*other_, key);
  }
  // Its key is not the blob's id, and its manifest is gone: the catalogue knows it all the same.
  const auto report = rebuild({.store = "other", .merge = true, .adopt = "carol"});
  ASSERT_TRUE(report);
  EXPECT_EQ(report->adopted, 0u);
}

TEST_F(Rebuilds, GoOnWhereTheyWereCutOff) {
  for (int i = 0; i < 20; ++i) ASSERT_TRUE(add(alice_, draft(), pattern(10)));
  describe_all();
  int left = 7;
  on_progress_ = [&](const RebuildReport&) { return --left > 0; };
  EXPECT_EQ(rebuild({.store = "main"}).error().code, Code::cancelled);
  EXPECT_EQ(rebuilt(kImages), 7u);
  on_progress_ = nullptr;
  // Nobody has to say that the images which are there may stay.
  const auto report = rebuild({.store = "main"});
  ASSERT_TRUE(report) << report.error().message;
  EXPECT_TRUE(report->resumed);
  EXPECT_EQ(rebuilt(kImages), 20u);
  expect_same_counters("alice");
}

TEST_F(Rebuilds, AreWholeWhereverTheCatalogueFails) {
  for (int i = 0; i < 5; ++i) ASSERT_TRUE(add(alice_, draft(), pattern(10)));
  describe_all();
  int failures = 0;
  for (int cut = 0;; ++cut) {
    int left = cut;
    new_catalogue_.before_apply = [&](const catalogue::Batch&) -> std::optional<Error> {
      if (--left >= 0) return std::nullopt;
      return Error{Code::unavailable, "the process ended", "test"};
    };
    const bool done = rebuild({.store = "main"}).has_value();
    new_catalogue_.before_apply = nullptr;
    if (done) break;
    ++failures;
    ASSERT_LT(failures, 100);
  }
  EXPECT_GT(failures, 1);
  for (const char* collection : {kImages, kBlobs, kCopies}) expect_same(collection);
  expect_same_counters("alice");
}

TEST_F(Rebuilds, NeedAStoreThatTakesData) {
  EXPECT_EQ(rebuild({.store = "nowhere"}).error().code, Code::invalid);
  const auto refused = rebuild({.store = "far"});
  EXPECT_EQ(refused.error().code, Code::invalid);
  EXPECT_NE(refused.error().message.find("main, other"), std::string::npos);
}

TEST_F(Rebuilds, FindNothingUnknownInAStoreWhoseManifestsWereNeverWritten) {
  // More than a run of the writer describes.
  for (int i = 0; i < 600; ++i) ASSERT_TRUE(add(alice_, draft(), pattern(10)));
  Rebuild rebuild({client_, stores_, digest_pool_, slices_, clock_, options_.digests},
                  {.store = "main", .merge = true});
  const auto report = async::run_until_done(rebuild.run());
  ASSERT_TRUE(report) << report.error().message;
  EXPECT_EQ(report->problem_count, 0u);
  EXPECT_EQ(report->known, 600u);
}

}  // namespace
}  // namespace visor::service
