#include "app/supervision.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <vector>

#include "base/log.h"
#include "base/units.h"

namespace visor::app {
namespace {

constexpr int kFirstPassed = 3;
constexpr std::uint64_t kMostPassed = 4096;

std::string variable(const char* name) {
  const char* value = ::getenv(name);
  return value == nullptr ? std::string() : std::string(value);
}

bool is_ours(const std::string& pid) {
  const auto number = parse_unsigned(pid);
  return number && *number == static_cast<std::uint64_t>(::getpid());
}

std::vector<std::string> split(std::string_view text, char separator) {
  std::vector<std::string> parts;
  for (std::size_t from = 0; from <= text.size();) {
    const std::size_t end = std::min(text.find(separator, from), text.size());
    parts.emplace_back(text.substr(from, end - from));
    from = end + 1;
  }
  return parts;
}

}  // namespace

Supervision Supervision::from_environment(bool successor) {
  Supervision supervision;
  const std::string address = variable("NOTIFY_SOCKET");
  // A path, or an abstract name behind an @; anything else is not for this protocol's version.
  if (address.size() > 1 && (address[0] == '/' || address[0] == '@') &&
      address.size() < sizeof(sockaddr_un::sun_path)) {
    supervision.address_ = address;
  }
  const std::string pid = variable("WATCHDOG_PID");
  const auto micros = parse_unsigned(variable("WATCHDOG_USEC"));
  if (micros && *micros > 0 && (successor || pid.empty() || is_ours(pid))) {
    supervision.watchdog_ = std::chrono::microseconds(*micros);
  }
  return supervision;
}

void Supervision::tell(std::string_view assignments) const { send(assignments, -1); }

void Supervision::keep(int descriptor, const std::string& name) const {
  send("FDSTORE=1\nFDNAME=" + name, descriptor);
}

void Supervision::forget(const std::string& name) const {
  send("FDSTOREREMOVE=1\nFDNAME=" + name, -1);
}

void Supervision::send(std::string_view assignments, int descriptor) const {
  if (!present()) return;
  const int socket = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (socket < 0) return;
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, address_.data(), address_.size());
  if (address_[0] == '@') address.sun_path[0] = '\0';
  std::string text(assignments);
  iovec part{text.data(), text.size()};
  msghdr message{};
  message.msg_name = &address;
  message.msg_namelen = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + address_.size());
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int))> control{};
  if (descriptor >= 0) {
    message.msg_control = control.data();
    message.msg_controllen = control.size();
    cmsghdr* header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof(int));
    std::memcpy(CMSG_DATA(header), &descriptor, sizeof descriptor);
  }
  if (::sendmsg(socket, &message, MSG_NOSIGNAL) < 0) {
    log::debug("the service manager could not be told", {{"errno", std::to_string(errno)}});
  }
  ::close(socket);
}

std::string reloading_assignments() {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  const auto micros = static_cast<std::int64_t>(now.tv_sec) * 1'000'000 + now.tv_nsec / 1000;
  return "RELOADING=1\nMONOTONIC_USEC=" + std::to_string(micros);
}

std::string kept_name(std::string_view address) {
  std::string name = "visor " + std::string(address);
  std::ranges::replace(name, ':', '_');
  std::ranges::replace(name, ' ', '_');
  return name;
}

net::InheritedSockets sockets_from_environment(bool successor) {
  net::InheritedSockets sockets;
  const std::string pid = variable("LISTEN_PID");
  const auto count = parse_unsigned(variable("LISTEN_FDS"));
  const std::vector<std::string> names = split(variable("LISTEN_FDNAMES"), ':');
  for (const char* name : {"LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES"}) ::unsetenv(name);
  if (!count || *count > kMostPassed || !(successor || is_ours(pid))) return sockets;
  for (std::uint64_t i = 0; i < *count; ++i) {
    const int descriptor = kFirstPassed + static_cast<int>(i);
    // A count that claims too much must not close what is somebody else's.
    if (::fcntl(descriptor, F_GETFD) < 0) continue;
    if (auto added = sockets.add(descriptor, i < names.size() ? names[i] : std::string()); !added) {
      log::failure(log::Level::warning, "a socket that was passed on is not used", added.error());
    }
  }
  return sockets;
}

}  // namespace visor::app
