// The thread that runs all outbound transfers. Private to this folder.
#pragma once

#include <atomic>
#include <map>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "base/error.h"
#include "fetch/exchange.h"
#include "fetch/transfer.h"

namespace visor::fetch {

struct CurlLibrary;

/// Thread-safe. Readers of bodies share it, so it may outlive the fetcher; it does nothing after
/// `stop`.
class Loop {
 public:
  Loop(TransferLimits limits, std::size_t most_transfers);
  ~Loop();
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;

  /// Loads libcurl and starts the thread, unless that is done: each request asks for it, and only
  /// the first waits. Blocks meanwhile, so it is not for an event loop's thread. After an error the
  /// next request tries again. `unavailable` or, after `stop`, `cancelled`.
  Result<void> start();
  /// Begins an exchange, once `start` has succeeded; `unavailable` if too many are under way or the
  /// loop was stopped.
  Result<std::shared_ptr<Exchange>> begin(Request request);
  /// Drops an exchange that nobody waits for any more; what is not known (any more) is ignored.
  void cancel(std::shared_ptr<Exchange> exchange);
  /// Goes on reading after a pause.
  void resume(std::shared_ptr<Exchange> exchange);
  /// Goes on sending after a pause; or ends it properly, if the server wants no more.
  void resume_sending(std::shared_ptr<Exchange> exchange);
  /// Ends every exchange with `cancelled` and the thread with them. Not from the thread itself.
  void stop();

 private:
  struct Command {
    enum class Kind { begin, cancel, resume, resume_sending };
    Kind kind;
    std::shared_ptr<Exchange> exchange;
    std::unique_ptr<Transfer> transfer;
  };
  using Transfers = std::map<Exchange*, std::unique_ptr<Transfer>>;

  bool send(Command command);
  void run();
  bool obey_commands();
  void begin_due();
  void collect_finished();
  void check_deadlines();
  void drop(Transfers::iterator transfer);

  const TransferLimits limits_;
  const std::size_t most_transfers_;

  std::mutex starting_;  ///< held by who starts or stops the thread, before `mutex_`
  std::atomic<bool> started_ = false;
  const CurlLibrary* curl_ = nullptr;
  void* multi_ = nullptr;  ///< CURLM*
  std::thread thread_;

  std::atomic<std::size_t> under_way_ = 0;

  std::mutex mutex_;
  std::vector<Command> commands_;
  bool stopping_ = false;

  // Of the thread alone:
  Transfers waiting_;
  Transfers running_;
  Transfer::Time next_check_;
};

}  // namespace visor::fetch
