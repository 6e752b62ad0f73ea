// Leased buffers: transfers borrow their memory and idle connections hold none.
#pragma once

#include <cstddef>
#include <memory>
#include <mutex>
#include <span>
#include <vector>

namespace visor::async {

class BufferPool;

/// A buffer on loan; it goes back to its pool when this object goes. Page-aligned. Empty if
/// default-constructed.
class Buffer {
 public:
  Buffer() = default;
  Buffer(Buffer&& other) noexcept;
  Buffer& operator=(Buffer&& other) noexcept;
  ~Buffer() { release(); }

  std::span<std::byte> bytes() const { return {data_, size_}; }
  explicit operator bool() const { return data_ != nullptr; }
  void release();

 private:
  friend class BufferPool;
  Buffer(BufferPool* pool, std::byte* data, std::size_t size)
      : pool_(pool), data_(data), size_(size) {}
  BufferPool* pool_ = nullptr;
  std::byte* data_ = nullptr;
  std::size_t size_ = 0;
};

/// Buffers of one size. Keeps at most `keep` unused ones, gives the rest back to the system.
/// Thread-safe; outlives its leases.
class BufferPool {
 public:
  BufferPool(std::size_t buffer_size, std::size_t keep);
  ~BufferPool();
  BufferPool(const BufferPool&) = delete;
  BufferPool& operator=(const BufferPool&) = delete;

  /// A buffer with arbitrary content.
  Buffer lease();
  std::size_t buffer_size() const { return buffer_size_; }

 private:
  friend class Buffer;
  void give_back(std::byte* data);

  const std::size_t buffer_size_;
  const std::size_t keep_;
  std::mutex mutex_;
  std::vector<std::byte*> unused_;
};

}  // namespace visor::async
