// What people read: aligned tables, attributes one a line, sizes with units.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "client/metadata.h"
#include "document/value.h"

namespace visor::command {

/// A text without what could steer a terminal: control characters and broken UTF-8 are shown as
/// \xNN.
std::string printable(std::string_view text);

/// How many columns a printable text takes: wide characters (CJK, emoji) two, combining ones none.
std::size_t display_width(std::string_view text);

enum class Align { left, right };
struct Column {
  std::string title;
  Align align = Align::left;
};

/// A table with a line of titles, columns two blanks apart, no blanks at the ends of lines. `bold`
/// sets the titles off.
std::string format_table(const std::vector<Column>& columns,
                         const std::vector<std::vector<std::string>>& rows, bool bold);

/// A value of a document as text; empty for null. Containers as JSON.
std::string value_text(const document::Value& value);

/// "name  value" lines, aligned; sizes are explained: "16777216 (16 MiB)". Empty values are left
/// out.
std::string format_attributes(const client::Attributes& attributes);

/// The members of an object as attributes, in the document's order.
client::Attributes attributes_of(const document::Value& object);

/// What a person needs of a list's `next` to go on: the marker, also if `next` is a path with a
/// query.
std::string marker_in(const std::string& next);

/// The table of `visor brief`, from {"images": [...]}.
std::string format_brief(const document::Value& document, bool bold);
/// The blocks of `visor detail`, one blank line apart.
std::string format_detail(const document::Value& document);
/// The table of `visor admin list`, from {"users": [...]}.
std::string format_users(const document::Value& document, bool bold);
/// The table of `visor admin requests`, from {"requests": [...]}.
std::string format_requests(const document::Value& document, bool bold);
/// The table of `visor admin jobs`, from {"jobs": [...]}.
std::string format_jobs(const document::Value& document, bool bold);
/// The table of `visor store list`, from {"stores": [...]}.
std::string format_stores(const document::Value& document, bool bold);
/// The table of `visor store check`, from {"checks": [...]}.
std::string format_checks(const document::Value& document, bool bold);
/// The table of `visor store copies`, from {"copies": [...]}.
std::string format_copies(const document::Value& document, bool bold);
/// The table of `visor store jobs`, from {"placements": [...]}; ages are those at `now`.
std::string format_placements(const document::Value& document, Time now, bool bold);

}  // namespace visor::command
