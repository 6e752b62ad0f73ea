// How far a transfer is, and how long it will take.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string_view>

namespace visor::client {

/// Who is told how a transfer gets on. Called from the thread that transfers, often: an
/// implementation decides how seldom it shows something.
class Progress {
 public:
  virtual ~Progress() = default;
  /// A transfer begins (or begins anew, after data that could not be used). `action` is
  /// "downloading" and the like; `done` bytes are there already; `total` is empty if nobody knows
  /// it.
  virtual void begin(std::string_view action, std::uint64_t done,
                     std::optional<std::uint64_t> total) = 0;
  /// `done` bytes are there now, those from before the transfer included.
  virtual void advance(std::uint64_t done) = 0;
  /// Something to tell meanwhile: a broken connection, the next attempt.
  virtual void notice(std::string_view sentence) = 0;
  /// The transfer is over, well or not. Not called if `begin` was not.
  virtual void end(bool complete) = 0;
};

/// A progress that nobody watches.
class NoProgress final : public Progress {
 public:
  void begin(std::string_view, std::uint64_t, std::optional<std::uint64_t>) override {}
  void advance(std::uint64_t) override {}
  void notice(std::string_view) override {}
  void end(bool) override {}
};

/// The present speed of a transfer: a mean over about the last five seconds, in which older samples
/// count less.
class RateMeter {
 public:
  using Clock = std::chrono::steady_clock;

  RateMeter(std::uint64_t done, Clock::time_point now) : start_done_(done), start_(now) {
    last_done_ = done;
    last_ = now;
  }

  /// Takes a sample. `done` never falls; a sample within 50 ms of the one before is left to the
  /// next.
  void update(std::uint64_t done, Clock::time_point now);
  /// Bytes a second; 0 before there is anything to go by.
  double rate() const { return rate_; }
  /// Bytes a second over the whole transfer.
  double mean_rate(Clock::time_point now) const;
  /// How long the rest takes at the present rate; nothing if that can't be told.
  std::optional<std::chrono::seconds> remaining(std::uint64_t total) const;
  std::uint64_t done() const { return last_seen_ ? last_seen_ : last_done_; }

 private:
  std::uint64_t start_done_ = 0;
  Clock::time_point start_;
  std::uint64_t last_done_ = 0;
  std::uint64_t last_seen_ = 0;
  Clock::time_point last_;
  double rate_ = 0;
  bool sampled_ = false;
};

}  // namespace visor::client
