#include "store/s3/s3_source.h"

#include <algorithm>
#include <utility>

#include "base/log.h"

namespace visor::store {

S3Source::S3Source(std::shared_ptr<S3Bucket> bucket, std::string object, std::string tag,
                   std::uint64_t offset, std::uint64_t length,
                   std::unique_ptr<async::ByteSource> body)
    : bucket_(std::move(bucket)),
      object_(std::move(object)),
      tag_(std::move(tag)),
      length_(length),
      offset_(offset),
      left_(length),
      body_(std::move(body)) {}

async::Task<Result<std::size_t>> S3Source::read(std::span<std::byte> into) {
  if (into.size() > left_) into = into.first(static_cast<std::size_t>(left_));
  if (into.empty()) co_return std::size_t{0};
  while (true) {
    if (!body_) {
      auto again = co_await go_on();
      if (!again) co_return pass(again);
    }
    auto count = co_await body_->read(into);
    if (count && *count > 0) {
      offset_ += *count;
      left_ -= *count;
      breaks_ = 0;
      co_return count;
    }
    body_.reset();
    Error error = count ? fail(Code::unavailable,
                               "the object store broke off before the end of the data", "s3.read")
                              .error()
                        : std::move(count.error());
    const bool passes = error.code == Code::unavailable || error.code == Code::timeout;
    if (!passes || ++breaks_ >= bucket_->options().attempts) co_return std::unexpected(error);
    log::warning(
        "reading from the object store goes on after a break",
        {{"object", object_}, {"offset", std::to_string(offset_)}, {"cause", error.where}});
    const bool again = co_await bucket_->may_try_again(breaks_);
    if (!again) {
      error.retry = Retry::exhausted;
      co_return std::unexpected(std::move(error));
    }
  }
}

async::Task<Result<void>> S3Source::go_on() {
  const std::string range =
      "bytes=" + std::to_string(offset_) + "-" + std::to_string(offset_ + left_ - 1);
  S3Request request;
  request.object = object_;
  request.fields = {{"Range", range}, {"If-Match", tag_}};
  request.keep_body = true;
  auto answer = co_await bucket_->ask(std::move(request));
  if (!answer) co_return pass(answer);
  if (answer->refusal) co_return std::unexpected(bucket_->explain(*answer, "s3.read_on"));
  if (answer->head.field("etag").value_or("") != tag_) {
    co_return fail(Code::precondition, "the data changed in the object store while it was read",
                   "s3.read_on");
  }
  const auto content = answer->head.content_range();
  if (answer->head.status != 206 || !content || content->first != offset_) {
    co_return fail(Code::unavailable, "the object store does not give the part that was asked for",
                   "s3.read_on");
  }
  body_ = std::move(answer->stream);
  co_return Result<void>{};
}

}  // namespace visor::store
