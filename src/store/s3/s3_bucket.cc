#include "store/s3/s3_bucket.h"

#include <algorithm>
#include <cstring>
#include <random>
#include <utility>

#include "async/executor.h"
#include "base/digest.h"
#include "base/encoding.h"
#include "base/units.h"
#include "sign/sigv2_signer.h"
#include "sign/sigv4_signer.h"

namespace visor::store {
namespace {

using std::chrono::milliseconds;

constexpr std::size_t kLargestAnswer = 4 * kMiB;
constexpr std::size_t kAskFirst = 1 * kMiB;  ///< bodies so large wait for the server's consent
constexpr milliseconds kLongestPause{5'000};
// Tries may be a fifth of the requests, with some in hand for a bad minute.
constexpr int kRetry = 10;
constexpr int kEarned = 2;
constexpr int kFull = 600;

class SpanSource final : public async::ByteSource {
 public:
  explicit SpanSource(std::span<const std::byte> bytes) : size_(bytes.size()), left_(bytes) {}
  std::optional<std::uint64_t> size() const override { return size_; }
  async::Task<Result<std::size_t>> read(std::span<std::byte> into) override {
    const std::size_t count = std::min(into.size(), left_.size());
    if (count > 0) std::memcpy(into.data(), left_.data(), count);
    left_ = left_.subspan(count);
    co_return count;
  }

 private:
  const std::size_t size_;
  std::span<const std::byte> left_;
};

std::string bracketed(const std::string& host) {
  return host.find(':') == std::string::npos ? host : "[" + host + "]";
}

std::string real_host(const S3Options& options) {
  const bool in_host = options.style == S3Options::Style::virtual_host;
  return (in_host ? options.bucket + "." : std::string()) + bracketed(options.host);
}

std::uint16_t port_of(const S3Options& options) {
  if (options.port != 0) return options.port;
  return options.tls ? 443 : 80;
}

std::string payload_of(const S3Request& request) {
  if (!request.payload.empty()) return request.payload;
  Digester digester(DigestAlgorithm::sha256);
  digester.update(request.body);
  return digester.finish_hex();
}

/// Whether another try may help at all.
bool may_pass(const Error& error) {
  return (error.code == Code::unavailable || error.code == Code::timeout) &&
         error.retry != Retry::never;
}

}  // namespace

S3Bucket::S3Bucket(S3Options options, std::unique_ptr<fetch::Fetcher> fetcher)
    : options_(std::move(options)),
      fetcher_(std::move(fetcher)),
      tries_left_(kFull),
      conditional_writes_(options_.conditional_writes),
      list_v2_(options_.list_v2) {}

Result<std::shared_ptr<S3Bucket>> S3Bucket::create(S3Options options) {
  fetch::Guard::Options guard_options;
  guard_options.exceptions = {real_host(options) + ":" + std::to_string(port_of(options))};
  guard_options.resolver = options.resolver;
  auto guard = fetch::Guard::create(std::move(guard_options));
  if (!guard) return pass(guard);
  fetch::Fetcher::Options fetch_options;
  fetch_options.connect_timeout = options.connect_timeout;
  fetch_options.first_byte_timeout = options.answer_timeout;
  fetch_options.rate_period = options.rate_period;
  fetch_options.attempts = 1;  // tried again here, with a new signature
  fetch_options.authorities_file = options.authorities_file;
  fetch_options.verify_certificates = options.verify_certificates;
  auto fetcher = fetch::Fetcher::create(std::move(fetch_options), std::move(*guard));
  if (!fetcher) return pass(fetcher);
  return std::shared_ptr<S3Bucket>(new S3Bucket(std::move(options), std::move(*fetcher)));
}

std::string S3Bucket::host_field() const {
  const bool usual = port_of(options_) == (options_.tls ? 443 : 80);
  return real_host(options_) + (usual ? std::string() : ":" + std::to_string(port_of(options_)));
}

std::string S3Bucket::path_of(const std::string& object) const {
  std::string path = options_.base_path;
  if (options_.style == S3Options::Style::path) path += "/" + options_.bucket;
  return path + "/" + percent_encode(object, "/");
}

Result<fetch::Call> S3Bucket::signed_call(const S3Request& request) const {
  const std::string path = path_of(request.object);
  const std::string host = host_field();
  std::vector<sign::Header> headers{{"host", host}};
  for (const auto& [name, value] : request.fields) headers.push_back({name, value});
  if (!options_.session_token.empty()) {
    headers.push_back({"x-amz-security-token", options_.session_token.reveal()});
  }
  const sign::RequestHead head{request.method, path, request.query, headers, options_.tls};
  const Time now = options_.clock->now();
  Result<sign::SignedHeaders> added;
  if (options_.signature == S3Options::Signature::v2) {
    const bool in_host = options_.style == S3Options::Style::virtual_host;
    added = sign::sign_sigv2(head, {options_.access_key, options_.secret_key}, now,
                             in_host ? options_.bucket : std::string());
  } else {
    const sign::SigV4Signer signer{options_.access_key, options_.secret_key, options_.region, "s3",
                                   sign::PathForm::as_sent};
    // Over TLS nobody exchanges a body on its way, and its Content-MD5 is signed.
    std::string payload(sign::kUnsignedPayload);
    if (signs_payload() || request.body.empty()) payload = payload_of(request);
    added = sign::sign_sigv4(head, signer, now, payload);
  }
  if (!added) return pass(added);

  fetch::Call call;
  call.method = request.method;
  call.url = (options_.tls ? "https://" : "http://") + host + path +
             (request.query.empty() ? std::string() : "?" + request.query);
  for (std::size_t i = 1; i < headers.size(); ++i) {
    call.fields.push_back({std::string(headers[i].name), std::string(headers[i].value)});
  }
  for (auto& [name, value] : *added) call.fields.push_back({name, std::move(value)});
  return call;
}

Result<std::string> S3Bucket::presigned(const std::string& object,
                                        std::chrono::seconds validity) const {
  const std::string path = path_of(object);
  const std::string host = host_field();
  const std::vector<sign::Header> headers{{"host", host}};
  // Clients send the fields of their first request along, and some servers take that one's hash of
  // a body for what was signed here, unless the query says otherwise.
  std::string query = "X-Amz-Content-Sha256=" + std::string(sign::kUnsignedPayload);
  if (!options_.session_token.empty()) {
    query += "&X-Amz-Security-Token=" + percent_encode(options_.session_token.reveal());
  }
  const sign::RequestHead head{"GET", path, query, headers, options_.tls};
  const sign::SigV4Signer signer{options_.access_key, options_.secret_key, options_.region, "s3",
                                 sign::PathForm::as_sent};
  auto whole = sign::presign(head, signer, options_.clock->now(), validity);
  if (!whole) return pass(whole);
  return (options_.tls ? "https://" : "http://") + host + path + "?" + *whole;
}

async::Task<Result<S3Answer>> S3Bucket::ask_once(const S3Request& request) {
  auto call = signed_call(request);
  if (!call) co_return pass(call);
  SpanSource body(request.body);
  if (!request.body.empty()) {
    call->body = &body;
    call->body_size = request.body.size();
    call->expect_continue = request.body.size() >= kAskFirst;
  }
  auto response = co_await fetcher_->call(std::move(*call));
  if (!response) co_return pass(response);
  auto answer = co_await finish(request, std::move(*response));
  co_return std::move(answer);
}

async::Task<Result<S3Answer>> S3Bucket::finish(const S3Request& request,
                                               std::unique_ptr<fetch::Response> response) {
  S3Answer answer;
  answer.head = std::move(response->head);
  const bool done = answer.head.status >= 200 && answer.head.status < 300;
  if (done && request.keep_body) {
    answer.stream = std::move(response->body);
    co_return std::move(answer);
  }
  auto body = co_await async::read_all(*response->body, kLargestAnswer);
  if (!body && done) co_return pass(body);
  answer.body = body ? std::move(*body) : std::string();
  if (!done || is_error_document(answer.body)) {
    answer.refusal = read_refusal(answer.head, answer.body);
  }
  co_return std::move(answer);
}

async::Task<bool> S3Bucket::may_try_again(unsigned attempt) {
  int available = tries_left_.load();
  do {
    if (available < kRetry) co_return false;
  } while (!tries_left_.compare_exchange_weak(available, available - kRetry));
  // "Full jitter": those who failed together don't come back together.
  static thread_local std::mt19937 generator{std::random_device{}()};
  const auto longest = std::min(
      kLongestPause, milliseconds(options_.first_pause.count() << std::min(attempt - 1, 10u)));
  const milliseconds pause(
      std::uniform_int_distribution<std::int64_t>(0, longest.count())(generator));
  async::sleep_for nap(pause);
  co_await nap;
  co_return true;
}

async::Task<Result<S3Answer>> S3Bucket::ask(S3Request request) {
  if (tries_left_.load() < kFull) tries_left_ += kEarned;
  bool repeated = false;
  for (unsigned attempt = 1;; ++attempt) {
    auto answer = co_await ask_once(request);
    if (answer) answer->repeated = repeated;
    const bool passes =
        answer ? answer->refusal && answer->refusal->passes() : may_pass(answer.error());
    bool again = passes && attempt < options_.attempts;
    if (again) again = co_await may_try_again(attempt);
    if (again) {
      repeated = true;
      continue;
    }
    if (!answer) {
      if (passes && attempt > 1) answer.error().retry = Retry::exhausted;
      co_return std::unexpected(std::move(answer.error()).at("s3." + to_lower(request.method)));
    }
    // The answer to HEAD has no body that would say what is wrong: GET of one byte has.
    const int status = answer->refusal ? answer->refusal->status : 0;
    if (request.method == "HEAD" && (status == 400 || status == 403 || status == 301)) {
      S3Request curious{
          .method = "GET", .object = request.object, .fields = {{"Range", "bytes=0-0"}}};
      auto details = co_await ask_once(curious);
      if (details && details->refusal && !details->refusal->code.empty()) {
        answer->refusal = std::move(details->refusal);
      }
    }
    co_return std::move(answer);
  }
}

Error S3Bucket::explain(const S3Answer& answer, const std::string& what) const {
  return store::explain(*answer.refusal, options_.bucket, options_.region, options_.clock->now(),
                        what + " bucket=" + options_.bucket);
}

}  // namespace visor::store
