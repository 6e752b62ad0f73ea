#include "catalogue/sqlite/migrations.h"

#include <string>

#include "base/log.h"
#include "catalogue/sqlite/migration_places.h"

namespace visor::catalogue::sqlite {

namespace {

// Keys are BLOBs because they are compared bytewise and may hold anything. `records` has row
// numbers, since large rows in a WITHOUT ROWID table would make its tree deep; the small rows of
// the other tables are better off without.
constexpr const char* kBaseTables = R"sql(
  CREATE TABLE records (
    number INTEGER PRIMARY KEY,
    collection BLOB NOT NULL,
    id BLOB NOT NULL,
    revision INTEGER NOT NULL,
    facts BLOB NOT NULL,
    document BLOB NOT NULL
  ) STRICT;
  CREATE UNIQUE INDEX records_by_id ON records (collection, id);
  CREATE TABLE facts (
    collection BLOB NOT NULL,
    name BLOB NOT NULL,
    value BLOB NOT NULL,
    id BLOB NOT NULL,
    number INTEGER NOT NULL,
    PRIMARY KEY (collection, name, value, id)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE counters (
    name BLOB PRIMARY KEY,
    value INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE leases (
    name BLOB PRIMARY KEY,
    epoch INTEGER NOT NULL,
    holder BLOB NOT NULL,
    expires INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
)sql";

// The history for caches that follow the catalogue, and how many records have a fact: a sort by a
// fact that every record has need not look for those without it. The row with the empty name counts
// the records of the collection.
constexpr const char* kHistoryAndCounts = R"sql(
  CREATE TABLE changes (
    sequence INTEGER PRIMARY KEY,
    collection BLOB NOT NULL,
    id BLOB NOT NULL,
    revision INTEGER NOT NULL,
    removed INTEGER NOT NULL
  ) STRICT;
  CREATE TABLE fact_counts (
    collection BLOB NOT NULL,
    name BLOB NOT NULL,
    records INTEGER NOT NULL,
    PRIMARY KEY (collection, name)
  ) STRICT, WITHOUT ROWID;
  INSERT INTO fact_counts (collection, name, records)
    SELECT collection, x'', count(*) FROM records GROUP BY collection;
  INSERT INTO fact_counts (collection, name, records)
    SELECT collection, name, count(DISTINCT id) FROM facts GROUP BY collection, name;
)sql";

constexpr Migration kMigrations[] = {
    {1, "records, facts, counters, leases", kBaseTables},
    {2, "the history of changes and the counts of facts", kHistoryAndCounts},
    {3, "a natural order of records, and numbers for names", "", give_places},
};

}  // namespace

std::span<const Migration> migrations() { return kMigrations; }

int newest_version() { return migrations().back().version; }

Result<void> recognise(Connection& connection) {
  const std::int64_t application = connection.number("PRAGMA application_id");
  const std::int64_t version = connection.number("PRAGMA user_version");
  if (application != kApplicationId) {
    const bool empty = application == 0 && version == 0 &&
                       connection.number("SELECT count(*) FROM sqlite_schema") == 0;
    if (empty) return {};
    return fail(
        Code::invalid,
        "the file is an SQLite database of another program, not a catalogue: name another file",
        "application_id=" + std::to_string(application));
  }
  if (version > newest_version()) {
    return fail(
        Code::unsupported,
        "the catalogue was written by a newer release (schema version " + std::to_string(version) +
            ", this release knows up to " + std::to_string(newest_version()) +
            "): install that release again, or restore a backup made before the upgrade with "
            "'visor server restore'");
  }
  return {};
}

void migrate(Connection& connection, int target) {
  for (const Migration& migration : migrations()) {
    if (migration.version > target) break;
    if (connection.number("PRAGMA user_version") >= migration.version) continue;
    Transaction transaction(connection, Transaction::Kind::write);
    // Another process may have taken the step while this one waited for the lock.
    if (connection.number("PRAGMA user_version") >= migration.version) continue;
    if (migration.version > 1 && connection.number("SELECT EXISTS (SELECT 1 FROM records)") != 0) {
      log::info("the catalogue is brought to a newer form",
                {{"version", std::to_string(migration.version)}, {"what", migration.summary}});
    }
    connection.execute(migration.sql);
    if (migration.step != nullptr) migration.step(connection);
    const std::string stamp = "PRAGMA application_id=" + std::to_string(kApplicationId) +
                              "; PRAGMA user_version=" + std::to_string(migration.version);
    connection.execute(stamp.c_str());
    transaction.commit();
  }
}

}  // namespace visor::catalogue::sqlite
