#include "app/configuration_reader.h"

#include <algorithm>
#include <array>

#include "base/encoding.h"
#include "base/units.h"

namespace visor::app {
namespace {

using Kind = ConfigurationNode::Kind;

constexpr std::array<Choice<bool>, 4> kFlags = {
    {{"true", true}, {"false", false}, {"yes", true}, {"no", false}}};

std::string_view name_of(Kind kind) {
  switch (kind) {
    case Kind::nothing:
      return "nothing";
    case Kind::text:
      return "a single value";
    case Kind::list:
      return "a list";
    case Kind::map:
      return "a map";
  }
  return "something else";
}

/// Whether a key's value is better not repeated in a message.
bool secret_key(std::string_view path) {
  const std::string name = to_lower(path.substr(path.rfind('.') + 1));
  for (const std::string_view word : {"secret", "password", "token", "credential", "access_key"}) {
    if (name.contains(word)) return true;
  }
  return false;
}

/// A value without the credentials of URIs in it.
std::string without_credentials(std::string_view text) {
  const std::size_t authority = text.find("://");
  const std::size_t at = text.rfind('@');
  if (authority == std::string_view::npos || at == std::string_view::npos || at < authority) {
    return std::string(text);
  }
  return std::string(text.substr(0, authority + 3)) + "…" + std::string(text.substr(at));
}

template <class Names>
std::string listed(const Names& names) {
  std::string text;
  for (const auto& name : names) {
    if (!text.empty()) text += ", ";
    text += name;
  }
  return text;
}

/// Insertions, deletions, exchanges and swaps of neighbours that make one word of the other
/// (optimal string alignment).
std::size_t distance(std::string_view left, std::string_view right) {
  std::vector<std::vector<std::size_t>> steps(left.size() + 1,
                                              std::vector<std::size_t>(right.size() + 1));
  for (std::size_t i = 0; i <= left.size(); ++i) {
    for (std::size_t j = 0; j <= right.size(); ++j) {
      if (i == 0 || j == 0) {
        steps[i][j] = i + j;
        continue;
      }
      const std::size_t exchange = left[i - 1] == right[j - 1] ? 0 : 1;
      steps[i][j] =
          std::min({steps[i - 1][j] + 1, steps[i][j - 1] + 1, steps[i - 1][j - 1] + exchange});
      if (i > 1 && j > 1 && left[i - 1] == right[j - 2] && left[i - 2] == right[j - 1]) {
        steps[i][j] = std::min(steps[i][j], steps[i - 2][j - 2] + 1);
      }
    }
  }
  return steps.back().back();
}

}  // namespace

std::string_view closest(std::string_view word, std::span<const std::string> names) {
  constexpr std::size_t kLongest = 64;
  if (word.size() > kLongest) return {};
  const std::string lower = to_lower(word);
  std::string_view best;
  std::size_t best_distance = std::max<std::size_t>(word.size() / 3, 1) + 1;
  for (const std::string& name : names) {
    const std::size_t steps = distance(lower, name);
    if (steps < best_distance) {
      best_distance = steps;
      best = name;
    }
  }
  return best;
}

void Findings::mistake(int line, const std::string& path, const std::string& sentence) {
  std::string text = file_name_ + ":" + std::to_string(line) + ": ";
  if (!path.empty()) text += path + ": ";
  mistakes_.emplace(line, text + sentence);
}

std::string Findings::text() const {
  constexpr std::size_t kMost = 10;
  std::string text;
  std::size_t shown = 0;
  for (const auto& [line, mistake] : mistakes_) {
    if (++shown > kMost) {
      return text + "\n" + file_name_ + ": and " + std::to_string(mistakes_.size() - kMost) +
             " more mistakes";
    }
    text += (shown == 1 ? "" : "\n") + mistake;
  }
  return text;
}

void Value::wrong(std::string_view sentence) const {
  std::string shown = "the value (not shown here)";
  if (!secret_key(path_)) shown = in_quotes(without_credentials(node_->text));
  mistake(shown + " " + std::string(sentence));
}

void Value::wrong_choice(std::span<const std::string_view> names) const {
  wrong("is not allowed here; allowed are: " + listed(names));
}

std::optional<std::string> Value::text() const {
  if (node_->kind == Kind::nothing) {
    mistake("has no value; write one, or remove the key to get the default");
    return std::nullopt;
  }
  if (node_->kind != Kind::text) {
    mistake("must be a single value, not " + std::string(name_of(node_->kind)));
    return std::nullopt;
  }
  if (node_->text.empty()) {
    mistake("is empty; write a value, or remove the key to get the default");
    return std::nullopt;
  }
  for (const char c : node_->text) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) {
      wrong("has a control character or a line break in it");
      return std::nullopt;
    }
  }
  return node_->text;
}

std::optional<std::string> Value::path_text() const {
  auto path = text();
  if (!path || !path->starts_with('~')) return path;
  wrong("begins with '~', which only a shell expands; write the path out");
  return std::nullopt;
}

std::optional<bool> Value::flag() const { return choice(std::span<const Choice<bool>>(kFlags)); }

