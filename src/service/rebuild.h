// Making a catalogue anew from what a store says of its blobs.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "async/buffer_pool.h"
#include "async/task.h"
#include "async/worker_pool.h"
#include "base/clock.h"
#include "base/digest.h"
#include "base/error.h"
#include "catalogue/client.h"
#include "service/copies.h"
#include "service/digest_queue.h"
#include "service/manifest.h"
#include "store/store_set.h"

namespace visor::service {

/// The collection of rebuilds under way, by store; see docs/formats/records.md.
inline constexpr const char* kRebuilds = "rebuilds";

struct RebuildOptions {
  std::string store = {};  ///< the name of the one that is read
  bool merge = false;      ///< into a catalogue that has images: those stay as they are
  bool verify = false;     ///< read every blob and compare its digest, not its size alone
  std::string adopt = {};  ///< the account that gets blobs without a manifest; empty: none does
};

/// Something that did not come back as it was.
struct RebuildProblem {
  enum class Kind {
    damaged_manifest,  ///< what it describes is not known
    missing_data,      ///< a manifest, but no blob
    damaged_data,      ///< the image is there again, its copy is marked and never read
    unknown_data,      ///< a blob, but no manifest, and nobody was to get it
    other_data         ///< the catalogue has other data for the image, or another copy in the store
  };
  Kind kind = Kind::unknown_data;
  std::string key;    ///< the blob's
  std::string image;  ///< empty if it is not known
  std::string reason;
};

std::string_view to_string(RebuildProblem::Kind kind);

struct RebuildReport {
  bool resumed = false;       ///< it went on where an earlier run was cut off; counted is this one
  std::uint64_t looked = 0;   ///< blobs and manifests without one
  std::uint64_t images = 0;   ///< that are there again
  std::uint64_t deleted = 0;  ///< likewise, put aside as they were
  std::uint64_t adopted = 0;  ///< blobs without a manifest that are an image now
  std::uint64_t copies = 0;   ///< further ones, of images that the catalogue had
  std::uint64_t known = 0;    ///< copies that the catalogue had
  std::uint64_t bytes = 0;    ///< of the images that are there again
  struct Owner {
    std::uint64_t images = 0;
    std::uint64_t bytes = 0;
    bool account = false;  ///< whether the catalogue has an account of this access key
  };
  std::map<std::string, Owner> owners;   ///< of images that are there again, by access key
  std::uint64_t problem_count = 0;       ///< all of them
  std::vector<RebuildProblem> problems;  ///< the first thousand
};

/// What a rebuild stands on; all of it outlives it.
struct RebuildFoundation {
  catalogue::Client& catalogue;
  const store::StoreSet& stores;
  async::WorkerPool& digest_pool;
  async::BufferPool& slices;
  const Clock& clock;
  std::vector<DigestAlgorithm> digests;  ///< that adopted blobs get
};

/// Reads one store from end to end and puts into the catalogue what it lacks: one batch an image,
/// with its blob, its copy and what its owner is charged. May be cut off at any point; the next run
/// goes on there. While no server runs on the catalogue.
class Rebuild {
 public:
  Rebuild(RebuildFoundation foundation, RebuildOptions options);

  /// Told as it happens. `on_progress` is called after each blob; false ends it with `cancelled`.
  std::function<bool(const RebuildReport& so_far)> on_progress;
  std::function<void(const RebuildProblem& problem)> on_problem;

  /// `invalid` (no such store, or one that only refers), `conflict` (the catalogue has images and
  /// nobody said to merge), and what store and catalogue say. A problem with one blob is none of
  /// these.
  async::Task<Result<RebuildReport>> run();

 private:
  // rebuild.cc
  Result<void> check_store();
  async::Task<Result<void>> begin();
  async::Task<Result<bool>> has_images();
  async::Task<Result<void>> find_unfinished();
  async::Task<Result<void>> find_unfinished_in(const char* collection);
  async::Task<Result<void>> walk();
  async::Task<Result<void>> look_at(std::string key);
  async::Task<Result<void>> look_at_blob(const std::string& key);
  async::Task<Result<void>> look_at_manifest_alone(const std::string& key);
  async::Task<Result<void>> save(std::string after);
  async::Task<Result<void>> finish();
  void tell(RebuildProblem problem);

  // rebuild_image.cc
  async::Task<Result<std::optional<std::string>>> read_text(const std::string& key);
  async::Task<Result<void>> bring_back(const Manifest& manifest, std::uint64_t size);
  /// Why the blob is not what the manifest says; nothing if it is.
  async::Task<Result<std::optional<std::string>>> damage_of(const Manifest& manifest,
                                                            std::uint64_t size);
  async::Task<Result<bool>> same_digest(const Manifest& manifest);
  async::Task<Result<void>> put_new(const Manifest& manifest, bool damaged);
  async::Task<Result<void>> join(const Manifest& manifest, const catalogue::Record& blob,
                                 bool damaged);
  async::Task<Result<bool>> has(const char* collection, const std::string& id);
  async::Task<Result<void>> adopt(const std::string& key, std::uint64_t size);
  void count(const image::Image& image);

  RebuildFoundation on_;
  const RebuildOptions options_;
  store::Store* store_ = nullptr;
  Copies copies_;
  DigestQueue digest_queue_;
  std::set<std::string> unfinished_;  ///< keys that removals and other work still deal with
  std::string after_;                 ///< where this run begins
  std::uint64_t revision_ = 0;        ///< of the record
  std::string pending_;               ///< a blob whose manifest may be the next key
  RebuildReport report_;
};

}  // namespace visor::service
