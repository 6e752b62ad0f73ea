#include "service/image_service.h"

#include <algorithm>
#include <utility>

#include "base/log.h"
#include "base/random.h"
#include "service/measures.h"
#include "service/trail.h"

namespace visor::service {
namespace {

// How often a verb starts again when somebody else changed the image in between.
constexpr int kAttempts = 8;

std::string verb_for(const Data& data) {
  if (data.stream != nullptr) return "image.upload";
  return data.location.empty() ? "image.change" : "image.refer";
}

std::unexpected<Error> too_busy(const std::string& id) {
  return fail(Code::conflict,
              "image " + id + " is being changed by others at the same time; try again");
}

Editor always(image::Edits edits) {
  return [edits = std::move(edits)](const image::Image&) -> Result<image::Edits> { return edits; };
}

bool names_store(std::span<const image::Edit> edits) {
  return std::any_of(edits.begin(), edits.end(), [](const image::Edit& edit) {
    return !edit.extra && edit.name == "store" && !edit.value.empty();
  });
}

}  // namespace

ImageService::ImageService(Foundation foundation, Options options)
    : on_(foundation),
      options_(std::move(options)),
      records_(foundation.catalogue, caching(options_.record_cache)),
      read_counts_(foundation.catalogue, options_.record_cache / 8) {
  Measures::of_process();  // so that they show before the first transfer
}

async::Task<Result<image::Image>> ImageService::register_image(Principal who, image::Edits edits,
                                                               Data data,
                                                               Registration registration) {
  Trail trail(on_.audit, who, "image.register");
  trail.event().detail = names_of(edits);
  Result<image::Image> registered = co_await register_told(who, edits, data, registration, trail);
  if (registered) trail.tell(*registered);
  co_return co_await trail.close(std::move(registered));
}

async::Task<Result<image::Image>> ImageService::register_told(const Principal& who,
                                                              const image::Edits& edits,
                                                              const Data& data,
                                                              const Registration& registration,
                                                              Trail& trail) {
  if (auto allowed = image::check_may_register(who); !allowed) co_return pass(allowed);
  image::Image image;
  if (!registration.id.empty()) {
    Result<void> free = co_await check_new_id(registration.id);
    if (!free) co_return pass(free);
  }
  image.id = registration.id.empty() ? random_uuid() : registration.id;
  image.owner = who.account;
  image.created_at = on_.clock.now();
  image.updated_at = image.created_at;
  // Before the edits it is nobody else's, and nobody but its owner sees it.
  image::Image unborn = image;
  unborn.access = image::Access::owner;
  if (auto applied = image::apply_edits(edits, image); !applied) co_return pass(applied);
  if (auto allowed = image::check_change(who, unborn, image); !allowed) co_return pass(allowed);
  if (!registration.partial) {
    if (auto complete = image::check_complete(image); !complete) co_return pass(complete);
  }
  Result<void> linked = co_await check_links(who, edits, trail);
  if (!linked) co_return pass(linked);
  const bool explicit_store = names_store(edits);
  trail.event().image = image.id;
  Result<image::Image> put_there =
      co_await put(who, std::move(image), data, explicit_store, trail, nullptr);
  if (!put_there && !registration.id.empty() && put_there.error().code == Code::precondition) {
    co_return fail(Code::conflict, "there is an image with the id " + registration.id + " already");
  }
  co_return put_there;
}

// Removed images that can be restored have their ids still.
async::Task<Result<void>> ImageService::check_new_id(const std::string& id) {
  if (!is_uuid(id)) co_return fail(Code::invalid, "an image's id is a UUID in lower case");
  for (const char* collection : {kImages, kDeletedImages}) {
    Result<catalogue::Record> taken = co_await on_.catalogue.get(collection, id);
    if (taken) co_return fail(Code::conflict, "there is an image with the id " + id + " already");
    if (taken.error().code != Code::not_found) co_return pass(taken);
  }
  co_return Result<void>{};
}

async::Task<Result<image::Image>> ImageService::change(Principal who, std::string id,
                                                       Editor editor) {
  Trail trail(on_.audit, who, "image.change");
  trail.event().image = id;
  const Data nothing = Data::none();
  // Once the edits are known, so are the names that the log tells.
  const Editor noted = [&trail, &editor](const image::Image& image) {
    Result<image::Edits> edits = editor(image);
    if (edits) trail.event().detail = names_of(*edits);
    return edits;
  };
  Result<image::Image> changed = co_await change_told(who, id, noted, nothing, std::nullopt, trail);
  if (changed) trail.tell(*changed);
  co_return co_await trail.close(std::move(changed));
}

async::Task<Result<image::Image>> ImageService::change(Principal who, std::string id,
                                                       image::Edits edits, Data data,
                                                       std::optional<std::uint64_t> expected) {
  Trail trail(on_.audit, who, verb_for(data));
  trail.event().image = id;
  trail.event().detail = names_of(edits);
  const Editor editor = always(std::move(edits));
  Result<image::Image> changed = co_await change_told(who, id, editor, data, expected, trail);
  if (changed) trail.tell(*changed);
  co_return co_await trail.close(std::move(changed));
}

async::Task<Result<image::Image>> ImageService::change_told(const Principal& who,
                                                            const std::string& id,
                                                            const Editor& editor, const Data& data,
                                                            std::optional<std::uint64_t> expected,
                                                            Trail& trail) {
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    Result<image::Image> image = co_await load(id);
    if (!image) co_return pass(image);
    if (!image::may_see(who, *image)) trail.hide();
    if (auto allowed = image::check_may_change(who, *image); !allowed) co_return pass(allowed);
    if (expected && *expected != image->revision) {
      co_return fail(Code::precondition, "image " + id + " was changed since you looked at it");
    }
    const image::Image before = *image;
    Result<image::Edits> edits = editor(before);
    if (!edits) co_return pass(edits);
    if (auto applied = image::apply_edits(*edits, *image); !applied) co_return pass(applied);
    if (auto allowed = image::check_change(who, before, *image); !allowed) co_return pass(allowed);
    const bool explicit_store = names_store(*edits);
    if (image->state == image::DataState::present && image->store != before.store) {
      co_return fail(Code::conflict, "the data of image " + id + " lies in store " + before.store +
                                         "; changing the attribute would not move it");
    }
    Result<void> linked = co_await check_links(who, *edits, trail);
    if (!linked) co_return pass(linked);
    image->updated_at = on_.clock.now();
    Result<image::Image> changed =
        co_await put(who, std::move(*image), data, explicit_store, trail, &before);
    if (changed || changed.error().code != Code::precondition) co_return changed;
  }
  co_return too_busy(id);
}

