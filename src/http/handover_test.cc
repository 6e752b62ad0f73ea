// A server that hands its sockets over, and what it shows of its requests meanwhile.
#include <fcntl.h>
#include <gtest/gtest.h>

#include <thread>

#include "http/test_server.h"
#include "net/inherited_sockets.h"

namespace visor::http {
namespace {

class Handover : public ServerTest {
 protected:
  // As a list on an executor of its own, which is where handlers ask.
  std::vector<LiveRequest> live() {
    LiveRequests& requests = server->live();
    return async::run_until_done(requests.list());
  }
  LiveRequest wait_for_stage(Stage stage) {
    const auto end = std::chrono::steady_clock::now() + 60s;
    while (std::chrono::steady_clock::now() < end) {
      for (LiveRequest& request : live()) {
        if (request.stage == stage) return request;
      }
      std::this_thread::yield();
    }
    ADD_FAILURE() << "no request came to the stage " << to_string(stage);
    return {};
  }
  net::InheritedSockets copies() {
    net::InheritedSockets sockets;
    for (const auto& socket : server->sockets()) {
      const int copy = ::fcntl(socket.descriptor, F_DUPFD_CLOEXEC, 0);
      EXPECT_TRUE(sockets.add(copy, socket.address));
    }
    return sockets;
  }
};

TEST_F(Handover, AnswersAnIdleConnectionOnceMoreAndClosesIt) {
  start();
  TestClient peer = client();
  EXPECT_EQ(peer.ask(get("/small")).field("connection"), "");
  server->pause();
  const Answer last = peer.ask(get("/small"));
  EXPECT_EQ(last.status, 200);
  EXPECT_EQ(last.field("connection"), "close");
  EXPECT_TRUE(peer.ended());
  EXPECT_TRUE(server->settle(60s, 120s));
}

TEST_F(Handover, ClosesAConnectionThatStaysIdleWhenTheGraceIsOver) {
  start();
  TestClient peer = client();
  EXPECT_EQ(peer.ask(get("/small")).status, 200);
  server->pause();
  EXPECT_TRUE(server->settle(1ms, 120s));
  EXPECT_TRUE(peer.ended());
}

TEST_F(Handover, LetsNewcomersWaitUntilItGoesOn) {
  start(2);
  server->pause();
  ASSERT_TRUE(server->settle(1ms, 120s));
  TestClient waiting = client();
  waiting.send(get("/small"));
  EXPECT_EQ(server->open_connections(), 0U);
  server->resume();
  EXPECT_EQ(waiting.answer().status, 200);
  EXPECT_EQ(waiting.ask(get("/small")).field("connection"), "");
}

TEST_F(Handover, LetsNewcomersBeAnsweredByTheServerThatTookTheSockets) {
  start(2);
  server->pause();
  ASSERT_TRUE(server->settle(1ms, 120s));
  std::vector<TestClient> waiting;
  for (int i = 0; i < 20; ++i) {
    waiting.push_back(client());
    waiting.back().send(get("/small"));
  }
  net::InheritedSockets sockets = copies();
  // More loops than sockets: some are shared.
  Server::Options options;
  options.mounts = {{server->addresses().front(), &handler}};
  options.loops = 3;
  Server next(std::move(options));
  server->stop_listening();
  ASSERT_TRUE(next.start(&sockets));
  EXPECT_TRUE(sockets.left().empty());
  EXPECT_EQ(next.addresses(), server->addresses());
  for (TestClient& peer : waiting) EXPECT_EQ(peer.answer().status, 200);
  waiting.clear();
  next.stop(60s);
}

TEST_F(Handover, TakesMoreSocketsThanItHasLoops) {
  start(3);
  net::InheritedSockets sockets = copies();
  server->pause();
  ASSERT_TRUE(server->settle(1ms, 120s));
  Server::Options options;
  options.mounts = {{"127.0.0.1:0", &handler}};
  options.loops = 1;
  Server next(std::move(options));
  ASSERT_TRUE(next.start(&sockets));
  EXPECT_EQ(next.sockets().size(), 3U);
  server->stop(60s);
  for (int i = 0; i < 30; ++i) {
    TestClient peer(next.addresses().front());
    EXPECT_EQ(peer.ask(get("/small")).status, 200);
  }
  next.stop(60s);
}

TEST_F(Handover, WaitsForRequestsAndNotForSelfContainedAnswers) {
  handler.acts["/download"] = [](Request&) -> async::Task<Response> {
    Response response;
    response.source = std::make_unique<PatternSource>(std::nullopt, 64 << 20, false);
    response.self_contained = true;
    co_return response;
  };
  start();
  // As long as it does not read, the sockets hold far less than that.
  TestClient reader = client();
  reader.send(get("/download"));
  EXPECT_TRUE(wait_for_stage(Stage::sending).self_contained);
  TestClient behind_door = client();
  behind_door.send(get("/door"));
  ASSERT_TRUE(arrived.wait_for(1));
  server->pause();
  EXPECT_FALSE(server->settle(1ms, 50ms));
  door.open();
  EXPECT_TRUE(server->settle(1ms, 120s));
  EXPECT_EQ(behind_door.answer().status, 200);
  EXPECT_EQ(server->open_connections(), 1U) << "the download goes on";
  const Answer whole = reader.answer();
  EXPECT_TRUE(whole.whole);
  EXPECT_EQ(whole.body.size(), std::size_t{64} << 20);
}

TEST_F(Handover, GivesUpWhenTold) {
  start();
  TestClient peer = client();
  peer.send(get("/door"));
  ASSERT_TRUE(arrived.wait_for(1));
  server->pause();
  EXPECT_FALSE(server->settle(1ms, 1h, [] { return true; }));
}

TEST_F(Handover, EndsOnCutWhatIsNotSelfContained) {
  start();
  TestClient peer = client();
  peer.send(put("/echo", 100) + "half of it");
  EXPECT_EQ(wait_for_stage(Stage::body).bytes_in, 10U);
  server->pause();
  server->cut();
  EXPECT_TRUE(server->settle(1ms, 120s));
  EXPECT_TRUE(peer.ended() || peer.reset_seen());
}

TEST_F(Handover, KnowsUploadsByTheirAge) {
  start();
  EXPECT_FALSE(server->uploads(0s));
  TestClient peer = client();
  peer.send(put("/echo", 100));
  wait_for_stage(Stage::body);
  EXPECT_TRUE(server->uploads(0s));
  EXPECT_FALSE(server->uploads(24h));
  peer.close();
}

TEST_F(Handover, AnswersOnAllLoopsAsLongAsTheyLive) {
  start(3);
  EXPECT_TRUE(server->alive(60s));
}

TEST_F(Handover, StopsAtItsDeadlineEvenIfAHandlerWaitsForSomethingElse) {
  Server::Options options;
  options.mounts = {{"127.0.0.1:0", &handler}};
  options.loops = 1;
  options.on_cut = [this] { door.open(); };
  Server stopping(std::move(options));
  ASSERT_TRUE(stopping.start());
  TestClient peer(stopping.addresses().front());
  peer.send(get("/door"));
  ASSERT_TRUE(arrived.wait_for(1));
  stopping.stop(1ms);
  EXPECT_EQ(stopping.open_connections(), 0U);
}

TEST_F(Handover, ShowsRequestsWithoutTheirSecrets) {
  start();
  TestClient peer = client();
  peer.send(get("/door?limit=3&X-Amz-Signature=abcdef&X-Amz-Credential=me"));
  ASSERT_TRUE(arrived.wait_for(1));
  const LiveRequest shown = wait_for_stage(Stage::working);
  EXPECT_EQ(shown.method, "GET");
  EXPECT_EQ(shown.target, "/door?limit=3&X-Amz-Signature=-&X-Amz-Credential=-");
  EXPECT_EQ(shown.peer, "127.0.0.1");
  EXPECT_EQ(shown.id.size(), 13U);
  EXPECT_FALSE(shown.has_body);
  door.open();
  EXPECT_EQ(peer.answer().field("x-request-id"), shown.id);
}

TEST_F(Handover, EndsARequestByItsId) {
  start(2);
  TestClient peer = client();
  peer.send(put("/echo", 100) + "half");
  const std::string id = wait_for_stage(Stage::body).id;
  LiveRequests& requests = server->live();
  EXPECT_FALSE(async::run_until_done(requests.cancel("another")));
  EXPECT_TRUE(async::run_until_done(requests.cancel(id)));
  EXPECT_TRUE(peer.ended() || peer.reset_seen());
  EXPECT_TRUE(done.wait_for(1));
  EXPECT_TRUE(log().front().contains("broken")) << log().front();
}

TEST(Secrets, AreTakenOutOfTargets) {
  EXPECT_EQ(without_secrets("/images"), "/images");
  EXPECT_EQ(without_secrets("/images?name=a&sig=b"), "/images?name=a&sig=-");
  EXPECT_EQ(without_secrets("/i?X-Amz-Security-Token=t&a"), "/i?X-Amz-Security-Token=-&a");
  EXPECT_EQ(without_secrets("/i?%73ignature=t&&"), "/i?%73ignature=-&&");
  EXPECT_EQ(without_secrets("/i?"), "/i?");
}

}  // namespace
}  // namespace visor::http
