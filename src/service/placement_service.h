// Where the bytes of images lie: the stores, the copies in them, and the work that changes them.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "async/task.h"
#include "base/principal.h"
#include "service/copies.h"
#include "service/image_service.h"
#include "service/placement.h"
#include "service/recorded_work.h"
#include "service/removals.h"
#include "service/upload.h"

namespace visor::service {

/// A store as administrators see it.
struct StoreStatus {
  std::string name;
  bool standard = false;  ///< takes what names no store
  store::Capability capability;
};

/// One place where the data of an image lies.
struct CopyStatus {
  std::string store;
  std::string location;  ///< URI, without credentials
  bool referred = false;
  bool damaged = false;
};

/// What came of writing a small blob to a store, reading it back and removing it.
struct StoreCheck {
  std::string store;
  std::optional<Error> failure;  ///< nothing: all of it went well
  std::chrono::microseconds duration{0};
};

/// What a caller asks for; see Placement for the members.
struct PlacementRequest {
  Placement::Kind kind = Placement::Kind::copy;
  std::string image;
  std::string store;
  std::string from;  ///< empty: the store where reads begin
};

struct PlacementPage {
  std::vector<Placement> placements;  ///< the newest first
  std::optional<std::string> next;    ///< what `list` takes for the following page
};

/// Verbs on stores and on where images lie: `forbidden` for everybody but administrators, before
/// anything else is looked at. An account pays for an image once, however many copies there are.
///
/// The work itself is done by `run`, on a thread of the caller's; it is recorded before it begins,
/// so that after a crash it begins again and leaves no bytes behind. Thread-safe.
class PlacementService {
 public:
  /// `digests`: those that data which was only referred to gets when it is fetched.
  PlacementService(Foundation foundation, std::vector<DigestAlgorithm> digests);

  Result<std::vector<StoreStatus>> stores(const Principal& who) const;
  /// `not_found` for no such store; whatever else goes wrong is in the answer.
  async::Task<Result<StoreCheck>> check(Principal who, std::string store);
  /// Where an image lies; the copy where reads begin comes first.
  async::Task<Result<std::vector<CopyStatus>>> copies(Principal who, std::string image);

  /// Records work to be done. `invalid` (a store that there is not or that takes nothing),
  /// `not_found` (an image that there is not), `conflict` (the image is not in a state for it, or
  /// the same is asked for already).
  async::Task<Result<Placement>> request(Principal who, PlacementRequest request);
  async::Task<Result<PlacementPage>> list(Principal who, std::optional<std::string> after,
                                          std::uint32_t limit);
  async::Task<Result<Placement>> show(Principal who, std::string id);
  /// `conflict` if it is over. What is under way ends soon after.
  async::Task<Result<Placement>> cancel(Principal who, std::string id);

  /// Does something to an image's data on behalf of the server itself, and waits for its end. It is
  /// recorded like what others ask for, and goes on by itself after a crash. The errors are the
  /// work's own.
  async::Task<Result<void>> place(Placement::Kind kind, image::Image image, std::string store);

  /// Takes up again what an earlier run of the server left. Call it once, before `run`.
  async::Task<Result<void>> recover();
  /// Whether `run` would find something to do.
  bool due() const { return due_; }
  /// Does what waits, several at once, until nothing does or `stop` is called. One call at a time.
  async::Task<void> run();
  /// Ends `run` soon; what it leaves is taken up by `recover`.
  void stop() { stopping_ = true; }
  /// Whether `run` is in the middle of something.
  bool under_way() const;
  /// Forgets placements that were over long ago. Call it now and then.
  async::Task<Result<void>> tidy();

 private:
  /// What others see of work that is under way.
  struct Live {
    std::atomic<std::uint64_t> done = 0;
    std::atomic<bool> cancelled = false;
  };
  class CountedSource;

