#include "net/stream_socket.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

namespace visor::net {

StreamSocket::StreamSocket(EventLoop& loop, int socket)
    : core_(loop.core()), descriptor_(core_.context.get_executor()), deadline_node_(*this) {
  error_code error;
  descriptor_.assign(socket, error);
  if (error) {
    ::close(socket);
    throw boost::system::system_error(error, "net.watch_socket");
  }
  const int on = 1;
  ::setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

void StreamSocket::Wait::await_suspend(std::coroutine_handle<> handle) {
  socket.turn_ = 0;
  socket.waiting_ = handle;
  socket.descriptor_.async_wait(
      type, [&waited = socket](error_code) { std::exchange(waited.waiting_, {}).resume(); });
}

void StreamSocket::Turn::await_suspend(std::coroutine_handle<> handle) {
  socket.turn_ = 0;
  socket.core_.wait_for_turn(handle);
}

// The armed time is left where it is when the deadline moves away: it goes off too early then,
// finds that out, and is set anew. So the deadlines of a busy connection cost an assignment.
void StreamSocket::set_deadline(SteadyTime time) {
  deadline_ = time;
  expired_ = false;
  if (!deadline_node_.armed() || time < deadline_node_.time()) core_.arm(deadline_node_, time);
}

void StreamSocket::clear_deadline() {
  deadline_ = SteadyTime::max();
  expired_ = false;
}

void StreamSocket::fired(Deadlines::Node& node) {
  StreamSocket& self = static_cast<DeadlineNode&>(node).owner;
  if (self.deadline_ == SteadyTime::max()) return;
  if (self.deadline_ > std::chrono::steady_clock::now()) {
    self.core_.arm(node, self.deadline_);
    return;
  }
  self.expired_ = true;
  self.wake();
}

void StreamSocket::cancel() {
  cancelled_ = true;
  wake();
}

void StreamSocket::wake() {
  if (!waiting_) return;
  error_code ignored;
  descriptor_.cancel(ignored);
}

void StreamSocket::shutdown_send() {
  if (descriptor_.is_open()) ::shutdown(descriptor_.native_handle(), SHUT_WR);
}

void StreamSocket::close() {
  error_code ignored;
  descriptor_.close(ignored);
}

void StreamSocket::abort() {
  if (!descriptor_.is_open()) return;
  const linger at_once{1, 0};
  ::setsockopt(descriptor_.native_handle(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
  close();
}

bool StreamSocket::would_block(int error) { return error == EAGAIN || error == EWOULDBLOCK; }

std::unexpected<Error> StreamSocket::failure(State state, const char* operation) {
  switch (state) {
    case State::timeout:
      return fail(Code::timeout, "the client took too long", std::string("net.") + operation);
    case State::cancelled:
      return fail(Code::cancelled, "the server is closing this connection",
                  std::string("net.") + operation);
    default:
      return fail(Code::cancelled, "the connection is closed", std::string("net.") + operation);
  }
}

std::unexpected<Error> StreamSocket::system_failure(int error, const char* operation) {
  if (error == ECONNRESET || error == EPIPE || error == ENOTCONN || error == ETIMEDOUT ||
      error == EHOSTUNREACH || error == ENETUNREACH || error == ECONNABORTED) {
    return fail(Code::cancelled, "the client closed the connection",
                std::string("net.") + operation + " errno=" + std::to_string(error));
  }
  return fail_errno(error, "use the connection", std::string("net.") + operation);
}

}  // namespace visor::net
