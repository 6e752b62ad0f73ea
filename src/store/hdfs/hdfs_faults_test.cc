// What the store does when HDFS answers badly, late or not at all.
#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include "async/byte_source.h"
#include "async/executor.h"
#include "store/hdfs/hdfs_store.h"
#include "support/fake_hdfs.h"

namespace visor::store {
namespace {

using async::run_until_done;
using std::chrono::milliseconds;

std::span<const std::byte> as_span(std::string_view text) {
  return std::as_bytes(std::span(text.data(), text.size()));
}

/// Bytes that differ from place to place and from seed to seed.
std::string pattern_bytes(std::size_t count, unsigned seed = 1) {
  std::string bytes;
  for (std::size_t at = 0; at < count; ++at) bytes += static_cast<char>(at * seed % 251);
  return bytes;
}

/// A port that refuses connections and that nobody else gets meanwhile.
class ClosedPort {
 public:
  ClosedPort() : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address = {};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    EXPECT_EQ(::bind(socket_, reinterpret_cast<sockaddr*>(&address), size), 0);
    EXPECT_EQ(::getsockname(socket_, reinterpret_cast<sockaddr*>(&address), &size), 0);
    port_ = ntohs(address.sin_port);
  }
  ~ClosedPort() { ::close(socket_); }
  ClosedPort(const ClosedPort&) = delete;
  ClosedPort& operator=(const ClosedPort&) = delete;
  std::string authority() const { return "127.0.0.1:" + std::to_string(port_); }

 private:
  const int socket_;
  int port_ = 0;
};

class HdfsFaults : public testing::Test {
 protected:
  void use(std::size_t namenodes = 1, std::size_t datanodes = 2) {
    store_.reset();
    hdfs_ = std::make_unique<FakeHdfs>(namenodes, datanodes);
  }
  HdfsStore& store() {
    if (!store_) store_ = std::move(*HdfsStore::create(options_for(*hdfs_)));
    return *store_;
  }
  /// Refuses the operation with `answer` the first `times` times.
  void refuse(const std::string& operation, const std::string& answer, int times = 1 << 20) {
    left_ = times;
    hdfs_->refuse = [this, operation, answer](
                        std::size_t, const HdfsRequest& request) -> std::optional<std::string> {
      if (request.operation() != operation || left_-- <= 0) return std::nullopt;
      return answer;
    };
  }

  Result<void> upload(const std::string& key, const std::string& bytes) {
    auto writer = run_until_done(store().create(key, bytes.size()));
    if (!writer) return pass(writer);
    auto written = run_until_done((*writer)->write(as_span(bytes)));
    if (!written) return written;
    return run_until_done((*writer)->commit(bytes.size()));
  }
  Result<std::string> download(const std::string& key, ByteRange range = {}) {
    auto source = run_until_done(store().open(key, range, ""));
    if (!source) return pass(source);
    return run_until_done(async::read_all(**source, std::size_t{16} << 20));
  }
  std::vector<std::string> paths() const { return hdfs_->paths(); }

