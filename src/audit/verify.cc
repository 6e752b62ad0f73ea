#include "audit/verify.h"

#include <algorithm>
#include <filesystem>
#include <limits>
#include <optional>
#include <system_error>
#include <utility>

#include "audit/checkpoint.h"
#include "base/units.h"

namespace visor::audit {
namespace {

constexpr std::uint64_t kPiece = 4 * kMiB;
constexpr std::size_t kLongestLine = 64 * kKiB;

class Reading {
 public:
  Reading(const Seal* seal, const Visit& visit) : seal_(seal), visit_(visit) {
    verdict_.seals_checked = seal != nullptr;
  }

  Result<void> file(const std::string& path, const std::string& name, bool newest) {
    name_ = name;
    line_ = 0;
    std::uint64_t offset = 0;
    std::string rest;
    while (true) {
      auto piece = read_file(path, offset, kPiece);
      if (!piece) return pass(piece);
      offset += piece->size();
      const bool end = piece->empty();
      rest += *piece;
      const std::size_t done = lines_of(rest);
      rest.erase(0, done);
      if (rest.size() > kLongestLine) {
        ++line_;
        broken("the line is longer than any that a server writes");
        return {};
      }
      if (end) break;
    }
    if (rest.empty()) return {};
    ++line_;
    // A server that was killed, or one that writes this very moment, leaves the start of a line.
    if (newest) {
      verdict_.remarks.push_back(
          name + ": the last line is not complete; the next start of the server puts it right");
    } else {
      broken("the line is not complete");
    }
    return {};
  }

  void checkpoint(const std::optional<Checkpoint>& checkpoint) {
    name_ = kCheckpointName;
    line_ = 0;
    if (!checkpoint) {
      if (verdict_.lines > 0) broken("the checkpoint is missing, so that a cut end would not show");
      return;
    }
    if (verdict_.last.sequence < checkpoint->last.sequence) {
      broken("lines up to " + std::to_string(checkpoint->last.sequence) +
             " had been written, but the log ends at " + std::to_string(verdict_.last.sequence));
    } else if (!checkpoint_seen_) {
      broken("line " + std::to_string(checkpoint->last.sequence) +
             " is not the one that was written");
    }
  }

  /// The line that a checkpoint names is looked for while reading.
  void look_for(const std::optional<Checkpoint>& checkpoint) {
    if (checkpoint) wanted_ = checkpoint->last;
  }

  void start() {
    if (verdict_.first > removed_ + 1) {
      verdict_.breaks.insert(verdict_.breaks.begin(),
                             Break{first_name_, 1,
                                   "lines 1 to " + std::to_string(verdict_.first - 1) +
                                       " are missing, and the server did not remove them all"});
    }
  }

  void broken(std::string what) {
    if (verdict_.breaks.size() < kMostBreaks) {
      verdict_.breaks.push_back({name_, line_, std::move(what)});
    }
  }

  Verdict take() { return std::move(verdict_); }

 private:
  /// Looks at all complete lines and gives how many bytes they have.
  std::size_t lines_of(std::string_view text) {
    std::size_t position = 0;
    while (true) {
      const auto end = text.find('\n', position);
      if (end == std::string_view::npos) return position;
      ++line_;
      if (end > position) one(text.substr(position, end - position));
      position = end + 1;
    }
  }

  void one(std::string_view text) {
    auto line = read_line(text);
    if (!line) {
      broken(line.error().message);
      return;
    }
    if (verdict_.lines == 0) {
      verdict_.first = line->sequence;
      first_name_ = name_;
      if (line->sequence == 1 && !line->previous.empty()) broken("the first line follows another");
    } else {
      follow(*line);
    }
    if (seal_ != nullptr && !sealed(text, *seal_)) {
      broken("line " + std::to_string(line->sequence) +
             " was changed, or not written by this server: its seal is not right");
    }
    ++verdict_.lines;
    verdict_.last = link_of(line->sequence, text);
    if (line->sequence == wanted_.sequence && verdict_.last.hash == wanted_.hash) {
      checkpoint_seen_ = true;
    }
    if (line->verb == "log.removed") removed_ = std::max(removed_, line->of);
    if (line->verb == "log.repaired" || line->verb == "log.cut" || line->verb == "log.damaged") {
      verdict_.remarks.push_back("line " + std::to_string(line->sequence) + " (" + line->time +
                                 "): " + line->detail);
    }
    if (visit_) visit_(*line, text);
  }

  void follow(const Line& line) {
    const Link& before = verdict_.last;
    if (line.sequence == before.sequence + 1) {
      if (line.previous != before.hash) {
        broken("line " + std::to_string(before.sequence) +
               " was changed, or is not the one that line " + std::to_string(line.sequence) +
               " was written behind");
      }
    } else if (line.sequence > before.sequence) {
      broken("lines " + std::to_string(before.sequence + 1) + " to " +
             std::to_string(line.sequence - 1) + " are missing");
    } else {
      broken("line " + std::to_string(line.sequence) + " stands behind line " +
             std::to_string(before.sequence) +
             ": lines were inserted, repeated or put in another order");
    }
  }

  const Seal* seal_;
  const Visit& visit_;
  Verdict verdict_;
  std::string name_;
  std::string first_name_;
  std::uint64_t line_ = 0;
  std::uint64_t removed_ = 0;
  Link wanted_;
  bool checkpoint_seen_ = false;
};

}  // namespace

Result<Verdict> verify(const std::string& path, const Seal* seal, const Visit& visit) {
  Reading reading(seal, visit);
  std::error_code error;
  if (!std::filesystem::is_directory(path, error)) {
    const std::string name = std::filesystem::path(path).filename().string();
    if (auto read = reading.file(path, name, true); !read) return pass(read);
    return reading.take();
  }
  // Before the lines: what it names must be among them, however many a server adds meanwhile.
  auto checkpoint = read_checkpoint(path, seal);
  if (!checkpoint && checkpoint.error().code != Code::corrupt) return pass(checkpoint);
  if (checkpoint) reading.look_for(*checkpoint);
  auto names = file_names(path);
  if (!names) return pass(names);
  for (const std::string& name : *names) {
    auto read = reading.file(path + "/" + name, name, name == names->back());
    // A server may remove an old file while this reads.
    if (!read && read.error().code != Code::not_found) return pass(read);
  }
  reading.start();
  if (checkpoint) {
    reading.checkpoint(*checkpoint);
  } else {
    reading.broken(checkpoint.error().message);
  }
  return reading.take();
}

}  // namespace visor::audit
