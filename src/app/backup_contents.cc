#include "app/backup_contents.h"

#include <utility>

#include "catalogue/sqlite/sqlite_catalogue.h"
#include "service/records.h"
#include "store/file/blob_tree.h"
#include "store/key.h"

namespace visor::app {
namespace {

Result<void> each_record(catalogue::Catalogue& catalogue, const char* collection,
                         const std::function<Result<void>(const catalogue::Record&)>& take) {
  catalogue::Query query;
  query.collection = collection;
  query.limit = 1000;
  while (true) {
    auto page = catalogue.find(query);
    if (!page) return pass(page);
    for (const catalogue::Record& record : page->records) {
      if (auto taken = take(record); !taken) return taken;
    }
    if (!page->next) return {};
    query.after = std::move(page->next);
  }
}

}  // namespace

Result<std::unique_ptr<catalogue::Catalogue>> open_snapshot(const std::filesystem::path& path) {
  catalogue::SqliteCatalogue::Options options;
  options.path = path.string();
  options.create = false;
  options.readers = 1;
  options.point_readers = 1;
  auto opened = catalogue::SqliteCatalogue::open(std::move(options));
  if (!opened) return pass(opened);
  return std::move(*opened);
}

Result<void> each_stored_blob(catalogue::Catalogue& catalogue,
                              const std::function<Result<void>(const StoredBlob&)>& take) {
  return each_record(catalogue, service::kCopies,
                     [&](const catalogue::Record& record) -> Result<void> {
                       const auto copy = service::decode_copy(record);
                       if (!copy) return std::unexpected<Error>(copy.error());
                       if (copy->referred) return {};
                       if (auto checked = store::check_key(copy->key); !checked) {
                         return fail(Code::corrupt, "a record of the catalogue can't be read",
                                     "record copies/" + record.id + ": key");
                       }
                       StoredBlob stored{copy->store, copy->key, std::nullopt, {}};
                       const auto found = catalogue.get(service::kBlobs, copy->blob);
                       if (!found) return std::unexpected<Error>(found.error());
                       const auto blob = service::decode_blob(*found);
                       if (!blob) return std::unexpected<Error>(blob.error());
                       stored.size = blob->size;
                       const auto digest = blob->digests.find(DigestAlgorithm::sha256);
                       if (digest != blob->digests.end()) stored.sha256 = digest->second;
                       return take(stored);
                     });
}

Result<std::uint64_t> count_images(catalogue::Catalogue& catalogue) {
  std::uint64_t images = 0;
  auto counted =
      each_record(catalogue, service::kImages, [&](const catalogue::Record&) -> Result<void> {
        ++images;
        return {};
      });
  if (!counted) return pass(counted);
  return images;
}

std::filesystem::path blob_path(const std::string& key) { return store::path_of(key).text(); }

}  // namespace visor::app