async::Task<Result<image::Image>> ImageService::put(const Principal& who, image::Image image,
                                                    const Data& data, bool explicit_store,
                                                    Trail& trail, const image::Image* before) {
  if (!data.location.empty()) {
    if (data.stream != nullptr) {
      co_return fail(
          Code::invalid,
          "data and a location can't come together: send the data, or say where it lies");
    }
    co_return co_await put_reference(who, std::move(image), data, explicit_store, trail);
  }
  if (image.store.empty()) image.store = store_for(image);
  if (on_.stores.named(image.store) == nullptr) {
    std::string names;
    for (const auto& name : on_.stores.names()) names += (names.empty() ? "" : ", ") + name;
    co_return fail(Code::invalid, "there is no store of that name; the stores here are: " + names);
  }
  if (data.stream != nullptr) {
    co_return co_await put_upload(who, std::move(image), data, trail);
  }
  Result<catalogue::Batch> batch = co_await batch_for(image);
  if (!batch) co_return pass(batch);
  if (before != nullptr) {
    catalogue::Batch& changes = *batch;
    Result<void> passed_on = co_await add_transfer(*before, image, changes);
    if (!passed_on) co_return pass(passed_on);
  }
  if (auto told = trail.begin(); !told) co_return pass(told);
  Result<void> applied = co_await on_.catalogue.apply(std::move(*batch));
  if (!applied) co_return pass(applied);
  ++image.revision;
  co_return image;
}

const std::string& ImageService::store_for(const image::Image& image) const {
  const auto has = [&image](const auto& wanted) {
    const auto& [name, value] = wanted;
    if (image::is_core_attribute(name)) return image::core_text(image, name) == value;
    const auto found = image.extra.find(name);
    return found != image.extra.end() && found->second == value;
  };
  for (const PlacementRule& rule : options_.placement) {
    if (std::ranges::all_of(rule.when, has)) return rule.store;
  }
  return on_.stores.default_name();
}

