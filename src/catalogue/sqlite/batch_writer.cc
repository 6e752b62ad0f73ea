#include "catalogue/sqlite/batch_writer.h"

#include <algorithm>
#include <iterator>
#include <map>
#include <optional>
#include <vector>

#include "catalogue/rules.h"
#include "catalogue/sqlite/fact_codec.h"
#include "catalogue/sqlite/names.h"
#include "catalogue/sqlite/place_stream.h"

namespace visor::catalogue::sqlite {

namespace {

constexpr const char* kFindRecord =
    "SELECT number, revision, facts FROM records WHERE collection = ?1 AND id = ?2";
constexpr const char* kInsertRecord =
    "INSERT INTO records (number, collection, id, revision, document, facts) "
    "VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
constexpr const char* kLastPlace =
    "SELECT max(number) FROM records WHERE number >= ?1 AND number < ?2";
constexpr const char* kUpdateRecord =
    "UPDATE records SET revision = ?2, facts = ?3, document = ?4 WHERE number = ?1";
constexpr const char* kDeleteRecord = "DELETE FROM records WHERE number = ?1";
constexpr const char* kInsertFact =
    "INSERT INTO facts (name, value, number, prefix) VALUES (?1, ?2, ?3, ?4)";
constexpr const char* kDeleteFact =
    "DELETE FROM facts WHERE name = ?1 AND value = ?2 AND number = ?3";
constexpr const char* kAppendChange =
    "INSERT INTO changes (collection, id, revision, removed) VALUES (?1, ?2, ?3, ?4)";
constexpr const char* kTrimChanges =
    "DELETE FROM changes WHERE sequence <= (SELECT max(sequence) FROM changes) - ?1";
constexpr const char* kReadCounter = "SELECT value FROM counters WHERE name = ?1";
constexpr const char* kWriteCounter =
    "INSERT INTO counters (name, value) VALUES (?1, ?2) ON CONFLICT (name) DO UPDATE SET value = "
    "excluded.value";

// Milliseconds since 1970 by the database's clock; it stands still within one statement.
constexpr const char* kNow =
    "SELECT CAST(round((julianday('now') - 2440587.5) * 86400000.0) AS INTEGER)";
constexpr const char* kReadLease = "SELECT epoch, holder, expires FROM leases WHERE name = ?1";
constexpr const char* kWriteLease =
    "INSERT INTO leases (name, epoch, holder, expires) VALUES (?1, ?2, ?3, ?4) "
    "ON CONFLICT (name) DO UPDATE SET epoch = excluded.epoch, holder = excluded.holder, expires = "
    "excluded.expires";
constexpr const char* kEraseLease =
    "UPDATE leases SET holder = x'', expires = 0 WHERE name = ?1 AND holder = ?2";

// What is stored under an id now.
struct Stored {
  std::int64_t number = 0;
  std::uint64_t revision = 0;
  std::string facts;
};

Stored find_stored(Connection& connection, const std::string& collection, const std::string& id) {
  const auto number = find_name(connection, collection, "");
  if (!number) return {};
  Statement statement = connection.prepare(kFindRecord);
  statement.bind(1, *number).bind(2, id);
  if (!statement.step()) return {};
  return {statement.number(0), static_cast<std::uint64_t>(statement.number(1)),
          std::string(statement.bytes(2))};
}

Result<void> check_leases(Connection& connection, const std::vector<LeaseCheck>& leases) {
  if (leases.empty()) return {};
  const std::int64_t now = connection.number(kNow);
  for (const LeaseCheck& lease : leases) {
    Statement statement = connection.prepare(kReadLease);
    statement.bind(1, lease.lease);
    const bool held = statement.step() &&
                      static_cast<std::uint64_t>(statement.number(0)) == lease.epoch &&
                      statement.number(2) > now;
    if (!held) return lease_lost(lease);
  }
  return {};
}

using Counters = std::map<std::string, std::int64_t>;

Result<Counters> count(Connection& connection, const std::vector<CounterChange>& changes) {
  Counters counters;
  for (const CounterChange& change : changes) {
    auto [entry, unread] = counters.try_emplace(change.counter, 0);
    if (unread) {
      Statement statement = connection.prepare(kReadCounter);
      statement.bind(1, change.counter);
      if (statement.step()) entry->second = statement.number(0);
    }
    auto sum = changed(entry->second, change);
    if (!sum) return pass(sum);
    entry->second = *sum;
  }
  return counters;
}

std::vector<FactView> distinct(std::vector<FactView> facts) {
  std::ranges::sort(facts);
  const auto repeated = std::ranges::unique(facts);
  facts.erase(repeated.begin(), repeated.end());
  return facts;
}

std::vector<std::int64_t> names_of(const std::vector<FactView>& facts) {
  std::vector<std::int64_t> names;
  for (const FactView& fact : facts) {
    if (names.empty() || names.back() != fact.name) names.push_back(fact.name);
  }
  return names;
}

// Facts with the numbers of their names; they point into `facts`.
std::vector<FactView> numbered(Connection& connection, const std::string& collection,
                               const std::vector<Fact>& facts) {
  std::vector<FactView> views;
  views.reserve(facts.size());
  for (const Fact& fact : facts) {
    views.push_back({number_of_name(connection, collection, fact.name), fact.value});
  }
  return views;
}

// One record on its way from what was stored to what will be: only the facts that differ are
// touched.
class FactUpdate {
 public:
  FactUpdate(Connection& connection, const std::string& id, std::int64_t place, Effects& effects)
      : connection_(connection), prefix_(prefix_of(id)), place_(place), effects_(effects) {}

