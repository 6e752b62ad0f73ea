#include "client/client.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "async/executor.h"
#include "client/body_source.h"
#include "client/test_folder.h"
#include "client/test_server.h"
#include "document/json.h"
#include "sign/sigv4.h"

namespace visor::client {
namespace {

using document::Value;

Connection connection_to(const TestServer& server) {
  Connection connection;
  connection.address.port = server.port();
  // A server on a busy machine gets its time to refuse a body before a byte of it comes.
  connection.expect_timeout = std::chrono::minutes(5);
  return connection;
}

Credentials alice() { return {"alice", Secret("alice's secret")}; }

/// Verifies a request as the server does, and gives what its body really is.
Result<std::string> verified_body(const SeenRequest& request, const std::string& secret,
                                  bool secure = false) {
  std::vector<sign::Header> headers;
  for (const auto& line : request.headers.lines()) headers.push_back({line.name, line.value});
  const auto mark = request.target.find('?');
  const sign::RequestHead head{request.method, std::string_view(request.target).substr(0, mark),
                               mark == std::string::npos
                                   ? std::string_view()
                                   : std::string_view(request.target).substr(mark + 1),
                               headers, secure};
  const sign::SigV4Rules rules;
  auto claim = sign::read_sigv4(head, rules, Clock::system().now());
  if (!claim) return pass(claim);
  sign::BodyFacts facts;
  facts.has_body = !request.body.empty();
  facts.content_length = request.body.size();
  auto check = sign::verify_sigv4(head, rules, *claim, facts, Secret(secret));
  if (!check) return pass(check);
  auto source = sign::guard(async::text_source(request.body), *check);
  return async::run_until_done(async::read_all(*source, 10'000'000));
}

TEST(Client, SignsSoThatTheServersVerifierAgrees) {
  TestServer server([](const SeenRequest&) { return reply(200, {}, R"({"images": []})"); });
  Client client(connection_to(server), alice());
  ListOptions options;
  options.filters = {{"name", "Ubuntu 12.04 & größer"}};
  options.sort = "name";
  options.everybody = true;
  const auto list = client.list(options);
  ASSERT_TRUE(list) << list.error().error.message;
  ASSERT_EQ(server.seen().size(), 1U);
  const auto request = server.seen()[0];
  EXPECT_EQ(request.target, "/images?name=Ubuntu%2012.04%20%26%20gr%C3%B6%C3%9Fer&sort=name");
  EXPECT_EQ(request.headers.find("x-visor-scope"), "all");
  const auto good = verified_body(request, "alice's secret");
  EXPECT_TRUE(good) << good.error().message;
  EXPECT_FALSE(verified_body(request, "another secret"));
}

TEST(Client, SendsNoSignatureWithoutCredentials) {
  TestServer server([](const SeenRequest&) { return reply(200, {}, "OK\n"); });
  Client client(connection_to(server));
  EXPECT_EQ(client.status().value(), "OK");
  EXPECT_FALSE(server.seen()[0].headers.has("authorization"));
}

TEST(Client, UploadsAFileInSignedChunksAfterLeaveWasGiven) {
  const TestFolder folder;
  const std::string data(700'000, 'v');
  folder.put("image", data);
  const std::string stored = digest_hex(DigestAlgorithm::sha256, data);
  TestServer server([&stored](const SeenRequest&) {
    return reply(200, {},
                 R"({"image": {"_id": "i", "size": 700000, "sha256": ")" + stored + R"("}})");
  });
  Client client(connection_to(server), alice());
  auto body = open_file_body(folder.at("image"));
  ASSERT_TRUE(body);
  NoProgress silent;
  const auto added = client.add({{"name", "größer 100%"}, {"note", ""}}, body->get(), silent);
  ASSERT_TRUE(added) << added.error().error.message;
  const auto request = server.seen()[0];
  EXPECT_EQ(request.method, "POST");
  EXPECT_EQ(request.headers.find("expect"), "100-continue");
  EXPECT_EQ(request.headers.find("content-type"), "application/octet-stream");
  EXPECT_EQ(request.headers.find("x-image-meta-name"), "größer 100%");
  EXPECT_TRUE(request.headers.has("x-image-meta-note"));
  EXPECT_EQ(request.headers.find("x-amz-decoded-content-length"), "700000");
  EXPECT_FALSE(request.headers.has("transfer-encoding"));
  const auto arrived = verified_body(request, "alice's secret");
  ASSERT_TRUE(arrived) << arrived.error().message;
  EXPECT_TRUE(*arrived == data);
}

TEST(Client, SignsAPipeOverPlainHttpAsWell) {
  int ends[2];
  ASSERT_EQ(::pipe(ends), 0);
  ASSERT_EQ(::write(ends[1], "piped", 5), 5);
  ::close(ends[1]);
  TestServer server(
      [](const SeenRequest&) { return reply(200, {}, R"({"image": {"_id": "i"}})"); });
  Client client(connection_to(server), alice());
  auto body = descriptor_body(ends[0]);
  ASSERT_TRUE(body);
  NoProgress silent;
  const auto added = client.update("i", {}, body->get(), silent);
  ::close(ends[0]);
  ASSERT_TRUE(added) << added.error().error.message;
  EXPECT_EQ(server.seen()[0].method, "PUT");
  EXPECT_EQ(verified_body(server.seen()[0], "alice's secret").value(), "piped");
}

TEST(Client, StreamsAPipeInChunksWhenNobodySigns) {
  int ends[2];
  ASSERT_EQ(::pipe(ends), 0);
  ASSERT_EQ(::write(ends[1], "piped", 5), 5);
  ::close(ends[1]);
  TestServer server(
      [](const SeenRequest&) { return reply(200, {}, R"({"image": {"_id": "i"}})"); });
  Client client(connection_to(server));
  auto body = descriptor_body(ends[0]);
  NoProgress silent;
  ASSERT_TRUE(client.add({}, body->get(), silent));
  ::close(ends[0]);
  EXPECT_EQ(server.seen()[0].headers.find("transfer-encoding"), "chunked");
  EXPECT_EQ(server.seen()[0].body, "5\r\npiped\r\n0\r\n\r\n");
}

TEST(Client, SendsNotAByteOfAnUploadThatIsRefused) {
  TestServer server([](const SeenRequest&) {
    Reply refusal = reply(403, {{"x-request-id", "r-7"}},
                          R"({"code": 403, "message": "The quota is used up."})");
    refusal.take_body = false;
    return refusal;
  });
  Client client(connection_to(server), alice());
  const auto body = text_body(std::string(1'000'000, 'x'));
  NoProgress silent;
  const auto added = client.add({{"name", "n"}}, body.get(), silent);
  ASSERT_FALSE(added);
  EXPECT_EQ(added.error().status, 403);
  EXPECT_EQ(added.error().error.code, Code::forbidden);
  EXPECT_EQ(added.error().error.message, "The quota is used up.");
  EXPECT_EQ(added.error().request_id, "r-7");
  EXPECT_EQ(server.seen()[0].body, "");
}

TEST(Client, FindsThatTheServerStoredOtherData) {
  TestServer server([](const SeenRequest&) {
    return reply(200, {},
                 R"({"image": {"_id": "i", "sha256": ")" + std::string(64, '0') + R"("}})");
  });
  Client client(connection_to(server), alice());
  const auto body = text_body("data");
  NoProgress silent;
  const auto added = client.add({}, body.get(), silent);
  ASSERT_FALSE(added);
  EXPECT_EQ(added.error().error.code, Code::corrupt);
}

TEST(Client, RegistersWithoutABody) {
  TestServer server(
      [](const SeenRequest&) { return reply(200, {}, R"({"image": {"_id": "i"}})"); });
  Client client(connection_to(server), alice());
  NoProgress silent;
  ASSERT_TRUE(client.add({{"name", "n"}}, nullptr, silent));
  const auto request = server.seen()[0];
  EXPECT_EQ(request.headers.find("content-length"), "0");
  EXPECT_FALSE(request.headers.has("content-type"));
  EXPECT_FALSE(request.headers.has("expect"));
  EXPECT_TRUE(verified_body(request, "alice's secret"));
}

TEST(Client, SendsAccountsAsASignedDocument) {
  TestServer server([](const SeenRequest&) { return reply(200, {}, R"({"user": {}})"); });
  Client client(connection_to(server), alice());
  ASSERT_TRUE(client.add_user(Value::object({{"access_key", "bob"}})));
  const auto request = server.seen()[0];
  EXPECT_EQ(request.target, "/users");
  EXPECT_EQ(verified_body(request, "alice's secret").value(), R"({"user":{"access_key":"bob"}})");
}

TEST(Client, AsksForStoresAndPlacementsInEverybodysName) {
  TestServer server([](const SeenRequest&) { return reply(200, {}, R"({"any": []})"); });
  Client client(connection_to(server), alice());
  ASSERT_TRUE(client.stores());
  ASSERT_TRUE(client.check_store("big disk"));
  ASSERT_TRUE(client.copies("i"));
  ASSERT_TRUE(client.placements(20, "p"));
  ASSERT_TRUE(client.placements(std::nullopt));
  ASSERT_TRUE(client.placement("p"));
  ASSERT_TRUE(client.cancel_placement("p"));
  std::vector<std::string> asked;
  for (const SeenRequest& request : server.seen()) {
    asked.push_back(request.method + " " + request.target);
    EXPECT_EQ(request.headers.find("x-visor-scope"), "all") << asked.back();
    EXPECT_TRUE(verified_body(request, "alice's secret")) << asked.back();
  }
  EXPECT_EQ(asked, (std::vector<std::string>{"GET /stores", "POST /stores/big%20disk/check",
                                             "GET /images/i/copies",
                                             "GET /placements?limit=20&marker=p", "GET /placements",
                                             "GET /placements/p", "DELETE /placements/p"}));
}

TEST(Client, AsksForWorkWithWhatItNeedsAndNoMore) {
  TestServer server([](const SeenRequest&) { return reply(200, {}, R"({"placement": {}})"); });
  Client client(connection_to(server), alice());
  ASSERT_TRUE(client.place({"move", "i", "s3", "local"}));
  ASSERT_TRUE(client.place({"scrub", "", "local", ""}));
  const auto requests = server.seen();
  EXPECT_EQ(requests[0].method + " " + requests[0].target, "POST /placements");
  EXPECT_EQ(requests[0].headers.find("x-visor-scope"), "all");
  EXPECT_EQ(verified_body(requests[0], "alice's secret").value(),
            R"({"placement":{"kind":"move","image":"i","store":"s3","from":"local"}})");
  EXPECT_EQ(verified_body(requests[1], "alice's secret").value(),
            R"({"placement":{"kind":"scrub","store":"local"}})");
}

TEST(Client, TakesNoEmptyNameForAllStoresOrPlacements) {
  TestServer server([](const SeenRequest&) { return reply(200, {}, "{}"); });
  Client client(connection_to(server));
  EXPECT_FALSE(client.check_store(""));
  EXPECT_FALSE(client.copies(".."));
  EXPECT_FALSE(client.placement(""));
  EXPECT_FALSE(client.cancel_placement("."));
  EXPECT_TRUE(server.seen().empty());
}

TEST(Client, TakesTheSentenceOfAHeadErrorFromItsHeader) {
  TestServer server([](const SeenRequest&) {
    return Reply{reply_text(404, {{"x-error-message", "No image has this id."}}, "", 50)};
  });
  Client client(connection_to(server));
  const auto head = client.head("i");
  ASSERT_FALSE(head);
  EXPECT_EQ(head.error().status, 404);
  EXPECT_EQ(head.error().error.code, Code::not_found);
  EXPECT_EQ(head.error().error.message, "No image has this id.");
}

TEST(Client, PutsPagesTogetherUnlessALimitWasAskedFor) {
  const auto pages = [](const SeenRequest& request) {
    if (request.target.contains("marker=a")) return reply(200, {}, R"({"images": [{"_id": "b"}]})");
    return reply(200, {}, R"({"images": [{"_id": "a"}], "next": "a"})");
  };
  TestServer server(pages);
  Client client(connection_to(server));
  EXPECT_EQ(document::write_json(client.list({}).value()),
            R"({"images":[{"_id":"a"},{"_id":"b"}]})");
  ListOptions one;
  one.limit = 1;
  EXPECT_EQ(document::write_json(client.list(one).value()),
            R"({"images":[{"_id":"a"}],"next":"a"})");
  EXPECT_EQ(server.seen().back().target, "/images?limit=1");
}

TEST(Client, TakesNoHeadThatWasCutOff) {
  TestServer server([](const SeenRequest&) {
    return Reply{"HTTP/1.1 200 X\r\nx-image-meta-_id: i\r\nx-image-me"};
  });
  Client client(connection_to(server));
  const auto head = client.head("i");
  ASSERT_FALSE(head);
  EXPECT_TRUE(head.error().unreachable);
}

TEST(Client, SaysThatNobodyListens) {
  // Taken, so that nobody else may listen there meanwhile.
  const int taken = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t length = sizeof address;
  ASSERT_EQ(::bind(taken, reinterpret_cast<sockaddr*>(&address), length), 0);
  ASSERT_EQ(::getsockname(taken, reinterpret_cast<sockaddr*>(&address), &length), 0);
  const std::uint16_t port = ntohs(address.sin_port);
  Connection connection;
  connection.address.port = port;
  Client client(connection);
  const auto status = client.status();
  ::close(taken);
  ASSERT_FALSE(status);
  EXPECT_TRUE(status.error().unreachable);
  EXPECT_EQ(status.error().status, 0);
  EXPECT_EQ(status.error().error.message,
            "cannot reach http://127.0.0.1:" + std::to_string(port) + ": connection refused");
}

TEST(Client, SaysThatAFileOfCertificatesIsNone) {
  const TestFolder folder;
  TestServer server([](const SeenRequest&) { return Reply{}; });
  Connection connection = connection_to(server);
  connection.address.secure = true;
  connection.ca_file = folder.at("none.pem");
  Client client(connection);
  const auto status = client.status();
  ASSERT_FALSE(status);
  EXPECT_FALSE(status.error().unreachable);
  EXPECT_TRUE(status.error().error.message.contains("none.pem"));
}

TEST(Client, DoesNotFollowARedirectAndSaysWhereItLeads) {
  TestServer server(
      [](const SeenRequest&) { return reply(302, {{"Location", "http://elsewhere/"}}, ""); });
  Client client(connection_to(server));
  const auto status = client.status();
  ASSERT_FALSE(status);
  EXPECT_TRUE(status.error().error.message.contains("http://elsewhere/"));
  EXPECT_EQ(server.seen().size(), 1U);
}

TEST(Client, SaysThatAnAnswerIsNoDocument) {
  TestServer server([](const SeenRequest&) { return reply(200, {}, "<html>"); });
  Client client(connection_to(server));
  EXPECT_FALSE(client.list({}));
  EXPECT_FALSE(client.users());
}

TEST(Client, NeverTakesAnEmptyIdForAllImages) {
  TestServer server([](const SeenRequest&) { return reply(200, {}, R"({"image": {}})"); });
  Client client(connection_to(server));
  EXPECT_FALSE(client.remove(""));
  EXPECT_FALSE(client.remove(".."));
  EXPECT_FALSE(client.remove_user(""));
  EXPECT_TRUE(client.remove("a/b"));
  EXPECT_EQ(server.seen().size(), 1U);
  EXPECT_EQ(server.seen()[0].target, "/images/a%2Fb");
}

TEST(BodySource, SaysWhatIsWrongWithAFile) {
  const TestFolder folder;
  const auto missing = open_file_body(folder.at("none"));
  ASSERT_FALSE(missing);
  EXPECT_TRUE(missing.error().error.message.contains("No such file"));
  const auto is_folder = open_file_body(folder.at("."));
  ASSERT_FALSE(is_folder);
  EXPECT_TRUE(is_folder.error().error.message.contains("folder"));
}

TEST(BodySource, NoticesAFileThatGetsShorterMeanwhile) {
  const TestFolder folder;
  folder.put("f", "0123456789");
  auto body = open_file_body(folder.at("f"));
  ASSERT_TRUE(body);
  ASSERT_EQ(::truncate(folder.at("f").c_str(), 4), 0);
  std::vector<std::byte> buffer(100);
  EXPECT_EQ((*body)->read(buffer).value(), 4U);
  const auto rest = (*body)->read(buffer);
  ASSERT_FALSE(rest);
  EXPECT_TRUE(rest.error().error.message.contains("shorter"));
}

}  // namespace
}  // namespace visor::client
