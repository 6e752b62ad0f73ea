#include "server_process.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/wait.h>
#include <unistd.h>

#include <thread>

#include "client/test_folder.h"

namespace visor::command {
namespace {

using std::chrono::milliseconds;

TEST(AddressInLog, IsTheLastOneThatIsWholeWhateverTheFormOfTheLog) {
  EXPECT_EQ(address_in_log("x listening on http://127.0.0.1:4568 (native)\nmore\n"),
            "http://127.0.0.1:4568");
  EXPECT_EQ(address_in_log("{\"message\":\"listening on https://[::1]:99\"}\n"),
            "https://[::1]:99");
  EXPECT_EQ(address_in_log("listening on http://a:1 \nlistening on http://b:2\n"), "http://b:2");
  EXPECT_EQ(address_in_log("listening on http://127.0.0.1:45"), "");
  EXPECT_EQ(address_in_log("listening on http://a:1 (native)\nlistening on http://a:2 (glance)\n"),
            "http://a:1");
  EXPECT_EQ(address_in_log("listening on http://a:1 (native)\nlistening on http://b:1 (native)\n"),
            "http://b:1");
  EXPECT_EQ(address_in_log(""), "");
}

/// A child that holds the lock of a data folder, as a server does, until it is told to stop.
class Holder {
 public:
  Holder(const std::string& data, bool stubborn) {
    int ready[2];
    EXPECT_EQ(::pipe(ready), 0);
    process_ = ::fork();
    if (process_ == 0) {
      if (stubborn) ::signal(SIGTERM, SIG_IGN);
      const int lock = ::open((data + "/lock").c_str(), O_RDWR | O_CREAT, 0600);
      ::flock(lock, LOCK_EX);
      [[maybe_unused]] const auto wrote = ::write(ready[1], "x", 1);
      for (;;) ::pause();
    }
    char byte = 0;
    EXPECT_EQ(::read(ready[0], &byte, 1), 1);
    ::close(ready[0]);
    ::close(ready[1]);
  }
  ~Holder() {
    ::kill(process_, SIGKILL);
    ::waitpid(process_, nullptr, 0);
  }
  Holder(const Holder&) = delete;
  Holder& operator=(const Holder&) = delete;
  int process() const { return process_; }

 private:
  pid_t process_ = 0;
};

TEST(ServingProcess, IsNoneOfAFolderThatIsNotThereOrNotLocked) {
  const client::TestFolder folder;
  EXPECT_EQ(serving_process(folder.at("none")).value(), std::nullopt);
  // A crash leaves both files behind.
  folder.put("lock", "");
  folder.put("visord.pid", "1\n");
  EXPECT_EQ(serving_process(folder.at(".")).value(), std::nullopt);
}

TEST(ServingProcess, IsTheOneThatHoldsTheLock) {
  const client::TestFolder folder;
  const Holder holder(folder.at("."), false);
  EXPECT_FALSE(serving_process(folder.at("."))) << "it does not say which process it is";
  folder.put("visord.pid", std::to_string(holder.process()) + "\n");
  EXPECT_EQ(serving_process(folder.at(".")).value(), holder.process());
  EXPECT_TRUE(running_for(holder.process()));
  EXPECT_LT(running_for(holder.process())->count(), 600);
}

TEST(StopProcess, WaitsUntilTheProcessIsGone) {
  const client::TestFolder folder;
  const Holder holder(folder.at("."), false);
  EXPECT_TRUE(stop_process(holder.process(), std::chrono::minutes(2)));
}

TEST(StopProcess, SaysWhenTheDeadlinePassed) {
  const client::TestFolder folder;
  const Holder holder(folder.at("."), true);
  const auto stopped = stop_process(holder.process(), milliseconds(20));
  ASSERT_FALSE(stopped);
  EXPECT_EQ(stopped.error().code, Code::timeout);
  EXPECT_TRUE(stopped.error().message.contains(std::to_string(holder.process())));
}

TEST(RunningFor, IsNothingForAProcessThatIsGone) {
  const pid_t child = ::fork();
  if (child == 0) ::_exit(0);
  ::waitpid(child, nullptr, 0);
  EXPECT_EQ(running_for(child), std::nullopt);
}

}  // namespace
}  // namespace visor::command
