#include "audit/resume.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <limits>
#include <optional>
#include <system_error>
#include <utility>

#include "audit/checkpoint.h"
#include "audit/log_file.h"

namespace visor::audit {
namespace {

/// Longer than any line.
constexpr std::uint64_t kLongestLine = 32 * 1024;
constexpr std::uint64_t kWholeFile = std::numeric_limits<std::int64_t>::max();

Event remark(std::string verb, Outcome outcome, std::string detail) {
  Event event;
  event.verb = std::move(verb);
  event.outcome = outcome;
  event.detail = std::move(detail);
  return event;
}

/// Reads lines as long as each follows the one before.
struct Walk {
  Link last;
  std::uint64_t position = 0;  ///< in the text, behind the last good line

  void over(std::string_view text, const Seal& seal) {
    while (position < text.size()) {
      const auto end = text.find('\n', static_cast<std::size_t>(position));
      if (end == std::string_view::npos) return;
      const std::string_view line =
          text.substr(static_cast<std::size_t>(position), end - static_cast<std::size_t>(position));
      if (line.empty()) return;
      const auto read = read_line(line);
      if (!read || read->sequence != last.sequence + 1 || read->previous != last.hash ||
          !sealed(line, seal)) {
        return;
      }
      last = link_of(read->sequence, line);
      position = end + 1;
    }
  }
};

/// The newest line with a good seal anywhere in a text: its number must not be given out again.
std::optional<Link> newest(std::string_view text, const Seal* seal) {
  std::optional<Link> found;
  while (!text.empty()) {
    const auto end = std::min(text.find('\n'), text.size());
    const std::string_view line = text.substr(0, end);
    if (const auto read = read_line(line); read && (seal == nullptr || sealed(line, *seal))) {
      if (!found || read->sequence > found->sequence) found = link_of(read->sequence, line);
    }
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return found;
}

/// Whether the line that a checkpoint names stands where it says.
bool stands(const std::string& path, const Checkpoint& checkpoint) {
  const std::uint64_t start = checkpoint.end - std::min(checkpoint.end, kLongestLine);
  const auto text = read_file(path, start, checkpoint.end - start);
  if (!text || text->size() != checkpoint.end - start || !text->ends_with('\n')) return false;
  std::string_view line(*text);
  line.remove_suffix(1);
  line.remove_prefix(line.rfind('\n') + 1);
  return link_of(checkpoint.last.sequence, line).hash == checkpoint.last.hash;
}

/// Where the first line of a file follows on; nothing if it has no line of this server's.
std::optional<Link> before_first(std::string_view text, const Seal& seal) {
  const std::string_view line = text.substr(0, text.find('\n'));
  const auto first = read_line(line);
  if (!first || !sealed(line, seal)) return std::nullopt;
  return Link{first->sequence - 1, first->previous};
}

Result<void> set_aside(const std::string& path, const std::string& aside, std::string_view torn,
                       std::uint64_t offset) {
  auto copy = LogFile::create(aside, {});
  if (!copy) return pass(copy);
  if (auto room = copy->make_room(torn.size() + 1); !room) return room;
  copy->take_room(torn.size() + 1);
  if (auto written = copy->write(torn); !written) return written;
  if (auto synced = copy->sync(); !synced) return synced;
  const int file = ::open(path.c_str(), O_RDWR | O_CLOEXEC);
  if (file < 0) return fail_errno(errno, "repair the audit log", "audit.open");
  const std::string line_feeds(torn.size(), '\n');
  const ssize_t count =
      ::pwrite(file, line_feeds.data(), line_feeds.size(), static_cast<off_t>(offset));
  const bool done = count == static_cast<ssize_t>(line_feeds.size()) && ::fdatasync(file) == 0;
  const int reason = errno;
  ::close(file);
  if (!done)
    return fail_errno(count >= 0 ? ENOSPC : reason, "repair the audit log", "audit.repair");
  return {};
}

std::string unused_name(const std::string& folder, std::uint64_t sequence) {
  std::string name = "audit-torn-" + std::to_string(sequence) + ".log";
  std::error_code unknown;
  for (int n = 2; std::filesystem::exists(folder + "/" + name, unknown); ++n) {
    name = "audit-torn-" + std::to_string(sequence) + "-" + std::to_string(n) + ".log";
  }
  return name;
}

class Search {
 public:
  Search(const std::string& folder, const Seal& seal) : folder_(folder), seal_(seal) {}

  Result<Resumed> run() {
    auto checkpoint = read_checkpoint(folder_, &seal_);
    if (checkpoint) {
      checkpoint_ = std::move(*checkpoint);
    } else if (checkpoint.error().code == Code::corrupt) {
      found_.remarks.push_back(remark("log.damaged", Outcome::failed, checkpoint.error().message));
    } else {
      return pass(checkpoint);
    }
    auto names = file_names(folder_);
    if (!names) return pass(names);
    names_ = std::move(*names);
    if (names_.empty()) {
      if (checkpoint_) cut_behind(0);
      return std::move(found_);
    }
    if (!found_.remarks.empty()) {
      // Sealed with another key, for all that can be told: nothing of it is touched.
      auto last = last_of_any_key();
      if (!last) return pass(last);
      found_.last = std::move(*last);
      return std::move(found_);
    }
    found_.file = names_.back();
    if (auto read = read_end(); !read) return pass(read);
    return std::move(found_);
  }

 private:
  Result<void> read_end() {
    const std::string path = folder_ + "/" + found_.file;
    const bool known =
        checkpoint_ && checkpoint_->file == found_.file && stands(path, *checkpoint_);
    const std::uint64_t start = known ? checkpoint_->end : 0;
    auto text = read_file(path, start, kWholeFile);
    if (!text) return pass(text);
    Walk walk;
    if (known) {
      walk.last = checkpoint_->last;
    } else if (const auto before = before_first(*text, seal_)) {
      walk.last = *before;
    } else {
      auto before_file = end_of_file_before(names_.size() - 1);
      if (!before_file) return pass(before_file);
      walk.last = std::move(*before_file);
    }
    walk.over(*text, seal_);
    found_.last = walk.last;
    found_.end = start + walk.position;
    std::string_view rest = std::string_view(*text).substr(static_cast<std::size_t>(walk.position));
    rest = rest.substr(0, rest.find_last_not_of('\n') + 1);
    const std::uint64_t promised = checkpoint_ ? checkpoint_->last.sequence : 0;
    if (rest.empty()) {
      if (promised > found_.last.sequence) cut_behind(found_.last.sequence);
      return {};
    }
    if (promised > found_.last.sequence) {
      damaged_behind(rest);
      return {};
    }
    return repair(path, rest);
  }

  /// The last line of the files before the one at `index`.
  Result<Link> end_of_file_before(std::size_t index) const {
    while (index-- > 0) {
      auto text = read_file(folder_ + "/" + names_[index], 0, kWholeFile);
      if (!text) return pass(text);
      const auto before = before_first(*text, seal_);
      if (!before) continue;
      Walk walk;
      walk.last = *before;
      walk.over(*text, seal_);
      return walk.last;
    }
    return Link{};
  }

  Result<Link> last_of_any_key() const {
    for (std::size_t index = names_.size(); index-- > 0;) {
      auto text = read_file(folder_ + "/" + names_[index], 0, kWholeFile);
      if (!text) return pass(text);
      if (auto last = newest(*text, nullptr)) return std::move(*last);
    }
    return Link{};
  }

  /// What was torn was promised to nobody.
  Result<void> repair(const std::string& path, std::string_view torn) {
    const std::string aside = unused_name(folder_, found_.last.sequence + 1);
    if (auto done = set_aside(path, folder_ + "/" + aside, torn, found_.end); !done) return done;
    found_.remarks.push_back(
        remark("log.repaired", Outcome::done,
               std::to_string(torn.size()) + " bytes that a crash left behind line " +
                   std::to_string(found_.last.sequence) + " were set aside in " + aside));
    return {};
  }

  void damaged_behind(std::string_view rest) {
    found_.remarks.push_back(
        remark("log.damaged", Outcome::failed,
               found_.file + " was changed behind line " + std::to_string(found_.last.sequence) +
                   "; line " + std::to_string(checkpoint_->last.sequence) + " had been written"));
    found_.last = checkpoint_->last;
    if (const auto later = newest(rest, &seal_); later && later->sequence > found_.last.sequence) {
      found_.last = *later;
    }
    found_.file.clear();
  }

  void cut_behind(std::uint64_t last) {
    found_.remarks.push_back(remark("log.cut", Outcome::failed,
                                    "lines " + std::to_string(last + 1) + " to " +
                                        std::to_string(checkpoint_->last.sequence) +
                                        " had been written and are missing"));
    found_.last = checkpoint_->last;
    found_.file.clear();
  }

  const std::string& folder_;
  const Seal& seal_;
  std::vector<std::string> names_;
  std::optional<Checkpoint> checkpoint_;
  Resumed found_;
};

}  // namespace

Result<Resumed> resume(const std::string& folder, const Seal& seal) {
  return Search(folder, seal).run();
}

}  // namespace visor::audit
