// The server over TLS.
#include <gtest/gtest.h>

#include <array>
#include <cstdio>
#include <thread>

#include "http/test_server.h"
#include "net/tls_context.h"
#include "support/tls_client.h"

namespace visor::http {
namespace {

using test::Certificate;
using test::CertificateFolder;
using test::CertificateRequest;
using test::TlsClient;

class ServerTls : public ServerTest {
 protected:
  ServerTls() {
    handler.acts["/secure"] = [](Request& request) {
      return TestHandler::text_response(200, request.secure ? "secure" : "plain");
    };
    handler.acts["/file"] = [this](Request&) {
      return TestHandler::source_response(
          std::make_unique<FileSource>(folder.path("image"), content.size()));
    };
    handler.acts["/until-close"] = [this](Request&) {
      return TestHandler::source_response(
          std::make_unique<PatternSource>(std::nullopt, 100'000, fails));
    };
    folder.write("image", content);
  }
  void start_tls() {
    auto context = net::TlsContext::load({.certificate = folder.write("own.pem", own.pem()),
                                          .key = folder.write("own.key", own.key_pem())});
    ASSERT_TRUE(context) << context.error().message;
    Server::Options options;
    options.mounts = {{"127.0.0.1:0", &handler, *context}, {"127.0.0.1:0", &handler}};
    options.limits = limits;
    options.loops = 2;
    server = std::make_unique<Server>(std::move(options));
    const Result<void> started = server->start();
    ASSERT_TRUE(started) << started.error().message;
  }
  int connected() const {
    const std::string& address = server->addresses().front();
    sockaddr_in peer{};
    peer.sin_family = AF_INET;
    peer.sin_port =
        htons(static_cast<std::uint16_t>(std::stoi(address.substr(address.rfind(':') + 1))));
    peer.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const int made = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    EXPECT_EQ(::connect(made, reinterpret_cast<sockaddr*>(&peer), sizeof peer), 0);
    return made;
  }
  // What curl gets from a path, and its exit status.
  std::pair<std::string, int> curl(const std::string& path, const std::string& options = "") const {
    const std::string port =
        server->addresses().front().substr(server->addresses().front().rfind(':') + 1);
    const std::string command = "curl -sS --max-time 120 --cacert " + folder.path("own.pem") +
                                " --resolve localhost:" + port + ":127.0.0.1 " + options +
                                " https://localhost:" + port + path + " 2>&1";
    std::FILE* pipe = ::popen(command.c_str(), "r");
    std::string text;
    std::array<char, 65536> part;
    while (const std::size_t count = std::fread(part.data(), 1, part.size(), pipe)) {
      text.append(part.data(), count);
    }
    return {text, WEXITSTATUS(::pclose(pipe))};
  }

  const Certificate own{CertificateRequest{}};
  const CertificateFolder folder;
  const std::string content = PatternSource::text(3'000'001);
  bool fails = false;
};

TEST_F(ServerTls, TellsHandlersWhetherARequestCameOverIt) {
  start_tls();
  EXPECT_EQ(curl("/secure").first, "secure");
  EXPECT_EQ(TestClient(server->addresses().back()).ask(get("/secure")).body, "plain");
}

TEST_F(ServerTls, SendsFilesAndTakesBodies) {
  start_tls();
  for (const char* version : {"--tls-max 1.2", "--tlsv1.3"}) {
    EXPECT_TRUE(curl("/file", version).first == content);
    EXPECT_TRUE(curl("/echo", std::string(version) + " -T " + folder.path("image")).first ==
                content);
  }
}

TEST_F(ServerTls, ServesManyRequestsOnOneConnection) {
  start_tls();
  TlsClient client(connected(), {.trusts = &own});
  ASSERT_TRUE(client.connect());
  for (int i = 0; i < 50; ++i) {
    ASSERT_TRUE(client.send(get("/secure")));
    std::string answer;
    while (!answer.ends_with("\r\n\r\nsecure")) {
      const std::string part = client.receive();
      ASSERT_FALSE(part.empty()) << answer;
      answer += part;
    }
    EXPECT_TRUE(answer.starts_with("HTTP/1.1 200 "));
  }
}

TEST_F(ServerTls, EndsAnAnswerWithoutALengthSoThatACutIsNoticed) {
  start_tls();
  for (const bool broken : {false, true}) {
    fails = broken;
    TlsClient client(connected(), {});
    ASSERT_TRUE(client.connect());
    ASSERT_TRUE(client.send("GET /until-close HTTP/1.0\r\nHost: t\r\n\r\n"));
    const std::string answer = client.receive_all();
    EXPECT_EQ(client.ended_properly(), !broken);
    if (!broken) EXPECT_TRUE(answer.ends_with(PatternSource::text(100'000)));
  }
}

TEST_F(ServerTls, ClosesProperlyBehindALongAnswerToASlowReader) {
  start_tls();
  TlsClient client(connected(), {});
  ASSERT_TRUE(client.connect());
  ASSERT_TRUE(client.send("GET /file HTTP/1.0\r\nHost: t\r\n\r\n"));
  std::string answer;
  while (true) {
    const std::string part = client.receive(1000);
    if (part.empty()) break;
    answer += part;
  }
  EXPECT_TRUE(answer.ends_with(content));
  EXPECT_TRUE(client.ended_properly());
}

TEST_F(ServerTls, EndsAClientThatDoesNotFinishItsHandshake) {
  limits.head_timeout = 150ms;
  start_tls();
  TestClient silent(server->addresses().front());
  EXPECT_TRUE(silent.ended());
  TestClient slow(server->addresses().front());
  slow.send(std::string_view("\x16\x03\x01\x02\x00\x01", 6));
  EXPECT_TRUE(slow.ended());
}

TEST_F(ServerTls, AnswersPlainHttpWithAHint) {
  start_tls();
  TestClient client(server->addresses().front());
  const Answer answer = client.ask(get("/small"));
  EXPECT_EQ(answer.status, 400);
  EXPECT_NE(answer.body.find("https://"), std::string::npos);
  EXPECT_TRUE(answer.whole);
}

TEST_F(ServerTls, LetsRequestsFinishWhenItStops) {
  start_tls();
  TlsClient client(connected(), {});
  ASSERT_TRUE(client.connect() && client.send(get("/door")));
  ASSERT_TRUE(arrived.wait_for(1));
  std::thread stopping([this] { server->stop(20s); });
  door.open();
  EXPECT_TRUE(client.receive_all().ends_with("through"));
  EXPECT_TRUE(client.ended_properly());
  stopping.join();
}

TEST_F(ServerTls, EndsIdleConnectionsWhenItStops) {
  start_tls();
  TlsClient idle(connected(), {});
  ASSERT_TRUE(idle.connect());
  TestClient unfinished(server->addresses().front());
  while (server->connections() < 2) std::this_thread::yield();
  server->stop(20s);
  EXPECT_EQ(idle.receive_all(), "");
  EXPECT_TRUE(unfinished.ended());
}

}  // namespace
}  // namespace visor::http
