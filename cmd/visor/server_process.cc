#include "server_process.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>
#include <utility>

#include "base/descriptor.h"
#include "base/encoding.h"
#include "base/units.h"

extern char** environ;  // NOLINT: POSIX

namespace visor::command {
namespace {

using std::chrono::milliseconds;
using Steady = std::chrono::steady_clock;

constexpr milliseconds kLogSilence{2000};

std::unexpected<Error> cannot(const std::string& action, int reason) {
  return fail(Code::internal, "cannot " + action + ": " + std::strerror(reason));
}

struct Streams {
  int input = -1;  ///< -1: ours
  int output = -1;
  int errors = -1;
  bool own_session = false;
};

Result<int> spawn(const std::string& program, const std::vector<std::string>& arguments,
                  const Streams& streams) {
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  if (streams.input >= 0) posix_spawn_file_actions_adddup2(&actions, streams.input, 0);
  if (streams.output >= 0) posix_spawn_file_actions_adddup2(&actions, streams.output, 1);
  if (streams.errors >= 0) posix_spawn_file_actions_adddup2(&actions, streams.errors, 2);
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  if (streams.own_session) posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSID);
  std::vector<std::string> texts = arguments;
  texts.insert(texts.begin(), program);
  std::vector<char*> pointers;
  pointers.reserve(texts.size() + 1);
  for (auto& text : texts) pointers.push_back(text.data());
  pointers.push_back(nullptr);
  pid_t process = 0;
  const int reason =
      ::posix_spawn(&process, program.c_str(), &actions, &attributes, pointers.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  posix_spawnattr_destroy(&attributes);
  if (reason != 0) return cannot("run " + program, reason);
  return static_cast<int>(process);
}

int exit_status(int process) {
  int state = 0;
  while (::waitpid(process, &state, 0) < 0 && errno == EINTR) {
  }
  return WIFEXITED(state) ? WEXITSTATUS(state) : 128 + WTERMSIG(state);
}

Descriptor open_process(int process) {
  return Descriptor(static_cast<int>(::syscall(SYS_pidfd_open, process, 0)));
}

std::string read_file(const std::string& path, std::uint64_t from = 0) {
  std::ifstream file(path, std::ios::binary);
  file.seekg(static_cast<std::streamoff>(from));
  return {std::istreambuf_iterator<char>(file), {}};
}

std::string last_lines(std::string_view text, int count) {
  while (text.ends_with('\n')) text.remove_suffix(1);
  std::size_t start = text.size();
  for (int line = 0; line < count && start != std::string_view::npos && start > 0; ++line) {
    start = text.rfind('\n', start - 1);
  }
  return std::string(start == std::string_view::npos ? text : text.substr(start + 1));
}

/// Takes what is there to read; false at the end of the stream.
bool take(int descriptor, std::string& into) {
  std::array<char, 4096> buffer{};
  const ssize_t got = ::read(descriptor, buffer.data(), buffer.size());
  if (got > 0) into.append(buffer.data(), static_cast<std::size_t>(got));
  return got > 0 || (got < 0 && errno == EINTR);
}

/// What is watched while a server starts.
struct Start {
  int process = 0;
  Descriptor handle;
  Descriptor output;
  Descriptor changes;
  std::string log_file;
  std::uint64_t log_start = 0;
  Started started;

  bool ready() {
    started.address = address_in_log(read_file(log_file, log_start));
    return !started.address.empty();
  }

  /// Waits for the next sign of life. True if the process ended.
  bool wait(milliseconds at_most) {
    std::array<pollfd, 3> waits{
        {{handle.get(), POLLIN, 0}, {changes.get(), POLLIN, 0}, {output.get(), POLLIN, 0}}};
    if (::poll(waits.data(), waits.size(), static_cast<int>(at_most.count())) <= 0) return false;
    if (waits[2].revents != 0 && !take(output.get(), started.output)) output.close();
    if (waits[1].revents != 0) {
      std::string ignored;
      take(changes.get(), ignored);
    }
    return waits[0].revents != 0;
  }

