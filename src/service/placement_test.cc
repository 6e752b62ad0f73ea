#include <gtest/gtest.h>

#include <algorithm>

#include "service/placement_service.h"
#include "service/service_fixture.h"

namespace visor::service {
namespace {

using Kind = Placement::Kind;
using State = Placement::State;

class Placements : public ServiceFixture {
 protected:
  Placements() {
    auto other = std::make_unique<StubbornStore>();
    other_ = other.get();
    stores_.add("other", std::move(other));
    begin_anew();
  }

  /// As after a restart of the server.
  void begin_anew() {
    restart();
    placements_.reset();
    placements_ = std::make_unique<PlacementService>(
        Foundation{client_, stores_, digest_pool_, slices_, clock_, quota_}, options_.digests);
    EXPECT_TRUE(async::run_until_done(service_->recover()));
    EXPECT_TRUE(async::run_until_done(placements_->recover()));
  }

  Result<Placement> ask(Kind kind, const std::string& image, const std::string& store,
                        const std::string& from = {}) {
    return async::run_until_done(placements_->request(root_, {kind, image, store, from}));
  }
  void run() { async::run_until_done(placements_->run()); }
  Placement state_of(const std::string& id) {
    auto placement = async::run_until_done(placements_->show(root_, id));
    EXPECT_TRUE(placement);
    return placement ? *placement : Placement{};
  }
  /// Asks, does it, and gives how it ended.
  Placement done(Kind kind, const std::string& image, const std::string& store,
                 const std::string& from = {}) {
    const auto asked = ask(kind, image, store, from);
    EXPECT_TRUE(asked) << asked.error().message;
    if (!asked) return {};
    run();
    return state_of(asked->id);
  }
  Placement scrubbed(const std::string& store) { return done(Kind::scrub, {}, store); }

  std::vector<std::string> places_of(const std::string& image) {
    const auto copies = async::run_until_done(placements_->copies(root_, image));
    EXPECT_TRUE(copies) << copies.error().message;
    std::vector<std::string> places;
    if (!copies) return places;
    for (const CopyStatus& copy : *copies) {
      places.push_back(copy.store + (copy.damaged ? " damaged" : copy.referred ? " referred" : ""));
    }
    return places;
  }
  using Places = std::vector<std::string>;

  /// Puts other bytes of the same length where a store keeps its only blob.
  void damage(StubbornStore& store) {
    ASSERT_EQ(store.keys().size(), 1U);
    async::run_until_done(replace(store, store.keys().front()));
  }
  async::Task<void> replace(StubbornStore& store, std::string key) {
    Result<store::BlobStatus> status = co_await store.stat(key);
    const std::string wrong(*status->size, 'x');
    Result<void> removed = co_await store.remove(key);
    EXPECT_TRUE(removed);
    co_await write_bytes(store, std::move(key), wrong);
  }
  async::Task<void> write_bytes(StubbornStore& store, std::string key, std::string wrong) {
    Result<std::unique_ptr<store::BlobWriter>> writer = co_await store.create(key, wrong.size());
    store::BlobWriter& blob = **writer;
    Result<void> written = co_await blob.write(std::as_bytes(std::span(wrong)));
    EXPECT_TRUE(written);
    Result<void> committed = co_await blob.commit(wrong.size());
    EXPECT_TRUE(committed);
  }

  catalogue::Record only_record(const char* collection) {
    catalogue::Query query;
    query.collection = collection;
    return catalogue_.find(query)->records.front();
  }

  std::string added(std::size_t size = 200'000) {
    bytes_ = pattern(size);
    const auto image = add(alice_, draft(), bytes_);
    EXPECT_TRUE(image) << image.error().message;
    return image ? image->id : std::string();
  }