  /// A blob and all that is known of it, as it was read together.
  struct Standing {
    catalogue::Record blob_record;
    Blob blob;
    std::vector<Copy> copies;
    std::optional<image::Image> image;  ///< nothing if it was removed, for now or for good

    Copy* copy_in(const std::string& store);
    Copy* copy_with(const std::string& id);
    /// Null if there is none.
    Copy* whole_copy_besides(const Copy* other);
    /// Whether the data is still whole, and still the account's where it was, without this copy.
    bool can_spare(const Copy& gone) const;
  };

  // placement_service.cc
  async::Task<Result<image::Image>> visible_image(const Principal& who, std::string id,
                                                  Trail& trail);
  async::Task<Result<void>> check_unasked(const Placement& placement);
  async::Task<Result<Placement>> request_told(const Principal& who, PlacementRequest request,
                                              Trail& trail);
  async::Task<Result<Placement>> cancel_told(const std::string& id, Trail& trail);
  async::Task<Result<Placement>> load(std::string id);
  Placement with_progress(Placement placement) const;
  async::Task<Result<void>> probe(store::Store& store, const std::string& key);

  // placement_run.cc
  async::Task<Result<void>> work();
  async::Task<Result<std::optional<Placement>>> claim();
  async::Task<Result<void>> carry_out(Placement& placement, Live& live);
  async::Task<void> conclude(Placement placement, const Live& live, Result<void> outcome);
  void tell(const Placement& placement, audit::Outcome outcome, const Error* error);
  /// From `enter` to `leave`, others find it with `live`; false if it is under way already.
  bool enter(const Placement& placement);
  void leave(const Placement& placement);
  std::shared_ptr<Live> live(const std::string& id) const;

  // copying.cc
  async::Task<Result<Standing>> stand(const Placement& placement);
  Result<void> check_possible(const Placement& placement, Standing& standing) const;
  async::Task<Result<void>> relocate(Placement& placement, Live& live);
  async::Task<Result<Received>> transfer(Placement& placement, Standing& standing, Live& live);
  async::Task<Result<Received>> write_copy(const Placement& placement, Standing& standing,
                                           async::ByteSource& source);
  /// `received`: what was written under the placement's key; null if that took no bytes.
  async::Task<Result<std::vector<Removal>>> settle(const Placement& placement, Standing& standing,
                                                   const Received* received,
                                                   catalogue::Batch& batch);
  async::Task<Result<void>> move_record(const Placement& placement, Standing& standing,
                                        const Received& received, catalogue::Batch& batch,
                                        std::vector<Removal>& removals);
  Result<void> evict(Standing& standing, Copy& copy, catalogue::Batch& batch,
                     std::vector<Removal>& removals);
  Result<void> put_image_at(Standing& standing, const Copy& copy, bool referred,
                            catalogue::Batch& batch);

  // scrubbing.cc
  async::Task<Result<void>> scrub(Placement& placement, Live& live);
  async::Task<Result<void>> scrub_copy(Placement& placement, const Copy& copy, Live& live);
  /// Nothing: whole. Else what is wrong with the bytes; an error if that can't be told.
  async::Task<Result<std::optional<Error>>> examine(const Copy& copy, const Blob& blob, Live& live);
  async::Task<Result<void>> read_and_compare(async::ByteSource& source, const Blob& blob,
                                             Live& live);
  async::Task<Result<void>> quarantine(const Copy& copy, const Error& damage);

  Foundation on_;
  RecordedWork<Placement> recorded_{on_.catalogue, on_.clock, kPlacements, decode_placement};
  const std::vector<DigestAlgorithm> digests_;
  Copies copies_{on_.catalogue, on_.stores};
  Removals removals_{on_.catalogue, on_.stores};
  DigestQueue digest_queue_{on_.digest_pool};
  std::atomic<bool> due_ = true;
  std::atomic<bool> stopping_ = false;
  mutable std::mutex mutex_;
  std::map<std::string, std::shared_ptr<Live>> live_;  ///< by the placement's id
};

}  // namespace visor::service