  /// What was written before the server said that it is ready.
  void take_rest() {
    pollfd more{output.get(), POLLIN, 0};
    while (output.get() >= 0 && ::poll(&more, 1, 0) > 0 && take(output.get(), started.output)) {
    }
  }
};

}  // namespace

Result<std::string> find_visord() {
  std::array<char, 4096> self{};
  const ssize_t length = ::readlink("/proc/self/exe", self.data(), self.size() - 1);
  std::string looked;
  if (length > 0) {
    std::string path(self.data(), static_cast<std::size_t>(length));
    path.resize(path.rfind('/') + 1);
    if (::access((path + "visord").c_str(), X_OK) == 0) return path + "visord";
    looked = path;
  }
  const char* folders = std::getenv("PATH");
  std::string_view rest = folders != nullptr ? folders : "";
  while (!rest.empty()) {
    const auto colon = rest.find(':');
    const std::string candidate = std::string(rest.substr(0, colon)) + "/visord";
    if (candidate.size() > 7 && ::access(candidate.c_str(), X_OK) == 0) return candidate;
    rest = colon == std::string_view::npos ? std::string_view() : rest.substr(colon + 1);
  }
  return fail(Code::not_found, "the server program visord is neither in " + looked +
                                   " nor in PATH; install it, or add its folder to PATH");
}

Result<int> run_visord(const std::vector<std::string>& arguments) {
  auto program = find_visord();
  if (!program) return pass(program);
  auto process = spawn(*program, arguments, {});
  if (!process) return pass(process);
  return exit_status(*process);
}

Result<Captured> capture_visord(const std::vector<std::string>& arguments) {
  auto program = find_visord();
  if (!program) return pass(program);
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) return cannot("make a pipe", errno);
  Descriptor reading(ends[0]);
  Descriptor writing(ends[1]);
  auto process = spawn(*program, arguments, {-1, writing.get(), -1, false});
  writing.close();
  if (!process) return pass(process);
  Captured captured;
  while (take(reading.get(), captured.output)) {
  }
  captured.status = exit_status(*process);
  return captured;
}

Result<std::optional<int>> serving_process(const std::string& data) {
  const Descriptor lock(::open((data + "/lock").c_str(), O_RDONLY | O_CLOEXEC));
  if (lock.get() < 0) {
    if (errno == ENOENT || errno == ENOTDIR) return std::optional<int>();
    return fail(Code::unavailable, "cannot look into the data folder " + data + ": " +
                                       std::strerror(errno) + ". Run this as the server's user");
  }
  // A shared lock is had at once unless a server holds the folder; it goes with the descriptor.
  if (::flock(lock.get(), LOCK_SH | LOCK_NB) == 0) return std::optional<int>();
  const std::string text = read_file(data + "/visord.pid");
  const auto number = parse_unsigned(trim(std::string_view(text).substr(0, text.find('\n'))));
  if (!number || *number == 0 || *number > 4'194'304) {
    return fail(Code::unavailable, "a server is using " + data + ", but " + data +
                                       "/visord.pid does not say which process it is");
  }
  return std::optional<int>(static_cast<int>(*number));
}

std::optional<std::chrono::seconds> running_for(int process) {
  const std::string text = read_file("/proc/" + std::to_string(process) + "/stat");
  // The name, in parentheses, may hold anything; the start is the twentieth field behind it
  // (proc(5)).
  const auto name_end = text.rfind(')');
  if (name_end == std::string::npos) return std::nullopt;
  std::string_view rest = std::string_view(text).substr(name_end + 1);
  for (int field = 0; field < 20; ++field) {
    const auto blank = rest.find(' ', 1);
    if (blank == std::string_view::npos) return std::nullopt;
    rest.remove_prefix(blank);
  }
  const auto ticks = parse_unsigned(rest.substr(1, rest.find(' ', 1) - 1));
  const std::string uptime_text = read_file("/proc/uptime");
  const auto uptime =
      parse_unsigned(std::string_view(uptime_text).substr(0, uptime_text.find('.')));
  if (!ticks || !uptime) return std::nullopt;
  const auto started = *ticks / static_cast<std::uint64_t>(::sysconf(_SC_CLK_TCK));
  return std::chrono::seconds(*uptime > started ? *uptime - started : 0);
}

