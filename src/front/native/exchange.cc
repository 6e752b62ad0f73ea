#include "front/native/exchange.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstring>
#include <span>
#include <utility>

namespace visor::front::native {
namespace {

/// A source that somebody else owns, behind what was taken off it already.
class Borrowed : public async::ByteSource {
 public:
  Borrowed(std::string first_bytes, async::ByteSource& source)
      : first_bytes_(std::move(first_bytes)), source_(source) {}
  // Bytes are only ever taken off sources that don't know their size.
  std::optional<std::uint64_t> size() const override { return source_.size(); }
  async::Task<Result<std::size_t>> read(std::span<std::byte> into) override {
    if (taken_ == first_bytes_.size()) return source_.read(into);
    return read_first(into);
  }

 private:
  async::Task<Result<std::size_t>> read_first(std::span<std::byte> into) {
    const std::size_t count = std::min(into.size(), first_bytes_.size() - taken_);
    std::memcpy(into.data(), first_bytes_.data() + taken_, count);
    taken_ += count;
    co_return count;
  }

  std::string first_bytes_;
  std::size_t taken_ = 0;
  async::ByteSource& source_;
};

}  // namespace

// While the log can't be written it says so itself; a refusal stands either way.
void tell_unauthenticated(const Exchange& exchange, std::string claimed, const Error& error) {
  if (exchange.audit == nullptr || error.code != Code::unauthenticated) return;
  audit::Event event;
  event.verb = "request.authenticate";
  event.outcome = audit::Outcome::refused;
  event.error = error.code;
  event.role = claimed.empty() ? audit::Role::anonymous : audit::Role::claimed;
  event.account = std::move(claimed);
  event.request = exchange.request.id;
  event.from = exchange.request.peer;
  // Without the query, which may be a presigned one.
  event.detail =
      std::string(exchange.request.head.method) + " " + std::string(exchange.request.head.path);
  [[maybe_unused]] const auto told = exchange.audit->append(event);
}

void tell_refused(const Exchange& exchange, std::string verb, std::string subject,
                  const Error& error) {
  if (exchange.audit == nullptr || error.code != Code::forbidden) return;
  audit::Event event = audit::event_of(exchange.who, std::move(verb));
  event.outcome = audit::Outcome::refused;
  event.error = error.code;
  event.subject = std::move(subject);
  event.detail =
      std::string(exchange.request.head.method) + " " + std::string(exchange.request.head.path);
  [[maybe_unused]] const auto told = exchange.audit->append(event);
}

async::Task<Result<void>> look_for_body(Exchange& exchange) {
  std::array<std::byte, 1> first;
  const std::span<std::byte> into(first);
  async::ByteSource& source = exchange.request.body;
  Result<std::size_t> count = co_await source.read(into);
  if (!count) co_return pass(count);
  exchange.has_body = *count > 0;
  exchange.first_bytes.assign(reinterpret_cast<const char*>(first.data()), *count);
  co_return Result<void>{};
}

std::unique_ptr<async::ByteSource> open_body(Exchange& exchange) {
  return std::make_unique<Borrowed>(std::move(exchange.first_bytes), exchange.request.body);
}

std::unique_ptr<async::ByteSource> take_body(Exchange& exchange) {
  std::unique_ptr<async::ByteSource> body;
  if (exchange.read_ahead) {
    body = async::text_source(std::move(*exchange.read_ahead));
    exchange.read_ahead.reset();
  } else {
    body = open_body(exchange);
  }
  return sign::guard(std::move(body), std::move(exchange.payload));
}

}  // namespace visor::front::native
