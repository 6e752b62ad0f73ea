#include "service/import_service.h"

#include <algorithm>
#include <utility>

#include "base/random.h"
#include "service/trail.h"

namespace visor::service {
namespace {

using Kind = Import::Kind;

constexpr int kAttempts = 8;
constexpr std::uint32_t kPage = 1000;

std::unexpected<Error> no_such_import(const std::string& id) {
  return fail(Code::not_found, "no import has the id " + id.substr(0, 64));
}

/// Whether an image is in a state for the work.
Result<void> check_state(Kind kind, const image::Image& image) {
  const auto needs = [&image](const char* what) {
    return fail(Code::conflict, "image " + image.id + " " + what);
  };
  switch (kind) {
    case Kind::staged:
      if (image.state != image::DataState::staged) return needs("has no staged data to import");
      return {};
    case Kind::fetched:
    case Kind::referred:
    case Kind::brought:
      if (image::phase_of(image) != image::Phase::pending) {
        return needs("has data already, or some is on its way");
      }
      return {};
    case Kind::copied:
      if (image::phase_of(image) != image::Phase::available) return needs("has no data to copy");
      return {};
  }
  return {};
}

}  // namespace

ImportService::ImportService(Foundation foundation, ImageService& images,
                             PlacementService& placements, std::vector<DigestAlgorithm> digests)
    : on_(foundation), images_(images), placements_(placements), digests_(std::move(digests)) {}

async::Task<Result<image::Image>> ImportService::load_image(std::string id) {
  if (!is_uuid(id)) co_return image::no_such_image(id);
  Result<catalogue::Record> record = co_await on_.catalogue.get(kImages, id);
  if (!record && record.error().code == Code::not_found) co_return image::no_such_image(id);
  if (!record) co_return pass(record);
  co_return decode_image(*record);
}

async::Task<Result<std::set<std::string>>> ImportService::stores_with(const image::Image& image) {
  std::set<std::string> stores;
  if (image.blob.empty()) co_return stores;
  Result<std::vector<Copy>> copies = co_await copies_.of(image.blob);
  if (!copies) co_return pass(copies);
  for (const Copy& copy : *copies) stores.insert(copy.store);
  co_return stores;
}

// What may never be fetched is refused at once; what can't be had now, only when it is fetched.
async::Task<Result<void>> ImportService::check_location(std::string location) {
  store::Store* const store = on_.stores.for_location(location).store;
  if (store == nullptr) {
    co_return fail(Code::invalid, "no store here takes a location of this kind");
  }
  Result<store::BlobStatus> status = co_await store->stat(location);
  if (status) co_return Result<void>{};
  Error& error = status.error();
  if (error.code != Code::forbidden && error.code != Code::invalid) co_return Result<void>{};
  co_return fail(Code::invalid, "the location does not pass filtering: " + error.message,
                 std::move(error.where));
}

Result<std::vector<std::string>> ImportService::wanted_stores(
    const ImportRequest& request, const image::Image& image,
    const std::set<std::string>& present) const {
  const bool copies = request.kind == Kind::copied;
  std::vector<std::string> wanted = request.stores;
  if (request.every_store) {
    wanted.clear();
    for (const std::string& name : on_.stores.names()) {
      const bool there = copies && present.contains(name);
      if (on_.stores.named(name)->capability().writable && !there) wanted.push_back(name);
    }
    return wanted;
  }
  if (wanted.empty()) wanted = {image.store.empty() ? on_.stores.default_name() : image.store};
  for (const std::string& name : wanted) {
    const store::Store* store = on_.stores.named(name);
    if (store == nullptr) return fail(Code::conflict, "there is no store named " + name);
    if (!store->capability().writable) {
      return fail(Code::conflict, "the store " + name + " takes no data");
    }
    if (copies && present.contains(name)) {
      return fail(Code::invalid,
                  "the store " + name + " has the data of image " + image.id + " already");
    }
  }
  return wanted;
}

async::Task<Result<std::optional<Import>>> ImportService::request(Principal who,
                                                                  ImportRequest request) {
  Trail trail(on_.audit, who, "image.import");
  trail.event().image = request.image;
  trail.event().detail = to_string(request.kind);
  Result<std::optional<Import>> requested = co_await request_told(who, std::move(request));
  if (requested) {
    if (auto told = trail.begin(); !told) co_return pass(told);
  }
  co_return co_await trail.close(std::move(requested));
}

async::Task<Result<std::optional<Import>>> ImportService::request_told(const Principal& who,
                                                                       ImportRequest request) {
  const bool copies = request.kind == Kind::copied;
  if (copies && !who.administrator) {
    co_return fail(Code::forbidden, "only administrators may copy an image to other stores");
  }
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    Result<image::Image> image = co_await load_image(request.image);
    if (!image) co_return pass(image);
    if (auto allowed = image::check_may_change(who, *image); !allowed) co_return pass(allowed);
    const bool gathers = !copies;
    Import import;
    import.id = random_uuid();
    if (auto begun = image::begin_import(*image, import.id, gathers); !begun) co_return pass(begun);
    // Before it began, as the rules see it.
    image->importing = image::Importing::no;
    if (auto ready = check_state(request.kind, *image); !ready) co_return pass(ready);
    image->importing = gathers ? image::Importing::gathering : image::Importing::spreading;
    if (!request.location.empty()) {
      Result<void> known = co_await check_location(request.location);
      if (!known) co_return pass(known);
    }
    Result<std::set<std::string>> present = co_await stores_with(*image);
    if (!present) co_return pass(present);
    std::vector<std::string> stores;
    if (request.kind != Kind::referred) {
      auto wanted = wanted_stores(request, *image, *present);
      if (!wanted) co_return pass(wanted);
      if (wanted->empty()) co_return std::nullopt;
      stores = std::move(*wanted);
    }
    import.kind = request.kind;
    import.image = image->id;
    import.location = request.location;
    import.stores = std::move(stores);
    import.whole = request.whole;
    import.owner = image->owner;
    import.user = who.user.empty() ? who.account : who.user;
    import.request = request.request;
    import.note = request.note;
    import.digest = request.digest;
    import.created = on_.clock.now();
    import.updated = import.created;
    image->awaited_stores = {import.stores.begin(), import.stores.end()};
    image->updated_at = import.created;
    catalogue::Batch batch;
    batch.puts.push_back(put_of(*image, image->revision));
    batch.puts.push_back(put_of(import));
    if (request.bring) keep(import.id, request.bring);
    Result<void> applied = co_await on_.catalogue.apply(std::move(batch));
    if (!applied) forget(import.id);
    if (applied) {
      import.revision = 1;
      due_ = true;
      co_return std::optional<Import>(std::move(import));
    }
    if (applied.error().code != Code::precondition) co_return pass(applied);
  }
  co_return fail(Code::conflict, "image " + request.image +
                                     " is being changed by others at the "
                                     "same time; try again");
}

