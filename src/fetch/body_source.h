// The body of an answer as a stream. Private to this folder.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>

#include "async/byte_source.h"
#include "fetch/exchange.h"
#include "fetch/loop.h"

namespace visor::fetch {

/// A body on its way. Dropping it before its end ends the transfer.
class BodySource : public async::ByteSource {
 public:
  BodySource(std::shared_ptr<Loop> loop, std::shared_ptr<Exchange> exchange,
             std::optional<std::uint64_t> size)
      : loop_(std::move(loop)), exchange_(std::move(exchange)), size_(size) {}
  ~BodySource() override { loop_->cancel(exchange_); }

  std::optional<std::uint64_t> size() const override { return size_; }

  async::Task<Result<std::size_t>> read(std::span<std::byte> into) override {
    auto count = co_await exchange_->read(into);
    if (!count) co_return count;
    received_ += *count;
    if (*count == 0 && !into.empty() && size_ && received_ != *size_) {
      co_return fail(Code::unavailable, "the remote server broke off before the end of the data",
                     "fetch.body received=" + std::to_string(received_));
    }
    if (exchange_->take_room_again()) loop_->resume(exchange_);
    co_return count;
  }

 private:
  const std::shared_ptr<Loop> loop_;
  const std::shared_ptr<Exchange> exchange_;
  const std::optional<std::uint64_t> size_;
  std::uint64_t received_ = 0;
};

}  // namespace visor::fetch
