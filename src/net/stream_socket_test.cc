#include "net/stream_socket.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cstddef>
#include <future>
#include <memory>
#include <string>
#include <vector>

#include "async/task.h"

namespace visor::net {
namespace {

// Sockets on one loop that all have much to move.
class TurnsTest : public testing::Test {
 protected:
  static constexpr std::size_t kSockets = 10;

  TurnsTest() {
    loop.start("test");
    on_loop([this] {
      for (std::size_t i = 0; i < kSockets; ++i) {
        std::array<int, 2> ends{-1, -1};
        EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends.data()),
                  0);
        sockets.push_back(std::make_unique<StreamSocket>(loop, ends[0]));
        other_ends.push_back(ends[1]);
      }
    });
  }
  ~TurnsTest() override {
    on_loop([this] { sockets.clear(); });
    loop.stop();
    loop.join();
    for (const int end : other_ends) ::close(end);
  }

  template <class Work>
  void on_loop(Work work) {
    std::promise<void> done;
    loop.post([&] {
      work();
      done.set_value();
    });
    done.get_future().get();
  }

  // Takes three turns, and writes them down.
  async::Task<void> take_turns(std::size_t number) {
    for (int i = 0; i < 3; ++i) {
      StreamSocket::Turn turn = sockets[number]->turn();
      co_await turn;
      story += std::to_string(number);
      if (number == 0 && i == 0) loop.post([this] { story += '!'; });
    }
    if (++finished == kSockets) all_finished.set_value();
  }

  async::Task<void> wait_once(std::size_t number) {
    StreamSocket::Turn turn = sockets[number]->turn();
    co_await turn;
  }

  EventLoop loop;
  std::vector<std::unique_ptr<StreamSocket>> sockets;
  std::vector<int> other_ends;
  std::string story;
  std::size_t finished = 0;
  std::promise<void> all_finished;
};

TEST_F(TurnsTest, GoRoundAndLetWhatArrivesWaitForNoMoreThanOne) {
  loop.post([this] {
    for (std::size_t i = 0; i < kSockets; ++i) async::detach(take_turns(i), "test");
  });
  all_finished.get_future().get();
  EXPECT_EQ(story, "01!2345678901234567890123456789");
}

TEST_F(TurnsTest, AreShorterTheMoreSocketsWait) {
  std::uint64_t alone = 0;
  std::uint64_t before_all = 0;
  on_loop([&] {
    alone = sockets[0]->turn_size();
    // Whoever it is that waits: ten for each of the sockets.
    for (std::size_t i = 0; i < 10 * kSockets; ++i) async::detach(wait_once(i % kSockets), "test");
    for (std::size_t i = 0; i < kSockets; ++i) async::detach(take_turns(i), "test");
    before_all = sockets[0]->turn_size();
  });
  all_finished.get_future().get();
  EXPECT_EQ(alone, StreamSocket::kLongestTurn);
  EXPECT_EQ(before_all, StreamSocket::kShortestTurn);
}

}  // namespace
}  // namespace visor::net
