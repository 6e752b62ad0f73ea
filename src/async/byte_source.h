// Streams of bytes: pulled, one slice at a time, so that backpressure needs no protocol.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "async/task.h"
#include "base/error.h"

namespace visor::async {

/// A part of an open file. The descriptor belongs to the source it came from.
struct FileRange {
  int descriptor = -1;
  std::uint64_t offset = 0;
  std::uint64_t length = 0;
};

/// A stream that is read once, from start to end, by one reader at a time. Reading fills the
/// reader's memory, so a slice is copied at most once on its way. Must not be destroyed while a
/// read is pending.
class ByteSource {
 public:
  virtual ~ByteSource() = default;

  /// How many bytes the whole stream has, if that is known before it is read.
  virtual std::optional<std::uint64_t> size() const = 0;

  /// Puts up to `into.size()` bytes (at least one, unless `into` is empty) into `into` and gives
  /// their number; 0 is the end of the stream and nothing but it. After an error or the end, the
  /// stream must not be read again.
  virtual Task<Result<std::size_t>> read(std::span<std::byte> into) = 0;

  /// What is left of the stream as a part of a file, for sendfile; nothing if it is not one. Who
  /// takes it that way does not read as well.
  virtual std::optional<FileRange> as_file() const { return std::nullopt; }
};

/// A source over a text that it owns.
std::unique_ptr<ByteSource> text_source(std::string text);

/// Reads a whole stream that must be small: `too_large` if it has more than `limit` bytes.
Task<Result<std::string>> read_all(ByteSource& source, std::size_t limit);

/// Fills `into` as far as the stream goes: reads until `into` is full or the stream ends.
Task<Result<std::size_t>> read_full(ByteSource& source, std::span<std::byte> into);

}  // namespace visor::async
