// Taking data: uploads and references.
#include <algorithm>
#include <exception>
#include <utility>

#include "base/log.h"
#include "base/random.h"
#include "base/units.h"
#include "service/image_service.h"
#include "service/measures.h"
#include "service/reference.h"
#include "service/trail.h"
#include "service/upload.h"

namespace visor::service {
namespace {

// How often a closing step starts again when somebody else changed the image in between.
constexpr int kAttempts = 8;

// What an upload of unknown length is charged ahead, so that the catalogue is not asked for each
// slice.
constexpr std::uint64_t kReservationStep = 64 * kMiB;

Error over_quota(Error error, const std::string& account, const Quota& quota) {
  if (error.code != Code::quota) return error;
  const bool bytes = error.where.find(bytes_counter(account)) != std::string::npos;
  error.message = bytes ? "this would pass your quota of " + format_size(quota.bytes.value_or(0)) +
                              "; delete images or ask an administrator for more"
                        : "this would pass your quota of " +
                              std::to_string(quota.images.value_or(0)) +
                              " images; delete some or ask an administrator for more";
  return error;
}

/// Formats whose first bytes tell what they are.
bool is_telling(std::string_view format) {
  static constexpr std::string_view kTelling[] = {"iso", "qcow2",     "vmdk", "vhdx",
                                                  "vdi", "parallels", "luks"};
  return std::ranges::find(kTelling, format) != std::end(kTelling);
}

/// Whether data that was received is what was announced.
Result<void> check_received(const Data& data, const Received& received, const image::Image& image) {
  if (data.promised && *data.promised != received.size) {
    return fail(Code::invalid, "the data has " + std::to_string(received.size) +
                                   " bytes, not the " + std::to_string(*data.promised) +
                                   " that were promised");
  }
  const std::string& format = data.format.empty() ? image.format : data.format;
  const std::string& container = data.container.empty() ? image.container : data.container;
  if (!data.strict || container != "bare" || format == received.detected_format) return {};
  if (!is_telling(format)) return {};
  return fail(Code::unsupported,
              "the image says its format is " + format + ", but its data is " +
                  (received.detected_format.empty() ? "of another" : received.detected_format));
}

}  // namespace

// The batch that stores an image as it is: a new one is counted against its owner's quota.
async::Task<Result<catalogue::Batch>> ImageService::batch_for(const image::Image& image) {
  catalogue::Batch batch;
  batch.puts.push_back(put_of(image, image.revision));
  if (image.revision == 0) {
    Result<Quota> quota = co_await on_.quotas.of(image.owner);
    if (!quota) co_return pass(quota);
    batch.counters.push_back({images_counter(image.owner), 1, as_limit(quota->images)});
  }
  co_return batch;
}

async::Task<Result<image::Image>> ImageService::put_reference(const Principal& who,
                                                              image::Image image,
                                                              const Data& source,
                                                              bool explicit_store, Trail& trail) {
  const auto located = on_.stores.for_location(source.location);
  if (explicit_store && located.store != nullptr && image.store != located.name) {
    co_return fail(Code::invalid, "this location belongs to the store " + located.name +
                                      ", not to " + image.store);
  }
  Result<Reference> found = co_await look_at_reference(on_.stores, who, source.location);
  if (!found) co_return pass(found);
  const Reference& reference = *found;

  const Copy copy{random_uuid(), {}, reference.store, reference.location, true, reference.version,
                  false,         0};
  const Blob blob{copy.id, image.id, Blob::Role::original, reference.size, {}};
  image::DataFacts data;
  data.blob = blob.id;
  data.store = reference.store;
  data.location = reference.shown;
  data.referred = true;
  data.size = reference.size;
  data.entity_tag = reference.entity_tag;
  if (auto referred = image::refer(image, std::move(data), on_.clock.now(), source.import);
      !referred)
    co_return pass(referred);

  Result<catalogue::Batch> batch = co_await batch_for(image);
  if (!batch) co_return pass(batch);
  Copy first = copy;
  first.blob = blob.id;
  batch->puts.push_back({encode(blob), 0});
  batch->puts.push_back({encode(first), 0});
  if (auto told = trail.begin(); !told) co_return pass(told);
  Result<void> applied = co_await on_.catalogue.apply(std::move(*batch));
  if (!applied) co_return pass(applied);
  ++image.revision;
  log::info("image registered by reference",
            {{"image", image.id}, {"by", who.account}, {"store", image.store}});
  co_return image;
}

async::Task<Result<image::Image>> ImageService::put_upload(const Principal& who, image::Image image,
                                                           const Data& data, Trail& trail) {
  store::Store* store = on_.stores.named(image.store);
  if (!store->capability().writable) {
    co_return fail(
        Code::invalid,
        "the store " + image.store + " takes no uploads; give a location, or choose another store");
  }
  const auto size = data.stream->size();
  if (size && data.promised && *size != *data.promised) {
    co_return fail(Code::invalid, "the data has " + std::to_string(*size) + " bytes, not the " +
                                      std::to_string(*data.promised) + " that were promised");
  }
  if (size && *size > options_.largest_image) {
    co_return fail(Code::too_large,
                   "an image has at most " + format_size(options_.largest_image) + " here");
  }
  UploadSession session;
  session.aside = data.aside;
  session.record = {random_uuid(),    image.id, image.owner, image.store, random_uuid(),
                    size.value_or(0), 1};
  if (auto begun = image::begin_upload(image, session.record.id, data.import); !begun)
    co_return pass(begun);

  Result<Quota> quota = co_await on_.quotas.of(image.owner);
  if (!quota) co_return pass(quota);
  Result<catalogue::Batch> batch = co_await batch_for(image);
  if (!batch) co_return pass(batch);
  batch->puts.push_back({encode(session.record), 0});
  batch->counters.push_back({bytes_counter(image.owner),
                             static_cast<std::int64_t>(size.value_or(0)), as_limit(quota->bytes)});
  if (auto told = trail.begin(); !told) co_return pass(told);
  Result<void> begun = co_await on_.catalogue.apply(std::move(*batch));
  if (!begun) co_return std::unexpected(over_quota(std::move(begun.error()), image.owner, *quota));
  ++image.revision;
  session.image = std::move(image);

  Measures& measures = Measures::of_process();
  const metrics::UnderWay under_way(measures.uploads_under_way);
  Result<void> taken = co_await take_data_or_fail(session, data, *store);
  (taken ? measures.uploads_finished : measures.uploads_failed).add();
  if (!taken) {
    const Error cause = std::move(taken.error());
    Result<void> abandoned = co_await abandon_upload(session);
    if (!abandoned) keep_for_later(std::move(session), abandoned.error());
    co_return std::unexpected(cause);
  }
  log::info("image uploaded", {{"image", session.image.id},
                               {"by", who.account},
                               {"store", session.record.store},
                               {"size", std::to_string(session.image.size.value_or(0))}});
  co_return std::move(session.image);
}

// Whatever ends an upload, its record and its charge must not stay behind.
async::Task<Result<void>> ImageService::take_data_or_fail(UploadSession& session, const Data& data,
                                                          store::Store& store) {
  try {
    co_return co_await take_data(session, data, store);
  } catch (const std::exception& defect) {
    co_return fail(Code::internal, "the server failed while it took the data; send it again",
                   defect.what());
  }
}

async::Task<Result<void>> ImageService::take_data(UploadSession& session, const Data& source,
                                                  store::Store& store) {
  async::ByteSource& stream = *source.stream;
  Result<std::unique_ptr<store::BlobWriter>> writer =
      co_await store.create(session.record.key, stream.size());
  if (!writer) co_return pass(writer);
  store::BlobWriter& blob = **writer;

  const Reserve reserve_step = [this, &session](std::uint64_t total) {
    return reserve(session, total);
  };
  const UploadPass pass_through{stream,        blob,       options_.digests,
                                digest_queue_, on_.slices, reserve_step};
  Result<Received> received = co_await receive(pass_through);
  if (!received) {
    co_await blob.abort();
    co_return pass(received);
  }
  if (auto kept = check_received(source, *received, session.image); !kept) {
    co_await blob.abort();
    co_return pass(kept);
  }
  // Before it is: a store that fails here can leave the blob there, and only a removal settles
  // that.
  session.stored = true;
  Result<void> committed = co_await blob.commit(received->size);
  if (!committed) co_return committed;

  image::DataFacts data;
  data.blob = session.record.key;
  data.store = session.record.store;
  data.location = store.location(session.record.key);
  data.size = received->size;
  data.digests = std::move(received->digests);
  data.detected_format = std::move(received->detected_format);
  co_return co_await finish_upload(session, data);
}

async::Task<Result<void>> ImageService::reserve(UploadSession& session, std::uint64_t total) {
  // First: what is reserved ahead may reach beyond the largest image.
  if (total > options_.largest_image) {
    co_return fail(Code::too_large,
                   "an image has at most " + format_size(options_.largest_image) + " here");
  }
  if (total <= session.record.reserved) co_return Result<void>{};
  Result<Quota> quota = co_await on_.quotas.of(session.record.account);
  if (!quota) co_return pass(quota);
  const std::uint64_t needed = total - session.record.reserved;
  // Near the limit a whole step may not fit although the data does.
  for (std::uint64_t step = std::max(kReservationStep, needed);;
       step = std::max(step / 2, needed)) {
    UploadRecord grown = session.record;
    grown.reserved += step;
    catalogue::Batch batch;
    batch.puts.push_back({encode(grown), session.record.revision});
    batch.counters.push_back({bytes_counter(session.record.account),
                              static_cast<std::int64_t>(step), as_limit(quota->bytes)});
    Result<void> applied = co_await on_.catalogue.apply_admitted(std::move(batch));
    if (applied) {
      session.record.reserved = grown.reserved;
      ++session.record.revision;
      co_return applied;
    }
    if (applied.error().code != Code::quota || step == needed) {
      co_return std::unexpected(
          over_quota(std::move(applied.error()), session.record.account, *quota));
    }
  }
}

// The image may have been changed or removed since the upload began; only its own removal ends the
// upload.
async::Task<Result<void>> ImageService::finish_upload(UploadSession& session,
                                                      const image::DataFacts& data) {
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    image::Image image = session.image;
    const auto finish = session.aside ? image::finish_staging : image::finish_upload;
    if (auto finished = finish(image, session.record.id, data, on_.clock.now()); !finished) {
      co_return pass(finished);
    }
    const Blob blob{data.blob, image.id, Blob::Role::original, data.size, data.digests};
    const Copy copy{data.blob, data.blob, data.store, session.record.key, false, {}, false, 0};
    catalogue::Batch batch;
    batch.puts.push_back(put_of(image, image.revision));
    batch.puts.push_back({encode(blob), 0});
    batch.puts.push_back({encode(copy), 0});
    batch.removes.push_back({kUploads, session.record.id, session.record.revision});
    batch.counters.push_back({bytes_counter(session.record.account),
                              static_cast<std::int64_t>(data.size.value_or(0)) -
                                  static_cast<std::int64_t>(session.record.reserved),
                              std::nullopt});
    Result<void> applied = co_await on_.catalogue.apply_admitted(std::move(batch));
    if (applied) {
      session.image = std::move(image);
      ++session.image.revision;
      co_return applied;
    }
    if (applied.error().code != Code::precondition) co_return applied;
    Result<image::Image> current = co_await load(session.image.id);
    if (!current) {
      if (current.error().code != Code::not_found) co_return pass(current);
      co_return fail(Code::conflict, "image " + session.image.id +
                                         " was deleted while its data was being uploaded");
    }
    session.image = std::move(*current);
  }
  co_return fail(Code::conflict,
                 "image " + session.image.id + " is being changed by others at the same time");
}

