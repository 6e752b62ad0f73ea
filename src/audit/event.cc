#include "audit/event.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <utility>

#include "base/encoding.h"
#include "base/harmful_characters.h"
#include "document/json.h"

namespace visor::audit {
namespace {

constexpr std::size_t kSealDigits = 32;
constexpr std::size_t kHashDigits = 64;
constexpr std::string_view kSealMember = ",\"seal\":\"";

/// At most `limit` bytes, not cut in the middle of a character.
std::string_view cut(std::string_view text, std::size_t limit) {
  if (text.size() <= limit) return text;
  std::size_t end = limit;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80 && limit - end < 4)
    --end;
  return text.substr(0, end);
}

/// Bytes that are no UTF-8 and control characters never reach a terminal: JSON escapes them, but
/// for DEL and those of the second half of Latin 1, which it lets pass. What turns the direction of
/// text is escaped here: it is a part of names, and would make a line read as another one.
void append_text(std::string& out, std::string_view text) {
  std::string clean;
  clean.reserve(text.size());
  while (!text.empty()) {
    const Utf8Character character = first_utf8_character(text);
    const bool control =
        character.code == 0x7f || (character.code >= 0x80 && character.code < 0xa0);
    if (!character.valid || control) {
      clean += "\uFFFD";
    } else {
      clean += text.substr(0, character.length);
    }
    text.remove_prefix(character.length);
  }
  std::string quoted;
  document::append_json_string(quoted, clean);
  for (std::string_view rest = quoted; !rest.empty();) {
    const Utf8Character character = first_utf8_character(rest);
    if (harmful_in_text(character.code)) {
      std::array<char, 8> escape{};
      std::snprintf(escape.data(), escape.size(), "\\u%04x", character.code & 0xffff);
      out += escape.data();
    } else {
      out += rest.substr(0, character.length);
    }
    rest.remove_prefix(character.length);
  }
}

void add_text(std::string& out, std::string_view name, std::string_view text,
              std::size_t limit = kLongestText) {
  if (text.empty()) return;
  out.append(",\"").append(name).append("\":");
  append_text(out, cut(text, limit));
}

void add_number(std::string& out, std::string_view name, std::uint64_t number) {
  out.append(",\"").append(name).append("\":").append(std::to_string(number));
}

std::unexpected<Error> malformed(std::string what) {
  return fail(Code::corrupt, "the line " + std::move(what));
}

std::string text_of(const document::Value& object, std::string_view name) {
  const std::string* text = object.text(name);
  return text == nullptr ? std::string() : *text;
}

std::optional<std::uint64_t> number_of(const document::Value& object, std::string_view name) {
  const auto number = object.integer(name);
  if (!number || *number < 0) return std::nullopt;
  return static_cast<std::uint64_t>(*number);
}

/// A line in the part that is sealed and its seal; nothing if it does not end as a line does.
std::optional<std::pair<std::string_view, std::string_view>> split(std::string_view line) {
  constexpr std::string_view kEnd = "\"}";
  const std::size_t tail = kSealMember.size() + kSealDigits + kEnd.size();
  if (line.size() < tail || !line.ends_with(kEnd)) return std::nullopt;
  const std::size_t start = line.size() - tail;
  if (line.substr(start, kSealMember.size()) != kSealMember) return std::nullopt;
  return std::pair(line.substr(0, start), line.substr(start + kSealMember.size(), kSealDigits));
}

std::string digits_of(const Secret& key, std::string_view text) {
  return to_hex(hmac(DigestAlgorithm::sha256, key.reveal(), text)).substr(0, kSealDigits);
}

}  // namespace

std::string_view to_string(Outcome outcome) {
  switch (outcome) {
    case Outcome::begun:
      return "begun";
    case Outcome::done:
      return "done";
    case Outcome::refused:
      return "refused";
    case Outcome::failed:
      return "failed";
  }
  return "failed";
}

std::string_view to_string(Role role) {
  switch (role) {
    case Role::anonymous:
      return "anonymous";
    case Role::claimed:
      return "claimed";
    case Role::user:
      return "user";
    case Role::administrator:
      return "administrator";
    case Role::server:
      return "server";
  }
  return "server";
}

Event own_event(std::string verb, std::string detail) {
  Event event;
  event.verb = std::move(verb);
  event.detail = std::move(detail);
  return event;
}

Event event_of(const Principal& who, std::string verb) {
  Event event;
  event.verb = std::move(verb);
  event.role = who.anonymous()     ? Role::anonymous
               : who.administrator ? Role::administrator
                                   : Role::user;
  event.account = who.account;
  event.everybody = who.everybody;
  event.request = std::string(who.origin.request);
  event.from = std::string(who.origin.address);
  return event;
}

