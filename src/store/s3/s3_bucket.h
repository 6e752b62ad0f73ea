// Requests about one bucket: signed, sent, repeated where that may help. Private to this folder.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "async/byte_source.h"
#include "async/task.h"
#include "base/error.h"
#include "fetch/fetch.h"
#include "store/s3/s3_answers.h"
#include "store/s3/s3_options.h"

namespace visor::store {

struct S3Request {
  std::string method = "GET";
  std::string object = {};  ///< its whole name; empty: the bucket itself
  std::string query = {};   ///< percent-encoded, without '?'
  std::vector<fetch::Field> fields = {};
  std::span<const std::byte> body = {};  ///< outlives the request
  std::string payload = {};  ///< the body's SHA-256 in hex, where it is known; see signs_payload
  bool keep_body = false;    ///< gives the answer's body as a stream, unread
};

struct S3Answer {
  fetch::ResponseHead head;
  std::string body = {};
  std::unique_ptr<async::ByteSource> stream = {};
  std::optional<S3Refusal> refusal = {};  ///< unless the request was done
  bool repeated = false;                  ///< an earlier try may have been done, too

  bool refused_with(int status) const { return refusal && refusal->status == status; }
};

/// Thread-safe; called on an executor's thread.
class S3Bucket {
 public:
  /// `options` passed `check_options`.
  static Result<std::shared_ptr<S3Bucket>> create(S3Options options);

  const S3Options& options() const { return options_; }

  /// Whether signatures bind the SHA-256 of a body.
  bool signs_payload() const {
    return options_.signature == S3Options::Signature::v4 && !options_.tls;
  }

  /// Sends a request until it is done, refused for good, or the tries or the budget for them are
  /// used up. An error is what kept it from being answered; a refusal is an answer.
  async::Task<Result<S3Answer>> ask(S3Request request);

  /// A URL that reads an object for `validity` without a key of the reader's own.
  Result<std::string> presigned(const std::string& object, std::chrono::seconds validity) const;

  /// What a refusal means to people.
  Error explain(const S3Answer& answer, const std::string& what) const;

  /// Waits before another try; false if the budget for tries is used up. `attempt` counts from 1.
  async::Task<bool> may_try_again(unsigned attempt);

  /// Ends what is under way with `cancelled`.
  void stop() { fetcher_->stop(); }

  bool conditional_writes() const { return conditional_writes_; }
  void forget_conditional_writes() { conditional_writes_ = false; }
  bool list_v2() const { return list_v2_; }
  void forget_list_v2() { list_v2_ = false; }

 private:
  S3Bucket(S3Options options, std::unique_ptr<fetch::Fetcher> fetcher);
  Result<fetch::Call> signed_call(const S3Request& request) const;
  async::Task<Result<S3Answer>> ask_once(const S3Request& request);
  async::Task<Result<S3Answer>> finish(const S3Request& request,
                                       std::unique_ptr<fetch::Response> response);
  std::string host_field() const;
  std::string path_of(const std::string& object) const;

  const S3Options options_;
  const std::unique_ptr<fetch::Fetcher> fetcher_;
  std::atomic<int> tries_left_;  ///< in tenths of a request
  std::atomic<bool> conditional_writes_;
  std::atomic<bool> list_v2_;
};

}  // namespace visor::store
