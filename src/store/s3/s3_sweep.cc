#include "store/s3/s3_sweep.h"

#include <algorithm>
#include <utility>

#include "base/encoding.h"
#include "base/log.h"
#include "base/random.h"

namespace visor::store {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kPeriod = std::chrono::hours(1);

std::string position(const S3UploadPage& page) { return page.next_object + "\n" + page.next_id; }

}  // namespace

void S3Uploads::begin(const std::string& id) {
  const std::lock_guard lock(mutex_);
  ids_.insert(id);
}

void S3Uploads::end(const std::string& id) {
  const std::lock_guard lock(mutex_);
  ids_.erase(id);
}

bool S3Uploads::contains(const std::string& id) const {
  const std::lock_guard lock(mutex_);
  return ids_.contains(id);
}

S3Sweep::S3Sweep(std::shared_ptr<S3Bucket> bucket, std::shared_ptr<S3Uploads> uploads)
    : bucket_(std::move(bucket)), uploads_(std::move(uploads)) {}

bool S3Sweep::begin() {
  const milliseconds age = bucket_->options().abandoned_after;
  if (age.count() == 0) return false;
  const std::lock_guard lock(mutex_);
  const auto now = std::chrono::steady_clock::now();
  if (under_way_ || (due_ && now < *due_)) return false;
  due_ = now + std::min(kPeriod, age);
  under_way_ = true;
  return true;
}

async::Task<void> S3Sweep::run_and_tell(std::shared_ptr<S3Sweep> sweep) {
  Result<std::size_t> ended = co_await sweep->run();
  {
    const std::lock_guard lock(sweep->mutex_);
    sweep->under_way_ = false;
  }
  if (ended) {
    sweep->told_ = false;
  } else if (ended.error().code != Code::cancelled && !sweep->told_.exchange(true)) {
    log::failure(log::Level::warning,
                 "uploads to an object store that nobody goes on with can't be looked for: their "
                 "parts stay until that works, or until the bucket's own rules remove them",
                 ended.error(), {{"bucket", sweep->bucket_->options().bucket}});
  }
}

bool S3Sweep::abandoned(const S3UploadUnderWay& upload, Time now) const {
  const std::string& prefix = bucket_->options().prefix;
  if (!upload.object.starts_with(prefix) || !is_uuid(upload.object.substr(prefix.size()))) {
    return false;
  }
  return upload.begun && now - *upload.begun >= bucket_->options().abandoned_after &&
         !uploads_->contains(upload.id);
}

async::Task<Result<std::size_t>> S3Sweep::run() {
  std::size_t ended = 0;
  S3UploadPage page;
  while (true) {
    S3Request request;
    // Without the prefix, which some servers take for an object's whole name.
    request.query = "uploads";
    if (page.truncated) {
      request.query += "&key-marker=" + percent_encode(page.next_object) +
                       "&upload-id-marker=" + percent_encode(page.next_id);
    }
    Result<S3Answer> answer = co_await bucket_->ask(std::move(request));
    if (!answer) co_return pass(answer);
    if (answer->refusal) co_return std::unexpected(bucket_->explain(*answer, "s3.uploads"));
    Result<S3UploadPage> next = read_upload_page(answer->body);
    if (!next) co_return pass(next);
    // The uploads' ages are by the store's clock, not by this server's.
    const Time now = parse_http_time(answer->head.field("date").value_or(""))
                         .value_or(bucket_->options().clock->now());
    for (const S3UploadUnderWay& upload : next->uploads) {
      if (!abandoned(upload, now)) continue;
      Result<void> done = co_await end(upload);
      if (!done) co_return pass(done);
      ++ended;
    }
    if (!next->truncated) co_return ended;
    if (next->next_object.empty() || (page.truncated && position(*next) == position(page))) {
      co_return fail(Code::unavailable, "the object store lists the same uploads again and again",
                     "s3.uploads");
    }
    page = std::move(*next);
  }
}

async::Task<Result<void>> S3Sweep::end(S3UploadUnderWay upload) {
  S3Request request;
  request.method = "DELETE";
  request.object = upload.object;
  request.query = "uploadId=" + percent_encode(upload.id);
  Result<S3Answer> answer = co_await bucket_->ask(std::move(request));
  if (!answer) co_return pass(answer);
  if (answer->refusal && !answer->refused_with(404)) {
    co_return std::unexpected(bucket_->explain(*answer, "s3.abort object=" + upload.object));
  }
  log::warning("an upload to an object store that nobody went on with was ended",
               {{"object", upload.object}, {"begun", format_iso_time(*upload.begun)}});
  co_return Result<void>{};
}

}  // namespace visor::store
