#include "catalogue/sqlite/group_commit.h"

#include <gtest/gtest.h>

#include <atomic>

#include "catalogue/sqlite/migrations.h"
#include "catalogue/sqlite/sqlite_test_harness.h"

namespace visor::catalogue::conformance {

namespace {

class GroupCommits : public ::testing::Test {
 protected:
  static sqlite::Connection fresh(const std::string& path) {
    sqlite::ConnectionOptions options;
    options.create = true;
    sqlite::Connection connection(path, options);
    connection.execute("PRAGMA journal_mode=WAL");
    sqlite::migrate(connection);
    return connection;
  }

  Result<void> apply(const Batch& batch) {
    return commits_.perform([&](sqlite::Connection& connection, sqlite::Effects& effects) {
      return sqlite::write_batch(connection, batch, effects);
    });
  }

  // Holds the first commit until `others` pieces wait behind it, so that those make one group, in
  // the order of their indices.
  void as_one_group(int others, const std::function<void(int)>& piece) {
    std::atomic<bool> leading = false;
    together(others + 1, [&](int thread) {
      if (thread == 0) {
        const auto held =
            commits_.perform([&](sqlite::Connection&, sqlite::Effects&) -> Result<void> {
              leading = true;
              while (commits_.waiting() < static_cast<std::size_t>(others))
                std::this_thread::yield();
              return {};
            });
        EXPECT_DONE(held);
        return;
      }
      const auto index = static_cast<std::size_t>(thread - 1);
      while (!leading || commits_.waiting() < index) std::this_thread::yield();
      piece(thread - 1);
    });
  }

  TemporaryFolder folder_;
  std::string path_ = folder_.file("catalogue.db");
  sqlite::GroupCommit commits_{fresh(path_), 1000};
};

}  // namespace

TEST_F(GroupCommits, LetOneRefusedPieceHarmNoOther) {
  std::vector<Result<void>> results(10);
  as_one_group(10, [&](int index) {
    Batch batch = batch_of(put("image-" + std::to_string(index), {{"name", "x"}}));
    batch.counters = {{"images", 1, 7}};
    results[static_cast<std::size_t>(index)] = apply(batch);
  });
  auto catalogue = opened(path_);
  int stored = 0;
  for (int index = 0; index < 10; ++index) {
    const auto& result = results[static_cast<std::size_t>(index)];
    const auto record = catalogue->get("images", "image-" + std::to_string(index));
    EXPECT_EQ(result.has_value(), record.has_value())
        << "each got its own answer, and the true one";
    if (result) ++stored;
    if (!result) EXPECT_REFUSED(Code::quota, result);
  }
  EXPECT_EQ(stored, 7);
  EXPECT_EQ(*catalogue->counter("images"), 7);
  EXPECT_EQ(catalogue->changes(0, 100)->changes.size(), 7u);
}

// The piece that is undone is the first to use the collection's name when it comes first, and it
// alone uses another: the others must not go on with what was forgotten with it.
TEST_F(GroupCommits, UndoOnlyThePieceThatFailsHalfWayWhicheverComesFirst) {
  for (int failing = 0; failing < 4; ++failing) {
    const std::string collection = "images-" + std::to_string(failing);
    const auto id = [](int index) { return "image-" + std::to_string(index); };
    const auto piece = [&](int index) {
      Batch batch = batch_of(put(id(index), {{"name", "x"}}));
      batch.puts.front().record.collection = collection;
      return batch;
    };
    std::vector<Result<void>> results(4);
    as_one_group(4, [&](int index) {
      results[static_cast<std::size_t>(index)] = commits_.perform(
          [&](sqlite::Connection& connection, sqlite::Effects& effects) -> Result<void> {
            auto written = sqlite::write_batch(connection, piece(index), effects);
            if (index == failing) return fail(Code::conflict, "changed its mind after it wrote");
            return written;
          });
    });
    auto catalogue = opened(path_);
    for (int index = 0; index < 4; ++index) {
      EXPECT_EQ(results[static_cast<std::size_t>(index)].has_value(), index != failing);
      EXPECT_EQ(catalogue->get(collection, id(index)).has_value(), index != failing);
    }
    Query query;
    query.collection = collection;
    query.filters = {{"name", "x"}};
    EXPECT_EQ(catalogue->find(query)->records.size(), 3u) << failing << " failed";
  }
}

TEST_F(GroupCommits, GiveTheErrorToAllWhenTheCommitFails) {
  std::vector<Result<void>> results(6);
  as_one_group(6, [&](int index) {
    results[static_cast<std::size_t>(index)] = commits_.perform(
        [&](sqlite::Connection& connection, sqlite::Effects& effects) -> Result<void> {
          if (index == 3) connection.fail_with(SQLITE_IOERR_FSYNC, "as if the disk had failed");
          return sqlite::write_batch(connection,
                                     batch_of(put("image-" + std::to_string(index), {})), effects);
        });
  });
  for (const auto& result : results) EXPECT_REFUSED(Code::unavailable, result);
  EXPECT_DONE(apply(batch_of(put("image-0", {})))) << "the next one finds a clean slate";
  auto catalogue = opened(path_);
  EXPECT_EQ(catalogue->changes(0, 100)->changes.size(), 1u);
}

TEST_F(GroupCommits, ServeMorePiecesThanOneGroupHolds) {
  std::atomic<int> done = 0;
  as_one_group(300, [&](int index) {
    if (apply(batch_of(put("image-" + std::to_string(index), {})))) ++done;
  });
  EXPECT_EQ(done, 300);
}

}  // namespace visor::catalogue::conformance
