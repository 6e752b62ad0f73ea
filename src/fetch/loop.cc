#include "fetch/loop.h"

#include <pthread.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <system_error>
#include <utility>

#include "base/log.h"
#include "fetch/curl_library.h"

namespace visor::fetch {
namespace {

using std::chrono::milliseconds;
constexpr milliseconds kCheckPeriod{25};
constexpr milliseconds kIdlePoll{60'000};

std::unexpected<Error> stopped() {
  return fail(Code::cancelled, "the server is stopping", "fetch.loop");
}

}  // namespace

Loop::Loop(TransferLimits limits, std::size_t most_transfers)
    : limits_(std::move(limits)), most_transfers_(most_transfers) {}

Result<void> Loop::start() {
  if (started_) return {};
  const std::lock_guard only_one(starting_);
  if (started_) return {};
  {
    const std::lock_guard lock(mutex_);
    if (stopping_) return stopped();
  }
  auto curl = curl_library();
  if (!curl) return pass(curl);
  curl_ = *curl;
  if (multi_ == nullptr) multi_ = curl_->multi_init();
  if (multi_ == nullptr) {
    return fail(Code::unavailable, "no memory is left for outbound requests", "fetch.loop");
  }
  curl_->multi_setopt(multi_, CURLMOPT_MAXCONNECTS, 64L);
  try {
    thread_ = std::thread([this] { run(); });
  } catch (const std::system_error& error) {
    return fail(Code::unavailable, "no thread can be started for outbound requests", error.what());
  }
  started_ = true;
  return {};
}

Loop::~Loop() {
  stop();
  if (multi_ != nullptr) curl_->multi_cleanup(multi_);
}

bool Loop::send(Command command) {
  {
    const std::lock_guard lock(mutex_);
    if (stopping_) return false;
    commands_.push_back(std::move(command));
  }
  curl_->multi_wakeup(multi_);
  return true;
}

Result<std::shared_ptr<Exchange>> Loop::begin(Request request) {
  if (under_way_.fetch_add(1) >= most_transfers_) {
    --under_way_;
    return fail(Code::unavailable, "too many outbound transfers are under way", "fetch.loop");
  }
  auto exchange = std::make_shared<Exchange>();
  auto transfer = std::make_unique<Transfer>(std::move(request), exchange, limits_, *curl_);
  if (!send({Command::Kind::begin, exchange, std::move(transfer)})) {
    --under_way_;
    return stopped();
  }
  return exchange;
}

void Loop::cancel(std::shared_ptr<Exchange> exchange) {
  send({Command::Kind::cancel, std::move(exchange), nullptr});
}

void Loop::resume(std::shared_ptr<Exchange> exchange) {
  send({Command::Kind::resume, std::move(exchange), nullptr});
}

void Loop::resume_sending(std::shared_ptr<Exchange> exchange) {
  send({Command::Kind::resume_sending, std::move(exchange), nullptr});
}

void Loop::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  // Whoever is starting it meanwhile is waited for.
  const std::lock_guard only_one(starting_);
  if (multi_ != nullptr) curl_->multi_wakeup(multi_);
  if (thread_.joinable()) thread_.join();
}

void Loop::run() {
  ::pthread_setname_np(::pthread_self(), "fetch");
  // A connection that breaks while OpenSSL writes to it must not end the process, and signals are
  // for other threads.
  sigset_t all;
  ::sigfillset(&all);
  ::pthread_sigmask(SIG_BLOCK, &all, nullptr);

  while (obey_commands()) {
    begin_due();
    int running = 0;
    if (const auto code = curl_->multi_perform(multi_, &running); code != CURLM_OK) {
      log::error("outbound transfers failed", {{"reason", curl_->multi_strerror(code)}});
    }
    collect_finished();
    check_deadlines();
    const bool idle = running_.empty() && waiting_.empty();
    curl_->multi_poll(multi_, nullptr, 0,
                      static_cast<int>((idle ? kIdlePoll : kCheckPeriod).count()), nullptr);
  }
  for (auto* transfers : {&waiting_, &running_}) {
    while (!transfers->empty()) {
      transfers->begin()->second->fail(stopped().error());
      drop(transfers->begin());
    }
  }
}

bool Loop::obey_commands() {
  std::vector<Command> commands;
  bool go_on = false;
  {
    const std::lock_guard lock(mutex_);
    commands.swap(commands_);
    go_on = !stopping_;
  }
  for (auto& command : commands) {
    Exchange* const key = command.exchange.get();
    if (command.kind == Command::Kind::begin) {
      waiting_.emplace(key, std::move(command.transfer));
      continue;
    }
    const auto running = running_.find(key);
    if (command.kind == Command::Kind::resume) {
      if (running != running_.end()) running->second->resume();
      continue;
    }
    if (command.kind == Command::Kind::resume_sending) {
      if (running != running_.end()) running->second->resume_sending();
      continue;
    }
    const auto waiting = waiting_.find(key);
    if (running != running_.end()) drop(running);
    if (waiting != waiting_.end()) drop(waiting);
  }
  return go_on;
}

void Loop::begin_due() {
  const auto now = std::chrono::steady_clock::now();
  for (auto entry = waiting_.begin(); entry != waiting_.end();) {
    const auto current = entry++;
    if (current->second->not_before() > now) continue;
    if (!current->second->prepare() ||
        curl_->multi_add_handle(multi_, current->second->handle()) != CURLM_OK) {
      current->second->fail(
          Error{Code::internal, "the outbound request could not be set up", "fetch.begin"});
      drop(current);
      continue;
    }
    running_.insert(waiting_.extract(current));
  }
}

void Loop::collect_finished() {
  int left = 0;
  while (const CURLMsg* message = curl_->multi_info_read(multi_, &left)) {
    if (message->msg != CURLMSG_DONE) continue;
    const CURLcode outcome = message->data.result;
    void* const easy = message->easy_handle;
    const auto found = std::find_if(running_.begin(), running_.end(), [easy](const auto& entry) {
      return entry.second->handle() == easy;
    });
    if (found == running_.end()) continue;
    found->second->finish(outcome);
    drop(found);
  }
}

void Loop::check_deadlines() {
  const auto now = std::chrono::steady_clock::now();
  if (now < next_check_) return;
  next_check_ = now + kCheckPeriod;
  for (auto entry = running_.begin(); entry != running_.end();) {
    const auto current = entry++;
    if (current->second->overdue(now)) drop(current);
  }
}

void Loop::drop(Transfers::iterator transfer) {
  auto& transfers = running_.contains(transfer->first) ? running_ : waiting_;
  if (&transfers == &running_) curl_->multi_remove_handle(multi_, transfer->second->handle());
  transfers.erase(transfer);
  --under_way_;
}

}  // namespace visor::fetch
