#include "output.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>

#include "base/encoding.h"
#include "base/units.h"
#include "document/json.h"

namespace visor::command {
namespace {

using document::Value;

struct Character {
  char32_t code = 0;
  std::size_t length = 0;  ///< bytes; 0: not well-formed here
};

Character next_character(std::string_view text) {
  const auto first = static_cast<unsigned char>(text.front());
  const std::size_t length = first < 0x80             ? 1
                             : (first & 0xe0) == 0xc0 ? 2
                             : (first & 0xf0) == 0xe0 ? 3
                             : (first & 0xf8) == 0xf0 ? 4
                                                      : 0;
  if (length == 0 || text.size() < length || !valid_utf8(text.substr(0, length))) return {first, 0};
  if (length == 1) return {first, 1};
  char32_t code = first & (0x7fU >> length);
  for (std::size_t at = 1; at < length; ++at) {
    code = (code << 6) | (static_cast<unsigned char>(text[at]) & 0x3fU);
  }
  return {code, length};
}

struct Range {
  char32_t first;
  char32_t last;
};

bool within(char32_t code, std::span<const Range> ranges) {
  return std::ranges::any_of(
      ranges, [code](const Range& range) { return code >= range.first && code <= range.last; });
}

// Unicode: what takes no column, and what takes two (East Asian Width W and F, in blocks).
constexpr std::array<Range, 8> kCombining{{{0x300, 0x36f},
                                           {0x483, 0x489},
                                           {0x591, 0x5bd},
                                           {0x200b, 0x200d},
                                           {0x1ab0, 0x1aff},
                                           {0x20d0, 0x20ff},
                                           {0xfe00, 0xfe0f},
                                           {0xfe20, 0xfe2f}}};
constexpr std::array<Range, 9> kWide{{{0x1100, 0x115f},
                                      {0x2e80, 0x303e},
                                      {0x3041, 0xa4cf},
                                      {0xac00, 0xd7a3},
                                      {0xf900, 0xfaff},
                                      {0xfe30, 0xfe6f},
                                      {0xff00, 0xff60},
                                      {0x1f300, 0x1faff},
                                      {0x20000, 0x3fffd}}};
// Marks that turn the direction of what follows can make a line read as another one.
constexpr std::array<Range, 3> kSteering{{{0x80, 0x9f}, {0x202a, 0x202e}, {0x2066, 0x2069}}};

std::string pad(const std::string& text, std::size_t width, Align align) {
  const std::string blanks(width - std::min(width, display_width(text)), ' ');
  return align == Align::left ? text + blanks : blanks + text;
}

std::string readable_size(const Value* value) {
  if (value == nullptr) return "-";
  const std::string text = value_text(*value);
  const auto size = parse_unsigned(text);
  return size ? format_size(*size) : text.empty() ? "-" : printable(text);
}

std::string cell(const Value& object, std::string_view name) {
  const Value* value = object.find(name);
  const std::string text = value == nullptr ? std::string() : printable(value_text(*value));
  return text.empty() ? "-" : text;
}

bool counts_bytes(std::string_view name) {
  return name == "size" || name == "quota_bytes" || name == "used_bytes" || name.ends_with("_size");
}

std::string yes_or_no(const Value& object, std::string_view name) {
  return object.boolean(name).value_or(false) ? "yes" : "no";
}

/// Of a member in seconds. Rounded up: only what was not done takes no time.
std::string readable_seconds(const Value& object, std::string_view name) {
  const Value* value = object.find(name);
  const auto seconds = value == nullptr ? std::nullopt : value->as_number();
  if (!seconds || *seconds <= 0) return "-";
  return format_duration(
      std::chrono::ceil<std::chrono::milliseconds>(std::chrono::duration<double>(*seconds)));
}

std::uint64_t count_in(const Value& object, std::string_view name) {
  return static_cast<std::uint64_t>(std::max<std::int64_t>(object.integer(name).value_or(0), 0));
}

/// A share where the whole is known, else the bytes so far.
std::string progress_of(const Value& placement) {
  const std::uint64_t size = count_in(placement, "size");
  const std::uint64_t done = count_in(placement, "done");
  if (size == 0) return done == 0 ? "-" : format_size(done);
  const std::string* state = placement.text("state");
  if (done >= size || (state != nullptr && *state == "done")) return "100%";
  // Rounded down: 100% is said only when all is there.
  return std::to_string(
             static_cast<int>(static_cast<double>(done) / static_cast<double>(size) * 100)) +
         "%";
}

std::string age_of(const Value& object, Time now) {
  const std::string* text = object.text("created_at");
  if (text == nullptr) return "-";
  auto created = parse_visor_time(*text);
  if (!created) created = parse_iso_time(*text);
  if (!created) return printable(*text);
  // The server's clock may be ahead of ours.
  return format_duration(
      std::chrono::floor<std::chrono::seconds>(std::max(now - *created, Time::duration(0))));
}

/// Why it failed, or what a scrub found.
std::string remark_on(const Value& placement) {
  if (const std::string* failure = placement.text("failure")) return printable(*failure);
  const std::uint64_t damaged = count_in(placement, "damaged");
  if (damaged == 0) return {};
  return std::to_string(damaged) + " of " + std::to_string(count_in(placement, "checked")) +
         " copies damaged";
}

const Value::Array& entries(const Value& document, std::string_view name) {
  static const Value::Array kNone;
  const Value* list = document.find(name);
  return list != nullptr && list->is_array() ? *list->as_array() : kNone;
}

}  // namespace

std::string printable(std::string_view text) {
  std::string shown;
  shown.reserve(text.size());
  while (!text.empty()) {
    const Character character = next_character(text);
    const std::size_t length = std::max<std::size_t>(character.length, 1);
    const bool harmless = character.length > 0 && character.code >= 0x20 &&
                          character.code != 0x7f && !within(character.code, kSteering);
    if (harmless) {
      shown += text.substr(0, length);
    } else {
      for (const char byte : text.substr(0, length)) {
        shown += "\\x" + to_hex(std::string_view(&byte, 1));
      }
    }
    text.remove_prefix(length);
  }
  return shown;
}

std::size_t display_width(std::string_view text) {
  std::size_t width = 0;
  while (!text.empty()) {
    const Character character = next_character(text);
    if (character.length == 0) {
      ++width;
      text.remove_prefix(1);
      continue;
    }
    if (!within(character.code, kCombining)) width += within(character.code, kWide) ? 2 : 1;
    text.remove_prefix(character.length);
  }
  return width;
}

std::string format_table(const std::vector<Column>& columns,
                         const std::vector<std::vector<std::string>>& rows, bool bold) {
  std::vector<std::size_t> widths;
  for (const auto& column : columns) widths.push_back(display_width(column.title));
  for (const auto& row : rows) {
    for (std::size_t at = 0; at < columns.size() && at < row.size(); ++at) {
      widths[at] = std::max(widths[at], display_width(row[at]));
    }
  }
  const auto write_line = [&](const auto& text_at) {
    std::string line;
    for (std::size_t at = 0; at < columns.size(); ++at) {
      if (at > 0) line += "  ";
      line += pad(text_at(at), widths[at], columns[at].align);
    }
    line.erase(line.find_last_not_of(' ') + 1);
    return line;
  };
  const std::string titles = write_line([&](std::size_t at) { return columns[at].title; });
  std::string table = bold ? "\x1b[1m" + titles + "\x1b[0m\n" : titles + "\n";
  for (const auto& row : rows) {
    table += write_line([&](std::size_t at) { return at < row.size() ? row[at] : std::string(); });
    table += '\n';
  }
  return table;
}

std::string value_text(const Value& value) {
  if (value.is_null()) return {};
  if (const std::string* text = value.as_text()) return *text;
  return document::write_json(value);
}

std::string format_attributes(const client::Attributes& attributes) {
  std::size_t width = 0;
  for (const auto& [name, value] : attributes) {
    if (!value.empty()) width = std::max(width, display_width(printable(name)));
  }
  std::string text;
  for (const auto& [name, value] : attributes) {
    if (value.empty()) continue;
    text += pad(printable(name), width, Align::left) + "  " + printable(value);
    if (const auto size = parse_unsigned(value);
        size && *size >= kKiB && counts_bytes(to_lower(name))) {
      text += " (" + format_size(*size) + ")";
    }
    text += '\n';
  }
  return text;
}

client::Attributes attributes_of(const Value& object) {
  client::Attributes attributes;
  if (const auto* members = object.as_object()) {
    for (const auto& [name, value] : *members) attributes.emplace_back(name, value_text(value));
  }
  return attributes;
}

std::string marker_in(const std::string& next) {
  const auto mark = next.find('?');
  if (mark == std::string::npos) return next;
  const auto parameters = client::parse_query(std::string_view(next).substr(mark + 1));
  if (!parameters) return next;
  const auto marker = client::attribute(*parameters, "marker");
  return marker ? std::string(*marker) : next;
}

std::string format_brief(const Value& document, bool bold) {
  std::vector<std::vector<std::string>> rows;
  for (const Value& image : entries(document, "images")) {
    rows.push_back({cell(image, "_id"), cell(image, "name"), cell(image, "architecture"),
                    cell(image, "type"), cell(image, "format"), cell(image, "store"),
                    readable_size(image.find("size"))});
  }
  return format_table(
      {{"ID"}, {"NAME"}, {"ARCHITECTURE"}, {"TYPE"}, {"FORMAT"}, {"STORE"}, {"SIZE", Align::right}},
      rows, bold);
}

std::string format_detail(const Value& document) {
  std::string text;
  for (const Value& image : entries(document, "images")) {
    if (!text.empty()) text += '\n';
    text += format_attributes(attributes_of(image));
  }
  return text;
}

std::string format_users(const Value& document, bool bold) {
  std::vector<std::vector<std::string>> rows;
  for (const Value& user : entries(document, "users")) {
    const bool administrator = user.boolean("administrator").value_or(false);
    rows.push_back({cell(user, "access_key"), cell(user, "email"),
                    administrator ? "administrator" : "user", cell(user, "enabled"),
                    cell(user, "may_refer"), readable_size(user.find("quota_bytes")),
                    cell(user, "quota_images")});
  }
  return format_table({{"ACCESS KEY"},
                       {"EMAIL"},
                       {"ROLE"},
                       {"ENABLED"},
                       {"REFERENCES"},
                       {"QUOTA", Align::right},
                       {"IMAGES", Align::right}},
                      rows, bold);
}

std::string format_requests(const Value& document, bool bold) {
  std::vector<std::vector<std::string>> rows;
  for (const Value& request : entries(document, "requests")) {
    const auto count = [&](std::string_view name) { return readable_size(request.find(name)); };
    rows.push_back({cell(request, "id"), cell(request, "age"), cell(request, "state"),
                    cell(request, "account"), cell(request, "client"), count("bytes_in"),
                    count("bytes_out"), count("bytes_per_second"),
                    cell(request, "method") + " " + cell(request, "path")});
  }
  return format_table({{"ID"},
                       {"SECONDS", Align::right},
                       {"STATE"},
                       {"ACCOUNT"},
                       {"CLIENT"},
                       {"IN", Align::right},
                       {"OUT", Align::right},
                       {"PER SECOND", Align::right},
                       {"REQUEST"}},
                      rows, bold);
}

std::string format_jobs(const Value& document, bool bold) {
  std::vector<std::vector<std::string>> rows;
  for (const Value& job : entries(document, "jobs")) {
    const std::string failure =
        job.find("failure") == nullptr ? std::string() : ": " + cell(job, "failure");
    rows.push_back({cell(job, "name"), cell(job, "state"), cell(job, "period"),
                    cell(job, "started_at"), cell(job, "duration"), cell(job, "result") + failure,
                    cell(job, "next_at")});
  }
  return format_table({{"JOB"},
                       {"STATE"},
                       {"PERIOD", Align::right},
                       {"LAST RUN"},
                       {"TOOK", Align::right},
                       {"RESULT"},
                       {"NEXT RUN"}},
                      rows, bold);
}

std::string format_stores(const Value& document, bool bold) {
  std::vector<std::vector<std::string>> rows;
  for (const Value& store : entries(document, "stores")) {
    rows.push_back({cell(store, "name"), yes_or_no(store, "default"), yes_or_no(store, "writable"),
                    cell(store, "references")});
  }
  return format_table({{"STORE"}, {"DEFAULT"}, {"WRITABLE"}, {"REFERENCES"}}, rows, bold);
}

std::string format_checks(const Value& document, bool bold) {
  std::vector<std::vector<std::string>> rows;
  for (const Value& check : entries(document, "checks")) {
    rows.push_back({cell(check, "store"), cell(check, "result"),
                    readable_seconds(check, "duration"), remark_on(check)});
  }
  return format_table({{"STORE"}, {"RESULT"}, {"TOOK", Align::right}, {"FAILURE"}}, rows, bold);
}

std::string format_copies(const Value& document, bool bold) {
  std::vector<std::vector<std::string>> rows;
  for (const Value& copy : entries(document, "copies")) {
    rows.push_back({cell(copy, "store"), cell(copy, "state"),
                    copy.boolean("first").value_or(false) ? "first" : "", cell(copy, "location")});
  }
  return format_table({{"STORE"}, {"STATE"}, {"READ"}, {"LOCATION"}}, rows, bold);
}

std::string format_placements(const Value& document, Time now, bool bold) {
  std::vector<std::vector<std::string>> rows;
  for (const Value& placement : entries(document, "placements")) {
    const std::string from =
        placement.find("from") == nullptr ? std::string() : cell(placement, "from") + " -> ";
    rows.push_back({cell(placement, "id"), cell(placement, "kind"), cell(placement, "state"),
                    cell(placement, "image"), from + cell(placement, "store"),
                    progress_of(placement), age_of(placement, now), remark_on(placement)});
  }
  return format_table({{"ID"},
                       {"KIND"},
                       {"STATE"},
                       {"IMAGE"},
                       {"STORE"},
                       {"PROGRESS", Align::right},
                       {"AGE", Align::right},
                       {"REMARK"}},
                      rows, bold);
}

}  // namespace visor::command
