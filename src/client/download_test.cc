#include "client/download.h"

#include <fcntl.h>
#include <gtest/gtest.h>

#include "client/client.h"
#include "client/test_folder.h"
#include "client/test_server.h"

namespace visor::client {
namespace {

using Names = std::set<std::string>;

std::string made_up_data(std::size_t size) {
  std::string data(size, '\0');
  std::uint32_t state = 12345;
  for (char& byte : data) {
    state = state * 1664525 + 1013904223;
    byte = static_cast<char>(state >> 24);
  }
  return data;
}

const std::string kData = made_up_data(300'000);

/// A server with one image "i", whose ways of failing are set by each test.
struct ImageServer {
  std::string data = kData;
  std::string tag = "\"v1\"";
  std::string announced_sha256 = digest_hex(DigestAlgorithm::sha256, kData);
  bool knows_ranges = true;
  std::size_t break_after = 0;  ///< bytes of body after which each GET breaks; 0: never
  int breaks = 1'000'000;       ///< how many of them do
  std::function<void(int)> before_get = {};  ///< called with the number of the GET, from 1

  int gets = 0;
  TestServer server{[this](const SeenRequest& request) { return answer(request); }};

  Attributes headers() const {
    Attributes lines{{"x-image-meta-_id", "i"},
                     {"x-image-meta-format", "iso"},
                     {"x-image-meta-size", std::to_string(data.size())}};
    if (!announced_sha256.empty()) lines.emplace_back("x-image-meta-sha256", announced_sha256);
    if (!tag.empty()) lines.emplace_back("ETag", tag);
    return lines;
  }

  Reply answer(const SeenRequest& request) {
    if (request.method == "HEAD") return {reply_text(200, headers(), "", data.size())};
    if (before_get) before_get(++gets);
    Attributes lines = headers();
    std::size_t first = 0;
    int status = 200;
    const auto range = request.headers.find("range");
    if (knows_ranges && !range.empty() && request.headers.find("if-range") == tag) {
      first = parse_unsigned(range.substr(6, range.size() - 7)).value_or(0);
      if (first >= data.size()) return reply(416, {}, "");
      status = 206;
      lines.emplace_back("Content-Range", "bytes " + std::to_string(first) + "-" +
                                              std::to_string(data.size() - 1) + "/" +
                                              std::to_string(data.size()));
    }
    std::string_view body = std::string_view(data).substr(first);
    const auto whole = body.size();
    if (break_after > 0 && body.size() > break_after && breaks-- > 0) {
      body = body.substr(0, break_after);
    }
    return {reply_text(status, lines, body, whole)};
  }
};

struct Told final : Progress {
  void begin(std::string_view, std::uint64_t done, std::optional<std::uint64_t> total) override {
    begins.emplace_back(done, total.value_or(0));
  }
  void advance(std::uint64_t done) override { last = done; }
  void notice(std::string_view sentence) override { notices.emplace_back(sentence); }
  void end(bool complete) override { ends.push_back(complete); }
  std::vector<std::pair<std::uint64_t, std::uint64_t>> begins;
  std::uint64_t last = 0;
  std::vector<std::string> notices;
  std::vector<bool> ends;
};

class DownloadTest : public testing::Test {
 protected:
  Outcome<Downloaded> fetch(DownloadTarget& target) {
    Connection connection;
    connection.address.port = image.server.port();
    Client client(connection);
    auto head = client.describe("i");
    if (!head) return std::unexpected<Failure>(head.error());
    if (after_head) after_head();
    return client.get("i", *head, target, progress, persistence);
  }
  Outcome<Downloaded> fetch() {
    auto target = PartialFile::open(folder.at("i.iso"));
    if (!target) return std::unexpected<Failure>(target.error());
    return fetch(**target);
  }
  Persistence no_second_try() {
    Persistence once = persistence;
    once.fruitless = 1;
    once.breaks = 0;
    return once;
  }
  std::vector<SeenRequest> gets() const {
    std::vector<SeenRequest> found;
    for (auto& request : image.server.seen()) {
      if (request.method == "GET") found.push_back(request);
    }
    return found;
  }

  ImageServer image;
  TestFolder folder;
  Told progress;
  std::function<void()> after_head = {};
  std::vector<std::chrono::milliseconds> waits;
  Persistence persistence{
      .wait = [this](std::chrono::milliseconds wait) { waits.push_back(wait); }};
};

TEST_F(DownloadTest, SavesTheWholeImageUnderItsNameAndNothingElse) {
  const auto done = fetch();
  ASSERT_TRUE(done) << done.error().error.message;
  EXPECT_EQ(folder.text("i.iso"), kData);
  EXPECT_EQ(folder.names(), Names{"i.iso"});
  EXPECT_EQ(done->size, kData.size());
  ASSERT_TRUE(done->digest);
  EXPECT_EQ(done->digest->algorithm, DigestAlgorithm::sha256);
  EXPECT_EQ(progress.last, kData.size());
  EXPECT_EQ(progress.ends, std::vector<bool>{true});
}

TEST_F(DownloadTest, ContinuesByItselfWhereTheConnectionBroke) {
  image.break_after = 100'000;
  const auto done = fetch();
  ASSERT_TRUE(done) << done.error().error.message;
  EXPECT_EQ(folder.text("i.iso"), kData);
  EXPECT_EQ(folder.names(), Names{"i.iso"});
  ASSERT_EQ(gets().size(), 3U);
  EXPECT_EQ(gets()[1].headers.find("range"), "bytes=100000-");
  EXPECT_EQ(gets()[1].headers.find("if-range"), "\"v1\"");
  EXPECT_EQ(gets()[2].headers.find("range"), "bytes=200000-");
  EXPECT_EQ(waits.size(), 2U);
  EXPECT_EQ(progress.begins.size(), 1U);
}

TEST_F(DownloadTest, KeepsAPartialFileThatALaterRunContinues) {
  image.break_after = 120'000;
  image.breaks = 1;
  const Persistence stubborn = std::exchange(persistence, no_second_try());
  const auto broken = fetch();
  ASSERT_FALSE(broken);
  EXPECT_TRUE(broken.error().unreachable);
  EXPECT_EQ(folder.names(), (Names{"i.iso.partial", "i.iso.partial.tag"}));
  EXPECT_EQ(folder.text("i.iso.partial"), kData.substr(0, 120'000));
  EXPECT_EQ(progress.ends, std::vector<bool>{false});

  persistence = stubborn;
  const auto done = fetch();
  ASSERT_TRUE(done) << done.error().error.message;
  EXPECT_EQ(done->resumed_from, 120'000U);
  EXPECT_EQ(folder.text("i.iso"), kData);
  EXPECT_EQ(folder.names(), Names{"i.iso"});
  EXPECT_EQ(gets().back().headers.find("range"), "bytes=120000-");
}

TEST_F(DownloadTest, DigestsWhatWasThereBeforeSoThatADamagedPartialFileIsFound) {
  folder.put("i.iso.partial", std::string(1000, 'x'));
  folder.put("i.iso.partial.tag", "\"v1\"\n");
  const auto done = fetch();
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().error.code, Code::corrupt);
  EXPECT_EQ(folder.names(), Names{});
}

TEST_F(DownloadTest, DeletesWhatDoesNotHaveTheDigest) {
  image.announced_sha256 = digest_hex(DigestAlgorithm::sha256, "something else");
  const auto done = fetch();
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().error.code, Code::corrupt);
  EXPECT_FALSE(done.error().unreachable);
  EXPECT_TRUE(done.error().error.message.contains("sha256"));
  EXPECT_EQ(folder.names(), Names{});
}

TEST_F(DownloadTest, LeavesTheFileOfBeforeAloneUntilTheNewOneIsVerified) {
  folder.put("i.iso", "old");
  image.announced_sha256 = digest_hex(DigestAlgorithm::sha256, "something else");
  ASSERT_FALSE(fetch());
  EXPECT_EQ(folder.text("i.iso"), "old");

  image.announced_sha256 = digest_hex(DigestAlgorithm::sha256, kData);
  ASSERT_TRUE(fetch());
  EXPECT_EQ(folder.text("i.iso"), kData);
  EXPECT_EQ(folder.names(), Names{"i.iso"});
}

TEST_F(DownloadTest, BeginsAnewIfTheDataChangedSinceTheLastRun) {
  folder.put("i.iso.partial", std::string(1000, 'x'));
  folder.put("i.iso.partial.tag", "\"v0\"\n");
  const auto done = fetch();
  ASSERT_TRUE(done) << done.error().error.message;
  EXPECT_EQ(done->resumed_from, 0U);
  EXPECT_EQ(folder.text("i.iso"), kData);
  EXPECT_FALSE(gets()[0].headers.has("range"));
}

TEST_F(DownloadTest, BeginsAnewIfTheDataChangesWhileItIsFetched) {
  image.break_after = 100'000;
  image.breaks = 1;
  image.before_get = [this](int number) {
    if (number != 2) return;
    image.data = made_up_data(50'000);
    image.tag = "\"v2\"";
    image.announced_sha256 = digest_hex(DigestAlgorithm::sha256, image.data);
  };
  const auto done = fetch();
  ASSERT_TRUE(done) << done.error().error.message;
  EXPECT_EQ(folder.text("i.iso"), made_up_data(50'000));
  EXPECT_EQ(folder.names(), Names{"i.iso"});
}

TEST_F(DownloadTest, BeginsAnewIfTheTagOfThePartialFileIsMissing) {
  folder.put("i.iso.partial", kData.substr(0, 1000));
  const auto done = fetch();
  ASSERT_TRUE(done) << done.error().error.message;
  EXPECT_EQ(done->resumed_from, 0U);
  EXPECT_FALSE(gets()[0].headers.has("range"));
}

TEST_F(DownloadTest, SkipsWhatItHasWhenTheServerIgnoresRanges) {
  image.knows_ranges = false;
  image.break_after = 200'000;
  image.breaks = 1;
  const auto done = fetch();
  ASSERT_TRUE(done) << done.error().error.message;
  EXPECT_EQ(folder.text("i.iso"), kData);
  EXPECT_EQ(gets().size(), 2U);
}

TEST_F(DownloadTest, BeginsAnewWhenTheServerKnowsNoTags) {
  image.tag.clear();
  image.knows_ranges = false;
  image.break_after = 200'000;
  image.breaks = 1;
  const auto done = fetch();
  ASSERT_TRUE(done) << done.error().error.message;
  EXPECT_EQ(folder.text("i.iso"), kData);
  EXPECT_FALSE(gets()[1].headers.has("range"));
}

TEST_F(DownloadTest, AsksForNothingIfOnlyTheRenamingWasLeft) {
  folder.put("i.iso.partial", kData);
  folder.put("i.iso.partial.tag", "\"v1\"\n");
  const auto done = fetch();
  ASSERT_TRUE(done) << done.error().error.message;
  EXPECT_EQ(gets().size(), 0U);
  EXPECT_EQ(folder.text("i.iso"), kData);
  EXPECT_EQ(folder.names(), Names{"i.iso"});
}

TEST_F(DownloadTest, DropsAPartialFileThatIsLongerThanTheImage) {
  folder.put("i.iso.partial", kData + "more");
  folder.put("i.iso.partial.tag", "\"v1\"\n");
  const auto done = fetch();
  ASSERT_TRUE(done) << done.error().error.message;
  EXPECT_EQ(folder.text("i.iso"), kData);
}

TEST_F(DownloadTest, GivesUpAfterSomeAttemptsThatBringNothing) {
  image.before_get = [this](int number) {
    if (number > 1) image.break_after = 0;
  };
  image.break_after = 100'000;
  image.breaks = 1;
  // From the second attempt on the server is overloaded.
  auto& answer = image;
  TestServer overloaded([&answer](const SeenRequest& request) {
    if (request.method == "GET" && request.headers.has("range")) {
      return reply(503, {{"Content-Type", "application/json"}},
                   R"({"code": 503, "message": "The server is overloaded."})");
    }
    return answer.answer(request);
  });
  Connection connection;
  connection.address.port = overloaded.port();
  Client client(connection);
  const auto head = client.describe("i");
  ASSERT_TRUE(head);
  auto target = PartialFile::open(folder.at("i.iso"));
  ASSERT_TRUE(target);
  const auto done = client.get("i", *head, **target, progress, persistence);
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().status, 503);
  EXPECT_EQ(done.error().error.message, "The server is overloaded.");
  using std::chrono::milliseconds;
  EXPECT_EQ(waits, (std::vector<milliseconds>{milliseconds(250), milliseconds(500),
                                              milliseconds(1000), milliseconds(2000)}));
  target->reset();
  EXPECT_EQ(folder.text("i.iso.partial"), kData.substr(0, 100'000));
}

TEST_F(DownloadTest, LeavesNothingBehindWhenTheServerRefuses) {
  after_head = [this] { image.before_get = [this](int) { image.data.clear(); }; };
  TestServer refusing([this](const SeenRequest& request) {
    if (request.method == "HEAD") return image.answer(request);
    return reply(409, {}, R"({"code": 409, "message": "The image has no data yet."})");
  });
  Connection connection;
  connection.address.port = refusing.port();
  Client client(connection);
  const auto head = client.describe("i");
  ASSERT_TRUE(head);
  {
    auto target = PartialFile::open(folder.at("i.iso"));
    ASSERT_TRUE(target);
    const auto done = client.get("i", *head, **target, progress, persistence);
    ASSERT_FALSE(done);
    EXPECT_EQ(done.error().status, 409);
    EXPECT_EQ(done.error().error.message, "The image has no data yet.");
  }
  EXPECT_EQ(folder.names(), Names{});
  EXPECT_TRUE(progress.begins.empty());
  EXPECT_TRUE(progress.ends.empty());
}

TEST_F(DownloadTest, RefusesLessDataThanTheImageHas) {
  image.announced_sha256.clear();
  TestServer shorter([this](const SeenRequest& request) {
    if (request.method == "HEAD") return image.answer(request);
    return reply(200, image.headers(), kData.substr(0, 1000));
  });
  Connection connection;
  connection.address.port = shorter.port();
  Client client(connection);
  const auto head = client.describe("i");
  auto target = PartialFile::open(folder.at("i.iso"));
  ASSERT_TRUE(head && target);
  const auto done = client.get("i", *head, **target, progress, persistence);
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().error.code, Code::corrupt);
  EXPECT_EQ(folder.names(), Names{});
}

TEST_F(DownloadTest, TakesNoAnswerWhoseHeadWasCutOffForWhole) {
  image.break_after = 0;
  TestServer cutting([this](const SeenRequest& request) {
    Reply answer = image.answer(request);
    if (request.method == "GET") answer.bytes.resize(100);
    return answer;
  });
  Connection connection;
  connection.address.port = cutting.port();
  Client client(connection);
  const auto head = client.describe("i");
  ASSERT_TRUE(head);
  {
    auto target = PartialFile::open(folder.at("i.iso"));
    ASSERT_TRUE(target);
    const auto done = client.get("i", *head, **target, progress, persistence);
    ASSERT_FALSE(done);
    EXPECT_TRUE(done.error().unreachable);
  }
  EXPECT_EQ(folder.names(), Names{});
}

TEST_F(DownloadTest, TrustsNoDataOfWhichNeitherLengthNorDigestIsKnown) {
  TestServer vague([](const SeenRequest& request) {
    const std::string head = "HTTP/1.1 200 X\r\nConnection: close\r\n\r\n";
    return Reply{request.method == "HEAD" ? head : head + "some of it"};
  });
  Connection connection;
  connection.address.port = vague.port();
  Client client(connection);
  const auto head = client.describe("i");
  auto target = PartialFile::open(folder.at("i"));
  ASSERT_TRUE(head && target);
  const auto done = client.get("i", *head, **target, progress, persistence);
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().error.code, Code::corrupt);
  EXPECT_EQ(folder.names(), Names{});
}

TEST_F(DownloadTest, SaysWhenTheServerKnewNoDigest) {
  image.announced_sha256.clear();
  const auto done = fetch();
  ASSERT_TRUE(done);
  EXPECT_FALSE(done->digest);
  EXPECT_EQ(folder.text("i.iso"), kData);
}

TEST_F(DownloadTest, SavesAnImageWithoutAByte) {
  image.data.clear();
  image.announced_sha256 = digest_hex(DigestAlgorithm::sha256, "");
  const auto done = fetch();
  ASSERT_TRUE(done) << done.error().error.message;
  EXPECT_EQ(folder.names(), Names{"i.iso"});
  EXPECT_EQ(folder.text("i.iso"), "");
}

TEST_F(DownloadTest, ContinuesOnStandardOutputWithoutRepeatingAByte) {
  image.break_after = 100'000;
  const int out = ::open(folder.at("out").c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
  DescriptorTarget target(out);
  const auto done = fetch(target);
  ::close(out);
  ASSERT_TRUE(done) << done.error().error.message;
  EXPECT_EQ(folder.text("out"), kData);
}

TEST_F(DownloadTest, FailsOnStandardOutputIfTheDataChangesMeanwhile) {
  image.break_after = 100'000;
  image.breaks = 1;
  image.before_get = [this](int number) {
    if (number == 2) image.tag = "\"v2\"";
  };
  const int out = ::open(folder.at("out").c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
  DescriptorTarget target(out);
  const auto done = fetch(target);
  ::close(out);
  ASSERT_FALSE(done);
  EXPECT_EQ(folder.text("out"), kData.substr(0, 100'000));
}

TEST(FileName, IsTheIdAndTheFormat) {
  EXPECT_EQ(file_name("3f2a", {{"format", "qcow2"}}).value(), "3f2a.qcow2");
  EXPECT_EQ(file_name("3f2a", {}).value(), "3f2a");
}

TEST(FileName, NeverLeavesTheFolderWhateverTheServerSays) {
  EXPECT_EQ(file_name("3f2a", {{"format", "../../x"}}).value(), "3f2a");
  EXPECT_EQ(file_name("3f2a", {{"format", "a/b"}}).value(), "3f2a");
  EXPECT_FALSE(file_name("../x", {}));
  EXPECT_FALSE(file_name("", {}));
  EXPECT_FALSE(file_name("..", {}));
}

TEST(BestDigest, PrefersTheStrongerOneAndIgnoresWhatIsNone) {
  const std::string md5(32, 'a');
  const std::string sha256(64, 'B');
  EXPECT_EQ(best_digest({{"checksum", md5}, {"sha256", sha256}})->hex, std::string(64, 'b'));
  EXPECT_EQ(best_digest({{"checksum", md5}})->algorithm, DigestAlgorithm::md5);
  EXPECT_FALSE(best_digest({{"checksum", "abc-3"}}));
  EXPECT_FALSE(best_digest({{"checksum", md5}, {"store", "http"}}));
  EXPECT_FALSE(best_digest({}));
}

}  // namespace
}  // namespace visor::client
