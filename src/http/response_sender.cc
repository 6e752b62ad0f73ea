#include "http/response_sender.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <ctime>

#include "base/clock.h"
#include "base/encoding.h"
#include "http/codec.h"

namespace visor::http {
namespace {

// A text of up to this size is copied behind the head: one buffer is cheaper than two.
constexpr std::size_t kJoined = 4096;
constexpr std::size_t kBuffers = 3;

net::ConstBuffer buffer_of(std::string_view text) { return std::as_bytes(std::span(text)); }

bool session_owns(std::string_view name) {
  switch (name.size()) {
    case 4:
      return equal_ignoring_case(name, "date");
    case 10:
      return equal_ignoring_case(name, "connection") || equal_ignoring_case(name, "keep-alive");
    case 14:
      return equal_ignoring_case(name, "content-length");
    case 17:
      return equal_ignoring_case(name, "transfer-encoding");
    default:
      return false;
  }
}

void append_number(std::string& text, std::uint64_t number, int base) {
  std::array<char, 24> digits;
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), number, base).ptr;
  text.append(digits.data(), static_cast<std::size_t>(end - digits.data()));
}

bool never_has_body(int status) { return status == 204 || status == 304 || status < 200; }

std::optional<std::uint64_t> body_size(const Response& response) {
  if (response.source) return response.source->size();
  return response.body_text().size();
}

// The Content-Length of an answer whose body is not sent (RFC 9110, 8.6): what GET would have, and
// nothing rather than a guess.
std::optional<std::uint64_t> length_without_body(const Response& response) {
  if (response.status == 204 || response.status < 200) return std::nullopt;
  if (response.unsent_length) return response.unsent_length;
  if (response.status == 304 && !response.source && response.body_text().empty()) {
    return std::nullopt;
  }
  return body_size(response);
}

void drop_front(std::array<net::ConstBuffer, kBuffers>& buffers, std::uint64_t count) {
  for (net::ConstBuffer& buffer : buffers) {
    const auto step = static_cast<std::size_t>(std::min<std::uint64_t>(count, buffer.size()));
    buffer = buffer.subspan(step);
    count -= step;
  }
}

std::uint64_t enough(const MinimumRate& rate) {
  return rate.bytes_per_second * static_cast<std::uint64_t>(rate.window.count()) / 1000;
}

// Writes everything to a client that takes at least the minimum in each window.
async::Task<Result<void>> write_all(net::Transport& transport,
                                    std::array<net::ConstBuffer, kBuffers> buffers,
                                    bool more_follows, const MinimumRate& rate) {
  while (true) {
    const std::uint64_t before = transport.bytes_sent();
    transport.set_deadline(std::chrono::steady_clock::now() + rate.window);
    Result<void> written = co_await transport.write(buffers, more_follows);
    const std::uint64_t sent = transport.bytes_sent() - before;
    if (written || written.error().code != Code::timeout || sent < enough(rate)) co_return written;
    drop_front(buffers, sent);
  }
}

async::Task<Result<void>> send_file(net::Transport& transport, async::FileRange range,
                                    const MinimumRate& rate) {
  while (range.length > 0) {
    const std::uint64_t before = transport.bytes_sent();
    transport.set_deadline(std::chrono::steady_clock::now() + rate.window);
    Result<std::uint64_t> result = co_await transport.send_file(range);
    const std::uint64_t sent = transport.bytes_sent() - before;
    range.offset += sent;
    range.length -= sent;
    if (result && range.length > 0) {
      co_return fail(Code::corrupt, "the file is shorter than it was", "http.send_file");
    }
    if (!result && (result.error().code != Code::timeout || sent < enough(rate))) {
      co_return pass(result);
    }
  }
  co_return Result<void>{};
}

std::unexpected<Error> wrong_size() {
  return fail(Code::corrupt, "the source of the answer does not have the size it said",
              "http.send_source");
}

// A source's slices, and how they are framed.
class SourceSender {
 public:
  SourceSender(net::Transport& transport, async::ByteSource& source, const Limits& limits,
               bool chunked)
      : transport_(transport), source_(source), limits_(limits), chunked_(chunked) {}

  async::Task<Result<void>> send(std::string head, async::Buffer slice);

  bool source_failed() const { return source_failed_; }

 private:
  async::Task<Result<std::size_t>> next(std::span<std::byte> into);
  async::Task<Result<void>> confirm_end();

  net::Transport& transport_;
  async::ByteSource& source_;
  const Limits& limits_;
  bool chunked_;
  std::optional<std::uint64_t> left_ = source_.size();
  bool source_failed_ = false;
};

// The next slice. Of a stream with a size the last one is only given when the source has confirmed
// that it ends there: a source that checks its bytes finds out at its end, and then the answer must
// not look complete.
async::Task<Result<std::size_t>> SourceSender::next(std::span<std::byte> into) {
  if (left_) {
    if (*left_ == 0) co_return std::size_t{0};
    into = into.first(static_cast<std::size_t>(std::min<std::uint64_t>(into.size(), *left_)));
  }
  Result<std::size_t> count = co_await source_.read(into);
  source_failed_ = !count.has_value();
  if (!count || !left_) co_return count;
  if (*count == 0 || *count > *left_) co_return wrong_size();
  *left_ -= *count;
  if (*left_ == 0) {
    Result<void> confirmed = co_await confirm_end();
    if (!confirmed) co_return pass(confirmed);
  }
  co_return count;
}

