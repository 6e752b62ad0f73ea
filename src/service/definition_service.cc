#include "service/definition_service.h"

#include <algorithm>
#include <map>
#include <utility>

#include "image/query.h"
#include "service/records.h"
#include "service/trail.h"

namespace visor::service {
namespace {

using Sort = NamespaceQuery::Sort;

// How often a verb starts again when somebody else changed the namespace in between.
constexpr int kAttempts = 8;

Result<void> check_may_change(const Principal& who) {
  if (who.read_only) return fail(Code::forbidden, "this caller may read only");
  if (who.administrator) return {};
  return fail(Code::forbidden, "only administrators may change metadata definitions");
}

const char* fact_of(Sort sort) {
  switch (sort) {
    case Sort::created:
      return catalogue::kNaturalOrder;
    case Sort::updated:
      return "updated";
    case Sort::name:
      return "name";
    case Sort::display_name:
      return "display_name";
    case Sort::access:
      return "access";
    case Sort::kept:
      return "kept";
    case Sort::owner:
      return "owner";
  }
  return catalogue::kNaturalOrder;
}

/// What of a record a page is gone on with behind it.
catalogue::Query::Position position_of(const catalogue::Record& record, const std::string& fact) {
  catalogue::Query::Position position;
  position.id = record.id;
  position.place = record.place;
  const auto found = std::ranges::find(record.facts, fact, &catalogue::Fact::name);
  if (found != record.facts.end()) position.value = found->value;
  return position;
}

std::optional<std::vector<std::string>> access_set(const Principal& who) {
  if (who.administrator) return std::nullopt;
  std::vector<std::string> values = {"everyone"};
  if (!who.anonymous()) values.push_back(image::account_value(who.account));
  return values;
}

std::unexpected<Error> name_taken(const std::string& name) {
  return fail(Code::conflict,
              "there is a namespace of the name " + name.substr(0, 80) + " already");
}

}  // namespace

async::Task<Result<Namespace>> DefinitionService::find(std::string name) {
  if (name.empty() || name.size() > catalogue::kMaxName) co_return no_such_namespace(name);
  Result<catalogue::Record> record = co_await catalogue_.document(kNamespaces, name);
  if (!record) {
    if (record.error().code == Code::not_found) co_return no_such_namespace(name);
    co_return pass(record);
  }
  co_return decode_namespace(*record);
}

async::Task<Result<Namespace>> DefinitionService::visible(const Principal& who, std::string name,
                                                          Trail& trail) {
  Result<Namespace> space = co_await find(name);
  if (!space || may_see(who, *space)) co_return space;
  trail.hide();
  co_return no_such_namespace(name);
}

async::Task<Result<Namespace>> DefinitionService::show(Principal who, std::string name) {
  Trail trail(audit_, who, "namespace.show");
  trail.event().detail = name;
  Result<Namespace> space = co_await visible(who, name, trail);
  if (!space) trail.fail(space.error());
  co_return space;
}

async::Task<Result<NamespacePage>> DefinitionService::list(Principal who, NamespaceQuery query) {
  catalogue::Query found;
  found.collection = kNamespaces;
  found.access = access_set(who);
  if (query.everybodys) found.filters = {{"access", *query.everybodys ? "everyone" : "owner"}};
  if (!query.resource_types.empty()) {
    catalogue::Condition condition{"resource_type", {}};
    for (std::string& type : query.resource_types) condition.ranges.push_back({type, type});
    found.conditions.push_back(std::move(condition));
  }
  found.sort = fact_of(query.sort);
  found.direction =
      query.descending ? catalogue::Direction::descending : catalogue::Direction::ascending;
  found.limit = query.limit;
  if (query.after) {
    Result<Namespace> last = co_await show(who, *query.after);
    if (!last) co_return pass(last);
    Result<catalogue::Record> record = co_await catalogue_.get(kNamespaces, last->name);
    if (!record) co_return pass(record);
    found.after = position_of(*record, found.sort);
  }
  Result<catalogue::Page> page = co_await catalogue_.find(std::move(found));
  if (!page) co_return pass(page);
  NamespacePage answer;
  answer.more = page->next.has_value();
  for (const catalogue::Record& record : page->records) {
    auto space = decode_namespace(record);
    if (!space) co_return pass(space);
    answer.namespaces.push_back(std::move(*space));
  }
  co_return answer;
}

async::Task<Result<std::vector<ResourceType>>> DefinitionService::resource_types(Principal who) {
  std::map<std::string, ResourceType> types;
  std::optional<catalogue::Query::Position> after;
  do {
    catalogue::Query query = page_of(kNamespaces, std::move(after));
    query.access = access_set(who);
    Result<catalogue::Page> page = co_await catalogue_.find(std::move(query));
    if (!page) co_return pass(page);
    for (const catalogue::Record& record : page->records) {
      auto space = decode_namespace(record);
      if (!space) co_return pass(space);
      for (const Association& association : space->associations) {
        const ResourceType first{association.name, association.created_at, association.updated_at};
        ResourceType& type = types.try_emplace(association.name, first).first->second;
        type.created_at = std::min(type.created_at, association.created_at);
        type.updated_at = std::max(type.updated_at, association.updated_at);
      }
    }
    after = std::move(page->next);
  } while (after);
  std::vector<ResourceType> all;
  for (auto& [name, type] : types) all.push_back(std::move(type));
  co_return all;
}

async::Task<Result<void>> DefinitionService::check_free(std::string name) {
  Result<Namespace> other = co_await find(name);
  if (other) co_return name_taken(name);
  if (other.error().code != Code::not_found) co_return pass(other);
  co_return Result<void>{};
}

async::Task<Result<Namespace>> DefinitionService::create(Principal who, Namespace space) {
  Trail trail(audit_, who, "namespace.create");
  trail.event().detail = space.name;
  Result<Namespace> created = co_await create_told(who, std::move(space), trail);
  co_return co_await trail.close(std::move(created));
}

async::Task<Result<Namespace>> DefinitionService::create_told(const Principal& who, Namespace space,
                                                              Trail& trail) {
  if (auto allowed = check_may_change(who); !allowed) co_return pass(allowed);
  if (space.owner.empty()) space.owner = who.account;
  date(space, clock_.now());
  auto put = put_of(space, 0);
  if (!put) co_return pass(put);
  Result<void> free = co_await check_free(space.name);
  if (!free) co_return pass(free);
  if (auto told = trail.begin(); !told) co_return pass(told);
  catalogue::Batch batch;
  batch.puts.push_back(std::move(*put));
  batch.counters.push_back({kNamespacesCounter, 1, kMostNamespaces});
  Result<void> applied = co_await catalogue_.apply(std::move(batch));
  if (!applied) {
    if (applied.error().code == Code::precondition) co_return name_taken(space.name);
    co_return pass(applied);
  }
  space.revision = 1;
  co_return space;
}

async::Task<Result<Namespace>> DefinitionService::change(Principal who, std::string name,
                                                         NamespaceEdit edit) {
  Trail trail(audit_, who, "namespace.change");
  trail.event().detail = name + ": " + edit.what;
  Result<Namespace> changed = co_await change_told(who, name, edit, trail);
  co_return co_await trail.close(std::move(changed));
}

async::Task<Result<Namespace>> DefinitionService::change_told(const Principal& who,
                                                              const std::string& name,
                                                              const NamespaceEdit& edit,
                                                              Trail& trail) {
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    Result<Namespace> space = co_await visible(who, name, trail);
    if (!space) co_return space;
    if (auto allowed = check_may_change(who); !allowed) co_return pass(allowed);
    const Time now = clock_.now();
    if (auto edited = edit.apply(*space, now); !edited) co_return pass(edited);
    space->updated_at = now;
    const bool renamed = space->name != name;
    if (renamed) {
      Result<void> free = co_await check_free(space->name);
      if (!free) co_return pass(free);
    }
    auto put = renamed ? put_of(*space, 0, space->revision) : put_of(*space, space->revision);
    if (!put) co_return pass(put);
    if (auto told = trail.begin(); !told) co_return pass(told);
    catalogue::Batch batch;
    batch.puts.push_back(std::move(*put));
    if (renamed) batch.removes.push_back({kNamespaces, name, space->revision});
    Result<void> applied = co_await catalogue_.apply(std::move(batch));
    if (applied) {
      ++space->revision;
      co_return space;
    }
    if (applied.error().code != Code::precondition) co_return pass(applied);
  }
  co_return fail(Code::conflict,
                 "the namespace is being changed by others at the same time; try again");
}