// Asks the catalogue how the upload stands: after an error it is not certain that the last change
// did not happen.
async::Task<Result<void>> ImageService::abandon_upload(UploadSession& session) {
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    Result<catalogue::Record> record = co_await on_.catalogue.get(kUploads, session.record.id);
    if (!record && record.error().code == Code::not_found) co_return Result<void>{};
    if (!record) co_return pass(record);
    auto upload = decode_upload(*record);
    if (!upload) co_return pass(upload);
    Result<image::Image> current = co_await load(upload->image);
    if (!current && current.error().code != Code::not_found) co_return pass(current);

    catalogue::Batch batch;
    if (current && image::fail_upload(*current, upload->id)) {
      current->updated_at = on_.clock.now();
      batch.puts.push_back(put_of(*current, current->revision));
    }
    batch.removes.push_back({kUploads, upload->id, upload->revision});
    batch.counters.push_back({bytes_counter(upload->account),
                              -static_cast<std::int64_t>(upload->reserved), std::nullopt});
    const Removal removal{upload->store, upload->key, 1};
    if (session.stored) batch.puts.push_back({encode(removal), 0});

    Result<void> applied = co_await on_.catalogue.apply_admitted(std::move(batch));
    if (!applied && applied.error().code == Code::precondition) continue;
    if (applied && session.stored) co_return co_await removals_.finish(removal);
    co_return applied;
  }
  co_return fail(Code::conflict, "the image is being changed by others at the same time");
}

void ImageService::keep_for_later(UploadSession session, const Error& cause) {
  log::failure(log::Level::error, "a broken upload could not be put right yet", cause,
               {{"image", session.record.image}});
  const std::lock_guard lock(broken_mutex_);
  broken_.push_back(std::move(session));
}

async::Task<void> ImageService::abandon_broken() {
  std::vector<UploadSession> broken;
  {
    const std::lock_guard lock(broken_mutex_);
    broken.swap(broken_);
  }
  for (UploadSession& session : broken) {
    Result<void> abandoned = co_await abandon_upload(session);
    if (!abandoned) keep_for_later(std::move(session), abandoned.error());
  }
}

}  // namespace visor::service
