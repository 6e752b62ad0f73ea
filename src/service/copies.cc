#include "service/copies.h"

#include <algorithm>
#include <optional>
#include <tuple>
#include <utility>

#include "base/log.h"
#include "service/quota.h"

namespace visor::service {
namespace {

// More than anybody has stores.
constexpr std::uint32_t kMostCopies = 1000;

// What part of `size` bytes a range takes.
std::uint64_t expected_bytes(std::uint64_t size, const store::ByteRange& range) {
  const std::uint64_t rest = size - std::min(range.offset, size);
  return std::min(range.length.value_or(rest), rest);
}

// Whether the bytes may be had from elsewhere all the same.
bool may_be_elsewhere(const Error& error) {
  return error.code != Code::cancelled && error.code != Code::range && error.code != Code::invalid;
}

}  // namespace

// A stream over copies of one blob: where one breaks, the next goes on at the same byte.
class Copies::Source final : public async::ByteSource {
 public:
  Source(Copies& copies, std::string blob, std::vector<std::string> tried, Wanted wanted,
         std::unique_ptr<async::ByteSource> source)
      : copies_(copies),
        blob_(std::move(blob)),
        tried_(std::move(tried)),
        wanted_(std::move(wanted)),
        total_(expected_bytes(wanted_.size, wanted_.range)),
        source_(std::move(source)) {}

  std::optional<std::uint64_t> size() const override { return total_; }

  async::Task<Result<std::size_t>> read(std::span<std::byte> into) override {
    for (;;) {
      Result<std::size_t> count = co_await source_->read(into);
      if (count) {
        position_ += *count;
        co_return count;
      }
      if (!may_be_elsewhere(count.error())) co_return count;
      Wanted rest = wanted_;
      rest.range = {wanted_.range.offset + position_, total_ - position_};
      Error cause = std::move(count.error());
      Result<std::unique_ptr<async::ByteSource>> next =
          co_await copies_.open_another(blob_, tried_, std::move(rest), std::move(cause));
      if (!next) co_return pass(next);
      source_ = std::move(*next);
    }
  }

