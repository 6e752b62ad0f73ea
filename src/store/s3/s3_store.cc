#include "store/s3/s3_store.h"

#include <algorithm>
#include <limits>
#include <system_error>
#include <utility>

#include "base/digest.h"
#include "base/encoding.h"
#include "base/units.h"
#include "store/file_source.h"
#include "store/key.h"
#include "store/s3/part_loop.h"
#include "store/s3/part_memory.h"
#include "store/s3/s3_bucket.h"
#include "store/s3/s3_source.h"
#include "store/s3/s3_sweep.h"
#include "store/s3/s3_upload.h"

namespace visor::store {
namespace {

constexpr std::uint64_t kPartMemory = 256 * kMiB;
constexpr std::uint32_t kLargestPage = 1'000;

std::unexpected<Error> another_version() {
  return fail(Code::precondition, "the data has changed since it was registered", "s3.open");
}

/// Objects' names have '.' where keys have '/'. It is in no key and sorts as '/' does among what
/// is: after '-', before '0'.
std::string with_dots(std::string_view key) {
  std::string name(key);
  std::ranges::replace(name, '/', '.');
  return name;
}

std::optional<std::string> key_of(std::string_view name, const std::string& prefix) {
  if (!name.starts_with(prefix) || name.find('/', prefix.size()) != std::string_view::npos) {
    return std::nullopt;
  }
  std::string key(name.substr(prefix.size()));
  std::ranges::replace(key, '.', '/');
  if (!check_key(key)) return std::nullopt;
  return key;
}

}  // namespace

S3Store::S3Store(std::shared_ptr<S3Bucket> bucket, std::shared_ptr<PartMemory> memory)
    : bucket_(std::move(bucket)),
      memory_(std::move(memory)),
      commits_(std::make_shared<S3Commits>()),
      uploads_(std::make_shared<S3Uploads>()),
      sweep_(std::make_shared<S3Sweep>(bucket_, uploads_)),
      loop_(std::make_unique<PartLoop>()) {}

S3Store::~S3Store() { stop(); }

void S3Store::stop() { bucket_->stop(); }

Result<std::unique_ptr<S3Store>> S3Store::create(S3Options options) {
  if (auto sound = check_options(options); !sound) return pass(sound);
  auto memory = options.memory;
  if (!memory) memory = std::make_shared<PartMemory>(kPartMemory);
  // Two parts at least: one fills while the other is on its way.
  options.largest_part = std::min(options.largest_part, memory->limit() / 2);
  options.part_size = std::min(options.part_size, options.largest_part);
  auto bucket = S3Bucket::create(std::move(options));
  if (!bucket) return pass(bucket);
  try {
    return std::unique_ptr<S3Store>(new S3Store(std::move(*bucket), std::move(memory)));
  } catch (const std::system_error& error) {
    return fail(Code::unavailable, "no thread can be started for an object store", error.what());
  }
}

Capability S3Store::capability() const {
  return {
      .writable = true, .listable = true, .ranges = true, .presign = bucket_->options().presign};
}

std::string S3Store::object_of(std::string_view key) const {
  return bucket_->options().prefix + with_dots(key);
}

std::string S3Store::location(const std::string& key) const {
  return "s3://" + bucket_->options().bucket + "/" + object_of(key);
}

Result<std::string> S3Store::presigned(const std::string& key,
                                       std::chrono::seconds validity) const {
  if (bucket_->options().presign.count() == 0) return Store::presigned(key, validity);
  if (auto valid = check_key(key); !valid) return pass(valid);
  return bucket_->presigned(object_of(key), validity);
}

void S3Store::tidy() {
  if (sweep_->begin()) loop_->start(S3Sweep::run_and_tell(sweep_));
}

async::Task<Result<std::size_t>> S3Store::sweep() { return sweep_->run(); }

async::Task<Result<BlobStatus>> S3Store::stat(std::string key) {
  if (auto valid = check_key(key); !valid) co_return pass(valid);
  S3Request request;
  request.method = "HEAD";
  request.object = object_of(key);
  auto answer = co_await bucket_->ask(std::move(request));
  if (!answer) co_return pass(answer);
  if (answer->refusal) co_return std::unexpected(bucket_->explain(*answer, "s3.stat"));
  co_return BlobStatus{answer->head.content_length,
                       std::string(answer->head.field("etag").value_or(""))};
}

async::Task<Result<std::unique_ptr<async::ByteSource>>> S3Store::open(std::string key,
                                                                      ByteRange range,
                                                                      std::string version) {
  if (auto valid = check_key(key); !valid) co_return pass(valid);
  constexpr auto kFarthest = std::uint64_t{std::numeric_limits<std::int64_t>::max()};
  const bool whole = range.offset == 0 && !range.length;
  if (!whole && (range.length == 0u || range.offset >= kFarthest)) {
    auto source = co_await open_by_status(std::move(key), range, std::move(version));
    co_return std::move(source);
  }
  S3Request request;
  request.object = object_of(key);
  request.keep_body = true;
  if (!version.empty()) request.fields.push_back({"If-Match", version});
  if (!whole) {
    std::string wanted = "bytes=" + std::to_string(range.offset) + "-";
    if (range.length && *range.length <= kFarthest - range.offset) {
      wanted += std::to_string(range.offset + *range.length - 1);
    }
    request.fields.push_back({"Range", std::move(wanted)});
  }
  auto answer = co_await bucket_->ask(std::move(request));
  if (!answer) co_return pass(answer);
  if (answer->refused_with(416)) {
    // The range begins at the end, which is no error here, or behind it.
    auto source = co_await open_by_status(std::move(key), range, std::move(version));
    co_return std::move(source);
  }
  if (answer->refusal) co_return std::unexpected(bucket_->explain(*answer, "s3.open"));
  std::string tag(answer->head.field("etag").value_or(""));
  if (!version.empty() && version != tag) co_return another_version();
  std::optional<std::uint64_t> length;
  if (whole && answer->head.status == 200) length = answer->head.content_length;
  const auto content = answer->head.content_range();
  if (!whole && answer->head.status == 206 && content && content->first == range.offset) {
    length = content->last - content->first + 1;
  }
  if (!length || (range.length && *length > *range.length)) {
    co_return fail(Code::unavailable, "the object store does not give the part that was asked for",
                   "s3.open status=" + std::to_string(answer->head.status));
  }
  co_return std::make_unique<S3Source>(bucket_, object_of(key), std::move(tag), range.offset,
                                       *length, std::move(answer->stream));
}

async::Task<Result<std::unique_ptr<async::ByteSource>>> S3Store::open_by_status(
    std::string key, ByteRange range, std::string version) {
  auto status = co_await stat(key);
  if (!status) co_return pass(status);
  if (!version.empty() && version != status->version) co_return another_version();
  auto extent = extent_of(range, status->size.value_or(0));
  if (!extent) co_return pass(extent);
  if (extent->length > 0) {
    co_return fail(Code::unavailable, "the object store does not give the part that was asked for",
                   "s3.open status=416");
  }
  co_return async::text_source("");
}

async::Task<Result<std::unique_ptr<BlobWriter>>> S3Store::create(
    std::string key, std::optional<std::uint64_t> size) {
  if (auto valid = check_key(key); !valid) co_return pass(valid);
  S3Shared shared{bucket_, memory_, commits_, uploads_, loop_.get()};
  co_return std::make_unique<S3Writer>(std::move(shared), object_of(key), size);
}

// Doing it twice is doing it once, so a request whose answer was lost is simply sent again.
async::Task<Result<void>> S3Store::replace(std::string key, std::string bytes) {
  if (auto valid = check_key(key); !valid) co_return pass(valid);
  Digester digester(DigestAlgorithm::md5);
  digester.update(std::as_bytes(std::span(bytes)));
  const auto md5 = digester.finish();
  S3Request request;
  request.method = "PUT";
  request.object = object_of(key);
  request.fields = {
      {"Content-Type", "application/octet-stream"},
      {"Content-MD5", to_base64({reinterpret_cast<const char*>(md5.data()), md5.size()})}};
  request.body = std::as_bytes(std::span(bytes));
  auto answer = co_await bucket_->ask(std::move(request));
  if (!answer) co_return pass(answer);
  if (answer->refusal) co_return std::unexpected(bucket_->explain(*answer, "s3.replace"));
  co_return Result<void>{};
}

async::Task<Result<void>> S3Store::remove(std::string key) {
  if (auto valid = check_key(key); !valid) co_return pass(valid);
  S3Request request;
  request.method = "DELETE";
  request.object = object_of(key);
  auto answer = co_await bucket_->ask(std::move(request));
  if (!answer) co_return pass(answer);
  if (!answer->refusal) co_return Result<void>{};
  Error error = bucket_->explain(*answer, "s3.remove");
  if (error.code == Code::not_found) co_return Result<void>{};
  co_return std::unexpected(std::move(error));
}

async::Task<Result<Listing>> S3Store::list(std::string after, std::uint32_t limit) {
  const std::string& prefix = bucket_->options().prefix;
  std::string behind = after.empty() ? std::string() : object_of(after);
  while (true) {
    const bool version_2 = bucket_->list_v2();
    S3Request request;
    request.query = version_2 ? "list-type=2&" : "";
    request.query += "max-keys=" + std::to_string(std::clamp(limit, 1u, kLargestPage));
    if (!prefix.empty()) request.query += "&prefix=" + percent_encode(prefix);
    if (!behind.empty()) {
      request.query += (version_2 ? "&start-after=" : "&marker=") + percent_encode(behind);
    }
    auto answer = co_await bucket_->ask(std::move(request));
    if (!answer) co_return pass(answer);
    if (version_2 && (answer->refused_with(400) || answer->refused_with(501))) {
      bucket_->forget_list_v2();
      continue;
    }
    if (answer->refusal) co_return std::unexpected(bucket_->explain(*answer, "s3.list"));
    auto page = read_page(answer->body);
    if (!page) co_return pass(page);
    if (version_2 && !page->version_2) {
      // It took the request for one of the first version, and knows no start-after.
      bucket_->forget_list_v2();
      continue;
    }
    Listing listing;
    for (const std::string& name : page->names) {
      if (name <= behind) continue;
      if (auto key = key_of(name, prefix)) listing.keys.push_back(std::move(*key));
    }
    if (!page->truncated) co_return listing;
    if (page->names.empty() || page->names.back() <= behind) {
      co_return fail(Code::unavailable, "the object store lists the same objects again and again",
                     "s3.list");
    }
    if (!listing.keys.empty()) {
      listing.next = listing.keys.back();
      co_return listing;
    }
    behind = page->names.back();
  }
}

}  // namespace visor::store
