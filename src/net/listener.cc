#include "net/listener.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <string>
#include <utility>

#include "base/log.h"
#include "net/loop_core.h"

namespace visor::net {
namespace {

constexpr int kBacklog = 4096;
constexpr int kAcceptsInARow = 64;
constexpr std::chrono::milliseconds kPause{100};
constexpr std::chrono::seconds kBetweenWarnings{10};

class Socket {
 public:
  explicit Socket(int descriptor) : descriptor_(descriptor) {}
  Socket(Socket&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)) {}
  Socket& operator=(Socket&&) = delete;
  ~Socket() {
    if (descriptor_ >= 0) ::close(descriptor_);
  }
  int get() const { return descriptor_; }
  int release() { return std::exchange(descriptor_, -1); }

 private:
  int descriptor_;
};

std::unexpected<Error> cannot_listen(const Address& address, int error) {
  const std::string text = address.text();
  const std::string where = "net.listen address=" + text + " errno=" + std::to_string(error);
  switch (error) {
    case EADDRINUSE:
      return fail(Code::unavailable,
                  "cannot listen on " + text +
                      ": another program listens there already; stop it or choose another port",
                  where);
    case EADDRNOTAVAIL:
      return fail(Code::invalid,
                  "cannot listen on " + text +
                      ": no interface of this machine has the address; use one of its own, or "
                      "0.0.0.0 for all",
                  where);
    case EACCES:
    case EPERM:
      return fail(Code::forbidden,
                  "cannot listen on " + text +
                      ": ports below 1024 need a privilege; choose a higher port or grant "
                      "CAP_NET_BIND_SERVICE",
                  where);
    default:
      return fail_errno(error, "listen on " + text, where);
  }
}

// The first socket is bound without sharing, so that it fails if anybody else is there; sharing is
// allowed afterwards.
Result<Socket> open_listening(Address& address, bool first) {
  Socket socket(::socket(address.family(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (socket.get() < 0) return cannot_listen(address, errno);
  const int on = 1;
  const int off = 0;
  ::setsockopt(socket.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (address.family() == AF_INET6) {
    ::setsockopt(socket.get(), IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off);
  }
  const auto share = [&] {
    return ::setsockopt(socket.get(), SOL_SOCKET, SO_REUSEPORT, &on, sizeof on) == 0;
  };
  if (!first && !share()) return cannot_listen(address, errno);
  if (::bind(socket.get(), address.get(), address.length) != 0) {
    return cannot_listen(address, errno);
  }
  if (first) {
    if (!share()) return cannot_listen(address, errno);
    if (::getsockname(socket.get(), address.get(), &address.length) != 0) {
      return cannot_listen(address, errno);
    }
  }
  if (::listen(socket.get(), kBacklog) != 0) return cannot_listen(address, errno);
  return socket;
}

bool out_of_resources(int error) {
  return error == EMFILE || error == ENFILE || error == ENOBUFS || error == ENOMEM;
}

}  // namespace

struct Listener::State : std::enable_shared_from_this<State> {
  State(EventLoop& the_loop, int socket)
      : loop(the_loop), descriptor(the_loop.core().context.get_executor(), socket) {}

  void wait() {
    if (!descriptor.is_open() || !accepting) return;
    waiting = true;
    descriptor.async_wait(Descriptor::wait_read, [self = shared_from_this()](error_code error) {
      self->waiting = false;
      // A pause may have ended before this was heard of.
      if (!error) {
        self->accept_waiting();
      } else {
        self->wait();
      }
    });
  }

  void accept_waiting() {
    for (int i = 0; i < kAcceptsInARow && accepting && descriptor.is_open(); ++i) {
      Address peer;
      peer.length = sizeof peer.storage;
      const int socket = ::accept4(descriptor.native_handle(), peer.get(), &peer.length,
                                   SOCK_NONBLOCK | SOCK_CLOEXEC);
      if (socket >= 0) {
        accept(socket, peer);
        continue;
      }
      const int error = errno;
      if (error == EAGAIN || error == EWOULDBLOCK) break;
      if (out_of_resources(error)) {
        pause(error);
        return;
      }
      // Anything else concerns that one connection, which is gone by now.
    }
    wait();
  }

  void pause(int error) {
    const auto now = std::chrono::steady_clock::now();
    if (now - warned >= kBetweenWarnings) {
      warned = now;
      log::warning(
          "no new connections for a moment: the process has no file descriptor or memory left for "
          "them",
          {{"errno", std::to_string(error)}});
    }
    waiting = true;
    loop.post_after(kPause, [self = shared_from_this()] {
      self->waiting = false;
      self->wait();
    });
  }

  EventLoop& loop;
  Descriptor descriptor;
  Accept accept;
  bool accepting = false;
  bool waiting = false;  ///< something will call `wait` or `accept_waiting`
  std::chrono::steady_clock::time_point warned{};
};

Listener::Listener(EventLoop& loop, int socket) : state_(std::make_shared<State>(loop, socket)) {}

Listener::~Listener() { close(); }

void Listener::start(Accept accept) {
  state_->accept = std::move(accept);
  state_->accepting = true;
  if (!state_->waiting) state_->wait();
}

void Listener::pause() {
  state_->accepting = false;
  error_code ignored;
  if (state_->descriptor.is_open()) state_->descriptor.cancel(ignored);
}

int Listener::socket() const {
  return state_->descriptor.is_open() ? state_->descriptor.native_handle() : -1;
}

void Listener::close() {
  error_code ignored;
  state_->descriptor.close(ignored);
}

Result<ListeningAddress> listen(EventLoops& loops, const Address& address,
                                InheritedSockets* inherited) {
  ListeningAddress listening;
  listening.address = address;
  std::vector<Socket> sockets;
  if (inherited != nullptr) {
    for (const InheritedSockets::Socket& taken : inherited->take(address)) {
      listening.address = taken.address;
      sockets.emplace_back(taken.descriptor);
    }
  }
  const bool took = !sockets.empty();
  listening.sockets = took ? sockets.size() : loops.size();
  if (took) {
    for (std::size_t i = 0; sockets.size() < loops.size(); ++i) {
      const int shared = ::fcntl(sockets[i].get(), F_DUPFD_CLOEXEC, 0);
      if (shared < 0) return cannot_listen(address, errno);
      sockets.emplace_back(shared);
    }
  }
  while (sockets.size() < loops.size()) {
    Result<Socket> socket = open_listening(listening.address, sockets.empty());
    if (!socket) return pass(socket);
    sockets.push_back(std::move(*socket));
  }
  for (std::size_t i = 0; i < sockets.size(); ++i) {
    listening.listeners.push_back(
        std::make_unique<Listener>(loops[i % loops.size()], sockets[i].release()));
  }
  return listening;
}

}  // namespace visor::net
