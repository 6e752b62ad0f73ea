// How one blob of a store becomes an image again.
#include <algorithm>
#include <utility>

#include "base/random.h"
#include "image/rules.h"
#include "service/quota.h"
#include "service/rebuild.h"
#include "service/upload.h"

namespace visor::service {
namespace {

/// Whoever has the bytes already keeps none of them.
class NoWriter final : public store::BlobWriter {
 public:
  async::Task<Result<void>> write(std::span<const std::byte>) override { co_return Result<void>{}; }
  async::Task<Result<void>> commit(std::uint64_t) override { co_return Result<void>{}; }
  async::Task<void> abort() override { co_return; }
};

async::Task<Result<void>> no_limit(std::uint64_t) { co_return Result<void>{}; }

}  // namespace

async::Task<Result<std::optional<std::string>>> Rebuild::read_text(const std::string& key) {
  const std::string of_manifest = manifest_key(key);
  Result<std::unique_ptr<async::ByteSource>> source =
      co_await store_->open(of_manifest, store::ByteRange{}, std::string());
  if (!source) {
    if (source.error().code == Code::not_found) co_return std::nullopt;
    co_return pass(source);
  }
  async::ByteSource& stream = **source;
  Result<std::string> text = co_await async::read_all(stream, store::kLargestSmallBlob);
  // What is larger is no manifest, and says so when it is read as one.
  if (!text && text.error().code == Code::too_large) co_return std::string();
  if (!text) co_return pass(text);
  co_return std::move(*text);
}

async::Task<Result<bool>> Rebuild::has(const char* collection, const std::string& id) {
  Result<catalogue::Record> record = co_await on_.catalogue.get(collection, id);
  if (record) co_return true;
  if (record.error().code == Code::not_found) co_return false;
  co_return pass(record);
}

async::Task<Result<void>> Rebuild::bring_back(const Manifest& manifest, std::uint64_t size) {
  Result<std::optional<std::string>> damage = co_await damage_of(manifest, size);
  if (!damage) co_return pass(damage);
  const bool damaged = damage->has_value();
  if (damaged) {
    tell(
        {RebuildProblem::Kind::damaged_data, manifest.key, manifest.image.id, std::move(**damage)});
  }
  Result<catalogue::Record> blob = co_await on_.catalogue.get(kBlobs, manifest.blob.id);
  if (blob) {
    const catalogue::Record& record = *blob;
    co_return co_await join(manifest, record, damaged);
  }
  if (blob.error().code != Code::not_found) co_return pass(blob);
  co_return co_await put_new(manifest, damaged);
}

async::Task<Result<std::optional<std::string>>> Rebuild::damage_of(const Manifest& manifest,
                                                                   std::uint64_t size) {
  if (manifest.blob.size && *manifest.blob.size != size) {
    co_return "the data has " + std::to_string(size) + " bytes instead of " +
        std::to_string(*manifest.blob.size);
  }
  if (!options_.verify) co_return std::nullopt;
  Result<bool> same = co_await same_digest(manifest);
  if (!same) co_return pass(same);
  if (*same) co_return std::nullopt;
  co_return "the data does not have the digest that it was stored with";
}

async::Task<Result<bool>> Rebuild::same_digest(const Manifest& manifest) {
  const auto algorithm = strongest(manifest.blob.digests);
  if (!algorithm) co_return true;
  Result<std::unique_ptr<async::ByteSource>> source =
      co_await store_->open(manifest.key, store::ByteRange{}, std::string());
  if (!source) co_return pass(source);
  Digester digester(*algorithm);
  const async::Buffer buffer = on_.slices.lease();
  const std::span<std::byte> slice = buffer.bytes();
  async::ByteSource& stream = **source;
  for (;;) {
    Result<std::size_t> count = co_await stream.read(slice);
    if (!count && count.error().code == Code::corrupt) co_return false;
    if (!count) co_return pass(count);
    if (*count == 0) break;
    digester.update(slice.first(*count));
  }
  co_return digester.finish_hex() == manifest.blob.digests.at(*algorithm);
}

async::Task<Result<void>> Rebuild::put_new(const Manifest& manifest, bool damaged) {
  const bool original = manifest.blob.role == Blob::Role::original;
  catalogue::Batch batch;
  image::Image image = manifest.image;
  if (original) {
    for (const char* collection : {kImages, kDeletedImages}) {
      Result<bool> there = co_await has(collection, image.id);
      if (!there) co_return pass(there);
      if (!*there) continue;
      tell({RebuildProblem::Kind::other_data, manifest.key, image.id,
            "the catalogue has this image with other data, or without any"});
      co_return Result<void>{};
    }
    const auto placed =
        image::relocate(image, options_.store, store_->location(manifest.key), false);
    if (!placed || image.blob != manifest.blob.id) {
      tell({RebuildProblem::Kind::damaged_manifest, manifest.key, image.id,
            "the manifest is damaged: its image does not have this data"});
      co_return Result<void>{};
    }
    if (manifest.deleted) {
      DeletedImage deleted = *manifest.deleted;
      deleted.image = image;
      batch.puts.push_back({encode(deleted), 0, deleted.revision});
    } else {
      batch.puts.push_back(put_of(image, 0, image.revision));
    }
    batch.counters.push_back({images_counter(image.owner), 1, std::nullopt});
    batch.counters.push_back({bytes_counter(image.owner),
                              static_cast<std::int64_t>(image.size.value_or(0)), std::nullopt});
  }
  const std::string& id = manifest.blob.id;
  const Copy copy{id, id, options_.store, manifest.key, false, {}, damaged, 0};
  batch.puts.push_back({encode(manifest.blob), 0});
  batch.puts.push_back({encode(copy), 0});
  Result<void> applied = co_await on_.catalogue.apply_admitted(std::move(batch));
  if (!applied || !original) co_return applied;
  ++(manifest.deleted ? report_.deleted : report_.images);
  count(image);
  co_return applied;
}

// The image came back from another store, or never went.
async::Task<Result<void>> Rebuild::join(const Manifest& manifest, const catalogue::Record& record,
                                        bool damaged) {
  auto blob = decode_blob(record);
  if (!blob) co_return pass(blob);
  Result<std::vector<Copy>> copies = co_await copies_.of(record.id);
  if (!copies) co_return pass(copies);
  const auto here = std::ranges::find(*copies, options_.store, &Copy::store);
  if (here != copies->end()) {
    if (here->key == manifest.key) {
      ++report_.known;
    } else {
      tell({RebuildProblem::Kind::other_data, manifest.key, manifest.image.id,
            "the catalogue has another copy of it in this store"});
    }
    co_return Result<void>{};
  }
  if (blob->size != manifest.blob.size || blob->digests != manifest.blob.digests) {
    tell({RebuildProblem::Kind::other_data, manifest.key, manifest.image.id,
          "the catalogue has this image with other data"});
    co_return Result<void>{};
  }
  const Copy copy{random_uuid(), record.id, options_.store, manifest.key, false, {}, damaged, 0};
  catalogue::Batch batch;
  batch.puts.push_back({encode(copy), 0});
  batch.puts.push_back({encode(*blob), record.revision});
  Result<void> applied = co_await on_.catalogue.apply_admitted(std::move(batch));
  if (applied) ++report_.copies;
  co_return applied;
}

async::Task<Result<void>> Rebuild::adopt(const std::string& key, std::uint64_t size) {
  if (!is_uuid(key)) {
    tell({RebuildProblem::Kind::unknown_data,
          key,
          {},
          "the server stores no image under such a "
          "name"});
    co_return Result<void>{};
  }
  Result<bool> there = co_await has(kBlobs, key);
  if (!there) co_return pass(there);
  if (*there) {
    ++report_.known;
    co_return Result<void>{};
  }
  Result<std::unique_ptr<async::ByteSource>> source =
      co_await store_->open(key, store::ByteRange{}, std::string());
  if (!source) co_return pass(source);
  NoWriter writer;
  const Reserve reserve = no_limit;
  const UploadPass pass_through{**source, writer, on_.digests, digest_queue_, on_.slices, reserve};
  Result<Received> received = co_await receive(pass_through);
  if (!received) co_return pass(received);
  if (received->size != size) {
    co_return fail(Code::unavailable, "the store gives another number of bytes than it says",
                   "key " + key);
  }
  image::Image image;
  image.id = random_uuid();
  image.owner = options_.adopt;
  image.name = "recovered-" + key;
  image.access = image::Access::owner;
  image.created_at = image.updated_at = on_.clock.now();
  image::DataFacts data;
  data.blob = key;
  data.store = options_.store;
  data.location = store_->location(key);
  data.size = received->size;
  data.digests = received->digests;
  data.detected_format = std::move(received->detected_format);
  const std::string session = random_uuid();
  if (auto begun = image::begin_upload(image, session); !begun) co_return begun;
  if (auto taken = image::finish_upload(image, session, std::move(data), image.created_at);
      !taken) {
    co_return taken;
  }
  Manifest manifest;
  manifest.key = key;
  manifest.blob = {key, image.id, Blob::Role::original, image.size, image.digests};
  manifest.image = std::move(image);
  const std::uint64_t images = report_.images;
  Result<void> put = co_await put_new(manifest, /*damaged=*/false);
  if (put) report_.adopted += std::exchange(report_.images, images) - images;
  co_return put;
}

void Rebuild::count(const image::Image& image) {
  report_.bytes += image.size.value_or(0);
  RebuildReport::Owner& owner = report_.owners[image.owner];
  ++owner.images;
  owner.bytes += image.size.value_or(0);
}

}  // namespace visor::service
