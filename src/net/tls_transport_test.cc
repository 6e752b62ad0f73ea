#include "net/tls_transport.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <future>
#include <string>
#include <thread>
#include <vector>

#include "net/event_loop.h"
#include "support/tls_client.h"

namespace visor::net {
namespace {

using namespace std::chrono_literals;
using test::Certificate;
using test::CertificateFolder;
using test::CertificateRequest;
using test::TlsClient;
using test::TlsClientOptions;

// No two pages of it are alike.
std::string pattern(std::size_t size) {
  std::string text(size, '\0');
  std::uint32_t state = 12345;
  for (char& c : text) {
    state = state * 1664525 + 1013904223;
    c = static_cast<char>(state >> 24);
  }
  return text;
}

class TlsTransportTest : public testing::Test {
 protected:
  TlsTransportTest() {
    settings.certificate = folder.write("certificate.pem", own.pem());
    settings.key = folder.write("key.pem", own.key_pem());
    loop.start("test");
  }
  ~TlsTransportTest() override {
    on_loop([this] { transports.clear(); });
    loop.stop();
    loop.join();
  }

  template <class Work>
  void on_loop(Work work) {
    std::promise<void> done;
    loop.post([&] {
      work();
      done.set_value();
    });
    done.get_future().get();
  }
  // A new connection; the server's end.
  Transport& open() {
    if (!context) {
      auto loaded = TlsContext::load(settings);
      EXPECT_TRUE(loaded) << loaded.error().message;
      context = *loaded;
    }
    std::array<int, 2> ends{};
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()), 0);
    ::fcntl(ends[0], F_SETFL, O_NONBLOCK);
    own_end = ends[0];
    other_end = ends[1];
    on_loop([&] { transports.push_back(tls_transport(loop, ends[0], "peer", context)); });
    return *transports.back();
  }

  template <class T>
  static async::Task<void> keep(async::Task<T> task, std::shared_ptr<std::promise<T>> kept) {
    T value = co_await std::move(task);
    kept->set_value(std::move(value));
  }
  // Starts an operation on the loop.
  template <class Make>
  auto begin(Make make) {
    using T = decltype(std::declval<Make>()().operator co_await().await_resume());
    auto kept = std::make_shared<std::promise<T>>();
    auto future = kept->get_future();
    loop.post([kept, make] { async::detach(keep<T>(make(), kept), "test"); });
    return future;
  }

