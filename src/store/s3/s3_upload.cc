#include "store/s3/s3_upload.h"

#include <algorithm>
#include <coroutine>
#include <cstring>
#include <utility>
#include <vector>

#include "base/digest.h"
#include "base/digest_group.h"
#include "base/encoding.h"
#include "base/log.h"
#include "base/random.h"
#include "base/units.h"

namespace visor::store {
namespace {

constexpr unsigned kMostParts = 10'000;
constexpr unsigned kPartsOfOneSize = 1'000;
constexpr const char* kMarkField = "x-amz-meta-visor-write";

struct BodyDigests {
  std::string md5;     ///< raw
  std::string sha256;  ///< in hex; empty unless signatures bind it
};

// Both in one pass, where the second one costs next to nothing, and once for all tries.
BodyDigests digests_of(std::span<const std::byte> bytes, const S3Bucket& bucket) {
  std::vector<DigestAlgorithm> algorithms{DigestAlgorithm::md5};
  if (bucket.signs_payload()) algorithms.push_back(DigestAlgorithm::sha256);
  DigestGroup group(algorithms);
  group.update(bytes);
  Digests digests = group.finish();
  return {from_hex(digests[DigestAlgorithm::md5]).value_or(""),
          std::move(digests[DigestAlgorithm::sha256])};
}

/// Whether the server's ETag contradicts the MD5 of what it was sent. Servers that encrypt, and
/// some others, give tags that are no MD5: those say nothing.
bool contradicts(std::string_view tag, const std::string& md5) {
  const auto plain = unquoted(tag);
  return is_md5(plain) && !equal_ignoring_case(plain, to_hex(md5));
}

bool encrypted(const fetch::ResponseHead& head) {
  return head.field("x-amz-server-side-encryption").has_value();
}

std::unexpected<Error> exists(const std::string& object) {
  return fail(Code::conflict, "the store has a blob of this key already", "s3 object=" + object);
}

std::unexpected<Error> altered(const std::string& where) {
  return fail(Code::corrupt, "the data changed on its way to the object store", where);
}

}  // namespace

bool S3Commits::begin(const std::string& object) {
  const std::lock_guard lock(mutex_);
  return objects_.insert(object).second;
}

void S3Commits::end(const std::string& object) {
  const std::lock_guard lock(mutex_);
  objects_.erase(object);
}

S3Part::S3Part(PartMemory::Lease lease, std::size_t capacity)
    : lease_(std::move(lease)),
      bytes_(std::make_unique_for_overwrite<std::byte[]>(capacity)),
      capacity_(capacity) {}

std::size_t S3Part::append(std::span<const std::byte> bytes) {
  const std::size_t count = std::min(bytes.size(), room());
  if (count > 0) std::memcpy(bytes_.get() + size_, bytes.data(), count);
  size_ += count;
  return count;
}

void S3Part::grow(PartMemory::Lease more, std::size_t capacity) {
  auto larger = std::make_unique_for_overwrite<std::byte[]>(capacity);
  if (size_ > 0) std::memcpy(larger.get(), bytes_.get(), size_);
  bytes_ = std::move(larger);
  capacity_ = capacity;
  lease_.join(std::move(more));
}

std::uint64_t part_size(const S3Options& options, unsigned number,
                        std::optional<std::uint64_t> size) {
  std::uint64_t base = options.part_size;
  if (size) {
    const std::uint64_t needed = *size / kMostParts + 1;
    base = std::max(base, (needed + kMiB - 1) / kMiB * kMiB);
  }
  const unsigned doublings = std::min((number - 1) / kPartsOfOneSize, 20u);
  return std::min(base << doublings, options.largest_part);
}

/// A multipart upload, as the writer and the parts on their way see it.
struct S3Writer::Upload {
  Upload(std::string the_id, std::shared_ptr<S3Uploads> all)
      : id(std::move(the_id)), of(std::move(all)) {
    of->begin(id);
  }
  ~Upload() { of->end(id); }
  Upload(const Upload&) = delete;
  Upload& operator=(const Upload&) = delete;

  const std::string id;
  const std::shared_ptr<S3Uploads> of;
  std::mutex mutex;
  unsigned running = 0;
  std::map<unsigned, std::string> tags;
  std::map<unsigned, std::string> digests;  ///< MD5, raw
  std::optional<Error> failure;
  bool dropped = false;  ///< what has not begun need not

  // Of the writer, while it waits:
  unsigned wanted = 0;
  std::coroutine_handle<> waiting;
  async::Executor* executor = nullptr;

