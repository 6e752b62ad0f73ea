// The catalogue: records, facts, atomic batches. One interface, one folder an engine.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "catalogue/record.h"

namespace visor::catalogue {

enum class Direction { ascending, descending };

/// Which records to find. All of `filters` must match (equal name, equal value; two of one name
/// both must).
struct Query {
  std::string collection;

  /// The caller's access set: only records with a fact kAccessFact whose value is one of these are
  /// found. Nothing: the caller sees all records of the collection (administrators' scope,
  /// accounts, the service's own records).
  std::optional<std::vector<std::string>> access;

  std::vector<Fact> filters;

  /// All of these must be met besides. They are looked at record by record and narrow nothing: a
  /// query costs what it would without them, over as many records as it takes to fill the page.
  std::vector<Condition> conditions;

  /// Empty: by id. kNaturalOrder: as the records came (Record::place). Else by this fact's value,
  /// then by place in the same direction: a record without the fact sorts as if its value were
  /// empty; with several, the smallest value counts.
  std::string sort;
  Direction direction = Direction::ascending;

  /// Where the page before ended: only records strictly behind are found. By id, `id` counts; in
  /// natural order, `place`; by a fact, `value` and then `place`.
  struct Position {
    std::string value = {};
    std::string id = {};
    std::uint64_t place = 0;
  };
  std::optional<Position> after;

  /// 1 to 1000.
  std::uint32_t limit = 100;
};

/// The name of the fact that Query::access looks at.
inline constexpr const char* kAccessFact = "@access";
/// A Query::sort that is no fact. The quickest order of all: it is how records lie.
inline constexpr const char* kNaturalOrder = "@natural";

struct Page {
  std::vector<Record> records;
  /// Set if more records may follow: ask again with `after` set to it.
  std::optional<Query::Position> next;
};

/// Put one record. `expected` is the revision it must have now: 0 for "must not exist yet". The
/// stored revision is expected + 1 (see `continues`) and the facts are replaced as a whole.
struct Put {
  Record record;  ///< its `revision` and `place` are ignored
  std::uint64_t expected = 0;
  /// Of a record that must not exist yet: the last revision that one of this id had, so that no
  /// revision of an id is ever there twice. The stored one is one more.
  std::uint64_t continues = 0;
  /// Of a record that must not exist yet: when it came, in microseconds since 1970, under 2^52; it
  /// gets its place in the natural order by that. Those of one microsecond stand as they were put.
  /// 0: behind all others that were put with 0; of one collection, all or none have a time.
  std::uint64_t came = 0;

  std::uint64_t stored() const { return (expected == 0 ? continues : expected) + 1; }
};

/// Remove one record that must have the revision `expected` now.
struct Remove {
  std::string collection;
  std::string id;
  std::uint64_t expected = 0;
};

/// Add `delta` to a named counter (0 if it was never touched). With a `limit`, a growing counter
/// must not pass it: then the whole batch fails with Code::quota. A counter never goes below 0:
/// that fails with Code::internal.
struct CounterChange {
  std::string counter;
  std::int64_t delta = 0;
  std::optional<std::int64_t> limit;
};

/// The named lease must be held in this epoch, else the batch fails with Code::conflict (fencing).
struct LeaseCheck {
  std::string lease;
  std::uint64_t epoch = 0;
};

/// Changes that happen together or not at all.
struct Batch {
  std::vector<Put> puts;
  std::vector<Remove> removes;
  std::vector<CounterChange> counters;
  std::vector<LeaseCheck> leases;

  bool empty() const { return puts.empty() && removes.empty() && counters.empty(); }
};

/// One step of the history: record (collection, id) got `revision`, or was removed.
struct Change {
  std::uint64_t sequence = 0;
  std::string collection;
  std::string id;
  std::uint64_t revision = 0;
  bool removed = false;
};

struct Changes {
  std::vector<Change> changes;
  std::uint64_t last = 0;  ///< ask again with this
  bool gap = false;        ///< older history was cut off before `since`: forget everything cached
};

struct Lease {
  std::uint64_t epoch = 0;  ///< grows each time the holder changes
};

/// A store of records. Calls block and may be made from any thread at once. Every engine passes
/// tests/conformance's suite.
///
/// Errors: `not_found` (get), `precondition` (a revision differs, or a record exists that must not;
/// nothing was changed), `quota` (a counter's limit; `where` names the counter), `conflict` (a
/// lease), `invalid` (a query or batch that breaks the rules above), `unavailable`, `no_space`,
/// `corrupt`.
class Catalogue {
 public:
  virtual ~Catalogue() = default;

  virtual Result<Record> get(const std::string& collection, const std::string& id) = 0;

  /// As `get`, but the record may come without its facts and its place.
  virtual Result<Record> document(const std::string& collection, const std::string& id) {
    return get(collection, id);
  }

  /// The records come without their facts.
  virtual Result<Page> find(const Query& query) = 0;

  /// Applies a batch atomically and durably: when it returns success, the change survives power
  /// loss. Independent batches that arrive together are made durable together. A batch touches each
  /// record at most once.
  virtual Result<void> apply(const Batch& batch) = 0;

  /// The value of a counter; 0 if it was never touched.
  virtual Result<std::int64_t> counter(const std::string& name) = 0;

  /// At most `limit` changes with a sequence over `since`, oldest first.
  virtual Result<Changes> changes(std::uint64_t since, std::uint32_t limit) = 0;

  /// Takes or renews a lease for `holder` until `duration` from now, by the database's clock.
  /// `conflict` while another holder's lease runs.
  virtual Result<Lease> acquire(const std::string& lease, const std::string& holder,
                                std::chrono::milliseconds duration) = 0;
  /// Gives a lease up; that of another holder or none is left alone.
  virtual Result<void> release(const std::string& lease, const std::string& holder) = 0;

  /// Writes a consistent copy of the whole catalogue, as of one moment, to a new file or folder at
  /// `path`, while it serves. `unsupported` where the engine has tools of its own for it.
  virtual Result<void> backup(const std::string& path) = 0;

  /// Whether point reads are so quick (embedded, in memory) that an event loop may make them
  /// inline.
  virtual bool reads_inline() const = 0;
};

}  // namespace visor::catalogue
