#include "catalogue/sqlite/sqlite_catalogue.h"

#include <gtest/gtest.h>
#include <sys/mount.h>

#include <atomic>
#include <cerrno>
#include <cstring>
#include <thread>

#include "catalogue/sqlite/sqlite_test_harness.h"
#include "conformance/catalogue_suite.h"

namespace visor::catalogue::conformance {

INSTANTIATE_TEST_SUITE_P(Sqlite, CatalogueSuite,
                         ::testing::Values(Engine{
                             "File", [] { return std::make_unique<SqliteHarness>(); }}),
                         engine_name);

TEST(SqliteCatalogue, KeepsEverythingOverAReopening) {
  const TemporaryFolder folder;
  const std::string path = folder.file("catalogue.db");
  std::uint64_t epoch = 0;
  {
    auto catalogue = opened(path);
    Batch batch = batch_of(put("a", {{"name", "x"}, {"arch", "i386"}}, 0, "document"));
    batch.counters = {{"bytes", 42, {}}};
    ASSERT_DONE(catalogue->apply(batch));
    epoch = catalogue->acquire("recovery", "node-1", std::chrono::hours(1))->epoch;
  }
  auto catalogue = opened(path);
  auto record = catalogue->get("images", "a");
  ASSERT_DONE(record);
  EXPECT_EQ(record->document, "document");
  EXPECT_EQ(record->revision, 1u);
  EXPECT_EQ(*catalogue->counter("bytes"), 42);
  EXPECT_EQ(catalogue->changes(0, 10)->changes.size(), 1u);
  EXPECT_REFUSED(Code::conflict, catalogue->acquire("recovery", "node-2", std::chrono::hours(1)));
  EXPECT_EQ(catalogue->acquire("recovery", "node-1", std::chrono::hours(1))->epoch, epoch);
  Query query;
  query.collection = "images";
  query.filters = {{"arch", "i386"}};
  query.sort = "name";
  EXPECT_EQ(catalogue->find(query)->records.size(), 1u);
}

TEST(SqliteCatalogue, BacksUpOneMomentWhileWritesGoOn) {
  const TemporaryFolder folder;
  auto catalogue = opened(folder.file("catalogue.db"));
  std::atomic<bool> stop = false;
  std::atomic<std::uint64_t> written = 0;
  std::atomic<bool> failed = false;
  std::thread writer([&] {
    for (std::uint64_t revision = 0; !stop && !failed; ++revision) {
      Batch batch;
      batch.puts = {put("a", {{"step", std::to_string(revision)}}, revision),
                    put("b", {{"step", std::to_string(revision)}}, revision)};
      batch.counters = {{"steps", 1, {}}};
      if (!catalogue->apply(batch)) failed = true;
      ++written;
    }
  });
  for (int copy = 0; copy < 5; ++copy) {
    const std::uint64_t reached = written + 3;
    while (written < reached && !failed) std::this_thread::yield();
    const std::string path = folder.file("backup-" + std::to_string(copy));
    const std::uint64_t before = written;
    EXPECT_TRUE(is_done(catalogue->backup(path)));
    auto restored = opened(path);
    auto first = restored->get("images", "a");
    auto second = restored->get("images", "b");
    EXPECT_TRUE(is_done(first));
    EXPECT_TRUE(is_done(second));
    if (!first || !second) break;
    EXPECT_EQ(first->facts, second->facts);
    EXPECT_GE(first->revision, before) << "what was acknowledged before is in the copy";
    EXPECT_EQ(*restored->counter("steps"), static_cast<std::int64_t>(first->revision));
    EXPECT_TRUE(is_done(restored->apply(count("steps", 1)))) << "a copy is a catalogue";
  }
  stop = true;
  writer.join();
  EXPECT_FALSE(failed);
}

TEST(SqliteCatalogue, LeavesNothingBehindAfterABackupThatFailed) {
  const TemporaryFolder folder;
  auto catalogue = opened(folder.file("catalogue.db"));
  EXPECT_REFUSED(Code::not_found, catalogue->backup(folder.file("no such folder/backup")));
  std::ofstream(folder.file("taken")) << "precious";
  EXPECT_REFUSED(Code::conflict, catalogue->backup(folder.file("taken")));
  EXPECT_EQ(std::filesystem::file_size(folder.file("taken")), 8u);
  catalogue.reset();
  int files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(folder.path())) {
    ++files;
    EXPECT_TRUE(entry.path().filename() == "catalogue.db" || entry.path().filename() == "taken")
        << entry.path();
  }
  EXPECT_EQ(files, 2);
}

TEST(SqliteCatalogue, ServesMoreThreadsThanItHasReaders) {
  const TemporaryFolder folder;
  auto options = options_for(folder.file("catalogue.db"));
  options.readers = 1;
  options.point_readers = 1;
  auto catalogue = opened(options);
  ASSERT_DONE(catalogue->apply(batch_of(put("a", {{"name", "x"}}))));
  std::atomic<int> right = 0;
  together(8, [&](int) {
    Query query;
    query.collection = "images";
    query.filters = {{"name", "x"}};
    for (int i = 0; i < 20; ++i) {
      if (catalogue->get("images", "a") && catalogue->find(query)->records.size() == 1) ++right;
    }
  });
  EXPECT_EQ(right, 160);
}

TEST(SqliteCatalogue, LetsThingsBeRemovedFromADiskThatIsFullToTheLastByte) {
  const TemporaryFolder folder;
  if (::mount("none", folder.path().c_str(), "tmpfs", 0, "size=96m") != 0) {
    GTEST_SKIP() << "mounting a small file system is not permitted: " << std::strerror(errno);
  }
  {
    auto options = options_for(folder.file("catalogue.db"));
    options.reserve_bytes = SqliteCatalogue::Options().reserve_bytes;
    auto catalogue = opened(options);
    EXPECT_EQ(std::filesystem::file_size(folder.file("catalogue.db-reserve")),
              options.reserve_bytes);

    std::vector<std::string> stored;
    Result<void> outcome;
    for (const std::size_t size : {std::size_t{1'000'000}, std::size_t{1}}) {
      do {
        Put record = put("r" + std::to_string(stored.size()), {});
        record.record.document = std::string(size, 'x');
        outcome = catalogue->apply(batch_of(record));
        if (outcome) stored.push_back(record.record.id);
      } while (outcome);
      EXPECT_REFUSED(Code::no_space, outcome);
    }
    ASSERT_FALSE(stored.empty());
    Batch first;
    first.removes.push_back({"images", stored.back(), 1});
    ASSERT_DONE(catalogue->apply(first));
    stored.pop_back();
    EXPECT_REFUSED(Code::no_space, catalogue->apply(batch_of(put("new", {}))))
        << "the room that was given up is for removals";
    for (const std::string& id : stored) {
      Batch removal;
      removal.removes.push_back({"images", id, 1});
      ASSERT_DONE(catalogue->apply(removal));
    }
  }
  ASSERT_EQ(::umount(folder.path().c_str()), 0);
}

}  // namespace visor::catalogue::conformance