  std::unique_ptr<FakeHdfs> hdfs_ = std::make_unique<FakeHdfs>();
  std::unique_ptr<HdfsStore> store_;
  std::atomic<int> left_ = 0;
};

TEST_F(HdfsFaults, SaysWhoAsksAndNeverBothNameAndToken) {
  std::map<std::string, std::string> query;
  hdfs_->refuse = [&query](std::size_t, const HdfsRequest& request) -> std::optional<std::string> {
    query = request.query;
    return exception_answer("404 No", "FileNotFoundException");
  };
  EXPECT_FALSE(run_until_done(store().stat("a")));
  EXPECT_EQ(query["user.name"], "visor");
  EXPECT_FALSE(query.contains("delegation"));

  auto options = options_for(*hdfs_);
  options.access.token = [] { return "JAAGcm9vdA+/="; };
  store_ = std::move(*HdfsStore::create(std::move(options)));
  EXPECT_FALSE(run_until_done(store().stat("a")));
  EXPECT_EQ(query["delegation"], "JAAGcm9vdA+/=");
  EXPECT_FALSE(query.contains("user.name"));
}

TEST_F(HdfsFaults, NamesBlobsByTheirFileInHdfs) {
  ASSERT_TRUE(upload("3f/a", "x"));
  EXPECT_EQ(paths(), std::vector<std::string>{"/images/3f.a"});
  EXPECT_EQ(store().location("3f/a"), "hdfs://" + hdfs_->namenodes().front() + "/images/3f.a");
}

TEST_F(HdfsFaults, SaysWhatARefusalMeans) {
  const std::pair<std::string, Code> refusals[] = {
      {exception_answer("403 No", "AccessControlException"), Code::unavailable},
      {exception_answer("403 No", "InvalidToken"), Code::unavailable},
      {exception_answer("401 Who", "SecurityException"), Code::unavailable},
      {http_answer("401 Who", ""), Code::unavailable},
      {exception_answer("403 No", "NSQuotaExceededException"), Code::no_space},
      {exception_answer("403 No", "DSQuotaExceededException"), Code::no_space},
      {exception_answer("403 No", "MaxDirectoryItemsExceededException"), Code::no_space},
      {exception_answer("403 No", "SafeModeException"), Code::unavailable},
      {exception_answer("500 No", "RetriableException"), Code::unavailable},
      {exception_answer("403 No", "StandbyException"), Code::unavailable},
      {exception_answer("500 No", "NullPointerException"), Code::unavailable},
      {exception_answer("400 No", "IllegalArgumentException"), Code::unavailable},
      {exception_answer("400 No", "IllegalArgumentException", "no constant MKDIRS"),
       Code::unsupported},
      {exception_answer("500 No", "QueryParamException", "no constant MKDIRS"), Code::unsupported},
      {exception_answer("500 No", "RemoteException", "a is not allowed to impersonate b"),
       Code::unavailable},
      {http_answer("404 No", "<html>"), Code::unavailable},
      {http_answer("503 Busy", ""), Code::unavailable},
      {json_answer("200 OK", "{"), Code::unavailable},
  };
  for (const auto& [answer, code] : refusals) {
    use();
    refuse("MKDIRS", answer);
    auto writer = run_until_done(store().create("a", 1));
    ASSERT_FALSE(writer) << answer;
    EXPECT_EQ(writer.error().code, code) << answer;
    EXPECT_FALSE(writer.error().message.empty());
    EXPECT_EQ(hdfs_->served().size(), 0u);
  }
}

// Not `forbidden`: whoever asked for the image may have it.
TEST_F(HdfsFaults, SaysThatItIsTheServerWhichHdfsRefuses) {
  for (const auto& [answer, says] :
       {std::pair{exception_answer("403 No", "AccessControlException"), "permissions"},
        {http_answer("403 No", ""), "permissions"},
        {exception_answer("401 Who", "AuthenticationException"), "credentials"},
        {exception_answer("500 No", "RemoteException", "a is not allowed to impersonate b"),
         "gateway"}}) {
    use();
    refuse("GETFILESTATUS", answer);
    const auto status = async::run_until_done(store().stat("a"));
    ASSERT_FALSE(status);
    EXPECT_EQ(status.error().code, Code::unavailable);
    EXPECT_EQ(status.error().retry, Retry::never);
    EXPECT_NE(status.error().message.find(says), std::string::npos) << status.error().message;
  }
}

TEST_F(HdfsFaults, ReadsARefusalThatADatanodePassesOn) {
  for (const auto& [exception, message, code] :
       {std::tuple{"DSQuotaExceededException", "full", Code::no_space},
        {"IOException", "org.apache.hadoop.hdfs.protocol.DSQuotaExceededException: full",
         Code::no_space},
        {"AccessControlException", "no", Code::unavailable},
        {"IOException", "File could only be written to 0 of the 1 minReplication nodes",
         Code::unavailable}}) {
    use();
    const std::string refusal = exception_answer("403 No", exception, message);
    hdfs_->disturb = [refusal](std::size_t, const HdfsRequest& request,
                               ScriptedConnection& connection) {
      if (request.operation() != "CREATE") return false;
      connection.read_chunked();
      connection.send(refusal);
      return true;
    };
    const auto result = upload("a", "12345");
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().code, code) << message;
    EXPECT_EQ(paths(), std::vector<std::string>{});
  }
}

TEST_F(HdfsFaults, RefusesToMakeTheStoresFolderItself) {
  hdfs_->remove_folder("/images");
  const auto result = upload("a", "x");
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, Code::unavailable);
  EXPECT_TRUE(result.error().message.contains("folder")) << result.error().message;
}

TEST_F(HdfsFaults, WaitsForTheEndOfSafeMode) {
  refuse("MKDIRS", exception_answer("403 No", "SafeModeException"), 3);
  EXPECT_TRUE(upload("a", "x"));
  EXPECT_EQ(hdfs_->asked("MKDIRS"), 4u);
  refuse("MKDIRS", exception_answer("403 No", "SafeModeException"));
  const auto result = upload("b", "x");
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, Code::unavailable);
  EXPECT_TRUE(result.error().message.contains("safe mode"));
  EXPECT_EQ(hdfs_->asked("MKDIRS"), 8u) << "not for ever";
}

