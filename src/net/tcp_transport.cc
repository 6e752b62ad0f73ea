#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

#include "net/address.h"
#include "net/stream_socket.h"
#include "net/transport.h"

namespace visor::net {
namespace {

using State = StreamSocket::State;

class TcpTransport final : public Transport {
 public:
  TcpTransport(EventLoop& loop, int socket, std::string peer_address)
      : socket_(loop, socket), peer_(std::move(peer_address)) {}

  async::Task<Result<std::size_t>> read(std::span<std::byte> into) override {
    while (true) {
      if (auto ended = socket_.ended_state(); ended != State::open) {
        co_return socket_.failure(ended, "read");
      }
      if (socket_.turn_is_over()) {
        StreamSocket::Turn turn = socket_.turn();
        co_await turn;
      }
      const ssize_t count = ::recv(socket_.get(), into.data(), into.size(), 0);
      if (count >= 0) {
        received_ += static_cast<std::uint64_t>(count);
        socket_.moved(static_cast<std::uint64_t>(count));
        co_return static_cast<std::size_t>(count);
      }
      if (errno == EINTR) continue;
      if (!socket_.would_block(errno)) co_return socket_.system_failure(errno, "read");
      StreamSocket::Wait readable = socket_.readable();
      const State state = co_await readable;
      if (state != State::open) co_return socket_.failure(state, "read");
    }
  }

  async::Task<bool> wait_readable() override {
    StreamSocket::Wait readable = socket_.readable();
    const State state = co_await readable;
    co_return state == State::open;
  }

  async::Task<Result<void>> write(std::span<const ConstBuffer> buffers,
                                  bool more_follows) override {
    const int flags = MSG_NOSIGNAL | (more_follows ? MSG_MORE : 0);
    std::size_t offset = 0;  // sent of the first buffer that is not sent yet
    while (true) {
      while (!buffers.empty() && offset == buffers.front().size()) {
        buffers = buffers.subspan(1);
        offset = 0;
      }
      if (buffers.empty()) co_return Result<void>{};
      if (auto ended = socket_.ended_state(); ended != State::open) {
        co_return socket_.failure(ended, "write");
      }
      if (socket_.turn_is_over()) {
        StreamSocket::Turn turn = socket_.turn();
        co_await turn;
      }
      const ssize_t count = send_some(buffers, offset, flags);
      if (count < 0) {
        if (errno == EINTR) continue;
        if (!socket_.would_block(errno)) co_return socket_.system_failure(errno, "write");
        StreamSocket::Wait writable = socket_.writable();
        const State state = co_await writable;
        if (state != State::open) co_return socket_.failure(state, "write");
        continue;
      }
      auto left = static_cast<std::size_t>(count);
      sent_ += left;
      socket_.moved(left);
      while (left > 0) {
        const std::size_t step = std::min(left, buffers.front().size() - offset);
        offset += step;
        left -= step;
        if (offset == buffers.front().size()) {
          buffers = buffers.subspan(1);
          offset = 0;
        }
      }
    }
  }

  async::Task<Result<std::uint64_t>> send_file(async::FileRange range) override {
    auto offset = static_cast<off_t>(range.offset);
    std::uint64_t left = range.length;
    while (left > 0) {
      if (auto ended = socket_.ended_state(); ended != State::open) {
        co_return socket_.failure(ended, "send_file");
      }
      if (socket_.turn_is_over()) {
        StreamSocket::Turn turn = socket_.turn();
        co_await turn;
      }
      const ssize_t count =
          ::sendfile(socket_.get(), range.descriptor, &offset,
                     static_cast<std::size_t>(std::min(left, socket_.turn_size())));
      if (count < 0) {
        if (errno == EINTR) continue;
        if (!socket_.would_block(errno)) co_return socket_.system_failure(errno, "send_file");
        StreamSocket::Wait writable = socket_.writable();
        const State state = co_await writable;
        if (state != State::open) co_return socket_.failure(state, "send_file");
        // So that those who have just asked go before those who have got much already.
        StreamSocket::Turn turn = socket_.turn();
        co_await turn;
        continue;
      }
      if (count == 0) break;
      left -= static_cast<std::uint64_t>(count);
      sent_ += static_cast<std::uint64_t>(count);
      socket_.moved(static_cast<std::uint64_t>(count));
    }
    co_return range.length - left;
  }

  void set_deadline(SteadyTime time) override { socket_.set_deadline(time); }
  void clear_deadline() override { socket_.clear_deadline(); }
  void cancel() override { socket_.cancel(); }
  async::Task<Result<void>> shutdown_send() override {
    socket_.shutdown_send();
    co_return Result<void>{};
  }
  void close() override { socket_.close(); }
  void abort() override { socket_.abort(); }

  const std::string& peer_address() const override { return peer_; }
  std::string local_address() const override {
    return local_address_of(const_cast<StreamSocket&>(socket_).get());
  }
  bool secure() const override { return false; }
  std::uint64_t bytes_received() const override { return received_; }
  std::uint64_t bytes_sent() const override { return sent_; }

 private:
  ssize_t send_some(std::span<const ConstBuffer> buffers, std::size_t offset, int flags) {
    std::array<iovec, 8> parts;
    std::size_t count = 0;
    for (const ConstBuffer& buffer : buffers) {
      if (count == parts.size()) break;
      const ConstBuffer rest = count == 0 ? buffer.subspan(offset) : buffer;
      if (rest.empty()) continue;
      parts[count++] = {const_cast<std::byte*>(rest.data()), rest.size()};
    }
    msghdr message{};
    message.msg_iov = parts.data();
    message.msg_iovlen = count;
    return ::sendmsg(socket_.get(), &message, flags);
  }

  StreamSocket socket_;
  std::uint64_t received_ = 0;
  std::uint64_t sent_ = 0;
  std::string peer_;
};

}  // namespace

std::unique_ptr<Transport> tcp_transport(EventLoop& loop, int socket, std::string peer_address) {
  return std::make_unique<TcpTransport>(loop, socket, std::move(peer_address));
}

}  // namespace visor::net
