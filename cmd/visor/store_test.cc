#include "store.h"

#include <atomic>

#include "base/units.h"
#include "document/json.h"
#include "store_work.h"
#include "test_command_line.h"

namespace visor::command {
namespace {

using client::reply;
using client::Reply;
using client::SeenRequest;
using client::TestServer;
using document::Value;

class StoreTest : public CommandLineTest {};

/// A placement's document with these members beside its id.
std::string placement(const std::string& members) {
  return R"({"placement":{"id":"p",)" + members + "}}";
}

const std::string kCopy = R"("kind":"copy","image":"7","store":"s3","size":2048)";
const std::string kScrub = R"("kind":"scrub","store":"local")";

/// Takes any work as waiting, and shows it in one state after the other.
TestServer::Handler showing(std::string work, std::vector<std::string> states) {
  auto looks = std::make_shared<std::size_t>(0);
  return [=](const SeenRequest& request) {
    if (request.method == "POST") return reply(200, {}, placement(work + R"(,"state":"waiting")"));
    const std::size_t at = std::min((*looks)++, states.size() - 1);
    return reply(200, {}, placement(work + "," + states[at]));
  };
}

Value parsed(const std::string& text) { return document::parse_json(text).value(); }

TEST_F(StoreTest, ListsStoresAndCopiesAsTablesAndAsTheServersDocument) {
  TestServer server([](const SeenRequest& request) {
    if (request.target == "/stores") {
      return reply(200, {},
                   R"({"stores":[{"name":"local","default":true,"writable":true,)"
                   R"("references":"nobody"}]})");
    }
    return reply(200, {},
                 R"({"copies":[{"store":"local","location":"file:///a","state":"whole",)"
                 R"("first":true}]})");
  });
  EXPECT_EQ(ask(server, {"store", "list"}).out,
            "STORE  DEFAULT  WRITABLE  REFERENCES\nlocal  yes      yes       nobody\n");
  EXPECT_TRUE(ask(server, {"store", "list", "--json"}).out.contains(R"("stores": [)"));
  EXPECT_EQ(ask(server, {"store", "copies", "7"}).out,
            "STORE  STATE  READ   LOCATION\nlocal  whole  first  file:///a\n");
  EXPECT_EQ(server.seen().back().target, "/images/7/copies");
  EXPECT_EQ(server.seen().back().headers.find("x-visor-scope"), "all");
}

TEST_F(StoreTest, ChecksAllStoresIfNoneIsNamedAndFailsIfOneDoes) {
  TestServer server([](const SeenRequest& request) {
    if (request.target == "/stores") {
      return reply(200, {}, R"({"stores":[{"name":"local"},{"name":"s3"}]})");
    }
    if (request.target == "/stores/s3/check") {
      return reply(200, {},
                   R"({"check":{"store":"s3","result":"failed","failure":"no","duration":1}})");
    }
    return reply(200, {}, R"({"check":{"store":"local","result":"well","duration":0.012}})");
  });
  const Ran all = ask(server, {"store", "check"});
  EXPECT_EQ(all.exit, Exit::failed);
  EXPECT_EQ(all.out,
            "STORE  RESULT  TOOK  FAILURE\nlocal  well    12ms\ns3     failed    1s  no\n");
  const Ran one = ask(server, {"store", "check", "local", "--json"});
  EXPECT_EQ(one.exit, Exit::done);
  EXPECT_EQ(server.seen().back().method, "POST");
  EXPECT_EQ(parsed(one.out).find("check")->text("result")->c_str(), std::string("well"));
}

TEST_F(StoreTest, GoesOnCheckingAfterAStoreThatThereIsNot) {
  TestServer server([](const SeenRequest& request) {
    if (request.target == "/stores/tape/check") return reply(404, {}, R"({"message":"No store."})");
    return reply(200, {}, R"({"check":{"store":"local","result":"well"}})");
  });
  const Ran ran = ask(server, {"store", "check", "tape", "local"});
  EXPECT_EQ(ran.exit, Exit::not_found);
  EXPECT_EQ(ran.err, "visor: No store.\n");
  EXPECT_TRUE(ran.out.contains("local  well")) << ran.out;
}

TEST_F(StoreTest, WaitsUntilACopyIsMade) {
  TestServer server(
      showing(kCopy, {R"("state":"running","done":1024)", R"("state":"done","done":2048)"}));
  const Ran ran = ask(server, {"store", "copy", "7", "--to", "s3"});
  EXPECT_EQ(ran.exit, Exit::done) << ran.err;
  EXPECT_EQ(ran.out, "Copied 7 to s3 (2 KiB)\n");
  EXPECT_TRUE(ran.err.contains("copying 100% [")) << ran.err;
  EXPECT_EQ(server.seen()[0].body, R"({"placement":{"kind":"copy","image":"7","store":"s3"}})");
  EXPECT_EQ(server.seen()[1].target, "/placements/p");
  EXPECT_EQ(server.seen().size(), 3U);
}

TEST_F(StoreTest, SaysNothingOfWhatWentWellIfQuiet) {
  TestServer server(showing(kCopy, {R"("state":"done","done":2048)"}));
  const Ran ran = ask(server, {"store", "copy", "7", "--to", "s3", "--quiet"});
  EXPECT_EQ(ran.exit, Exit::done);
  EXPECT_EQ(ran.out + ran.err, "");
}

TEST_F(StoreTest, PrintsTheIdAtOnceIfItShallNotWait) {
  TestServer server(showing(kCopy, {R"("state":"running")"}));
  const Ran ran = ask(server, {"store", "copy", "7", "8", "--to", "s3", "--no-wait"});
  EXPECT_EQ(ran.exit, Exit::done);
  EXPECT_EQ(ran.out, "p\np\n");
  EXPECT_EQ(server.seen().size(), 2U);
}

TEST_F(StoreTest, GivesTheDocumentsOfWhatIsOver) {
  TestServer server(showing(kCopy, {R"("state":"done","done":2048)"}));
  const Ran one = ask(server, {"store", "copy", "7", "--to", "s3", "--json", "--quiet"});
  EXPECT_EQ(*parsed(one.out).find("placement")->text("state"), "done");
  const Ran two = ask(server, {"store", "copy", "7", "8", "--to", "s3", "--json", "--quiet"});
  EXPECT_EQ(parsed(two.out).find("placements")->size(), 2U);
}

TEST_F(StoreTest, NamesTheStoreThatAMoveLeavesOnlyIfItIsSaid) {
  TestServer server(
      showing(R"("kind":"move","image":"7","store":"s3","from":"local")", {R"("state":"done")"}));
  EXPECT_EQ(ask(server, {"store", "move", "7", "--to", "s3"}).out, "Moved 7 from local to s3\n");
  EXPECT_EQ(server.seen()[0].body, R"({"placement":{"kind":"move","image":"7","store":"s3"}})");
  ask(server, {"store", "move", "7", "--to", "s3", "--from", "local"});
  EXPECT_EQ(server.seen()[2].body,
            R"({"placement":{"kind":"move","image":"7","store":"s3","from":"local"}})");
}

TEST_F(StoreTest, EvictsFromTheStoreThatIsNamed) {
  TestServer server(
      showing(R"("kind":"evict","image":"7","store":"local")", {R"("state":"done")"}));
  const Ran ran = ask(server, {"store", "evict", "7", "--from", "local"});
  EXPECT_EQ(ran.out, "Evicted 7 from local\n");
  EXPECT_EQ(ran.err, "");
  EXPECT_EQ(server.seen()[0].body, R"({"placement":{"kind":"evict","image":"7","store":"local"}})");
}

TEST_F(StoreTest, EndsWith1AndTheServersSentenceIfWorkFailed) {
  TestServer server(showing(kCopy, {R"("state":"failed","failure":"the store s3 is full")"}));
  const Ran ran = ask(server, {"store", "copy", "7", "--to", "s3", "--quiet"});
  EXPECT_EQ(ran.exit, Exit::failed);
  EXPECT_EQ(ran.out, "");
  EXPECT_EQ(ran.err, "visor: copying 7 to s3 failed: the store s3 is full\n");
}

TEST_F(StoreTest, GoesOnWithTheOthersAfterWorkThatWasRefused) {
  TestServer server([](const SeenRequest& request) {
    if (request.body.contains(R"("image":"7")")) {
      return reply(409, {}, R"({"message":"The image has a copy there."})");
    }
    return reply(200, {}, placement(kCopy + R"(,"state":"done","done":2048)"));
  });
  const Ran ran = ask(server, {"store", "copy", "7", "8", "--to", "s3"});
  EXPECT_EQ(ran.exit, Exit::conflict);
  EXPECT_TRUE(ran.err.contains("The image has a copy there.")) << ran.err;
  EXPECT_EQ(ran.out, "Copied 7 to s3 (2 KiB)\n");
}

TEST_F(StoreTest, WaitsOnForAServerThatIsAwayForAMoment) {
  auto looks = std::make_shared<std::atomic<int>>(0);
  TestServer server([looks](const SeenRequest& request) {
    if (request.method == "POST") {
      return reply(200, {}, placement(kCopy + R"(,"state":"waiting")"));
    }
    if ((*looks)++ == 0) return reply(503, {}, R"({"message":"The server is stopping."})");
    return reply(200, {}, placement(kCopy + R"(,"state":"done","done":2048)"));
  });
  const Ran ran = ask(server, {"store", "copy", "7", "--to", "s3"});
  EXPECT_EQ(ran.exit, Exit::done) << ran.err;
  EXPECT_TRUE(ran.err.contains("does not answer")) << ran.err;
}

TEST_F(StoreTest, ShowsHowMuchAScrubReadSinceNobodyKnowsHowMuchThereIs) {
  TestServer server(showing(
      kScrub, {R"("state":"running","done":1024)", R"("state":"done","done":4096,"checked":3)"}));
  const Ran ran = ask(server, {"store", "scrub", "local"});
  EXPECT_EQ(ran.exit, Exit::done) << ran.err;
  EXPECT_EQ(ran.out, "Scrubbed local: all 3 copies are whole (4 KiB read)\n");
  EXPECT_TRUE(ran.err.contains("scrubbing 4 KiB")) << ran.err;
}

TEST_F(StoreTest, EndsWith1IfAScrubFoundDamage) {
  TestServer server(showing(kScrub, {R"("state":"done","done":4096,"checked":3,"damaged":2)"}));
  const Ran ran = ask(server, {"store", "scrub", "local", "--quiet"});
  EXPECT_EQ(ran.exit, Exit::failed);
  EXPECT_TRUE(ran.err.starts_with("visor: 2 of 3 copies in local are damaged.")) << ran.err;
  EXPECT_TRUE(ran.err.contains("healed")) << ran.err;
}

TEST_F(StoreTest, ShowsTheNewestWorkAndHowToSeeOlder) {
  TestServer server([](const SeenRequest&) {
    return reply(200, {},
                 R"({"placements":[{"id":"p","kind":"heal","state":"done","image":"7",)"
                 R"("store":"s3"}],"next":"p"})");
  });
  const Ran ran = ask(server, {"store", "jobs"});
  EXPECT_EQ(ran.out,
            "ID  KIND  STATE  IMAGE  STORE  PROGRESS  AGE  REMARK\n"
            "p   heal  done   7      s3            -    -\n");
  EXPECT_EQ(ran.err, "Older ones follow: add --marker 'p'\n");
  EXPECT_EQ(server.seen()[0].target, "/placements?limit=20");
  ask(server, {"store", "jobs", "--limit", "5", "--marker", "p"});
  EXPECT_EQ(server.seen()[1].target, "/placements?limit=5&marker=p");
}

TEST_F(StoreTest, ShowsTheWorkThatIsNamed) {
  TestServer server(showing(kCopy, {R"("state":"running","done":1024)"}));
  EXPECT_TRUE(ask(server, {"store", "jobs", "p"}).out.contains("50%"));
  EXPECT_EQ(server.seen()[0].target, "/placements/p");
  EXPECT_TRUE(parsed(ask(server, {"store", "jobs", "p", "--json"}).out).find("placement"));
  EXPECT_EQ(
      parsed(ask(server, {"store", "jobs", "p", "q", "--json"}).out).find("placements")->size(),
      2U);
}

TEST_F(StoreTest, CancelsWork) {
  TestServer server([](const SeenRequest& request) {
    if (request.target.ends_with("q")) return reply(409, {}, R"({"message":"It is over."})");
    return reply(200, {}, placement(kCopy + R"(,"state":"cancelled")"));
  });
  const Ran ran = ask(server, {"store", "cancel", "q", "p"});
  EXPECT_EQ(ran.exit, Exit::conflict);
  EXPECT_EQ(ran.out, "Cancelled placement p\n");
  EXPECT_EQ(server.seen()[0].method, "DELETE");
}

TEST(WorkResult, SaysWhatCameOfIt) {
  const auto sentence = [](const std::string& members) {
    return result_of(*parsed(placement(members)).find("placement")).sentence;
  };
  EXPECT_EQ(sentence(kScrub + R"(,"state":"done","checked":1,"done":5)"),
            "Scrubbed local: the only copy is whole (5 B read)");
  EXPECT_EQ(sentence(kScrub + R"(,"state":"done")"), "Scrubbed local: there are no copies in it");
  EXPECT_EQ(sentence(kScrub + R"(,"state":"failed","failure":"no")"), "scrubbing local failed: no");
  EXPECT_EQ(sentence(kCopy + R"(,"state":"cancelled","failure":"it was cancelled")"),
            "copying 7 to s3 was cancelled");
  EXPECT_EQ(sentence(R"("kind":"evict","image":"7","store":"s3","state":"failed")"),
            "evicting 7 from s3 failed");
}

TEST_F(StoreTest, EveryCommandHasHelpWithAnExample) {
  for (const char* name :
       {"list", "check", "copies", "copy", "move", "evict", "scrub", "jobs", "cancel"}) {
    const Ran ran = run_line({"help", "store", name});
    EXPECT_EQ(ran.exit, Exit::done);
    EXPECT_TRUE(ran.out.contains(std::string("Examples:\n  visor store ") + name)) << ran.out;
    EXPECT_EQ(run_line({"store", name, "-h"}).out, ran.out);
  }
}

TEST_F(StoreTest, EveryCommandIsCompleted) {
  const std::string script = run_line({"completion", "bash"}).out;
  EXPECT_TRUE(script.contains("'store scrub')")) << script;
  EXPECT_TRUE(script.contains("'store copy:--to'")) << script;
}

}  // namespace
}  // namespace visor::command
