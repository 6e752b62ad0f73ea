#include "app/lifecycle.h"

#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <memory>
#include <optional>
#include <string>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include "app/supervision.h"
#include "app/upgrade.h"
#include "base/log.h"

namespace visor::app {
namespace {

using std::chrono::milliseconds;
using Steady = std::chrono::steady_clock;

constexpr int kFailed = 1;
// How often a process that sends its last downloads looks whether they are done.
constexpr milliseconds kLook{200};
// Opening a large catalogue in a newer form, or finishing a long recovery, is no hang.
constexpr std::string_view kStarting = "STATUS=starting\nEXTEND_TIMEOUT_USEC=600000000";

// Everything that one process does in its life as a server, on its main thread.
class Life {
 public:
  Life(Configuration configuration, Invocation invocation, bool successor)
      : configuration_(std::move(configuration)),
        invocation_(std::move(invocation)),
        supervision_(Supervision::from_environment(successor)) {
    sigset_t signals;
    sigemptyset(&signals);
    for (const int signal : {SIGTERM, SIGINT, SIGHUP, SIGUSR2}) sigaddset(&signals, signal);
    ::pthread_sigmask(SIG_BLOCK, &signals, nullptr);
    ::signal(SIGPIPE, SIG_IGN);
    signals_ = ::signalfd(-1, &signals, SFD_CLOEXEC);
    upgraded_ = ::eventfd(0, EFD_CLOEXEC);
    supervision_.tell(kStarting);
  }
  ~Life() {
    ::close(signals_);
    ::close(upgraded_);
  }
  Life(const Life&) = delete;
  Life& operator=(const Life&) = delete;

  // Serves with the application until the end, and gives the exit status.
  int run(std::unique_ptr<Application> application, const net::InheritedSockets& left);

 private:
  enum class Event { none, stop, upgraded };
  Event wait();
  void obey(const signalfd_siginfo& signal, Event& event);
  void begin_upgrade(int ticket);
  void finish_upgrade();
  void pass_signals_on() const;
  int leave(milliseconds patience);
  int stop();
  void serving(const std::string& remark);
  void look_after_the_left();

  const Configuration configuration_;
  const Invocation invocation_;
  const Supervision supervision_;
  int signals_ = -1;
  int upgraded_ = -1;
  std::unique_ptr<Application> application_;
  std::vector<std::unique_ptr<Application>> left_;  // they have downloads only
  Steady::time_point watchdog_due_{};

