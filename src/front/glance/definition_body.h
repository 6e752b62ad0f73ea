// Private to the verbs of metadata definitions: what their requests and answers have in common.
#pragma once

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "front/glance/definition_query.h"
#include "front/glance/exchange.h"
#include "service/definition_service.h"

namespace visor::front::glance {

/// The request's body, found good by the schema at "/v2/schemas/metadefs/" + `schema`.
async::Task<Result<document::Value>> read_definition(Exchange& exchange, std::string_view schema);

/// An answer of 201 to what is at this path now.
http::Response created_answer(const Exchange& exchange, const std::string& path,
                              const document::Value& document);

/// Carries the edit out and answers that there is nothing more to say.
async::Task<Result<http::Response>> answer_removal(service::DefinitionService& definitions,
                                                   Exchange& exchange, service::NamespaceEdit edit);

/// The one of this name; `not_found` if there is none. `kind`: "object".
template <class T>
Result<const T*> find_part(const std::vector<T>& parts, std::string_view kind,
                           std::string_view name) {
  const auto found = std::ranges::find(parts, name, &T::name);
  if (found != parts.end()) return &*found;
  return fail(Code::not_found, "the namespace has no " + std::string(kind) + " of the name " +
                                   std::string(name.substr(0, 80)));
}

/// A page of objects or tags, and whether others follow. `not_found` if there is none to go on
/// behind.
template <class T>
struct PartPage {
  std::vector<T> parts;
  bool more = false;
};
template <class T>
Result<PartPage<T>> page_of_parts(std::vector<T> parts, std::string_view kind,
                                  const PartQuery& query) {
  const auto before = [&query](const T& left, const T& right) {
    const auto time_of = [&query](const T& part) {
      if (query.sort == PartQuery::Sort::name) return Time();
      return query.sort == PartQuery::Sort::created ? part.created_at : part.updated_at;
    };
    if (time_of(left) != time_of(right)) {
      return (time_of(left) < time_of(right)) != query.descending;
    }
    const bool down = query.descending && query.sort == PartQuery::Sort::name;
    return down ? right.name < left.name : left.name < right.name;
  };
  std::ranges::sort(parts, before);
  if (query.after) {
    auto last = find_part(parts, kind, *query.after);
    if (!last) return pass(last);
    parts.erase(parts.begin(), parts.begin() + (*last - parts.data()) + 1);
  }
  PartPage<T> page;
  page.more = query.limit && parts.size() > *query.limit;
  if (page.more)
    parts.erase(parts.begin() + static_cast<std::ptrdiff_t>(*query.limit), parts.end());
  page.parts = std::move(parts);
  return page;
}

}  // namespace visor::front::glance
