#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <thread>

#include "latencies.h"
#include "loads.h"

namespace bench {
namespace {

using namespace std::chrono_literals;

pid_t launch(const std::vector<std::string>& command) {
  std::vector<char*> arguments;
  for (const std::string& argument : command) {
    arguments.push_back(const_cast<char*>(argument.c_str()));
  }
  arguments.push_back(nullptr);
  const pid_t child = ::fork();
  if (child != 0) return child;
  ::prctl(PR_SET_PDEATHSIG, SIGTERM);
  // What the server prints must not mix with the result.
  ::dup2(STDERR_FILENO, STDOUT_FILENO);
  ::execvp(arguments[0], arguments.data());
  std::perror(arguments[0]);
  ::_exit(127);
}

void end(pid_t child) {
  ::kill(child, SIGTERM);
  for (int tenths = 0; tenths < 200; ++tenths) {
    if (::waitpid(child, nullptr, WNOHANG) == child) return;
    std::this_thread::sleep_for(100ms);
  }
  ::kill(child, SIGKILL);
  ::waitpid(child, nullptr, 0);
}

}  // namespace

int run_start(const Target& target, const std::vector<std::string>& command) {
  const auto begin = Clock::now();
  const pid_t child = launch(command);
  if (child < 0) return 1;
  while (seconds_since(begin) < 60) {
    auto connection = Connection::open(target);
    if (connection && exchange(*connection, target.heads.front()) == 200) {
      std::printf("{\"seconds\": %.6f}\n", seconds_since(begin));
      end(child);
      return 0;
    }
    std::this_thread::sleep_for(100us);
  }
  std::fprintf(stderr, "bench_load: %s did not answer within a minute\n", command[0].c_str());
  end(child);
  return 1;
}

}  // namespace bench
