// Private to this folder: what has arrived on a connection and is not used yet.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <span>
#include <string_view>

#include "async/buffer_pool.h"

namespace visor::http {

/// Received bytes in a leased buffer; without bytes it can do without the buffer.
class Input {
 public:
  explicit Input(async::BufferPool& pool) : pool_(pool) {}

  bool empty() const { return begin_ == end_; }
  std::string_view bytes() const {
    return {reinterpret_cast<const char*>(buffer_.bytes().data()) + begin_, end_ - begin_};
  }
  void consume(std::size_t count) {
    begin_ += count;
    if (empty()) begin_ = end_ = 0;
  }

  /// Memory behind the bytes for at most `at_most` more of them; `added` says how many came. Empty
  /// only if the buffer is full.
  std::span<std::byte> room(std::size_t at_most) {
    if (!buffer_) buffer_ = pool_.lease();
    const std::span<std::byte> all = buffer_.bytes();
    if (begin_ > 0 && all.size() - end_ < at_most) {
      std::memmove(all.data(), all.data() + begin_, end_ - begin_);
      end_ -= begin_;
      begin_ = 0;
    }
    return all.subspan(end_, std::min(at_most, all.size() - end_));
  }
  void added(std::size_t count) { end_ += count; }

  void release_if_empty() {
    if (empty()) buffer_.release();
  }

 private:
  async::BufferPool& pool_;
  async::Buffer buffer_;
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
};

}  // namespace visor::http
