#include "net/inherited_sockets.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

namespace visor::net {
namespace {

int listening(const char* where) {
  Address address = *parse_address(where);
  const int socket = ::socket(address.family(), SOCK_STREAM | SOCK_CLOEXEC, 0);
  const int on = 1;
  ::setsockopt(socket, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on);
  EXPECT_EQ(::bind(socket, address.get(), address.length), 0);
  EXPECT_EQ(::listen(socket, 8), 0);
  return socket;
}

bool is_open(int descriptor) { return ::fcntl(descriptor, F_GETFD) >= 0; }

TEST(InheritedSockets, AreFoundByTheirAddress) {
  InheritedSockets sockets;
  const int first = listening("127.0.0.1:0");
  ASSERT_TRUE(sockets.add(first, "one"));
  const Address where = sockets.left().front().address;
  const int second = listening(where.text().c_str());
  ASSERT_TRUE(sockets.add(second, "two"));
  ASSERT_TRUE(sockets.add(listening("127.0.0.1:0"), "other"));
  const auto taken = sockets.take(where);
  ASSERT_EQ(taken.size(), 2U) << "clients wait on both";
  for (const auto& socket : taken) ::close(socket.descriptor);
  ASSERT_EQ(sockets.left().size(), 1U);
  EXPECT_EQ(sockets.left().front().name, "other");
  EXPECT_TRUE(sockets.take(where).empty());
}

TEST(InheritedSockets, OfAnyPortAreThoseOfOnePort) {
  InheritedSockets sockets;
  ASSERT_TRUE(sockets.add(listening("127.0.0.1:0"), "a"));
  ASSERT_TRUE(sockets.add(listening("127.0.0.1:0"), "b"));
  const auto taken = sockets.take(*parse_address("127.0.0.1:0"));
  ASSERT_EQ(taken.size(), 1U);
  ::close(taken.front().descriptor);
  EXPECT_TRUE(sockets.take(*parse_address("[::1]:0")).empty());
}

TEST(InheritedSockets, DoNotBlockAndAreNotPassedOnByAccident) {
  InheritedSockets sockets;
  const int socket = listening("127.0.0.1:0");
  ::fcntl(socket, F_SETFD, 0);
  ASSERT_TRUE(sockets.add(socket, ""));
  EXPECT_TRUE(::fcntl(socket, F_GETFL) & O_NONBLOCK);
  EXPECT_EQ(::fcntl(socket, F_GETFD), FD_CLOEXEC);
}

TEST(InheritedSockets, ThatNobodyTakesAreClosed) {
  int socket = -1;
  {
    InheritedSockets sockets;
    socket = listening("127.0.0.1:0");
    ASSERT_TRUE(sockets.add(socket, ""));
    InheritedSockets moved(std::move(sockets));
    EXPECT_TRUE(is_open(socket));
  }
  EXPECT_FALSE(is_open(socket));
}

TEST(InheritedSockets, ThatDoNotListenAreRefusedAndClosed) {
  InheritedSockets sockets;
  const int plain = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const auto added = sockets.add(plain, "plain");
  ASSERT_FALSE(added);
  EXPECT_TRUE(added.error().message.contains("'plain'"));
  EXPECT_FALSE(is_open(plain));
  const int file = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
  EXPECT_FALSE(sockets.add(file, "file"));
}

TEST(InheritedSockets, ThatComeTwiceAreTakenOnce) {
  InheritedSockets sockets;
  const int socket = listening("127.0.0.1:0");
  const int again = ::fcntl(socket, F_DUPFD_CLOEXEC, 0);
  ASSERT_TRUE(sockets.add(socket, "opened"));
  ASSERT_TRUE(sockets.add(again, "kept"));
  EXPECT_EQ(sockets.left().size(), 1U);
  EXPECT_FALSE(is_open(again));
}

}  // namespace
}  // namespace visor::net
