// The thread on which uploads to HDFS run.
#pragma once

#include <cstddef>
#include <semaphore>
#include <thread>

#include "async/executor.h"
#include "async/task.h"
#include "store/hdfs/pipe.h"

namespace visor::store {

/// An executor with a thread of its own. An upload is one long request that is fed by many calls of
/// a writer, which may come from one executor after the other; here it outlives each of them. What
/// runs on it only waits and copies.
class UploadThread {
 public:
  UploadThread();
  /// Waits for the end of what runs on it.
  ~UploadThread();
  UploadThread(const UploadThread&) = delete;
  UploadThread& operator=(const UploadThread&) = delete;

  /// Runs a task there. From any thread, not while the thread is being destroyed.
  void start(async::Task<void> task);

 private:
  async::Task<void> serve(std::binary_semaphore& ready);
  async::Task<void> run(async::Task<void> task);

  async::Executor* executor_ = nullptr;
  std::size_t running_ = 0;  ///< on the thread alone
  bool stopping_ = false;    ///< on the thread alone
  Signal changed_;
  std::thread thread_;
};

}  // namespace visor::store