  const Principal referrer_{"alice", false, true, false, {}};
  const Principal root_ = Principal::root("root");
  StubbornStore* other_ = nullptr;
  std::string bytes_;
  std::unique_ptr<PlacementService> placements_;
};

TEST_F(Placements, AreDecidedByTheFirstRuleThatFitsWhereAnImageNamesNoStore) {
  options_.placement = {{{{"owner", "alice"}, {"tier", "cold"}}, "other"},
                        {{{"architecture", "i386"}}, "other"}};
  begin_anew();
  image::Edits cold = draft();
  cold.push_back({"tier", "cold", true});
  image::Edits named = cold;
  named.push_back({"store", "main"});
  EXPECT_EQ(add(alice_, cold)->store, "other");
  EXPECT_EQ(add(alice_, {{"name", "x"}, {"architecture", "i386"}})->store, "other");
  EXPECT_EQ(add(alice_, draft())->store, "main") << "no rule fits";
  EXPECT_EQ(add(bob_, cold)->store, "main") << "half of a rule is none";
  EXPECT_EQ(add(alice_, named)->store, "main") << "who asks has the last word";
}

TEST_F(Placements, CopyAnImageIntoAnotherStoreWithoutChargingItsOwnerAgain) {
  const std::string id = added();
  const Placement placement = done(Kind::copy, id, "other");
  EXPECT_EQ(placement.state, State::done) << placement.failure;
  EXPECT_EQ(placement.done, bytes_.size());
  EXPECT_EQ(places_of(id), (Places{"main", "other"}));
  EXPECT_EQ(store_->bytes_stored(), bytes_.size());
  EXPECT_EQ(other_->bytes_stored(), bytes_.size());
  EXPECT_EQ(counter(bytes_counter("alice")), static_cast<std::int64_t>(bytes_.size()));
}

TEST_F(Placements, MoveAnImageAndSayWhereItLies) {
  const std::string id = added();
  EXPECT_EQ(done(Kind::move, id, "other").state, State::done);
  EXPECT_EQ(places_of(id), Places{"other"});
  EXPECT_EQ(blobs_stored(), 0U);
  const auto image = show(alice_, id);
  EXPECT_EQ(image->store, "other");
  EXPECT_NE(image->location.find(other_->keys().front()), std::string::npos);
  EXPECT_EQ(*fetch(alice_, id), bytes_);
}

TEST_F(Placements, MoveToWhereACopyLiesAlreadyByDroppingTheOther) {
  const std::string id = added();
  EXPECT_EQ(done(Kind::copy, id, "other").state, State::done);
  EXPECT_EQ(done(Kind::move, id, "other").state, State::done);
  EXPECT_EQ(places_of(id), Places{"other"});
  EXPECT_EQ(blobs_stored(), 0U);
  EXPECT_EQ(*fetch(alice_, id), bytes_);
}

TEST_F(Placements, EvictACopyWhicheverItIs) {
  for (const char* evicted : {"main", "other"}) {
    const std::string id = added();
    const std::string kept = evicted == std::string("main") ? "other" : "main";
    EXPECT_EQ(done(Kind::copy, id, "other").state, State::done);
    EXPECT_EQ(done(Kind::evict, id, evicted).state, State::done);
    EXPECT_EQ(places_of(id), Places{kept});
    EXPECT_EQ(show(alice_, id)->store, kept);
    EXPECT_EQ(*fetch(alice_, id), bytes_);
    ASSERT_TRUE(remove(alice_, id));
  }
  expect_nothing_left("alice");
  EXPECT_TRUE(other_->keys().empty());
}

TEST_F(Placements, NeverEvictTheOnlyWholeCopy) {
  const std::string id = added();
  EXPECT_EQ(ask(Kind::evict, id, "main").error().code, Code::conflict);
  EXPECT_EQ(done(Kind::copy, id, "other").state, State::done);
  damage(*store_);
  EXPECT_EQ(ask(Kind::evict, id, "main")->state, State::waiting);
  EXPECT_EQ(*fetch(alice_, id), std::string(bytes_.size(), 'x')) << "nobody looked yet";
}

TEST_F(Placements, FetchWhatWasOnlyReferredToAndChargeItsOwner) {
  bytes_ = pattern(5000);
  remote_->put("far://image", bytes_);
  const auto image = refer(referrer_, "far://image");
  ASSERT_TRUE(image) << image.error().message;
  EXPECT_EQ(ask(Kind::copy, image->id, "main").error().code, Code::conflict);
  EXPECT_EQ(done(Kind::move, image->id, "main").state, State::done);
  const auto fetched = show(alice_, image->id);
  EXPECT_FALSE(fetched->referred);
  EXPECT_EQ(fetched->store, "main");
  EXPECT_EQ(fetched->digests.at(DigestAlgorithm::sha256),
            digest_hex(DigestAlgorithm::sha256, bytes_));
  EXPECT_EQ(counter(bytes_counter("alice")), 5000);
  EXPECT_TRUE(remote_->has("far://image")) << "the source is nobody's here to remove";
  ASSERT_TRUE(remove(alice_, image->id));
  expect_nothing_left("alice");
}

TEST_F(Placements, FetchNothingOverAQuota) {
  remote_->put("far://image", pattern(5000));
  const auto image = refer(referrer_, "far://image");
  quota_.set({4999, std::nullopt});
  const Placement placement = done(Kind::move, image->id, "main");
  EXPECT_EQ(placement.state, State::failed);
  EXPECT_NE(placement.failure.find("quota"), std::string::npos) << placement.failure;
  EXPECT_EQ(blobs_stored(), 0U);
  EXPECT_EQ(counter(bytes_counter("alice")), 0);
  EXPECT_EQ(count(kRemovals), 0U);
}

TEST_F(Placements, ReadAnotherCopyWhereTheFirstIsGone) {
  const std::string id = added();
  EXPECT_EQ(done(Kind::copy, id, "other").state, State::done);
  ASSERT_TRUE(async::run_until_done(store_->remove(store_->keys().front())));
  EXPECT_EQ(*fetch(alice_, id), bytes_);
  EXPECT_EQ(*fetch(alice_, id, {100, 50}), bytes_.substr(100, 50));
}

TEST_F(Placements, RemoveAllCopiesWithTheImage) {
  const std::string id = added();
  EXPECT_EQ(done(Kind::copy, id, "other").state, State::done);
  other_->refuse_removals = true;
  ASSERT_TRUE(remove(alice_, id));
  EXPECT_EQ(blobs_stored(), 0U);
  EXPECT_EQ(count(kRemovals), 1U) << "what a store can't drop now waits";
  other_->refuse_removals = false;
  ASSERT_TRUE(async::run_until_done(service_->tidy()));
  EXPECT_TRUE(other_->keys().empty());
  expect_nothing_left("alice");
}

TEST_F(Placements, FindDamageAndHealItFromAnotherCopy) {
  for (StubbornStore* damaged : {store_, other_}) {
    const std::string id = added();
    EXPECT_EQ(done(Kind::copy, id, "other").state, State::done);
    damage(*damaged);
    const Placement scrub = scrubbed(damaged == store_ ? "main" : "other");
    EXPECT_EQ(scrub.state, State::done) << scrub.failure;
    EXPECT_EQ(scrub.checked, 1U);
    EXPECT_EQ(scrub.damaged, 1U);
    EXPECT_EQ(places_of(id), (Places{"main", "other"})) << "the healing ran right behind it";
    EXPECT_EQ(*fetch(alice_, id), bytes_);
    EXPECT_EQ(scrubbed(damaged == store_ ? "main" : "other").damaged, 0U);
    EXPECT_EQ(store_->keys().size() + other_->keys().size(), 2U) << "the bad bytes are gone";
    ASSERT_TRUE(remove(alice_, id));
  }
  expect_nothing_left("alice");
}

TEST_F(Placements, NoticeACopyThatIsMissing) {
  const std::string id = added();
  EXPECT_EQ(done(Kind::copy, id, "other").state, State::done);
  ASSERT_TRUE(async::run_until_done(other_->remove(other_->keys().front())));
  EXPECT_EQ(scrubbed("other").damaged, 1U);
  EXPECT_EQ(other_->bytes_stored(), bytes_.size());
}

TEST_F(Placements, KeepTheOnlyCopyBackWhenItIsDamaged) {
  const std::string id = added();
  damage(*store_);
  EXPECT_EQ(scrubbed("main").damaged, 1U);
  EXPECT_EQ(places_of(id), Places{"main damaged"});
  EXPECT_EQ(fetch(alice_, id).error().code, Code::corrupt);
  EXPECT_EQ(ask(Kind::copy, id, "other")->state, State::waiting);
  run();
  EXPECT_TRUE(other_->keys().empty()) << "damage is not copied";
}

TEST_F(Placements, NeverCopyBytesThatHaveAnotherDigest) {
  const std::string id = added();
  damage(*store_);
  const Placement placement = done(Kind::copy, id, "other");
  EXPECT_EQ(placement.state, State::failed);
  EXPECT_TRUE(other_->keys().empty());
  EXPECT_EQ(places_of(id), Places{"main"});
}

TEST_F(Placements, BeginAgainAfterACrashAndLeaveNothingOfTheFirstTime) {
  const std::string id = added();
  const auto asked = ask(Kind::copy, id, "other");
  ASSERT_TRUE(asked);
  // As a crash between the commit of the bytes and that of the record leaves it.
  Placement cut = *asked;
  cut.state = State::running;
  cut.key = random_uuid();
  catalogue::Batch batch;
  batch.puts.push_back(put_of(cut));
  ASSERT_TRUE(catalogue_.apply(batch));
  async::run_until_done(write_bytes(*other_, cut.key, "half of it"));
  begin_anew();
  EXPECT_TRUE(placements_->due());
  run();
  EXPECT_EQ(state_of(asked->id).state, State::done);
  EXPECT_EQ(other_->keys().size(), 1U);
  EXPECT_EQ(places_of(id), (Places{"main", "other"}));
  EXPECT_EQ(count(kRemovals), 0U);
}

TEST_F(Placements, TakeBackWhatAFailedCommitMayHaveStored) {
  const std::string id = added();
  other_->fail_after_commits = true;
  const Placement placement = done(Kind::copy, id, "other");
  EXPECT_EQ(placement.state, State::failed);
  EXPECT_TRUE(other_->keys().empty());
  EXPECT_EQ(places_of(id), Places{"main"});
}

TEST_F(Placements, LoseAgainstARemovalInTheMiddleAndLeaveNothing) {
  const std::string id = added();
  ASSERT_TRUE(ask(Kind::copy, id, "other"));
  bool removed = false;
  catalogue_.before_apply = [&](const catalogue::Batch& batch) -> std::optional<Error> {
    const bool settles = std::ranges::any_of(
        batch.puts, [](const catalogue::Put& put) { return put.record.collection == kCopies; });
    if (settles && !std::exchange(removed, true)) {
      const auto image = catalogue_.get(kImages, id);
      const auto blob = only_record(kBlobs);
      const auto copy = only_record(kCopies);
      catalogue::Batch removal;
      removal.removes = {{kImages, id, image->revision},
                         {kBlobs, blob.id, blob.revision},
                         {kCopies, copy.id, copy.revision}};
      EXPECT_TRUE(catalogue_.apply_at_once(removal));
    }
    return std::nullopt;
  };
  run();
  catalogue_.before_apply = nullptr;
  EXPECT_TRUE(removed);
  EXPECT_TRUE(other_->keys().empty());
  EXPECT_EQ(count(kCopies), 0U);
}

TEST_F(Placements, MeetACopyThatSomebodyElseMadeMeanwhileAndKeepOne) {
  const std::string id = added();
  const auto move = ask(Kind::move, id, "other");
  bool copied = false;
  catalogue_.before_apply = [&](const catalogue::Batch& batch) -> std::optional<Error> {
    const bool settles = std::ranges::any_of(
        batch.puts, [](const catalogue::Put& put) { return put.record.collection == kCopies; });
    if (settles && !std::exchange(copied, true)) {
      const auto blob = only_record(kBlobs);
      const Copy made{random_uuid(), blob.id, "other", random_uuid(), false, {}, false, 0};
      async::run_until_done(write_bytes(*other_, made.key, bytes_));
      catalogue::Batch theirs;
      theirs.puts.push_back({catalogue_.get(kBlobs, blob.id).value(), blob.revision});
      theirs.puts.push_back({encode(made), 0});
      EXPECT_TRUE(catalogue_.apply_at_once(theirs));
    }
    return std::nullopt;
  };
  run();
  catalogue_.before_apply = nullptr;
  EXPECT_TRUE(copied);
  EXPECT_EQ(state_of(move->id).state, State::done) << state_of(move->id).failure;
  EXPECT_EQ(places_of(id), Places{"other"});
  EXPECT_EQ(other_->keys().size(), 1U);
  EXPECT_EQ(blobs_stored(), 0U);
  EXPECT_EQ(*fetch(alice_, id), bytes_);
}

TEST_F(Placements, AreCancelledBeforeTheyBegin) {
  const std::string id = added();
  const auto asked = ask(Kind::copy, id, "other");
  EXPECT_EQ(ask(Kind::copy, id, "other").error().code, Code::conflict) << "once is enough";
  ASSERT_TRUE(async::run_until_done(placements_->cancel(root_, asked->id)));
  run();
  EXPECT_EQ(state_of(asked->id).state, State::cancelled);
  EXPECT_TRUE(other_->keys().empty());
  EXPECT_EQ(async::run_until_done(placements_->cancel(root_, asked->id)).error().code,
            Code::conflict);
}

TEST_F(Placements, AreForAdministratorsOnly) {
  const std::string id = added();
  const auto refused = [](const auto& result) { return result.error().code; };
  EXPECT_EQ(refused(placements_->stores(alice_)), Code::forbidden);
  EXPECT_EQ(refused(async::run_until_done(placements_->check(alice_, "main"))), Code::forbidden);
  EXPECT_EQ(refused(async::run_until_done(placements_->copies(alice_, id))), Code::forbidden);
  EXPECT_EQ(
      refused(async::run_until_done(placements_->request(alice_, {Kind::copy, id, "other", {}}))),
      Code::forbidden);
  EXPECT_EQ(refused(async::run_until_done(placements_->list(alice_, {}, 10))), Code::forbidden);
}

TEST_F(Placements, TellAnAdministratorNothingOfAPrivateImageUnlessTheyReachForEverybodys) {
  bytes_ = pattern(100);
  const auto image =
      add(alice_, {{"name", "x"}, {"architecture", "x86_64"}, {"access", "owner"}}, bytes_);
  ASSERT_TRUE(image) << image.error().message;
  EXPECT_EQ(ask(Kind::copy, image->id, "other").error().code, Code::not_found);
  Principal everybody = root_;
  everybody.everybody = true;
  EXPECT_TRUE(
      async::run_until_done(placements_->request(everybody, {Kind::copy, image->id, "other", {}})));
}

TEST_F(Placements, SayWhatIsWrongWithAWish) {
  const std::string id = added();
  EXPECT_EQ(ask(Kind::copy, id, "nowhere").error().code, Code::invalid);
  EXPECT_EQ(ask(Kind::copy, id, "far").error().code, Code::invalid) << "it takes no bytes";
  EXPECT_EQ(ask(Kind::copy, id, "main").error().code, Code::conflict);
  EXPECT_EQ(ask(Kind::move, id, "main").error().code, Code::conflict);
  EXPECT_EQ(ask(Kind::move, id, "other", "other").error().code, Code::conflict);
  EXPECT_EQ(ask(Kind::heal, id, "main").error().code, Code::invalid);
  EXPECT_EQ(ask(Kind::copy, random_uuid(), "other").error().code, Code::not_found);
  EXPECT_EQ(ask(Kind::copy, "no id", "other").error().code, Code::not_found);
}

TEST_F(Placements, AreListedTheNewestFirstAPageAtATime) {
  const std::string id = added();
  std::vector<std::string> ids;
  for (const char* store : {"main", "other", "main"}) {
    clock_.advance(std::chrono::seconds(1));
    ids.insert(ids.begin(), scrubbed(store).id);
  }
  std::vector<std::string> listed;
  std::optional<std::string> after;
  do {
    const auto page = async::run_until_done(placements_->list(root_, after, 2));
    ASSERT_TRUE(page) << page.error().message;
    for (const Placement& placement : page->placements) listed.push_back(placement.id);
    after = page->next;
  } while (after);
  EXPECT_EQ(listed, ids);
}

TEST_F(Placements, AreForgottenAWeekAfterTheirEnd) {
  const std::string ended = scrubbed("main").id;
  clock_.advance(std::chrono::hours(24 * 8));
  const auto waiting = ask(Kind::scrub, {}, "main");
  ASSERT_TRUE(async::run_until_done(placements_->tidy()));
  EXPECT_FALSE(async::run_until_done(placements_->show(root_, ended)));
  EXPECT_TRUE(async::run_until_done(placements_->show(root_, waiting->id)));
}

TEST_F(Placements, CheckAStoreAndLeaveNothingInIt) {
  const auto well = async::run_until_done(placements_->check(root_, "main"));
  ASSERT_TRUE(well);
  EXPECT_FALSE(well->failure);
  EXPECT_EQ(blobs_stored(), 0U);
  other_->fail_after_commits = true;
  const auto failed = async::run_until_done(placements_->check(root_, "other"));
  ASSERT_TRUE(failed);
  ASSERT_TRUE(failed->failure);
  EXPECT_EQ(failed->failure->code, Code::unavailable);
  EXPECT_TRUE(other_->keys().empty());
  EXPECT_EQ(count(kRemovals), 0U);
  EXPECT_EQ(async::run_until_done(placements_->check(root_, "nowhere")).error().code,
            Code::not_found);
}

TEST_F(Placements, TellARestoredImageWhereItsDataLiesNow) {
  options_.keep_deleted = std::chrono::hours(1);
  begin_anew();
  const std::string id = added();
  EXPECT_EQ(done(Kind::copy, id, "other").state, State::done);
  ASSERT_TRUE(remove(alice_, id));
  damage(*store_);
  EXPECT_EQ(scrubbed("main").damaged, 1U);
  ASSERT_TRUE(async::run_until_done(service_->restore(alice_, id)));
  const std::string location = show(alice_, id)->location;
  EXPECT_NE(location.find(store_->keys().front()), std::string::npos)
      << "it was healed under another key meanwhile";
  EXPECT_EQ(*fetch(alice_, id), bytes_);
}

}  // namespace
}  // namespace visor::service
