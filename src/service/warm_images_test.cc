#include "service/warm_images.h"

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "service/service_fixture.h"

namespace visor::service {
namespace {

using Ids = std::vector<std::string>;
using Which = WarmImages::Which;

constexpr std::size_t kMost = 3;

/// The in-memory store, which says when it is read.
class HeardStore final : public store::MemoryStore {
 public:
  std::uint64_t bytes_read = 0;
  /// Called before each slice; what it returns, the read fails with.
  std::function<std::optional<Error>()> before_read;

  async::Task<Result<std::unique_ptr<async::ByteSource>>> open(std::string key,
                                                               store::ByteRange range,
                                                               std::string version) override {
    Result<std::unique_ptr<async::ByteSource>> source =
        co_await MemoryStore::open(std::move(key), range, std::move(version));
    if (!source) co_return source;
    co_return std::make_unique<HeardSource>(*this, std::move(*source));
  }

 private:
  class HeardSource final : public async::ByteSource {
   public:
    HeardSource(HeardStore& store, std::unique_ptr<async::ByteSource> source)
        : store_(store), source_(std::move(source)) {}
    std::optional<std::uint64_t> size() const override { return source_->size(); }
    async::Task<Result<std::size_t>> read(std::span<std::byte> into) override {
      if (store_.before_read) {
        if (auto error = store_.before_read()) co_return std::unexpected(std::move(*error));
      }
      Result<std::size_t> count = co_await source_->read(into);
      if (count) store_.bytes_read += *count;
      co_return count;
    }

   private:
    HeardStore& store_;
    std::unique_ptr<async::ByteSource> source_;
  };
};

class Warming : public ServiceFixture {
 protected:
  Warming() {
    auto heard = std::make_unique<HeardStore>();
    heard_ = heard.get();
    stores_.add("heard", std::move(heard));
    root_.everybody = true;
  }

  static image::Edits in_heard() {
    image::Edits edits = draft();
    edits.push_back({.name = "store", .value = "heard"});
    return edits;
  }
  std::string present(std::size_t bytes = 1000) {
    const auto image = add(alice_, in_heard(), pattern(bytes));
    EXPECT_TRUE(image);
    return image ? image->id : std::string();
  }

  Result<void> queue(const Principal& who, const std::string& id) {
    return async::run_until_done(warm_.queue(who, id));
  }
  Code refusal(const Principal& who, const std::string& id) {
    const auto queued = queue(who, id);
    EXPECT_FALSE(queued);
    return queued ? Code::internal : queued.error().code;
  }
  void run() { async::run_until_done(warm_.run()); }
  std::string warmed(std::size_t bytes = 1000) {
    const std::string id = present(bytes);
    EXPECT_TRUE(queue(root_, id));
    run();
    return id;
  }
  WarmStatus status(const Principal& who) {
    auto status = async::run_until_done(warm_.list(who));
    EXPECT_TRUE(status);
    return status ? std::move(*status) : WarmStatus{};
  }
  Ids warm() {
    Ids ids;
    for (const auto& image : status(root_).warm) ids.push_back(image.image);
    return ids;
  }
  Ids waiting() { return status(root_).waiting; }

