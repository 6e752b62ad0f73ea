// A store in memory, for tests.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "store/store.h"

namespace visor::store {

/// Keeps blobs in memory; they go with the store. The store outlives its writers; readers may
/// outlive it. Thread-safe.
class MemoryStore : public Store {
 public:
  struct Options {
    std::string name = "memory";  ///< shows in locations: memory://name/key
    std::uint64_t capacity =
        1u << 30;  ///< bytes, blobs being written included; beyond it: `no_space`
  };

  MemoryStore();
  explicit MemoryStore(Options options);
  ~MemoryStore() override;

  Capability capability() const override;
  async::Task<Result<BlobStatus>> stat(std::string key) override;
  async::Task<Result<std::unique_ptr<async::ByteSource>>> open(std::string key, ByteRange range,
                                                               std::string version) override;
  async::Task<Result<std::unique_ptr<BlobWriter>>> create(
      std::string key, std::optional<std::uint64_t> size) override;
  async::Task<Result<void>> replace(std::string key, std::string bytes) override;
  async::Task<Result<void>> remove(std::string key) override;
  async::Task<Result<Listing>> list(std::string after, std::uint32_t limit) override;
  std::string location(const std::string& key) const override;

  /// Bytes held now, by blobs and by writers that are neither committed nor aborted.
  std::uint64_t used() const;

 private:
  class Writer;
  struct Blob {
    std::vector<std::byte> bytes;
    std::string version;
  };

  Result<std::shared_ptr<const Blob>> find(const std::string& key) const;
  Result<void> take_room(std::uint64_t bytes);
  void give_room(std::uint64_t bytes);
  Result<void> commit(const std::string& key, std::vector<std::byte> bytes);

  const Options options_;
  mutable std::mutex mutex_;
  std::map<std::string, std::shared_ptr<const Blob>> blobs_;
  std::uint64_t used_ = 0;
  std::uint64_t commits_ = 0;
};

}  // namespace visor::store
