// Bringing data into images in the background.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "async/byte_source.h"
#include "async/task.h"
#include "base/digest.h"
#include "base/principal.h"
#include "image/attributes.h"
#include "service/copies.h"
#include "service/image_service.h"
#include "service/import.h"
#include "service/placement_service.h"
#include "service/recorded_work.h"
#include "service/removals.h"

namespace visor::service {

/// Data that comes with what is known of it.
struct Brought {
  std::unique_ptr<async::ByteSource> data;
  std::optional<std::uint64_t> size = {};
  std::string container = {};  ///< what it is wrapped in, and what it is
  std::string format = {};
  Digests digests = {};     ///< that it must have
  image::Edits edits = {};  ///< what the image gets with it
};

/// Opens data; called once for each store that is tried, on the executor of `run`.
using Bring = std::function<async::Task<Result<Brought>>()>;

/// What a caller asks for; see Import for the members.
struct ImportRequest {
  Import::Kind kind = Import::Kind::staged;
  std::string image;
  std::string location = {};
  std::vector<std::string> stores = {};  ///< none: the image's own, or the default one
  bool every_store = false;              ///< all that take data, instead of `stores`
  bool whole = true;
  std::string request = {};
  std::string note = {};
  std::string digest = {};
  /// Of what is brought. Kept in memory alone: it can hold what must not be written down.
  Bring bring = {};
};

/// Verbs on imports. The work itself is done by `run`, on a thread of the caller's; it is recorded
/// before it begins, so that after a crash it begins again. Thread-safe; what it stands on outlives
/// it.
class ImportService {
 public:
  ImportService(Foundation foundation, ImageService& images, PlacementService& placements,
                std::vector<DigestAlgorithm> digests);

  /// Records work to be done; the image shows from then on that it is being imported. `conflict`
  /// (the image is not in a state for it, another import works on it, there is no such store),
  /// `invalid` (a location that no store takes, a store that has the data already), `forbidden`,
  /// `not_found`. Nothing if there is nothing to do: the data lies in every store asked for.
  async::Task<Result<std::optional<Import>>> request(Principal who, ImportRequest request);

  /// The imports of an image that `who` may see, the oldest first.
  async::Task<Result<std::vector<Import>>> of_image(Principal who, std::string image);
  /// One of an image that `who` may change, or any for an administrator.
  async::Task<Result<Import>> show(Principal who, std::string id);
  /// For administrators: the newest first, behind `after`, at most `limit` (1 to 1000).
  async::Task<Result<std::vector<Import>>> list(Principal who, std::optional<std::string> after,
                                                std::uint32_t limit);

  /// Drops one copy of an image, not the last one: for administrators.
  async::Task<Result<void>> evict(Principal who, std::string image, std::string store);

  /// Takes up again what an earlier run of the server left. Call it once, before `run`.
  async::Task<Result<void>> recover();
  /// Whether `run` would find something to do.
  bool due() const { return due_; }
  /// Does what waits, until nothing does or `stop` is called. One call at a time.
  async::Task<void> run();
  void stop() { stopping_ = true; }
  bool under_way() const { return working_; }
  /// Forgets imports that were over long ago. Call it now and then.
  async::Task<Result<void>> tidy();

 private:
  using Rule = std::function<Result<void>(image::Image&)>;

  // import_service.cc
  async::Task<Result<std::optional<Import>>> request_told(const Principal& who,
                                                          ImportRequest request);
  Result<std::vector<std::string>> wanted_stores(const ImportRequest& request,
                                                 const image::Image& image,
                                                 const std::set<std::string>& present) const;
  async::Task<Result<void>> check_location(std::string location);
  async::Task<Result<std::set<std::string>>> stores_with(const image::Image& image);
  async::Task<Result<image::Image>> load_image(std::string id);
  async::Task<Result<Import>> load(std::string id);

  // importing.cc
  async::Task<Result<void>> carry_out(const Import& import);
  async::Task<Result<void>> gather(const Import& import, image::Image image);
  async::Task<Result<Brought>> open(const Import& import);
  async::Task<Result<void>> fetch(const Import& import, std::string store);
  async::Task<Result<void>> fetch_somewhere(const Import& import, const image::Image& image);
  async::Task<Result<void>> refer(const Import& import);
  std::vector<DigestAlgorithm> digests_for(const Import& import) const;
  async::Task<Result<void>> compute_digests(const Import& import, const image::Image& image);
  async::Task<Result<void>> spread(const Import& import);
  async::Task<Result<void>> bring_to(const Import& import, const std::string& store);
  async::Task<Result<void>> leave_staging(const Import& import);
  async::Task<Result<void>> alter(const std::string& image, Rule rule);
  async::Task<void> conclude(Import import, Result<void> outcome);
  async::Task<Result<void>> conclude_once(Import& import, const Result<void>& outcome,
                                          std::vector<Removal>& removals);

  // What may be brought, by the import's id.
  void keep(const std::string& import, Bring bring);
  void forget(const std::string& import);
  Bring kept(const std::string& import) const;

  Foundation on_;
  RecordedWork<Import> recorded_{on_.catalogue, on_.clock, kImports, decode_import};
  ImageService& images_;
  PlacementService& placements_;
  const std::vector<DigestAlgorithm> digests_;
  mutable std::mutex mutex_;
  std::map<std::string, Bring> bringers_;
  Copies copies_{on_.catalogue, on_.stores};
  Removals removals_{on_.catalogue, on_.stores};
  std::atomic<bool> due_ = true;
  std::atomic<bool> stopping_ = false;
  std::atomic<bool> working_ = false;
};

}  // namespace visor::service
