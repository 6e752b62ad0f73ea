#include "async/task.h"

#include <array>
#include <cstddef>
#include <new>

#include "base/log.h"

namespace visor::async {
namespace {

// A sanitizer must see each frame come and go, so there the plain allocator is used.
#ifndef __has_feature
#define __has_feature(x) 0
#endif
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
constexpr bool kRecycleFrames = false;
#else
constexpr bool kRecycleFrames = true;
#endif

// Frames of up to kLargest bytes are kept by size class, at most kKept of each class and thread.
constexpr std::size_t kGrain = 128;
constexpr std::size_t kClasses = 16;
constexpr std::size_t kLargest = kGrain * kClasses;
constexpr std::size_t kKept = 64;

// Frames may be freed while a thread's other thread_locals are being destroyed: the flag outlives
// the list.
thread_local bool free_frames_gone = false;

struct FreeFrames {
  struct Node {
    Node* next;
  };
  std::array<Node*, kClasses> heads{};
  std::array<std::size_t, kClasses> counts{};
  ~FreeFrames() {
    free_frames_gone = true;
    for (Node*& head : heads) {
      while (head != nullptr) ::operator delete(std::exchange(head, head->next));
    }
  }
};
thread_local FreeFrames free_frames;

}  // namespace

void* detail::PromiseBase::operator new(std::size_t size) {
  if (!kRecycleFrames || size > kLargest) return ::operator new(size);
  const std::size_t index = (size - 1) / kGrain;
  if (!free_frames_gone) {
    if (FreeFrames::Node* node = free_frames.heads[index]) {
      free_frames.heads[index] = node->next;
      --free_frames.counts[index];
      return node;
    }
  }
  return ::operator new((index + 1) * kGrain);
}

void detail::PromiseBase::operator delete(void* frame, std::size_t size) noexcept {
  if (kRecycleFrames && size <= kLargest && !free_frames_gone) {
    const std::size_t index = (size - 1) / kGrain;
    if (free_frames.counts[index] < kKept) {
      free_frames.heads[index] = new (frame) FreeFrames::Node{free_frames.heads[index]};
      ++free_frames.counts[index];
      return;
    }
  }
  ::operator delete(frame);
}

namespace {

struct Detached {
  struct promise_type {
    Detached get_return_object() noexcept { return {}; }
    std::suspend_never initial_suspend() noexcept { return {}; }
    std::suspend_never final_suspend() noexcept { return {}; }
    void return_void() noexcept {}
    void unhandled_exception() noexcept { std::terminate(); }
  };
};

Detached run_detached(Task<void> task, const char* name) {
  try {
    co_await std::move(task);
  } catch (const std::exception& defect) {
    log::error("a background task ended with an exception",
               {{"task", name}, {"what", defect.what()}});
  }
}

}  // namespace

void detach(Task<void> task, const char* name) { run_detached(std::move(task), name); }

}  // namespace visor::async
