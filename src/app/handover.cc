#include "app/handover.h"

#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <string_view>
#include <utility>

#include "app/supervision.h"
#include "base/log.h"
#include "base/units.h"

extern char** environ;  // NOLINT: POSIX

namespace visor::app {
namespace {

using Steady = std::chrono::steady_clock;

constexpr int kFirstPassed = 3;
constexpr char kChannelVariable[] = "VISOR_HANDOVER";
constexpr std::chrono::seconds kCheckPatience{60};
constexpr std::chrono::milliseconds kLook{50};
constexpr std::size_t kMostSaid = 8 * 1024;
constexpr char kReady = 'R';
constexpr char kGo = 'G';

std::unexpected<Error> cannot_start(const std::string& program, int reason) {
  return fail(Code::unavailable,
              "the program " + program + " can't be started: " + std::strerror(reason),
              "errno=" + std::to_string(reason));
}

// What posix_spawn wants, with the memory behind it.
class Strings {
 public:
  explicit Strings(std::vector<std::string> texts) : texts_(std::move(texts)) {
    for (std::string& text : texts_) pointers_.push_back(text.data());
    pointers_.push_back(nullptr);
  }
  char** get() { return pointers_.data(); }

 private:
  std::vector<std::string> texts_;
  std::vector<char*> pointers_;
};

std::vector<std::string> environment_without_what_is_ours() {
  std::vector<std::string> variables;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string_view text(*entry);
    bool ours = false;
    for (const std::string_view name :
         {"LISTEN_PID=", "LISTEN_FDS=", "LISTEN_FDNAMES=", "WATCHDOG_PID=", "VISOR_HANDOVER="}) {
      ours = ours || text.starts_with(name);
    }
    if (!ours) variables.emplace_back(text);
  }
  return variables;
}

class Spawning {
 public:
  Spawning() {
    posix_spawn_file_actions_init(&actions_);
    posix_spawnattr_init(&attributes_);
    // This process blocks the signals that it waits for; a program starts without that.
    sigset_t none;
    sigset_t all;
    sigemptyset(&none);
    sigfillset(&all);
    posix_spawnattr_setsigmask(&attributes_, &none);
    posix_spawnattr_setsigdefault(&attributes_, &all);
    posix_spawnattr_setflags(&attributes_, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
  }
  Spawning(const Spawning&) = delete;
  Spawning& operator=(const Spawning&) = delete;
  ~Spawning() {
    for (const int descriptor : staged_) ::close(descriptor);
    posix_spawn_file_actions_destroy(&actions_);
    posix_spawnattr_destroy(&attributes_);
  }

  // The program gets `descriptor` as `number`. All that are passed lie above all numbers first, so
  // that none is overwritten before its turn.
  bool pass_as(int descriptor, int number, int above) {
    const int staged = ::fcntl(descriptor, F_DUPFD_CLOEXEC, above);
    if (staged < 0) return false;
    staged_.push_back(staged);
    numbers_.push_back(number);
    return posix_spawn_file_actions_adddup2(&actions_, staged, number) == 0;
  }

  Result<pid_t> run(const Invocation& invocation, std::vector<std::string> arguments,
                    std::vector<std::string> environment) {
    arguments.insert(arguments.begin(), invocation.program);
    Strings words(std::move(arguments));
    Strings variables(std::move(environment));
    pid_t process = -1;
    const int reason = ::posix_spawn(&process, invocation.program.c_str(), &actions_, &attributes_,
                                     words.get(), variables.get());
    if (reason != 0) return cannot_start(invocation.program, reason);
    return process;
  }

  // The same, as a child of this process's parent. A service manager waits for the end of its own
  // children only; one that is told of a stranger kills it instead of letting it stop.
  Result<pid_t> run_as_sibling(const Invocation& invocation, std::vector<std::string> arguments,
                               std::vector<std::string> environment) {
    arguments.insert(arguments.begin(), invocation.program);
    Strings words(std::move(arguments));
    Strings variables(std::move(environment));
    char** const word = words.get();
    char** const variable = variables.get();
    sigset_t none;
    sigemptyset(&none);
    const long process = ::syscall(SYS_clone, CLONE_PARENT, nullptr, nullptr, nullptr, nullptr);
    if (process < 0) return cannot_start(invocation.program, errno);
    if (process == 0) {
      // A copy of one of several threads: nothing here may allocate or lock.
      ::signal(SIGPIPE, SIG_DFL);
      ::sigprocmask(SIG_SETMASK, &none, nullptr);
      for (std::size_t i = 0; i < staged_.size(); ++i) ::dup2(staged_[i], numbers_[i]);
      ::execve(word[0], word, variable);
      ::_exit(127);
    }
    return static_cast<pid_t>(process);
  }

 private:
  posix_spawn_file_actions_t actions_{};
  posix_spawnattr_t attributes_{};
  std::vector<int> staged_;
  std::vector<int> numbers_;
};

constexpr int kUnknown = -1;

// Waits for the end. How it ended is known of children only.
int wait_for(pid_t process) {
  int state = 0;
  pid_t found = 0;
  do {
    found = ::waitpid(process, &state, 0);
  } while (found < 0 && errno == EINTR);
  if (found == process) return state;
  const int handle = static_cast<int>(::syscall(SYS_pidfd_open, process, 0));
  if (handle < 0) return kUnknown;  // gone
  pollfd watched{handle, POLLIN, 0};
  while (::poll(&watched, 1, -1) < 0 && errno == EINTR) {
  }
  ::close(handle);
  return kUnknown;
}

std::string how_it_ended(int state) {
  if (state == kUnknown) return "it ended; the service manager's log may say how";
  if (WIFEXITED(state)) return "it ended with status " + std::to_string(WEXITSTATUS(state));
  return "it was ended by signal " + std::to_string(WTERMSIG(state));
}

// Whether there is something to read before the time is over.
bool readable(int descriptor, Steady::time_point end, const std::function<bool()>& give_up) {
  while (true) {
    pollfd watched{descriptor, POLLIN, 0};
    const int found = ::poll(&watched, 1, static_cast<int>(kLook.count()));
    if (found > 0) return true;
    if (Steady::now() >= end || (give_up && give_up())) return false;
  }
}

// The rest of a stream, as far as it comes in time.
std::string read_all(int descriptor, Steady::time_point end) {
  std::string said;
  std::array<char, 1024> buffer{};
  while (readable(descriptor, end, {})) {
    const ssize_t count = ::read(descriptor, buffer.data(), buffer.size());
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) break;
    if (said.size() < kMostSaid) said.append(buffer.data(), static_cast<std::size_t>(count));
  }
  while (said.ends_with('\n')) said.pop_back();
  return said;
}

}  // namespace

