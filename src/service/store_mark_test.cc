#include "service/store_mark.h"

#include <gtest/gtest.h>

#include <thread>

#include "base/random.h"
#include "service/manifest_writer.h"
#include "service/service_fixture.h"

namespace visor::service {
namespace {

using async::run_until_done;

TEST(StoreMarkText, ComesBackAsItWasWritten) {
  const StoreMark mark{random_uuid(), random_uuid(), "a store's name"};
  const StoreMark read = read_mark(write_mark(mark));
  EXPECT_EQ(read.walk, mark.walk);
  EXPECT_EQ(read.catalogue, mark.catalogue);
  EXPECT_EQ(read.store, mark.store);
}

TEST(StoreMarkText, OfAnEarlierVersionSaysNotWhoseItIs) {
  const std::string walk = random_uuid();
  const StoreMark read = read_mark(walk);
  EXPECT_EQ(read.walk, walk);
  EXPECT_TRUE(read.catalogue.empty());
}

TEST(StoreMarkText, ThatNoVersionWroteIsNobodys) {
  for (const std::string& text :
       {std::string(), std::string("rubbish"), random_uuid() + " rubbish main"}) {
    EXPECT_TRUE(read_mark(text).walk.empty()) << text;
    EXPECT_TRUE(read_mark(text).catalogue.empty()) << text;
  }
}

/// Two servers, each with a catalogue of its own, and one store.
class StoreOfTwo : public ServiceFixture {
 protected:
  using Walk = Result<std::optional<std::string>>;

  Result<void> put(const std::string& walk) { return run_until_done(here_.put(walk)); }
  Walk walk() { return run_until_done(here_.walk()); }
  Result<void> put_there(const std::string& walk) { return run_until_done(there_.put(walk)); }
  Walk walk_there() { return run_until_done(there_.walk()); }
  void leave(const std::string& text) {
    ASSERT_TRUE(run_until_done(store_->replace(kManifestMark, text)));
  }
  void drop_mark() { ASSERT_TRUE(run_until_done(store_->remove(kManifestMark))); }
  StoreMark mark() {
    auto source = run_until_done(store_->open(kManifestMark, {}, ""));
    EXPECT_TRUE(source);
    return source ? read_mark(*run_until_done(async::read_all(**source, 1 << 20))) : StoreMark{};
  }

