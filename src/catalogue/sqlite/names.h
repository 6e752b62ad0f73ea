// The numbers that stand for collections and for the names of their facts in the other tables.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "catalogue/sqlite/connection.h"

namespace visor::catalogue::sqlite {

/// The number of a fact's name, or of the collection itself if `name` is empty; nothing while no
/// record has such a fact. A collection's number stays once it was given, and no number is ever
/// given twice.
std::optional<std::int64_t> find_name(Connection& connection, std::string_view collection,
                                      std::string_view name);

/// As `find_name`, and gives a new name its number. Inside a write transaction.
std::int64_t number_of_name(Connection& connection, std::string_view collection,
                            std::string_view name);

/// The name with this number; throws StorageFailure if there is none.
std::string name_with_number(Connection& connection, std::int64_t number);

/// How many records have a fact of this name, or are in the collection.
std::int64_t records_with_name(Connection& connection, std::int64_t number);

/// Adds to that; the name of a fact that no record has any more is dropped. Inside a write
/// transaction.
void count_name(Connection& connection, std::int64_t number, std::int64_t records);

}  // namespace visor::catalogue::sqlite
