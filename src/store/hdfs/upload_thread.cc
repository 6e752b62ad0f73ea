#include "store/hdfs/upload_thread.h"

#include <utility>

namespace visor::store {

UploadThread::UploadThread() {
  std::binary_semaphore ready{0};
  thread_ = std::thread([this, &ready] { async::run_until_done(serve(ready)); });
  ready.acquire();
}

UploadThread::~UploadThread() {
  executor_->post([this] {
    stopping_ = true;
    changed_.notify();
  });
  thread_.join();
}

void UploadThread::start(async::Task<void> task) {
  executor_->post([this, task = std::move(task)]() mutable {
    ++running_;
    async::detach(run(std::move(task)), "upload to HDFS");
  });
}

async::Task<void> UploadThread::serve(std::binary_semaphore& ready) {
  executor_ = async::Executor::current();
  ready.release();
  while (!stopping_ || running_ > 0) co_await changed_.wait();
}

async::Task<void> UploadThread::run(async::Task<void> task) {
  co_await std::move(task);
  --running_;
  changed_.notify();
}

}  // namespace visor::store
