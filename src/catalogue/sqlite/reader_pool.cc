#include "catalogue/sqlite/reader_pool.h"

namespace visor::catalogue::sqlite {

std::unique_ptr<Connection> ReaderPool::take() {
  {
    std::unique_lock lock(mutex_);
    returned_.wait(lock, [this] { return !idle_.empty() || may_open_ > 0; });
    if (!idle_.empty()) {
      auto connection = std::move(idle_.back());
      idle_.pop_back();
      return connection;
    }
    --may_open_;
  }
  try {
    return std::make_unique<Connection>(path_, options_);
  } catch (...) {
    // The place in the pool must not be lost with the connection.
    {
      const std::lock_guard lock(mutex_);
      ++may_open_;
    }
    returned_.notify_one();
    throw;
  }
}

void ReaderPool::give_back(std::unique_ptr<Connection> connection) {
  {
    const std::lock_guard lock(mutex_);
    idle_.push_back(std::move(connection));
  }
  returned_.notify_one();
}

}  // namespace visor::catalogue::sqlite
