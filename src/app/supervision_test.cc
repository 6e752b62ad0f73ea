#include "app/supervision.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <string>

namespace visor::app {
namespace {

// What a service manager would listen on, by path or abstract.
class Notifications : public ::testing::TestWithParam<bool> {
 protected:
  Notifications() {
    std::string pattern = (std::filesystem::temp_directory_path() / "visor-notify-XXXXXX").string();
    folder_ = ::mkdtemp(pattern.data());
    address_ = (GetParam() ? "@" : "") + folder_ + "/socket";
    sockaddr_un where{};
    where.sun_family = AF_UNIX;
    std::memcpy(where.sun_path, address_.data(), address_.size());
    if (GetParam()) where.sun_path[0] = '\0';
    socket_ = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    EXPECT_EQ(::bind(socket_, reinterpret_cast<sockaddr*>(&where),
                     static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + address_.size())),
              0);
    ::setenv("NOTIFY_SOCKET", address_.c_str(), 1);
  }
  ~Notifications() override {
    for (const char* name : {"NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"}) ::unsetenv(name);
    ::close(socket_);
    std::filesystem::remove_all(folder_);
  }
  // The next message, and the descriptor that came with it.
  std::string received(int& descriptor) {
    std::array<char, 512> text{};
    alignas(cmsghdr) std::array<char, 64> control{};
    iovec part{text.data(), text.size()};
    msghdr message{};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    message.msg_control = control.data();
    message.msg_controllen = control.size();
    const ssize_t count = ::recvmsg(socket_, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    descriptor = -1;
    if (const cmsghdr* header = CMSG_FIRSTHDR(&message); count >= 0 && header != nullptr) {
      std::memcpy(&descriptor, CMSG_DATA(header), sizeof descriptor);
    }
    return count < 0 ? std::string("nothing")
                     : std::string(text.data(), static_cast<std::size_t>(count));
  }

  std::string folder_;
  std::string address_;
  int socket_ = -1;
};

TEST_P(Notifications, ReachTheServiceManager) {
  const Supervision supervision = Supervision::from_environment(false);
  ASSERT_TRUE(supervision.present());
  supervision.tell("READY=1\nSTATUS=serving");
  int descriptor = -1;
  EXPECT_EQ(received(descriptor), "READY=1\nSTATUS=serving");
  EXPECT_EQ(descriptor, -1);
}

TEST_P(Notifications, CarryWhatIsToBeKept) {
  const Supervision supervision = Supervision::from_environment(false);
  supervision.keep(socket_, kept_name("[::1]:80"));
  int descriptor = -1;
  EXPECT_EQ(received(descriptor), "FDSTORE=1\nFDNAME=visor_[__1]_80");
  ASSERT_GE(descriptor, 0);
  ::close(descriptor);
  supervision.forget("x");
  EXPECT_EQ(received(descriptor), "FDSTOREREMOVE=1\nFDNAME=x");
}

INSTANTIATE_TEST_SUITE_P(Both, Notifications, ::testing::Bool());

TEST(Supervision, WithoutAServiceManagerTellsNobody) {
  ::unsetenv("NOTIFY_SOCKET");
  const Supervision supervision = Supervision::from_environment(false);
  EXPECT_FALSE(supervision.present());
  supervision.tell("READY=1");
  EXPECT_FALSE(supervision.watchdog());
}

TEST(Supervision, KnowsTheWatchdogThatIsMeantForThisProcess) {
  ::setenv("WATCHDOG_USEC", "3000000", 1);
  ::setenv("WATCHDOG_PID", std::to_string(::getpid()).c_str(), 1);
  EXPECT_EQ(Supervision::from_environment(false).watchdog(), std::chrono::seconds(3));
  ::setenv("WATCHDOG_PID", "1", 1);
  EXPECT_FALSE(Supervision::from_environment(false).watchdog());
  EXPECT_EQ(Supervision::from_environment(true).watchdog(), std::chrono::seconds(3));
  ::setenv("WATCHDOG_USEC", "never", 1);
  EXPECT_FALSE(Supervision::from_environment(true).watchdog());
  ::unsetenv("WATCHDOG_USEC");
  ::unsetenv("WATCHDOG_PID");
}

TEST(SocketsFromTheEnvironment, AreOnlyThoseMeantForThisProcess) {
  ::setenv("LISTEN_FDS", "1", 1);
  ::setenv("LISTEN_PID", "1", 1);
  EXPECT_TRUE(sockets_from_environment(false).left().empty());
  EXPECT_EQ(::getenv("LISTEN_FDS"), nullptr) << "programs run from here must not take them";
  ::setenv("LISTEN_FDS", "99999999999", 1);
  ::setenv("LISTEN_PID", std::to_string(::getpid()).c_str(), 1);
  EXPECT_TRUE(sockets_from_environment(false).left().empty());
}

TEST(Reloading, NamesTheTimeOfTheMonotonicClock) {
  EXPECT_TRUE(reloading_assignments().starts_with("RELOADING=1\nMONOTONIC_USEC="));
}

}  // namespace
}  // namespace visor::app