Invocation Invocation::of_this_process(int count, char** arguments) {
  Invocation invocation;
  std::array<char, 4096> path{};
  const ssize_t length = ::readlink("/proc/self/exe", path.data(), path.size());
  invocation.program = length > 0 ? std::string(path.data(), static_cast<std::size_t>(length))
                                  : std::string(arguments[0]);
  invocation.arguments.assign(arguments + 1, arguments + count);
  return invocation;
}

Result<void> check_program(const Invocation& invocation) {
  std::array<int, 2> pipe{};
  if (::pipe2(pipe.data(), O_CLOEXEC) != 0) return cannot_start(invocation.program, errno);
  std::vector<std::string> arguments = invocation.arguments;
  arguments.emplace_back("--check-config");
  Result<pid_t> process = [&]() -> Result<pid_t> {
    Spawning spawning;
    if (!spawning.pass_as(pipe[1], STDOUT_FILENO, kFirstPassed) ||
        !spawning.pass_as(pipe[1], STDERR_FILENO, kFirstPassed)) {
      return cannot_start(invocation.program, errno);
    }
    return spawning.run(invocation, arguments, environment_without_what_is_ours());
  }();
  ::close(pipe[1]);
  if (!process) {
    ::close(pipe[0]);
    return pass(process);
  }
  const auto end = Steady::now() + kCheckPatience;
  const std::string said = read_all(pipe[0], end);
  ::close(pipe[0]);
  const bool in_time = Steady::now() < end;
  if (!in_time) ::kill(*process, SIGKILL);
  const int state = wait_for(*process);
  if (WIFEXITED(state) && WEXITSTATUS(state) == 0) return {};
  return fail(Code::invalid,
              "the program " + invocation.program + " does not accept its configuration: " +
                  (in_time ? how_it_ended(state) : std::string("it did not answer")) +
                  (said.empty() ? "" : ": " + said));
}

