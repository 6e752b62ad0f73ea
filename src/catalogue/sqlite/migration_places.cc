#include "catalogue/sqlite/migration_places.h"

#include <algorithm>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "catalogue/rules.h"
#include "catalogue/sqlite/fact_codec.h"
#include "catalogue/sqlite/names.h"
#include "catalogue/sqlite/place_stream.h"

namespace visor::catalogue::sqlite {

namespace {

constexpr const char* kNewTables = R"sql(
  DROP INDEX records_by_id;
  ALTER TABLE records RENAME TO old_records;
  ALTER TABLE facts RENAME TO old_facts;
  CREATE TABLE names (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    collection BLOB NOT NULL,
    name BLOB NOT NULL,
    records INTEGER NOT NULL
  ) STRICT;
  CREATE UNIQUE INDEX names_by_text ON names (collection, name);
  CREATE TABLE records (
    number INTEGER PRIMARY KEY,
    collection INTEGER NOT NULL,
    id BLOB NOT NULL,
    revision INTEGER NOT NULL,
    document BLOB NOT NULL,
    facts BLOB NOT NULL
  ) STRICT;
  CREATE UNIQUE INDEX records_by_id ON records (collection, id);
  CREATE TABLE facts (
    name INTEGER NOT NULL,
    value BLOB NOT NULL,
    number INTEGER NOT NULL,
    prefix INTEGER NOT NULL,
    PRIMARY KEY (name, value, number)
  ) STRICT, WITHOUT ROWID;
  INSERT INTO names (collection, name, records)
    SELECT collection, name, records FROM fact_counts ORDER BY collection, name;
)sql";
constexpr const char* kDropOldTables = R"sql(
  DROP TABLE old_facts;
  DROP TABLE old_records;
  DROP TABLE fact_counts;
)sql";

// Images are the only records whose documents tell when they came.
constexpr const char* kOldRecords = R"sql(
  SELECT number, collection, id,
    CASE WHEN collection = CAST('images' AS BLOB) THEN
      CASE WHEN json_valid(CAST(document AS TEXT))
        THEN json_extract(CAST(document AS TEXT), '$.created') ELSE 0 END
    ELSE NULL END
  FROM old_records ORDER BY number
)sql";
constexpr const char* kOldRecord =
    "SELECT collection, id, revision, facts, document FROM old_records WHERE number = ?1";
constexpr const char* kOldFacts =
    "SELECT collection, name, value, number FROM old_facts ORDER BY collection, name, value, id";
constexpr const char* kInsertRecord =
    "INSERT INTO records (number, collection, id, revision, document, facts) "
    "VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
constexpr const char* kInsertFact =
    "INSERT INTO facts (name, value, number, prefix) VALUES (?1, ?2, ?3, ?4)";

struct Moved {
  std::int64_t number = 0;  ///< in the old table
  std::int64_t place = 0;
  std::int64_t prefix = 0;
};

// The facts of a record as version 2 wrote them: length in two bytes, name, length, value.
bool take_old(std::string_view& bytes, std::string_view& text) {
  if (bytes.size() < 2) return false;
  const std::size_t size = static_cast<std::uint8_t>(bytes[0]) | static_cast<std::uint8_t>(bytes[1])
                                                                     << 8;
  bytes.remove_prefix(2);
  if (bytes.size() < size) return false;
  text = bytes.substr(0, size);
  bytes.remove_prefix(size);
  return true;
}

std::string encode_anew(Connection& connection, std::string_view collection,
                        std::string_view bytes) {
  std::vector<FactView> facts;
  while (!bytes.empty()) {
    std::string_view name;
    std::string_view value;
    if (!take_old(bytes, name) || !take_old(bytes, value)) {
      connection.fail_with(SQLITE_CORRUPT, "facts of a record");
    }
    facts.push_back({number_of_name(connection, collection, name), value});
  }
  return encode_facts(facts);
}

