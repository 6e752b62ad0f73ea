#include "service/manifest_writer.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <future>
#include <thread>

#include "service/placement_service.h"
#include "service/service_fixture.h"

namespace visor::service {
namespace {

class Manifests : public ServiceFixture {
 protected:
  Manifests() {
    auto other = std::make_unique<StubbornStore>();
    other_ = other.get();
    stores_.add("other", std::move(other));
    begin_anew();
  }

  /// As after a crash and another start of the server.
  void begin_anew() {
    restart();
    EXPECT_TRUE(async::run_until_done(service_->recover()));
    writer_ = std::make_unique<ManifestWriter>(client_, stores_, "main");
    for_other_ = std::make_unique<ManifestWriter>(client_, stores_, "other");
  }
  Result<void> run() { return async::run_until_done(writer_->run()); }
  Result<void> run_other() { return async::run_until_done(for_other_->run()); }

  static std::optional<Manifest> in(StubbornStore& store, const std::string& image) {
    for (const std::string& key : store.keys()) {
      const auto described = described_key(key);
      if (!described) continue;
      const auto read = read_manifest(*described, text_of(store, key));
      EXPECT_TRUE(read) << key;
      if (read && read->image.id == image) return *read;
    }
    return std::nullopt;
  }
  static std::size_t manifests_in(StubbornStore& store) {
    const auto keys = store.keys();
    return static_cast<std::size_t>(std::ranges::count_if(
        keys, [](const auto& key) { return described_key(key).has_value(); }));
  }
  static std::string text_of(StubbornStore& store, const std::string& key) {
    auto source = async::run_until_done(store.open(key, {}, ""));
    EXPECT_TRUE(source);
    return source ? *async::run_until_done(async::read_all(**source, 1 << 20)) : "";
  }
  Result<image::Image> rename(const std::string& id, const std::string& name) {
    return async::run_until_done(
        service_->change(alice_, id, {{"name", name}}, Data::none(), std::nullopt));
  }
  std::uint64_t newest() { return catalogue_.changes(INT64_MAX, 1)->last; }
  static bool of_the_position(const catalogue::Batch& batch) {
    return !batch.puts.empty() && batch.puts.front().record.collection == kManifests;
  }

