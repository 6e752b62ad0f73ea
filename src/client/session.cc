#include "client/session.h"

#include <algorithm>
#include <chrono>
#include <vector>

#include "async/byte_source.h"
#include "async/executor.h"
#include "base/clock.h"
#include "base/encoding.h"
#include "base/units.h"
#include "client/body_source.h"
#include "document/json.h"
#include "sign/sigv4_signer.h"

namespace visor::client {
namespace {

// Larger than the default, so that the signatures weigh nothing; the server's memory does not
// depend on it.
constexpr std::size_t kChunkSize = 256 * 1024;

/// Lets the chunk signer, which is written for the server's coroutines, pull from a blocking
/// source.
class PulledSource final : public async::ByteSource {
 public:
  PulledSource(BodySource& source, std::optional<Failure>& failure)
      : source_(source), failure_(failure) {}
  std::optional<std::uint64_t> size() const override { return source_.size(); }
  async::Task<Result<std::size_t>> read(std::span<std::byte> into) override {
    auto got = source_.read(into);
    if (!got) {
      failure_ = got.error();
      co_return std::unexpected<Error>(got.error().error);
    }
    co_return *got;
  }

 private:
  BodySource& source_;
  std::optional<Failure>& failure_;
};

class SignedBody final : public BodySource {
 public:
  SignedBody(BodySource& source, sign::ChunkSigning signing)
      : length_(sign::signed_chunks_length(signing.decoded_length, kChunkSize)),
        chunks_(sign::sign_chunks(std::make_unique<PulledSource>(source, failure_),
                                  std::move(signing), kChunkSize)) {}
  std::optional<std::uint64_t> size() const override { return length_; }
  Outcome<std::size_t> read(std::span<std::byte> into) override {
    auto got = async::run_until_done(chunks_->read(into));
    if (failure_) return std::unexpected<Failure>(*failure_);
    if (!got) return local_failure(got.error().code, got.error().message);
    return *got;
  }

