#include "app/configuration_document.h"

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/mark.h>
#include <yaml-cpp/parser.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdio>
#include <optional>
#include <sstream>
#include <utility>

#include "base/encoding.h"

namespace visor::app {
namespace {

using Kind = ConfigurationNode::Kind;

struct Refusal {
  int line;
  int column;
  std::string message;
};

[[noreturn]] void refuse(const YAML::Mark& mark, std::string message) {
  throw Refusal{mark.line + 1, mark.column + 1, std::move(message)};
}

/// Builds the tree from the parser's events. Refuses by throwing a Refusal through the parser, so
/// that nothing behind a limit is read at all.
class TreeBuilder : public YAML::EventHandler {
 public:
  ConfigurationNode take() { return std::move(root_); }

  void OnDocumentStart(const YAML::Mark& mark) override {
    if (++documents_ > 1) refuse(mark, "a second document begins here; a configuration is one");
  }
  void OnDocumentEnd() override {}

  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    check(mark, {}, anchor);
    add({Kind::nothing, mark.line + 1, {}, {}}, mark);
  }
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t) override { refuse(mark, kNoAliases); }
  void OnAnchor(const YAML::Mark& mark, const std::string&) override { refuse(mark, kNoAliases); }
  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override {
    check(mark, tag, anchor);
    if (!valid_utf8(value)) refuse(mark, "an escape in this text stands for no character");
    add({Kind::text, mark.line + 1, value, {}}, mark);
  }
  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    begin(Kind::list, mark, tag, anchor);
  }
  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    begin(Kind::map, mark, tag, anchor);
  }
  void OnSequenceEnd() override { end(); }
  void OnMapEnd() override { end(); }

 private:
  static constexpr const char* kNoAliases =
      "anchors and aliases (& and *) are not used in this file; write the value out, or put it in "
      "quotes if it begins with such a character";

  struct Open {
    ConfigurationNode node;
    YAML::Mark mark;
    std::optional<ConfigurationEntry> entry;  ///< its key was read, its value not yet
  };

  void check(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor) {
    if (anchor != YAML::NullAnchor) refuse(mark, kNoAliases);
    if (!tag.empty() && tag != "?" && tag != "!") {
      refuse(mark,
             "tags (!) are not used in this file; put the value in quotes if it begins with such a "
             "character");
    }
    if (++values_ > kMostConfigurationValues) {
      refuse(mark, "the file has more than " + std::to_string(kMostConfigurationValues) +
                       " values; no configuration needs so many");
    }
  }

  void begin(Kind kind, const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor) {
    check(mark, tag, anchor);
    if (open_.size() == kDeepestConfiguration) {
      refuse(mark, "the nesting is more than " + std::to_string(kDeepestConfiguration) +
                       " levels deep; no configuration needs so many");
    }
    if (!open_.empty() && open_.back().node.kind == Kind::map && !open_.back().entry) {
      refuse(mark, "a list or map stands where a key must be");
    }
    open_.push_back({{kind, mark.line + 1, {}, {}}, mark, std::nullopt});
  }

  void end() {
    Open done = std::move(open_.back());
    open_.pop_back();
    add(std::move(done.node), done.mark);
  }

  void add(ConfigurationNode node, const YAML::Mark& mark) {
    if (open_.empty()) {
      root_ = std::move(node);
      return;
    }
    Open& parent = open_.back();
    if (parent.node.kind == Kind::list) {
      const int line = node.line;
      parent.node.entries.push_back({{}, line, std::move(node)});
    } else if (!parent.entry) {
      add_key(parent, std::move(node), mark);
    } else {
      // An empty value's mark may be that of the token behind it, lines further on.
      if (node.kind == Kind::nothing) node.line = parent.entry->line;
      parent.entry->value = std::move(node);
      parent.node.entries.push_back(std::move(*parent.entry));
      parent.entry.reset();
    }
  }

  static void add_key(Open& map, ConfigurationNode node, const YAML::Mark& mark) {
    if (node.kind != Kind::text || node.text.empty())
      refuse(mark, "a key is missing before a colon");
    const auto same = [&node](const ConfigurationEntry& entry) { return entry.key == node.text; };
    const auto first = std::ranges::find_if(map.node.entries, same);
    if (first != map.node.entries.end()) {
      refuse(mark, "the key " + in_quotes(node.text) + " is there twice, first in line " +
                       std::to_string(first->line) + "; put both parts under one");
    }
    map.entry = ConfigurationEntry{std::move(node.text), node.line, {}};
  }

  ConfigurationNode root_;
  std::vector<Open> open_;
  std::size_t values_ = 0;
  std::size_t documents_ = 0;
};