 private:
  Copies& copies_;
  const std::string blob_;
  std::vector<std::string> tried_;
  const Wanted wanted_;
  const std::uint64_t total_;
  std::uint64_t position_ = 0;
  std::unique_ptr<async::ByteSource> source_;
};

async::Task<Result<std::vector<Copy>>> Copies::of(std::string blob) {
  catalogue::Query query;
  query.collection = kCopies;
  query.filters = {{"blob", blob}};
  query.limit = kMostCopies;
  Result<catalogue::Page> page = co_await catalogue_.find(std::move(query));
  if (!page) co_return pass(page);
  std::vector<Copy> copies;
  for (const auto& record : page->records) {
    auto copy = decode_copy(record);
    if (!copy) co_return pass(copy);
    copies.push_back(std::move(*copy));
  }
  if (copies.empty()) {
    co_return fail(Code::not_found, "the data was removed a moment ago", "blob " + blob);
  }
  std::ranges::sort(copies, {}, [](const Copy& copy) { return std::tie(copy.rank, copy.id); });
  const auto first = std::ranges::find(copies, blob, &Copy::id);
  if (first != copies.end()) std::rotate(copies.begin(), first, first + 1);
  co_return copies;
}

async::Task<Result<std::vector<Removal>>> Copies::add_removal(const image::Image& image,
                                                              catalogue::Batch& batch) {
  std::vector<Removal> removals;
  if (image.blob.empty()) co_return removals;
  Result<catalogue::Record> blob = co_await catalogue_.get(kBlobs, image.blob);
  Result<std::vector<Copy>> copies = co_await of(image.blob);
  if (!blob || !copies) {
    Error& error = !blob ? blob.error() : copies.error();
    // Somebody else removed them a moment ago.
    if (error.code == Code::not_found) error.code = Code::precondition;
    co_return std::unexpected(std::move(error));
  }
  batch.removes.push_back({kBlobs, blob->id, blob->revision});
  for (const Copy& copy : *copies) {
    batch.removes.push_back({kCopies, copy.id, copy.revision});
    if (copy.referred) continue;
    removals.push_back({copy.store, copy.key, 1});
    batch.puts.push_back({encode(removals.back()), 0});
  }
  // However many copies there are, the account paid for one.
  if (!removals.empty()) {
    batch.counters.push_back({bytes_counter(image.owner),
                              -static_cast<std::int64_t>(image.size.value_or(0)), std::nullopt});
  }
  co_return removals;
}

Location Copies::location_of(const Copy& copy) const {
  const store::Store* const store = store_of(copy);
  const std::string shown = store == nullptr ? copy.key : store->location(copy.key);
  return {copy.store, copy.referred ? copy.key : shown, shown, copy.metadata};
}

store::Store* Copies::store_of(const Copy& copy) const {
  return copy.referred ? stores_.for_location(copy.key).store : stores_.named(copy.store);
}

async::Task<Result<std::unique_ptr<async::ByteSource>>> Copies::open(Copy copy, Wanted wanted) {
  store::Store* store = store_of(copy);
  if (store == nullptr) {
    co_return fail(Code::unavailable,
                   "the store " + copy.store + " of this image is not configured on this server",
                   "image " + wanted.image);
  }
  const std::string where = "store " + copy.store + " key " + copy.key;
  if (copy.damaged) {
    co_return fail(Code::corrupt,
                   "the data of image " + wanted.image +
                       " is damaged in its store; register and upload it again",
                   where);
  }
  Result<std::unique_ptr<async::ByteSource>> source =
      co_await store->open(copy.key, wanted.range, copy.version);
  if (!source) {
    if (source.error().code == Code::not_found) {
      co_return fail(Code::not_found,
                     "the data of image " + wanted.image + " is gone from where it lay", where);
    }
    if (source.error().code == Code::precondition) {
      co_return fail(Code::conflict,
                     "the data that image " + wanted.image +
                         " refers to was changed at its source; register it again",
                     source.error().where);
    }
    co_return pass(source);
  }
  // A file cut short by a failing disk, or swapped at its source, must not pass for the image.
  const std::uint64_t expected = expected_bytes(wanted.size, wanted.range);
  if (const auto size = (*source)->size(); size && *size != expected) {
    co_return fail(
        Code::corrupt,
        "the data of image " + wanted.image + " does not have the size that it was registered with",
        where + " expected " + std::to_string(expected) + " found " + std::to_string(*size));
  }
  co_return source;
}

async::Task<Result<std::unique_ptr<async::ByteSource>>> Copies::open_any(Copy first,
                                                                         Wanted wanted) {
  const std::string blob = first.blob;
  std::vector<std::string> tried{first.id};
  Result<std::unique_ptr<async::ByteSource>> source = co_await open(std::move(first), wanted);
  if (!source && may_be_elsewhere(source.error())) {
    Error cause = std::move(source.error());
    source = co_await open_another(blob, tried, wanted, std::move(cause));
  }
  // A file goes to the socket by itself: nobody would see where it breaks.
  if (!source || (*source)->as_file()) co_return source;
  co_return std::make_unique<Source>(*this, blob, std::move(tried), std::move(wanted),
                                     std::move(*source));
}

async::Task<Result<std::unique_ptr<async::ByteSource>>> Copies::open_another(
    std::string blob, std::vector<std::string>& tried, Wanted wanted, Error cause) {
  Result<std::vector<Copy>> copies = co_await of(blob);
  // Whatever went wrong here: what the caller has to be told is why the first copy failed.
  if (!copies) co_return std::unexpected(std::move(cause));
  for (Copy& copy : *copies) {
    if (copy.damaged || std::ranges::find(tried, copy.id) != tried.end()) continue;
    tried.push_back(copy.id);
    const std::string store = copy.store;
    Result<std::unique_ptr<async::ByteSource>> source = co_await open(std::move(copy), wanted);
    if (source) {
      log::failure(log::Level::warning, "a copy can't be read; another one is read instead", cause,
                   {{"image", wanted.image}, {"instead", store}});
      co_return source;
    }
    log::failure(log::Level::warning, "a copy can't be read", source.error(),
                 {{"image", wanted.image}, {"store", store}});
  }
  co_return std::unexpected(std::move(cause));
}

}  // namespace visor::service
