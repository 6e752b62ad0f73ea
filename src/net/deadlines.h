// Private to this folder: the pending deadlines of one event loop.
#pragma once

#include <chrono>
#include <cstddef>
#include <limits>
#include <vector>

namespace visor::net {

/// A heap of deadlines that live inside their owners, so that arming allocates nothing and
/// thousands of idle connections share one timer. Not thread-safe.
class Deadlines {
 public:
  using TimePoint = std::chrono::steady_clock::time_point;

  /// A deadline. Its owner disarms it before it goes.
  class Node {
   public:
    using Fire = void (*)(Node&);
    explicit Node(Fire fire) : fire_(fire) {}
    Node(const Node&) = delete;
    Node& operator=(const Node&) = delete;

    bool armed() const { return index_ != kNowhere; }
    TimePoint time() const { return time_; }

   private:
    friend class Deadlines;
    static constexpr std::size_t kNowhere = std::numeric_limits<std::size_t>::max();
    Fire fire_;
    TimePoint time_{};
    std::size_t index_ = kNowhere;
  };

  void arm(Node& node, TimePoint time);
  void disarm(Node& node);
  /// Calls every node whose time has come, each disarmed before. They may arm and disarm.
  void fire_due(TimePoint now);

  bool empty() const { return heap_.empty(); }
  TimePoint earliest() const { return heap_.front()->time_; }

 private:
  void place(std::size_t index, Node* node);
  void sift(std::size_t index);

  std::vector<Node*> heap_;
};

}  // namespace visor::net
