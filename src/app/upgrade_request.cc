// The other side of an upgrade: whoever asks for it.
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <optional>
#include <random>
#include <string>

#include "app/lifecycle.h"
#include "app/upgrade.h"
#include "base/descriptor.h"
#include "base/units.h"

namespace visor::app {
namespace {

constexpr int kLookMilliseconds = 50;

// Nothing if the file names none, as while one starts.
std::optional<pid_t> named_process(const std::string& data) {
  std::ifstream file(data + "/visord.pid");
  std::string text;
  file >> text;
  const auto number = parse_unsigned(text);
  if (!number || *number == 0 || *number > INT32_MAX) return std::nullopt;
  return static_cast<pid_t>(*number);
}

// The process that holds the data folder.
Result<pid_t> server_of(const std::string& data) {
  const Descriptor lock(::open((data + "/lock").c_str(), O_RDONLY | O_CLOEXEC));
  if (lock.get() < 0 && errno != ENOENT) {
    return fail_errno(errno, "look into the data folder " + data, "app.upgrade");
  }
  if (lock.get() < 0 || ::flock(lock.get(), LOCK_SH | LOCK_NB) == 0) {
    return fail(Code::not_found, "no server serves from " + data +
                                     ", so there is nothing to upgrade; start the new one");
  }
  const auto process = named_process(data);
  if (process) return *process;
  return fail(Code::unavailable,
              "the server on " + data + " is just starting or being upgraded; try again");
}

}  // namespace

Result<void> request_upgrade(const std::string& data,
                             const std::function<void(const std::string&)>& progress) {
  // One asks at a time: the server tells one of them what comes of it, and looking for it takes the
  // lock that a new server needs.
  const Descriptor folder(::open(data.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (folder.get() >= 0 && ::flock(folder.get(), LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK) {
    return fail(Code::conflict,
                "another visord upgrade of " + data + " is under way; wait for what it says");
  }
  Result<pid_t> server = server_of(data);
  if (!server) return pass(server);
  const Descriptor process(static_cast<int>(::syscall(SYS_pidfd_open, *server, 0)));
  std::random_device device;
  const int ticket = static_cast<int>(device() & 0x7fffffff) | 1;
  sigval value{};
  value.sival_int = ticket;
  if (process.get() < 0 || ::sigqueue(*server, SIGUSR2, value) != 0) {
    return fail(Code::forbidden, "the server (process " + std::to_string(*server) +
                                     ") can't be told to upgrade: " + std::strerror(errno) +
                                     "; run this as root or as the server's user");
  }
  std::string last;
  while (true) {
    pollfd watched{process.get(), POLLIN, 0};
    const bool gone = ::poll(&watched, 1, kLookMilliseconds) > 0;
    // In this order: an upgrade tells of itself before there is another process.
    const pid_t named = named_process(data).value_or(*server);
    const auto report = UpgradeReport::read(data);
    const bool heard = report && report->ticket == ticket;
    if (!heard && named != *server) {
      return fail(Code::conflict, "another upgrade came first, and process " +
                                      std::to_string(named) + " serves now; ask again if needed");
    }
    if (heard) {
      if (report->text != last) progress(last = report->text);
      if (report->state == UpgradeReport::State::done) return {};
      if (report->state == UpgradeReport::State::failed) {
        return fail(Code::unavailable, "the upgrade failed: " + report->text);
      }
    }
    if (gone) {
      return fail(Code::unavailable,
                  "the server (process " + std::to_string(*server) +
                      ") ended before the upgrade was decided; its log says why");
    }
  }
}

}  // namespace visor::app