  WatchedCatalogue other_catalogue_;
  catalogue::Client other_client_{other_catalogue_, catalogue_pool_};
  StoreMarks here_{client_, stores_, "main"};
  StoreMarks there_{other_client_, stores_, "main"};
  const std::string first_ = random_uuid();
  const std::string second_ = random_uuid();
};

TEST_F(StoreOfTwo, IsNobodysBeforeTheFirstMark) {
  EXPECT_EQ(*walk(), std::nullopt);
  EXPECT_EQ(*walk_there(), std::nullopt);
}

TEST_F(StoreOfTwo, IsThatOfTheFirstAndRefusedToTheOther) {
  ASSERT_TRUE(put(first_));
  EXPECT_EQ(*walk(), first_);
  const Walk refused = walk_there();
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Code::conflict);
  EXPECT_NE(refused.error().message.find("rebuild --from-store main"), std::string::npos);
  EXPECT_EQ(put_there(second_).error().code, Code::conflict);
  EXPECT_EQ(mark().walk, first_) << "and nothing was changed by it";
  ASSERT_TRUE(put(second_));
  EXPECT_EQ(*walk(), second_);
}

TEST_F(StoreOfTwo, GoesToOneOfThoseThatComeAtOnce) {
  Result<void> here;
  Result<void> there;
  {
    const std::jthread one([&] { here = put(first_); });
    const std::jthread other([&] { there = put_there(second_); });
  }
  ASSERT_NE(here.has_value(), there.has_value());
  const Result<void>& refused = here ? there : here;
  EXPECT_EQ(refused.error().code, Code::conflict);
  EXPECT_EQ(mark().walk, here ? first_ : second_);
  EXPECT_EQ(walk().has_value(), here.has_value());
  EXPECT_EQ(walk_there().has_value(), there.has_value());
}

TEST_F(StoreOfTwo, WithTheMarkOfAnEarlierVersionGoesToWhoComesFirstAndItsWalkCounts) {
  leave(first_);
  EXPECT_EQ(*walk(), first_);
  EXPECT_EQ(mark().store, "main");
  EXPECT_EQ(walk_there().error().code, Code::conflict);
}

TEST_F(StoreOfTwo, IsTakenOverWhenSomebodyAsksForIt) {
  ASSERT_TRUE(put_there(second_));
  drop_mark();
  ASSERT_TRUE(put(first_));
  ASSERT_TRUE(run_until_done(there_.take_over()));
  EXPECT_EQ(walk().error().code, Code::conflict);
  const Walk taken = walk_there();
  ASSERT_TRUE(taken && *taken);
  EXPECT_NE(**taken, first_) << "the manifests are not from a walk of the new one";
  const std::string before = **taken;
  ASSERT_TRUE(run_until_done(there_.take_over()));
  EXPECT_EQ(*walk_there(), before) << "one's own is left alone";
}

TEST_F(StoreOfTwo, AndAllOthersOfALostCatalogueAreThoseOfItsHeir) {
  ASSERT_TRUE(put(first_));
  stores_.add("other", std::make_unique<StubbornStore>());
  ASSERT_TRUE(run_until_done(StoreMarks(client_, stores_, "other").put(second_)));
  ASSERT_FALSE(walk_there()) << "which looked, and has no identity by that";
  ASSERT_TRUE(run_until_done(there_.take_over()));
  EXPECT_TRUE(walk_there());
  EXPECT_EQ(*run_until_done(StoreMarks(other_client_, stores_, "other").walk()), second_);
  // Should the lost one live after all, it is told.
  EXPECT_EQ(walk().error().code, Code::conflict);
  EXPECT_EQ(run_until_done(StoreMarks(client_, stores_, "other").walk()).error().code,
            Code::conflict);
}

TEST_F(StoreOfTwo, WithoutAnyMarkIsNotTouchedByATakeOver) {
  ASSERT_TRUE(run_until_done(there_.take_over()));
  EXPECT_EQ(store_->keys(), std::vector<std::string>{});
}

TEST_F(StoreOfTwo, GetsNoManifestOfTheOneThatItIsNot) {
  ASSERT_TRUE(put_there(first_));
  ASSERT_TRUE(add(alice_, draft(), pattern(100)));
  const auto before = store_->keys();
  ManifestWriter writer(client_, stores_, "main");
  EXPECT_FALSE(writer.looked());
  EXPECT_EQ(run_until_done(writer.look()).error().code, Code::conflict);
  EXPECT_TRUE(writer.looked());
  EXPECT_EQ(run_until_done(writer.run()).error().code, Code::conflict);
  EXPECT_EQ(writer.await_owner(std::chrono::steady_clock::time_point::max()).error().code,
            Code::conflict);
  EXPECT_EQ(store_->keys(), before);
  EXPECT_EQ(mark().walk, first_);
}

TEST_F(StoreOfTwo, OfWhichNothingIsKnownYetIsRefusedToNobody) {
  ManifestWriter writer(client_, stores_, "main");
  EXPECT_TRUE(writer.await_owner(std::chrono::steady_clock::now()));
  // The identity can't be read, as when the catalogue's disk fails.
  catalogue::Batch batch;
  batch.puts.push_back({{kCatalogue, "self", 0, "{", {}}, 0});
  ASSERT_TRUE(catalogue_.apply(batch));
  leave(first_);
  EXPECT_EQ(run_until_done(writer.look()).error().code, Code::corrupt);
  EXPECT_TRUE(writer.await_owner(std::chrono::steady_clock::time_point::max()));
}

/// A store that two names of one server lead to.
class SamePlace final : public store::Store {
 public:
  explicit SamePlace(store::Store& place) : place_(place) {}
  store::Capability capability() const override { return place_.capability(); }
  async::Task<Result<store::BlobStatus>> stat(std::string key) override {
    return place_.stat(std::move(key));
  }
  async::Task<Result<std::unique_ptr<async::ByteSource>>> open(std::string key,
                                                               store::ByteRange range,
                                                               std::string version) override {
    return place_.open(std::move(key), range, std::move(version));
  }
  async::Task<Result<std::unique_ptr<store::BlobWriter>>> create(
      std::string key, std::optional<std::uint64_t> size) override {
    return place_.create(std::move(key), size);
  }
  async::Task<Result<void>> replace(std::string key, std::string bytes) override {
    return place_.replace(std::move(key), std::move(bytes));
  }
  async::Task<Result<void>> remove(std::string key) override {
    return place_.remove(std::move(key));
  }
  async::Task<Result<store::Listing>> list(std::string after, std::uint32_t limit) override {
    return place_.list(std::move(after), limit);
  }
  std::string location(const std::string& key) const override { return place_.location(key); }

 private:
  store::Store& place_;
};

TEST_F(StoreOfTwo, NamesOfOneServerIsRefusedUntilOneOfThemGoes) {
  ASSERT_TRUE(put(first_));
  stores_.add("again", std::make_unique<SamePlace>(*store_));
  StoreMarks again(client_, stores_, "again");
  const Walk refused = run_until_done(again.walk());
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Code::conflict);
  EXPECT_NE(refused.error().message.find("'main' and 'again'"), std::string::npos);

  store::StoreSet renamed;
  renamed.add("again", std::make_unique<SamePlace>(*store_));
  EXPECT_EQ(*run_until_done(StoreMarks(client_, renamed, "again").walk()), first_)
      << "a store that got another name is the same store";
}

}  // namespace
}  // namespace visor::service
