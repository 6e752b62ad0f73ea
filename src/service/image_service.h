// The service: every verb of the image domain, with its policy, its states and its durability. The
// only place that decides.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "async/buffer_pool.h"
#include "async/byte_source.h"
#include "async/task.h"
#include "async/worker_pool.h"
#include "audit/log.h"
#include "base/clock.h"
#include "base/digest.h"
#include "base/principal.h"
#include "catalogue/client.h"
#include "catalogue/record_cache.h"
#include "image/attributes.h"
#include "image/image.h"
#include "image/query.h"
#include "image/rules.h"
#include "service/copies.h"
#include "service/digest_queue.h"
#include "service/quota.h"
#include "service/read_counts.h"
#include "service/records.h"
#include "service/removals.h"
#include "store/store_set.h"

namespace visor::service {

class Trail;

/// Data that comes with a verb: nothing, a stream, or a reference to where it lies.
struct Data {
  async::ByteSource* stream = nullptr;         ///< read to its end during the verb; must outlive it
  std::string location;                        ///< URI; empty for none
  std::optional<std::uint64_t> promised = {};  ///< how many bytes the caller says there are
  /// Data whose format is not the one that the image has is refused (`unsupported`).
  bool strict = false;
  /// The format that it must have then, and what it is wrapped in; empty: the image's own.
  std::string format = {};
  std::string container = {};
  bool aside = false;       ///< the data is staged: an import makes it the image's own
  std::string import = {};  ///< the import on whose behalf it comes

  static Data none() { return {}; }
  static Data from(async::ByteSource& stream) { return {&stream, {}}; }
  static Data at(std::string location) { return {nullptr, std::move(location)}; }
  bool empty() const { return stream == nullptr && location.empty(); }
};

/// What the service stands on. All of it must outlive the service; all of it is safe to use from
/// any thread.
struct Foundation {
  catalogue::Client& catalogue;
  const store::StoreSet& stores;
  async::WorkerPool& digest_pool;
  async::BufferPool& slices;  ///< the memory of transfers; an upload leases up to three at a time
  const Clock& clock;
  const QuotaLimits& quotas;
  audit::Log* audit = nullptr;  ///< null: nobody is told who did what
};

/// Where data goes of images that name no store: into `store` if all these attributes (core ones by
/// their domain names, else free ones) have these values.
struct PlacementRule {
  std::map<std::string, std::string> when;
  std::string store;
};

struct Options {
  /// Which digests every upload gets. MD5 is what older clients verify with.
  std::vector<DigestAlgorithm> digests = {DigestAlgorithm::md5, DigestAlgorithm::sha1,
                                          DigestAlgorithm::sha256, DigestAlgorithm::sha512};
  /// The largest image that is taken, in bytes.
  std::uint64_t largest_image = std::uint64_t{64} << 40;
  /// Memory for records that are read often, in bytes; 0: none.
  std::size_t record_cache = std::size_t{64} << 20;
  /// The first one that fits decides; none: the default store.
  std::vector<PlacementRule> placement;
  /// How long a removed image can be restored; 0: not at all.
  std::chrono::milliseconds keep_deleted{0};
};

/// What a new image is to be besides its attributes.
struct Registration {
  std::string id = {};  ///< a UUID of the caller's making; empty: the server makes one
  /// Nothing is mandatory, as in protocols that learn name and architecture later or never.
  bool partial = false;
};

/// Makes the edits of a change from the image as it is at the moment. Called anew whenever somebody
/// else changed the image in between.
using Editor = std::function<Result<image::Edits>(const image::Image&)>;

/// An image that others look at too.
using SharedImage = std::shared_ptr<const image::Image>;

/// What is known of an image.
struct Description {
  SharedImage image;
  image::Reads reads;
  bool popular = false;  ///< it was asked for before, not long ago
};

/// What an account holds, and may hold.
struct Usage {
  Quota limits;
  std::uint64_t bytes = 0;  ///< uploads under way and staged data included
  std::uint64_t images = 0;
  std::uint64_t staged_bytes = 0;
  std::uint64_t uploading = 0;  ///< images whose data is on its way
};

/// An image and a way to its bytes, for as long as the service lives.
struct Download {
  image::Image image;
  Copy copy;  ///< where reading begins
  std::uint64_t size = 0;
};

/// An image that is there again.
struct Restored {
  image::Image image;
  /// Attributes (kernel, ramdisk) that link to an image that is gone meanwhile.
  std::vector<std::string> broken_links;
};

/// A page of removed images that can be restored, by id.
struct DeletedPage {
  std::vector<DeletedImage> images;
  std::optional<std::string> next;  ///< the id that the following page begins behind
};

/// The verbs. Each takes who asks first and may be called from any executor; a task's parameters
/// are copied. Errors carry what a front end needs to translate them: `not_found` also stands for
/// what the caller may not see.
class ImageService {
 public:
  ImageService(Foundation foundation, Options options);

