// The embedded catalogue: one SQLite file in write-ahead mode.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "catalogue/catalogue.h"

namespace visor::catalogue {

/// Keeps the catalogue in one file (docs/formats/catalogue.md). Readers never wait for the writer,
/// nor it for them. A change is on the disk when `apply` returns; changes that arrive together
/// share one fsync. Thread-safe; all calls block.
class SqliteCatalogue : public Catalogue {
 public:
  struct Options {
    std::string path;               ///< the file; its folder must exist
    bool create = true;             ///< make the file if there is none
    std::size_t readers = 4;        ///< queries at once; more wait
    std::size_t point_readers = 8;  ///< `get` and `counter` at once, apart from queries; more wait
    std::int64_t change_log_rows = 100'000;  ///< changes kept at least; an eighth more at most
    /// How much of the file is read by mapping it, up to 2^31 - 64 KiB. A disk that fails ends the
    /// process then (SIGBUS) instead of a request (docs/decisions/0011).
    std::int64_t mmap_bytes = 0;
    std::int64_t write_cache_kib = 32'768;  ///< page cache of the connection that writes
    /// Room set aside beside the file, so that things can be removed on a full disk: the log grows
    /// to 8 MiB, and the file by as much, before the log is used anew. 0: none.
    std::uint64_t reserve_bytes = 16 << 20;
    int busy_milliseconds = 5000;  ///< how long to wait for another process that holds the file
  };

  /// Opens the file, making or upgrading it as needed. Takes a few milliseconds whatever the file's
  /// size, but for an upgrade.
  ///
  /// Errors: `not_found` (no folder, or no file and not `create`), `corrupt` (damaged, empty, or no
  /// database), `invalid` (another program's database, or no file's path), `unsupported` (written
  /// by a newer release), `unavailable` (no permission, or locked), `no_space`.
  static Result<std::unique_ptr<SqliteCatalogue>> open(Options options);
  ~SqliteCatalogue() override;

  Result<Record> get(const std::string& collection, const std::string& id) override;
  Result<Record> document(const std::string& collection, const std::string& id) override;
  Result<Page> find(const Query& query) override;
  Result<void> apply(const Batch& batch) override;
  Result<std::int64_t> counter(const std::string& name) override;
  Result<Changes> changes(std::uint64_t since, std::uint32_t limit) override;
  Result<Lease> acquire(const std::string& lease, const std::string& holder,
                        std::chrono::milliseconds duration) override;
  Result<void> release(const std::string& lease, const std::string& holder) override;
  /// Makes a new file at `path` (`conflict` if there is one), which `open` takes as it is.
  Result<void> backup(const std::string& path) override;
  bool reads_inline() const override { return true; }

 private:
  struct State;
  explicit SqliteCatalogue(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace visor::catalogue
