// Fills a data folder's catalogue with images as if they had been registered and uploaded, for
// measuring at a size that uploading would take hours to reach. Run by scripts/bench:
//   fill_catalogue CATALOGUE IMAGES IDS
// CATALOGUE is the SQLite file of a server that has run, but has no images yet; IDS a file that
// gets the ids of those that everybody may see, one a line. The images' bytes don't exist: metadata
// can be read, found and changed, data can't be fetched.
#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <string>
#include <utility>
#include <vector>

#include "base/digest.h"
#include "base/random.h"
#include "catalogue/sqlite/sqlite_catalogue.h"
#include "document/json.h"
#include "image/image.h"
#include "service/manifest_writer.h"
#include "service/records.h"

namespace {

using namespace visor;

// Few large commits: random keys touch nearly every page of their index each time.
constexpr std::size_t kBatch = 100'000;
constexpr std::int64_t kWriteCacheKiB = 4 << 20;
constexpr const char* kStore = "file";

[[noreturn]] void give_up(const Error& error) {
  std::fprintf(stderr, "fill_catalogue: %s [%s]\n", error.message.c_str(), error.where.c_str());
  std::exit(1);
}

// As if the image's data were these eight bytes: digests differ from image to image, as they do.
Digests digests_of(std::uint64_t number) {
  const std::string data(reinterpret_cast<const char*>(&number), sizeof number);
  Digests digests;
  for (const auto algorithm : {DigestAlgorithm::md5, DigestAlgorithm::sha256}) {
    digests[algorithm] = digest_hex(algorithm, data);
  }
  return digests;
}

bool is_private(std::uint64_t number) { return number % 10 == 0; }

image::Image image_of(std::uint64_t number, std::string id, Time first) {
  static constexpr const char* kOwners[] = {"ada", "grace", "edsger", "barbara"};
  static constexpr const char* kSystems[] = {"debian", "ubuntu", "fedora", "alpine"};
  image::Image image;
  image.id = std::move(id);
  image.owner = kOwners[number % 4];
  image.name = "image " + std::to_string(number);
  image.architecture = number % 3 == 0 ? "aarch64" : "x86_64";
  image.access = is_private(number) ? image::Access::owner : image::Access::everyone;
  image.type = "machine";
  image.format = number % 5 == 0 ? "raw" : "qcow2";
  image.store = kStore;
  image.extra["os"] = kSystems[number / 7 % 4];
  image.extra["os_version"] = std::to_string(number % 40) + ".04";
  image.extra["build"] = std::to_string(number % 1000);  // one image in a thousand has each
  image.extra["note"] =
      "made by the continuous build of the operating system images and signed with a team key";
  image.state = image::DataState::present;
  image.blob = random_uuid();
  image.location = "file:///var/lib/visor/store/" + image.blob.substr(0, 2) + "/" + image.blob;
  image.size = (number % 4096 + 1) << 20;
  image.digests = digests_of(number);
  // A second apart, each behind the one before, as they come to a server.
  image.created_at = first + std::chrono::seconds(number);
  image.updated_at = image.created_at;
  image.uploaded_at = image.created_at;
  return image;
}

void add(catalogue::Batch& batch, const image::Image& image) {
  batch.puts.push_back(service::put_of(image, 0));
  const service::Blob blob{image.blob, image.id, service::Blob::Role::original, image.size,
                           image.digests};
  batch.puts.push_back({service::encode(blob), 0});
  const service::Copy copy{image.blob, image.blob, kStore, image.blob, false, {}, 0};
  batch.puts.push_back({service::encode(copy), 0});
  batch.counters.push_back({"images:" + image.owner, 1, {}});
  batch.counters.push_back({"bytes:" + image.owner, static_cast<std::int64_t>(*image.size), {}});
}

// Batches hold each counter once.
void merge_counters(catalogue::Batch& batch) {
  std::ranges::sort(batch.counters, {}, &catalogue::CounterChange::counter);
  std::vector<catalogue::CounterChange> merged;
  for (const auto& change : batch.counters) {
    if (!merged.empty() && merged.back().counter == change.counter) {
      merged.back().delta += change.delta;
    } else {
      merged.push_back(change);
    }
  }
  batch.counters = std::move(merged);
}

void fill(catalogue::Catalogue& catalogue, const std::vector<std::string>& ids) {
  const Time now = std::chrono::floor<std::chrono::seconds>(Clock::system().now());
  const Time oldest = now - std::chrono::seconds(ids.size());
  for (std::size_t first = 0; first < ids.size(); first += kBatch) {
    const std::size_t end = std::min(first + kBatch, ids.size());
    catalogue::Batch batch;
    for (std::size_t number = first; number < end; ++number) {
      add(batch, image_of(number, ids[number], oldest));
    }
    merge_counters(batch);
    if (auto done = catalogue.apply(batch); !done) give_up(done.error());
    std::fprintf(stderr, "    filled %zu of %zu images\n", end, ids.size());
  }
}

/// As if the server had written the manifests of all images already: that would take it an hour or
/// more, and a part of a processor while it is measured.
void settle_manifests(catalogue::Catalogue& catalogue) {
  auto record = catalogue.get(service::kManifests, kStore);
  if (!record) give_up(record.error());
  auto place = document::parse_json(record->document);
  if (!place) give_up(place.error());
  // Behind the end of the history: that is where it ends.
  const auto history = catalogue.changes(INT64_MAX, 1);
  if (!history) give_up(history.error());
  place->set("since", history->last);
  place->erase("walk");
  const std::uint64_t revision = record->revision;
  record->document = document::write_json(*place);
  catalogue::Batch batch;
  batch.puts.push_back({std::move(*record), revision});
  if (auto done = catalogue.apply(batch); !done) give_up(done.error());
}

}  // namespace

int main(int count, char** arguments) {
  std::uint64_t images = 0;
  if (count == 4) {
    std::from_chars(arguments[2], arguments[2] + std::strlen(arguments[2]), images);
  }
  if (images == 0) {
    std::fprintf(stderr, "usage: %s CATALOGUE IMAGES IDS\n", arguments[0]);
    return 2;
  }
  std::vector<std::string> ids(images);
  std::ranges::generate(ids, random_uuid);

  catalogue::SqliteCatalogue::Options options;
  options.path = arguments[1];
  options.write_cache_kib = kWriteCacheKiB;
  auto opened = catalogue::SqliteCatalogue::open(std::move(options));
  if (!opened) give_up(opened.error());
  fill(**opened, ids);
  settle_manifests(**opened);

  std::ofstream file(arguments[3], std::ios::trunc);
  for (std::size_t number = 0; number < ids.size(); ++number) {
    if (!is_private(number)) file << ids[number] << '\n';
  }
  file.close();
  if (!file) {
    std::fprintf(stderr, "fill_catalogue: %s can't be written\n", arguments[3]);
    return 1;
  }
  return 0;
}
