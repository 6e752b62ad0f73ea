#include "catalogue/sqlite/sqlite_catalogue.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "catalogue/rules.h"
#include "catalogue/sqlite/batch_writer.h"
#include "catalogue/sqlite/connection.h"
#include "catalogue/sqlite/database_file.h"
#include "catalogue/sqlite/fact_codec.h"
#include "catalogue/sqlite/finder.h"
#include "catalogue/sqlite/group_commit.h"
#include "catalogue/sqlite/migrations.h"
#include "catalogue/sqlite/names.h"
#include "catalogue/sqlite/reader_pool.h"
#include "catalogue/sqlite/reserve.h"

namespace visor::catalogue {

namespace {

using sqlite::Connection;
using sqlite::ConnectionOptions;
using sqlite::Effects;
using sqlite::guarded;
using sqlite::Statement;
using sqlite::Transaction;

constexpr const char* kGetRecord =
    "SELECT revision, facts, document, number FROM records WHERE collection = ?1 AND id = ?2";
constexpr const char* kGetDocument =
    "SELECT revision, document FROM records WHERE collection = ?1 AND id = ?2";
constexpr const char* kGetCounter = "SELECT value FROM counters WHERE name = ?1";
constexpr const char* kOldestChange = "SELECT min(sequence) FROM changes";
constexpr const char* kNewestChange = "SELECT max(sequence) FROM changes";
constexpr const char* kReadChanges =
    "SELECT sequence, collection, id, revision, removed FROM changes WHERE sequence > ?1 ORDER BY "
    "sequence LIMIT ?2";
// Both ends of every tree: cheap at any size, and it finds a file that was cut off or overwritten.
constexpr const char* kLookAround =
    "SELECT (SELECT max(length(id)) FROM (SELECT * FROM (SELECT id FROM records ORDER BY number "
    "LIMIT 1) UNION ALL "
    "SELECT * FROM (SELECT id FROM records ORDER BY number DESC LIMIT 1))) "
    "+ (SELECT count(*) FROM (SELECT prefix FROM facts ORDER BY name, value, number LIMIT 1)) "
    "+ (SELECT count(*) FROM (SELECT prefix FROM facts ORDER BY name DESC, value DESC, number DESC "
    "LIMIT 1)) "
    "+ (SELECT count(*) FROM (SELECT name FROM counters LIMIT 1)) "
    "+ (SELECT count(*) FROM (SELECT name FROM leases LIMIT 1)) "
    "+ (SELECT count(*) FROM (SELECT name FROM names LIMIT 1))";

ConnectionOptions reading(const SqliteCatalogue::Options& options) {
  ConnectionOptions connection;
  connection.read_only = true;
  connection.mmap_bytes = options.mmap_bytes;
  connection.busy_milliseconds = options.busy_milliseconds;
  return connection;
}

ConnectionOptions writing(const SqliteCatalogue::Options& options) {
  ConnectionOptions connection;
  connection.cache_kib = options.write_cache_kib;
  connection.busy_milliseconds = options.busy_milliseconds;
  return connection;
}

}  // namespace

struct SqliteCatalogue::State {
  State(const Options& the_options, Connection writer)
      : options(the_options),
        queries(options.path, reading(options), std::max<std::size_t>(options.readers, 1)),
        points(options.path, reading(options), std::max<std::size_t>(options.point_readers, 1)),
        reserve(options.path + "-reserve", options.reserve_bytes),
        commits(std::move(writer), options.change_log_rows) {}