  // Sends back what comes until its end; the number of bytes.
  static async::Task<Result<std::size_t>> echo(Transport& transport) {
    std::vector<std::byte> buffer(100'000);
    std::size_t total = 0;
    while (true) {
      const std::span<std::byte> into(buffer);
      Result<std::size_t> count = co_await transport.read(into);
      if (!count) co_return count;
      if (*count == 0) break;
      total += *count;
      const std::array<ConstBuffer, 1> buffers{into.first(*count)};
      Result<void> written = co_await transport.write(buffers, false);
      if (!written) co_return pass(written);
    }
    Result<void> told = co_await transport.shutdown_send();
    if (!told) co_return pass(told);
    transport.close();
    co_return total;
  }
  static async::Task<Result<void>> say(Transport& transport, std::string text) {
    const std::array<ConstBuffer, 1> buffers{std::as_bytes(std::span(text))};
    Result<void> written = co_await transport.write(buffers, false);
    co_return written;
  }
  // The closing message right behind the last record, when the kernel has hardly any room left.
  static async::Task<Result<void>> say_all(Transport& transport, std::string text) {
    const std::array<ConstBuffer, 1> buffers{std::as_bytes(std::span(text))};
    Result<void> written = co_await transport.write(buffers, false);
    if (!written) co_return written;
    Result<void> told = co_await transport.shutdown_send();
    co_return told;
  }
  static async::Task<Result<std::string>> hear(Transport& transport) {
    std::array<std::byte, 1000> buffer;
    const std::span<std::byte> into(buffer);
    Result<std::size_t> count = co_await transport.read(into);
    if (!count) co_return pass(count);
    co_return std::string(reinterpret_cast<const char*>(buffer.data()), *count);
  }
  // What the server makes of a client that tries to connect and says hello.
  Result<std::string> meet(const TlsClientOptions& options, std::string* reason = nullptr) {
    Transport& transport = open();
    auto heard = begin([&] { return hear(transport); });
    TlsClient client(other_end, options);
    const bool connected = client.connect() && client.send("hello");
    if (reason != nullptr) {
      // TLS 1.3 tells a client that its certificate is refused only after its handshake.
      if (connected) client.receive();
      *reason = client.reason();
    }
    client.close_socket();
    return heard.get();
  }

  const Certificate own{CertificateRequest{}};
  const CertificateFolder folder;
  TlsSettings settings;
  std::shared_ptr<TlsContext> context;
  EventLoop loop;
  std::vector<std::unique_ptr<Transport>> transports;
  int own_end = -1;  ///< the transport's
  int other_end = -1;
};

TEST_F(TlsTransportTest, SpeaksTls12And13) {
  for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    Transport& transport = open();
    auto echoed = begin([&] { return echo(transport); });
    TlsClient client(other_end, {.trusts = &own, .lowest = version, .highest = version});
    ASSERT_TRUE(client.connect()) << client.reason();
    EXPECT_EQ(SSL_version(client.ssl()), version);
    ASSERT_TRUE(client.send("hello"));
    EXPECT_EQ(client.receive_exactly(5), "hello");
    SSL_shutdown(client.ssl());
    EXPECT_EQ(client.receive_all(), "");
    EXPECT_TRUE(client.ended_properly());
    EXPECT_EQ(echoed.get().value_or(99), 5U);
    EXPECT_TRUE(transport.secure());
    EXPECT_EQ(transport.bytes_received(), 5U);
    EXPECT_EQ(transport.bytes_sent(), 5U);
  }
}

TEST_F(TlsTransportTest, RefusesOlderVersionsAndWeakCiphers) {
  for (const int version : {TLS1_VERSION, TLS1_1_VERSION}) {
    std::string reason;
    EXPECT_FALSE(meet({.lowest = version, .highest = version}, &reason));
    EXPECT_NE(reason.find("protocol version"), std::string::npos) << reason;
  }
  for (const char* cipher :
       {"ECDHE-ECDSA-AES128-SHA", "ECDHE-ECDSA-AES256-SHA384", "ECDHE-ECDSA-AES128-CCM",
        "ECDHE-ECDSA-NULL-SHA", "AECDH-AES128-SHA"}) {
    std::string reason;
    EXPECT_FALSE(meet({.highest = TLS1_2_VERSION, .ciphers = cipher}, &reason)) << cipher;
    EXPECT_NE(reason.find("handshake failure"), std::string::npos) << reason;
  }
  EXPECT_TRUE(meet({.highest = TLS1_2_VERSION, .ciphers = "ECDHE-ECDSA-AES256-GCM-SHA384"}));
}

TEST_F(TlsTransportTest, ChoosesItsOwnCipherAndProtocol) {
  Transport& transport = open();
  auto heard = begin([&] { return hear(transport); });
  TlsClient client(other_end,
                   {.highest = TLS1_2_VERSION,
                    .protocols = "\x02h2\x08http/1.1",
                    .ciphers = "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-ECDSA-AES128-GCM-SHA256"});
  ASSERT_TRUE(client.connect() && client.send("x")) << client.reason();
  EXPECT_STREQ(SSL_get_cipher_name(client.ssl()), "ECDHE-ECDSA-AES128-GCM-SHA256");
  const unsigned char* protocol = nullptr;
  unsigned size = 0;
  SSL_get0_alpn_selected(client.ssl(), &protocol, &size);
  EXPECT_EQ(std::string(reinterpret_cast<const char*>(protocol), size), "http/1.1");
  EXPECT_TRUE(heard.get());
  std::string reason;
  EXPECT_FALSE(meet({.protocols = "\x02h2"}, &reason));
  EXPECT_NE(reason.find("no application protocol"), std::string::npos) << reason;
}