std::optional<std::uint64_t> Value::count(std::uint64_t least, std::uint64_t most) const {
  const auto written = text();
  if (!written) return std::nullopt;
  const auto number = parse_unsigned(*written);
  if (number && *number >= least && *number <= most) return number;
  wrong("is not a whole number from " + std::to_string(least) + " to " + std::to_string(most));
  return std::nullopt;
}

std::optional<std::uint64_t> Value::size(std::uint64_t least, std::uint64_t most) const {
  const auto written = text();
  if (!written) return std::nullopt;
  const auto bytes = parse_size(*written);
  if (!bytes) {
    wrong("is not a size; write for example 512, 64 KiB, 1.5 GiB or 10 TB");
  } else if (*bytes < least) {
    wrong("is too small; the least is " + format_size(least));
  } else if (*bytes > most) {
    wrong("is too large; the most is " + format_size(most));
  } else {
    return bytes;
  }
  return std::nullopt;
}

std::optional<std::chrono::milliseconds> Value::duration(std::chrono::milliseconds least,
                                                         std::chrono::milliseconds most) const {
  const auto written = text();
  if (!written) return std::nullopt;
  const auto time = parse_duration(*written);
  if (!time) {
    wrong("is not a duration; write for example 250ms, 30s, 15m, 12h or 7d");
  } else if (*time < least) {
    wrong("is too short; the least is " + format_duration(least));
  } else if (*time > most) {
    wrong("is too long; the most is " + format_duration(most));
  } else {
    return time;
  }
  return std::nullopt;
}

bool Value::none() const { return node_->kind == Kind::text && node_->text == "none"; }

std::vector<Value> Value::elements() const {
  std::vector<Value> all;
  if (node_->kind == Kind::nothing) return all;
  if (node_->kind != Kind::list) {
    mistake("must be a list, not " + std::string(name_of(node_->kind)) +
            "; write each element on a line of its own behind '- ', or all of them in [ ]");
    return all;
  }
  for (std::size_t i = 0; i < node_->entries.size(); ++i) {
    const ConfigurationEntry& entry = node_->entries[i];
    all.emplace_back(*findings_, entry.value, path_ + "[" + std::to_string(i) + "]", entry.line);
  }
  return all;
}

Section::Section(const Value& value) : value_(value) {
  const Kind kind = value.node().kind;
  if (kind == Kind::text || kind == Kind::list) {
    value.mistake("must be a section with keys below it, not " + std::string(name_of(kind)));
  }
}

std::string Section::path_of(std::string_view name) const {
  return value_.path().empty() ? std::string(name) : value_.path() + "." + std::string(name);
}

std::optional<Value> Section::find(std::string_view name) {
  known_.emplace_back(name);
  value_.findings().known(path_of(name));
  if (value_.node().kind != Kind::map) return std::nullopt;
  for (const ConfigurationEntry& entry : value_.node().entries) {
    if (entry.key == name) return Value(value_.findings(), entry.value, path_of(name), entry.line);
  }
  return std::nullopt;
}

void Section::flag(std::string_view name, bool& target) {
  if (const auto value = find(name)) target = value->flag().value_or(target);
}

void Section::path(std::string_view name, std::string& target) {
  if (const auto value = find(name)) target = value->path_text().value_or(target);
}

void Section::size(std::string_view name, std::uint64_t& target, std::uint64_t least,
                   std::uint64_t most) {
  if (const auto value = find(name)) target = value->size(least, most).value_or(target);
}

void Section::duration(std::string_view name, std::chrono::milliseconds& target,
                       std::chrono::milliseconds least, std::chrono::milliseconds most) {
  if (const auto value = find(name)) target = value->duration(least, most).value_or(target);
}

void Section::section(std::string_view name, const std::function<void(Section&)>& read) {
  static const ConfigurationNode kNothing;
  const auto found = find(name);
  Section inner(found ? *found : Value(value_.findings(), kNothing, path_of(name), value_.line()));
  read(inner);
  inner.finish();
}

std::vector<std::pair<std::string, Value>> Section::entries() const {
  std::vector<std::pair<std::string, Value>> all;
  if (value_.node().kind != Kind::map) return all;
  for (const ConfigurationEntry& entry : value_.node().entries) {
    all.emplace_back(entry.key,
                     Value(value_.findings(), entry.value, path_of(entry.key), entry.line));
  }
  return all;
}

void Section::finish() {
  if (value_.node().kind != Kind::map) return;
  for (const ConfigurationEntry& entry : value_.node().entries) {
    if (std::ranges::find(known_, entry.key) != known_.end()) continue;
    std::string sentence = "unknown key " + in_quotes(entry.key);
    const std::string_view meant = closest(entry.key, known_);
    if (!meant.empty()) sentence += "; did you mean '" + std::string(meant) + "'?";
    sentence += (meant.empty() ? "; allowed here are: " : " Allowed here are: ") + listed(known_);
    value_.findings().mistake(entry.line, value_.path(), sentence);
  }
}

}  // namespace visor::app
