// Private to this folder: lines on their way from many threads to one file.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <string>
#include <string_view>

#include "base/error.h"
#include "base/metrics.h"

namespace visor::log {

/// A file that lines are put behind; standard error as long as none was opened.
class LogFile {
 public:
  LogFile() = default;
  LogFile(LogFile&& other) noexcept;
  LogFile& operator=(LogFile&& other) noexcept;
  LogFile(const LogFile&) = delete;
  LogFile& operator=(const LogFile&) = delete;
  ~LogFile();

  /// Opens a file for appending, and makes it if it is missing; an empty path is standard error.
  static Result<LogFile> open(const std::string& path);

  /// Writes whole lines, waiting for a slow reader if need be. Gives what could not be written.
  std::string_view write(std::string_view text);

 private:
  std::string_view write_bytes(std::string_view text) const;

  int descriptor_ = -1;  ///< -1: standard error
  bool cut_ = false;     ///< only a part of the last line could be written
};

/// How soon a line must be in its file.
enum class Haste { at_once, with_others };

/// Lines wait here until somebody writes them: the caller itself, or one writing thread. Whoever
/// puts a line in never waits for the file, only for another line to be copied. Lines leave in the
/// order they came in.
///
/// Bounded: when the file takes no more, first the lines that are not in haste are dropped, then
/// the others; what was dropped or could not be written is counted, and told in a line of its own
/// once there is room.
class LogQueue {
 public:
  /// Lines without haste are dropped beyond this many waiting bytes, others beyond twice as many.
  static constexpr std::size_t kMostWaiting = std::size_t{1} << 20;

  /// `tell_lost` puts a line about a number of dropped ones behind a text.
  explicit LogQueue(void (*tell_lost)(std::string& out, std::uint64_t count));
  LogQueue(const LogQueue&) = delete;
  LogQueue& operator=(const LogQueue&) = delete;

  /// `line` ends in its line break. False if it is the caller who has to `drain`.
  bool put(std::string_view line, Haste haste);

  /// Writes what waits. Blocks as long as the file does.
  void drain();

  /// Writes what waits to the old file; what comes after it goes to `file`.
  void go_on_in(LogFile file);

  /// From now on the writing is left to who calls `serve`, which must come.
  void expect_service();
  /// Takes over the writing on the calling thread, until `stop`. What waits then is written before
  /// it returns.
  void serve();
  void stop();

  /// Lines that never got into a file.
  std::uint64_t lost() const { return lost_lines_.value(); }

 private:
  void (*const tell_lost_)(std::string& out, std::uint64_t count);
  metrics::Counter& lost_lines_;
  std::mutex writing_;  ///< held while the file is written; taken before `mutex_`
  LogFile file_;
  std::string batch_;  ///< what is written at the moment; with `writing_` held

  std::mutex mutex_;
  std::condition_variable more_;
  std::string waiting_;
  bool in_haste_ = false;  ///< a waiting line is
  bool idle_ = false;      ///< the serving thread waits for a first line
  bool served_ = false;
  bool stopping_ = false;
  std::uint64_t untold_ = 0;  ///< dropped since that was last told
};

}  // namespace visor::log
