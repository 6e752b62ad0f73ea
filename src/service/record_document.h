// Private to this folder: the documents of records, member by member.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/digest.h"
#include "base/error.h"
#include "catalogue/catalogue.h"
#include "document/value.h"

namespace visor::service {

/// The error for a record that no version writes.
std::unexpected<Error> corrupt(const catalogue::Record& record, std::string_view what);
/// The record's document, an object; `corrupt` if it is none.
Result<document::Value> parse_document(const catalogue::Record& record);
/// A record without facts, not stored yet.
catalogue::Record wrap(const char* collection, std::string id, const document::Value& value);
/// When a new record came (Put::came) that was made at this time.
std::uint64_t came_at(Time created);

// What is empty is left out, and what is left out reads as empty.
void set_text(document::Value& object, const char* name, const std::string& text);
void set_time(document::Value& object, const char* name, Time time);
void set_digests(document::Value& object, const Digests& digests);
std::string text_of(const document::Value& object, std::string_view name);
std::optional<Time> time_of(const document::Value& object, std::string_view name);
std::optional<std::uint64_t> size_of(const document::Value& object, std::string_view name);
Digests digests_of(const document::Value& object);

}  // namespace visor::service