// By their old numbers, which are ascending.
std::vector<Moved> assign_places(Connection& connection) {
  struct Timed {
    std::uint64_t came;
    std::size_t record;  ///< in `moved`
    auto operator<=>(const Timed&) const = default;
  };
  std::vector<Moved> moved;
  std::vector<Timed> timed;
  Statement statement = connection.prepare(kOldRecords);
  std::int64_t untimed = 0;
  while (statement.step()) {
    Moved& record = moved.emplace_back();
    record.number = statement.number(0);
    record.prefix = prefix_of(statement.bytes(2));
    if (statement.null(3)) {
      record.place = ++untimed;
    } else {
      const std::int64_t came = std::max<std::int64_t>(statement.number(3), 1);
      timed.push_back({std::min(static_cast<std::uint64_t>(came), kLastTime), moved.size() - 1});
    }
  }
  std::ranges::sort(timed);
  std::uint64_t last = 0;
  for (const auto& [came, record] : timed) {
    const auto last_below = [last](std::uint64_t first,
                                   std::uint64_t) -> std::optional<std::uint64_t> {
      if (last < first) return std::nullopt;
      return last;
    };
    last = next_place(came, last_below);
    moved[record].place = static_cast<std::int64_t>(last);
  }
  return moved;
}

void move_records(Connection& connection, const std::vector<Moved>& moved) {
  std::vector<const Moved*> by_place;
  by_place.reserve(moved.size());
  for (const Moved& record : moved) by_place.push_back(&record);
  std::ranges::sort(by_place, {}, &Moved::place);
  for (const Moved* record : by_place) {
    Statement old = connection.prepare(kOldRecord);
    old.bind(1, record->number);
    if (!old.step()) connection.fail_with(SQLITE_CORRUPT, "a record of the version before");
    const std::string collection(old.bytes(0));
    const std::int64_t number = number_of_name(connection, collection, "");
    const std::string facts = encode_anew(connection, collection, old.bytes(3));
    Statement insert = connection.prepare(kInsertRecord);
    insert.bind(1, record->place).bind(2, number).bind(3, old.bytes(1)).bind(4, old.number(2));
    insert.bind(5, old.bytes(4)).bind(6, facts).run();
    connection.prepare(kInsertFact)
        .bind(1, number)
        .bind(2, std::string_view())
        .bind(3, record->place)
        .bind(4, record->prefix)
        .run();
  }
}

// One value's records at a time, so that every row is appended.
void move_facts(Connection& connection, const std::vector<Moved>& moved) {
  std::string collection;
  std::string name;
  std::string value;
  std::vector<const Moved*> same;
  const auto flush = [&] {
    if (same.empty()) return;
    const std::int64_t number = number_of_name(connection, collection, name);
    std::ranges::sort(same, {}, &Moved::place);
    for (const Moved* record : same) {
      connection.prepare(kInsertFact)
          .bind(1, number)
          .bind(2, value)
          .bind(3, record->place)
          .bind(4, record->prefix)
          .run();
    }
    same.clear();
  };
  Statement old = connection.prepare(kOldFacts);
  while (old.step()) {
    if (old.bytes(2) != value || old.bytes(1) != name || old.bytes(0) != collection) {
      flush();
      collection = old.bytes(0);
      name = old.bytes(1);
      value = old.bytes(2);
    }
    const auto record = std::ranges::lower_bound(moved, old.number(3), {}, &Moved::number);
    if (record == moved.end() || record->number != old.number(3)) {
      connection.fail_with(SQLITE_CORRUPT, "a fact of the version before");
    }
    same.push_back(&*record);
  }
  flush();
}

}  // namespace

void give_places(Connection& connection) {
  connection.execute(kNewTables);
  {
    const std::vector<Moved> moved = assign_places(connection);
    move_records(connection, moved);
    move_facts(connection, moved);
  }
  connection.execute(kDropOldTables);
}

}  // namespace visor::catalogue::sqlite