  void end_part() {
    const std::lock_guard lock(mutex);
    --running;
    if (!waiting || running > wanted) return;
    executor->post([coroutine = std::exchange(waiting, {})] { coroutine.resume(); });
  }
};

/// Waits until at most `wanted` parts are on their way.
struct S3Writer::Arrival {
  Upload& upload;
  unsigned wanted;

  bool await_ready() const noexcept { return false; }
  bool await_suspend(std::coroutine_handle<> awaiting) {
    const std::lock_guard lock(upload.mutex);
    if (upload.running <= wanted) return false;
    upload.wanted = wanted;
    upload.waiting = awaiting;
    upload.executor = async::Executor::current();
    return true;
  }
  void await_resume() const noexcept {}
};

S3Writer::S3Writer(S3Shared shared, std::string object, std::optional<std::uint64_t> size)
    : shared_(std::move(shared)),
      object_(std::move(object)),
      forecast_(size),
      mark_(random_uuid()) {}

S3Writer::~S3Writer() = default;

Result<void> S3Writer::taken() const {
  if (failure_) return std::unexpected(*failure_);
  return {};
}

async::Task<Result<void>> S3Writer::write(std::span<const std::byte> bytes) {
  if (auto usable = taken(); !usable) co_return usable;
  auto outcome = co_await take_in(bytes);
  if (!outcome) failure_ = outcome.error();
  co_return outcome;
}

async::Task<Result<void>> S3Writer::take_in(std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    if (!part_.valid() || part_.room() == 0) {
      auto room = co_await make_room();
      if (!room) co_return room;
    }
    const std::size_t count = part_.append(bytes);
    written_ += count;
    bytes = bytes.subspan(count);
  }
  co_return Result<void>{};
}

async::Task<Result<void>> S3Writer::make_room() {
  const auto& options = shared_.bucket->options();
  const auto full_size = static_cast<std::size_t>(part_size(options, parts_ + 1, forecast_));
  if (part_.valid() && part_.capacity() < full_size) {
    // The forecast was too small.
    auto more =
        co_await shared_.memory->take(full_size - part_.capacity(), options.memory_patience);
    if (!more) co_return pass(more);
    part_.grow(std::move(*more), full_size);
    co_return Result<void>{};
  }
  if (part_.valid()) {
    auto sent = co_await send_part();
    if (!sent) co_return sent;
  }
  if (parts_ >= kMostParts) {
    co_return fail(Code::too_large, "the object store takes no object of so many parts",
                   "s3.write object=" + object_);
  }
  auto size = static_cast<std::size_t>(part_size(options, parts_ + 1, forecast_));
  if (forecast_ && *forecast_ > written_) {
    size = static_cast<std::size_t>(std::min<std::uint64_t>(size, *forecast_ - written_));
  }
  auto lease = co_await shared_.memory->take(size, options.memory_patience);
  if (!lease) co_return pass(lease);
  part_ = S3Part(std::move(*lease), size);
  co_return Result<void>{};
}

async::Task<Result<void>> S3Writer::begin_upload() {
  S3Request request;
  request.method = "POST";
  request.object = object_;
  request.query = "uploads";
  request.fields = {{"Content-Type", "application/octet-stream"}, {kMarkField, mark_}};
  auto answer = co_await shared_.bucket->ask(std::move(request));
  if (!answer) co_return pass(answer);
  if (answer->refusal) {
    co_return std::unexpected(shared_.bucket->explain(*answer, "s3.begin_upload"));
  }
  auto id = read_upload_id(answer->body);
  if (!id) co_return pass(id);
  upload_ = std::make_shared<Upload>(std::move(*id), shared_.uploads);
  co_return Result<void>{};
}

async::Task<Result<void>> S3Writer::send_part() {
  if (!upload_) {
    auto begun = co_await begin_upload();
    if (!begun) co_return begun;
  }
  auto room = co_await wait_until_at_most(shared_.bucket->options().parallel_parts - 1);
  if (!room) co_return room;
  {
    const std::lock_guard lock(upload_->mutex);
    ++upload_->running;
  }
  shared_.loop->start(
      carry(shared_.bucket, upload_, std::exchange(part_, S3Part()), ++parts_, object_));
  co_return Result<void>{};
}

async::Task<Result<void>> S3Writer::wait_until_at_most(unsigned running) {
  Arrival arrival{*upload_, running};
  co_await arrival;
  const std::lock_guard lock(upload_->mutex);
  if (upload_->failure) co_return std::unexpected(*upload_->failure);
  co_return Result<void>{};
}

