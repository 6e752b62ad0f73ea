// Private to this folder: typed values out of a configuration's tree, and sentences about what is
// wrong with it.
#pragma once

#include <chrono>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "app/configuration_document.h"

namespace visor::app {

/// What reading a configuration found: the mistakes, and which keys were asked for.
class Findings {
 public:
  explicit Findings(std::string file_name) : file_name_(std::move(file_name)) {}

  void mistake(int line, const std::string& path, const std::string& sentence);
  bool clean() const { return mistakes_.empty(); }
  /// All mistakes in the order of their lines, each on a line of its own; the first ten of many.
  std::string text() const;

  void known(const std::string& path) { known_.insert(path); }
  /// The paths of all keys that were asked for, whether the file has them or not.
  const std::set<std::string>& known_keys() const { return known_; }

 private:
  std::string file_name_;
  std::multimap<int, std::string> mistakes_;  ///< by line
  std::set<std::string> known_;
};

/// A name that stands for a value in the file.
template <class T>
struct Choice {
  std::string_view name;
  T value;
};

/// One value and where it stands. Each reader returns nothing after it reported a mistake.
class Value {
 public:
  Value(Findings& findings, const ConfigurationNode& node, std::string path, int line)
      : findings_(&findings), node_(&node), path_(std::move(path)), line_(line) {}

  const std::string& path() const { return path_; }
  int line() const { return line_; }
  const ConfigurationNode& node() const { return *node_; }
  Findings& findings() const { return *findings_; }

  /// Reports `sentence` about this value.
  void mistake(const std::string& sentence) const { findings_->mistake(line_, path_, sentence); }
  /// Reports that the value, which is shown unless it may be a secret, `sentence`: "'0.0.0.0' has
  /// no port".
  void wrong(std::string_view sentence) const;

  std::optional<std::string> text() const;
  /// A path: not empty, and without a '~' at its start, which only a shell would expand.
  std::optional<std::string> path_text() const;
  std::optional<bool> flag() const;
  std::optional<std::uint64_t> count(std::uint64_t least, std::uint64_t most) const;
  std::optional<std::uint64_t> size(std::uint64_t least, std::uint64_t most) const;
  std::optional<std::chrono::milliseconds> duration(std::chrono::milliseconds least,
                                                    std::chrono::milliseconds most) const;
  /// Whether the value is the word `none`.
  bool none() const;
  /// The elements of a list; a missing list is empty, one scalar is no list.
  std::vector<Value> elements() const;

  template <class T>
  std::optional<T> choice(std::span<const Choice<T>> choices) const {
    const auto name = text();
    if (!name) return std::nullopt;
    std::vector<std::string_view> names;
    for (const Choice<T>& each : choices) {
      if (each.name == *name) return each.value;
      names.push_back(each.name);
    }
    wrong_choice(names);
    return std::nullopt;
  }

 private:
  void wrong_choice(std::span<const std::string_view> names) const;

  Findings* findings_;
  const ConfigurationNode* node_;
  std::string path_;
  int line_;
};

/// A map whose keys are known by name. Ask for each key, then `finish`. What a key's reader leaves
/// untouched when the key is missing is the default.
class Section {
 public:
  /// The section at `value`; one that is empty has no keys.
  explicit Section(const Value& value);

  /// The value of a key, if it has one.
  std::optional<Value> find(std::string_view name);

  void flag(std::string_view name, bool& target);
  void path(std::string_view name, std::string& target);
  void size(std::string_view name, std::uint64_t& target, std::uint64_t least,
            std::uint64_t most = std::numeric_limits<std::int64_t>::max());
  void duration(std::string_view name, std::chrono::milliseconds& target,
                std::chrono::milliseconds least, std::chrono::milliseconds most);

  template <std::unsigned_integral T>
  void count(std::string_view name, T& target, std::uint64_t least, std::uint64_t most) {
    if (const auto value = find(name)) {
      if (const auto number = value->count(least, most)) target = static_cast<T>(*number);
    }
  }
  template <class T>
  void choice(std::string_view name, T& target, std::span<const Choice<T>> choices) {
    if (const auto value = find(name)) {
      if (const auto chosen = value->choice(choices)) target = *chosen;
    }
  }
  /// Reads the section `name` with `read(Section&)`, also when it is missing, so that its keys are
  /// known.
  void section(std::string_view name, const std::function<void(Section&)>& read);

  /// All entries of a map whose keys people choose.
  std::vector<std::pair<std::string, Value>> entries() const;

  /// Reports every key that nobody asked for, with the one that may be meant.
  void finish();

  const Value& value() const { return value_; }

 private:
  std::string path_of(std::string_view name) const;

  Value value_;
  std::vector<std::string> known_;
};

/// The name among `names` that `word` may be a misspelling of; empty for none.
std::string_view closest(std::string_view word, std::span<const std::string> names);

}  // namespace visor::app