void ImageService::tell_hidden(const Principal& who, const std::string& id, const Error& error) {
  Trail trail(on_.audit, who, "image.show");
  trail.event().image = id;
  trail.hide();
  trail.fail(error);
}

async::Task<Result<void>> ImageService::check_links(const Principal& who,
                                                    std::span<const image::Edit> edits,
                                                    Trail& trail) {
  for (const image::Edit& edit : edits) {
    if (edit.extra || edit.lenient || edit.value.empty() ||
        (edit.name != "kernel" && edit.name != "ramdisk"))
      continue;
    Result<void> linked = co_await check_link(who, edit.name, edit.value, trail);
    if (!linked) co_return linked;
  }
  co_return Result<void>{};
}

async::Task<Result<void>> ImageService::check_link(const Principal& who,
                                                   const std::string& attribute,
                                                   const std::string& id, Trail& trail) {
  Result<image::Image> linked = co_await load(id);
  if (linked && !image::may_see(who, *linked)) {
    trail.hide();
    linked = image::no_such_image(id);
  }
  if (!linked) {
    if (linked.error().code == Code::not_found) {
      co_return fail(Code::not_found, "the " + attribute + " " + id + " is not a registered image");
    }
    co_return pass(linked);
  }
  const bool fits = attribute == "kernel" ? image::is_kernel(*linked) : image::is_ramdisk(*linked);
  if (!fits)
    co_return fail(Code::invalid,
                   "image " + id + " is no " + attribute + "; its type or format says otherwise");
  co_return Result<void>{};
}

async::Task<Result<image::Image>> ImageService::show(Principal who, std::string id) {
  Result<image::Image> image = co_await load(std::move(id));
  if (!image) co_return image;
  if (auto visible = image::check_may_see(who, *image); !visible) {
    tell_hidden(who, image->id, visible.error());
    co_return pass(visible);
  }
  co_return image;
}

async::Task<Result<image::Reads>> ImageService::reads(std::string id) {
  co_return co_await read_counts_.of(std::move(id));
}

async::Task<Result<Download>> ImageService::download(Principal who, std::string id,
                                                     std::vector<std::string> preferred) {
  for (const std::string& store : preferred) {
    if (on_.stores.named(store) != nullptr) continue;
    co_return fail(Code::invalid, "there is no store named " + store.substr(0, 64));
  }
  Result<image::Image> image = co_await show(who, id);
  if (!image) co_return pass(image);
  if (auto ready = image::check_downloadable(who, *image); !ready) {
    Trail trail(on_.audit, who, "image.download");
    trail.event().image = id;
    trail.fail(ready.error());
    co_return pass(ready);
  }
  Result<catalogue::Record> record = co_await on_.catalogue.get(kCopies, image->blob);
  if (!record) {
    // Removed between the two reads.
    if (record.error().code == Code::not_found) co_return image::no_such_image(id);
    co_return pass(record);
  }
  auto copy = decode_copy(*record);
  if (!copy) co_return pass(copy);
  if (!preferred.empty()) {
    Result<Copy> chosen = co_await preferred_copy(std::move(*copy), std::move(preferred));
    if (!chosen) co_return pass(chosen);
    *copy = std::move(*chosen);
  }
  Download download;
  download.size = image->size.value_or(0);
  download.image = std::move(*image);
  download.copy = std::move(*copy);
  co_return download;
}

void ImageService::count_read(const Download& download) {
  read_counts_.count(download.image.id, on_.clock.now());
  Measures::of_process().downloads.add();
}

Result<std::optional<std::string>> ImageService::elsewhere(const Download& download) {
  const store::Store* store = copies_.store_of(download.copy);
  if (store == nullptr || download.copy.damaged) return std::nullopt;
  const std::chrono::seconds validity = store->capability().presign;
  if (validity.count() == 0) return std::nullopt;
  auto address = store->presigned(download.copy.key, validity);
  if (!address) return pass(address);
  count_read(download);
  return std::move(*address);
}

async::Task<Result<std::unique_ptr<async::ByteSource>>> ImageService::open(const Download& download,
                                                                           store::ByteRange range) {
  const Copy& first = download.copy;
  const Wanted wanted{download.image.id, download.size, range};
  Result<std::unique_ptr<async::ByteSource>> source = co_await copies_.open_any(first, wanted);
  if (!source) co_return pass(source);
  count_read(download);
  co_return source;
}

}  // namespace visor::service