async::Task<Result<void>> SourceSender::confirm_end() {
  std::array<std::byte, 1> beyond;
  const std::span<std::byte> into(beyond);
  Result<std::size_t> count = co_await source_.read(into);
  source_failed_ = !count.has_value();
  if (!count) co_return pass(count);
  if (*count != 0) co_return wrong_size();
  co_return Result<void>{};
}

async::Task<Result<void>> SourceSender::send(std::string head, async::Buffer slice) {
  bool ended = false;
  while (!ended) {
    Result<std::size_t> count = co_await next(slice.bytes());
    if (!count) co_return pass(count);
    ended = *count == 0;
    if (chunked_) {
      // `head` also carries the framing between two slices.
      if (!ended) {
        append_number(head, *count, 16);
        head += "\r\n";
      } else {
        head += "0\r\n\r\n";
      }
    }
    std::array<net::ConstBuffer, kBuffers> buffers{
        buffer_of(head), slice.bytes().first(*count), {}};
    ended = ended || left_ == 0u;
    const bool more_follows = false;
    Result<void> written = co_await write_all(transport_, buffers, more_follows, limits_.send);
    if (!written) co_return pass(written);
    head.assign(chunked_ ? "\r\n" : "");
  }
  co_return Result<void>{};
}

}  // namespace

std::string_view date_now() {
  thread_local std::time_t second = 0;
  thread_local std::string text;
  timespec now{};
  ::clock_gettime(CLOCK_REALTIME_COARSE, &now);
  if (now.tv_sec != second) {
    second = now.tv_sec;
    text = format_http_time(Time(std::chrono::seconds(second)));
  }
  return text;
}

std::string response_head(const Response& response, const Occasion& occasion,
                          std::optional<std::uint64_t> length, bool chunked) {
  std::string head;
  std::size_t size = 256;
  for (const auto& [name, value] : response.fields) size += name.size() + value.size() + 4;
  if (response.prepared) size += response.prepared->fields.size();
  const std::size_t joined = response.source ? 0 : response.body_text().size();
  head.reserve(size + (joined <= kJoined ? joined : 0));

  head += "HTTP/1.1 ";
  append_number(head, static_cast<std::uint64_t>(response.status), 10);
  head += ' ';
  head += reason_phrase(response.status);
  head += "\r\nDate: ";
  head += date_now();
  head += "\r\n";
  if (response.prepared) head += response.prepared->fields;
  for (const auto& [name, value] : response.fields) {
    if (!session_owns(name)) append_field(head, name, value);
  }
  if (length) {
    head += "Content-Length: ";
    append_number(head, *length, 10);
    head += "\r\n";
  }
  if (chunked) head += "Transfer-Encoding: chunked\r\n";
  if (occasion.close) {
    head += "Connection: close\r\n";
  } else if (occasion.minor_version == 0) {
    head += "Connection: keep-alive\r\n";
  }
  head += "x-request-id: ";
  head += occasion.request_id;
  head += "\r\n\r\n";
  return head;
}

async::Task<Result<void>> send_response(net::Transport& transport, Response& response,
                                        Occasion& occasion, const Limits& limits,
                                        async::BufferPool& slices) {
  const bool no_body = occasion.head_only || never_has_body(response.status);
  const auto length = no_body ? length_without_body(response) : body_size(response);
  const bool unknown = response.source && !length && !never_has_body(response.status);
  const bool chunked = unknown && occasion.minor_version > 0;
  if (unknown && !chunked) occasion.close = true;
  std::string head = response_head(response, occasion, length, chunked);

  std::array<net::ConstBuffer, kBuffers> buffers{};
  if (no_body || !response.source) {
    std::string_view text = no_body ? std::string_view() : response.body_text();
    if (text.size() <= kJoined) head += std::exchange(text, {});
    buffers = {buffer_of(head), buffer_of(text), {}};
    Result<void> written = co_await write_all(transport, buffers, false, limits.send);
    co_return written;
  }
  if (const auto file = response.source->as_file()) {
    buffers[0] = buffer_of(head);
    const bool more_follows = file->length > 0;
    Result<void> written = co_await write_all(transport, buffers, more_follows, limits.send);
    if (!written) co_return pass(written);
    const async::FileRange range = *file;
    Result<void> sent = co_await send_file(transport, range, limits.send);
    co_return sent;
  }
  SourceSender sender(transport, *response.source, limits, chunked);
  async::Buffer slice = slices.lease();
  Result<void> sent = co_await sender.send(std::move(head), std::move(slice));
  occasion.source_failed = sender.source_failed();
  co_return sent;
}

}  // namespace visor::http