  /// Registers an image and, if data comes with it, takes the data. `invalid` (nothing is
  /// registered), `not_found` (a kernel, ramdisk or location that is not there), `quota`,
  /// `forbidden`. If the data breaks off, the image stays registered in DataState::error and the
  /// error says so.
  /// An id that is taken: `conflict`.
  async::Task<Result<image::Image>> register_image(Principal who, image::Edits edits, Data data,
                                                   Registration registration = {});

  /// Changes attributes and, if data comes with it, takes the data (only in DataState none or
  /// error: `conflict` otherwise). With `expected`, `precondition` unless the image has this
  /// revision.
  async::Task<Result<image::Image>> change(Principal who, std::string id, image::Edits edits,
                                           Data data, std::optional<std::uint64_t> expected);

  /// The same with edits that depend on how the image is.
  async::Task<Result<image::Image>> change(Principal who, std::string id, Editor editor);

  // sharing.cc

  /// Shares an image with another account, tells what that account says to it, and ends it. The
  /// rules and errors are image::share's, respond's and unshare's.
  async::Task<Result<image::Image>> share(Principal who, std::string id, std::string account);
  async::Task<Result<image::Image>> respond(Principal who, std::string id, std::string account,
                                            image::Member::Answer answer);
  async::Task<Result<image::Image>> unshare(Principal who, std::string id, std::string account);

  /// Holds an image's data back, or gives it free again: see image::deactivate.
  async::Task<Result<image::Image>> deactivate(Principal who, std::string id);
  async::Task<Result<image::Image>> reactivate(Principal who, std::string id);

  async::Task<Result<image::Image>> show(Principal who, std::string id);

  /// As `show` and `reads` together, without a copy.
  async::Task<Result<Description>> describe(Principal who, std::string id);
  /// As `describe`, on the spot; nothing if that can't be or fails: `describe` tells.
  std::optional<Description> describe_at_once(const Principal& who, const std::string& id);

  /// Of the caller's own account. `forbidden` for nobody's.
  async::Task<Result<Usage>> usage(Principal who);

  /// How often the image was fetched; zero for one never fetched.
  async::Task<Result<image::Reads>> reads(std::string id);

  async::Task<Result<image::Page>> find(Principal who, image::Query query);

  /// Finds the data of an image. `not_found` also while it has none. Reading begins in the first of
  /// `preferred` that has a whole copy, else where it always does; `invalid` for a store that there
  /// is not.
  async::Task<Result<Download>> download(Principal who, std::string id,
                                         std::vector<std::string> preferred = {});

  /// Opens what `download` found, or a part of it, and counts the read. Where one copy fails, at
  /// first or in the middle, the next one goes on.
  async::Task<Result<std::unique_ptr<async::ByteSource>>> open(const Download& download,
                                                               store::ByteRange range);

  /// The names of the stores where the data of an image lies, sorted; none while it has none.
  async::Task<Result<std::vector<std::string>>> stores_of(const image::Image& image);

  /// Every place where the data of an image lies; the one where reads begin comes first.
  async::Task<Result<std::vector<Location>>> locations_of(const image::Image& image);

  /// A URL at which the client itself gets what `download` found, good for a short time, and counts
  /// the read; nothing if its store gives data through this server only.
  Result<std::optional<std::string>> elsewhere(const Download& download);

  /// Removes the record and the data (the data of a reference stays), or puts the image aside if
  /// removed images are kept: it is gone for every other verb, but its data stays and counts. Gives
  /// what was removed.
  async::Task<Result<image::Image>> remove(Principal who, std::string id);

  // Removed images. Their owner and administrators who reach for everybody's know of them; to
  // anybody else there is none (`not_found`), nor is there once its time has passed.

  /// At most `limit` (1 to 1000) of them behind the id `after`.
  async::Task<Result<DeletedPage>> find_deleted(Principal who, std::optional<std::string> after,
                                                std::uint32_t limit);
  async::Task<Result<DeletedImage>> show_deleted(Principal who, std::string id);
  /// Gives an image back as it was when it was removed; its revision grows. One whose upload was
  /// under way then comes back in DataState::error.
  async::Task<Result<Restored>> restore(Principal who, std::string id);
  /// Removes record and data of a removed image at once and for good.
  async::Task<Result<image::Image>> purge(Principal who, std::string id);

  /// Puts right what an earlier run left half done: unfinished uploads become DataState::error
  /// without bytes, unfinished removals are finished. Its cost is that of what was left, not of
  /// what is stored. Call it once, before the first verb.
  async::Task<Result<void>> recover();

  /// Finishes removals and puts broken uploads right that had to wait, purges removed images whose
  /// time has passed, and writes read counts. Call it now and then, and once at the end.
  async::Task<Result<void>> tidy();

 private:
  /// An upload that has begun: its record and the image as it stands in the catalogue.
  struct UploadSession {
    UploadRecord record;
    image::Image image;
    bool stored = false;  ///< the blob may lie in its store under its key
    bool aside = false;   ///< it is staged
  };

  // reading.cc
  static catalogue::RecordCache<image::Image>::Options caching(std::size_t most_bytes);
  async::Task<Result<SharedImage>> look_up(std::string id);
  async::Task<Result<image::Image>> load(std::string id);
  void count_read(const Download& download);
  async::Task<Result<Copy>> preferred_copy(Copy usual, std::vector<std::string> stores);