  HeardStore* heard_ = nullptr;
  Principal root_ = Principal::root("root");
  WarmImages warm_{Foundation{client_, stores_, digest_pool_, slices_, clock_, quota_}, *service_,
                   kMost};
};

TEST_F(Warming, ReadsAllBytesOnceAndCountsNoRead) {
  const std::string id = present(5 * kSlice + 7);
  EXPECT_FALSE(warm_.due());
  ASSERT_TRUE(queue(root_, id));
  EXPECT_EQ(waiting(), Ids{id});
  EXPECT_TRUE(warm_.due());
  run();
  EXPECT_FALSE(warm_.due());
  EXPECT_EQ(heard_->bytes_read, 5 * kSlice + 7);
  const WarmStatus after = status(root_);
  EXPECT_EQ(after.waiting, Ids{});
  ASSERT_EQ(after.warm.size(), 1u);
  EXPECT_EQ(after.warm[0].image, id);
  EXPECT_EQ(after.warm[0].size, 5 * kSlice + 7);
  EXPECT_EQ(after.warm[0].since, clock_.now());
  EXPECT_EQ(after.warm[0].reads.count, 0u);
  EXPECT_FALSE(after.warm[0].reads.last);
}

TEST_F(Warming, TellsHowOftenAnImageWasFetched) {
  const std::string id = warmed();
  clock_.advance(std::chrono::seconds(5));
  ASSERT_TRUE(fetch(alice_, id));
  const WarmStatus after = status(root_);
  ASSERT_EQ(after.warm.size(), 1u);
  EXPECT_EQ(after.warm[0].reads.count, 1u);
  EXPECT_EQ(after.warm[0].reads.last, clock_.now());
  EXPECT_EQ(after.warm[0].since, clock_.now() - std::chrono::seconds(5));
}

TEST_F(Warming, IsForAdministrators) {
  const std::string id = warmed();
  for (const Principal& who : {alice_, Principal::nobody()}) {
    EXPECT_EQ(refusal(who, id), Code::forbidden);
    EXPECT_EQ(async::run_until_done(warm_.list(who)).error().code, Code::forbidden);
    EXPECT_EQ(warm_.forget(who, id).error().code, Code::forbidden);
    EXPECT_EQ(warm_.clear(who, Which::both).error().code, Code::forbidden);
  }
  EXPECT_EQ(warm(), Ids{id});
}

TEST_F(Warming, ShowsAnAdministratorWhoReachesForNobodysOnlyWhatTheyMaySee) {
  const std::string id = warmed();
  const std::string waiting_one = present();
  ASSERT_TRUE(queue(root_, waiting_one));
  for (const std::string& each : {id, waiting_one}) {
    ASSERT_TRUE(async::run_until_done(
        service_->change(alice_, each, {{"access", "owner"}}, Data::none(), std::nullopt)));
  }
  const Principal modest = Principal::root("root");
  EXPECT_EQ(refusal(modest, id), Code::not_found);
  EXPECT_TRUE(status(modest).warm.empty());
  EXPECT_TRUE(status(modest).waiting.empty());
  EXPECT_EQ(warm(), Ids{id});
  EXPECT_EQ(waiting(), Ids{waiting_one});
}

TEST_F(Warming, RefusesWhatHasNoDataToGiveOut) {
  EXPECT_EQ(refusal(root_, "no-id"), Code::not_found);
  EXPECT_EQ(refusal(root_, random_uuid()), Code::not_found);
  EXPECT_EQ(refusal(root_, add(alice_, draft())->id), Code::invalid);
  const std::string held = present();
  ASSERT_TRUE(async::run_until_done(service_->deactivate(root_, held)));
  EXPECT_EQ(refusal(root_, held), Code::invalid);
  EXPECT_FALSE(warm_.due());
}

TEST_F(Warming, RefusesWhatLiesElsewhereAndSaysWhatHelps) {
  remote_->put("far://image", pattern(1000));
  const auto image = refer(root_, "far://image");
  ASSERT_TRUE(image);
  const auto queued = queue(root_, image->id);
  ASSERT_FALSE(queued);
  EXPECT_EQ(queued.error().code, Code::invalid);
  EXPECT_NE(queued.error().message.find("copy the image into a local store"), std::string::npos);
}

TEST_F(Warming, GivesOneThatWaitsAlreadyNoSecondTurn) {
  const std::string first = present();
  const std::string second = present();
  ASSERT_TRUE(queue(root_, first));
  ASSERT_TRUE(queue(root_, second));
  ASSERT_TRUE(queue(root_, first));
  EXPECT_EQ(waiting(), (Ids{first, second}));
}

TEST_F(Warming, ReadsAnImageAgainWhoseMemoryOthersMayHaveTaken) {
  const std::string id = warmed(1000);
  clock_.advance(std::chrono::seconds(5));
  ASSERT_TRUE(queue(root_, id));
  EXPECT_EQ(warm(), Ids{id});
  run();
  EXPECT_EQ(heard_->bytes_read, 2000u);
  ASSERT_EQ(warm(), Ids{id});
  EXPECT_EQ(status(root_).warm[0].since, clock_.now());
}

TEST_F(Warming, ForgetsTheOldestAndLetsNotTooManyWait) {
  Ids ids;
  for (std::size_t i = 0; i < kMost + 1; ++i) ids.push_back(warmed());
  EXPECT_EQ(warm(), (Ids{ids[1], ids[2], ids[3]}));
  for (std::size_t i = 0; i < kMost; ++i) ASSERT_TRUE(queue(root_, ids[i]));
  EXPECT_EQ(refusal(root_, ids[kMost]), Code::rate_limited);
  EXPECT_EQ(waiting(), (Ids{ids[0], ids[1], ids[2]}));
}

TEST_F(Warming, ForgetsWhatIsNotWantedAnyMore) {
  const std::string id = warmed();
  EXPECT_TRUE(warm_.forget(root_, id));
  EXPECT_EQ(warm(), Ids{});
  EXPECT_EQ(warm_.forget(root_, id).error().code, Code::not_found);
  ASSERT_TRUE(queue(root_, id));
  EXPECT_TRUE(warm_.forget(root_, id));
  EXPECT_FALSE(warm_.due());
}

TEST_F(Warming, ClearsWhatIsWarmAndWhatWaitsTogetherOrAlone) {
  for (const auto& [which, stays_warm, stays_waiting] :
       {std::tuple(Which::warm, false, true), std::tuple(Which::waiting, true, false),
        std::tuple(Which::both, false, false)}) {
    warmed();
    ASSERT_TRUE(queue(root_, present()));
    ASSERT_TRUE(warm_.clear(root_, which));
    EXPECT_EQ(!warm().empty(), stays_warm);
    EXPECT_EQ(!waiting().empty(), stays_waiting);
    ASSERT_TRUE(warm_.clear(root_, Which::both));
  }
}

TEST_F(Warming, EndsAReadingThatIsForgotten) {
  const std::string id = present(5 * kSlice);
  ASSERT_TRUE(queue(root_, id));
  heard_->before_read = [this, &id]() -> std::optional<Error> {
    if (heard_->bytes_read == kSlice) EXPECT_TRUE(warm_.forget(root_, id));
    return std::nullopt;
  };
  run();
  EXPECT_EQ(heard_->bytes_read, 2 * kSlice);
  EXPECT_EQ(warm(), Ids{});
  EXPECT_EQ(waiting(), Ids{});
}

TEST_F(Warming, EndsWithTheServer) {
  const std::string id = present(5 * kSlice);
  ASSERT_TRUE(queue(root_, id));
  heard_->before_read = [this]() -> std::optional<Error> {
    warm_.stop();
    return std::nullopt;
  };
  run();
  EXPECT_EQ(heard_->bytes_read, kSlice);
  EXPECT_EQ(warm(), Ids{});
}

TEST_F(Warming, GoesOnBehindAnImageThatCannotBeRead) {
  const std::string broken = present();
  const std::string whole = present();
  ASSERT_TRUE(queue(root_, broken));
  ASSERT_TRUE(queue(root_, whole));
  heard_->before_read = [this]() -> std::optional<Error> {
    heard_->before_read = nullptr;
    return Error{Code::unavailable, "the disk is asleep", "", Retry::later};
  };
  run();
  EXPECT_EQ(warm(), Ids{whole});
  EXPECT_EQ(waiting(), Ids{});
}

TEST_F(Warming, ForgetsImagesThatWereRemoved) {
  const std::string warm_one = warmed();
  const std::string waiting_one = present();
  ASSERT_TRUE(queue(root_, waiting_one));
  ASSERT_TRUE(remove(alice_, warm_one));
  ASSERT_TRUE(remove(alice_, waiting_one));
  EXPECT_EQ(warm(), Ids{});
  EXPECT_EQ(waiting(), Ids{});
  EXPECT_FALSE(warm_.due());
  EXPECT_EQ(warm_.forget(root_, warm_one).error().code, Code::not_found);
}

TEST_F(Warming, DropsAnImageThatWasRemovedWhileItWaited) {
  const std::string id = present();
  ASSERT_TRUE(queue(root_, id));
  ASSERT_TRUE(remove(alice_, id));
  run();
  EXPECT_FALSE(warm_.due());
  EXPECT_EQ(heard_->bytes_read, 0u);
}

}  // namespace
}  // namespace visor::service
