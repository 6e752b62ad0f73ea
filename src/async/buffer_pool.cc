#include "async/buffer_pool.h"

#include <new>
#include <utility>

namespace visor::async {
namespace {
constexpr std::align_val_t kPage{4096};
}

Buffer::Buffer(Buffer&& other) noexcept
    : pool_(std::exchange(other.pool_, nullptr)),
      data_(std::exchange(other.data_, nullptr)),
      size_(std::exchange(other.size_, 0)) {}

Buffer& Buffer::operator=(Buffer&& other) noexcept {
  if (this != &other) {
    release();
    pool_ = std::exchange(other.pool_, nullptr);
    data_ = std::exchange(other.data_, nullptr);
    size_ = std::exchange(other.size_, 0);
  }
  return *this;
}

void Buffer::release() {
  if (data_ != nullptr) pool_->give_back(std::exchange(data_, nullptr));
  size_ = 0;
}

BufferPool::BufferPool(std::size_t buffer_size, std::size_t keep)
    : buffer_size_(buffer_size), keep_(keep) {
  unused_.reserve(keep);
}

BufferPool::~BufferPool() {
  for (std::byte* data : unused_) ::operator delete(data, kPage);
}

Buffer BufferPool::lease() {
  {
    const std::lock_guard lock(mutex_);
    if (!unused_.empty()) {
      std::byte* data = unused_.back();
      unused_.pop_back();
      return Buffer(this, data, buffer_size_);
    }
  }
  return Buffer(this, static_cast<std::byte*>(::operator new(buffer_size_, kPage)), buffer_size_);
}

void BufferPool::give_back(std::byte* data) {
  {
    const std::lock_guard lock(mutex_);
    if (unused_.size() < keep_) {
      unused_.push_back(data);
      return;
    }
  }
  ::operator delete(data, kPage);
}

}  // namespace visor::async
