#include "catalogue/sqlite/database_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <string_view>
#include <system_error>
#include <vector>

#include "base/random.h"
#include "catalogue/sqlite/connection.h"
#include "catalogue/sqlite/migrations.h"

namespace visor::catalogue::sqlite {

namespace {

constexpr std::string_view kMagic{"SQLite format 3\0", 16};
constexpr std::size_t kHeaderSize = 100;
constexpr const char* kPartialSuffix = ".partial-";
constexpr const char* kRestore = "restore the last backup with 'visor server restore'";

class Descriptor {
 public:
  explicit Descriptor(int descriptor) : descriptor_(descriptor) {}
  ~Descriptor() {
    if (descriptor_ >= 0) ::close(descriptor_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const { return descriptor_; }
  bool valid() const { return descriptor_ >= 0; }

 private:
  int descriptor_;
};

std::string folder_of(const std::string& path) {
  const std::string folder = std::filesystem::path(path).parent_path().string();
  return folder.empty() ? "." : folder;
}

bool exists(const std::string& path) {
  struct stat status{};
  return ::lstat(path.c_str(), &status) == 0;
}

// What a missing, forbidden or strange path means to whoever started the server.
std::unexpected<Error> cannot_open(int errno_value, const std::string& path) {
  switch (errno_value) {
    case ENOENT:
      if (!exists(folder_of(path))) {
        return fail(Code::not_found,
                    "the folder of the catalogue does not exist: create it, or name another one in "
                    "the configuration",
                    "path=" + path);
      }
      return fail(Code::not_found, "the catalogue's file does not exist", "path=" + path);
    case EACCES:
    case EPERM:
    case EROFS:
      return fail(Code::unavailable,
                  "the server lacks the permission to read and write the catalogue: check that its "
                  "user owns the data "
                  "folder and the files in it",
                  "path=" + path);
    case ENOTDIR:
    case EISDIR:
      return fail(Code::invalid,
                  "the catalogue's path does not name a file in a folder: name another one in the "
                  "configuration",
                  "path=" + path);
    default:
      return fail_errno(errno_value, "open the catalogue's file", "path=" + path);
  }
}

std::unexpected<Error> exists_already(const std::string& path) {
  return fail(Code::conflict, "a file of this name exists already: name one that does not exist",
              "path=" + path);
}

Result<void> sync(const std::string& path, int flags) {
  const Descriptor file(::open(path.c_str(), flags | O_RDONLY | O_CLOEXEC));
  if (!file.valid() || ::fsync(file.get()) != 0) {
    return fail_errno(errno, "make the catalogue's file durable", "fsync path=" + path);
  }
  return {};
}

// Makes the complete file `from` appear as `to`, for good, and never in the place of another file.
Result<void> publish(const std::string& from, const std::string& to) {
  if (auto synced = sync(from, 0); !synced) return synced;
  int failed = ::renameat2(AT_FDCWD, from.c_str(), AT_FDCWD, to.c_str(), RENAME_NOREPLACE);
  // Some file systems cannot rename so; a second name for the file does the same, and PartialFile
  // takes the first one away.
  if (failed != 0 && (errno == EINVAL || errno == ENOSYS))
    failed = ::link(from.c_str(), to.c_str());
  if (failed != 0) {
    if (errno == EEXIST) return exists_already(to);
    return fail_errno(errno, "give the catalogue's file its name", "rename path=" + to);
  }
  return sync(folder_of(to), O_DIRECTORY);
}

// Removes what a process left that ended while it made the file. Only for a path whose user is
// alone there: another's file would go as well.
void clear_partial(const std::string& final_path) {
  const std::string begin =
      std::filesystem::path(final_path).filename().string() + std::string(kPartialSuffix);
  std::vector<std::filesystem::path> left;
  std::error_code error;
  for (std::filesystem::directory_iterator entry(folder_of(final_path), error), end;
       !error && entry != end; entry.increment(error)) {
    if (entry->path().filename().string().starts_with(begin)) left.push_back(entry->path());
  }
  for (const auto& path : left) ::unlink(path.c_str());
}

// A name beside the final one, so that the rename stays within one file system. Takes its file away
// again.
class PartialFile {
 public:
  explicit PartialFile(const std::string& final_path)
      : path_(final_path + kPartialSuffix + random_uuid()) {}
  ~PartialFile() {
    for (const char* suffix : {"", "-journal", "-wal", "-shm"}) ::unlink((path_ + suffix).c_str());
  }
  PartialFile(const PartialFile&) = delete;
  PartialFile& operator=(const PartialFile&) = delete;
  const std::string& path() const { return path_; }

  /// Made here rather than by SQLite, so that nobody else can read it and a failure names its
  /// cause.
  Result<void> create() const {
    const Descriptor file(::open(path_.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
    if (!file.valid()) return cannot_open(errno, path_);
    return {};
  }

 private:
  const std::string path_;
};

bool sound_header(const std::array<unsigned char, kHeaderSize>& header) {
  if (!std::equal(kMagic.begin(), kMagic.end(), header.begin(), [](char left, unsigned char right) {
        return static_cast<unsigned char>(left) == right;
      })) {
    return false;
  }
  // https://www.sqlite.org/fileformat.html, 1.3: the value 1 stands for 65536.
  const std::uint32_t page_size = static_cast<std::uint32_t>(header[16] << 8 | header[17]);
  const bool sound_page_size =
      page_size == 1 || (page_size >= 512 && std::has_single_bit(page_size));
  return sound_page_size && header[18] >= 1 && header[18] <= 2 && header[19] >= 1 &&
         header[19] <= 2 && header[21] == 64 && header[22] == 32 && header[23] == 32;
}

}  // namespace

Result<void> check_file(const std::string& path) {
  const Descriptor file(::open(path.c_str(), O_RDWR | O_CLOEXEC));
  if (!file.valid()) {
    const int reason = errno;
    struct stat log{};
    if (reason == ENOENT && ::stat((path + "-wal").c_str(), &log) == 0 && log.st_size > 0) {
      return fail(
          Code::corrupt,
          std::string(
              "the catalogue's file is gone, though its log is still there: put it back, or ") +
              kRestore,
          "path=" + path);
    }
    return cannot_open(reason, path);
  }
  std::array<unsigned char, kHeaderSize> header{};
  ssize_t size = 0;
  do {
    size = ::pread(file.get(), header.data(), header.size(), 0);
  } while (size < 0 && errno == EINTR);
  if (size < 0) return cannot_open(errno, path);
  if (size == 0) {
    return fail(Code::corrupt,
                std::string("the catalogue's file is empty: ") + kRestore +
                    ", or remove the file to begin anew",
                "path=" + path);
  }
  if (static_cast<std::size_t>(size) < header.size() || !sound_header(header)) {
    return fail(
        Code::corrupt,
        std::string("the catalogue's file is not a database, or its beginning is damaged: ") +
            kRestore + ", or name another file",
        "path=" + path);
  }
  return {};
}

Result<void> create_file(const std::string& path) {
  clear_partial(path);
  const PartialFile partial(path);
  if (auto created = partial.create(); !created) return created;
  auto filled = guarded("sqlite.create", [&]() -> Result<void> {
    ConnectionOptions options;
    options.durable = false;
    Connection connection(partial.path(), options);
    migrate(connection);
    connection.execute("PRAGMA journal_mode=WAL");
    return {};
  });
  if (!filled) return filled;
  return publish(partial.path(), path);
}

Result<void> copy_file(const std::string& source, const std::string& target) {
  if (exists(target)) return exists_already(target);
  const PartialFile partial(target);
  if (auto created = partial.create(); !created) return created;
  auto copied = guarded("sqlite.backup", [&]() -> Result<void> {
    ConnectionOptions reading;
    reading.read_only = true;
    Connection from(source, reading);
    ConnectionOptions writing;
    writing.durable = false;
    Connection to(partial.path(), writing);
    // One step over all pages: it reads one snapshot, in which a write-ahead log lets writers go
    // on.
    sqlite3_backup* backup = sqlite3_backup_init(to.handle(), "main", from.handle(), "main");
    if (backup == nullptr) to.fail_with(sqlite3_extended_errcode(to.handle()), "backup");
    const int copied_all = sqlite3_backup_step(backup, -1);
    const int finished = sqlite3_backup_finish(backup);
    // A locked file is no failure to `finish`, though nothing was copied.
    if (copied_all != SQLITE_DONE) to.fail_with(copied_all, "backup");
    if (finished != SQLITE_OK) to.fail_with(finished, "backup");
    return {};
  });
  if (!copied) return copied;
  return publish(partial.path(), target);
}

}  // namespace visor::catalogue::sqlite
