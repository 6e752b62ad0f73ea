#include "store/hdfs/hdfs_store.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <utility>

#include "base/log.h"
#include "base/random.h"
#include "store/file_source.h"
#include "store/hdfs/hdfs_source.h"
#include "store/hdfs/hdfs_writer.h"
#include "store/key.h"

namespace visor::store {
namespace {

constexpr const char* kTemporaries = ".visor-tmp";
/// HDFS doesn't tell when an open file was written to last, only when it was begun.
constexpr auto kOldTemporary = std::chrono::hours(7 * 24);

/// The ports that datanodes' web servers have in Hadoop 2 and 3, plain and with TLS.
constexpr std::array<std::uint16_t, 4> kDatanodePorts = {9864, 9865, 50075, 50475};

std::string name_of(std::string key) {
  std::ranges::replace(key, '/', '.');
  return key;
}
std::string key_of(std::string name) {
  std::ranges::replace(name, '.', '/');
  return name;
}

std::unexpected<Error> no_page() {
  return fail(Code::unavailable, "HDFS answers with something that is no list of files",
              "hdfs.LISTSTATUS_BATCH");
}

}  // namespace

Result<std::unique_ptr<HdfsStore>> HdfsStore::create(Options options) {
  if (options.access.namenodes.empty()) {
    return fail(Code::invalid, "a store in HDFS needs the address of a namenode");
  }
  const auto& folder = options.folder;
  if (!folder.starts_with('/') || (folder.size() > 1 && folder.ends_with('/'))) {
    return fail(Code::invalid, "the folder of a store in HDFS begins with '/' and has none behind");
  }
  if (options.block_size == 0 || options.block_size % BlockChecksum::kChunk != 0) {
    return fail(Code::invalid, "the block size of a store in HDFS is a multiple of 512 bytes");
  }
  fetch::Guard::Options guard_options;
  guard_options.schemes = {options.access.https ? "https" : "http"};
  guard_options.ports.assign(kDatanodePorts.begin(), kDatanodePorts.end());
  guard_options.exceptions = options.datanodes;
  guard_options.exceptions.insert(guard_options.exceptions.end(), options.access.namenodes.begin(),
                                  options.access.namenodes.end());
  auto guard = fetch::Guard::create(std::move(guard_options));
  if (!guard) return pass(guard);
  options.fetch.attempts = 1;
  options.fetch.most_redirects = 0;
  auto fetcher = fetch::Fetcher::create(options.fetch, std::move(*guard));
  if (!fetcher) return pass(fetcher);
  return std::unique_ptr<HdfsStore>(new HdfsStore(std::move(options), std::move(*fetcher)));
}

HdfsStore::HdfsStore(Options options, std::unique_ptr<fetch::Fetcher> fetcher)
    : folder_(options.folder == "/" ? "" : options.folder),
      block_size_(options.block_size),
      fetcher_(std::move(fetcher)),
      namenodes_(*fetcher_, std::move(options.access)) {}

Capability HdfsStore::capability() const {
  return {.writable = true, .listable = true, .ranges = true};
}

std::string HdfsStore::path_of(const std::string& key) const {
  return folder_ + "/" + name_of(key);
}

std::string HdfsStore::location(const std::string& key) const {
  return "hdfs://" + namenodes_.access().namenodes.front() + path_of(key);
}

async::Task<Result<BlobStatus>> HdfsStore::stat(std::string key) {
  if (auto sound = check_key(key); !sound) co_return pass(sound);
  auto status = co_await namenodes_.status(path_of(key));
  if (!status && status.error().code == Code::not_found) {
    co_return fail(Code::not_found, "there is no blob of this key", status.error().where);
  }
  if (!status) co_return pass(status);
  if (!status->is_file) {
    co_return fail(Code::not_found, "there is no blob of this key", "hdfs.stat is a folder");
  }
  co_return BlobStatus{.size = status->length, .version = status->version()};
}

async::Task<Result<std::unique_ptr<async::ByteSource>>> HdfsStore::open(std::string key,
                                                                        ByteRange range,
                                                                        std::string version) {
  auto status = co_await stat(key);
  if (!status) co_return pass(status);
  if (!version.empty() && version != status->version) {
    co_return fail(Code::precondition, "the blob of this key is another one by now",
                   "hdfs.open expected=" + version + " found=" + status->version);
  }
  const auto extent = extent_of(range, status->size.value_or(0));
  if (!extent) co_return std::unexpected(extent.error());
  if (extent->length == 0) co_return async::text_source({});
  auto source = std::make_unique<HdfsSource>(namenodes_, path_of(key), std::move(status->version),
                                             extent->offset, extent->length);
  auto opened = co_await source->open();
  if (!opened) co_return pass(opened);
  co_return std::move(source);
}

async::Task<Result<void>> HdfsStore::prepare() {
  if (!prepared_) {
    auto folder = co_await namenodes_.status(folder_path());
    if (!folder && folder.error().code == Code::not_found) {
      co_return fail(Code::unavailable,
                     "the store's folder does not exist in HDFS; an administrator can make it",
                     folder.error().where);
    }
    if (!folder) co_return pass(folder);
    if (folder->is_file) {
      co_return fail(Code::unavailable, "the store's folder is a file in HDFS", "hdfs.create");
    }
  }
  // Each time: it says before the first byte whether HDFS takes changes at all.
  auto made =
      co_await namenodes_.ask("PUT", folder_ + "/" + kTemporaries, "MKDIRS", "&permission=700");
  if (!made) co_return pass(made);
  if (!prepared_.exchange(true)) co_await remove_old_temporaries();
  co_return Result<void>();
}

async::Task<Result<std::unique_ptr<BlobWriter>>> HdfsStore::create(std::string key,
                                                                   std::optional<std::uint64_t>) {
  if (auto sound = check_key(key); !sound) co_return pass(sound);
  auto ready = co_await prepare();
  if (!ready) co_return pass(ready);
  const std::string temporary = folder_ + "/" + kTemporaries + "/" + random_uuid();
  co_return std::make_unique<HdfsWriter>(namenodes_, uploads_, temporary, path_of(key),
                                         block_size_);
}

async::Task<Result<void>> HdfsStore::replace(std::string key, std::string bytes) {
  if (auto sound = check_key(key); !sound) co_return pass(sound);
  auto ready = co_await prepare();
  if (!ready) co_return pass(ready);
  HdfsWriter writer(namenodes_, uploads_, folder_ + "/" + kTemporaries + "/" + random_uuid(),
                    path_of(key), block_size_, HdfsWriter::Existing::replace);
  const auto data = std::as_bytes(std::span(bytes));
  auto written = co_await writer.write(data);
  // The writer has taken back what it wrote.
  if (!written) co_return written;
  co_return co_await writer.commit(data.size());
}

async::Task<void> HdfsStore::remove_old_temporaries() {
  const std::string folder = folder_ + "/" + kTemporaries;
  auto page = co_await namenodes_.list(folder, "");
  if (!page) co_return;
  const auto oldest = std::chrono::duration_cast<std::chrono::milliseconds>(
                          (std::chrono::system_clock::now() - kOldTemporary).time_since_epoch())
                          .count();
  for (const auto& entry : page->entries) {
    if (!entry.is_file || entry.modified >= oldest || !is_uuid(entry.name)) continue;
    auto removed = co_await namenodes_.ask("DELETE", folder + "/" + entry.name, "DELETE", "");
    if (removed) log::info("an old temporary file was removed from HDFS", {{"file", entry.name}});
  }
}

async::Task<Result<void>> HdfsStore::remove(std::string key) {
  if (auto sound = check_key(key); !sound) co_return pass(sound);
  // Answered with false if there was nothing.
  auto answer = co_await namenodes_.ask("DELETE", path_of(key), "DELETE", "");
  if (!answer && answer.error().code != Code::not_found) co_return pass(answer);
  co_return Result<void>();
}

async::Task<Result<Listing>> HdfsStore::list(std::string after, std::uint32_t limit) {
  Listing listing;
  std::string last = name_of(std::move(after));
  while (true) {
    // In ascending order of the names' bytes, which is that of the keys.
    const std::string folder = folder_path();
    auto page = co_await namenodes_.list(folder, last);
    if (!page) co_return pass(page);
    for (const auto& entry : page->entries) {
      if (entry.name <= last) co_return no_page();
      last = entry.name;
      auto key = key_of(entry.name);
      if (!entry.is_file || entry.name != name_of(key) || !check_key(key)) continue;
      if (listing.keys.size() == limit) {
        listing.next = listing.keys.back();
        co_return listing;
      }
      listing.keys.push_back(std::move(key));
    }
    if (!page->more) co_return listing;
    if (page->entries.empty()) co_return no_page();
  }
}

}  // namespace visor::store