TEST_F(TlsTransportTest, MovesManyBytesBothWaysAtOnce) {
  const std::string text = pattern(8 << 20);
  for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    Transport& transport = open();
    auto echoed = begin([&] { return echo(transport); });
    TlsClient client(other_end, {.lowest = version, .highest = version});
    ASSERT_TRUE(client.connect());
    std::string received;
    for (std::size_t at = 0; at < text.size(); at += 50'000) {
      const std::string part = text.substr(at, 50'000);
      ASSERT_TRUE(client.send(part));
      received += client.receive_exactly(part.size());
    }
    SSL_shutdown(client.ssl());
    EXPECT_EQ(client.receive_all(), "");
    EXPECT_TRUE(received == text);
    EXPECT_EQ(echoed.get().value_or(0), text.size());
  }
}

TEST_F(TlsTransportTest, WritesAllOfItsBuffersToASlowReader) {
  const std::string one = pattern(900'000);
  const std::string two(500'001, '2');
  const std::array<ConstBuffer, 4> buffers{std::as_bytes(std::span(one)), ConstBuffer(),
                                           std::as_bytes(std::span(two)), ConstBuffer()};
  Transport& transport = open();
  auto written = begin([&] { return transport.write(buffers, false); });
  TlsClient client(other_end, {});
  ASSERT_TRUE(client.connect());
  const std::string received = client.receive_exactly(one.size() + two.size());
  EXPECT_TRUE(written.get());
  EXPECT_TRUE(received == one + two);
  EXPECT_EQ(transport.bytes_sent(), received.size());
}

TEST_F(TlsTransportTest, SendsTheSameBytesOfAFileAsAWriteWould) {
  const std::string text = pattern(1'200'003);
  const std::string path = folder.write("image", text);
  const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    for (const auto& [offset, length] : {std::pair<std::size_t, std::size_t>{0, text.size()},
                                         {1, 1},
                                         {4097, 70'000},
                                         {300'001, 700'000},
                                         {text.size() - 10, 100},
                                         {text.size(), 5}}) {
      Transport& transport = open();
      const std::string head = "head:";
      const std::array<ConstBuffer, 1> buffers{std::as_bytes(std::span(head))};
      auto head_written = begin([&] { return transport.write(buffers, true); });
      TlsClient client(other_end, {.lowest = version, .highest = version});
      ASSERT_TRUE(client.connect());
      ASSERT_TRUE(head_written.get());
      const async::FileRange range{file, offset, length};
      auto sent = begin([&] { return transport.send_file(range); });
      const std::string expected = head + text.substr(offset, length);
      EXPECT_TRUE(client.receive_exactly(expected.size()) == expected);
      EXPECT_EQ(sent.get().value_or(99), expected.size() - head.size());
      EXPECT_EQ(transport.bytes_sent(), expected.size());
    }
  }
  ::close(file);
}

TEST_F(TlsTransportTest, GoesOnWithAFileWhereADeadlineBrokeItOff) {
  const std::string text = pattern(1'500'000);
  const std::string path = folder.write("image", text);
  const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  Transport& transport = open();
  // However much the system would let wait in a socket: it must get stuck before the end.
  const int room = 64 * 1024;
  ASSERT_EQ(::setsockopt(own_end, SOL_SOCKET, SO_SNDBUF, &room, sizeof room), 0);
  async::FileRange range{file, 0, text.size()};
  auto sent = begin([&] { return transport.send_file(range); });
  TlsClient client(other_end, {});
  ASSERT_TRUE(client.connect());
  const std::string begun = client.receive_exactly(1);
  loop.post([&] { transport.set_deadline(std::chrono::steady_clock::now() + 50ms); });
  const auto first = sent.get();
  ASSERT_FALSE(first);
  EXPECT_EQ(first.error().code, Code::timeout);
  range.offset = transport.bytes_sent();
  range.length -= transport.bytes_sent();
  EXPECT_GT(range.offset, 0U);
  EXPECT_GT(range.length, 0U);
  const std::uint64_t left = range.length;
  auto rest = begin([&] {
    transport.clear_deadline();
    return transport.send_file(range);
  });
  EXPECT_TRUE(begun + client.receive_exactly(text.size() - 1) == text);
  EXPECT_EQ(rest.get().value_or(0), left);
  ::close(file);
}

TEST_F(TlsTransportTest, FailsAHandshakeAtItsDeadline) {
  for (const bool begins : {false, true}) {
    Transport& transport = open();
    // The start of a record and of a client's hello.
    if (begins) ASSERT_EQ(::send(other_end, "\x16\x03\x01\x02\x00\x01", 6, 0), 6);
    const auto began = std::chrono::steady_clock::now();
    auto heard = begin([&] {
      transport.set_deadline(std::chrono::steady_clock::now() + 50ms);
      return hear(transport);
    });
    const auto result = heard.get();
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().code, Code::timeout);
    EXPECT_LT(std::chrono::steady_clock::now() - began, 10s);
    ::close(other_end);
  }
}

TEST_F(TlsTransportTest, EndsAHandshakeWhenItIsCancelled) {
  Transport& transport = open();
  auto readable = begin([&] { return transport.wait_readable(); });
  loop.post([&] { transport.cancel(); });
  EXPECT_FALSE(readable.get());
  ::close(other_end);
}

TEST_F(TlsTransportTest, TellsAnEndFromACut) {
  for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    for (const bool properly : {true, false}) {
      Transport& transport = open();
      auto heard = begin([&] { return hear(transport); });
      TlsClient client(other_end, {.lowest = version, .highest = version});
      ASSERT_TRUE(client.connect() && client.send("hello"));
      EXPECT_EQ(heard.get().value_or(""), "hello");
      auto readable = begin([&] { return transport.wait_readable(); });
      properly ? client.close_properly() : client.close_socket();
      EXPECT_TRUE(readable.get());
      const auto last = begin([&] { return hear(transport); }).get();
      if (properly) {
        EXPECT_EQ(last.value_or("error"), "");
      } else {
        ASSERT_FALSE(last);
        EXPECT_EQ(last.error().code, Code::cancelled);
        EXPECT_FALSE(begin([&] { return say(transport, "late"); }).get());
      }
    }
  }
}

