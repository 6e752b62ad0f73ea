#include "command_line.h"

#include <gtest/gtest.h>

#include "base/digest.h"
#include "test_command_line.h"

namespace visor::command {
namespace {

using client::reply;
using client::Reply;
using client::SeenRequest;
using client::TestServer;

const std::string kList =
    R"({"images":[{"_id":"7","name":"n","architecture":"i386","size":2048}]})";

TEST_F(CommandLineTest, WrongUsageEndsWith2AndAHint) {
  for (const std::vector<std::string>& words :
       std::vector<std::vector<std::string>>{{},
                                             {"frobnicate"},
                                             {"head"},
                                             {"get"},
                                             {"brief", "--no-such-option"},
                                             {"brief", "-d", "sideways"},
                                             {"brief", "-q", "nonsense"},
                                             {"brief", "--limit", "0"},
                                             {"add", "no-equals-sign"},
                                             {"add", "a=1", "a=2"},
                                             {"update", "7"},
                                             {"delete"},
                                             {"delete", "7", "-q", "a=b"},
                                             {"admin"},
                                             {"admin", "add", "access_key=a"},
                                             {"store"},
                                             {"store", "check", "--to", "s3"},
                                             {"store", "copies"},
                                             {"store", "copies", "7", "8"},
                                             {"store", "copy", "7"},
                                             {"store", "copy", "--to", "s3"},
                                             {"store", "evict", "7"},
                                             {"store", "scrub"},
                                             {"store", "jobs", "--limit", "0"},
                                             {"store", "cancel"},
                                             {"help", "frobnicate"},
                                             {"completion", "tcsh"},
                                             {"brief", "--profile", "none"}}) {
    const Ran ran = run_line(words);
    EXPECT_EQ(ran.exit, Exit::usage) << (words.empty() ? "" : words[0]);
    EXPECT_NE(ran.err, "");
    EXPECT_EQ(ran.out, "");
  }
}

TEST_F(CommandLineTest, EveryCommandHasHelpWithAnExample) {
  for (const char* name :
       {"brief", "detail", "head", "get", "add", "update", "delete", "status", "config"}) {
    const Ran ran = run_line({"help", name});
    EXPECT_EQ(ran.exit, Exit::done);
    EXPECT_TRUE(ran.out.contains(std::string("Examples:\n  visor ") + name)) << ran.out;
    EXPECT_EQ(run_line({name, "-h"}).out, ran.out);
  }
  EXPECT_TRUE(run_line({"help", "admin", "add"}).out.contains("Usage: visor admin add"));
  EXPECT_TRUE(run_line({"--help"}).out.contains("Exit status:"));
}

TEST_F(CommandLineTest, ShowsListsAsTablesAndAsTheServersDocument) {
  TestServer server([](const SeenRequest&) { return reply(200, {}, kList); });
  const Ran table = ask(server, {"brief", "-q", "name=n", "-s", "size", "-d", "desc"});
  EXPECT_EQ(table.exit, Exit::done) << table.err;
  EXPECT_EQ(table.out,
            "ID  NAME  ARCHITECTURE  TYPE  FORMAT  STORE   SIZE\n"
            "7   n     i386          -     -       -      2 KiB\n");
  EXPECT_EQ(server.seen()[0].target, "/images?name=n&sort=size&dir=desc");
  const Ran json = ask(server, {"brief", "--json"});
  EXPECT_TRUE(json.out.contains("\"_id\": \"7\"")) << json.out;
}

TEST_F(CommandLineTest, TakesOptionsBeforeTheCommandAsIn2012) {
  TestServer server([](const SeenRequest&) { return reply(200, {}, kList); });
  const std::string port = std::to_string(server.port());
  EXPECT_EQ(run_line({"-a", "127.0.0.1", "-p", port, "-q", "name=n", "brief"}).exit, Exit::done);
  EXPECT_EQ(server.seen()[0].target, "/images?name=n");
}

TEST_F(CommandLineTest, EndsAsTheServersStatusSays) {
  for (const auto& [status, exit] : std::vector<std::pair<int, Exit>>{{400, Exit::failed},
                                                                      {403, Exit::not_permitted},
                                                                      {404, Exit::not_found},
                                                                      {409, Exit::conflict},
                                                                      {500, Exit::failed},
                                                                      {503, Exit::failed}}) {
    TestServer server([code = status](const SeenRequest&) {
      return reply(code, {}, R"({"code": 0, "message": "The server's sentence."})");
    });
    const Ran ran = ask(server, {"delete", "7"});
    EXPECT_EQ(ran.exit, exit) << status;
    EXPECT_TRUE(ran.err.contains("The server's sentence.")) << ran.err;
    EXPECT_EQ(ran.out, "");
  }
}

TEST_F(CommandLineTest, SaysWhatToSetWhenNobodyAsked) {
  TestServer server([](const SeenRequest&) { return reply(403, {}, R"({"message": "No."})"); });
  EXPECT_TRUE(ask(server, {"brief"}).err.contains("VISOR_ACCESS_KEY"));
}

TEST_F(CommandLineTest, SaysHowToStartAServerThatIsNotThere) {
  std::uint16_t port = 0;
  {
    const TestServer server([](const SeenRequest&) { return Reply{}; });
    port = server.port();
  }
  const Ran ran = run_line({"brief", "-p", std::to_string(port)});
  EXPECT_EQ(ran.exit, Exit::unreachable);
  EXPECT_EQ(ran.err, "visor: cannot reach http://127.0.0.1:" + std::to_string(port) +
                         ": connection refused. Is the server running? Start it with `visor "
                         "server start`.\n");
}

TEST_F(CommandLineTest, DeletesAllThatMatchAndSaysWhich) {
  TestServer server([](const SeenRequest& request) {
    if (request.method == "GET") {
      return reply(200, {}, R"({"images":[{"_id":"7","name":"a"},{"_id":"8","name":"b"}]})");
    }
    return reply(200, {}, R"({"image":{"_id":"x","name":"gone\u001b"}})");
  });
  const Ran ran = ask(server, {"delete", "-q", "name=a", "--yes"});
  EXPECT_EQ(ran.exit, Exit::done) << ran.err;
  EXPECT_EQ(ran.out, "Deleted 7  gone\\x1b\nDeleted 8  gone\\x1b\n");
  EXPECT_EQ(server.seen()[1].target, "/images/7");
  EXPECT_EQ(server.seen()[2].target, "/images/8");
}

TEST_F(CommandLineTest, NeverTakesAnEmptyQueryForDeleteEverything) {
  TestServer server([](const SeenRequest&) { return reply(200, {}, kList); });
  EXPECT_EQ(ask(server, {"delete", "-q", "", "--yes"}).exit, Exit::usage);
  EXPECT_TRUE(server.seen().empty());
}

TEST_F(CommandLineTest, GoesOnDeletingAfterOneThatCannotBe) {
  TestServer server([](const SeenRequest& request) {
    if (request.target == "/images/7") return reply(404, {}, R"({"message": "No image."})");
    return reply(200, {}, R"({"image":{"_id":"8"}})");
  });
  const Ran ran = ask(server, {"delete", "7", "8"});
  EXPECT_EQ(ran.exit, Exit::not_found);
  EXPECT_EQ(ran.out, "Deleted 8\n");
}

TEST_F(CommandLineTest, SavesAnImageUnderItsIdAndFormat) {
  const std::string data = "the data";
  const std::string digest = digest_hex(DigestAlgorithm::sha256, data);
  TestServer server([&](const SeenRequest& request) {
    const client::Attributes headers{{"x-image-meta-format", "raw"},
                                     {"x-image-meta-size", "8"},
                                     {"x-image-meta-sha256", digest},
                                     {"ETag", "\"t\""}};
    if (request.method == "HEAD") return Reply{client::reply_text(200, headers, "", 8)};
    return reply(200, headers, data);
  });
  const Ran ran = ask(server, {"get", "7", "-S", folder.at("."), "--quiet"});
  EXPECT_EQ(ran.exit, Exit::done) << ran.err;
  EXPECT_EQ(ran.out + ran.err, "");
  EXPECT_EQ(folder.names(), std::set<std::string>{"7.raw"});
  EXPECT_EQ(folder.text("7.raw"), data);
  EXPECT_TRUE(ask(server, {"get", "7", "-f", folder.at("x")}).out.contains("sha256 verified"));
  EXPECT_EQ(folder.text("x"), data);
}

TEST_F(CommandLineTest, RegistersNothingIfTheFileIsNotThere) {
  TestServer server([](const SeenRequest&) { return reply(200, {}, R"({"image":{}})"); });
  const Ran ran = ask(server, {"add", "name=n", "-f", folder.at("absent")});
  EXPECT_EQ(ran.exit, Exit::failed);
  EXPECT_TRUE(ran.err.contains("absent"));
  EXPECT_TRUE(server.seen().empty());
}

TEST_F(CommandLineTest, ShowsTheIdFirstAndAloneIfQuiet) {
  TestServer server(
      [](const SeenRequest&) { return reply(200, {}, R"({"image":{"name":"n","_id":"7"}})"); });
  EXPECT_EQ(ask(server, {"add", "name=n"}).out, "_id   7\nname  n\n");
  EXPECT_EQ(ask(server, {"add", "name=n", "--quiet"}).out, "7\n");
}

TEST_F(CommandLineTest, ShowsANewAccountsSecretOnce) {
  TestServer server([](const SeenRequest&) {
    return reply(200, {}, R"({"user":{"access_key":"bob","secret_key":"c2VjcmV0"}})");
  });
  const Ran ran = ask(server, {"admin", "add", "access_key=bob", "email=b@example.org"});
  EXPECT_EQ(ran.exit, Exit::done) << ran.err;
  EXPECT_EQ(ran.out, "access_key  bob\nsecret_key  c2VjcmV0\n");
  EXPECT_TRUE(ran.err.contains("shown this once"));
}

TEST_F(CommandLineTest, NeverShowsASecretEvenWhenItSaysMore) {
  TestServer server([](const SeenRequest&) { return reply(403, {}, R"({"message": "No."})"); });
  ::setenv("VISOR_ACCESS_KEY", "alice", 1);
  ::setenv("VISOR_SECRET_KEY", "hunter2hunter2", 1);
  const Ran ran = ask(server, {"brief", "--verbose"});
  EXPECT_TRUE(ran.err.contains("alice"));
  EXPECT_FALSE((ran.out + ran.err).contains("hunter2hunter2"));
  EXPECT_TRUE(server.seen()[0].headers.has("authorization"));
}

TEST_F(CommandLineTest, SaysThatNoServerRunsHere) {
  EXPECT_EQ(run_line({"server", "status", "--data", folder.at("none")}).exit, Exit::not_found);
  EXPECT_EQ(run_line({"server", "stop", "--data", folder.at("none")}).exit, Exit::not_found);
}

}  // namespace
}  // namespace visor::command
