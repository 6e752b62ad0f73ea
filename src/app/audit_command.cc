#include "app/audit_command.h"

#include <iostream>
#include <optional>
#include <string_view>
#include <utility>

#include "app/audit_log.h"
#include "audit/verify.h"
#include "base/clock.h"
#include "base/encoding.h"
#include "base/harmful_characters.h"
#include "base/units.h"

namespace visor::app {
namespace {

constexpr int kWhole = 0;
constexpr int kBroken = 1;
constexpr int kNotLookedAt = 2;

int complain(const std::string& sentence) {
  std::cerr << "visord: " << sentence << '\n';
  return kNotLookedAt;
}

std::string path_of(const Configuration& configuration, const AuditQuestion& question) {
  return question.path.empty() ? configuration.path(configuration.audit.folder) : question.path;
}

/// What a client sent may not steer a terminal.
std::string printable(std::string_view text) {
  std::string shown;
  while (!text.empty()) {
    const Utf8Character character = first_utf8_character(text);
    if (!character.valid || harmful_in_text(character.code)) {
      shown += '?';
    } else {
      shown += text.substr(0, character.length);
    }
    text.remove_prefix(character.length);
  }
  return shown;
}

/// "SEQUENCE:HASH".
std::optional<audit::Link> read_link(std::string_view text) {
  const std::size_t colon = text.find(':');
  if (colon == std::string_view::npos) return std::nullopt;
  const auto sequence = parse_unsigned(text.substr(0, colon));
  const std::string hash = to_lower(text.substr(colon + 1));
  if (!sequence || hash.size() != 64 || !from_hex(hash)) return std::nullopt;
  return audit::Link{*sequence, hash};
}

/// A time as lines write it, from a time or from how long ago it was.
std::optional<std::string> read_since(const std::string& text) {
  if (const auto ago = parse_duration(text)) {
    return audit::format_time(Clock::system().now() - *ago);
  }
  if (const auto time = parse_iso_time(text)) return audit::format_time(*time);
  return std::nullopt;
}

bool wanted(const audit::Line& line, const AuditQuestion& question, const std::string& since) {
  if (line.time < since) return false;
  if (!question.account.empty() && line.account != question.account &&
      line.subject != question.account) {
    return false;
  }
  if (!question.image.empty() && line.image != question.image) return false;
  return question.outcome.empty() || line.outcome == question.outcome;
}

std::string for_people(const audit::Line& line) {
  std::string text = line.time + "  " + line.outcome;
  text.append(line.outcome.size() < 8 ? 8 - line.outcome.size() : 1, ' ').append(line.verb);
  const auto add = [&text](std::string_view name, const std::string& value) {
    if (!value.empty()) text.append("  ").append(name).append(printable(value));
  };
  add("image=", line.image);
  add("subject=", line.subject);
  add("by ", line.account.empty() ? line.role : line.account);
  if (line.role == "claimed") text += " (not shown)";
  add("from ", line.from);
  add("error=", line.error);
  if (line.size) add("size=", std::to_string(*line.size));
  add("sha256=", line.sha256);
  add("request=", line.request);
  add("", line.detail.empty() ? "" : "(" + line.detail + ")");
  return text + "\n";
}

void tell(const std::string& path, const audit::Verdict& verdict) {
  for (const std::string& remark : verdict.remarks) {
    std::cout << "note: " << printable(remark) << '\n';
  }
  for (const audit::Break& each : verdict.breaks) {
    std::cout << "broken: " << each.file;
    if (each.line > 0) std::cout << ":" << each.line;
    std::cout << ": " << printable(each.what) << '\n';
  }
  if (verdict.breaks.size() == audit::kMostBreaks) std::cout << "(no more places are shown)\n";
  std::cout << (verdict.whole() ? "whole: " : "not whole: ") << path << ", " << verdict.lines
            << " lines";
  if (verdict.lines > 0) {
    std::cout << ", numbers " << verdict.first << " to " << verdict.last.sequence
              << "\nlast line: " << verdict.last.sequence << ":" << verdict.last.hash;
  }
  std::cout << '\n' << std::flush;
}

}  // namespace

int run_audit_verify(const Configuration& configuration, const AuditQuestion& question) {
  const std::string path = path_of(configuration, question);
  std::optional<audit::Link> expected;
  if (!question.expected.empty()) {
    expected = read_link(question.expected);
    if (!expected) {
      return complain(
          "--expect takes SEQUENCE:HASH, as the server's log or an earlier run told it");
    }
  }
  const auto seal = audit_seal(configuration, question.keys);
  if (!seal && !question.keys.empty()) return complain(seal.error().message);
  if (!seal) {
    std::cout << "note: only the chain is checked, not the seals: " << seal.error().message << '\n';
  }
  bool found = false;
  const audit::Visit visit = [&](const audit::Line& line, std::string_view text) {
    if (expected && line.sequence == expected->sequence) {
      found = audit::link_of(line.sequence, text).hash == expected->hash;
    }
  };
  auto verdict = audit::verify(path, seal ? &*seal : nullptr, visit);
  if (!verdict) {
    return complain("the audit log " + path + " can't be looked at: " + verdict.error().message);
  }
  if (expected && !found) {
    verdict->breaks.push_back(
        {path, 0,
         "line " + std::to_string(expected->sequence) + " is not there as it was told earlier"});
  }
  tell(path, *verdict);
  return verdict->whole() ? kWhole : kBroken;
}

int run_audit_show(const Configuration& configuration, const AuditQuestion& question) {
  const std::string path = path_of(configuration, question);
  std::string since;
  if (!question.since.empty()) {
    const auto read = read_since(question.since);
    if (!read) {
      return complain(
          "--since takes a time such as 2026-06-15T21:05:20Z, or a duration such as 2h");
    }
    since = *read;
  }
  const audit::Visit visit = [&](const audit::Line& line, std::string_view text) {
    if (!wanted(line, question, since)) return;
    if (question.json) {
      std::cout << text << '\n';
    } else {
      std::cout << for_people(line);
    }
  };
  const auto verdict = audit::verify(path, nullptr, visit);
  std::cout << std::flush;
  if (!verdict) {
    return complain("the audit log " + path + " can't be read: " + verdict.error().message);
  }
  return kWhole;
}

}  // namespace visor::app
