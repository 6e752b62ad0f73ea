// Room set aside beside the catalogue's file, for the day on which the disk is full.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <mutex>
#include <string>

namespace visor::catalogue::sqlite {

/// A file that does nothing but take room. Removing things takes room too, in the write-ahead log:
/// without a reserve, a disk that images have filled to the last byte could never be freed through
/// the server again. Thread-safe; never fails, since the catalogue works as well without it.
class Reserve {
 public:
  /// Sets `bytes` aside in the file at `path`, if the disk has plenty. 0: no reserve.
  Reserve(std::string path, std::uint64_t bytes);

  /// Gives the room back to the disk.
  void release();
  /// Sets it aside again, once the disk has plenty. Cheap enough for every change.
  void restore();
  /// Whether it was given back and could not be set aside again yet: what is left of the disk is
  /// for removals.
  bool given_up() const { return given_up_.load(std::memory_order_relaxed); }

 private:
  void set_aside();

  const std::string path_;
  const std::uint64_t bytes_;
  std::atomic<bool> held_ = false;
  std::atomic<bool> given_up_ = false;
  std::mutex mutex_;
  std::chrono::steady_clock::time_point next_attempt_{};
};

}  // namespace visor::catalogue::sqlite