TEST_F(TlsTransportTest, LetsThePeerTellItsEndFromACut) {
  enum class Way { shutdown, close, abort };
  for (const Way way : {Way::shutdown, Way::close, Way::abort}) {
    Transport& transport = open();
    auto said = begin([&] { return say(transport, "all of it"); });
    TlsClient client(other_end, {});
    ASSERT_TRUE(client.connect());
    ASSERT_TRUE(said.get());
    if (way == Way::shutdown) {
      EXPECT_TRUE(begin([&] { return transport.shutdown_send(); }).get());
    } else {
      on_loop([&] { way == Way::close ? transport.close() : transport.abort(); });
    }
    EXPECT_EQ(client.receive_all(), "all of it");
    EXPECT_EQ(client.ended_properly(), way != Way::abort);
  }
}

TEST_F(TlsTransportTest, WaitsWithItsClosingMessageUntilTheReaderHasRoom) {
  const std::string text = pattern(2'000'000);
  Transport& transport = open();
  auto said = begin([&] { return say_all(transport, text); });
  TlsClient client(other_end, {});
  ASSERT_TRUE(client.connect());
  const std::string received = client.receive_all();
  EXPECT_TRUE(said.get());
  EXPECT_TRUE(received == text);
  EXPECT_TRUE(client.ended_properly());
}

TEST_F(TlsTransportTest, ReadsOnAfterItSaidItsLastWord) {
  Transport& transport = open();
  auto said = begin([&] { return say(transport, "bye"); });
  TlsClient client(other_end, {});
  ASSERT_TRUE(client.connect());
  ASSERT_TRUE(said.get());
  ASSERT_TRUE(begin([&] { return transport.shutdown_send(); }).get());
  EXPECT_EQ(client.receive_all(), "bye");
  ASSERT_TRUE(client.send("still here"));
  EXPECT_EQ(begin([&] { return hear(transport); }).get().value_or(""), "still here");
}

