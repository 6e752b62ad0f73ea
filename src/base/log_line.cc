#include "base/log_line.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <cstdio>

#include "base/encoding.h"
#include "base/harmful_characters.h"

namespace visor::log {
namespace {

/// A value longer than this is cut: a log is no place for a whole body.
constexpr std::size_t kLongestValue = 4096;

std::string_view name_of(Level level) {
  switch (level) {
    case Level::debug:
      return "debug";
    case Level::info:
      return "info";
    case Level::warning:
      return "warning";
    case Level::error:
      return "error";
    case Level::off:
      return "off";
  }
  return "error";
}

enum : unsigned char { kPlain = 1, kName = 2, kUnquoted = 4 };

// Bytes that stand for themselves in every form, that a field's name may have, and that a value may
// have without quotes around it.
constexpr auto kClasses = [] {
  std::array<unsigned char, 256> classes{};
  for (unsigned c = 0x20; c < 0x7f; ++c) {
    const char character = static_cast<char>(c);
    const bool alphanumeric =
        (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
    if (character != '\\' && character != '"') classes[c] |= kPlain;
    if (alphanumeric || character == '_' || character == '-' || character == '.') {
      classes[c] |= kName;
    }
  }
  for (unsigned c = 0; c < 256; ++c) {
    if (c != ' ' && c != '"' && c != '=') classes[c] |= kUnquoted;
  }
  return classes;
}();

bool all_of_class(std::string_view text, unsigned char wanted) {
  unsigned char common = wanted;
  for (const char c : text) common &= kClasses[static_cast<unsigned char>(c)];
  return common == wanted;
}

void append_hex(std::string& out, const char* form, std::uint32_t code) {
  std::array<char, 16> buffer{};
  const int length = std::snprintf(buffer.data(), buffer.size(), form, code);
  out.append(buffer.data(), static_cast<std::size_t>(length));
}

/// Escapes a text so that it stays on its line. JSON knows no `\x`, so there a stray byte shows as
/// the text "\xNN".
void append_escaped(std::string& out, std::string_view text, Form form, bool quoted) {
  const bool cut = text.size() > kLongestValue;
  if (!cut && all_of_class(text, kPlain)) {
    out += text;
    return;
  }
  if (cut) {
    text = text.substr(0, kLongestValue);
    while (!text.empty() && (static_cast<unsigned char>(text.back()) & 0xc0U) == 0x80U) {
      text.remove_suffix(1);
    }
    if (!text.empty() && static_cast<unsigned char>(text.back()) >= 0xc0U) text.remove_suffix(1);
  }
  while (!text.empty()) {
    const Utf8Character character = first_utf8_character(text);
    const std::string_view bytes = text.substr(0, character.length);
    text.remove_prefix(character.length);
    if (!character.valid) {
      append_hex(out, form == Form::json ? "\\\\x%02x" : "\\x%02x", character.code);
    } else if (character.code == '\\' || (character.code == '"' && quoted)) {
      out += '\\';
      out += bytes;
    } else if (character.code == '\n') {
      out += "\\n";
    } else if (character.code == '\r') {
      out += "\\r";
    } else if (character.code == '\t') {
      out += "\\t";
    } else if (harmful_in_text(character.code)) {
      append_hex(out, "\\u%04x", character.code);
    } else {
      out += bytes;
    }
  }
  if (cut) out += "...";
}

void append_name(std::string& out, std::string_view name) {
  if (all_of_class(name, kName)) {
    out += name;
    return;
  }
  for (const char c : name) {
    out += (kClasses[static_cast<unsigned char>(c)] & kName) != 0 ? c : '_';
  }
}

/// 2012-06-15T21:05:20.123Z. Only the fraction differs from one line to the next as a rule, so the
/// rest is kept.
void append_time(std::string& out, Time now) {
  // No object with a destructor: the last destructor may still log.
  thread_local std::int64_t kept_second = -1;
  thread_local std::array<char, 32> kept{};
  thread_local std::size_t kept_size = 0;
  const auto second = std::chrono::floor<std::chrono::seconds>(now);
  if (second.time_since_epoch().count() != kept_second) {
    const std::string text = format_iso_time(now);
    kept_size = std::min(text.size(), kept.size());
    text.copy(kept.data(), kept_size);
    kept[kept_size - 1] = '.';
    kept_second = second.time_since_epoch().count();
  }
  const auto millis = std::chrono::duration_cast<std::chrono::milliseconds>(now - second).count();
  out.append(kept.data(), kept_size);
  out += static_cast<char>('0' + millis / 100);
  out += static_cast<char>('0' + millis / 10 % 10);
  out += static_cast<char>('0' + millis % 10);
  out += 'Z';
}

void append_text(std::string& out, Level level, Time now, std::string_view message,
                 std::span<const Field> fields) {
  append_time(out, now);
  out += ' ';
  out += name_of(level);
  out += ' ';
  append_escaped(out, message, Form::text, false);
  for (const Field& field : fields) {
    out += ' ';
    append_name(out, field.name);
    out += '=';
    const bool quoted = field.value.empty() || !all_of_class(field.value, kUnquoted);
    if (quoted) out += '"';
    append_escaped(out, field.value, Form::text, quoted);
    if (quoted) out += '"';
  }
  out += '\n';
}

void append_json(std::string& out, Level level, Time now, std::string_view message,
                 std::span<const Field> fields) {
  out += "{\"time\":\"";
  append_time(out, now);
  out += "\",\"level\":\"";
  out += name_of(level);
  out += "\",\"message\":\"";
  append_escaped(out, message, Form::json, true);
  out += '"';
  for (const Field& field : fields) {
    out += ",\"";
    append_name(out, field.name);
    // A second member of the same name would hide the first from most readers.
    if (field.name == "time" || field.name == "level" || field.name == "message") out += '_';
    out += "\":\"";
    append_escaped(out, field.value, Form::json, true);
    out += '"';
  }
  out += "}\n";
}

}  // namespace

void append_line(std::string& out, Form form, Level level, Time now, std::string_view message,
                 std::span<const Field> fields) {
  if (form == Form::json) {
    append_json(out, level, now, message, fields);
  } else {
    append_text(out, level, now, message, fields);
  }
}

}  // namespace visor::log