/// What the parser's message means to somebody who does not know YAML by heart. Only what stands
/// before a colon is passed on: behind it may be a piece of the file, and so a secret.
std::string syntax_message(const std::string& message) {
  if (message.contains("anchor") || message.contains("alias")) {
    return "this is not valid YAML: a value that begins with & or * must be in quotes";
  }
  if (message.contains("tag")) {
    return "this is not valid YAML: a value that begins with ! must be in quotes";
  }
  return "this is not valid YAML (" + message.substr(0, message.find(':')) +
         "); look at the indentation (blanks, never tabs), the blank behind each colon, and the "
         "quotes and brackets here and just above";
}

/// Where the first character stands that no configuration has: not UTF-8, or a control character
/// (the parser would take one of them for the end of the file).
std::optional<Refusal> find_strange_character(std::string_view text) {
  int line = 1;
  int column = 1;
  while (!text.empty()) {
    const Utf8Character character = first_utf8_character(text);
    if (!character.valid)
      return Refusal{line, column, "this is not UTF-8 text; save the file as UTF-8"};
    const std::uint32_t code = character.code;
    if ((code < 0x20 && code != '\t' && code != '\n' && code != '\r') ||
        (code >= 0x7f && code < 0xa0)) {
      return Refusal{line, column, "there is a control character here; remove it"};
    }
    ++column;
    if (code == '\n') {
      ++line;
      column = 1;
    }
    text.remove_prefix(character.length);
  }
  return std::nullopt;
}

ConfigurationNode parse(std::string_view text) {
  if (text.size() > kLargestConfiguration) {
    throw Refusal{1, 1, "the file is larger than 1 MiB; this is no configuration"};
  }
  if (auto strange = find_strange_character(text)) throw Refusal(std::move(*strange));
  // The mark of a document's end makes the parser see a quote that is never closed.
  std::istringstream stream{std::string(text) + "\n...\n"};
  YAML::Parser parser(stream);
  TreeBuilder builder;
  if (!parser.HandleNextDocument(builder)) return {};
  while (parser.HandleNextDocument(builder)) {
  }
  ConfigurationNode root = builder.take();
  if (root.kind == Kind::list || root.kind == Kind::text) {
    throw Refusal{root.line, 1,
                  "the file must be a map of sections; write for example 'log:' and below it, "
                  "indented, '  level: info'"};
  }
  return root;
}

}  // namespace

Result<ConfigurationNode> parse_configuration_document(std::string_view text,
                                                       std::string_view file_name) {
  const auto refused = [file_name](int line, int column, const std::string& message) {
    return fail(Code::invalid, std::string(file_name) + ":" + std::to_string(line) + ":" +
                                   std::to_string(column) + ": " + message);
  };
  try {
    return parse(text);
  } catch (const Refusal& refusal) {
    return refused(refusal.line, refusal.column, refusal.message);
  } catch (const YAML::Exception& exception) {
    const auto lines = static_cast<int>(std::ranges::count(text, '\n'));
    return refused(std::clamp(exception.mark.line, 0, lines) + 1,
                   std::max(exception.mark.column, 0) + 1, syntax_message(exception.msg));
  }
}

std::string in_quotes(std::string_view text) {
  constexpr std::size_t kLongest = 80;
  std::string shown = "'";
  std::size_t characters = 0;
  while (!text.empty()) {
    if (++characters > kLongest) {
      shown += "…";
      break;
    }
    const Utf8Character character = first_utf8_character(text);
    const std::uint32_t code = character.code;
    // Line separators and the marks that turn the direction of writing could fake another message.
    const bool plain = character.valid && code >= 0x20 && (code < 0x7f || code >= 0xa0) &&
                       (code < 0x2028 || code > 0x202e) && (code < 0x2066 || code > 0x2069);
    if (plain) {
      shown += text.substr(0, character.length);
    } else {
      std::array<char, 16> escape{};
      std::snprintf(escape.data(), escape.size(), "\\x%02x", code);
      shown += escape.data();
    }
    text.remove_prefix(character.length);
  }
  return shown + "'";
}

}  // namespace visor::app
