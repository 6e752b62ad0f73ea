// Reads of one image, from memory where it is there.
#include <algorithm>
#include <utility>

#include "base/random.h"
#include "service/image_service.h"

namespace visor::service {
namespace {

std::size_t bytes_of(const std::string& text) {
  // Short texts lie in the object itself.
  return text.capacity() > sizeof(std::string) / 2 - 1 ? text.capacity() + 1 : 0;
}

// What an image takes in memory, about.
std::size_t bytes_of_image(const image::Image& image) {
  constexpr std::size_t kNode = 48;  // of a map, besides what is in it
  std::size_t bytes = sizeof image;
  for (const std::string* text :
       {&image.id, &image.owner, &image.name, &image.architecture, &image.type, &image.format,
        &image.container, &image.store, &image.kernel, &image.ramdisk, &image.session, &image.blob,
        &image.location, &image.entity_tag}) {
    bytes += bytes_of(*text);
  }
  for (const auto* texts : {&image.extra, &image.unknown}) {
    for (const auto& [name, value] : *texts) {
      bytes += kNode + 2 * sizeof(std::string) + bytes_of(name) + bytes_of(value);
    }
  }
  for (const std::string& tag : image.tags) bytes += kNode + sizeof tag + bytes_of(tag);
  for (const auto& [account, member] : image.members) {
    bytes += kNode + sizeof account + sizeof member + bytes_of(account);
  }
  for (const auto& [algorithm, hex] : image.digests) {
    bytes += kNode + sizeof(std::string) + bytes_of(hex);
  }
  return bytes;
}

}  // namespace

catalogue::RecordCache<image::Image>::Options ImageService::caching(std::size_t most_bytes) {
  return {.collection = kImages,
          .decode = decode_image,
          .bytes = bytes_of_image,
          .most_bytes = most_bytes};
}

async::Task<Result<SharedImage>> ImageService::look_up(std::string id) {
  if (!is_uuid(id)) co_return image::no_such_image(id);
  Result<SharedImage> image = co_await records_.get(id);
  if (!image && image.error().code == Code::not_found) co_return image::no_such_image(id);
  co_return image;
}

async::Task<Result<image::Image>> ImageService::load(std::string id) {
  Result<SharedImage> image = co_await look_up(std::move(id));
  if (!image) co_return pass(image);
  co_return **image;
}

async::Task<Result<Description>> ImageService::describe(Principal who, std::string id) {
  Result<SharedImage> image = co_await look_up(id);
  if (!image) co_return pass(image);
  if (auto visible = image::check_may_see(who, **image); !visible) {
    tell_hidden(who, (*image)->id, visible.error());
    co_return pass(visible);
  }
  Result<image::Reads> reads = co_await read_counts_.of(std::move(id));
  if (!reads) co_return pass(reads);
  co_return Description{std::move(*image), *reads, false};
}

std::optional<Description> ImageService::describe_at_once(const Principal& who,
                                                          const std::string& id) {
  if (!is_uuid(id)) return std::nullopt;
  auto image = records_.get_at_once(id);
  if (!image || !image->value || !image::may_see(who, **image->value)) return std::nullopt;
  auto reads = read_counts_.of_at_once(id);
  if (!reads || !*reads) return std::nullopt;
  return Description{std::move(*image->value), **reads, image->from_memory};
}

async::Task<Result<std::vector<Location>>> ImageService::locations_of(const image::Image& image) {
  std::vector<Location> locations;
  if (image.state != image::DataState::present) co_return locations;
  Result<std::vector<Copy>> copies = co_await copies_.of(image.blob);
  if (!copies) {
    // Removed between the two reads.
    if (copies.error().code == Code::not_found) co_return locations;
    co_return pass(copies);
  }
  for (const Copy& copy : *copies) locations.push_back(copies_.location_of(copy));
  co_return locations;
}

async::Task<Result<Copy>> ImageService::preferred_copy(Copy usual,
                                                       std::vector<std::string> stores) {
  Result<std::vector<Copy>> copies = co_await copies_.of(usual.blob);
  if (!copies) co_return pass(copies);
  for (const std::string& store : stores) {
    for (Copy& copy : *copies) {
      if (copy.store == store && !copy.damaged) co_return std::move(copy);
    }
  }
  co_return usual;
}

async::Task<Result<std::vector<std::string>>> ImageService::stores_of(const image::Image& image) {
  std::vector<std::string> names;
  if (image.state == image::DataState::none && !image.location.empty()) {
    // A reference whose data was not what it should be: see image::distrust.
    std::string name = on_.stores.for_location(image.location).name;
    if (!name.empty()) names.push_back(std::move(name));
    co_return names;
  }
  Result<std::vector<Location>> locations = co_await locations_of(image);
  if (!locations) co_return pass(locations);
  for (const Location& location : *locations) names.push_back(location.store);
  std::ranges::sort(names);
  const auto repeated = std::ranges::unique(names);
  names.erase(repeated.begin(), repeated.end());
  co_return names;
}

}  // namespace visor::service
