// What keeps the manifests of one store in step with the catalogue.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "async/task.h"
#include "base/error.h"
#include "base/metrics.h"
#include "catalogue/client.h"
#include "service/copies.h"
#include "service/manifest.h"
#include "service/store_mark.h"
#include "store/store_set.h"

namespace visor::service {

/// The collection of the writers' places in the history, by store; see docs/formats/records.md.
inline constexpr const char* kManifests = "manifests";

/// Follows the history of the catalogue and writes the manifests of what changed, behind the verbs
/// that changed it: an upload costs nothing more. How far it is stands in the catalogue and never
/// runs ahead of what is written; where the history has a gap, or the store is not the one it was,
/// it walks over all blobs. In a store that is another catalogue's it writes nothing.
///
/// One thread calls `due` and `run`; the rest is for any thread. What it stands on outlives it.
class ManifestWriter {
 public:
  /// `store` is the name of one in `stores` that takes data.
  ManifestWriter(catalogue::Client& catalogue, const store::StoreSet& stores, std::string store);

  const std::string& store() const { return name_; }

  /// Whether `run` is worth calling now. Asked about once a second: after a failure it says no for
  /// a while, longer each time, up to a minute.
  bool due();
  /// Writes what changed, and of a walk over all blobs one page, unless `stop` is called. The error
  /// is that of the store or of the catalogue; what was not written then is written by a later
  /// call.
  async::Task<Result<void>> run();
  /// Whether a walk over all blobs has not come to its end: asked between two runs.
  bool walking() const { return position_ && position_->walk; }
  /// Ends `run` soon.
  void stop() { stopping_ = true; }
  bool under_way() const;
  /// Waits for the end of what is under way, but for no longer than `deadline`.
  void await_end(std::chrono::steady_clock::time_point deadline) const;

  /// Looks whose store it is, and changes nothing. Called before the first `run`, by the same
  /// thread.
  async::Task<Result<void>> look();
  bool looked() const;
  /// Waits until `look`, on another thread, is done, but for no longer than `deadline`: `conflict`
  /// if the store is not this catalogue's. One that does not answer is nobody's fault: whose it is,
  /// a later run finds out.
  Result<void> await_owner(std::chrono::steady_clock::time_point deadline);

 private:
  struct Position {
    std::uint64_t since = 0;            ///< of the history; all before it is written
    std::string mark;                   ///< the walk that the store's mark must name
    std::optional<std::uint64_t> walk;  ///< how far a walk over all blobs is; nothing: none is due
    std::uint64_t revision = 0;
  };
  /// What a page of the history asks for.
  struct Work {
    std::vector<std::string> blobs;
    std::vector<std::string> orphans;  ///< keys of blobs that went
  };

  void set_under_way(bool under_way);
  async::Task<Result<void>> catch_up();
  async::Task<Result<void>> load();
  async::Task<Result<void>> begin_walk();
  /// Whether more may follow.
  async::Task<Result<bool>> follow();
  async::Task<Result<void>> walk_on();
  async::Task<Result<Work>> work_in(const std::vector<catalogue::Change>& changes);
  async::Task<Result<void>> write_all(std::vector<std::string> blobs);
  async::Task<Result<void>> write_some(const std::vector<std::string>& blobs, std::size_t& next);
  async::Task<Result<void>> write(std::string blob);
  async::Task<Result<std::optional<Manifest>>> describe(const Blob& blob);
  async::Task<Result<std::vector<Copy>>> copies_here(const std::string& blob);
  async::Task<Result<void>> put(const Copy& copy, Manifest manifest);
  /// Removes manifests whose blob is not in the store: what a crash and a gap in the history left.
  async::Task<Result<void>> sweep();
  async::Task<Result<void>> save();

  catalogue::Client& catalogue_;
  const std::string name_;
  store::Store& store_;
  StoreMarks marks_;
  Copies copies_;
  metrics::Counter& written_;
  metrics::Counter& failures_;
  metrics::Gauge& current_;
  std::optional<Position> position_;  ///< nothing before it is known
  std::uint64_t saved_ = 0;           ///< the `since` in the catalogue
  /// Where the history ended when this began: up to there a run that was cut off may have written
  /// what was removed meanwhile.
  std::uint64_t began_at_ = 0;
  bool failing_ = false;
  unsigned pause_ = 0;
  unsigned skip_ = 0;
  std::atomic<bool> stopping_ = false;
  mutable std::mutex mutex_;
  mutable std::condition_variable changed_;
  bool under_way_ = false;
  std::optional<Result<void>> owner_;  ///< nothing before the first look
};

}  // namespace visor::service