Seal::Seal(Secret key) {
  key_id_ = to_hex(hmac(DigestAlgorithm::sha256, key.reveal(), "visor audit key id")).substr(0, 16);
  keys_.push_back(std::move(key));
}

void Seal::also_takes(Secret key) { keys_.push_back(std::move(key)); }

std::string Seal::of(std::string_view text) const { return digits_of(keys_.front(), text); }

bool Seal::fits(std::string_view text, std::string_view digits) const {
  return std::ranges::any_of(keys_, [&](const Secret& key) {
    return equal_in_constant_time(digits_of(key, text), digits);
  });
}

Secret seal_key(const Secret& master_key) {
  return Secret(hmac(DigestAlgorithm::sha256, master_key.reveal(), "visor audit log seal 1"));
}

std::string write_line(const Event& event, Time time, const Link& previous, const Seal& seal) {
  std::string line = "{\"sequence\":" + std::to_string(previous.sequence + 1);
  line.append(",\"time\":\"").append(format_time(time)).append("\"");
  add_text(line, "verb", event.verb);
  add_text(line, "outcome", to_string(event.outcome));
  if (event.of != 0) add_number(line, "of", event.of);
  if (event.error) add_text(line, "error", visor::to_string(*event.error));
  add_text(line, "role", to_string(event.role));
  add_text(line, "account", event.account);
  if (event.everybody) line += ",\"scope\":\"all\"";
  add_text(line, "from", event.from);
  add_text(line, "request", event.request);
  add_text(line, "image", event.image);
  add_text(line, "subject", event.subject);
  if (event.size) add_number(line, "size", *event.size);
  add_text(line, "sha256", event.sha256);
  add_text(line, "detail", event.detail, kLongestDetail);
  // A line that begins a file or a run says what seals what follows.
  if (event.verb.starts_with("log.")) add_text(line, "key", seal.key_id());
  line.append(",\"previous\":\"").append(previous.hash).append("\"");
  append_seal(line, seal);
  return line;
}

void append_seal(std::string& object, const Seal& seal) {
  const std::string digits = seal.of(object);
  object.append(kSealMember).append(digits).append("\"}");
}

std::string format_time(Time time) {
  const auto seconds = std::chrono::floor<std::chrono::seconds>(time);
  std::string text = format_iso_time(seconds);
  std::array<char, 16> fraction{};
  std::snprintf(fraction.data(), fraction.size(), ".%06dZ",
                static_cast<int>((time - seconds).count()));
  text.pop_back();
  return text + fraction.data();
}

Link link_of(std::uint64_t sequence, std::string_view line) {
  return {sequence, digest_hex(DigestAlgorithm::sha256, line)};
}

Result<Line> read_line(std::string_view text) {
  const auto parts = split(text);
  if (!parts) return malformed("does not end with a seal");
  auto value = document::parse_json(text);
  if (!value) return malformed("is no JSON: " + value.error().message);
  if (!value->is_object()) return malformed("is no JSON object");
  const auto sequence = number_of(*value, "sequence");
  if (!sequence || *sequence == 0) return malformed("has no sequence number");
  Line line;
  line.sequence = *sequence;
  line.time = text_of(*value, "time");
  line.previous = text_of(*value, "previous");
  line.seal = std::string(parts->second);
  line.verb = text_of(*value, "verb");
  line.outcome = text_of(*value, "outcome");
  if (line.time.empty() || line.verb.empty() || line.outcome.empty()) {
    return malformed("lacks its time, verb or outcome");
  }
  if (!line.previous.empty() && line.previous.size() != kHashDigits) {
    return malformed("does not name the line before it");
  }
  line.account = text_of(*value, "account");
  line.role = text_of(*value, "role");
  line.image = text_of(*value, "image");
  line.subject = text_of(*value, "subject");
  line.from = text_of(*value, "from");
  line.request = text_of(*value, "request");
  line.error = text_of(*value, "error");
  line.detail = text_of(*value, "detail");
  line.key = text_of(*value, "key");
  line.sha256 = text_of(*value, "sha256");
  line.of = number_of(*value, "of").value_or(0);
  line.size = number_of(*value, "size");
  return line;
}

bool sealed(std::string_view line, const Seal& seal) {
  const auto parts = split(line);
  return parts && seal.fits(parts->first, parts->second);
}

}  // namespace visor::audit
