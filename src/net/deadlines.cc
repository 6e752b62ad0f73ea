#include "net/deadlines.h"

namespace visor::net {

void Deadlines::arm(Node& node, TimePoint time) {
  node.time_ = time;
  if (!node.armed()) {
    heap_.push_back(&node);
    node.index_ = heap_.size() - 1;
  }
  sift(node.index_);
}

void Deadlines::disarm(Node& node) {
  if (!node.armed()) return;
  const std::size_t index = node.index_;
  node.index_ = Node::kNowhere;
  Node* last = heap_.back();
  heap_.pop_back();
  if (last != &node) {
    place(index, last);
    sift(index);
  }
}

void Deadlines::fire_due(TimePoint now) {
  while (!heap_.empty() && heap_.front()->time_ <= now) {
    Node& node = *heap_.front();
    disarm(node);
    node.fire_(node);
  }
}

void Deadlines::place(std::size_t index, Node* node) {
  heap_[index] = node;
  node->index_ = index;
}

void Deadlines::sift(std::size_t index) {
  Node* node = heap_[index];
  while (index > 0) {
    const std::size_t parent = (index - 1) / 2;
    if (heap_[parent]->time_ <= node->time_) break;
    place(index, heap_[parent]);
    index = parent;
  }
  while (true) {
    std::size_t child = 2 * index + 1;
    if (child >= heap_.size()) break;
    if (child + 1 < heap_.size() && heap_[child + 1]->time_ < heap_[child]->time_) ++child;
    if (heap_[child]->time_ >= node->time_) break;
    place(index, heap_[child]);
    index = child;
  }
  place(index, node);
}

}  // namespace visor::net