async::Task<Result<Namespace>> DefinitionService::remove(Principal who, std::string name) {
  Trail trail(audit_, who, "namespace.delete");
  trail.event().detail = name;
  Result<Namespace> removed = co_await remove_told(who, name, trail);
  co_return co_await trail.close(std::move(removed));
}

async::Task<Result<Namespace>> DefinitionService::remove_told(const Principal& who,
                                                              const std::string& name,
                                                              Trail& trail) {
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    Result<Namespace> space = co_await visible(who, name, trail);
    if (!space) co_return space;
    if (auto allowed = check_may_change(who); !allowed) co_return pass(allowed);
    if (space->kept) {
      co_return fail(Code::forbidden, "the namespace is protected: it can't be deleted");
    }
    if (auto told = trail.begin(); !told) co_return pass(told);
    catalogue::Batch batch;
    batch.removes.push_back({kNamespaces, name, space->revision});
    batch.counters.push_back({kNamespacesCounter, -1, std::nullopt});
    Result<void> applied = co_await catalogue_.apply(std::move(batch));
    if (applied) co_return space;
    if (applied.error().code != Code::precondition) co_return pass(applied);
  }
  co_return fail(Code::conflict,
                 "the namespace is being changed by others at the same time; try again");
}

}  // namespace visor::service
