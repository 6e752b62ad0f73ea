#include "store/file/blob_tree.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <utility>

#include "base/log.h"
#include "base/random.h"
#include "store/file/folder_scan.h"
#include "store/key.h"

namespace visor::store {
namespace {

constexpr const char* kPartialFolder = "partial";
constexpr std::string_view kPartialPrefix = ".partial-";

bool out_of_room(int errno_value) { return errno_value == ENOSPC || errno_value == EDQUOT; }

bool lacks_unnamed_files(int errno_value) {
  return errno_value == EOPNOTSUPP || errno_value == EISDIR || errno_value == EINVAL ||
         errno_value == ENOENT;
}

std::string absolute_path(const std::string& directory) {
  char* resolved = ::realpath(directory.c_str(), nullptr);
  std::string path = resolved == nullptr ? directory : resolved;
  std::free(resolved);
  return path;
}

std::unexpected<Error> missing(const std::string& key) {
  return fail(Code::not_found, "the image data is not in the store", "file key=" + key);
}

}  // namespace

BlobPath path_of(std::string_view key) {
  // '.' is no character of a key and sorts where '/' does: between '-' and the digits. So names
  // sort as their keys.
  BlobPath path;
  path.name = key;
  std::replace(path.name.begin(), path.name.end(), '/', '.');
  path.folder = path.name.substr(0, 2);
  return path;
}

std::optional<std::string> key_of(std::string_view name) {
  if (name.find('/') != std::string_view::npos) return std::nullopt;
  std::string key(name);
  std::replace(key.begin(), key.end(), '.', '/');
  if (!check_key(key)) return std::nullopt;
  return key;
}

std::unexpected<Error> fail_file(int errno_value, std::string_view action, std::string where) {
  if (errno_value == EFBIG) {
    return fail(Code::too_large, "the image data is larger than the store's file system allows",
                where + " errno=EFBIG");
  }
  return fail_errno(errno_value, action, std::move(where));
}

BlobTree::BlobTree(std::string directory, Descriptor root, FileCalls calls)
    : directory_(std::move(directory)), root_(std::move(root)), calls_(std::move(calls)) {}

Result<std::unique_ptr<BlobTree>> BlobTree::open(const std::string& directory, FileCalls calls) {
  if (directory.empty()) {
    return fail(Code::invalid, "the file store needs a folder, and none is configured");
  }
  const bool made = ::mkdir(directory.c_str(), 0700) == 0;
  if (!made && errno != EEXIST) {
    const int error = errno;
    struct stat status = {};
    if (::stat(directory.c_str(), &status) != 0) {
      return fail(Code::unavailable,
                  "the image store's folder '" + directory + "' cannot be made (" +
                      std::strerror(error) +
                      "): make it, owned by the server's user, or configure another folder",
                  "file.open mkdir");
    }
  }
  Descriptor root(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!root) {
    return fail(Code::unavailable,
                "the image store's folder '" + directory + "' cannot be opened (" +
                    std::strerror(errno) +
                    "): it must be a folder that the server's user may read and write",
                "file.open");
  }
  std::unique_ptr<BlobTree> tree(
      new BlobTree(absolute_path(directory), std::move(root), std::move(calls)));
  if (auto synced = tree->sync_own_entry(made); !synced) return pass(synced);
  if (auto prepared = tree->prepare(); !prepared) return pass(prepared);
  return tree;
}

std::unexpected<Error> BlobTree::not_writable(int errno_value) const {
  return fail(Code::unavailable,
              "the image store's folder '" + directory_ + "' cannot be written (" +
                  std::strerror(errno_value) +
                  "): let the server's user write there, or configure another folder",
              "file.open");
}

// Else a power failure could take the folder with all that was stored in it since. Also when it was
// there: the run that made it may have ended before this.
Result<void> BlobTree::sync_own_entry(bool made) const {
  const Descriptor parent(::open((directory_ + "/..").c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  const bool synced = parent && calls_.fsync(parent.get()) == 0;
  // A folder above that the server may not even read is not one that it made this one in.
  if (made && !synced) return not_writable(errno);
  return {};
}

Result<void> BlobTree::prepare() {
  if (::mkdirat(root_.get(), kPartialFolder, 0700) != 0 && errno != EEXIST && !out_of_room(errno)) {
    return not_writable(errno);
  }
  partial_ = Descriptor(open_beneath(root_.get(), kPartialFolder, O_RDONLY | O_DIRECTORY));
  // A full disk must not keep the server from starting: what is there can still be read and
  // removed.
  if (!partial_ && errno != ENOENT) return not_writable(errno);
  if (auto probed = probe(); !probed) return probed;
  if (partial_) clear_partial();
  return {};
}

Result<void> BlobTree::probe() {
  if (Descriptor file(calls_.open_unnamed(root_.get())); file) {
    unnamed_files_ = !partial_ || probe_link(file.get());
    return {};
  }
  if (out_of_room(errno)) return {};
  if (!lacks_unnamed_files(errno)) return not_writable(errno);
  unnamed_files_ = false;
  const auto name = std::string(kPartialPrefix) + random_uuid();
  const Descriptor file(
      open_beneath(partial_.get(), name.c_str(), O_CREAT | O_EXCL | O_WRONLY, 0600));
  if (!file && !out_of_room(errno)) return not_writable(errno);
  if (file) ::unlinkat(partial_.get(), name.c_str(), 0);
  return {};
}

bool BlobTree::probe_link(int file) const {
  const auto self = "/proc/self/fd/" + std::to_string(file);
  const auto name = std::string(kPartialPrefix) + random_uuid();
  if (::linkat(AT_FDCWD, self.c_str(), partial_.get(), name.c_str(), AT_SYMLINK_FOLLOW) != 0) {
    return out_of_room(errno);
  }
  ::unlinkat(partial_.get(), name.c_str(), 0);
  return true;
}

void BlobTree::clear_partial() {
  std::size_t removed = 0;
  for (const auto& entry : scan_folder(partial_.get())) {
    if (!entry.name.starts_with(kPartialPrefix)) continue;
    const Descriptor file(open_beneath(partial_.get(), entry.name.c_str(), O_RDONLY | O_NONBLOCK));
    // Its writer holds the lock as long as it lives.
    if (!file || ::flock(file.get(), LOCK_EX | LOCK_NB) != 0) continue;
    if (::unlinkat(partial_.get(), entry.name.c_str(), 0) == 0) ++removed;
  }
  if (removed > 0) {
    log::info("removed partial files that an earlier run left in the image store",
              {{"count", std::to_string(removed)}});
  }
}

Result<Descriptor> BlobTree::open_blob(const std::string& key, int flags) const {
  const auto path = path_of(key).text();
  Descriptor file(open_beneath(root_.get(), path.c_str(), flags));
  if (!file) {
    if (errno == ENOENT || errno == ENOTDIR || errno == ELOOP) return missing(key);
    return fail_file(errno, "open the image data", "file.open key=" + key);
  }
  struct stat status = {};
  if (::fstat(file.get(), &status) != 0) {
    return fail_file(errno, "look at the image data", "file.stat key=" + key);
  }
  if (!S_ISREG(status.st_mode)) return missing(key);
  return file;
}

Result<Descriptor> BlobTree::folder_for_new(const BlobPath& path) {
  const std::string where = "file.create folder=" + path.folder;
  if (::mkdirat(root_.get(), path.folder.c_str(), 0700) != 0 && errno != EEXIST) {
    return fail_file(errno, "make a folder in the image store", where);
  }
  Descriptor folder(open_beneath(root_.get(), path.folder.c_str(), O_RDONLY | O_DIRECTORY));
  if (!folder) return fail_file(errno, "open a folder of the image store", where);
  {
    const std::lock_guard lock(mutex_);
    if (durable_folders_.contains(path.folder)) return folder;
  }
  // Also when another made it: whether its entry is on the disk yet, nobody can tell.
  if (calls_.fsync(root_.get()) != 0) {
    return fail_file(errno, "make a folder of the image store durable", where);
  }
  const std::lock_guard lock(mutex_);
  durable_folders_.insert(path.folder);
  return folder;
}

Result<void> BlobTree::remove(const std::string& key) {
  const auto path = path_of(key);
  const std::string where = "file.remove key=" + key;
  const Descriptor folder(open_beneath(root_.get(), path.folder.c_str(), O_RDONLY | O_DIRECTORY));
  if (!folder) {
    if (errno == ENOENT) return {};
    return fail_file(errno, "open a folder of the image store", where);
  }
  if (::unlinkat(folder.get(), path.name.c_str(), 0) != 0 && errno != ENOENT) {
    return fail_file(errno, "remove the image data", where);
  }
  // Also when nothing was there: the removal that took it away may have failed before it was
  // durable.
  if (calls_.fsync(folder.get()) != 0) {
    return fail_file(errno, "make the removal of the image data durable", where);
  }
  return {};
}

Result<Listing> BlobTree::list(const std::string& after, std::uint32_t limit) const {
  std::vector<std::string> folders;
  const auto first = path_of(after).folder;
  for (auto& entry : scan_folder(root_.get())) {
    if (entry.name.size() > 2 || entry.name < first) continue;
    if (entry.may_be_folder && key_of(entry.name + (entry.name.size() == 2 ? "0" : ""))) {
      folders.push_back(std::move(entry.name));
    }
  }
  std::sort(folders.begin(), folders.end());

  Listing listing;
  const std::size_t wanted = std::size_t{limit} + 1;  // one more tells whether there is a next page
  for (const auto& folder : folders) {
    const Descriptor open(open_beneath(root_.get(), folder.c_str(), O_RDONLY | O_DIRECTORY));
    if (!open) continue;
    std::vector<std::string> keys;
    for (const auto& entry : scan_folder(open.get())) {
      auto key = key_of(entry.name);
      if (!key || !entry.may_be_file || *key <= after || path_of(*key).folder != folder) continue;
      keys.push_back(std::move(*key));
    }
    std::sort(keys.begin(), keys.end());
    keys.resize(std::min(keys.size(), wanted - listing.keys.size()));
    std::move(keys.begin(), keys.end(), std::back_inserter(listing.keys));
    if (listing.keys.size() == wanted) {
      listing.keys.pop_back();
      listing.next = listing.keys.empty() ? after : listing.keys.back();
      break;
    }
  }
  return listing;
}

}  // namespace visor::store
