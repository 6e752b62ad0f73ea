#include "progress.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <array>

#include "base/units.h"
#include "output.h"

namespace visor::command {
namespace {

constexpr auto kRedraw = std::chrono::milliseconds(100);
constexpr auto kNextLine = std::chrono::seconds(10);
constexpr std::size_t kWidestBar = 40;

}  // namespace

std::string format_clock(std::chrono::seconds time) {
  const auto seconds = static_cast<long long>(std::max<std::int64_t>(time.count(), 0));
  std::array<char, 48> text{};
  if (seconds >= 3600) {
    std::snprintf(text.data(), text.size(), "%lld:%02lld:%02lld", seconds / 3600, seconds / 60 % 60,
                  seconds % 60);
  } else {
    std::snprintf(text.data(), text.size(), "%lld:%02lld", seconds / 60, seconds % 60);
  }
  return text.data();
}

std::string progress_line(const ProgressState& state, std::size_t width) {
  std::string head = state.action;
  std::string tail = format_size(state.done);
  double share = 0;
  if (state.total) {
    share =
        *state.total == 0
            ? 1.0
            : std::min(1.0, static_cast<double>(state.done) / static_cast<double>(*state.total));
    // Rounded down: 100% is said only when all is there.
    std::string percent = std::to_string(static_cast<int>(share * 100));
    head += " " + std::string(3 - std::min<std::size_t>(3, percent.size()), ' ') + percent + "%";
    tail += " of " + format_size(*state.total);
  }
  if (state.rate >= 1) {
    tail += "  " + format_size(static_cast<std::uint64_t>(state.rate)) + "/s";
    if (state.total && state.done < *state.total && state.remaining) {
      tail += "  ETA " + format_clock(*state.remaining);
    }
  }
  std::string line = head + " ";
  const std::size_t taken = head.size() + tail.size() + 4;
  if (state.total && width >= taken + 8) {
    const std::size_t room = std::min(kWidestBar, width - taken);
    const auto filled = static_cast<std::size_t>(share * static_cast<double>(room));
    std::string bar(filled, '=');
    if (filled < room) bar += '>';
    bar.resize(room, ' ');
    line += "[" + bar + "] ";
  }
  line += tail;
  if (line.size() > width) line.resize(width);
  return line;
}

ShownProgress::ShownProgress(std::FILE* stream, bool terminal)
    : stream_(stream), terminal_(terminal) {}

ShownProgress::~ShownProgress() { clear_line(); }

void ShownProgress::begin(std::string_view action, std::uint64_t done,
                          std::optional<std::uint64_t> total) {
  const auto now = Clock::now();
  state_ = ProgressState{std::string(action), done, total, 0, std::nullopt};
  meter_.emplace(done, now);
  running_ = true;
  shown_ = now;
  if (terminal_) show(now);
}

void ShownProgress::advance(std::uint64_t done) {
  if (!running_) return;
  const auto now = Clock::now();
  state_.done = done;
  meter_->update(done, now);
  if (now - shown_ >= (terminal_ ? Clock::duration(kRedraw) : Clock::duration(kNextLine)))
    show(now);
}

void ShownProgress::notice(std::string_view sentence) {
  clear_line();
  std::fprintf(stream_, "%s\n", printable(sentence).c_str());
  std::fflush(stream_);
}

void ShownProgress::end(bool complete) {
  if (!running_) return;
  running_ = false;
  const auto now = Clock::now();
  clear_line();
  if (!complete) return;
  state_.rate = meter_->mean_rate(now);
  state_.remaining.reset();
  std::fprintf(stream_, "%s\n", progress_line(state_, width()).c_str());
  std::fflush(stream_);
}

void ShownProgress::show(Clock::time_point now) {
  shown_ = now;
  state_.rate = meter_->rate();
  state_.remaining = state_.total ? meter_->remaining(*state_.total) : std::nullopt;
  const std::string line = progress_line(state_, width());
  if (terminal_) {
    // The line is drawn over the one before; what that had more is wiped.
    std::fprintf(stream_, "\r%s\x1b[K", line.c_str());
    drawn_ = true;
  } else {
    std::fprintf(stream_, "%s\n", line.c_str());
  }
  std::fflush(stream_);
}

void ShownProgress::clear_line() {
  if (!drawn_) return;
  std::fputs("\r\x1b[K", stream_);
  std::fflush(stream_);
  drawn_ = false;
}

std::size_t ShownProgress::width() const {
  winsize size{};
  if (terminal_ && ::ioctl(::fileno(stream_), TIOCGWINSZ, &size) == 0 && size.ws_col > 20) {
    // The last column stays free: some terminals break the line when it is written to.
    return static_cast<std::size_t>(size.ws_col) - 1;
  }
  return 79;
}

}  // namespace visor::command
