#include "catalogue/rules.h"

#include <algorithm>
#include <limits>
#include <set>
#include <utility>

namespace visor::catalogue {

namespace {

constexpr std::uint32_t kMaxLimit = 1000;
constexpr std::chrono::milliseconds kMaxLease = std::chrono::hours(24 * 3660);

bool is_name(std::string_view text) { return !text.empty() && text.size() <= kMaxName; }

std::unexpected<Error> bad_name(const char* what) {
  return fail(Code::invalid,
              std::string("the ") + what + " must have 1 to " + std::to_string(kMaxName) + " bytes",
              "catalogue.check");
}

std::string record_name(std::string_view collection, std::string_view id) {
  return "collection=" + std::string(collection) + " id=" + std::string(id);
}

}  // namespace

Result<void> check(const Query& query) {
  if (!is_name(query.collection)) return bad_name("name of the collection to search");
  if (query.limit < 1 || query.limit > kMaxLimit) {
    return fail(Code::invalid,
                "the limit of a query must be 1 to " + std::to_string(kMaxLimit) + ", not " +
                    std::to_string(query.limit),
                "catalogue.check");
  }
  if (query.sort.size() > kMaxName) return bad_name("name of the attribute to sort by");
  for (const Fact& filter : query.filters) {
    if (!is_name(filter.name)) return bad_name("name of an attribute to filter by");
  }
  for (const Condition& condition : query.conditions) {
    if (!is_name(condition.name)) return bad_name("name of an attribute to filter by");
  }
  return {};
}

Result<void> check(const Batch& batch) {
  std::set<std::pair<std::string_view, std::string_view>> touched;
  auto twice = [](std::string_view collection, std::string_view id) {
    return fail(Code::invalid, "a batch touches each record at most once",
                record_name(collection, id));
  };
  for (const Put& put : batch.puts) {
    const Record& record = put.record;
    if (!is_name(record.collection)) return bad_name("name of a record's collection");
    if (!is_name(record.id)) return bad_name("id of a record");
    if (std::max(put.expected, put.continues) >= std::numeric_limits<std::int64_t>::max()) {
      return fail(Code::invalid, "the expected revision is beyond what a catalogue counts",
                  record_name(record.collection, record.id));
    }
    if (put.came > kLastTime) {
      return fail(Code::invalid, "the time of a record is beyond what a catalogue counts",
                  record_name(record.collection, record.id));
    }
    for (const Fact& fact : record.facts) {
      if (!is_name(fact.name)) return bad_name("name of an attribute");
      if (fact.value.size() > kMaxFactValue) {
        return fail(Code::invalid,
                    "the value of '" + fact.name + "' has " + std::to_string(fact.value.size()) +
                        " bytes; what is searched by has at most " + std::to_string(kMaxFactValue),
                    record_name(record.collection, record.id));
      }
    }
    if (!touched.emplace(record.collection, record.id).second)
      return twice(record.collection, record.id);
  }
  for (const Remove& remove : batch.removes) {
    if (!is_name(remove.collection)) return bad_name("name of a record's collection");
    if (!is_name(remove.id)) return bad_name("id of a record");
    if (remove.expected == 0) {
      return fail(Code::invalid, "a record to remove needs the revision it is expected to have",
                  record_name(remove.collection, remove.id));
    }
    if (!touched.emplace(remove.collection, remove.id).second)
      return twice(remove.collection, remove.id);
  }
  for (const CounterChange& change : batch.counters) {
    if (!is_name(change.counter)) return bad_name("name of a counter");
  }
  for (const LeaseCheck& lease : batch.leases) {
    if (!is_name(lease.lease)) return bad_name("name of a lease");
  }
  return {};
}

Result<void> check_lease(const std::string& lease, const std::string& holder,
                         std::chrono::milliseconds duration) {
  if (!is_name(lease)) return bad_name("name of a lease");
  if (!is_name(holder)) return bad_name("name of a lease's holder");
  if (duration.count() < 0 || duration > kMaxLease) {
    return fail(Code::invalid, "a lease runs for 0 milliseconds to ten years", "lease=" + lease);
  }
  return {};
}

Result<std::int64_t> changed(std::int64_t value, const CounterChange& change) {
  std::int64_t sum = 0;
  const bool overflow = __builtin_add_overflow(value, change.delta, &sum);
  if (change.delta > 0 && (overflow || (change.limit && sum > *change.limit))) {
    return fail(Code::quota, "the quota does not allow this: its limit would be passed",
                change.counter);
  }
  if (overflow || sum < 0) {
    return fail(Code::internal, "a counter of the catalogue would fall below zero", change.counter);
  }
  return sum;
}

std::unexpected<Error> no_such_record(std::string_view collection, std::string_view id) {
  return fail(Code::not_found, "there is no such record in the catalogue",
              record_name(collection, id));
}

std::unexpected<Error> revision_differs(std::string_view collection, std::string_view id,
                                        std::uint64_t expected, std::uint64_t found) {
  std::string message =
      "the record was changed in the meantime: read it again and repeat the change";
  if (expected == 0) message = "a record with this id exists already";
  if (expected != 0 && found == 0) message = "the record does not exist any more";
  return fail(Code::precondition, std::move(message),
              record_name(collection, id) + " expected=" + std::to_string(expected) +
                  " found=" + std::to_string(found));
}

std::unexpected<Error> lease_lost(const LeaseCheck& check) {
  return fail(Code::conflict,
              "the work was taken over by another process: its lease is not held any more",
              "lease=" + check.lease + " epoch=" + std::to_string(check.epoch));
}

std::unexpected<Error> lease_taken(std::string_view lease) {
  return fail(Code::conflict, "another process holds this lease until it runs out or is given up",
              "lease=" + std::string(lease));
}

}  // namespace visor::catalogue