void ImportService::keep(const std::string& import, Bring bring) {
  const std::scoped_lock lock(mutex_);
  bringers_.emplace(import, std::move(bring));
}

void ImportService::forget(const std::string& import) {
  const std::scoped_lock lock(mutex_);
  bringers_.erase(import);
}

Bring ImportService::kept(const std::string& import) const {
  const std::scoped_lock lock(mutex_);
  const auto found = bringers_.find(import);
  return found == bringers_.end() ? Bring() : found->second;
}

async::Task<Result<std::vector<Import>>> ImportService::of_image(Principal who, std::string image) {
  Result<image::Image> seen = co_await images_.show(who, image);
  if (!seen) co_return pass(seen);
  catalogue::Query query;
  query.collection = kImports;
  query.filters = {{"image", image}};
  query.sort = catalogue::kNaturalOrder;
  query.limit = kPage;
  Result<catalogue::Page> page = co_await on_.catalogue.find(std::move(query));
  if (!page) co_return pass(page);
  std::vector<Import> imports;
  for (const auto& record : page->records) {
    auto import = decode_import(record);
    if (!import) co_return pass(import);
    imports.push_back(std::move(*import));
  }
  co_return imports;
}

async::Task<Result<Import>> ImportService::load(std::string id) {
  if (!is_uuid(id)) co_return no_such_import(id);
  Result<catalogue::Record> record = co_await on_.catalogue.get(kImports, id);
  if (!record && record.error().code == Code::not_found) co_return no_such_import(id);
  if (!record) co_return pass(record);
  co_return decode_import(*record);
}

async::Task<Result<Import>> ImportService::show(Principal who, std::string id) {
  Result<Import> import = co_await load(id);
  if (!import) co_return import;
  if (!who.administrator && who.account != import->owner) co_return no_such_import(id);
  co_return import;
}

async::Task<Result<std::vector<Import>>> ImportService::list(Principal who,
                                                             std::optional<std::string> after,
                                                             std::uint32_t limit) {
  if (!who.administrator) {
    co_return fail(Code::forbidden, "only administrators see everybody's imports");
  }
  catalogue::Query query;
  query.collection = kImports;
  query.sort = catalogue::kNaturalOrder;
  query.direction = catalogue::Direction::descending;
  query.limit = limit;
  if (after) {
    Result<catalogue::Record> last = co_await on_.catalogue.get(kImports, *after);
    if (!last) co_return fail(Code::invalid, "the import that the marker names is gone");
    query.after = catalogue::Query::Position{{}, {}, last->place};
  }
  Result<catalogue::Page> page = co_await on_.catalogue.find(std::move(query));
  if (!page) co_return pass(page);
  std::vector<Import> imports;
  for (const auto& record : page->records) {
    auto import = decode_import(record);
    if (!import) co_return pass(import);
    imports.push_back(std::move(*import));
  }
  co_return imports;
}

async::Task<Result<void>> ImportService::evict(Principal who, std::string image,
                                               std::string store) {
  if (!who.administrator) {
    co_return fail(Code::forbidden, "only administrators may drop a copy of an image");
  }
  Result<image::Image> seen = co_await images_.show(who, image);
  if (!seen) co_return pass(seen);
  if (on_.stores.named(store) == nullptr) {
    co_return fail(Code::conflict, "there is no store named " + store.substr(0, 64));
  }
  if (seen->state != image::DataState::present || seen->importing != image::Importing::no) {
    co_return fail(Code::conflict, "image " + image + " has no data, or is being imported");
  }
  Result<std::set<std::string>> present = co_await stores_with(*seen);
  if (!present) co_return pass(present);
  if (!present->contains(store)) {
    co_return fail(Code::not_found, "image " + image + " has no data in the store " + store);
  }
  if (present->size() == 1) {
    co_return fail(Code::forbidden, "the store " + store + " has the only copy of image " + image +
                                        "; delete the image instead");
  }
  co_return co_await placements_.place(Placement::Kind::evict, std::move(*seen), store);
}

}  // namespace visor::service
