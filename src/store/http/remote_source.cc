#include "store/http/remote_source.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "base/units.h"

namespace visor::store {

RemoteSource::RemoteSource(std::unique_ptr<async::ByteSource> body,
                           std::optional<std::uint64_t> length, bool at_most)
    : body_(std::move(body)), length_(length), at_most_(at_most) {}

std::optional<std::uint64_t> RemoteSource::size() const {
  return at_most_ ? std::nullopt : length_;
}

async::Task<Result<std::size_t>> RemoteSource::read(std::span<std::byte> into) {
  if (length_) {
    into = into.first(
        static_cast<std::size_t>(std::min<std::uint64_t>(into.size(), *length_ - given_)));
  }
  if (into.empty()) co_return std::size_t{0};
  auto count = co_await body_->read(into);
  if (!count) co_return count;
  given_ += *count;
  if (*count == 0 && length_ && !at_most_) {
    co_return fail(Code::unavailable, "the remote server broke off before the end of the data",
                   "http missing=" + std::to_string(*length_ - given_));
  }
  co_return count;
}

async::Task<Result<std::uint64_t>> RemoteSource::skip(async::ByteSource& body,
                                                      std::uint64_t count) {
  std::vector<std::byte> dropped(static_cast<std::size_t>(std::min(count, 64 * kKiB)));
  std::uint64_t skipped = 0;
  while (skipped < count) {
    const auto wanted = std::span(dropped).first(
        static_cast<std::size_t>(std::min<std::uint64_t>(dropped.size(), count - skipped)));
    auto read = co_await body.read(wanted);
    if (!read) co_return pass(read);
    if (*read == 0) break;
    skipped += *read;
  }
  co_return skipped;
}

}  // namespace visor::store
