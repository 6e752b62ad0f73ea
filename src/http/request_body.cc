#include "http/request_body.h"

#include <algorithm>
#include <array>
#include <cstring>

namespace visor::http {
namespace {

// What is left of a chunk goes straight to the reader from this size on; less comes together with
// the framing behind it.
constexpr std::size_t kDirect = 8 * 1024;
constexpr std::size_t kFill = 16 * 1024;
constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";

}  // namespace

RequestBody::RequestBody(net::Transport& transport, Input& input, const RequestHead& head,
                         const Limits& limits)
    : transport_(transport),
      input_(input),
      head_(head),
      limits_(limits),
      left_(head.content_length.value_or(0)),
      finished_(!head.has_body()) {}

std::optional<std::uint64_t> RequestBody::size() const {
  if (head_.chunked) return std::nullopt;
  return head_.content_length.value_or(0);
}

async::Task<Result<std::size_t>> RequestBody::read(std::span<std::byte> into) {
  if (failed_) co_return fail(Code::cancelled, "the request's body broke off", "http.body");
  if (finished_ || into.empty()) co_return std::size_t{0};
  if (must_invite()) {
    Result<void> invited = co_await invite();
    if (!invited) co_return pass(invited);
  }
  Result<std::size_t> count = std::size_t{0};
  if (head_.chunked) {
    count = co_await read_chunked(into);
  } else {
    count = co_await read_fixed(into);
  }
  failed_ = !count;
  if (count) bytes_read_ += *count;
  co_return count;
}

async::Task<Result<std::size_t>> RequestBody::read_fixed(std::span<std::byte> into) {
  std::size_t count = take_buffered(into, left_);
  if (count == 0) {
    const auto direct = into.first(std::min<std::uint64_t>(into.size(), left_));
    Result<std::size_t> received = co_await receive(direct);
    if (!received) co_return pass(received);
    count = *received;
  }
  left_ -= count;
  finished_ = left_ == 0;
  co_return count;
}

async::Task<Result<std::size_t>> RequestBody::read_chunked(std::span<std::byte> into) {
  while (true) {
    if (decoder_.data_left() > 0) {
      if (const std::size_t count = take_buffered(into, decoder_.data_left()); count > 0) {
        decoder_.take(count);
        co_return count;
      }
      const std::uint64_t wanted = std::min<std::uint64_t>(into.size(), decoder_.data_left());
      if (wanted >= kDirect) {
        const auto direct = into.first(wanted);
        Result<std::size_t> received = co_await receive(direct);
        if (received) decoder_.take(*received);
        co_return received;
      }
    } else {
      const auto used = decoder_.read_framing(input_.bytes());
      if (!used) co_return malformed();
      input_.consume(*used);
      if (decoder_.finished()) {
        finished_ = true;
        co_return std::size_t{0};
      }
      if (decoder_.data_left() > 0) continue;
    }
    const auto room = input_.room(kFill);
    Result<std::size_t> received = co_await receive(room);
    if (!received) co_return pass(received);
    input_.added(*received);
  }
}

async::Task<Result<std::size_t>> RequestBody::receive(std::span<std::byte> into) {
  const MinimumRate& rate = limits_.receive;
  const std::uint64_t enough =
      rate.bytes_per_second * static_cast<std::uint64_t>(rate.window.count()) / 1000;
  while (true) {
    const auto began = std::chrono::steady_clock::now();
    transport_.set_deadline(began + rate.window - waited_);
    receiving_ = true;
    Result<std::size_t> count = co_await transport_.read(into);
    receiving_ = false;
    transport_.clear_deadline();
    waited_ += std::chrono::steady_clock::now() - began;
    if (!count && count.error().code != Code::timeout) co_return pass(count);
    if (count && *count == 0) {
      co_return fail(Code::invalid,
                     "the request's body ended early: " + std::to_string(bytes_read_) +
                         " bytes arrived" +
                         (head_.content_length ? " of " + std::to_string(*head_.content_length)
                                               : std::string(", and no end of the last chunk")),
                     "http.body");
    }
    if (count) window_bytes_ += *count;
    if (waited_ >= rate.window || !count) {
      if (window_bytes_ < enough) {
        co_return fail(Code::too_slow, "the request's body arrives too slowly", "http.body");
      }
      waited_ = {};
      window_bytes_ = 0;
    }
    if (count) co_return count;
  }
}

async::Task<Result<void>> RequestBody::invite() {
  invited_ = true;
  // A client that began without waiting has no use for the invitation.
  if (!input_.empty()) co_return Result<void>{};
  const std::array<net::ConstBuffer, 1> buffers{std::as_bytes(std::span(kContinue))};
  transport_.set_deadline(std::chrono::steady_clock::now() + limits_.send.window);
  Result<void> written = co_await transport_.write(buffers, false);
  transport_.clear_deadline();
  failed_ = !written;
  co_return written;
}

std::size_t RequestBody::take_buffered(std::span<std::byte> into, std::uint64_t at_most) {
  const std::string_view bytes = input_.bytes();
  const auto count =
      static_cast<std::size_t>(std::min<std::uint64_t>({bytes.size(), into.size(), at_most}));
  if (count == 0) return 0;
  std::memcpy(into.data(), bytes.data(), count);
  input_.consume(count);
  return count;
}

std::unexpected<Error> RequestBody::malformed() {
  return fail(Code::invalid, "the chunks of the request's body are malformed", "http.body");
}

bool RequestBody::worth_draining() {
  // Without the invitation nobody knows whether the body will come.
  if (failed_ || must_invite()) return false;
  if (!head_.chunked) return left_ <= limits_.drain_bytes;
  while (!decoder_.finished()) {
    if (decoder_.data_left() > 0) {
      const auto count = std::min<std::uint64_t>(decoder_.data_left(), input_.bytes().size());
      if (count == 0) return false;
      decoder_.take(count);
      input_.consume(count);
    }
    const auto used = decoder_.read_framing(input_.bytes());
    if (!used || (*used == 0 && !decoder_.finished())) return false;
    input_.consume(*used);
  }
  finished_ = true;
  return true;
}

async::Task<bool> RequestBody::drain() {
  std::array<std::byte, 4096> dropped;
  const std::span<std::byte> into(dropped);
  const std::uint64_t before = bytes_read_;
  while (!finished_) {
    Result<std::size_t> count = co_await read(into);
    if (!count || bytes_read_ - before > limits_.drain_bytes) co_return false;
  }
  co_return true;
}

}  // namespace visor::http
