#include "store/reference/file_reference_store.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <cerrno>
#include <utility>

#include "base/encoding.h"
#include "store/file_source.h"

namespace visor::store {
namespace {

std::unexpected<Error> read_only() {
  return fail(Code::unsupported, "files that are only referred to can be read, not changed",
              "reference");
}

std::unexpected<Error> not_regular() {
  return fail(Code::forbidden,
              "the location must name a regular file that is reached without symbolic links",
              "reference.open");
}

std::unexpected<Error> malformed(std::string message) {
  return fail(Code::invalid, std::move(message), "reference");
}

/// The path in parts; nothing if one of them is "." or "..". Empty parts are dropped, as the system
/// drops them.
std::optional<std::string> clean(std::string_view path) {
  std::string result;
  while (!path.empty()) {
    const auto slash = path.find('/');
    const auto part = path.substr(0, slash);
    if (part == "." || part == "..") return std::nullopt;
    if (!part.empty()) (result += '/') += part;
    path.remove_prefix(slash == std::string_view::npos ? path.size() : slash + 1);
  }
  return result;
}

/// What lies behind a file's descriptor, if it is a regular file.
Result<Descriptor> only_regular(Descriptor file) {
  struct stat status = {};
  if (::fstat(file.get(), &status) != 0) {
    return fail_errno(errno, "look at the file", "reference.stat");
  }
  if (!S_ISREG(status.st_mode)) return not_regular();
  return file;
}

Result<Descriptor> open_regular(int folder, const char* path, int flags) {
  Descriptor file(open_beneath(folder, path, flags));
  if (file) return only_regular(std::move(file));
  if (errno == ELOOP || errno == EXDEV) return not_regular();
  if (errno == ENOENT || errno == ENOTDIR || errno == ENAMETOOLONG) {
    return fail(Code::not_found, "no file lies at the location", "reference.open");
  }
  return fail_errno(errno, "open the file at the location", "reference.open");
}

}  // namespace

Result<std::string> path_of_file_location(std::string_view location) {
  constexpr std::string_view kScheme = "file:";
  if (location.size() > 8192) return malformed("a location has at most 8192 characters");
  if (!equal_ignoring_case(location.substr(0, kScheme.size()), kScheme)) {
    return malformed("the location must begin with file:///");
  }
  auto rest = location.substr(kScheme.size());
  if (rest.starts_with("//")) {
    rest.remove_prefix(2);
    const auto host = rest.substr(0, rest.find('/'));
    if (!host.empty() && !equal_ignoring_case(host, "localhost")) {
      return malformed("a file location names no host: write file:///path");
    }
    rest.remove_prefix(host.size());
  }
  if (!rest.starts_with('/')) return malformed("a file location needs an absolute path");
  for (const char c : rest) {
    if (c == '?' || c == '#') {
      return malformed(
          "a file location has no query and no fragment; write %3F for '?' and %23 for '#'");
    }
  }
  const auto decoded = percent_decode(rest);
  if (!decoded) return malformed("a '%' in a location is followed by two hexadecimal digits");
  if (!valid_utf8(*decoded)) return malformed("the location's path is not UTF-8");
  for (const char c : *decoded) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) {
      return malformed("the location's path contains a control character");
    }
  }
  auto path = clean(*decoded);
  if (!path) return malformed("the location's path must not contain '.' or '..' as a part");
  return std::move(*path);
}

FileReferenceStore::FileReferenceStore(std::vector<std::string> folders, async::WorkerPool& disk)
    : folders_(std::move(folders)), disk_(disk) {}

Result<std::unique_ptr<FileReferenceStore>> FileReferenceStore::open(
    std::vector<std::string> folders, async::WorkerPool& disk) {
  for (auto& folder : folders) {
    auto path = folder.starts_with('/') ? clean(folder) : std::nullopt;
    if (!path) {
      return fail(Code::invalid,
                  "the folder '" + folder +
                      "' for references must be an absolute path without '.' and '..'");
    }
    folder = std::move(*path);
  }
  return std::unique_ptr<FileReferenceStore>(new FileReferenceStore(std::move(folders), disk));
}

Capability FileReferenceStore::capability() const {
  return {.ranges = true, .local = true, .reference = Capability::Reference::administrators};
}

Result<Descriptor> FileReferenceStore::open_file(const std::string& location) const {
  auto path = path_of_file_location(location);
  if (!path) return pass(path);
  for (const auto& folder : folders_) {
    if (!path->starts_with(folder) || path->size() <= folder.size() + 1 ||
        (*path)[folder.size()] != '/') {
      continue;
    }
    // The configured folder itself may be reached over links: who configures it is trusted, who
    // fills it is not.
    const auto folder_path = folder.empty() ? std::string("/") : folder;
    const Descriptor base(::open(folder_path.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
    if (!base) return fail_errno(errno, "open the folder of the location", "reference.folder");
    const char* beneath = path->c_str() + folder.size() + 1;
    // First a look without opening: opening a device or a pipe can have effects of its own.
    if (auto seen = open_regular(base.get(), beneath, O_PATH); !seen) return seen;
    return open_regular(base.get(), beneath, O_RDONLY | O_NONBLOCK | O_NOCTTY);
  }
  return fail(
      Code::forbidden,
      "file locations are allowed only below the folders that the server's configuration names",
      "reference.open outside");
}

async::Task<Result<BlobStatus>> FileReferenceStore::stat(std::string key) {
  auto work = [this, &key]() -> Result<BlobStatus> {
    auto file = open_file(key);
    if (!file) return pass(file);
    struct stat status = {};
    if (::fstat(file->get(), &status) != 0) {
      return fail_errno(errno, "look at the file at the location", "reference.stat");
    }
    return BlobStatus{static_cast<std::uint64_t>(status.st_size), file_version(status)};
  };
  co_return co_await disk_.run(std::move(work));
}

async::Task<Result<std::unique_ptr<async::ByteSource>>> FileReferenceStore::open(
    std::string key, ByteRange range, std::string version) {
  auto work = [this, &key, &version, range]() -> Result<std::unique_ptr<async::ByteSource>> {
    auto file = open_file(key);
    if (!file) return pass(file);
    return open_source(std::move(*file), range, version, "reference", disk_);
  };
  co_return co_await disk_.run(std::move(work));
}

async::Task<Result<std::unique_ptr<BlobWriter>>> FileReferenceStore::create(
    std::string, std::optional<std::uint64_t>) {
  co_return read_only();
}

async::Task<Result<void>> FileReferenceStore::remove(std::string) { co_return read_only(); }

async::Task<Result<Listing>> FileReferenceStore::list(std::string, std::uint32_t) {
  co_return read_only();
}

}  // namespace visor::store