Result<Successor> Successor::start(const Invocation& invocation,
                                   const std::vector<http::Server::ListeningSocket>& sockets,
                                   bool managed) {
  std::array<int, 2> channel{};
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, channel.data()) != 0) {
    return cannot_start(invocation.program, errno);
  }
  Spawning spawning;
  const int last = kFirstPassed + static_cast<int>(sockets.size());
  int number = kFirstPassed;
  std::string names;
  bool staged = true;
  for (const auto& socket : sockets) {
    staged = staged && spawning.pass_as(socket.descriptor, number++, last + 1);
    names += (names.empty() ? "" : ":") + kept_name(socket.address);
  }
  staged = staged && spawning.pass_as(channel[1], last, last + 1);
  const int reason = errno;
  ::close(channel[1]);
  if (!staged) {
    ::close(channel[0]);
    return cannot_start(invocation.program, reason);
  }
  std::vector<std::string> environment = environment_without_what_is_ours();
  environment.push_back("LISTEN_FDS=" + std::to_string(sockets.size()));
  environment.push_back("LISTEN_FDNAMES=" + names);
  environment.push_back(std::string(kChannelVariable) + "=" + std::to_string(last));
  Result<pid_t> process =
      managed ? spawning.run_as_sibling(invocation, invocation.arguments, std::move(environment))
              : spawning.run(invocation, invocation.arguments, std::move(environment));
  if (!process) {
    ::close(channel[0]);
    return pass(process);
  }
  return Successor(*process, channel[0]);
}

Successor::Successor(Successor&& other) noexcept
    : process_(std::exchange(other.process_, -1)), channel_(std::exchange(other.channel_, -1)) {}

Successor::~Successor() {
  if (process_ > 0) {
    ::kill(process_, SIGKILL);
    wait_for(process_);
  }
  if (channel_ >= 0) ::close(channel_);
}

Result<void> Successor::wait_ready(std::chrono::milliseconds patience,
                                   const std::function<bool()>& give_up) {
  if (!readable(channel_, Steady::now() + patience, give_up)) {
    return fail(Code::timeout, "the new server did not begin to serve in time and was ended");
  }
  char word = 0;
  if (::recv(channel_, &word, 1, 0) == 1 && word == kReady) return {};
  // The word was an F, with which a reason begins, or nothing.
  const std::string said = read_all(channel_, Steady::now() + kCheckPatience);
  ::kill(process_, SIGKILL);
  const int state = wait_for(std::exchange(process_, -1));
  return fail(Code::unavailable,
              "the new server does not start: " + (said.empty() ? how_it_ended(state) : said));
}

void Successor::let_go() {
  process_ = -1;
  // It may have gone, too; then nobody is left to be told.
  [[maybe_unused]] const ssize_t sent = ::send(channel_, &kGo, 1, MSG_NOSIGNAL);
}

std::optional<Predecessor> Predecessor::from_environment() {
  const char* value = ::getenv(kChannelVariable);
  if (value == nullptr) return std::nullopt;
  const auto number = parse_unsigned(value);
  ::unsetenv(kChannelVariable);
  if (!number || *number > 65'535) return std::nullopt;
  const int channel = static_cast<int>(*number);
  if (::fcntl(channel, F_SETFD, FD_CLOEXEC) != 0) return std::nullopt;
  return Predecessor(channel);
}

Predecessor::Predecessor(Predecessor&& other) noexcept
    : channel_(std::exchange(other.channel_, -1)) {}

Predecessor::~Predecessor() {
  if (channel_ >= 0) ::close(channel_);
}

void Predecessor::ready() {
  // If the one before is gone, there is nothing to wait for.
  if (::send(channel_, &kReady, 1, MSG_NOSIGNAL) == 1) {
    readable(channel_, Steady::now() + kCheckPatience, {});
  }
  ::close(std::exchange(channel_, -1));
}

void Predecessor::failed(const Error& error) {
  const std::string text = "F" + error.message.substr(0, kMostSaid);
  [[maybe_unused]] const ssize_t sent = ::send(channel_, text.data(), text.size(), MSG_NOSIGNAL);
  ::close(std::exchange(channel_, -1));
}

}  // namespace visor::app