TEST_F(TlsTransportTest, IsNotReadableForMessagesOfTheProtocolItself) {
  Transport& transport = open();
  auto readable = begin([&] { return transport.wait_readable(); });
  TlsClient client(other_end, {.lowest = TLS1_3_VERSION});
  ASSERT_TRUE(client.connect());
  // A new key, with the demand for one of the server's.
  ASSERT_EQ(SSL_key_update(client.ssl(), SSL_KEY_UPDATE_REQUESTED), 1);
  ASSERT_EQ(SSL_do_handshake(client.ssl()), 1);
  EXPECT_EQ(readable.wait_for(50ms), std::future_status::timeout);
  ASSERT_TRUE(client.send("hello"));
  EXPECT_TRUE(readable.get());
  EXPECT_EQ(begin([&] { return hear(transport); }).get().value_or(""), "hello");
  ASSERT_TRUE(begin([&] { return say(transport, "with the new key"); }).get());
  EXPECT_EQ(client.receive_exactly(16), "with the new key");
}

TEST_F(TlsTransportTest, DoesNotRenegotiate) {
  Transport& transport = open();
  auto echoed = begin([&] { return echo(transport); });
  TlsClient client(other_end, {.highest = TLS1_2_VERSION});
  ASSERT_TRUE(client.connect());
  SSL_renegotiate(client.ssl());
  EXPECT_NE(SSL_do_handshake(client.ssl()), 1);
  client.close_socket();
  echoed.get();
}

TEST_F(TlsTransportTest, TellsPlainHttpThatItIsTheWrongProtocol) {
  Transport& transport = open();
  auto heard = begin([&] { return hear(transport); });
  const std::string request = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";
  ASSERT_EQ(::send(other_end, request.data(), request.size(), 0),
            static_cast<ssize_t>(request.size()));
  ::shutdown(other_end, SHUT_WR);
  std::string answer(1000, '\0');
  answer.resize(static_cast<std::size_t>(::recv(other_end, answer.data(), answer.size(), 0)));
  EXPECT_TRUE(answer.starts_with("HTTP/1.1 400 ")) << answer;
  EXPECT_NE(answer.find("https://"), std::string::npos);
  EXPECT_FALSE(heard.get());
  ::close(other_end);
}

TEST_F(TlsTransportTest, EndsWithGarbage) {
  for (const std::string& garbage :
       {std::string(600, '\0'), std::string(600, '\xff'), std::string("\x16\x03\x01\xff\xff", 5),
        "\x16\x03\x03\x00\x04" + std::string("\x01\x00\x00\x00", 4), std::string("\x80\x2e\x01")}) {
    Transport& transport = open();
    auto heard = begin([&] { return hear(transport); });
    ASSERT_EQ(::send(other_end, garbage.data(), garbage.size(), 0),
              static_cast<ssize_t>(garbage.size()));
    ::shutdown(other_end, SHUT_WR);
    EXPECT_FALSE(heard.get());
    ::close(other_end);
  }
}

TEST_F(TlsTransportTest, FailsInsteadOfRaisingASignalWhenThePeerIsGone) {
  Transport& transport = open();
  auto heard = begin([&] { return hear(transport); });
  TlsClient client(other_end, {});
  ::signal(SIGPIPE, SIG_DFL);
  ASSERT_TRUE(client.connect() && client.send("x"));
  ASSERT_TRUE(heard.get());
  client.close_socket();
  for (const std::size_t size : {std::size_t{100}, std::size_t{1'000'000}}) {
    const auto result = begin([&] { return say(transport, std::string(size, 'x')); }).get();
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().code, Code::cancelled);
  }
}

class TlsClientCertificates : public TlsTransportTest {
 protected:
  TlsClientCertificates() {
    settings.client_authorities = folder.write("clients.pem", authority.pem());
  }
  // In which of the two versions the server hears a client with this certificate.
  void expect(bool heard, const Certificate* shown, const std::string& why = "") {
    for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
      std::string reason;
      const auto result =
          meet({.shows = shown, .lowest = version, .highest = version}, heard ? nullptr : &reason);
      EXPECT_EQ(result.value_or(""), heard ? "hello" : "");
      if (!heard) EXPECT_NE(reason.find(why), std::string::npos) << reason;
    }
  }

  const Certificate authority{CertificateRequest{.name = "clients", .authority = true}};
  const Certificate good{CertificateRequest{.name = "alice"}, &authority};
  const Certificate expired{CertificateRequest{.name = "bob", .valid_until = -60}, &authority};
  const Certificate others{CertificateRequest{.name = "mallory"}};
};