Result<void> stop_process(int process, milliseconds deadline) {
  const Descriptor handle = open_process(process);
  if (handle.get() < 0) {
    if (errno == ESRCH) return {};
    return cannot("watch the server's process " + std::to_string(process), errno);
  }
  if (::syscall(SYS_pidfd_send_signal, handle.get(), SIGTERM, nullptr, 0) != 0) {
    if (errno == ESRCH) return {};
    return fail(Code::forbidden, "cannot stop the server's process " + std::to_string(process) +
                                     ": " + std::strerror(errno) +
                                     ". Run this as its user or root");
  }
  const auto end = Steady::now() + deadline;
  for (;;) {
    const auto left = std::chrono::ceil<milliseconds>(end - Steady::now());
    pollfd gone{handle.get(), POLLIN, 0};
    const int got = ::poll(&gone, 1, static_cast<int>(std::max(left, milliseconds(0)).count()));
    if (got > 0) return {};
    if (got == 0 || errno != EINTR) break;
  }
  return fail(Code::timeout, "the server (process " + std::to_string(process) +
                                 ") was asked to stop and is still finishing transfers after " +
                                 format_duration(deadline) +
                                 ". Wait for it, or end it with: kill -9 " +
                                 std::to_string(process));
}

std::string address_in_log(std::string_view log) {
  constexpr std::string_view kWords = "listening on http";
  std::string_view native;
  std::string_view any;
  for (auto at = log.find(kWords); at != std::string_view::npos; at = log.find(kWords, at + 1)) {
    const auto end = log.find('\n', at);
    // The line must be whole, or the port may be cut short.
    if (end == std::string_view::npos) break;
    const std::string_view line = log.substr(at, end - at);
    (line.contains(" (native)") ? native : any) = line;
  }
  const std::string_view line = native.empty() ? any : native;
  if (line.empty()) return {};
  const std::string_view rest = line.substr(kWords.size() - 4);
  return std::string(rest.substr(0, rest.find_first_of(" \t\r\n\",;)")));
}

Result<Started> start_visord(const StartOptions& options) {
  auto program = find_visord();
  if (!program) return pass(program);
  const Descriptor nothing(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  const Descriptor log(
      ::open(options.log_file.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600));
  if (log.get() < 0) return cannot("write the log '" + options.log_file + "'", errno);

  Start start;
  start.log_file = options.log_file;
  struct stat facts{};
  if (::fstat(log.get(), &facts) == 0) start.log_start = static_cast<std::uint64_t>(facts.st_size);
  start.changes = Descriptor(::inotify_init1(IN_CLOEXEC | IN_NONBLOCK));
  if (start.changes.get() < 0 ||
      ::inotify_add_watch(start.changes.get(), options.log_file.c_str(), IN_MODIFY) < 0) {
    return cannot("watch the log '" + options.log_file + "'", errno);
  }
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) return cannot("make a pipe", errno);
  start.output = Descriptor(ends[0]);
  Descriptor writing(ends[1]);

  auto process =
      spawn(*program, options.arguments, {nothing.get(), writing.get(), log.get(), true});
  writing.close();
  if (!process) return pass(process);
  start.process = *process;
  start.started.process = *process;
  start.handle = open_process(*process);
  if (start.handle.get() < 0) return cannot("watch the server's process", errno);

  const auto begin = Steady::now();
  const auto end = begin + options.deadline;
  while (!start.ready()) {
    // A log that tells errors alone never says it. A server that could not have its port has ended
    // by now, so whoever answers there is the one that was started.
    if (options.probe && Steady::now() - begin >= kLogSilence) {
      start.started.address = options.probe();
      if (!start.started.address.empty()) break;
    }
    const auto left = std::chrono::ceil<milliseconds>(end - Steady::now());
    if (left <= milliseconds(0)) {
      return fail(Code::timeout, "the server (process " + std::to_string(start.process) +
                                     ") did not say within " + format_duration(options.deadline) +
                                     " where it listens; it keeps running. Look into " +
                                     options.log_file);
    }
    if (start.wait(std::min(left, kLogSilence))) {
      const int status = exit_status(start.process);
      start.take_rest();
      const std::string said = last_lines(read_file(options.log_file, start.log_start), 5);
      return fail(Code::internal,
                  "the server did not start (status " + std::to_string(status) + ")" +
                      (said.empty() ? ". Its log is " + options.log_file : ". It says:\n" + said));
    }
  }
  start.take_rest();
  return std::move(start.started);
}

}  // namespace visor::command
