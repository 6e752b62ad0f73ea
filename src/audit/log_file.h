// Private to this folder: one file of the log, with room made ahead.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "base/error.h"

namespace visor::audit {

/// The system calls on which the log's durability rests; a test replaces one to see what a failing
/// disk does. Each returns -1 and sets errno as its namesake does.
struct Calls {
  Calls();
  std::function<ssize_t(int file, const void* bytes, std::size_t count, off_t offset)> pwrite;
  std::function<int(int file)> fdatasync;
};

/// A file of lines behind which line feeds stand that lines will be written over: what is written
/// needs no new space and no new length, so it can't fail for want of room, and making it durable
/// takes the disk one write. An empty line is no line.
class LogFile {
 public:
  /// Makes a new, empty file, or empties the one that is there.
  static Result<LogFile> create(const std::string& path, Calls calls);
  /// Goes on behind `end` bytes of lines; all that is behind them must be line feeds.
  static Result<LogFile> resume(const std::string& path, std::uint64_t end, Calls calls);

  LogFile(LogFile&& other) noexcept;
  LogFile& operator=(LogFile&&) = delete;
  ~LogFile();

  /// Writes a line and its line feed into the room; it then outlives the process. `no_space` if
  /// there is not enough room. After an error the next line takes the place of this one.
  Result<void> write(std::string_view line);
  /// Makes the room longer by `bytes`, durably. May run beside `write`; `take_room` then adds it.
  Result<void> make_room(std::uint64_t bytes);
  void take_room(std::uint64_t bytes) { size_ += bytes; }
  /// Makes all lines durable. May run beside `write`.
  Result<void> sync();
  /// Takes the room away: nothing is written any more.
  Result<void> finish();

  std::uint64_t end() const { return end_; }
  std::uint64_t room() const { return size_ - end_; }

 private:
  LogFile(int descriptor, std::uint64_t end, std::uint64_t size, Calls calls);
  Result<void> write_at(std::string_view bytes, std::uint64_t offset);

  int descriptor_;
  std::uint64_t end_;
  std::uint64_t size_;
  Calls calls_;
};

/// Makes the names in a folder durable.
Result<void> sync_folder(const std::string& folder);

}  // namespace visor::audit