TEST_F(HdfsFaults, AsksTheOtherNamenodeAndRemembersIt) {
  use(2);
  hdfs_->refuse = [](std::size_t node, const HdfsRequest&) -> std::optional<std::string> {
    if (node == 0) return exception_answer("403 No", "StandbyException");
    return std::nullopt;
  };
  ASSERT_TRUE(upload("a", "12345"));
  EXPECT_EQ(download("a"), "12345");
  std::size_t first = 0;
  for (const auto& each : hdfs_->asked()) first += each.starts_with("0 ") ? 1 : 0;
  EXPECT_EQ(first, 1u);
}

TEST_F(HdfsFaults, FollowsAFailoverInTheMiddleOfAnUpload) {
  use(2);
  std::atomic<std::size_t> active = 0;
  hdfs_->refuse = [&active](std::size_t node, const HdfsRequest&) -> std::optional<std::string> {
    if (node != active) return exception_answer("403 No", "StandbyException");
    return std::nullopt;
  };
  auto writer = run_until_done(store().create("a", 5));
  ASSERT_TRUE(writer);
  ASSERT_TRUE(run_until_done((*writer)->write(as_span("12345"))));
  active = 1;
  ASSERT_TRUE(run_until_done((*writer)->commit(5)));
  EXPECT_EQ(download("a"), "12345");
}

TEST_F(HdfsFaults, AsksTheOtherNamenodeIfOneBreaksOff) {
  use(2);
  hdfs_->refuse = [](std::size_t node, const HdfsRequest&) -> std::optional<std::string> {
    if (node == 0) return "";
    return std::nullopt;
  };
  ASSERT_TRUE(upload("a", "12345"));
  EXPECT_EQ(download("a"), "12345");
}

TEST_F(HdfsFaults, SaysThatNoNamenodeIsActive) {
  use(2);
  hdfs_->refuse = [](std::size_t, const HdfsRequest&) -> std::optional<std::string> {
    return exception_answer("403 No", "StandbyException");
  };
  const auto result = run_until_done(store().stat("a"));
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, Code::unavailable);
  EXPECT_EQ(hdfs_->asked("GETFILESTATUS"), 8u);
}

TEST_F(HdfsFaults, KnowsARenameWhoseAnswerWasLost) {
  // The first RENAME is done and its answer lost; the second finds nothing to rename.
  auto renamed = std::make_shared<std::atomic<bool>>(false);
  hdfs_->refuse = [this, renamed](std::size_t,
                                  const HdfsRequest& request) -> std::optional<std::string> {
    if (request.operation() != "RENAME" || renamed->exchange(true)) return std::nullopt;
    hdfs_->rename(request.path, request.query.at("destination"));
    return "";
  };
  EXPECT_TRUE(upload("a", "12345"));
  EXPECT_EQ(hdfs_->asked("RENAME"), 2u);
  EXPECT_EQ(paths(), std::vector<std::string>{"/images/a"});
}

TEST_F(HdfsFaults, TakesAnUploadBackThatHdfsHasNotAllOf) {
  hdfs_->disturb = [this](std::size_t, const HdfsRequest& request, ScriptedConnection& connection) {
    if (request.operation() != "CREATE") return false;
    auto bytes = connection.read_chunked();
    bytes.pop_back();
    hdfs_->put(request.path, bytes);
    connection.send(http_answer("201 Created", ""));
    return true;
  };
  const auto result = upload("a", "12345");
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, Code::corrupt);
  EXPECT_EQ(paths(), std::vector<std::string>{});
}

TEST_F(HdfsFaults, TakesAnUploadBackWhoseBytesArrivedChanged) {
  hdfs_->disturb = [this](std::size_t, const HdfsRequest& request, ScriptedConnection& connection) {
    if (request.operation() != "CREATE") return false;
    auto bytes = connection.read_chunked();
    bytes[2] ^= 1;
    hdfs_->put(request.path, bytes);
    connection.send(http_answer("201 Created", ""));
    return true;
  };
  const auto result = upload("a", "12345");
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, Code::corrupt);
  EXPECT_EQ(paths(), std::vector<std::string>{});
}

