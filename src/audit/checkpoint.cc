#include "audit/checkpoint.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <system_error>
#include <utility>

#include "audit/log_file.h"
#include "base/units.h"
#include "document/json.h"

namespace visor::audit {
namespace {

constexpr std::string_view kStart = "audit-";
constexpr std::string_view kEnd = ".log";
constexpr std::size_t kDigits = 12;

struct Descriptor {
  int number;
  ~Descriptor() {
    if (number >= 0) ::close(number);
  }
};

std::unexpected<Error> unreadable(std::string_view why) {
  return fail(Code::corrupt, "the checkpoint of the audit log can't be used: " + std::string(why));
}

}  // namespace

std::string file_name(std::uint64_t first) {
  std::string digits = std::to_string(first);
  if (digits.size() < kDigits) digits.insert(0, kDigits - digits.size(), '0');
  return std::string(kStart) + digits + std::string(kEnd);
}

std::uint64_t first_of(std::string_view name) {
  if (!name.starts_with(kStart) || !name.ends_with(kEnd)) return 0;
  name.remove_prefix(kStart.size());
  if (name.size() < kEnd.size() + kDigits) return 0;
  name.remove_suffix(kEnd.size());
  return parse_unsigned(name).value_or(0);
}

Result<std::vector<std::string>> file_names(const std::string& folder) {
  std::vector<std::string> names;
  std::error_code error;
  for (std::filesystem::directory_iterator entry(folder, error), end; !error && entry != end;
       entry.increment(error)) {
    std::string name = entry->path().filename().string();
    if (first_of(name) > 0) names.push_back(std::move(name));
  }
  if (error) return fail_errno(error.value(), "read the folder of the audit log", "audit.list");
  std::ranges::sort(names, [](const std::string& left, const std::string& right) {
    return std::pair(left.size(), left) < std::pair(right.size(), right);
  });
  return names;
}

Result<std::string> read_file(const std::string& path, std::uint64_t offset, std::uint64_t limit) {
  const Descriptor file{::open(path.c_str(), O_RDONLY | O_CLOEXEC)};
  if (file.number < 0) return fail_errno(errno, "read the audit log", "audit.open");
  struct stat status{};
  if (::fstat(file.number, &status) != 0) {
    return fail_errno(errno, "read the audit log", "audit.fstat");
  }
  const auto size = static_cast<std::uint64_t>(status.st_size);
  std::string text(static_cast<std::size_t>(std::min(limit, size - std::min(size, offset))), '\0');
  std::size_t done = 0;
  while (done < text.size()) {
    const ssize_t count = ::pread(file.number, text.data() + done, text.size() - done,
                                  static_cast<off_t>(offset + done));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return fail_errno(errno, "read the audit log", "audit.pread");
    if (count == 0) break;
    done += static_cast<std::size_t>(count);
  }
  text.resize(done);
  return text;
}

Result<void> write_checkpoint(const std::string& folder, const Checkpoint& checkpoint, Time time,
                              const Seal& seal) {
  std::string text = "{\"sequence\":" + std::to_string(checkpoint.last.sequence);
  text.append(",\"hash\":\"").append(checkpoint.last.hash).append("\",\"file\":");
  document::append_json_string(text, checkpoint.file);
  text.append(",\"end\":").append(std::to_string(checkpoint.end));
  text.append(",\"time\":\"").append(format_time(time)).append("\"");
  text.append(",\"key\":\"").append(seal.key_id()).append("\"");
  append_seal(text, seal);
  text += '\n';

  const std::string path = folder + "/" + kCheckpointName;
  const std::string draft = folder + "/checkpoint-new.json";
  {
    const Descriptor file{::open(draft.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600)};
    if (file.number < 0) return fail_errno(errno, "write the audit log", "audit.checkpoint.open");
    const ssize_t written = ::write(file.number, text.data(), text.size());
    if (written != static_cast<ssize_t>(text.size()) || ::fdatasync(file.number) != 0) {
      return fail_errno(
          written >= 0 && written < static_cast<ssize_t>(text.size()) ? ENOSPC : errno,
          "write the audit log", "audit.checkpoint.write");
    }
  }
  if (::rename(draft.c_str(), path.c_str()) != 0) {
    return fail_errno(errno, "write the audit log", "audit.checkpoint.rename");
  }
  return {};
}

Result<std::optional<Checkpoint>> read_checkpoint(const std::string& folder, const Seal* seal) {
  constexpr std::uint64_t kLargest = 64 * kKiB;
  auto text = read_file(folder + "/" + kCheckpointName, 0, kLargest);
  if (!text) {
    if (text.error().code == Code::not_found) return std::nullopt;
    return pass(text);
  }
  if (text->ends_with('\n')) text->pop_back();
  if (seal != nullptr && !sealed(*text, *seal)) {
    return unreadable("its seal is not the one of this server's key");
  }
  const auto value = document::parse_json(*text);
  if (!value || !value->is_object()) return unreadable("it is no JSON object");
  const auto sequence = value->integer("sequence");
  const auto end = value->integer("end");
  const std::string* hash = value->text("hash");
  const std::string* file = value->text("file");
  if (!sequence || *sequence < 0 || !end || *end < 0 || hash == nullptr || file == nullptr) {
    return unreadable("a member is missing");
  }
  return Checkpoint{
      {static_cast<std::uint64_t>(*sequence), *hash}, *file, static_cast<std::uint64_t>(*end)};
}

}  // namespace visor::audit
