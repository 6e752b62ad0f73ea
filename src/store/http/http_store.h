// References to data on web servers.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "fetch/fetch.h"
#include "store/store.h"

namespace visor::store {

/// Read-only; its keys are URLs that the fetcher's guard allows, perhaps with a fragment, which is
/// for people: no server is told of it. Thread-safe; calls are made on an
/// executor's thread.
///
/// Errors beside the store's and the fetcher's: `forbidden` if the server asks for credentials,
/// `precondition` if the data is not of the version asked for any more.
class HttpStore : public Store {
 public:
  struct Options {
    /// How much is read and dropped at most to reach an offset on a server without ranges; beyond
    /// it: `unsupported`.
    std::uint64_t most_skipped = std::uint64_t{1} << 30;
  };

  /// `fetcher` outlives the store.
  explicit HttpStore(fetch::Fetcher& fetcher);
  HttpStore(fetch::Fetcher& fetcher, Options options);

  Capability capability() const override;
  /// Asks with HEAD, and with GET for the first byte where HEAD is refused or tells no size. The
  /// version: `version_of`.
  async::Task<Result<BlobStatus>> stat(std::string key) override;
  async::Task<Result<std::unique_ptr<async::ByteSource>>> open(std::string key, ByteRange range,
                                                               std::string version) override;
  async::Task<Result<std::unique_ptr<BlobWriter>>> create(
      std::string key, std::optional<std::uint64_t> size) override;
  async::Task<Result<void>> remove(std::string key) override;
  async::Task<Result<Listing>> list(std::string after, std::uint32_t limit) override;
  /// The URL without its query, which is where presigned URLs and access tokens have their secrets.
  /// User and password can't be in it, since the guard refuses them.
  std::string location(const std::string& key) const override;

 private:
  async::Task<Result<BlobStatus>> stat_by_get(std::string key);
  async::Task<Result<std::unique_ptr<async::ByteSource>>> open_nothing(std::string key,
                                                                       std::uint64_t offset,
                                                                       std::string version);

  fetch::Fetcher& fetcher_;
  const Options options_;
};

}  // namespace visor::store
