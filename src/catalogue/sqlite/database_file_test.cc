// Files that are not as they should be: each gets a sentence, none a crash.
#include "catalogue/sqlite/database_file.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>

#include "catalogue/sqlite/group_commit.h"
#include "catalogue/sqlite/migrations.h"
#include "catalogue/sqlite/sqlite_test_harness.h"

namespace visor::catalogue::conformance {

namespace {

void write_file(const std::string& path, const std::string& bytes) {
  std::ofstream(path, std::ios::binary) << bytes;
}

void overwrite(const std::string& path, std::streamoff offset, const std::string& bytes) {
  std::fstream file(path, std::ios::binary | std::ios::in | std::ios::out);
  file.seekp(offset);
  file << bytes;
}

// A closed catalogue with enough in it to have pages of every kind.
void make_catalogue(const std::string& path, int records = 300) {
  auto catalogue = opened(path);
  for (int first = 0; first < records; first += 100) {
    Batch batch;
    for (int i = first; i < first + 100; ++i) {
      batch.puts.push_back(put("image-" + std::to_string(i),
                               {{"name", std::to_string(i)}, {kAccessFact, "public"}}, 0,
                               std::string(1000, 'd')));
    }
    ASSERT_DONE(catalogue->apply(batch));
  }
}

Error error_of(const std::string& path) {
  auto catalogue = SqliteCatalogue::open(options_for(path));
  if (catalogue) {
    ADD_FAILURE() << "it opened";
    return {};
  }
  return catalogue.error();
}

bool mentions(const Error& error, const std::string& words) {
  return error.message.find(words) != std::string::npos;
}

}  // namespace

TEST(SqliteFile, ThatIsCutShortWhileItIsReadFailsReadsAndNotTheProcess) {
  const TemporaryFolder folder;
  const std::string path = folder.file("catalogue.db");
  make_catalogue(path);
  auto catalogue = opened(path);
  ASSERT_DONE(catalogue->get("images", "image-0"));
  std::filesystem::resize_file(path, 3 * 4096);
  int failed = 0;
  for (int i = 0; i < 300; ++i) {
    const auto record = catalogue->get("images", "image-" + std::to_string(i));
    if (record) continue;
    ++failed;
    EXPECT_TRUE(record.error().code == Code::corrupt || record.error().code == Code::unavailable)
        << record.error().message;
  }
  EXPECT_GT(failed, 0) << "all was in memory";
}

TEST(SqliteFile, IsMadeWithoutWhatAnEarlierAttemptLeft) {
  const TemporaryFolder folder;
  const std::string path = folder.file("catalogue.db");
  write_file(path + ".partial-0fed3696-3477-492d-9a59-bdd7219f4f1e", "half");
  write_file(path + ".partial-0fed3696-3477-492d-9a59-bdd7219f4f1e-journal", "half");
  write_file(folder.file("other.db.partial-0"), "not ours");
  opened(path);
  EXPECT_FALSE(std::filesystem::exists(path + ".partial-0fed3696-3477-492d-9a59-bdd7219f4f1e"));
  EXPECT_FALSE(
      std::filesystem::exists(path + ".partial-0fed3696-3477-492d-9a59-bdd7219f4f1e-journal"));
  EXPECT_TRUE(std::filesystem::exists(folder.file("other.db.partial-0")));
}

TEST(SqliteFile, IsMadeWholeOrNotAtAll) {
  const TemporaryFolder folder;
  const std::string path = folder.file("catalogue.db");
  opened(path).reset();
  int files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(folder.path())) {
    ++files;
    EXPECT_EQ(entry.path().string(), path);
  }
  EXPECT_EQ(files, 1);
  struct stat status{};
  ASSERT_EQ(::stat(path.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0077, 0u) << "secrets lie in it: its owner alone may read it";
}

TEST(SqliteFile, IsNotMadeWhereItIsExpected) {
  const TemporaryFolder folder;
  auto options = options_for(folder.file("catalogue.db"));
  options.create = false;
  EXPECT_REFUSED(Code::not_found, SqliteCatalogue::open(options));
  EXPECT_TRUE(std::filesystem::is_empty(folder.path()));
}

TEST(SqliteFile, IsRefusedInAFolderThatDoesNotExist) {
  const TemporaryFolder folder;
  const Error error = error_of(folder.file("missing/catalogue.db"));
  EXPECT_EQ(error.code, Code::not_found);
  EXPECT_TRUE(mentions(error, "create it")) << error.message;
  EXPECT_FALSE(mentions(error, folder.path())) << "the path is for the log";
}

TEST(SqliteFile, IsRefusedWhereItIsAFolder) {
  const TemporaryFolder folder;
  EXPECT_EQ(error_of(folder.path()).code, Code::invalid);
  write_file(folder.file("file"), "x");
  EXPECT_EQ(error_of(folder.file("file") + "/catalogue.db").code, Code::invalid);
}

TEST(SqliteFile, IsRefusedWhenEmptyRatherThanTakenForANewOne) {
  const TemporaryFolder folder;
  const std::string path = folder.file("catalogue.db");
  write_file(path, "");
  const Error error = error_of(path);
  EXPECT_EQ(error.code, Code::corrupt);
  EXPECT_TRUE(mentions(error, "visor server restore")) << error.message;
  EXPECT_EQ(std::filesystem::file_size(path), 0u);
}

TEST(SqliteFile, IsRefusedWhenItIsNoDatabase) {
  const TemporaryFolder folder;
  const std::string path = folder.file("catalogue.db");
  for (const std::string& bytes :
       {std::string("hello"), std::string(100'000, 'x'), std::string(4096, '\0')}) {
    write_file(path, bytes);
    const Error error = error_of(path);
    EXPECT_EQ(error.code, Code::corrupt);
    EXPECT_TRUE(mentions(error, "visor server restore")) << error.message;
  }
}

TEST(SqliteFile, IsRefusedWithATornHeader) {
  const TemporaryFolder folder;
  const std::string path = folder.file("catalogue.db");
  for (const std::streamoff offset : {0, 8, 16, 18, 21, 23}) {
    std::filesystem::remove(path);
    make_catalogue(path);
    overwrite(path, offset, std::string(3, '\xee'));
    EXPECT_EQ(error_of(path).code, Code::corrupt) << "offset " << offset;
  }
}

TEST(SqliteFile, IsRefusedWhenItWasCutOff) {
  const TemporaryFolder folder;
  const std::string path = folder.file("catalogue.db");
  make_catalogue(path);
  const auto size = std::filesystem::file_size(path);
  for (const auto kept : {std::uintmax_t{60}, std::uintmax_t{4096}, size / 2, size - 4096}) {
    std::filesystem::resize_file(path, size);
    std::filesystem::remove(path);
    make_catalogue(path);
    std::filesystem::resize_file(path, kept);
    EXPECT_EQ(error_of(path).code, Code::corrupt) << "kept " << kept;
  }
}

TEST(SqliteFile, GivesErrorsAndNoCrashWithAnyPageOverwritten) {
  const TemporaryFolder folder;
  const std::string intact = folder.file("intact.db");
  const std::string path = folder.file("catalogue.db");
  make_catalogue(intact, 100);
  const auto pages = static_cast<std::streamoff>(std::filesystem::file_size(intact) / 4096);
  int noticed = 0;
  for (std::streamoff page = 0; page < pages; ++page) {
    std::filesystem::copy_file(intact, path, std::filesystem::copy_options::overwrite_existing);
    overwrite(path, page * 4096 + (page == 0 ? 100 : 0),
              std::string(600, page % 2 == 0 ? '\xff' : '\x05'));
    auto catalogue = SqliteCatalogue::open(options_for(path));
    bool failed = !catalogue;
    if (catalogue) {
      Query query;
      query.collection = "images";
      query.limit = 1000;
      for (const char* sort : {"", "name"}) {
        query.sort = sort;
        auto page_found = (*catalogue)->find(query);
        failed = failed || !page_found || page_found->records.size() != 100;
      }
      Batch batch;
      batch.removes = {{"images", "image-50", 1}};
      failed = !(*catalogue)->apply(batch) || failed;
    }
    if (failed) ++noticed;
  }
  EXPECT_GT(noticed, pages / 2);
}

TEST(SqliteFile, IsRefusedWhenItsLogIsAllThatIsLeft) {
  const TemporaryFolder folder;
  const std::string path = folder.file("catalogue.db");
  write_file(path + "-wal", "frames");
  EXPECT_EQ(error_of(path).code, Code::corrupt);
  EXPECT_FALSE(std::filesystem::exists(path));
}

// As an unprivileged user in a child, since permissions mean nothing to root.
TEST(SqliteFile, IsRefusedWithoutPermission) {
  const TemporaryFolder folder;
  const std::string path = folder.file("catalogue.db");
  opened(path).reset();
  std::filesystem::permissions(folder.path(), std::filesystem::perms(0755));
  std::filesystem::permissions(path, std::filesystem::perms(0400));
  auto attempt = [&](const std::string& file) {
    const pid_t child = ::fork();
    if (child == 0) {
      if (::geteuid() == 0 && (::setgid(65534) != 0 || ::setuid(65534) != 0)) ::_exit(100);
      auto catalogue = SqliteCatalogue::open(options_for(file));
      ::_exit(catalogue ? 101 : static_cast<int>(catalogue.error().code));
    }
    int status = 0;
    ::waitpid(child, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  };
  EXPECT_EQ(attempt(path), static_cast<int>(Code::unavailable));
  std::filesystem::permissions(folder.path(), std::filesystem::perms(0555));
  EXPECT_EQ(attempt(folder.file("new.db")), static_cast<int>(Code::unavailable));
  std::filesystem::permissions(folder.path(), std::filesystem::perms(0755));
}

TEST(SqliteFile, SaysWhenNoSpaceIsLeftAndKeepsWhatItHas) {
  const TemporaryFolder folder;
  const std::string path = folder.file("catalogue.db");
  make_catalogue(path, 100);
  sqlite::ConnectionOptions options;
  sqlite::Connection connection(path, options);
  const std::string bound =
      "PRAGMA max_page_count=" + std::to_string(connection.number("PRAGMA page_count") + 20);
  connection.execute(bound.c_str());
  sqlite::GroupCommit commits(std::move(connection), 1000);
  auto apply = [&](const Batch& batch) {
    return commits.perform([&](sqlite::Connection& writer, sqlite::Effects& effects) {
      return sqlite::write_batch(writer, batch, effects);
    });
  };
  EXPECT_REFUSED(
      Code::no_space,
      apply(batch_of(put("large", {{"name", "large"}}, 0, std::string(1'000'000, 'x')))));
  EXPECT_DONE(apply(batch_of(put("small", {{"name", "small"}}))));

  auto catalogue = opened(path);
  EXPECT_REFUSED(Code::not_found, catalogue->get("images", "large"));
  EXPECT_DONE(catalogue->get("images", "small"));
  EXPECT_DONE(catalogue->get("images", "image-99"));
}

TEST(SqliteFile, SaysThatAnotherProcessHoldsIt) {
  const TemporaryFolder folder;
  const std::string path = folder.file("catalogue.db");
  auto options = options_for(path);
  options.busy_milliseconds = 1;
  auto catalogue = opened(options);
  sqlite::Connection other(path, {});
  {
    const sqlite::Transaction held(other, sqlite::Transaction::Kind::write);
    auto result = catalogue->apply(batch_of(put("a", {})));
    EXPECT_REFUSED(Code::unavailable, result);
    EXPECT_EQ(result.error().retry, Retry::later);
  }
  EXPECT_DONE(catalogue->apply(batch_of(put("a", {}))));
}

}  // namespace visor::catalogue::conformance
