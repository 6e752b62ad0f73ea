// Where a configuration comes from.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <system_error>

#include "app/configuration.h"
#include "app/configuration_document.h"

namespace visor::app {
namespace {

std::unexpected<Error> cannot_read(const std::string& path, int errno_value) {
  const std::string start = "the configuration " + path;
  const std::string where = "configuration errno=" + std::to_string(errno_value);
  switch (errno_value) {
    case ENOENT:
    case ENOTDIR:
      return fail(Code::not_found, start + " does not exist; 'visor config' writes a new one",
                  where);
    case EISDIR:
      return fail(Code::invalid, start + " is a folder; name the file in it", where);
    case EACCES:
    case EPERM:
      return fail(
          Code::unavailable,
          start + " can't be read: this user lacks the permission; change its owner or mode",
          where);
    default:
      return fail(Code::unavailable,
                  start + " can't be read: " + std::generic_category().message(errno_value), where);
  }
}

struct Descriptor {
  int number;
  ~Descriptor() {
    if (number >= 0) ::close(number);
  }
};

}  // namespace

Result<Configuration> read_configuration(const std::string& path) {
  const Descriptor file{::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY)};
  if (file.number < 0) return cannot_read(path, errno);
  std::string text;
  std::array<char, 64 * 1024> piece;
  // One byte over the limit is enough to be refused for it.
  while (text.size() <= kLargestConfiguration) {
    const ssize_t count = ::read(file.number, piece.data(), piece.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return cannot_read(path, errno);
    if (count == 0) break;
    text.append(piece.data(), static_cast<std::size_t>(count));
  }
  return parse_configuration(text, path);
}

std::vector<std::string> configuration_folders() {
  std::vector<std::string> folders = {"."};
  const char* home = std::getenv("HOME");
  if (home != nullptr && *home != '\0') folders.push_back(std::string(home) + "/.visor");
  folders.emplace_back("/etc/visor");
  return folders;
}

std::optional<std::string> find_configuration(const std::vector<std::string>& folders) {
  for (const std::string& folder : folders) {
    std::string path = folder + "/" + kConfigurationName;
    struct stat status{};
    // One that is there but can't be read must not be passed over for another.
    if (::lstat(path.c_str(), &status) == 0) return path;
  }
  return std::nullopt;
}

}  // namespace visor::app