async::Task<void> S3Writer::carry(std::shared_ptr<S3Bucket> bucket, std::shared_ptr<Upload> upload,
                                  S3Part part, unsigned number, std::string object) {
  bool wanted = false;
  {
    const std::lock_guard lock(upload->mutex);
    wanted = !upload->dropped && !upload->failure;
  }
  if (wanted) {
    const std::string where = "s3.part object=" + object + " part=" + std::to_string(number);
    BodyDigests digests = digests_of(part.bytes(), *bucket);
    std::string& md5 = digests.md5;
    S3Request request;
    request.method = "PUT";
    request.object = object;
    request.query =
        "partNumber=" + std::to_string(number) + "&uploadId=" + percent_encode(upload->id);
    request.fields = {{"Content-MD5", to_base64(md5)}};
    request.body = part.bytes();
    request.payload = std::move(digests.sha256);
    auto answer = co_await bucket->ask(std::move(request));
    const std::lock_guard lock(upload->mutex);
    if (!answer) {
      upload->failure = std::move(answer.error()).at(where);
    } else if (answer->refusal) {
      upload->failure = bucket->explain(*answer, where);
    } else {
      std::string tag(answer->head.field("etag").value_or(""));
      if (tag.empty() || (!encrypted(answer->head) && contradicts(tag, md5))) {
        upload->failure = altered(where).error();
      }
      upload->tags[number] = std::move(tag);
      upload->digests[number] = std::move(md5);
    }
  }
  // The memory is given back before the writer learns that the part has arrived.
  part = S3Part();
  upload->end_part();
}

async::Task<Result<void>> S3Writer::commit(std::uint64_t size) {
  if (auto usable = taken(); !usable) {
    co_await drop();
    co_return usable;
  }
  failure_ = Error{Code::conflict, "the blob was committed or aborted already", object_};
  Result<void> outcome;
  if (size != written_) {
    outcome = fail(Code::invalid, "the number of bytes written is not the number expected",
                   "s3 object=" + object_ + " written=" + std::to_string(written_) +
                       " expected=" + std::to_string(size));
  } else if (!shared_.commits->begin(object_)) {
    outcome = exists(object_);
  } else {
    outcome = co_await commit_now();
    shared_.commits->end(object_);
  }
  if (!outcome) co_await drop();
  part_ = S3Part();
  co_return outcome;
}

async::Task<Result<void>> S3Writer::commit_now() {
  auto absent = co_await check_absent();
  if (!absent) co_return absent;
  if (!upload_) {
    auto put = co_await put_whole();
    co_return put;
  }
  auto sent = co_await send_part();
  if (!sent) co_return sent;
  auto all = co_await wait_until_at_most(0);
  if (!all) co_return all;
  auto completed = co_await complete();
  co_return completed;
}

async::Task<Result<void>> S3Writer::check_absent() {
  S3Request request;
  request.method = "HEAD";
  request.object = object_;
  auto answer = co_await shared_.bucket->ask(std::move(request));
  if (!answer) co_return pass(answer);
  if (!answer->refusal) co_return exists(object_);
  const Error error = shared_.bucket->explain(*answer, "s3.commit");
  if (error.code == Code::not_found) co_return Result<void>{};
  co_return std::unexpected(error);
}

async::Task<bool> S3Writer::is_ours() {
  S3Request request;
  request.method = "HEAD";
  request.object = object_;
  auto answer = co_await shared_.bucket->ask(std::move(request));
  co_return answer && !answer->refusal && answer->head.field(kMarkField) == mark_ &&
      answer->head.content_length == written_;
}

async::Task<void> S3Writer::take_back() {
  S3Request request;
  request.method = "DELETE";
  request.object = object_;
  auto answer = co_await shared_.bucket->ask(std::move(request));
  if (!answer || answer->refusal) {
    log::warning("a blob that was not stored well could not be removed from the object store",
                 {{"object", object_}});
  }
}

