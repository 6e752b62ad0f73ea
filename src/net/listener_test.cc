#include "net/listener.h"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <condition_variable>
#include <ctime>
#include <mutex>
#include <vector>

#include "base/log.h"

namespace visor::net {
namespace {

using namespace std::chrono_literals;

// Accepted sockets in a thread-safe basket.
struct Basket {
  std::mutex mutex;
  std::vector<int> sockets;
  std::condition_variable changed;
  ~Basket() {
    for (const int socket : sockets) ::close(socket);
  }
  Accept accept() {
    return [this](int socket, const Address&) {
      const std::lock_guard lock(mutex);
      sockets.push_back(socket);
      changed.notify_all();
    };
  }
  bool wait_for(std::size_t count) {
    std::unique_lock lock(mutex);
    return changed.wait_for(lock, 120s, [&] { return sockets.size() >= count; });
  }
};

int new_socket() { return ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0); }

void close_listeners(EventLoops& loops, ListeningAddress& listening) {
  for (std::size_t i = 0; i < loops.size(); ++i) {
    loops[i].post([listener = listening.listeners[i].get()] { listener->close(); });
  }
  loops.stop_and_join();
}

TEST(Listen, SharesAFreePortAmongTheLoopsButWithNobodyElse) {
  EventLoops loops(3);
  auto listening = listen(loops, *parse_address("127.0.0.1:0"));
  ASSERT_TRUE(listening) << listening.error().message;
  EXPECT_NE(listening->address.port(), 0);
  EXPECT_EQ(listening->listeners.size(), 3U);
  const auto again = listen(loops, listening->address);
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().code, Code::unavailable);
  EXPECT_TRUE(again.error().message.contains(listening->address.text())) << again.error().message;
  Address everywhere = *parse_address("*:0");
  everywhere.set_port(listening->address.port());
  EXPECT_FALSE(listen(loops, everywhere));
}

TEST(Listen, SaysWhenAnAddressIsNotThisMachines) {
  EventLoops loops(1);
  const auto listening = listen(loops, *parse_address("192.0.2.1:0"));
  ASSERT_FALSE(listening);
  EXPECT_TRUE(listening.error().message.starts_with("cannot listen on 192.0.2.1:0: no interface"))
      << listening.error().message;
}

TEST(Listen, AcceptsOverIPv6) {
  EventLoops loops(1);
  auto listening = listen(loops, *parse_address("[::1]:0"));
  if (!listening) GTEST_SKIP() << "no IPv6 here: " << listening.error().message;
  Basket basket;
  listening->listeners[0]->start(basket.accept());
  loops.start();
  const int socket = ::socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
  EXPECT_EQ(::connect(socket, listening->address.get(), listening->address.length), 0);
  EXPECT_TRUE(basket.wait_for(1));
  ::close(socket);
  close_listeners(loops, *listening);
}

TEST(Listener, PausesWithoutFileDescriptorsAndGoesOnAfterwards) {
#ifdef __has_feature
#if __has_feature(undefined_behavior_sanitizer)
  GTEST_SKIP() << "UBSan needs file descriptors of its own to check types; other builds show this";
#endif
#endif
  EventLoops loops(1);
  auto listening = listen(loops, *parse_address("127.0.0.1:0"));
  ASSERT_TRUE(listening);
  Basket basket;
  listening->listeners[0]->start(basket.accept());
  loops.start();
  // The client's socket is made before there are no more.
  const int socket = new_socket();
  // The pause is logged, which this test has no need to show.
  ASSERT_TRUE(log::configure({.level = log::Level::off}));
  rlimit before{};
  ::getrlimit(RLIMIT_NOFILE, &before);
  const int lowest_free = ::dup(socket);
  ::close(lowest_free);
  const rlimit none{static_cast<rlim_t>(lowest_free), before.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &none), 0);
  EXPECT_EQ(::connect(socket, listening->address.get(), listening->address.length), 0);
  const std::clock_t cpu_before = std::clock();
  {
    std::unique_lock lock(basket.mutex);
    EXPECT_FALSE(basket.changed.wait_for(lock, 350ms, [&] { return !basket.sockets.empty(); }));
  }
  // A loop that spun would have used all of that time.
  EXPECT_LT(std::clock() - cpu_before, CLOCKS_PER_SEC / 5);
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &before), 0);
  ASSERT_TRUE(log::configure({.level = log::Level::warning}));
  EXPECT_TRUE(basket.wait_for(1));
  ::close(socket);
  close_listeners(loops, *listening);
}

}  // namespace
}  // namespace visor::net
