// Kill -9 in the middle of writing: what was acknowledged is there, whole, and nothing is there by
// half.
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <map>
#include <thread>

#include "catalogue/sqlite/connection.h"
#include "catalogue/sqlite/sqlite_test_harness.h"

namespace visor::catalogue::conformance {

namespace {

constexpr int kWriters = 4;

// One acknowledged step of a writer, small enough to be written to a pipe at once.
struct Acknowledged {
  int writer;
  std::uint64_t step;
};

// Each step makes a record, rewrites the writer's own one, and counts: all of it or nothing.
void write_for_ever(const std::string& path, int pipe) {
  auto catalogue = SqliteCatalogue::open(options_for(path));
  if (!catalogue) ::_exit(1);
  std::vector<std::thread> writers;
  for (int writer = 0; writer < kWriters; ++writer) {
    writers.emplace_back([&, writer] {
      const std::string name = "writer-" + std::to_string(writer);
      auto own = (*catalogue)->get("images", name);
      for (std::uint64_t step = own ? own->revision : 0;; ++step) {
        const std::string value = std::to_string(step);
        Batch batch;
        batch.puts = {
            put(name, {{"step", value}}, step, value),
            put(name + "-" + value, {{"writer", name}, {"size", value}}, 0, std::string(500, 'd'))};
        batch.counters = {{name, 1, {}}};
        if (!(*catalogue)->apply(batch)) ::_exit(2);
        const Acknowledged acknowledged{writer, step};
        if (::write(pipe, &acknowledged, sizeof acknowledged) != sizeof acknowledged) ::_exit(3);
      }
    });
  }
  for (std::thread& thread : writers) thread.join();
}

}  // namespace

TEST(SqliteCrash, KeepsEveryAcknowledgedBatchAndNoHalfOfOneOverKill9) {
  const TemporaryFolder folder;
  const std::string path = folder.file("catalogue.db");
  std::map<int, std::uint64_t> acknowledged;
  for (const int enough : {1, 50, 400, 17, 900}) {
    int ends[2];
    ASSERT_EQ(::pipe(ends), 0);
    const pid_t child = ::fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
      ::close(ends[0]);
      write_for_ever(path, ends[1]);
      ::_exit(4);
    }
    ::close(ends[1]);
    Acknowledged one{};
    int read = 0;
    while (::read(ends[0], &one, sizeof one) == sizeof one) {
      acknowledged[one.writer] = std::max(acknowledged[one.writer], one.step + 1);
      if (++read == enough) ::kill(child, SIGKILL);
    }
    ::close(ends[0]);
    int status = 0;
    ::waitpid(child, &status, 0);
    ASSERT_TRUE(WIFSIGNALED(status)) << "the writer ended by itself with " << WEXITSTATUS(status);

    auto catalogue = opened(path);
    for (const auto& [writer, steps] : acknowledged) {
      const std::string name = "writer-" + std::to_string(writer);
      auto own = catalogue->get("images", name);
      ASSERT_DONE(own);
      EXPECT_GE(own->revision, steps) << "an acknowledged step is lost";
      EXPECT_LE(own->revision, steps + 1) << "at most the one under way may have come through";
      EXPECT_EQ(*catalogue->counter(name), static_cast<std::int64_t>(own->revision));
      EXPECT_DONE(catalogue->get("images", name + "-" + own->document));
      Query query;
      query.collection = "images";
      query.filters = {{"writer", name}};
      query.limit = 1000;
      EXPECT_EQ(catalogue->find(query)->records.size(),
                std::min<std::uint64_t>(own->revision, 1000));
    }
    catalogue.reset();
    sqlite::Connection connection(path, {});
    sqlite::Statement check = connection.prepare("PRAGMA integrity_check(1)");
    ASSERT_TRUE(check.step());
    EXPECT_EQ(check.bytes(0), "ok");
  }
}

}  // namespace visor::catalogue::conformance