async::Task<Result<void>> S3Writer::put_whole() {
  const std::string where = "s3.put object=" + object_;
  const BodyDigests digests = digests_of(part_.bytes(), *shared_.bucket);
  const std::string& md5 = digests.md5;
  while (true) {
    const bool conditional = shared_.bucket->conditional_writes();
    S3Request request;
    request.method = "PUT";
    request.object = object_;
    request.fields = {{"Content-Type", "application/octet-stream"},
                      {"Content-MD5", to_base64(md5)},
                      {kMarkField, mark_}};
    if (conditional) request.fields.push_back({"If-None-Match", "*"});
    request.body = part_.bytes();
    request.payload = digests.sha256;
    auto answer = co_await shared_.bucket->ask(std::move(request));
    if (answer && conditional && answer->refused_with(501)) {
      shared_.bucket->forget_conditional_writes();
      continue;
    }
    if (answer && !answer->refusal) {
      const auto tag = answer->head.field("etag").value_or("");
      if (encrypted(answer->head) || !contradicts(tag, md5)) co_return Result<void>{};
      co_await take_back();
      co_return altered(where);
    }
    const bool taken_by_somebody =
        answer && (answer->refused_with(412) || answer->refused_with(409));
    if (taken_by_somebody && !answer->repeated) co_return exists(object_);
    // An answer was lost on its way; what it would have said can still be seen.
    const bool stored = co_await is_ours();
    if (stored) co_return Result<void>{};
    if (taken_by_somebody) co_return exists(object_);
    if (!answer) co_return pass(answer);
    co_return std::unexpected(shared_.bucket->explain(*answer, where));
  }
}

async::Task<Result<void>> S3Writer::complete() {
  const std::string where = "s3.complete object=" + object_;
  const std::string document = write_completion(upload_->tags);
  std::string digests;
  for (const auto& [number, digest] : upload_->digests) digests += digest;
  std::string expected =
      digest_hex(DigestAlgorithm::md5, digests) + "-" + std::to_string(upload_->digests.size());
  while (true) {
    const bool conditional = shared_.bucket->conditional_writes();
    S3Request request;
    request.method = "POST";
    request.object = object_;
    request.query = "uploadId=" + percent_encode(upload_->id);
    request.fields = {{"Content-Type", "application/xml"}};
    if (conditional) request.fields.push_back({"If-None-Match", "*"});
    request.body = std::as_bytes(std::span(document));
    auto answer = co_await shared_.bucket->ask(std::move(request));
    if (answer && conditional && answer->refused_with(501)) {
      shared_.bucket->forget_conditional_writes();
      continue;
    }
    if (answer && !answer->refusal) {
      auto checked = co_await check_completed(*answer, std::move(expected));
      co_return checked;
    }
    const bool taken_by_somebody =
        answer && (answer->refused_with(412) || answer->refused_with(409));
    if (taken_by_somebody && !answer->repeated) co_return exists(object_);
    // A first try may have been done though its answer was lost: the second finds no upload then.
    const bool stored = co_await is_ours();
    if (stored) {
      upload_.reset();
      co_return Result<void>{};
    }
    if (taken_by_somebody) co_return exists(object_);
    if (!answer) co_return pass(answer);
    co_return std::unexpected(shared_.bucket->explain(*answer, where));
  }
}

async::Task<Result<void>> S3Writer::check_completed(const S3Answer& answer, std::string expected) {
  const std::string where = "s3.complete object=" + object_;
  upload_.reset();
  const std::string tag = read_completed_tag(answer.body);
  const auto plain = unquoted(tag);
  const bool of_parts = plain.size() > 33 && plain[32] == '-' && is_md5(plain.substr(0, 32));
  if (of_parts && !encrypted(answer.head) && equal_ignoring_case(plain, expected)) {
    co_return Result<void>{};
  }
  // The tag says nothing, or it is of another form than expected: what counts is what is there.
  const bool whole = co_await is_ours();
  if (whole && (!of_parts || encrypted(answer.head))) co_return Result<void>{};
  co_await take_back();
  co_return altered(where + " tag=" + tag);
}

async::Task<void> S3Writer::abort() {
  co_await drop();
  failure_ = Error{Code::conflict, "the blob was committed or aborted already", object_};
}

async::Task<void> S3Writer::drop() {
  part_ = S3Part();
  if (!upload_) co_return;
  const auto upload = std::exchange(upload_, nullptr);
  {
    const std::lock_guard lock(upload->mutex);
    upload->dropped = true;
  }
  // A part that arrives after the abort would stay for ever.
  Arrival arrival{*upload, 0};
  co_await arrival;
  S3Request request;
  request.method = "DELETE";
  request.object = object_;
  request.query = "uploadId=" + percent_encode(upload->id);
  auto answer = co_await shared_.bucket->ask(std::move(request));
  if (answer && (!answer->refusal || answer->refused_with(404))) co_return;
  log::warning(
      "an upload to the object store could not be taken back: its parts stay until they are "
      "removed",
      {{"object", object_},
       {"reason",
        answer ? shared_.bucket->explain(*answer, "s3.abort").where : answer.error().where}});
}

}  // namespace visor::store