  // image_service.cc
  async::Task<Result<image::Image>> register_told(const Principal& who, const image::Edits& edits,
                                                  const Data& data,
                                                  const Registration& registration, Trail& trail);
  async::Task<Result<void>> check_new_id(const std::string& id);
  async::Task<Result<image::Image>> change_told(const Principal& who, const std::string& id,
                                                const Editor& editor, const Data& data,
                                                std::optional<std::uint64_t> expected,
                                                Trail& trail);
  /// Changes an image by a rule of the domain, which also says whether `who` may.
  using Rule = std::function<Result<void>(image::Image&)>;
  async::Task<Result<image::Image>> apply_rule(Principal who, std::string id, std::string verb,
                                               Rule rule);
  async::Task<Result<image::Image>> apply_rule_told(const Principal& who, const std::string& id,
                                                    const Rule& rule, Trail& trail);
  /// Adds to a batch what passes from one account's charges to another's.
  async::Task<Result<void>> add_transfer(const image::Image& before, const image::Image& now,
                                         catalogue::Batch& batch);
  /// An image that `who` asked for and may not know of.
  void tell_hidden(const Principal& who, const std::string& id, const Error& error);
  const std::string& store_for(const image::Image& image) const;
  async::Task<Result<void>> check_links(const Principal& who, std::span<const image::Edit> edits,
                                        Trail& trail);
  async::Task<Result<void>> check_link(const Principal& who, const std::string& attribute,
                                       const std::string& id, Trail& trail);
  async::Task<Result<image::Image>> put(const Principal& who, image::Image image, const Data& data,
                                        bool explicit_store, Trail& trail,
                                        const image::Image* before);
  // finding.cc
  async::Task<Result<std::vector<image::Image>>> in_phase(std::string account, image::Phase phase);
  async::Task<Result<image::Standing>> standing_of(const Principal& who, std::string id,
                                                   const std::string& sort);
  async::Task<Result<catalogue::Query>> catalogue_query(const Principal& who,
                                                        const image::Query& query);
  async::Task<Result<image::Page>> find_in_order(const Principal& who, const image::Query& query);

  // uploading.cc
  async::Task<Result<image::Image>> put_reference(const Principal& who, image::Image image,
                                                  const Data& data, bool explicit_store,
                                                  Trail& trail);
  async::Task<Result<image::Image>> put_upload(const Principal& who, image::Image image,
                                               const Data& data, Trail& trail);
  async::Task<Result<catalogue::Batch>> batch_for(const image::Image& image);
  async::Task<Result<void>> take_data_or_fail(UploadSession& session, const Data& data,
                                              store::Store& store);
  async::Task<Result<void>> take_data(UploadSession& session, const Data& data,
                                      store::Store& store);
  async::Task<Result<void>> reserve(UploadSession& session, std::uint64_t total);
  async::Task<Result<void>> finish_upload(UploadSession& session, const image::DataFacts& data);
  async::Task<Result<void>> abandon_upload(UploadSession& session);
  /// An upload that broke while the catalogue could not be written: `tidy` puts it right.
  void keep_for_later(UploadSession session, const Error& cause);
  async::Task<void> abandon_broken();

  // deletion.cc
  async::Task<Result<image::Image>> remove_told(const Principal& who, const std::string& id,
                                                Trail& trail);
  async::Task<Result<image::Image>> put_aside(const Principal& who, image::Image image);
  async::Task<Result<DeletedImage>> load_deleted(const Principal& who, const std::string& id,
                                                 Trail& trail);
  async::Task<Result<void>> place_again(image::Image& image);
  async::Task<Result<Restored>> restore_told(const Principal& who, const std::string& id,
                                             Trail& trail);
  async::Task<Result<image::Image>> purge_told(const Principal& who, const std::string& id,
                                               Trail& trail);
  /// Adds to `batch` what becomes of an image's data and charges when it goes for good. Gives what
  /// stores have to drop; `precondition` if somebody else removes or copies it at the moment.
  async::Task<Result<std::vector<Removal>>> add_removal(const image::Image& image,
                                                        catalogue::Batch& batch);
  async::Task<void> finish_removed(const image::Image& image, std::vector<Removal> removals);
  async::Task<Result<void>> purge_due();
  async::Task<Result<void>> purge_one_due(const DeletedImage& deleted);

  // reindexing.cc
  async::Task<Result<bool>> facts_are_complete();
  async::Task<Result<void>> complete_facts();

  // recovery.cc
  async::Task<Result<void>> recover_uploads();

  Foundation on_;
  Options options_;
  Copies copies_{on_.catalogue, on_.stores};
  Removals removals_{on_.catalogue, on_.stores};
  DigestQueue digest_queue_{on_.digest_pool};
  catalogue::RecordCache<image::Image> records_;
  ReadCounts read_counts_;
  std::mutex broken_mutex_;
  std::vector<UploadSession> broken_;
};

}  // namespace visor::service
