// Preloaded into servers and clients that are compared: their TCP connections all use the
// congestion control that BENCH_CONGESTION names. The one that a system sets by default costs some
// servers more than others, and a network namespace of one's own can't be given another than that
// one everywhere.
#include <dlfcn.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace {

void choose_congestion(int socket) {
  const char* name = std::getenv("BENCH_CONGESTION");
  int type = 0;
  socklen_t length = sizeof type;
  sockaddr_storage address{};
  socklen_t address_length = sizeof address;
  if (name == nullptr || ::getsockopt(socket, SOL_SOCKET, SO_TYPE, &type, &length) != 0 ||
      type != SOCK_STREAM ||
      ::getsockname(socket, reinterpret_cast<sockaddr*>(&address), &address_length) != 0 ||
      (address.ss_family != AF_INET && address.ss_family != AF_INET6)) {
    return;
  }
  if (::setsockopt(socket, IPPROTO_TCP, TCP_CONGESTION, name,
                   static_cast<socklen_t>(std::strlen(name))) != 0) {
    std::fprintf(stderr, "bench_congestion: %s can't be set\n", name);
  }
}

template <typename Call>
Call next_in_line(const char* name) {
  return reinterpret_cast<Call>(::dlsym(RTLD_NEXT, name));
}

}  // namespace

// Connections that a listener accepts inherit its congestion control.
extern "C" int listen(int socket, int backlog) noexcept {
  static const auto call = next_in_line<int (*)(int, int)>("listen");
  choose_congestion(socket);
  return call(socket, backlog);
}

extern "C" int connect(int socket, const sockaddr* address, socklen_t length) {
  static const auto call = next_in_line<int (*)(int, const sockaddr*, socklen_t)>("connect");
  choose_congestion(socket);
  return call(socket, address, length);
}