 private:
  std::optional<Failure> failure_;
  std::uint64_t length_;
  std::unique_ptr<async::ByteSource> chunks_;
};

std::string first_header(const Headers& headers, std::initializer_list<std::string_view> names) {
  for (const auto name : names) {
    if (headers.has(name)) return std::string(headers.find(name));
  }
  return {};
}

/// The server tells what it stored; whether that is what was sent is the last link of the chain.
Outcome<void> compare_stored(const Answer& answer, const std::string& sha256, std::uint64_t size) {
  const auto document = document::parse_json(answer.body);
  if (!document) return {};
  const auto* image = document->find("image");
  if (image == nullptr) return {};
  const std::string* stored = image->text("sha256");
  const auto stored_size = image->integer("size");
  const bool same_digest = stored == nullptr || equal_ignoring_case(*stored, sha256);
  const bool same_size = !stored_size || static_cast<std::uint64_t>(*stored_size) == size;
  if (same_digest && same_size) return {};
  const std::string* id = image->text("_id");
  return local_failure(Code::corrupt,
                       "the server stored other data than what was sent (" + std::to_string(size) +
                           " bytes with the SHA-256 " + sha256 + " were sent). Delete the image" +
                           (id != nullptr ? " " + *id : "") + " and upload it again");
}

/// RFC 9110, section 10.2.3: seconds, or the time from which on.
std::chrono::seconds wanted_pause(const Headers& headers) {
  constexpr std::uint64_t kLongest = std::uint64_t{24} * 3600;
  const std::string_view text = headers.find("retry-after");
  if (const auto seconds = parse_unsigned(text)) {
    return std::chrono::seconds(std::min(*seconds, kLongest));
  }
  const auto time = parse_http_time(text);
  if (!time) return {};
  const auto left = std::chrono::ceil<std::chrono::seconds>(*time - Clock::system().now());
  return std::clamp(left, std::chrono::seconds(0), std::chrono::seconds(kLongest));
}

}  // namespace

Session::Session(Connection connection, std::optional<Credentials> credentials, const Clock& clock)
    : transport_(std::move(connection)), credentials_(std::move(credentials)), clock_(clock) {}

Outcome<void> Session::sign(Request& request, std::string_view payload) {
  if (!credentials_) return {};
  const std::string host = address().host_header();
  const std::string path = address().base_path + request.path;
  std::vector<sign::Header> headers{{"host", host}};
  for (const auto& [name, value] : request.headers) headers.push_back({name, value});
  const sign::RequestHead head{request.method, path, request.query, headers, address().secure};
  sign::SigV4Signer signer;
  signer.access_key = credentials_->access_key;
  signer.secret = credentials_->secret;
  auto lines = sign::sign_sigv4(head, signer, clock_.now(), payload);
  if (!lines) return local_failure(lines.error().code, lines.error().message);
  for (auto& [name, value] : *lines) request.headers.push_back({name, std::move(value)});
  return {};
}

Outcome<Answer> Session::exchange(Request& request, BodySink* sink) {
  return transport_.exchange(request, sink);
}

Outcome<Answer> Session::send(Request request, BodySink* sink, std::string document) {
  std::string payload(sign::kEmptySha256);
  std::unique_ptr<BodySource> body;
  if (!document.empty()) {
    payload = digest_hex(DigestAlgorithm::sha256, document);
    request.headers.push_back({"Content-Type", "application/json"});
    body = text_body(std::move(document));
    request.body = body.get();
  }
  if (auto done = sign(request, payload); !done) return pass_on(done);
  return exchange(request, sink);
}

Outcome<Answer> Session::upload(Request request, BodySource& body, Progress& progress) {
  if (body.size() || !credentials_ || address().secure) {
    return upload_sized(std::move(request), body, progress);
  }
  auto spooled = spool_body(body, progress);
  if (!spooled) return pass_on(spooled);
  return upload_sized(std::move(request), **spooled, progress);
}

Outcome<Answer> Session::upload_sized(Request request, BodySource& body, Progress& progress) {
  MeteredBody metered(body, progress);
  request.body = &metered;
  request.headers.push_back({"Content-Type", "application/octet-stream"});
  std::unique_ptr<SignedBody> chunks;
  if (credentials_ && body.size()) {
    request.headers.push_back({"x-amz-decoded-content-length", std::to_string(*body.size())});
    const std::size_t before = request.headers.size();
    if (auto done = sign(request, sign::kStreamingPayload); !done) return pass_on(done);
    sign::SigV4Signer signer;
    signer.access_key = credentials_->access_key;
    signer.secret = credentials_->secret;
    sign::SignedHeaders lines;
    for (std::size_t at = before; at < request.headers.size(); ++at) {
      lines.emplace_back(request.headers[at].name, request.headers[at].value);
    }
    auto signing = sign::chunk_signing(signer, lines, *body.size());
    if (!signing) return local_failure(signing.error().code, signing.error().message);
    chunks = std::make_unique<SignedBody>(metered, std::move(*signing));
    request.body = chunks.get();
  } else if (auto done = sign(request, sign::kUnsignedPayload); !done) {
    return pass_on(done);
  }
  request.headers.push_back({"Expect", "100-continue"});
  auto answer = exchange(request, nullptr);
  const bool accepted = answer && answer->head.status < 300;
  if (metered.count() > 0 || metered.complete()) progress.end(accepted && metered.complete());
  if (accepted && metered.complete()) {
    auto same = compare_stored(*answer, metered.sha256(), metered.count());
    if (!same) return pass_on(same);
  }
  return answer;
}

Failure failure_of(const Answer& answer) {
  const int status = answer.head.status;
  const auto& headers = answer.head.headers;
  Failure failure;
  failure.status = status;
  failure.request_id = first_header(headers, {"x-request-id", "x-visor-request-id"});
  failure.error.code = code_of_status(status);
  if (status == 429 || status == 502 || status == 503 || status == 504) {
    failure.error.retry = Retry::later;
    failure.retry_after = wanted_pause(headers);
  }
  std::string message = first_header(headers, {"x-error-message"});
  if (is_encoded(headers, "x-error-message")) {
    if (auto decoded = percent_decode(message)) message = std::move(*decoded);
  }
  if (message.empty()) {
    if (const auto document = document::parse_json(answer.body)) {
      if (const std::string* text = document->text("message")) message = *text;
    }
  }
  if (message.empty() && status >= 300 && status < 400) {
    message = "the server sends to another address: " + std::string(headers.find("location")) +
              ". Use that with --address";
  }
  if (message.empty()) {
    message = "the server answered with status " + std::to_string(status) + " and no reason";
  }
  failure.error.message = std::move(message);
  return failure;
}

Outcome<Answer> accept(Outcome<Answer> answer) {
  if (!answer || answer->head.status < 300) return answer;
  return std::unexpected<Failure>(failure_of(*answer));
}

}  // namespace visor::client
