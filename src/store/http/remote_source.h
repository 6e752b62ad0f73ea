// The part of a response's body that was asked for.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>

#include "async/byte_source.h"

namespace visor::store {

/// Gives `length` bytes of `body` and ends; a body that ends before is an error. Without a length,
/// the whole body.
class RemoteSource : public async::ByteSource {
 public:
  /// `at_most`: the length is a limit only, since the size of the body is unknown; it may end
  /// before.
  RemoteSource(std::unique_ptr<async::ByteSource> body, std::optional<std::uint64_t> length,
               bool at_most);

  std::optional<std::uint64_t> size() const override;
  async::Task<Result<std::size_t>> read(std::span<std::byte> into) override;

  /// Reads `count` bytes and drops them; how many there were.
  static async::Task<Result<std::uint64_t>> skip(async::ByteSource& body, std::uint64_t count);

 private:
  const std::unique_ptr<async::ByteSource> body_;
  const std::optional<std::uint64_t> length_;
  const bool at_most_;
  std::uint64_t given_ = 0;
};

}  // namespace visor::store
