#include "net/inherited_sockets.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

namespace visor::net {
namespace {

int option(int descriptor, int name) {
  int value = 0;
  socklen_t length = sizeof value;
  return ::getsockopt(descriptor, SOL_SOCKET, name, &value, &length) == 0 ? value : -1;
}

}  // namespace

InheritedSockets::InheritedSockets(InheritedSockets&& other) noexcept
    : sockets_(std::exchange(other.sockets_, {})) {}

InheritedSockets& InheritedSockets::operator=(InheritedSockets&& other) noexcept {
  if (this != &other) {
    close_all();
    sockets_ = std::exchange(other.sockets_, {});
  }
  return *this;
}

InheritedSockets::~InheritedSockets() { close_all(); }

void InheritedSockets::close_all() {
  for (const Socket& socket : sockets_) ::close(socket.descriptor);
  sockets_.clear();
}

Result<void> InheritedSockets::add(int descriptor, std::string name) {
  Socket socket{descriptor, std::move(name), {}};
  socket.address.length = sizeof socket.address.storage;
  const bool listens = option(descriptor, SO_ACCEPTCONN) == 1 &&
                       option(descriptor, SO_TYPE) == SOCK_STREAM &&
                       ::getsockname(descriptor, socket.address.get(), &socket.address.length) == 0;
  const int family = socket.address.family();
  if (!listens || (family != AF_INET && family != AF_INET6)) {
    ::close(descriptor);
    return fail(Code::invalid, "the socket '" + socket.name + "' that was passed to this process " +
                                   "is no listening TCP socket; it is not used");
  }
  // A service manager may pass what it opened and what it kept of it.
  const auto same = [&](const Socket& other) {
    struct stat left = {};
    struct stat right = {};
    return ::fstat(other.descriptor, &left) == 0 && ::fstat(descriptor, &right) == 0 &&
           left.st_dev == right.st_dev && left.st_ino == right.st_ino;
  };
  if (std::ranges::any_of(sockets_, same)) {
    ::close(descriptor);
    return {};
  }
  // Who passed it may wait on it in another way, and must not pass it on to programs run from here.
  ::fcntl(descriptor, F_SETFL, ::fcntl(descriptor, F_GETFL) | O_NONBLOCK);
  ::fcntl(descriptor, F_SETFD, FD_CLOEXEC);
  sockets_.push_back(std::move(socket));
  return {};
}

std::vector<InheritedSockets::Socket> InheritedSockets::take(const Address& address) {
  Address wanted = address;
  const auto same_host = [&wanted](const Socket& socket) {
    return socket.address.family() == wanted.family() &&
           socket.address.host_key() == wanted.host_key();
  };
  if (wanted.port() == 0) {
    const auto first = std::ranges::find_if(sockets_, same_host);
    if (first == sockets_.end()) return {};
    wanted.set_port(first->address.port());
  }
  const auto others = std::partition(sockets_.begin(), sockets_.end(), [&](const Socket& socket) {
    return !same_host(socket) || socket.address.port() != wanted.port();
  });
  std::vector<Socket> taken(std::make_move_iterator(others),
                            std::make_move_iterator(sockets_.end()));
  sockets_.erase(others, sockets_.end());
  return taken;
}

}  // namespace visor::net
