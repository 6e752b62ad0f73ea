// A transfer's progress on a terminal, or as a line now and then.
#pragma once

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <optional>
#include <string>

#include "client/progress.h"

namespace visor::command {

/// What a line of progress tells.
struct ProgressState {
  std::string action;
  std::uint64_t done = 0;
  std::optional<std::uint64_t> total;
  double rate = 0;  ///< bytes a second
  std::optional<std::chrono::seconds> remaining;
};

/// "0:07", "12:34", "1:02:03".
std::string format_clock(std::chrono::seconds time);

/// "downloading  45% [====>     ] 7.2 MiB of 16 MiB  3.1 MiB/s  ETA 0:03" in at most `width`
/// columns; the bar gets what is left and goes first when there is no room.
std::string progress_line(const ProgressState& state, std::size_t width);

/// Shows progress on a stream: a bar that is redrawn ten times a second on a terminal, else a line
/// every ten seconds and at the end. For one thread.
class ShownProgress final : public client::Progress {
 public:
  ShownProgress(std::FILE* stream, bool terminal);
  ~ShownProgress() override;
  ShownProgress(const ShownProgress&) = delete;
  ShownProgress& operator=(const ShownProgress&) = delete;

  void begin(std::string_view action, std::uint64_t done,
             std::optional<std::uint64_t> total) override;
  void advance(std::uint64_t done) override;
  void notice(std::string_view sentence) override;
  void end(bool complete) override;

 private:
  using Clock = client::RateMeter::Clock;
  void show(Clock::time_point now);
  void clear_line();
  std::size_t width() const;

  std::FILE* stream_;
  bool terminal_;
  bool drawn_ = false;
  bool running_ = false;
  ProgressState state_;
  std::optional<client::RateMeter> meter_;
  Clock::time_point shown_;
};

}  // namespace visor::command
