#include "service/image_service.h"

#include <gtest/gtest.h>

#include <atomic>
#include <latch>
#include <set>
#include <thread>

#include "async/executor.h"
#include "base/random.h"
#include "catalogue/memory/memory_catalogue.h"
#include "service/service_fixture.h"

namespace visor::service {
namespace {

using async::run_until_done;
using image::DataState;

class Images : public ServiceFixture {};

TEST_F(Images, AreRegisteredWithTheirDefaultsAndShownUnchanged) {
  const auto registered =
      add(alice_, {{"name", "debian"}, {"architecture", "x86_64"}, {"os", "linux", true}});
  ASSERT_TRUE(registered.has_value()) << registered.error().message;
  const auto shown = show(alice_, registered->id);
  ASSERT_TRUE(shown.has_value());
  EXPECT_EQ(shown->name, "debian");
  EXPECT_EQ(shown->owner, "alice");
  EXPECT_EQ(shown->state, DataState::none);
  EXPECT_EQ(shown->access, image::Access::everyone);
  EXPECT_EQ(shown->store, "main");
  EXPECT_EQ(shown->extra.at("os"), "linux");
  EXPECT_EQ(shown->created_at, clock_.now());
}

TEST_F(Images, AreNotRegisteredWithoutTheMandatoryAttributesOrByStrangers) {
  EXPECT_EQ(add(alice_, {{"name", "debian"}}).error().code, Code::invalid);
  EXPECT_EQ(add(alice_, {{"architecture", "x86_64"}}).error().code, Code::invalid);
  EXPECT_EQ(add(Principal::nobody(), draft()).error().code, Code::forbidden);
  EXPECT_EQ(
      add(alice_, {{"name", "a"}, {"architecture", "x86_64"}, {"store", "moon"}}).error().code,
      Code::invalid);
  EXPECT_EQ(count(kImages), 0u);
  EXPECT_EQ(counter(images_counter("alice")), 0);
}

TEST_F(Images, GiveBackTheBytesThatWereUploadedWithTheirDigests) {
  const std::string bytes = pattern(3 * kSlice + 17);
  const auto uploaded = add(alice_, draft(), bytes);
  ASSERT_TRUE(uploaded.has_value()) << uploaded.error().message;
  EXPECT_EQ(uploaded->state, DataState::present);
  EXPECT_EQ(uploaded->size, bytes.size());
  for (const auto algorithm : {DigestAlgorithm::md5, DigestAlgorithm::sha1, DigestAlgorithm::sha256,
                               DigestAlgorithm::sha512}) {
    EXPECT_EQ(uploaded->digests.at(algorithm), digest_hex(algorithm, bytes));
  }
  EXPECT_EQ(*fetch(bob_, uploaded->id), bytes);
  EXPECT_EQ(*fetch(bob_, uploaded->id, {5, 10}), bytes.substr(5, 10));
  EXPECT_EQ(counter(bytes_counter("alice")), static_cast<std::int64_t>(bytes.size()));
  EXPECT_EQ(count(kUploads), 0u);
}

TEST_F(Images, OfEverySizeAroundASliceComeBackWhole) {
  for (const std::size_t size :
       {std::size_t{0}, std::size_t{1}, kSlice - 1, kSlice, kSlice + 1, 2 * kSlice}) {
    const std::string bytes = pattern(size);
    for (const bool known : {true, false}) {
      const auto uploaded = add(alice_, draft(), bytes, known);
      ASSERT_TRUE(uploaded.has_value()) << size;
      EXPECT_EQ(*fetch(alice_, uploaded->id), bytes) << size;
      EXPECT_EQ(uploaded->digests.at(DigestAlgorithm::sha256),
                digest_hex(DigestAlgorithm::sha256, bytes));
    }
  }
}

TEST_F(Images, GetTheFormatTheirBytesShow) {
  std::string iso = pattern(40'000);
  iso.replace(32769, 5, "CD001");
  EXPECT_EQ(add(alice_, draft(), iso)->format, "iso");
}

TEST_F(Images, TakeDataOnlyOnce) {
  const auto uploaded = add(alice_, draft(), "first");
  const auto again = upload(alice_, uploaded->id, "second");
  ASSERT_FALSE(again.has_value());
  EXPECT_EQ(again.error().code, Code::conflict);
  EXPECT_EQ(*fetch(alice_, uploaded->id), "first");
}

TEST_F(Images, GoToErrorWithoutBytesOrChargeWhenTheirUploadBreaks) {
  for (const std::size_t broken_after :
       {std::size_t{0}, std::size_t{100}, kSlice, 2 * kSlice + 5}) {
    const auto registered = add(alice_, draft());
    BrokenSource source(pattern(3 * kSlice), broken_after);
    const auto uploaded = run_until_done(
        service_->change(alice_, registered->id, {}, Data::from(source), std::nullopt));
    ASSERT_FALSE(uploaded.has_value());
    EXPECT_EQ(uploaded.error().code, Code::cancelled);
    EXPECT_EQ(show(alice_, registered->id)->state, DataState::error);
    EXPECT_EQ(fetch(alice_, registered->id).error().code, Code::not_found);
    EXPECT_EQ(blobs_stored(), 0u);
    EXPECT_EQ(counter(bytes_counter("alice")), 0);
    EXPECT_EQ(count(kUploads), 0u);
    EXPECT_TRUE(upload(alice_, registered->id, "second try").has_value());
    EXPECT_EQ(*fetch(alice_, registered->id), "second try");
    ASSERT_TRUE(remove(alice_, registered->id).has_value());
  }
}

TEST_F(Images, AreFetchedElsewhereOnlyWhereTheStoreLetsOthersIn) {
  const auto registered = add(alice_, draft(), "bytes");
  const auto download = run_until_done(service_->download(bob_, registered->id));
  ASSERT_TRUE(download.has_value());
  EXPECT_EQ(service_->elsewhere(*download).value(), std::nullopt);
  EXPECT_EQ(run_until_done(service_->reads(registered->id))->count, 0u);

  store_->presigns = true;
  EXPECT_EQ(service_->elsewhere(*download).value(),
            "https://store.example.org/" + store_->keys().at(0) + "?seconds=60");
  EXPECT_EQ(run_until_done(service_->reads(registered->id))->count, 1u);

  remote_->put("far://away", "bytes");
  const auto referred = refer(Principal::root("root"), "far://away");
  const auto far = run_until_done(service_->download(bob_, referred->id));
  ASSERT_TRUE(far.has_value());
  EXPECT_EQ(service_->elsewhere(*far).value(), std::nullopt);
}

TEST_F(Images, KeepTheFirstOfTwoUploadsAtOnceAndRefuseTheOther) {
  const auto registered = add(alice_, draft());
  GatedSource slow(pattern(kSlice));
  std::thread first([&] {
    EXPECT_TRUE(
        run_until_done(service_->change(alice_, registered->id, {}, Data::from(slow), std::nullopt))
            .has_value());
  });
  slow.wait_until_read();
  EXPECT_EQ(upload(alice_, registered->id, "second").error().code, Code::conflict);
  slow.open();
  first.join();
  EXPECT_EQ(*fetch(alice_, registered->id), pattern(kSlice));
}

TEST_F(Images, MayBeRenamedWhileTheirDataArrives) {
  const auto registered = add(alice_, draft());
  GatedSource slow(pattern(kSlice));
  std::thread uploader([&] {
    EXPECT_TRUE(
        run_until_done(service_->change(alice_, registered->id, {}, Data::from(slow), std::nullopt))
            .has_value());
  });
  slow.wait_until_read();
  EXPECT_TRUE(run_until_done(
                  service_->change(alice_, registered->id, {{"name", "renamed"}}, {}, std::nullopt))
                  .has_value());
  slow.open();
  uploader.join();
  const auto shown = show(alice_, registered->id);
  EXPECT_EQ(shown->name, "renamed");
  EXPECT_EQ(shown->state, DataState::present);
}

TEST_F(Images, DeletedDuringTheirUploadLeaveNeitherBytesNorCharge) {
  const auto registered = add(alice_, draft());
  GatedSource slow(pattern(kSlice));
  std::thread uploader([&] {
    const auto uploaded = run_until_done(
        service_->change(alice_, registered->id, {}, Data::from(slow), std::nullopt));
    ASSERT_FALSE(uploaded.has_value());
    EXPECT_EQ(uploaded.error().code, Code::conflict);
  });
  slow.wait_until_read();
  EXPECT_TRUE(remove(alice_, registered->id).has_value());
  slow.open();
  uploader.join();
  expect_nothing_left("alice");
}

TEST_F(Images, RemovedTakeTheirBytesAndChargeWithThem) {
  const auto uploaded = add(alice_, draft(), pattern(1000));
  const auto removed = remove(alice_, uploaded->id);
  ASSERT_TRUE(removed.has_value());
  EXPECT_EQ(removed->name, uploaded->name);
  EXPECT_EQ(show(alice_, uploaded->id).error().code, Code::not_found);
  EXPECT_EQ(remove(alice_, uploaded->id).error().code, Code::not_found);
  expect_nothing_left("alice");
}

TEST_F(Images, WhoseStoreIsDownAreRemovedAtOnceAndTheirBytesLater) {
  const auto uploaded = add(alice_, draft(), pattern(1000));
  store_->refuse_removals = true;
  ASSERT_TRUE(remove(alice_, uploaded->id).has_value());
  EXPECT_EQ(show(alice_, uploaded->id).error().code, Code::not_found);
  EXPECT_EQ(count(kRemovals), 1u);
  EXPECT_EQ(blobs_stored(), 1u);
  store_->refuse_removals = false;
  ASSERT_TRUE(run_until_done(service_->tidy()).has_value());
  expect_nothing_left("alice");
}

TEST_F(Images, OfOthersAreHiddenWhenPrivateAndReadOnlyWhenPublic) {
  auto edits = draft();
  edits.push_back({"access", "owner"});
  const auto secret = add(alice_, edits, "secret");
  const auto open = add(alice_, draft(), "open");
  Principal everybody = Principal::root("root");
  everybody.everybody = true;
  for (const Principal& stranger : {bob_, Principal::nobody(), Principal::root("root")}) {
    EXPECT_EQ(show(stranger, secret->id).error().code, Code::not_found);
    EXPECT_EQ(fetch(stranger, secret->id).error().code, Code::not_found);
    EXPECT_EQ(remove(stranger, secret->id).error().code, Code::not_found);
    EXPECT_EQ(upload(stranger, secret->id, "x").error().code, Code::not_found);
    EXPECT_EQ(remove(stranger, open->id).error().code, Code::forbidden);
    EXPECT_EQ(fetch(stranger, open->id).value(), "open");
    EXPECT_EQ(find(stranger).images.size(), 1u);
  }
  EXPECT_EQ(find(alice_).images.size(), 2u);
  EXPECT_EQ(find(everybody).images.size(), 2u);
  EXPECT_TRUE(remove(everybody, secret->id).has_value());
}

TEST_F(Images, AreFoundByAnyAttributeInOrderAndPageByPage) {
  for (int i = 0; i < 25; ++i) {
    auto edits = draft();
    edits[0].value = "image " + std::to_string(i);
    edits.push_back({"weight", std::to_string((i * 7) % 25), true});
    edits.push_back({"parity", i % 2 == 0 ? "even" : "odd", true});
    ASSERT_TRUE(add(alice_, edits).has_value());
  }
  image::Query query;
  query.filters = {{{"parity", true}, "even"}};
  EXPECT_EQ(find(alice_, query).images.size(), 13u);

  query.filters.clear();
  query.sort = image::AttributeName{"weight", true};
  query.descending = true;
  query.limit = 4;
  std::vector<int> weights;
  std::set<std::string> ids;
  do {
    const auto page = find(alice_, query);
    for (const auto& image : page.images) {
      weights.push_back(std::stoi(image.extra.at("weight")));
      ids.insert(image.id);
    }
    query.marker = page.next;
  } while (query.marker);
  EXPECT_EQ(ids.size(), 25u);
  EXPECT_EQ(weights.size(), 25u);
  EXPECT_TRUE(std::is_sorted(weights.rbegin(), weights.rend())) << "by number, not by text";
}

TEST_F(Images, PageOnFromTheIdOfTheLastOneToo) {
  for (int i = 0; i < 10; ++i) ASSERT_TRUE(add(alice_, draft()).has_value());
  image::Query query;
  query.sort = image::AttributeName{"created_at", false};
  query.limit = 6;
  const auto first = find(alice_, query);
  query.marker = first.images.back().id;
  EXPECT_EQ(find(alice_, query).images.size(), 4u);
  query.marker = random_uuid();
  EXPECT_EQ(run_until_done(service_->find(alice_, query)).error().code, Code::invalid);
}

TEST_F(Images, LinkOnlyToKernelsAndRamdisksThatTheCallerMaySee) {
  auto kernel_edits = draft();
  kernel_edits.push_back({"type", "kernel"});
  const auto kernel = add(alice_, kernel_edits);
  kernel_edits.push_back({"access", "owner"});
  const auto hidden = add(bob_, kernel_edits);
  const auto machine = add(alice_, draft());
  const auto link = [&](const std::string& attribute, const std::string& id) {
    auto edits = draft();
    edits.push_back({attribute, id});
    return add(alice_, edits);
  };
  EXPECT_TRUE(link("kernel", kernel->id).has_value());
  EXPECT_EQ(link("ramdisk", kernel->id).error().code, Code::invalid);
  EXPECT_EQ(link("kernel", machine->id).error().code, Code::invalid);
  EXPECT_EQ(link("kernel", hidden->id).error().code, Code::not_found);
  EXPECT_EQ(link("kernel", random_uuid()).error().code, Code::not_found);
  EXPECT_EQ(link("kernel", "vmlinuz").error().code, Code::not_found);
}

TEST_F(Images, MayReferToDataElsewhereWithThePrivilege) {
  remote_->put("far://host/disk.iso", "remote bytes");
  Principal trusted = alice_;
  trusted.may_refer = true;
  EXPECT_EQ(refer(alice_, "far://host/disk.iso").error().code, Code::forbidden);
  EXPECT_EQ(refer(trusted, "far://host/missing.iso").error().code, Code::not_found);
  EXPECT_EQ(refer(trusted, "gopher://host/disk.iso").error().code, Code::invalid);
  EXPECT_EQ(count(kImages), 0u) << "nothing is registered after an error";

  const auto referred = refer(trusted, "far://host/disk.iso");
  ASSERT_TRUE(referred.has_value()) << referred.error().message;
  EXPECT_EQ(referred->state, DataState::present);
  EXPECT_EQ(referred->store, "far");
  EXPECT_EQ(referred->location, "far://host/disk.iso");
  EXPECT_EQ(referred->size, 12u);
  EXPECT_EQ(*fetch(bob_, referred->id), "remote bytes");
  EXPECT_EQ(counter(bytes_counter("alice")), 0) << "bytes that lie elsewhere are not charged";
  ASSERT_TRUE(remove(trusted, referred->id).has_value());
  EXPECT_TRUE(remote_->has("far://host/disk.iso")) << "the source is never deleted";
  expect_nothing_left("alice");
}

TEST_F(Images, AreNeverUploadedIntoAStoreThatOnlyRefers) {
  auto edits = draft();
  edits.push_back({"store", "far"});
  EXPECT_EQ(add(alice_, edits, "data").error().code, Code::invalid);
  EXPECT_EQ(count(kImages), 0u);
}

TEST_F(Images, CountTheirReadsWithoutChangingTheirRevision) {
  const auto uploaded = add(alice_, draft(), "data");
  EXPECT_EQ(run_until_done(service_->reads(uploaded->id))->count, 0u);
  ASSERT_TRUE(fetch(bob_, uploaded->id).has_value());
  EXPECT_EQ(run_until_done(service_->reads(uploaded->id))->count, 1u);
  ASSERT_TRUE(run_until_done(service_->tidy()).has_value());
  ASSERT_TRUE(fetch(bob_, uploaded->id).has_value());
  const auto reads = run_until_done(service_->reads(uploaded->id));
  EXPECT_EQ(reads->count, 2u);
  EXPECT_EQ(reads->last, clock_.now());
  EXPECT_EQ(show(alice_, uploaded->id)->revision, uploaded->revision);
  ASSERT_TRUE(remove(alice_, uploaded->id).has_value());
  ASSERT_TRUE(run_until_done(service_->tidy()).has_value());
  expect_nothing_left("alice");
}

TEST_F(Images, ChangedSinceTheCallerLookedAreLeftAlone) {
  const auto registered = add(alice_, draft());
  const auto change = [&](std::uint64_t expected) {
    return run_until_done(
        service_->change(alice_, registered->id, {{"name", "new"}}, {}, expected));
  };
  EXPECT_TRUE(change(registered->revision).has_value());
  EXPECT_EQ(change(registered->revision).error().code, Code::precondition);
}

TEST_F(Images, ChangedByManyAtOnceLoseNoChange) {
  const auto registered = add(alice_, draft());
  constexpr int kThreads = 6;
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < kThreads; ++i) {
      threads.emplace_back([&, i] {
        const image::Edits edits = {{"key" + std::to_string(i), "set", true}};
        while (true) {
          const auto changed =
              run_until_done(service_->change(alice_, registered->id, edits, {}, std::nullopt));
          if (changed) break;
          ASSERT_EQ(changed.error().code, Code::conflict);
        }
      });
    }
  }
  EXPECT_EQ(show(alice_, registered->id)->extra.size(), static_cast<std::size_t>(kThreads));
}

class Quotas : public ServiceFixture {};

TEST_F(Quotas, HoldToTheByteUnderSixtyFourUploadsAtOnce) {
  constexpr std::size_t kEach = 1000;
  quota_.set({.bytes = 10 * kEach + 999, .images = std::nullopt});
  for (const bool known : {true, false}) {
    std::atomic<int> taken = 0;
    {
      std::vector<std::jthread> threads;
      for (int i = 0; i < 64; ++i) {
        threads.emplace_back([&] {
          const auto uploaded = add(alice_, draft(), pattern(kEach), known);
          if (uploaded) {
            ++taken;
          } else {
            EXPECT_EQ(uploaded.error().code, Code::quota);
          }
        });
      }
    }
    // An upload of unknown length holds a reservation while it runs, so fewer than ten may get in
    // at once, never more.
    EXPECT_LE(taken, 10);
    if (known) EXPECT_EQ(taken, 10);
    EXPECT_EQ(counter(bytes_counter("alice")), static_cast<std::int64_t>(taken * kEach));
    EXPECT_EQ(store_->bytes_stored(), taken * kEach);
    for (const auto& image : find(alice_).images) ASSERT_TRUE(remove(alice_, image.id).has_value());
    expect_nothing_left("alice");
  }
}

TEST_F(Quotas, LetAnUploadOfUnknownLengthUseTheLastByte) {
  quota_.set({.bytes = 3 * kSlice, .images = std::nullopt});
  EXPECT_TRUE(add(alice_, draft(), pattern(3 * kSlice), false).has_value());
  EXPECT_EQ(add(alice_, draft(), "x", false).error().code, Code::quota);
  EXPECT_EQ(counter(bytes_counter("alice")), static_cast<std::int64_t>(3 * kSlice));
}

TEST_F(Quotas, BoundTheNumberOfImagesAndFreeAPlaceOnRemoval) {
  quota_.set({.bytes = std::nullopt, .images = 2});
  const auto first = add(alice_, draft());
  ASSERT_TRUE(add(alice_, draft()).has_value());
  EXPECT_EQ(add(alice_, draft()).error().code, Code::quota);
  EXPECT_TRUE(add(bob_, draft()).has_value()) << "each account has its own";
  ASSERT_TRUE(remove(alice_, first->id).has_value());
  EXPECT_TRUE(add(alice_, draft()).has_value());
}

TEST_F(Quotas, HoldAnUploadOfUnknownLengthToTheLargestImage) {
  options_.largest_image = 2 * kSlice;
  restart();
  EXPECT_TRUE(add(alice_, draft(), pattern(2 * kSlice), false).has_value());
  EXPECT_EQ(add(alice_, draft(), pattern(2 * kSlice + 1), false).error().code, Code::too_large);
  EXPECT_EQ(counter(bytes_counter("alice")), static_cast<std::int64_t>(2 * kSlice));
}

TEST_F(Images, WhoseStoreFailedAtTheEndOfTheirUploadLeaveNoBytesInIt) {
  const auto registered = add(alice_, draft());
  store_->fail_after_commits = true;
  EXPECT_EQ(upload(alice_, registered->id, "data").error().code, Code::unavailable);
  EXPECT_EQ(show(alice_, registered->id)->state, DataState::error);
  EXPECT_EQ(blobs_stored(), 0u);
  store_->refuse_removals = true;
  EXPECT_FALSE(upload(alice_, registered->id, "data"));
  EXPECT_EQ(count(kRemovals), 1u) << "the next tidying is to know of it";
  store_->refuse_removals = false;
  store_->fail_after_commits = false;
  EXPECT_TRUE(run_until_done(service_->tidy()));
  EXPECT_EQ(blobs_stored(), 0u);
  EXPECT_TRUE(upload(alice_, registered->id, "data"));
  EXPECT_TRUE(remove(alice_, registered->id));
  expect_nothing_left("alice");
}

class Recovery : public ServiceFixture {};

TEST_F(Recovery, OfAnUploadThatBrokeWhileTheCatalogueWasDownNeedsNoRestart) {
  const auto registered = add(alice_, draft());
  GatedSource source(pattern(1000));
  std::thread uploader([&] {
    const auto uploaded = run_until_done(
        service_->change(alice_, registered->id, {}, Data::from(source), std::nullopt));
    ASSERT_FALSE(uploaded.has_value());
    EXPECT_EQ(uploaded.error().code, Code::no_space);
  });
  source.wait_until_read();
  catalogue_.before_apply = [](const catalogue::Batch&) {
    return std::optional<Error>({Code::no_space, "the disk is full", "test", Retry::later});
  };
  source.open();
  uploader.join();
  EXPECT_EQ(show(alice_, registered->id)->state, DataState::uploading);
  EXPECT_TRUE(run_until_done(service_->tidy()).has_value());
  EXPECT_EQ(count(kUploads), 1u) << "the catalogue is still down";

  catalogue_.before_apply = {};
  ASSERT_TRUE(run_until_done(service_->tidy()).has_value());
  EXPECT_EQ(show(alice_, registered->id)->state, DataState::error);
  EXPECT_TRUE(remove(alice_, registered->id).has_value());
  expect_nothing_left("alice");
}

TEST_F(Images, WhoseDataWasCutShortAreNotPassedOffAsWhole) {
  const Principal referrer = [] {
    Principal who = Principal::of("alice");
    who.may_refer = true;
    return who;
  }();
  remote_->put("far://host/image", "0123456789");
  const auto referred = refer(referrer, "far://host/image");
  ASSERT_TRUE(referred.has_value());
  EXPECT_EQ(*fetch(alice_, referred->id, {8, 2}), "89");
  remote_->put("far://host/image", "0123456");
  EXPECT_EQ(fetch(alice_, referred->id).error().code, Code::corrupt);
  EXPECT_EQ(fetch(alice_, referred->id, {5, 4}).error().code, Code::corrupt);
  EXPECT_EQ(*fetch(alice_, referred->id, {5, 2}), "56");
}

TEST_F(Images, RemovedWhileTheirReadsAreWrittenLeaveNoCountBehind) {
  const auto read_during_removal = add(alice_, draft(), "data");
  catalogue_.before_apply = [&](const catalogue::Batch&) {
    catalogue::Batch reads;
    reads.puts.push_back({encode(read_during_removal->id, image::Reads{1, clock_.now()}), 0});
    catalogue_.before_apply = {};
    EXPECT_TRUE(catalogue_.apply_at_once(reads).has_value());
    return std::optional<Error>();
  };
  ASSERT_TRUE(remove(alice_, read_during_removal->id).has_value());
  EXPECT_EQ(count(kReads), 0u);

  const auto removed_during_writing = add(alice_, draft(), "data");
  ASSERT_TRUE(fetch(alice_, removed_during_writing->id).has_value());
  catalogue_.before_apply = [&](const catalogue::Batch&) {
    catalogue::Batch removal;
    removal.removes.push_back(
        {kImages, removed_during_writing->id, removed_during_writing->revision});
    catalogue_.before_apply = {};
    EXPECT_TRUE(catalogue_.apply_at_once(removal).has_value());
    return std::optional<Error>();
  };
  ASSERT_TRUE(run_until_done(service_->tidy()).has_value());
  EXPECT_EQ(count(kReads), 0u);
}

TEST_F(Recovery, PutsAnInterruptedUploadToErrorAndDropsItsBytes) {
  const auto registered = add(alice_, draft());
  for (const bool committed : {false, true}) {
    SCOPED_TRACE(committed);
    ASSERT_TRUE(leave_upload_behind(registered->id, committed));
    restart();
    ASSERT_TRUE(run_until_done(service_->recover()).has_value());
    EXPECT_EQ(show(alice_, registered->id)->state, DataState::error);
    EXPECT_EQ(blobs_stored(), 0u);
    EXPECT_EQ(counter(bytes_counter("alice")), 0);
    EXPECT_EQ(count(kUploads), 0u);
    EXPECT_EQ(count(kRemovals), 0u);
  }
}

TEST_F(Recovery, FinishesAnInterruptedRemoval) {
  const auto uploaded = add(alice_, draft(), "data");
  store_->refuse_removals = true;
  ASSERT_TRUE(remove(alice_, uploaded->id).has_value());
  store_->refuse_removals = false;
  restart();
  ASSERT_TRUE(run_until_done(service_->recover()).has_value());
  expect_nothing_left("alice");
}

TEST_F(Recovery, PassesOverRecordsThatCannotBeRead) {
  const auto registered = add(alice_, draft());
  ASSERT_TRUE(leave_upload_behind(registered->id, true));
  catalogue::Batch damage;
  damage.puts.push_back({{kUploads, "00000000-damaged", 0, "{", {}}, 0});
  damage.puts.push_back({{kRemovals, "00000000-damaged", 0, "[]", {}}, 0});
  ASSERT_TRUE(catalogue_.apply(damage).has_value());
  restart();
  ASSERT_TRUE(run_until_done(service_->recover()).has_value());
  EXPECT_EQ(show(alice_, registered->id)->state, DataState::error);
  EXPECT_EQ(blobs_stored(), 0u);
}

TEST_F(Recovery, LeavesWholeImagesAlone) {
  const auto uploaded = add(alice_, draft(), "data");
  restart();
  ASSERT_TRUE(run_until_done(service_->recover()).has_value());
  EXPECT_EQ(*fetch(alice_, uploaded->id), "data");
  EXPECT_EQ(show(alice_, uploaded->id)->revision, uploaded->revision);
}

TEST_F(Recovery, OfAnUploadWhoseStoreIsDownWaitsForItButServes) {
  const auto registered = add(alice_, draft());
  ASSERT_TRUE(leave_upload_behind(registered->id, true));
  store_->refuse_removals = true;
  restart();
  ASSERT_TRUE(run_until_done(service_->recover()).has_value());
  EXPECT_EQ(show(alice_, registered->id)->state, DataState::error);
  EXPECT_EQ(count(kRemovals), 1u);
  store_->refuse_removals = false;
  ASSERT_TRUE(run_until_done(service_->tidy()).has_value());
  EXPECT_EQ(blobs_stored(), 0u);
}

TEST(Records, KeepWhatALaterVersionWroteIntoAnImage) {
  image::Image image;
  image.id = random_uuid();
  image.name = "debian";
  catalogue::Record record = encode(image);
  record.document.insert(1, R"("shelf":{"row":[1,2]},)");
  auto decoded = decode_image(record);
  ASSERT_TRUE(decoded.has_value());
  decoded->name = "renamed";
  EXPECT_NE(encode(*decoded).document.find(R"("shelf":{"row":[1,2]})"), std::string::npos);
}

TEST(Records, ThatAreDamagedAreReportedNotGuessed) {
  for (const char* document :
       {"", "{", "[]", "{}", R"({"access":"everyone","state":"lost","created":1,"updated":1})"}) {
    const auto decoded = decode_image({kImages, random_uuid(), 1, document, {}});
    ASSERT_FALSE(decoded.has_value()) << document;
    EXPECT_EQ(decoded.error().code, Code::corrupt);
  }
}

TEST_F(Images, OfAnEarlierVersionAreFoundByWhatIsNew) {
  std::vector<std::string> ids;
  for (int i = 0; i < 3; ++i) ids.push_back(add(alice_, draft())->id);
  // As versions wrote them that knew no phase.
  for (const std::string& id : ids) {
    const auto image = show(alice_, id);
    catalogue::Batch batch;
    batch.puts.push_back(put_of(*image, image->revision));
    std::erase_if(batch.puts[0].record.facts,
                  [](const catalogue::Fact& fact) { return fact.name == "phase"; });
    ASSERT_TRUE(catalogue_.apply(batch));
  }
  image::Query pending;
  pending.filters = {{{"phase", false}, "pending"}};
  EXPECT_EQ(find(alice_, pending).images.size(), 0U);
  restart();
  ASSERT_TRUE(async::run_until_done(service_->recover()));
  EXPECT_EQ(find(alice_, pending).images.size(), 3U);
}

}  // namespace
}  // namespace visor::service