  const Options options;
  sqlite::ReaderPool queries;
  sqlite::ReaderPool points;
  sqlite::Reserve reserve;
  sqlite::GroupCommit commits;
};

SqliteCatalogue::SqliteCatalogue(std::unique_ptr<State> state) : state_(std::move(state)) {}
SqliteCatalogue::~SqliteCatalogue() = default;

Result<std::unique_ptr<SqliteCatalogue>> SqliteCatalogue::open(Options options) {
  auto sound = sqlite::check_file(options.path);
  if (!sound && sound.error().code == Code::not_found && options.create)
    sound = sqlite::create_file(options.path);
  if (!sound) return std::unexpected<Error>(std::move(sound.error()).at("sqlite.open"));

  return guarded("sqlite.open", [&]() -> Result<std::unique_ptr<SqliteCatalogue>> {
    Connection writer(options.path, writing(options));
    if (auto ours = sqlite::recognise(writer); !ours) return pass(ours);
    if (!writer.writable())
      writer.fail_with(SQLITE_READONLY, "the file or its folder is read-only");
    writer.execute("PRAGMA journal_mode=WAL");
    sqlite::migrate(writer);
    writer.number(kLookAround);
    return std::unique_ptr<SqliteCatalogue>(
        new SqliteCatalogue(std::make_unique<State>(options, std::move(writer))));
  });
}

Result<Record> SqliteCatalogue::get(const std::string& collection, const std::string& id) {
  return guarded("sqlite.get", [&]() -> Result<Record> {
    auto loan = state_->points.lend();
    Connection& connection = loan.connection();
    // One snapshot: the names of a removed record's facts may be gone a moment later.
    const Transaction snapshot(connection, Transaction::Kind::read);
    const auto number = sqlite::find_name(connection, collection, "");
    if (!number) return no_such_record(collection, id);
    Statement statement = connection.prepare(kGetRecord);
    statement.bind(1, *number).bind(2, id);
    if (!statement.step()) return no_such_record(collection, id);
    std::vector<sqlite::FactView> facts;
    if (!sqlite::decode_facts(statement.bytes(1), facts)) {
      connection.fail_with(SQLITE_CORRUPT, "facts of a record");
    }
    Record record;
    record.collection = collection;
    record.id = id;
    record.revision = static_cast<std::uint64_t>(statement.number(0));
    record.document = statement.bytes(2);
    record.place = static_cast<std::uint64_t>(statement.number(3));
    record.facts.reserve(facts.size());
    for (const sqlite::FactView& fact : facts) {
      record.facts.push_back(
          {sqlite::name_with_number(connection, fact.name), std::string(fact.value)});
    }
    return record;
  });
}

Result<Record> SqliteCatalogue::document(const std::string& collection, const std::string& id) {
  return guarded("sqlite.get", [&]() -> Result<Record> {
    auto loan = state_->points.lend();
    const auto number = sqlite::find_name(loan.connection(), collection, "");
    if (!number) return no_such_record(collection, id);
    Statement statement = loan.connection().prepare(kGetDocument);
    statement.bind(1, *number).bind(2, id);
    if (!statement.step()) return no_such_record(collection, id);
    Record record;
    record.collection = collection;
    record.id = id;
    record.revision = static_cast<std::uint64_t>(statement.number(0));
    record.document = statement.bytes(1);
    return record;
  });
}

Result<Page> SqliteCatalogue::find(const Query& query) {
  if (auto checked = check(query); !checked) return pass(checked);
  return guarded("sqlite.find", [&]() -> Result<Page> {
    auto loan = state_->queries.lend();
    // One snapshot for all the statements of a query.
    const Transaction snapshot(loan.connection(), Transaction::Kind::read);
    sqlite::Finder finder(loan.connection(), query);
    return finder.run();
  });
}

Result<void> SqliteCatalogue::apply(const Batch& batch) {
  if (auto checked = check(batch); !checked) return checked;
  const sqlite::GroupCommit::Work work = [&batch](Connection& connection, Effects& effects) {
    return sqlite::write_batch(connection, batch, effects);
  };
  sqlite::Reserve& reserve = state_->reserve;
  reserve.restore();
  // Else new things would take the room that was given up for the removal of old ones.
  if (batch.removes.empty() && !batch.puts.empty() && reserve.given_up()) {
    return std::unexpected(sqlite::storage_error(SQLITE_FULL, 0, "sqlite.apply: only removals"));
  }
  auto applied = state_->commits.perform(work);
  const bool shrinks = batch.removes.size() > batch.puts.size();
  if (applied || applied.error().code != Code::no_space || !shrinks) return applied;
  reserve.release();
  return state_->commits.perform(work);
}

Result<std::int64_t> SqliteCatalogue::counter(const std::string& name) {
  return guarded("sqlite.counter", [&]() -> Result<std::int64_t> {
    auto loan = state_->points.lend();
    Statement statement = loan.connection().prepare(kGetCounter);
    statement.bind(1, name);
    return statement.step() ? statement.number(0) : 0;
  });
}

Result<Changes> SqliteCatalogue::changes(std::uint64_t since, std::uint32_t limit) {
  return guarded("sqlite.changes", [&]() -> Result<Changes> {
    auto loan = state_->queries.lend();
    Connection& connection = loan.connection();
    const Transaction snapshot(connection, Transaction::Kind::read);
    const auto oldest = static_cast<std::uint64_t>(connection.number(kOldestChange));
    const auto newest = static_cast<std::uint64_t>(connection.number(kNewestChange));
    Changes result;
    // A reader that is ahead of the history followed another one, as before a restore.
    result.gap = since > newest || since + 1 < oldest;
    result.last = std::min(since, newest);
    Statement statement = connection.prepare(kReadChanges);
    statement.bind(1, static_cast<std::int64_t>(result.last)).bind(2, std::int64_t{limit});
    while (statement.step()) {
      Change change;
      change.sequence = static_cast<std::uint64_t>(statement.number(0));
      change.collection = statement.bytes(1);
      change.id = statement.bytes(2);
      change.revision = static_cast<std::uint64_t>(statement.number(3));
      change.removed = statement.number(4) != 0;
      result.changes.push_back(std::move(change));
    }
    if (!result.changes.empty()) result.last = result.changes.back().sequence;
    return result;
  });
}

Result<Lease> SqliteCatalogue::acquire(const std::string& lease, const std::string& holder,
                                       std::chrono::milliseconds duration) {
  if (auto checked = check_lease(lease, holder, duration); !checked) return pass(checked);
  Lease acquired;
  auto outcome = state_->commits.perform([&](Connection& connection, Effects&) -> Result<void> {
    auto taken = sqlite::write_lease(connection, lease, holder, duration);
    if (!taken) return pass(taken);
    acquired = *taken;
    return {};
  });
  if (!outcome) return pass(outcome);
  return acquired;
}

Result<void> SqliteCatalogue::release(const std::string& lease, const std::string& holder) {
  return state_->commits.perform([&](Connection& connection, Effects&) -> Result<void> {
    sqlite::erase_lease(connection, lease, holder);
    return {};
  });
}

Result<void> SqliteCatalogue::backup(const std::string& path) {
  return sqlite::copy_file(state_->options.path, path);
}

}  // namespace visor::catalogue
