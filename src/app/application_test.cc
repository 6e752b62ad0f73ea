#include "app/application.h"

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <string>

namespace visor::app {
namespace {

class Starts : public ::testing::Test {
 protected:
  Starts() {
    std::string pattern =
        (std::filesystem::temp_directory_path() / "visor-application-XXXXXX").string();
    if (::mkdtemp(pattern.data()) != nullptr) configuration_.data = pattern;
    configuration_.listeners[0].address.port = 0;
  }
  ~Starts() override { std::filesystem::remove_all(configuration_.data); }

  auto start() {
    return Application::start(configuration_, [this](const Application::FirstAdministrator& made) {
      ++told_;
      EXPECT_FALSE(made.secret.empty());
    });
  }

  Configuration configuration_;
  int told_ = 0;
};

TEST_F(Starts, TellTheFirstSecretOnce) {
  ASSERT_TRUE(start().has_value());
  EXPECT_EQ(told_, 1);
  ASSERT_TRUE(start().has_value());
  EXPECT_EQ(told_, 1);
}

TEST_F(Starts, ThatFailLaterHaveToldTheSecretThatTheyStored) {
  const int taken = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof(address);
  ASSERT_EQ(::bind(taken, reinterpret_cast<sockaddr*>(&address), size), 0);
  ASSERT_EQ(::listen(taken, 1), 0);
  ASSERT_EQ(::getsockname(taken, reinterpret_cast<sockaddr*>(&address), &size), 0);
  configuration_.listeners[0].address.port = ntohs(address.sin_port);
  const auto failed = start();
  ::close(taken);
  ASSERT_FALSE(failed.has_value());
  EXPECT_EQ(told_, 1) << "or nobody could ever sign in";
}

TEST_F(Starts, OnAFolderThatIsServedAlreadyAreRefusedWithTheOthersProcessId) {
  const auto first = start();
  ASSERT_TRUE(first.has_value());
  const auto second = start();
  ASSERT_FALSE(second.has_value());
  EXPECT_NE(second.error().message.find(std::to_string(::getpid())), std::string::npos);
}

TEST_F(Starts, WithoutTheMasterKeyOfTheirAccountsAreRefused) {
  ASSERT_TRUE(start().has_value());
  std::filesystem::remove(configuration_.data + "/master.key");
  const auto locked_out = start();
  ASSERT_FALSE(locked_out.has_value());
  EXPECT_NE(locked_out.error().message.find("master key"), std::string::npos);
}

}  // namespace
}  // namespace visor::app