TEST_F(HdfsFaults, IsContentWithoutAChecksumThatItCanCompare) {
  hdfs_->checksum_algorithm = "COMPOSITE-CRC32C";
  EXPECT_TRUE(upload("a", "12345"));
  use();
  refuse("GETFILECHECKSUM", exception_answer("400 No", "UnsupportedOperationException"));
  EXPECT_TRUE(upload("a", "12345"));
}

TEST_F(HdfsFaults, TakesAnUploadBackThatADatanodeBreaksOff) {
  hdfs_->disturb = [this](std::size_t, const HdfsRequest& request, ScriptedConnection& connection) {
    if (request.operation() != "CREATE") return false;
    connection.read_body(100'000);
    hdfs_->put(request.path, "what the datanode had by then");
    connection.reset_on_close();
    return true;
  };
  auto writer = run_until_done(store().create("a", std::nullopt));
  ASSERT_TRUE(writer);
  const std::string slice = pattern_bytes(1 << 20);
  Result<void> written;
  for (int count = 0; written && count < 1'000; ++count) {
    written = run_until_done((*writer)->write(as_span(slice)));
  }
  ASSERT_FALSE(written);
  EXPECT_EQ(written.error().code, Code::unavailable);
  EXPECT_TRUE(written.error().message.contains("datanode")) << written.error().message;
  EXPECT_TRUE(written.error().where.contains("datanode=127.0.0.1")) << written.error().where;
  EXPECT_EQ(run_until_done((*writer)->write(as_span(slice))).error().code, Code::conflict);
  run_until_done((*writer)->abort());
  EXPECT_EQ(paths(), std::vector<std::string>{});
}

TEST_F(HdfsFaults, WritesToAnotherDatanodeIfOneTakesNothing) {
  const ClosedPort closed;
  const std::string gone = closed.authority();
  auto first = std::make_shared<std::atomic<bool>>(true);
  hdfs_->refuse = [first, gone](std::size_t,
                                const HdfsRequest& request) -> std::optional<std::string> {
    if (request.operation() != "CREATE" || !first->exchange(false)) return std::nullopt;
    return json_answer("200 OK", R"({"Location":"http://)" + gone + R"(/webhdfs/v1/x"})");
  };
  auto options = options_for(*hdfs_);
  options.datanodes.push_back(gone);
  store_ = std::move(*HdfsStore::create(std::move(options)));
  EXPECT_TRUE(upload("a", "12345"));
  EXPECT_EQ(hdfs_->bytes("/images/a"), "12345");
}

TEST_F(HdfsFaults, SaysThatADatanodeIsNotAllowed) {
  ASSERT_TRUE(upload("a", "12345"));
  hdfs_->named_datanode = "127.0.0.1:1";
  for (const auto& error : {download("a").error(), upload("b", "x").error()}) {
    EXPECT_EQ(error.code, Code::unavailable);
    EXPECT_TRUE(error.message.contains("datanodes")) << error.message;
    EXPECT_FALSE(error.message.contains("127.0.0.1")) << error.message;
    EXPECT_TRUE(error.where.contains("127.0.0.1")) << error.where;
  }
}

TEST_F(HdfsFaults, GoesOnReadingAtAnotherDatanode) {
  const std::string bytes = pattern_bytes(3'000'000);
  hdfs_->put("/images/a", bytes);
  auto broken = std::make_shared<std::atomic<int>>(0);
  hdfs_->disturb = [broken, bytes](std::size_t, const HdfsRequest& request,
                                   ScriptedConnection& connection) {
    if (request.operation() != "OPEN" || (*broken)++ >= 2) return false;
    const auto offset = std::stoull(request.query.at("offset"));
    connection.send(
        "HTTP/1.1 200 OK\r\nContent-Type: application/octet-stream\r\n"
        "Content-Length: " +
        std::to_string(bytes.size() - offset) + "\r\n\r\n" + bytes.substr(offset, 1'000'000));
    return true;
  };
  const auto read = download("a");
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_TRUE(*read == bytes);
  const auto served = hdfs_->served();
  ASSERT_EQ(served.size(), 3u);
  EXPECT_EQ(served[1].second.query.at("offset"), "1000000");
  EXPECT_EQ(served[1].second.query.at("excludedatanodes"), "127.0.0.1");
  EXPECT_EQ(served[2].second.query.at("offset"), "2000000");
}

TEST_F(HdfsFaults, NeverEndsEarlyInSilence) {
  hdfs_->put("/images/a", pattern_bytes(1'000));
  hdfs_->disturb = [](std::size_t, const HdfsRequest& request, ScriptedConnection& connection) {
    if (request.operation() != "OPEN") return false;
    connection.send(
        "HTTP/1.1 200 OK\r\nContent-Type: application/octet-stream\r\n"
        "Content-Length: " +
        request.query.at("length") + "\r\n\r\n");
    return true;
  };
  auto read = download("a");
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().code, Code::unavailable);
  EXPECT_EQ(hdfs_->served().size(), 4u) << "as many as attempts";
}

TEST_F(HdfsFaults, TakesNoOtherPartThanItAskedFor) {
  hdfs_->put("/images/a", "0123456789");
  hdfs_->disturb = [](std::size_t, const HdfsRequest& request, ScriptedConnection& connection) {
    if (request.operation() != "OPEN") return false;
    connection.send(
        http_answer("200 OK", "0123456789", "Content-Type: application/octet-stream\r\n"));
    return true;
  };
  EXPECT_EQ(download("a", {3, 4}).error().code, Code::unavailable);
}

TEST_F(HdfsFaults, NeverGoesOnInAnotherBlob) {
  const std::string bytes = pattern_bytes(1'000);
  hdfs_->put("/images/a", bytes);
  hdfs_->disturb = [this, bytes](std::size_t, const HdfsRequest& request,
                                 ScriptedConnection& connection) {
    if (request.operation() != "OPEN" || request.query.at("offset") != "0") return false;
    connection.send(
        "HTTP/1.1 200 OK\r\nContent-Type: application/octet-stream\r\n"
        "Content-Length: 1000\r\n\r\n" +
        bytes.substr(0, 500));
    hdfs_->put("/images/a", pattern_bytes(1'000, 2));
    return true;
  };
  EXPECT_EQ(download("a").error().code, Code::precondition);
}

TEST_F(HdfsFaults, ReadsFromServersThatSendTheDataAtOnce) {
  hdfs_->put("/images/a", "0123456789");
  hdfs_->refuse = [](std::size_t, const HdfsRequest& request) -> std::optional<std::string> {
    if (request.operation() != "OPEN") return std::nullopt;
    return http_answer("200 OK", "34567", "Content-Type: application/octet-stream\r\n");
  };
  EXPECT_EQ(download("a", {3, 5}), "34567");
  EXPECT_EQ(hdfs_->served().size(), 0u);
}

TEST_F(HdfsFaults, EndsWhatItWaitsForWhenItIsStopped) {
  refuse("MKDIRS", exception_answer("403 No", "SafeModeException"));
  store().stop();
  const auto result = upload("a", "x");
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, Code::cancelled);
  EXPECT_EQ(hdfs_->asked("MKDIRS"), 0u);
}

TEST_F(HdfsFaults, RemovesTemporariesThatAreOldAndNothingElse) {
  const std::string old_one = "/images/.visor-tmp/00000000-0000-4000-8000-000000000001";
  const std::string new_one = "/images/.visor-tmp/00000000-0000-4000-8000-000000000002";
  hdfs_->put(old_one, "x", 1'000);
  hdfs_->put(new_one, "x", std::int64_t{1} << 60);
  hdfs_->put("/images/.visor-tmp/not-ours", "x", 1'000);
  ASSERT_TRUE(upload("a", "12345"));
  EXPECT_EQ(paths(),
            (std::vector<std::string>{new_one, "/images/.visor-tmp/not-ours", "/images/a"}));
}

TEST_F(HdfsFaults, ListsOnlyWhatCanBeABlob) {
  for (const char* name : {"a", "b.c", "UPPER", "with_underscore", "..x", "z"}) {
    hdfs_->put(std::string("/images/") + name, "x");
  }
  const auto listing = run_until_done(store().list("", 10));
  ASSERT_TRUE(listing);
  EXPECT_EQ(listing->keys, (std::vector<std::string>{"a", "b/c", "z"}));
}

TEST_F(HdfsFaults, RefusesOptionsThatDoNotFit) {
  auto options = options_for(*hdfs_);
  options.access.namenodes.clear();
  EXPECT_EQ(HdfsStore::create(options).error().code, Code::invalid);
  for (const char* folder : {"", "images", "/images/"}) {
    options = options_for(*hdfs_);
    options.folder = folder;
    EXPECT_EQ(HdfsStore::create(options).error().code, Code::invalid) << folder;
  }
  options = options_for(*hdfs_);
  options.block_size = 1000;
  EXPECT_EQ(HdfsStore::create(options).error().code, Code::invalid);
  options = options_for(*hdfs_);
  options.datanodes = {"not a host"};
  EXPECT_EQ(HdfsStore::create(options).error().code, Code::invalid);
}

}  // namespace
}  // namespace visor::store
