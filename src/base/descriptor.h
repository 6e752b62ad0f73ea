// The owner of an open file, socket, pipe or process handle.
#pragma once

#include <unistd.h>

#include <utility>

namespace visor {

/// Owns a file descriptor and closes it; -1 is none. Not thread-safe.
class Descriptor {
 public:
  Descriptor() = default;
  explicit Descriptor(int number) : number_(number) {}
  Descriptor(Descriptor&& other) noexcept : number_(other.release()) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    if (this != &other) {
      close();
      number_ = other.release();
    }
    return *this;
  }
  ~Descriptor() { close(); }

  int get() const { return number_; }
  explicit operator bool() const { return number_ >= 0; }
  /// Gives the descriptor away; the object owns none then.
  int release() { return std::exchange(number_, -1); }
  /// What close(2) reports is lost: who must know that written bytes have arrived syncs before.
  void close() {
    if (const int number = release(); number >= 0) ::close(number);
  }

 private:
  int number_ = -1;
};

}  // namespace visor
