#include "catalogue/sqlite/migrations.h"

#include <gtest/gtest.h>

#include "catalogue/sqlite/fact_codec.h"
#include "catalogue/sqlite/sqlite_test_harness.h"

namespace visor::catalogue::conformance {

namespace {

sqlite::Connection connect(const std::string& path) {
  sqlite::ConnectionOptions options;
  options.create = true;
  return sqlite::Connection(path, options);
}

constexpr const char* kInsertRecord =
    "INSERT INTO records (collection, id, revision, facts, document) VALUES (CAST('images' AS "
    "BLOB), ?1, 3, ?2, ?3)";
constexpr const char* kInsertFact =
    "INSERT INTO facts (collection, name, value, id, number) VALUES (CAST('images' AS BLOB), ?1, "
    "?2, ?3, ?4)";

std::string encode_as_version_1(const std::vector<Fact>& facts) {
  std::string bytes;
  for (const Fact& fact : facts) {
    for (const std::string& text : {fact.name, fact.value}) {
      bytes += static_cast<char>(text.size() & 0xff);
      bytes += static_cast<char>(text.size() >> 8);
      bytes += text;
    }
  }
  return bytes;
}

// A file as a release with schema version 1 left it.
void make_version_1(const std::string& path, int records) {
  sqlite::Connection connection = connect(path);
  connection.execute("PRAGMA journal_mode=WAL");
  sqlite::migrate(connection, 1);
  sqlite::Transaction transaction(connection, sqlite::Transaction::Kind::write);
  for (int i = 0; i < records; ++i) {
    const std::string id = "image-" + std::to_string(i);
    std::vector<Fact> facts = {{"name", "n" + std::to_string(i)}, {"tag", "x"}, {"tag", "y"}};
    if (i % 2 == 0) facts.push_back({"size", std::to_string(i)});
    const std::string encoded = encode_as_version_1(facts);
    // Made in another order than they were stored in.
    const std::string document =
        R"({"created":)" + std::to_string(1'700'000'000'000'000 + 7 * i % 10) + "}";
    connection.prepare(kInsertRecord).bind(1, id).bind(2, encoded).bind(3, document).run();
    const std::int64_t number = connection.last_row_number();
    for (const Fact& fact : facts) {
      connection.prepare(kInsertFact)
          .bind(1, fact.name)
          .bind(2, fact.value)
          .bind(3, id)
          .bind(4, number)
          .run();
    }
  }
  transaction.commit();
}

Query sorted_by(std::string sort) {
  Query query;
  query.collection = "images";
  query.sort = std::move(sort);
  return query;
}

Ids ids_of(const Result<Page>& page) {
  Ids ids;
  EXPECT_TRUE(is_done(page));
  if (page) {
    for (const Record& record : page->records) ids.push_back(record.id);
  }
  return ids;
}

}  // namespace

TEST(Migrations, AreNumberedFromOneWithoutGaps) {
  int version = 0;
  for (const sqlite::Migration& migration : sqlite::migrations())
    EXPECT_EQ(migration.version, ++version);
  EXPECT_EQ(sqlite::newest_version(), version);
  EXPECT_GE(version, 3);
}

TEST(Migrations, BringAVersionOneFileUpWithAllItHolds) {
  const TemporaryFolder folder;
  const std::string path = folder.file("catalogue.db");
  make_version_1(path, 6);
  {
    auto catalogue = opened(path);
    auto record = catalogue->get("images", "image-2");
    ASSERT_DONE(record);
    EXPECT_EQ(record->document, R"({"created":1700000000000004})");
    EXPECT_EQ(record->facts,
              (std::vector<Fact>{{"name", "n2"}, {"tag", "x"}, {"tag", "y"}, {"size", "2"}}));
    EXPECT_EQ(record->revision, 3u);
    EXPECT_EQ(ids_of(catalogue->find(sorted_by(""))),
              (Ids{"image-0", "image-1", "image-2", "image-3", "image-4", "image-5"}));
    EXPECT_EQ(ids_of(catalogue->find(sorted_by(kNaturalOrder))),
              (Ids{"image-0", "image-3", "image-2", "image-5", "image-1", "image-4"}));
    EXPECT_EQ(ids_of(catalogue->find(sorted_by("size"))),
              (Ids{"image-3", "image-5", "image-1", "image-0", "image-2", "image-4"}));
    EXPECT_TRUE(catalogue->changes(0, 10)->changes.empty());

    Batch batch = batch_of(put("image-1", {{"size", "9"}}, 3));
    batch.removes = {{"images", "image-3", 3}, {"images", "image-5", 3}};
    ASSERT_DONE(catalogue->apply(batch));
    EXPECT_EQ(ids_of(catalogue->find(sorted_by("size"))),
              (Ids{"image-0", "image-2", "image-4", "image-1"}));
    EXPECT_EQ(catalogue->changes(0, 10)->changes.size(), 3u);
  }
  sqlite::Connection connection = connect(path);
  EXPECT_EQ(connection.number("PRAGMA user_version"), sqlite::newest_version());
  EXPECT_EQ(connection.number("SELECT records FROM names WHERE name = x''"), 4);
  EXPECT_EQ(connection.number("SELECT records FROM names WHERE name = CAST('size' AS BLOB)"), 4);
  EXPECT_EQ(connection.number("SELECT records FROM names WHERE name = CAST('tag' AS BLOB)"), 3);
  EXPECT_EQ(connection.number("SELECT count(*) FROM sqlite_schema WHERE name LIKE 'old%'"), 0);
}

// What the step to version 3 copies is the same as what is written anew.
TEST(Migrations, LeaveAFileThatIsLikeOneWrittenByThisVersion) {
  const TemporaryFolder folder;
  const std::string path = folder.file("catalogue.db");
  make_version_1(path, 300);
  auto moved = opened(path);
  auto fresh = opened(folder.file("fresh.db"));
  for (int i = 0; i < 300; ++i) {
    auto record = moved->get("images", "image-" + std::to_string(i));
    ASSERT_DONE(record);
    Batch batch;
    batch.puts.push_back({*record, 0, 2});
    batch.puts.back().came = 1'700'000'000'000'000 + static_cast<std::uint64_t>(7 * i % 10);
    ASSERT_DONE(fresh->apply(batch));
  }
  for (const char* sort : {"", kNaturalOrder, "size", "tag", "nobody has it"}) {
    for (const char* name : {"", "size", "tag", "name"}) {
      Query query = sorted_by(sort);
      query.limit = 1000;
      if (*name != '\0') query.filters = {{name, *name == 's' ? "4" : *name == 't' ? "y" : "n7"}};
      const auto left = moved->find(query);
      const auto right = fresh->find(query);
      EXPECT_EQ(ids_of(left), ids_of(right)) << sort << " " << name;
      EXPECT_FALSE(ids_of(left).empty()) << sort << " " << name;
      for (std::size_t i = 0; i < left->records.size(); ++i) {
        EXPECT_EQ(left->records[i].place, right->records[i].place);
        EXPECT_EQ(left->records[i].revision, right->records[i].revision);
      }
    }
  }
}

TEST(Migrations, LeaveTheVersionBeforeWhereAStepFails) {
  const TemporaryFolder folder;
  const std::string path = folder.file("catalogue.db");
  make_version_1(path, 2);
  connect(path).execute("CREATE TABLE fact_counts (in_the_way INTEGER)");
  EXPECT_REFUSED(Code::internal, SqliteCatalogue::open(options_for(path)));
  {
    sqlite::Connection connection = connect(path);
    EXPECT_EQ(connection.number("PRAGMA user_version"), 1);
    EXPECT_EQ(connection.number("SELECT count(*) FROM sqlite_schema WHERE name = 'changes'"), 0);
    connection.execute("DROP TABLE fact_counts");
  }
  EXPECT_DONE(opened(path)->get("images", "image-1"));
}

TEST(Migrations, RefuseAFileOfANewerRelease) {
  const TemporaryFolder folder;
  const std::string path = folder.file("catalogue.db");
  opened(path);
  connect(path).execute("PRAGMA user_version=99");
  auto catalogue = SqliteCatalogue::open(options_for(path));
  EXPECT_REFUSED(Code::unsupported, catalogue);
  EXPECT_NE(catalogue.error().message.find("newer release"), std::string::npos);
  EXPECT_EQ(connect(path).number("PRAGMA user_version"), 99) << "it was left as it is";
}

TEST(Migrations, RefuseAnotherProgramsDatabase) {
  const TemporaryFolder folder;
  const std::string path = folder.file("other.db");
  connect(path).execute("CREATE TABLE bookmarks (url TEXT); INSERT INTO bookmarks VALUES ('x')");
  auto catalogue = SqliteCatalogue::open(options_for(path));
  EXPECT_REFUSED(Code::invalid, catalogue);
  EXPECT_NE(catalogue.error().message.find("another program"), std::string::npos);
  EXPECT_EQ(connect(path).number("SELECT count(*) FROM sqlite_schema"), 1);
}

}  // namespace visor::catalogue::conformance
