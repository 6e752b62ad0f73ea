#include "net/transport.h"

#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <cstring>
#include <future>
#include <string>

#include "net/event_loop.h"

namespace visor::net {
namespace {

using namespace std::chrono_literals;

// A transport at one end of a socket pair, and what a task on its loop made of it.
class TransportTest : public testing::Test {
 protected:
  TransportTest() {
    std::array<int, 2> ends{};
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends.data()), 0);
    other_end = ends[1];
    transport = tcp_transport(loop, ends[0], "peer");
    loop.start("test");
  }
  ~TransportTest() override {
    std::promise<void> gone;
    loop.post([&] {
      transport.reset();
      gone.set_value();
    });
    gone.get_future().get();
    loop.stop();
    loop.join();
    ::close(other_end);
  }

  template <class T>
  static async::Task<void> keep(async::Task<T> task, std::promise<T>& kept) {
    T value = co_await std::move(task);
    kept.set_value(std::move(value));
  }
  // Starts an operation on the loop.
  template <class T, class Make>
  std::future<T> begin(std::promise<T>& kept, Make make) {
    loop.post([&kept, make] { async::detach(keep<T>(make(), kept), "test"); });
    return kept.get_future();
  }
  std::future<Result<std::size_t>> read(std::promise<Result<std::size_t>>& kept) {
    return begin(kept, [this] { return transport->read(buffer); });
  }

  EventLoop loop;
  int other_end = -1;
  std::unique_ptr<Transport> transport;
  std::array<std::byte, 64> buffer{};
};

TEST_F(TransportTest, ReadsWhatArrivesAndThenTheEnd) {
  std::promise<Result<std::size_t>> first;
  auto arriving = read(first);
  ASSERT_EQ(::send(other_end, "hello", 5, 0), 5);
  EXPECT_EQ(arriving.get().value_or(99), 5U);
  EXPECT_EQ(std::memcmp(buffer.data(), "hello", 5), 0);
  ::shutdown(other_end, SHUT_WR);
  std::promise<Result<std::size_t>> second;
  EXPECT_EQ(read(second).get().value_or(99), 0U);
  EXPECT_EQ(transport->bytes_received(), 5U);
}

TEST_F(TransportTest, FailsAWaitingOperationAtItsDeadlineAndGoesOnAfterwards) {
  std::promise<Result<std::size_t>> late;
  auto reading = begin(late, [this] {
    transport->set_deadline(std::chrono::steady_clock::now() + 1h);
    transport->set_deadline(std::chrono::steady_clock::now() + 20ms);
    return transport->read(buffer);
  });
  const auto result = reading.get();
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, Code::timeout);

  std::promise<Result<std::size_t>> in_time;
  auto again = begin(in_time, [this] {
    transport->clear_deadline();
    return transport->read(buffer);
  });
  ASSERT_EQ(::send(other_end, "x", 1, 0), 1);
  EXPECT_EQ(again.get().value_or(99), 1U);
}

TEST_F(TransportTest, MovesADeadlineAwayCheaplyButKeepsIt) {
  std::promise<Result<std::size_t>> kept;
  const auto began = std::chrono::steady_clock::now();
  auto reading = begin(kept, [this] {
    transport->set_deadline(std::chrono::steady_clock::now() + 10ms);
    transport->set_deadline(std::chrono::steady_clock::now() + 80ms);
    return transport->read(buffer);
  });
  const auto result = reading.get();
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, Code::timeout);
  EXPECT_GE(std::chrono::steady_clock::now() - began, 80ms);
}

TEST_F(TransportTest, EndsAWaitingOperationWhenItIsCancelled) {
  std::promise<Result<std::size_t>> kept;
  auto reading = read(kept);
  loop.post([this] { transport->cancel(); });
  const auto result = reading.get();
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, Code::cancelled);
}

TEST_F(TransportTest, WaitsWithoutABuffer) {
  std::promise<bool> kept;
  auto readable = begin(kept, [this] { return transport->wait_readable(); });
  ASSERT_EQ(::send(other_end, "x", 1, 0), 1);
  EXPECT_TRUE(readable.get());
}

TEST_F(TransportTest, WaitsNoLongerThanItsDeadline) {
  std::promise<bool> kept;
  auto readable = begin(kept, [this] {
    transport->set_deadline(std::chrono::steady_clock::now() + 20ms);
    return transport->wait_readable();
  });
  EXPECT_FALSE(readable.get());
}

TEST_F(TransportTest, WritesAllOfItsBuffersToASlowReader) {
  const std::string one(300'000, '1');
  const std::string two(500'000, '2');
  const std::array<ConstBuffer, 4> buffers{std::as_bytes(std::span(one)), ConstBuffer(),
                                           std::as_bytes(std::span(two)), ConstBuffer()};
  std::promise<Result<void>> kept;
  auto writing = begin(kept, [&] { return transport->write(buffers, false); });
  std::string received;
  while (received.size() < one.size() + two.size()) {
    pollfd readable{other_end, POLLIN, 0};
    ASSERT_EQ(::poll(&readable, 1, 120'000), 1);
    char part[1000];
    const ssize_t count = ::recv(other_end, part, sizeof part, 0);
    ASSERT_GT(count, 0);
    received.append(part, static_cast<std::size_t>(count));
  }
  EXPECT_TRUE(writing.get());
  EXPECT_EQ(received, one + two);
  EXPECT_EQ(transport->bytes_sent(), received.size());
}

TEST_F(TransportTest, FailsInsteadOfRaisingASignalWhenThePeerIsGone) {
  ::shutdown(other_end, SHUT_RDWR);
  const std::string text(100, 'x');
  const std::array<ConstBuffer, 1> buffers{std::as_bytes(std::span(text))};
  std::promise<Result<void>> kept;
  const auto result = begin(kept, [&] { return transport->write(buffers, false); }).get();
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, Code::cancelled);
}

TEST_F(TransportTest, SendsAFileAndSaysIfItWasShorter) {
  std::string path = "/tmp/visor-net-XXXXXX";
  const int file = ::mkstemp(path.data());
  ::unlink(path.c_str());
  ASSERT_EQ(::write(file, "0123456789", 10), 10);
  const async::FileRange range{file, 4, 100};
  std::promise<Result<std::uint64_t>> kept;
  EXPECT_EQ(begin(kept, [&] { return transport->send_file(range); }).get().value_or(99), 6U);
  char received[16];
  EXPECT_EQ(::recv(other_end, received, sizeof received, 0), 6);
  EXPECT_EQ(std::string_view(received, 6), "456789");
  ::close(file);
}

}  // namespace
}  // namespace visor::net