TEST_F(TlsClientCertificates, AreNotAskedForUnlessConfigured) {
  expect(true, nullptr);
  expect(true, &others);
}

TEST_F(TlsClientCertificates, MayBeLeftOutWhereTheyAreOptionalButNotBeWrong) {
  settings.client_certificates = ClientCertificates::optional;
  expect(true, nullptr);
  expect(true, &good);
  expect(false, &others, "unknown ca");
  expect(false, &expired, "certificate expired");
}

TEST_F(TlsClientCertificates, AreDemandedWhereTheyAreRequired) {
  settings.client_certificates = ClientCertificates::required;
  expect(true, &good);
  // TLS 1.2 has no word of its own for one that is missing.
  expect(false, nullptr, "alert");
  expect(false, &others, "unknown ca");
  expect(false, &expired, "certificate expired");
}

class TlsReload : public TlsTransportTest {
 protected:
  void renew(const std::string& name) {
    const Certificate renewed(CertificateRequest{.name = name});
    folder.write("certificate.pem", renewed.pem());
    folder.write("key.pem", renewed.key_pem());
    const auto reloaded = context->reload();
    ASSERT_TRUE(reloaded) << reloaded.error().message;
  }
  static std::string subject(TlsClient& client) {
    X509* certificate = SSL_get1_peer_certificate(client.ssl());
    char text[100] = "";
    X509_NAME_get_text_by_NID(X509_get_subject_name(certificate), NID_commonName, text,
                              sizeof text);
    X509_free(certificate);
    return text;
  }
};

TEST_F(TlsReload, GivesNewConnectionsTheNewCertificateAndLeavesOpenOnesAlone) {
  Transport& before = open();
  auto old_echo = begin([&] { return echo(before); });
  TlsClient old_client(other_end, {});
  ASSERT_TRUE(old_client.connect());
  EXPECT_EQ(subject(old_client), "localhost");
  renew("renewed");
  Transport& after = open();
  auto new_echo = begin([&] { return echo(after); });
  TlsClient new_client(other_end, {});
  ASSERT_TRUE(new_client.connect());
  EXPECT_EQ(subject(new_client), "renewed");
  for (TlsClient* client : {&old_client, &new_client}) {
    ASSERT_TRUE(client->send("hello"));
    EXPECT_EQ(client->receive_exactly(5), "hello");
    SSL_shutdown(client->ssl());
    client->receive_all();
  }
  EXPECT_TRUE(old_echo.get());
  EXPECT_TRUE(new_echo.get());
}

TEST_F(TlsReload, MayHappenWhileOthersConnect) {
  open();
  ::close(other_end);
  std::atomic<bool> stop = false;
  std::thread reloading([&] {
    while (!stop) EXPECT_TRUE(context->reload());
  });
  for (int i = 0; i < 20; ++i) EXPECT_TRUE(meet({}));
  stop = true;
  reloading.join();
}

TEST_F(TlsReload, KeepsSessionsUntilThenAndForgetsThem) {
  for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    SSL_SESSION* session = nullptr;
    const auto resumed = [&] {
      Transport& transport = open();
      auto echoed = begin([&] { return echo(transport); });
      TlsClient client(other_end, {.lowest = version, .highest = version, .session = session});
      EXPECT_TRUE(client.connect() && client.send("hello"));
      EXPECT_EQ(client.receive_exactly(5), "hello");
      const bool reused = SSL_session_reused(client.ssl()) == 1;
      SSL_shutdown(client.ssl());
      client.receive_all();
      SSL_SESSION_free(session);
      session = SSL_get1_session(client.ssl());
      EXPECT_TRUE(echoed.get());
      return reused;
    };
    EXPECT_FALSE(resumed());
    EXPECT_TRUE(resumed());
    EXPECT_TRUE(resumed());
    renew("renewed");
    EXPECT_FALSE(resumed());
    SSL_SESSION_free(session);
  }
}

}  // namespace
}  // namespace visor::net