  void change(std::vector<FactView> before, std::vector<FactView> after) {
    before = distinct(std::move(before));
    after = distinct(std::move(after));
    std::vector<FactView> differing;
    std::ranges::set_difference(before, after, std::back_inserter(differing));
    for (const FactView& fact : differing) remove(fact);
    differing.clear();
    std::ranges::set_difference(after, before, std::back_inserter(differing));
    for (const FactView& fact : differing) insert(fact);
    count_names(names_of(before), names_of(after));
  }

  void insert(const FactView& fact) {
    Statement statement = connection_.prepare(kInsertFact);
    statement.bind(1, fact.name).bind(2, fact.value).bind(3, place_).bind(4, prefix_).run();
  }
  void remove(const FactView& fact) {
    Statement statement = connection_.prepare(kDeleteFact);
    statement.bind(1, fact.name).bind(2, fact.value).bind(3, place_).run();
  }

 private:
  void count_names(const std::vector<std::int64_t>& before,
                   const std::vector<std::int64_t>& after) {
    std::vector<std::int64_t> differing;
    std::ranges::set_difference(before, after, std::back_inserter(differing));
    for (const std::int64_t name : differing) --effects_.counts[name];
    differing.clear();
    std::ranges::set_difference(after, before, std::back_inserter(differing));
    for (const std::int64_t name : differing) ++effects_.counts[name];
  }