  std::thread upgrading_;
  std::atomic<bool> give_up_ = false;
  std::atomic<int> ticket_ = 0;
  bool hung_up_ = false;  // SIGHUP came during the upgrade
  Upgrade::Outcome outcome_;
};

void Life::serving(const std::string& remark) { supervision_.tell("READY=1\nSTATUS=" + remark); }

int Life::run(std::unique_ptr<Application> application, const net::InheritedSockets& left) {
  application_ = std::move(application);
  for (const auto& socket : left.left()) {
    log::warning("no listener in the configuration has this address; its socket is closed",
                 {{"address", socket.address.text()}});
    supervision_.forget(kept_name(socket.address.text()));
    if (!socket.name.empty()) supervision_.forget(socket.name);
  }
  // Whoever the service manager starts next finds the sockets, and who waits on them, as they are.
  for (const auto& socket : application_->sockets()) {
    supervision_.keep(socket.descriptor, kept_name(socket.address));
  }
  serving("serving");
  while (true) {
    switch (wait()) {
      case Event::none:
        break;
      case Event::stop:
        return stop();
      case Event::upgraded:
        finish_upgrade();
        if (outcome_.successor) {
          pass_signals_on();
          return leave(configuration_.download_deadline);
        }
        if (outcome_.lost) return kFailed;
        break;
    }
  }
}

Life::Event Life::wait() {
  std::array<pollfd, 2> watched{pollfd{signals_, POLLIN, 0}, pollfd{upgraded_, POLLIN, 0}};
  milliseconds patience = left_.empty() ? milliseconds(60'000) : kLook;
  if (const auto interval = supervision_.watchdog()) {
    const auto period = std::chrono::duration_cast<milliseconds>(*interval) / 3;
    if (Steady::now() >= watchdog_due_) {
      // A loop that hangs would hang for good; the service manager starts the server anew then.
      // Who has handed over is not listened to any more.
      if (application_ && (upgrading_.joinable() || application_->alive(period))) {
        supervision_.tell("WATCHDOG=1");
      }
      watchdog_due_ = Steady::now() + period;
    }
    patience = std::clamp(std::chrono::duration_cast<milliseconds>(watchdog_due_ - Steady::now()),
                          milliseconds(1), patience);
  }
  ::poll(watched.data(), watched.size(), static_cast<int>(patience.count()));
  look_after_the_left();
  Event event = Event::none;
  if ((watched[1].revents & POLLIN) != 0) return Event::upgraded;
  if ((watched[0].revents & POLLIN) != 0) {
    signalfd_siginfo signal{};
    if (::read(signals_, &signal, sizeof signal) == sizeof signal) obey(signal, event);
  }
  return event;
}

void Life::obey(const signalfd_siginfo& signal, Event& event) {
  switch (signal.ssi_signo) {
    case SIGHUP: {
      supervision_.tell(reloading_assignments());
      if (auto reopened = log::reopen(); !reopened) {
        log::failure(log::Level::error, "the log could not be opened again", reopened.error());
      }
      // An upgrade under way has the application; it is made up for when that ends.
      if (upgrading_.joinable()) {
        hung_up_ = true;
      } else if (application_) {
        application_->reload();
      }
      log::info("the log was opened again and certificates were read");
      serving("serving");
      break;
    }
    case SIGUSR2:
      begin_upgrade(signal.ssi_int);
      break;
    default:
      event = Event::stop;
      break;
  }
}

void Life::begin_upgrade(int ticket) {
  if (upgrading_.joinable()) {
    log::warning("an upgrade is under way already; another one was not begun");
    // Who asks hears of this one; whoever asked before does not wait any more.
    if (ticket != 0) ticket_ = ticket;
    return;
  }
  if (!application_) {
    log::warning("this process only ends its downloads; the one that serves can be upgraded");
    return;
  }
  log::info("upgrading in place", {{"program", invocation_.program}});
  ticket_ = ticket;
  give_up_ = false;
  hung_up_ = false;
  outcome_ = {};
  const auto work = [this] {
    const auto progress = [this](const std::string& text) {
      log::info("upgrade: " + text);
      supervision_.tell("STATUS=upgrading: " + text + "\nEXTEND_TIMEOUT_USEC=600000000");
      UpgradeReport{ticket_, UpgradeReport::State::running, text}.write(configuration_.data);
    };
    const auto announce = [this](pid_t process) {
      supervision_.tell("MAINPID=" + std::to_string(process));
    };
    Upgrade upgrade(configuration_, invocation_, supervision_.present(), progress);
    outcome_ = upgrade.run(*application_, [this] { return give_up_.load(); }, announce);
    constexpr std::uint64_t kOne = 1;
    [[maybe_unused]] const ssize_t told = ::write(upgraded_, &kOne, sizeof kOne);
  };
  try {
    upgrading_ = std::thread(work);
  } catch (const std::system_error& shortage) {
    const std::string reason = "the system gives the server no thread for the upgrade";
    log::error(reason, {{"what", shortage.what()}});
    UpgradeReport{ticket_, UpgradeReport::State::failed, reason}.write(configuration_.data);
  }
}

void Life::finish_upgrade() {
  std::uint64_t count = 0;
  [[maybe_unused]] const ssize_t taken = ::read(upgraded_, &count, sizeof count);
  upgrading_.join();
  UpgradeReport report{ticket_, UpgradeReport::State::done, {}};
  if (outcome_.result) {
    report.text = "process " + std::to_string(*outcome_.successor) + " serves";
    log::info("upgraded: another process serves, downloads under way go on here",
              {{"process", std::to_string(*outcome_.successor)}});
  } else {
    report.state = UpgradeReport::State::failed;
    report.text = outcome_.result.error().message;
    log::failure(log::Level::error, "the upgrade failed", outcome_.result.error());
    if (outcome_.replacement) {
      left_.push_back(std::exchange(application_, std::move(outcome_.replacement)));
    } else if (hung_up_ && !outcome_.lost) {
      application_->reload();
    }
    if (!outcome_.lost) serving("serving; the last upgrade failed");
  }
  report.write(configuration_.data);
}

// Applications whose downloads are done go.
void Life::look_after_the_left() {
  std::erase_if(left_, [](const auto& application) { return !application->downloads(); });
}

// What was meant for the server and came before it was clear that the successor is the one.
void Life::pass_signals_on() const {
  sigset_t pending;
  sigemptyset(&pending);
  ::sigpending(&pending);
  for (const int signal : {SIGHUP, SIGTERM, SIGINT}) {
    const bool came = sigismember(&pending, signal) == 1 || (signal == SIGHUP && hung_up_);
    if (came) ::kill(*outcome_.successor, signal);
  }
}

// The end of a process whose successor serves.
int Life::leave(milliseconds patience) {
  left_.push_back(std::move(application_));
  const auto end = Steady::now() + patience;
  while (true) {
    look_after_the_left();
    if (left_.empty()) break;
    if (Steady::now() >= end || wait() == Event::stop) {
      for (const auto& application : left_) application->stop();
      break;
    }
  }
  left_.clear();
  log::info("downloads from before the upgrade are done");
  return 0;
}

int Life::stop() {
  log::info("stopping; requests under way may finish");
  const auto wait =
      std::chrono::duration_cast<std::chrono::microseconds>(
          configuration_.shutdown_deadline + configuration_.drain_grace + std::chrono::minutes(1))
          .count();
  supervision_.tell(
      "STOPPING=1\nSTATUS=stopping; requests under way may finish\n"
      "EXTEND_TIMEOUT_USEC=" +
      std::to_string(wait));
  if (upgrading_.joinable()) {
    give_up_ = true;
    finish_upgrade();
    if (outcome_.successor) {
      // It began to serve while this one was told to stop, which was meant for the server.
      ::kill(*outcome_.successor, SIGTERM);
      return leave(configuration_.shutdown_deadline);
    }
  }
  if (application_) application_->stop(supervision_.present());
  for (const auto& application : left_) application->stop();
  left_.clear();
  application_.reset();
  log::info("stopped");
  return 0;
}

}  // namespace

int serve_until_stopped(Configuration configuration, Invocation invocation,
                        const std::function<void(const Application::FirstAdministrator&)>& tell,
                        const std::function<int(const Error&)>& start_failed) {
  std::optional<Predecessor> predecessor = Predecessor::from_environment();
  net::InheritedSockets sockets = sockets_from_environment(predecessor.has_value());
  Life life(configuration, std::move(invocation), predecessor.has_value());
  auto application = Application::start(std::move(configuration), tell, &sockets);
  if (!application) {
    if (predecessor) predecessor->failed(application.error());
    return start_failed(application.error());
  }
  // Whoever reads one of these lines has read the one that `visor` speaks to, if there is one.
  for (const bool native : {true, false}) {
    for (const auto& address : (*application)->addresses()) {
      if ((address.front_ends == "native") != native) continue;
      log::info("listening on " + address.url + " (" + address.front_ends + ")");
    }
  }
  if (predecessor) predecessor->ready();
  return life.run(std::move(*application), sockets);
}

}  // namespace visor::app
