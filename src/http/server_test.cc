#include "http/server.h"

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <fstream>
#include <thread>

#include "http/test_server.h"

namespace visor::http {
namespace {

// Where a client has to keep a limit up to a point, that is some seconds: it must be able to
// although the machine is busy with other things.
class TimeLimits : public ServerTest {
 protected:
  TimeLimits() { limits.linger_timeout = 150ms; }
};

TEST_F(TimeLimits, EndAHeadThatArrivesTooSlowly) {
  limits.head_timeout = 5s;
  start();
  TestClient peer = client();
  peer.send("GET /small HTTP/1.1\r\nHo");
  const Answer answer = peer.answer();
  EXPECT_EQ(answer.status, 408);
  EXPECT_TRUE(peer.ended());
}

TEST_F(TimeLimits, AreNotMovedByEachByteOfAHead) {
  limits.head_timeout = 5s;
  start();
  TestClient peer = client();
  const auto began = std::chrono::steady_clock::now();
  const auto passed = [&] { return std::chrono::steady_clock::now() - began; };
  peer.send("GET /small HTTP/1.1\r\nHost: ");
  // Bytes for twenty times the limit, each long before it would be over if the last one counted.
  while (done.count() == 0 && passed() < 100s && peer.send("x")) ::poll(nullptr, 0, 20);
  EXPECT_LT(passed(), 100s);
  ASSERT_TRUE(done.wait_for(1));
  EXPECT_TRUE(log().front().contains(" 408 in 0")) << log().front();
}

TEST_F(TimeLimits, EndAConnectionThatSaysNothing) {
  limits.idle_timeout = 5s;
  limits.head_timeout = 5s;
  start();
  TestClient silent = client();
  TestClient idle = client();
  EXPECT_EQ(idle.ask(get("/small")).status, 200);
  EXPECT_TRUE(silent.ended());
  EXPECT_TRUE(idle.ended());
  EXPECT_EQ(handler.refused.count(), 0);
}

TEST_F(TimeLimits, EndABodyThatArrivesTooSlowly) {
  limits.receive = {1'000'000, 150ms};
  start();
  TestClient peer = client();
  peer.send(put("/echo", 10) + "abc");
  const Answer answer = peer.answer();
  EXPECT_EQ(answer.status, 408);
  EXPECT_EQ(answer.body, "the request's body arrives too slowly");
  EXPECT_TRUE(peer.ended());
}

TEST_F(TimeLimits, DoNotCountTheHandlersTimeAgainstTheClient) {
  limits.receive = {1'000'000, 1s};
  handler.acts["/late"] = [this](Request& request) -> async::Task<Response> {
    arrived.add();
    async::sleep_for longer_than_a_window(2'100ms);
    co_await longer_than_a_window;
    Door::Awaiter rest_sent = door.pass();
    co_await rest_sent;
    async::Task<Response> echo = TestHandler::echo(request);
    Response response = co_await std::move(echo);
    co_return response;
  };
  start();
  TestClient peer = client();
  peer.send(put("/late", 6) + "abc");
  ASSERT_TRUE(arrived.wait_for(1));
  peer.send("def");
  door.open();
  EXPECT_EQ(peer.answer().body, "abcdef");
}

TEST_F(TimeLimits, EndAnAnswerThatNobodyReads) {
  limits.send = {1'000'000, 150ms};
  Tally gone;
  handler.acts["/huge"] = [&](Request&) {
    return TestHandler::source_response(
        std::make_unique<PatternSource>(1ull << 40, 1ull << 40, false, &gone));
  };
  start();
  TestClient peer = client(4096);
  peer.send(get("/huge"));
  ASSERT_TRUE(gone.wait_for(1));
  ASSERT_TRUE(done.wait_for(1));
  EXPECT_EQ(log().front(), "GET /huge 200 in 0 broken");
  EXPECT_LT(peer.drop_all(), 1ull << 30);
  EXPECT_TRUE(peer.reset_seen());
}

TEST_F(TimeLimits, LetAReaderGoOnWhoIsFastEnough) {
  limits.send = {10'000, 2s};
  const std::uint64_t size = 2 << 20;
  handler.acts["/large"] = [=](Request&) {
    return TestHandler::source_response(std::make_unique<PatternSource>(size, size, false));
  };
  start();
  TestClient peer = client(8192);
  peer.read_slowly(20ms);
  const Answer answer = peer.ask(get("/large"));
  EXPECT_TRUE(answer.whole);
  EXPECT_EQ(answer.body.size(), size);
}

class ServerLife : public ServerTest {};

TEST_F(ServerLife, SurvivesClientsThatGoAwayAtAnyByte) {
  start();
  const std::string request = put("/echo", 20, "X-Field: value\r\n") + "01234567890123456789";
  for (std::size_t size = 0; size <= request.size(); ++size) {
    TestClient leaving = client();
    leaving.send(std::string_view(request).substr(0, size));
    leaving.close();
    TestClient resetting = client();
    resetting.send(std::string_view(request).substr(0, size));
    resetting.reset();
    TestClient half = client();
    half.send(std::string_view(request).substr(0, size));
    half.finish_sending();
    half.drop_all();
  }
  TestClient peer = client();
  EXPECT_EQ(peer.ask(get("/small")).body, "small");
  peer.close();
  server->stop(10s);
  EXPECT_EQ(server->connections(), 0U);
}

TEST_F(ServerLife, StopsAtOnceWhenAllConnectionsAreIdle) {
  start(2);
  TestClient fresh = client();
  TestClient idle = client();
  EXPECT_EQ(idle.ask(get("/small")).status, 200);
  const auto began = std::chrono::steady_clock::now();
  server->stop(20s);
  EXPECT_LT(std::chrono::steady_clock::now() - began, 10s);
  EXPECT_TRUE(idle.ended());
  EXPECT_TRUE(fresh.drop_all() == 0);
  EXPECT_FALSE(TestClient(server->addresses().front()).connected());
}

TEST_F(ServerLife, FinishesRequestsThatAreUnderWayBeforeItStops) {
  start();
  TestClient idle = client();
  EXPECT_EQ(idle.ask(get("/small")).status, 200);
  TestClient peer = client();
  peer.send(get("/door") + get("/small"));
  ASSERT_TRUE(arrived.wait_for(1));
  std::thread stopping([&] { server->stop(20s); });
  // Its end tells that the server stops; then the request may end.
  EXPECT_TRUE(idle.ended());
  door.open();
  const Answer answer = peer.answer();
  EXPECT_EQ(answer.body, "through");
  EXPECT_EQ(answer.field("connection"), "close");
  peer.close();
  stopping.join();
  EXPECT_EQ(server->connections(), 0U);
}

TEST_F(ServerLife, CancelsTransfersThatAreNotDoneInTime) {
  Tally gone;
  handler.acts["/huge"] = [&](Request&) {
    return TestHandler::source_response(
        std::make_unique<PatternSource>(1ull << 40, 1ull << 40, false, &gone));
  };
  start();
  TestClient downloading = client(4096);
  downloading.send(get("/huge"));
  TestClient uploading = client();
  uploading.send(put("/echo", 100) + "abc");
  EXPECT_EQ(downloading.answer(true).status, 200);
  server->stop(50ms);
  EXPECT_EQ(gone.count(), 1);
  EXPECT_EQ(server->connections(), 0U);
}

TEST_F(ServerLife, MakesRoomForANewConnectionByClosingTheLongestIdle) {
  limits.connections = 2;
  start();
  TestClient first = client();
  EXPECT_EQ(first.ask(get("/small")).status, 200);
  TestClient second = client();
  EXPECT_EQ(second.ask(get("/small")).status, 200);
  TestClient third = client();
  EXPECT_EQ(third.ask(get("/small")).status, 200);
  EXPECT_TRUE(first.ended());
  EXPECT_EQ(second.ask(get("/small")).status, 200);
}

TEST_F(ServerLife, TurnsConnectionsAwayWhenNoneIsIdle) {
  limits.connections = 1;
  start();
  TestClient busy = client();
  busy.send(get("/door"));
  ASSERT_TRUE(arrived.wait_for(1));
  TestClient other = client();
  const Answer answer = other.answer();
  EXPECT_EQ(answer.status, 503);
  EXPECT_EQ(answer.field("retry-after"), "1");
  EXPECT_TRUE(answer.body.contains("as many connections as it takes")) << answer.body;
  EXPECT_TRUE(other.ended());
  door.open();
  EXPECT_EQ(busy.answer().body, "through");
}

TEST_F(ServerLife, CapsConnectionsFromOneAddress) {
  limits.connections_per_address = 2;
  limits.count_loopback = true;
  start();
  TestClient first = client();
  EXPECT_EQ(first.ask(get("/small")).status, 200);
  {
    TestClient second = client();
    EXPECT_EQ(second.ask(get("/small")).status, 200);
    TestClient third = client();
    EXPECT_EQ(third.answer().status, 503);
    second.ask("GET /small HTTP/1.1\r\nHost: t\r\nConnection: close\r\n\r\n");
    EXPECT_TRUE(second.ended());
  }
  // The place is free as soon as the server has closed its end.
  while (server->connections() > 1) std::this_thread::yield();
  EXPECT_EQ(client().ask(get("/small")).status, 200);
}

TEST_F(ServerLife, RefusesRequestsBeyondThoseItMayHaveAtOnce) {
  limits.requests_at_once = 1;
  start();
  TestClient busy = client();
  busy.send(get("/door"));
  ASSERT_TRUE(arrived.wait_for(1));
  TestClient other = client();
  const Answer answer = other.ask(get("/small"));
  EXPECT_EQ(answer.status, 503);
  // When to come back is the handler's to say, and it is said once.
  EXPECT_EQ(answer.field("retry-after"), "7");
  door.open();
  EXPECT_EQ(busy.answer().body, "through");
  EXPECT_EQ(client().ask(get("/small")).status, 200);
}

TEST_F(ServerLife, ServesAThousandConnectionsAtOnce) {
  // Both ends of each lie in this process.
  rlimit descriptors{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &descriptors), 0);
  descriptors.rlim_cur = descriptors.rlim_max;
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &descriptors), 0);
  start(2);
  std::vector<TestClient> clients;
  for (int i = 0; i < 1000; ++i) clients.push_back(client());
  for (TestClient& peer : clients) peer.send(get("/door"));
  ASSERT_TRUE(arrived.wait_for(1000));
  EXPECT_EQ(server->connections(), 1000U);
  door.open();
  int right = 0;
  for (TestClient& peer : clients) right += peer.answer().body == "through" ? 1 : 0;
  EXPECT_EQ(right, 1000);
  for (TestClient& peer : clients) right += peer.ask(get("/small")).body == "small" ? 1 : 0;
  EXPECT_EQ(right, 2000);
}

TEST_F(ServerLife, GivesOneAddressToOneHandlerOnly) {
  TestHandler other;
  start();
  const std::string taken = server->addresses().front();
  Server second({{{taken, &other}}, {}, 1, {}});
  const Result<void> in_use = second.start();
  ASSERT_FALSE(in_use);
  EXPECT_EQ(in_use.error().message,
            "cannot listen on " + taken +
                ": another program listens there already; stop it or choose another port");
  server->stop(1s);

  Server same({{{taken, &handler}, {taken, &handler}}, {}, 2, {}});
  const Result<void> shared = same.start();
  EXPECT_TRUE(shared) << shared.error().message;
  EXPECT_EQ(same.addresses(), (std::vector<std::string>{taken, taken}));
  same.stop(1s);

  Server clash({{{taken, &handler}, {taken, &other}}, {}, 1, {}});
  const Result<void> clashed = clash.start();
  ASSERT_FALSE(clashed);
  EXPECT_EQ(clashed.error().message,
            "two services are to listen on " + taken + "; give each of them an address of its own");
}

class FileDownload : public ServerTest {
 protected:
  FileDownload() {
    std::string pattern = "/tmp/visor-http-XXXXXX";
    folder = ::mkdtemp(pattern.data());
    path = folder + "/image";
  }
  ~FileDownload() override {
    ::unlink(path.c_str());
    ::rmdir(folder.c_str());
  }
  // A file with holes whose every MiB begins with its number.
  void make_file(std::uint64_t size) {
    const int file = ::open(path.c_str(), O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
    ASSERT_EQ(::ftruncate(file, static_cast<off_t>(size)), 0);
    for (std::uint64_t at = 0; at + 8 <= size; at += 1 << 20) {
      ASSERT_EQ(::pwrite(file, &at, sizeof at, static_cast<off_t>(at)), 8);
    }
    ::close(file);
  }
  static long resident_kib() {
    std::ifstream status("/proc/self/status");
    std::string line;
    while (std::getline(status, line)) {
      if (line.starts_with("RssAnon:")) return std::stol(line.substr(8));
    }
    return 0;
  }

  std::string folder;
  std::string path;
};

TEST_F(FileDownload, SendsALargeFileWithoutHoldingIt) {
  const std::uint64_t size = (128ull << 20) + 12345;
  make_file(size);
  handler.acts["/file"] = [&](Request&) {
    return TestHandler::source_response(std::make_unique<FileSource>(path, size));
  };
  start();
  TestClient counting = client();
  counting.ask(get("/small"));
  const long before = resident_kib();
  counting.send("GET /file HTTP/1.1\r\nHost: t\r\nConnection: close\r\n\r\n");
  EXPECT_EQ(counting.answer(true).field("content-length"), std::to_string(size));
  EXPECT_EQ(counting.drop_all(), size);
  EXPECT_LT(resident_kib() - before, 16 * 1024);

  TestClient comparing = client();
  const Answer answer = comparing.ask(get("/file"));
  ASSERT_EQ(answer.body.size(), size);
  for (std::uint64_t at = 0; at + 8 <= size; at += 1 << 20) {
    std::uint64_t number = 0;
    std::memcpy(&number, answer.body.data() + at, sizeof number);
    ASSERT_EQ(number, at);
  }
  EXPECT_EQ(comparing.ask(get("/small")).body, "small");
}

TEST_F(FileDownload, BreaksOffIfTheFileIsShorterThanItWas) {
  make_file(1 << 20);
  handler.acts["/file"] = [&](Request&) {
    return TestHandler::source_response(std::make_unique<FileSource>(path, 2 << 20));
  };
  start();
  TestClient peer = client();
  const Answer answer = peer.ask(get("/file"));
  EXPECT_FALSE(answer.whole);
  EXPECT_TRUE(peer.reset_seen());
}

TEST_F(FileDownload, SurvivesAReaderThatGoesAway) {
  make_file(64 << 20);
  handler.acts["/file"] = [&](Request&) {
    return TestHandler::source_response(std::make_unique<FileSource>(path, 64 << 20));
  };
  start();
  for (int i = 0; i < 8; ++i) {
    TestClient peer = client(4096);
    peer.send(get("/file"));
    EXPECT_EQ(peer.answer(true).status, 200);
    peer.reset();
  }
  ASSERT_TRUE(done.wait_for(8));
  EXPECT_EQ(client().ask(get("/small")).body, "small");
}

}  // namespace
}  // namespace visor::http
