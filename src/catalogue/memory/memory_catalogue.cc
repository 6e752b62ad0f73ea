#include "catalogue/memory/memory_catalogue.h"

#include <algorithm>
#include <iterator>
#include <optional>
#include <tuple>
#include <utility>

#include "catalogue/rules.h"

namespace visor::catalogue {

namespace {

bool has_fact(const Record& record, std::string_view name, std::string_view value) {
  return std::ranges::any_of(
      record.facts, [&](const Fact& fact) { return fact.name == name && fact.value == value; });
}

bool meets(const Record& record, const Condition& condition) {
  const bool any = std::ranges::any_of(record.facts, [&](const Fact& fact) {
    return fact.name == condition.name && condition.holds(fact.value);
  });
  return any != condition.negated;
}

bool matches(const Record& record, const Query& query) {
  if (query.access && std::ranges::none_of(*query.access, [&](const std::string& value) {
        return has_fact(record, kAccessFact, value);
      })) {
    return false;
  }
  if (!std::ranges::all_of(query.conditions,
                           [&](const Condition& condition) { return meets(record, condition); })) {
    return false;
  }
  return std::ranges::all_of(query.filters, [&](const Fact& filter) {
    return has_fact(record, filter.name, filter.value);
  });
}

std::string smallest_value(const Record& record, const std::string& name) {
  std::optional<std::string> smallest;
  for (const Fact& fact : record.facts) {
    if (fact.name == name && (!smallest || fact.value < *smallest)) smallest = fact.value;
  }
  return smallest.value_or("");
}

// Where a record stands in the order of a query: what does not count in it is empty.
using Standing = std::tuple<std::string, std::uint64_t, std::string>;

Standing standing(const std::string& sort, std::string value, std::uint64_t place, std::string id) {
  if (sort.empty()) return {"", 0, std::move(id)};
  if (sort == kNaturalOrder) value.clear();
  return {std::move(value), place, ""};
}

struct Hit {
  Standing standing;
  std::string value;
  const Record* record = nullptr;
};

}  // namespace

Result<Record> MemoryCatalogue::get(const std::string& collection, const std::string& id) {
  const std::lock_guard lock(mutex_);
  const auto found = records_.find({collection, id});
  if (found == records_.end()) return no_such_record(collection, id);
  return found->second;
}

Result<Page> MemoryCatalogue::find(const Query& query) {
  if (auto checked = check(query); !checked) return pass(checked);
  const bool descending = query.direction == Direction::descending;
  auto before = [&](const Standing& left, const Standing& right) {
    return descending ? left > right : left < right;
  };

  const std::lock_guard lock(mutex_);
  std::vector<Hit> hits;
  for (auto entry = records_.lower_bound({query.collection, ""});
       entry != records_.end() && entry->first.first == query.collection; ++entry) {
    const Record& record = entry->second;
    if (!matches(record, query)) continue;
    const bool by_fact = !query.sort.empty() && query.sort != kNaturalOrder;
    const std::string value = by_fact ? smallest_value(record, query.sort) : "";
    Hit hit{standing(query.sort, value, record.place, record.id), value, &record};
    if (query.after) {
      const Standing after =
          standing(query.sort, query.after->value, query.after->place, query.after->id);
      if (!before(after, hit.standing)) continue;
    }
    hits.push_back(std::move(hit));
  }
  std::ranges::sort(hits, before, &Hit::standing);

  Page page;
  const bool more = hits.size() > query.limit;
  if (more) hits.resize(query.limit);
  for (const Hit& hit : hits) {
    page.records.push_back(*hit.record);
    page.records.back().facts.clear();
  }
  if (more) {
    const Record& last = *hits.back().record;
    page.next = Query::Position{hits.back().value, last.id, last.place};
  }
  return page;
}

Result<void> MemoryCatalogue::check_revision(const Key& key, std::uint64_t expected) const {
  const auto found = records_.find(key);
  const std::uint64_t revision = found == records_.end() ? 0 : found->second.revision;
  if (revision != expected) return revision_differs(key.first, key.second, expected, revision);
  return {};
}

Result<void> MemoryCatalogue::apply(const Batch& batch) {
  if (auto checked = check(batch); !checked) return checked;
  const std::lock_guard lock(mutex_);

  // Everything is checked before anything is changed.
  const Time now = options_.clock->now();
  for (const LeaseCheck& lease : batch.leases) {
    const auto held = leases_.find(lease.lease);
    if (held == leases_.end() || held->second.epoch != lease.epoch || held->second.expires <= now) {
      return lease_lost(lease);
    }
  }
  for (const Put& put : batch.puts) {
    if (auto same = check_revision({put.record.collection, put.record.id}, put.expected); !same)
      return same;
  }
  for (const Remove& remove : batch.removes) {
    if (auto same = check_revision({remove.collection, remove.id}, remove.expected); !same)
      return same;
  }
  std::map<std::string, std::int64_t> counters;
  for (const CounterChange& change : batch.counters) {
    const auto known = counters_.find(change.counter);
    auto& value = counters.emplace(change.counter, known == counters_.end() ? 0 : known->second)
                      .first->second;
    auto sum = changed(value, change);
    if (!sum) return pass(sum);
    value = *sum;
  }

  for (const Put& put : batch.puts) {
    const Key key{put.record.collection, put.record.id};
    Record& record = records_[key];
    const std::uint64_t place = put.expected == 0 ? take_place(put.came) : record.place;
    record = put.record;
    record.revision = put.stored();
    record.place = place;
    log_change(key, record.revision, false);
  }
  for (const Remove& remove : batch.removes) {
    const Key key{remove.collection, remove.id};
    places_.erase(records_.at(key).place);
    records_.erase(key);
    log_change(key, remove.expected, true);
  }
  for (auto& [name, value] : counters) counters_[name] = value;
  return {};
}

std::uint64_t MemoryCatalogue::take_place(std::uint64_t came) {
  const auto last_below = [this](std::uint64_t first,
                                 std::uint64_t end) -> std::optional<std::uint64_t> {
    const auto behind = places_.lower_bound(end);
    if (behind == places_.begin() || *std::prev(behind) < first) return std::nullopt;
    return *std::prev(behind);
  };
  const std::uint64_t place = next_place(came, last_below);
  places_.insert(place);
  return place;
}

void MemoryCatalogue::log_change(const Key& key, std::uint64_t revision, bool removed) {
  log_.push_back({++last_sequence_, key.first, key.second, revision, removed});
  if (log_.size() > std::max<std::size_t>(options_.change_log_rows, 1)) log_.pop_front();
}

Result<std::int64_t> MemoryCatalogue::counter(const std::string& name) {
  const std::lock_guard lock(mutex_);
  const auto found = counters_.find(name);
  return found == counters_.end() ? 0 : found->second;
}

Result<Changes> MemoryCatalogue::changes(std::uint64_t since, std::uint32_t limit) {
  const std::lock_guard lock(mutex_);
  Changes result;
  const std::uint64_t oldest = log_.empty() ? last_sequence_ + 1 : log_.front().sequence;
  // A reader that is ahead of the history followed another one, as before a restore.
  result.gap = since + 1 < oldest || since > last_sequence_;
  result.last = std::min(since, last_sequence_);
  auto first = std::ranges::upper_bound(log_, since, {}, &Change::sequence);
  for (; first != log_.end() && result.changes.size() < limit; ++first)
    result.changes.push_back(*first);
  if (!result.changes.empty()) result.last = result.changes.back().sequence;
  return result;
}

Result<Lease> MemoryCatalogue::acquire(const std::string& lease, const std::string& holder,
                                       std::chrono::milliseconds duration) {
  if (auto checked = check_lease(lease, holder, duration); !checked) return pass(checked);
  const std::lock_guard lock(mutex_);
  const Time now = options_.clock->now();
  HeldLease& held = leases_[lease];
  if (held.holder != holder) {
    if (!held.holder.empty() && held.expires > now) return lease_taken(lease);
    ++held.epoch;
    held.holder = holder;
  }
  held.expires = now + duration;
  return Lease{held.epoch};
}

Result<void> MemoryCatalogue::release(const std::string& lease, const std::string& holder) {
  const std::lock_guard lock(mutex_);
  const auto held = leases_.find(lease);
  if (held == leases_.end() || held->second.holder != holder) return {};
  held->second.holder.clear();
  held->second.expires = Time{};
  return {};
}

Result<void> MemoryCatalogue::backup(const std::string&) {
  return fail(Code::unsupported,
              "a catalogue in memory has no file to back up: use an engine that keeps one");
}

}  // namespace visor::catalogue