  StubbornStore* other_ = nullptr;
  std::unique_ptr<ManifestWriter> writer_;
  std::unique_ptr<ManifestWriter> for_other_;
};

TEST_F(Manifests, DescribeEachBlobInItsStoreAndNothingElse) {
  const auto image =
      *add(alice_, {{"name", "a"}, {"architecture", "x86_64"}, {"store", "main"}}, pattern(100));
  const auto there =
      *add(alice_, {{"name", "b"}, {"architecture", "x86_64"}, {"store", "other"}}, pattern(100));
  ASSERT_TRUE(add(alice_, draft()));
  remote_->put("far://a/b", "bytes");
  ASSERT_TRUE(refer(Principal::root("root"), "far://a/b"));
  ASSERT_TRUE(run());
  ASSERT_TRUE(run_other());
  ASSERT_EQ(manifests_in(*store_), 1u);
  ASSERT_EQ(manifests_in(*other_), 1u);
  const auto manifest = in(*store_, image.id);
  ASSERT_TRUE(manifest);
  EXPECT_EQ(encode(manifest->image).document, encode(*show(alice_, image.id)).document);
  EXPECT_EQ(manifest->blob.digests, image.digests);
  EXPECT_EQ(manifest->blob.size, 100u);
  EXPECT_EQ(in(*other_, there.id)->image.name, "b");
}

TEST_F(Manifests, FollowEachChangeAndRestNothingWhenNothingChanges) {
  const auto image = *add(alice_, draft(), pattern(100));
  ASSERT_TRUE(run());
  ASSERT_TRUE(rename(image.id, "renamed"));
  int written = 0;
  store_->before_replace = [&](const std::string&) { return ++written, std::nullopt; };
  ASSERT_TRUE(run());
  EXPECT_EQ(in(*store_, image.id)->image.name, "renamed");
  EXPECT_EQ(written, 1);
  const std::uint64_t before = newest();
  for (int i = 0; i < 5; ++i) ASSERT_TRUE(run());
  EXPECT_EQ(written, 1);
  EXPECT_EQ(newest(), before) << "looking leaves no trace that would have to be looked at";
}

TEST_F(Manifests, GoWithTheirBlob) {
  const auto image = *add(alice_, draft(), pattern(100));
  ASSERT_TRUE(run());
  ASSERT_TRUE(remove(alice_, image.id));
  EXPECT_EQ(store_->keys(), std::vector<std::string>{kManifestMark});
  ASSERT_TRUE(run());
  EXPECT_EQ(store_->keys(), std::vector<std::string>{kManifestMark});
}

TEST_F(Manifests, OfAnImageThatIsPutAsideSayUntilWhen) {
  options_.keep_deleted = std::chrono::hours(1);
  begin_anew();
  const auto image = *add(alice_, draft(), pattern(100));
  ASSERT_TRUE(remove(alice_, image.id));
  ASSERT_TRUE(run());
  const auto manifest = in(*store_, image.id);
  ASSERT_TRUE(manifest && manifest->deleted);
  EXPECT_EQ(manifest->deleted->by, "alice");
  EXPECT_EQ(manifest->deleted->until, clock_.now() + std::chrono::hours(1));
  ASSERT_TRUE(async::run_until_done(service_->restore(alice_, image.id)));
  ASSERT_TRUE(run());
  EXPECT_FALSE(in(*store_, image.id)->deleted);
}

TEST_F(Manifests, FollowCopiesThatAreMadeMovedAndDropped) {
  PlacementService placements(Foundation{client_, stores_, digest_pool_, slices_, clock_, quota_},
                              options_.digests);
  const auto image = *add(alice_, draft(), pattern(100));
  const auto place = [&](Placement::Kind kind, const std::string& store) {
    ASSERT_TRUE(async::run_until_done(
        placements.request(Principal::root("root"), {kind, image.id, store, {}})));
    async::run_until_done(placements.run());
    ASSERT_TRUE(run());
    ASSERT_TRUE(run_other());
  };
  place(Placement::Kind::copy, "other");
  EXPECT_TRUE(in(*store_, image.id));
  EXPECT_TRUE(in(*other_, image.id));
  place(Placement::Kind::evict, "main");
  EXPECT_EQ(store_->keys(), std::vector<std::string>{kManifestMark});
  EXPECT_EQ(in(*other_, image.id)->image.store, "other");
  place(Placement::Kind::move, "main");
  EXPECT_TRUE(in(*store_, image.id));
  EXPECT_EQ(other_->keys(), std::vector<std::string>{kManifestMark});
}

TEST_F(Manifests, AreWrittenWhenTheStoreIsBackAgainAndNotAskedForEachTimeMeanwhile) {
  ASSERT_TRUE(run());
  const auto image = *add(alice_, draft(), pattern(100));
  store_->before_replace = [](const std::string&) {
    return Error{Code::unavailable, "the store is down", "test"};
  };
  int tries = 0;
  for (int second = 0; second < 600; ++second) {
    if (!writer_->due()) continue;
    ++tries;
    EXPECT_EQ(run().error().code, Code::unavailable);
  }
  EXPECT_GE(tries, 10);
  EXPECT_LE(tries, 20);
  EXPECT_TRUE(run_other()) << "another store does not wait for it";
  store_->before_replace = nullptr;
  ASSERT_TRUE(run());
  EXPECT_TRUE(in(*store_, image.id));
  EXPECT_TRUE(writer_->due());
}

TEST_F(Manifests, UnderWayAreWaitedForAsLongAsSomebodyHasPatience) {
  const auto image = *add(alice_, draft(), pattern(100));
  std::promise<void> begun;
  std::promise<void> gate;
  store_->before_replace = [&](const std::string&) -> std::optional<Error> {
    begun.set_value();
    gate.get_future().wait();
    return std::nullopt;
  };
  const std::jthread writing([&] { EXPECT_TRUE(run()); });
  begun.get_future().wait();
  writer_->await_end(std::chrono::steady_clock::now());
  EXPECT_TRUE(writer_->under_way());
  gate.set_value();
  writer_->await_end(std::chrono::steady_clock::time_point::max());
  EXPECT_FALSE(writer_->under_way());
  EXPECT_TRUE(in(*store_, image.id));
}

TEST_F(Manifests, AreAllWrittenWhereverARunIsCutOff) {
  std::vector<std::string> ids;
  for (int i = 0; i < 9; ++i) ids.push_back(add(alice_, draft(), pattern(10))->id);
  // The first write that fails is the first, the second, …; then everything begins anew.
  for (int cut = 1; cut < 30; ++cut) {
    for (const std::string& id : ids) ASSERT_TRUE(rename(id, "cut " + std::to_string(cut)));
    int left = cut;
    const auto cut_off = [&]() -> std::optional<Error> {
      if (--left >= 0) return std::nullopt;
      return Error{Code::unavailable, "the process ended", "test"};
    };
    store_->before_replace = [&](const std::string&) { return cut_off(); };
    catalogue_.before_apply = [&](const catalogue::Batch& batch) {
      return of_the_position(batch) ? cut_off() : std::nullopt;
    };
    // The outcome is the matter of this test only after the next start.
    [[maybe_unused]] const Result<void> ended = run();
    store_->before_replace = nullptr;
    catalogue_.before_apply = nullptr;
    begin_anew();
    ASSERT_TRUE(run());
    for (const std::string& id : ids) {
      ASSERT_EQ(in(*store_, id)->image.name, "cut " + std::to_string(cut));
    }
  }
}

TEST_F(Manifests, ThatWereWrittenWhileTheirBlobWentGoToo) {
  const auto image = *add(alice_, draft(), pattern(100));
  bool once = true;
  store_->before_replace = [&](const std::string& key) -> std::optional<Error> {
    if (key == kManifestMark || !std::exchange(once, false)) return std::nullopt;
    // What the owner's request does on another thread.
    catalogue::Batch batch;
    const auto blob = catalogue_.get(kBlobs, image.blob);
    const auto record = catalogue_.get(kImages, image.id);
    const auto copy = catalogue_.get(kCopies, image.blob);
    batch.removes = {{kBlobs, image.blob, blob->revision},
                     {kImages, image.id, record->revision},
                     {kCopies, image.blob, copy->revision}};
    batch.puts.push_back({encode(Removal{"main", image.blob, 1}), 0});
    EXPECT_TRUE(catalogue_.apply(batch));
    return std::nullopt;
  };
  ASSERT_TRUE(run());
  EXPECT_EQ(manifests_in(*store_), 0u);
}

TEST_F(Manifests, ThatACrashLeftBehindAreClearedAwayByTheHistory) {
  const auto image = *add(alice_, draft(), pattern(100));
  ASSERT_TRUE(run());
  ASSERT_TRUE(remove(alice_, image.id));
  // Written by a run that was cut off before it could see that the blob had gone.
  ASSERT_TRUE(async::run_until_done(store_->replace(manifest_key(image.blob), "left over")));
  begin_anew();
  ASSERT_TRUE(run());
  EXPECT_EQ(store_->keys(), std::vector<std::string>{kManifestMark});
}

TEST_F(Manifests, AreWrittenAnewIntoAStoreThatIsAnotherOne) {
  std::vector<std::string> ids;
  for (int i = 0; i < 3; ++i) ids.push_back(add(alice_, draft(), pattern(10))->id);
  ASSERT_TRUE(run());
  for (const std::string& key : store_->keys()) {
    if (key == kManifestMark || described_key(key)) {
      ASSERT_TRUE(async::run_until_done(store_->remove(key)));
    }
  }
  ASSERT_TRUE(async::run_until_done(store_->replace("00-gone/manifest", "no blob has it")));
  begin_anew();
  ASSERT_TRUE(run());
  EXPECT_EQ(manifests_in(*store_), 3u) << "and the one without a blob is gone";
  for (const std::string& id : ids) EXPECT_TRUE(in(*store_, id));
}

TEST_F(Manifests, AreWrittenForAllWhereTheHistoryHasAGap) {
  const auto image = *add(alice_, draft(), pattern(100));
  ASSERT_TRUE(run());
  ASSERT_TRUE(rename(image.id, "before the gap"));
  // A place ahead of the history, as after the restore of an older catalogue.
  auto record = *catalogue_.get(kManifests, "main");
  const auto mark = read_mark(text_of(*store_, kManifestMark)).walk;
  record.document = R"({"since":1000000,"mark":")" + mark + R"("})";
  catalogue::Batch batch;
  batch.puts.push_back({record, record.revision});
  ASSERT_TRUE(catalogue_.apply(batch));
  begin_anew();
  ASSERT_TRUE(run());
  EXPECT_EQ(in(*store_, image.id)->image.name, "before the gap");
}

TEST_F(Manifests, DoNotStumbleOverARecordThatCantBeRead) {
  const auto broken = *add(alice_, draft(), pattern(10));
  const auto whole = *add(alice_, draft(), pattern(10));
  auto record = *catalogue_.get(kBlobs, broken.blob);
  record.document = "{";
  catalogue::Batch batch;
  batch.puts.push_back({record, record.revision});
  ASSERT_TRUE(catalogue_.apply(batch));
  ASSERT_TRUE(run());
  EXPECT_EQ(manifests_in(*store_), 1u);
  EXPECT_TRUE(in(*store_, whole.id));
}

}  // namespace
}  // namespace visor::service