  Connection& connection_;
  const std::int64_t prefix_;
  const std::int64_t place_;
  Effects& effects_;
};

std::vector<FactView> stored_facts(Connection& connection, const Stored& stored) {
  std::vector<FactView> facts;
  if (!decode_facts(stored.facts, facts)) connection.fail_with(SQLITE_CORRUPT, "facts of a record");
  return facts;
}

void append_change(Connection& connection, const std::string& collection, const std::string& id,
                   std::uint64_t revision, bool removed, Effects& effects) {
  Statement statement = connection.prepare(kAppendChange);
  statement.bind(1, collection)
      .bind(2, id)
      .bind(3, static_cast<std::int64_t>(revision))
      .bind(4, removed ? 1 : 0);
  statement.run();
  ++effects.logged;
}

std::int64_t take_place(Connection& connection, std::uint64_t came) {
  const auto last_below = [&connection](std::uint64_t first,
                                        std::uint64_t end) -> std::optional<std::uint64_t> {
    Statement statement = connection.prepare(kLastPlace);
    statement.bind(1, static_cast<std::int64_t>(first)).bind(2, static_cast<std::int64_t>(end));
    if (!statement.step() || statement.null(0)) return std::nullopt;
    return static_cast<std::uint64_t>(statement.number(0));
  };
  return static_cast<std::int64_t>(next_place(came, last_below));
}

void write_put(Connection& connection, const Put& put, Stored stored, Effects& effects) {
  const Record& record = put.record;
  const std::int64_t collection = number_of_name(connection, record.collection, "");
  std::vector<FactView> after = numbered(connection, record.collection, record.facts);
  const std::string facts = encode_facts(after);
  const auto revision = static_cast<std::int64_t>(put.stored());
  if (put.expected == 0) {
    stored.number = take_place(connection, put.came);
    Statement statement = connection.prepare(kInsertRecord);
    statement.bind(1, stored.number).bind(2, collection).bind(3, record.id).bind(4, revision);
    statement.bind(5, record.document).bind(6, facts).run();
  } else {
    Statement statement = connection.prepare(kUpdateRecord);
    statement.bind(1, stored.number).bind(2, revision).bind(3, facts).bind(4, record.document);
    statement.run();
  }
  FactUpdate update(connection, record.id, stored.number, effects);
  if (put.expected == 0) {
    update.insert({collection, ""});
    ++effects.counts[collection];
  }
  update.change(stored_facts(connection, stored), std::move(after));
  append_change(connection, record.collection, record.id, put.stored(), false, effects);
}

void write_remove(Connection& connection, const Remove& remove, const Stored& stored,
                  Effects& effects) {
  const std::int64_t collection = number_of_name(connection, remove.collection, "");
  connection.prepare(kDeleteRecord).bind(1, stored.number).run();
  FactUpdate update(connection, remove.id, stored.number, effects);
  update.change(stored_facts(connection, stored), {});
  update.remove({collection, ""});
  --effects.counts[collection];
  append_change(connection, remove.collection, remove.id, remove.expected, true, effects);
}

}  // namespace

void Effects::add(const Effects& other) {
  for (const auto& [name, records] : other.counts) counts[name] += records;
  logged += other.logged;
}

Result<void> write_batch(Connection& connection, const Batch& batch, Effects& effects) {
  if (auto held = check_leases(connection, batch.leases); !held) return held;
  std::vector<Stored> replaced;
  for (const Put& put : batch.puts) {
    Stored stored = find_stored(connection, put.record.collection, put.record.id);
    if (stored.revision != put.expected) {
      return revision_differs(put.record.collection, put.record.id, put.expected, stored.revision);
    }
    replaced.push_back(std::move(stored));
  }
  std::vector<Stored> removed;
  for (const Remove& remove : batch.removes) {
    Stored stored = find_stored(connection, remove.collection, remove.id);
    if (stored.revision != remove.expected) {
      return revision_differs(remove.collection, remove.id, remove.expected, stored.revision);
    }
    removed.push_back(std::move(stored));
  }
  auto counters = count(connection, batch.counters);
  if (!counters) return pass(counters);

  for (std::size_t i = 0; i < batch.puts.size(); ++i) {
    write_put(connection, batch.puts[i], std::move(replaced[i]), effects);
  }
  for (std::size_t i = 0; i < batch.removes.size(); ++i) {
    write_remove(connection, batch.removes[i], removed[i], effects);
  }
  for (const auto& [name, value] : *counters) {
    connection.prepare(kWriteCounter).bind(1, name).bind(2, value).run();
  }
  return {};
}

void write_effects(Connection& connection, const Effects& effects) {
  for (const auto& [name, records] : effects.counts) count_name(connection, name, records);
}

void trim_history(Connection& connection, std::int64_t rows) {
  connection.prepare(kTrimChanges).bind(1, rows).run();
}

Result<Lease> write_lease(Connection& connection, const std::string& lease,
                          const std::string& holder, std::chrono::milliseconds duration) {
  const std::int64_t now = connection.number(kNow);
  std::int64_t epoch = 0;
  bool same_holder = false;
  {
    Statement statement = connection.prepare(kReadLease);
    statement.bind(1, lease);
    if (statement.step()) {
      epoch = statement.number(0);
      same_holder = statement.bytes(1) == holder;
      const bool given_up = statement.bytes(1).empty();
      if (!same_holder && !given_up && statement.number(2) > now) return lease_taken(lease);
    }
  }
  if (!same_holder) ++epoch;
  Statement statement = connection.prepare(kWriteLease);
  statement.bind(1, lease).bind(2, epoch).bind(3, holder).bind(4, now + duration.count()).run();
  return Lease{static_cast<std::uint64_t>(epoch)};
}

void erase_lease(Connection& connection, const std::string& lease, const std::string& holder) {
  connection.prepare(kEraseLease).bind(1, lease).bind(2, holder).run();
}

}  // namespace visor::catalogue::sqlite
