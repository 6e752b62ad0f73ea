#include "catalogue/sqlite/names.h"

namespace visor::catalogue::sqlite {

namespace {

constexpr const char* kFind = "SELECT number FROM names WHERE collection = ?1 AND name = ?2";
constexpr const char* kInsert = "INSERT INTO names (collection, name, records) VALUES (?1, ?2, 0)";
constexpr const char* kText = "SELECT name FROM names WHERE number = ?1";
constexpr const char* kRecords = "SELECT records FROM names WHERE number = ?1";
constexpr const char* kCount = "UPDATE names SET records = records + ?2 WHERE number = ?1";
// The collections' own numbers stay: readers remember them.
constexpr const char* kDrop =
    "DELETE FROM names WHERE number = ?1 AND records <= 0 AND name <> x''";

}  // namespace

std::optional<std::int64_t> find_name(Connection& connection, std::string_view collection,
                                      std::string_view name) {
  if (const auto known = connection.known_name(collection, name)) return known;
  Statement statement = connection.prepare(kFind);
  statement.bind(1, collection).bind(2, name);
  if (!statement.step()) return std::nullopt;
  const std::int64_t number = statement.number(0);
  // Another connection may drop any other name, and give it a new number later.
  if (name.empty() || !connection.read_only()) connection.know_name(collection, name, number);
  return number;
}

std::int64_t number_of_name(Connection& connection, std::string_view collection,
                            std::string_view name) {
  if (const auto known = find_name(connection, collection, name)) return *known;
  connection.prepare(kInsert).bind(1, collection).bind(2, name).run();
  const std::int64_t number = connection.last_row_number();
  connection.know_name(collection, name, number);
  return number;
}

std::string name_with_number(Connection& connection, std::int64_t number) {
  Statement statement = connection.prepare(kText);
  statement.bind(1, number);
  if (!statement.step()) connection.fail_with(SQLITE_CORRUPT, "the name of a fact");
  return std::string(statement.bytes(0));
}

std::int64_t records_with_name(Connection& connection, std::int64_t number) {
  Statement statement = connection.prepare(kRecords);
  statement.bind(1, number);
  return statement.step() ? statement.number(0) : 0;
}

void count_name(Connection& connection, std::int64_t number, std::int64_t records) {
  if (records != 0) {
    connection.prepare(kCount).bind(1, number).bind(2, records).run();
    // Records under a number that no name has would never be found again: better none is written.
    if (connection.changed_rows() != 1) connection.fail_with(SQLITE_CORRUPT, "a name's number");
  }
  if (records > 0) return;
  connection.prepare(kDrop).bind(1, number).run();
  if (connection.changed_rows() > 0) connection.forget_names();
}

}  // namespace visor::catalogue::sqlite
