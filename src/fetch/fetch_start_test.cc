#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <latch>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "fetch/fetch.h"
#include "support/test_fetcher.h"

namespace visor::fetch {
namespace {

/// The threads of this process that run transfers.
std::set<std::string> transfer_threads() {
  std::set<std::string> found;
  for (const auto& task : std::filesystem::directory_iterator("/proc/self/task")) {
    std::string name;
    std::getline(std::ifstream(task.path() / "comm"), name);
    if (name == "fetch") found.insert(task.path().filename());
  }
  return found;
}

/// Those that were not there before, since one that has been joined may show for a moment longer.
std::size_t threads_since(const std::set<std::string>& before) {
  auto now = transfer_threads();
  for (const auto& thread : before) now.erase(thread);
  return now.size();
}

ScriptedServer::Script greeting() {
  return ScriptedServer::answering(
      [](const std::string&) { return http_answer("200 OK", "hello"); });
}

TEST(FetcherStart, WaitsForTheFirstRequestThatTheGuardLetsPass) {
  ScriptedServer server(greeting());
  const auto before = transfer_threads();
  const auto fetcher = fetcher_for(server);
  EXPECT_EQ(get(*fetcher, "http://10.0.0.1/").error().code, Code::forbidden);
  EXPECT_EQ(threads_since(before), 0u);
  EXPECT_EQ(fetch(*fetcher, server.url("/")).value_or(""), "hello");
  EXPECT_EQ(threads_since(before), 1u);
}

TEST(FetcherStart, HappensOnceForAllThatComeFirst) {
  ScriptedServer server(greeting());
  const auto before = transfer_threads();
  const auto fetcher = fetcher_for(server);
  constexpr std::size_t kCallers = 8;
  std::latch together(kCallers);
  std::vector<Result<std::string>> answers(kCallers);
  {
    std::vector<std::jthread> callers;
    for (auto& answer : answers) {
      callers.emplace_back([&answer, &together, &fetcher, &server] {
        together.arrive_and_wait();
        answer = fetch(*fetcher, server.url("/"));
      });
    }
  }
  for (const auto& answer : answers) EXPECT_EQ(answer.value_or(""), "hello");
  EXPECT_EQ(threads_since(before), 1u);
}

TEST(FetcherStart, NeverHappensAfterAStop) {
  ScriptedServer server(greeting());
  const auto before = transfer_threads();
  const auto fetcher = fetcher_for(server);
  fetcher->stop();
  EXPECT_EQ(fetch(*fetcher, server.url("/")).error().code, Code::cancelled);
  EXPECT_EQ(threads_since(before), 0u);
  EXPECT_EQ(server.connections(), 0u);
}

TEST(FetcherStart, IsFollowedByAStopThatComesMeanwhile) {
  ScriptedServer server(greeting());
  for (int round = 0; round < 100; ++round) {
    const auto fetcher = fetcher_for(server);
    std::latch together(2);
    Result<std::string> answer;
    std::jthread caller([&] {
      together.arrive_and_wait();
      answer = fetch(*fetcher, server.url("/"));
    });
    together.arrive_and_wait();
    fetcher->stop();
    caller.join();
    if (!answer) {
      EXPECT_EQ(answer.error().code, Code::cancelled) << answer.error().where;
    } else {
      EXPECT_EQ(*answer, "hello");
    }
    EXPECT_EQ(fetch(*fetcher, server.url("/")).error().code, Code::cancelled);
  }
}

}  // namespace
}  // namespace visor::fetch
