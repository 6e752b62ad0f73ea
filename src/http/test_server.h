// A server with a handler that does what the tests need.
#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <cstring>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <string>
#include <vector>

#include "async/executor.h"
#include "http/server.h"
#include "http/test_client.h"

namespace visor::http {

using namespace std::chrono_literals;

/// Something that happens once, or has happened a number of times; for waiting across threads.
class Tally {
 public:
  void add() {
    const std::lock_guard lock(mutex_);
    ++count_;
    changed_.notify_all();
  }
  bool wait_for(int count) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, 120s, [&] { return count_ >= count; });
  }
  int count() const {
    const std::lock_guard lock(mutex_);
    return count_;
  }

 private:
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  int count_ = 0;
};

/// A door that handlers wait at until a test opens it.
class Door {
 public:
  struct Awaiter {
    Door& door;
    bool await_ready() const noexcept { return false; }
    bool await_suspend(std::coroutine_handle<> handle) {
      const std::lock_guard lock(door.mutex_);
      if (door.open_) return false;
      door.waiting_.emplace_back(async::Executor::current(), handle);
      return true;
    }
    void await_resume() const noexcept {}
  };
  Awaiter pass() { return Awaiter{*this}; }
  void open() {
    const std::lock_guard lock(mutex_);
    open_ = true;
    for (const auto& [executor, handle] : waiting_) {
      executor->post([resumed = handle] { resumed.resume(); });
    }
    waiting_.clear();
  }

 private:
  friend struct Awaiter;
  std::mutex mutex_;
  bool open_ = false;
  std::vector<std::pair<async::Executor*, std::coroutine_handle<>>> waiting_;
};

/// Gives `real` bytes and says it has `said`; then it ends, or fails.
class PatternSource final : public async::ByteSource {
 public:
  PatternSource(std::optional<std::uint64_t> said, std::uint64_t real, bool fails,
                Tally* gone = nullptr)
      : said_(said), real_(real), fails_(fails), gone_(gone) {}
  ~PatternSource() override {
    if (gone_ != nullptr) gone_->add();
  }
  static char at(std::uint64_t position) { return static_cast<char>('a' + position % 23); }
  static std::string text(std::uint64_t size) {
    std::string text;
    for (std::uint64_t i = 0; i < size; ++i) text += at(i);
    return text;
  }
  std::optional<std::uint64_t> size() const override { return said_; }
  async::Task<Result<std::size_t>> read(std::span<std::byte> into) override {
    const auto count =
        static_cast<std::size_t>(std::min<std::uint64_t>(into.size(), real_ - position_));
    if (count == 0 && fails_) co_return fail(Code::unavailable, "the disk is gone", "test");
    for (std::size_t i = 0; i < count; ++i) into[i] = static_cast<std::byte>(at(position_ + i));
    position_ += count;
    co_return count;
  }

 private:
  std::optional<std::uint64_t> said_;
  std::uint64_t real_;
  bool fails_;
  Tally* gone_;
  std::uint64_t position_ = 0;
};

class FileSource final : public async::ByteSource {
 public:
  FileSource(const std::string& path, std::uint64_t said)
      : descriptor_(::open(path.c_str(), O_RDONLY | O_CLOEXEC)), said_(said) {}
  ~FileSource() override { ::close(descriptor_); }
  std::optional<std::uint64_t> size() const override { return said_; }
  async::Task<Result<std::size_t>> read(std::span<std::byte>) override {
    co_return fail(Code::internal, "a file is not to be read by the session", "test");
  }
  std::optional<async::FileRange> as_file() const override {
    return async::FileRange{descriptor_, 0, said_};
  }

 private:
  int descriptor_;
  std::uint64_t said_;
};

using Act = std::function<async::Task<Response>(Request&)>;

class TestHandler final : public Handler {
 public:
  std::map<std::string, Act, std::less<>> acts;  ///< by path
  Tally refused;

  async::Task<Response> handle(Request& request) override {
    const auto found = acts.find(request.head.path);
    if (found == acts.end()) return text_response(404, "nothing here");
    return found->second(request);
  }
  Response refuse(int status, std::string_view reason, const RequestHead& head) override {
    refused.add();
    Response response;
    response.status = status;
    response.text = reason;
    if (const auto name = head.field("x-name")) response.set("x-name", std::string(*name));
    if (status == 503) response.set("retry-after", "7");
    return response;
  }

  static async::Task<Response> text_response(int status, std::string text) {
    Response response;
    response.status = status;
    response.text = std::move(text);
    co_return response;
  }
  static async::Task<Response> source_response(std::unique_ptr<async::ByteSource> source) {
    Response response;
    response.source = std::move(source);
    co_return response;
  }
  static async::Task<Response> echo(Request& request) {
    Result<std::string> text = co_await async::read_all(request.body, 16 << 20);
    Response response;
    if (text) {
      response.text = std::move(*text);
    } else {
      response.status = text.error().code == Code::too_slow ? 408 : 400;
      response.text = text.error().message;
    }
    co_return response;
  }
  static async::Task<Response> behind(Door& door, Tally& arrived, std::string text) {
    arrived.add();
    Door::Awaiter opened = door.pass();
    co_await opened;
    Response response;
    response.text = std::move(text);
    co_return response;
  }
};

class ServerTest : public testing::Test {
 protected:
  ServerTest() {
    // A test shortens the one limit that it is about: a client whom a busy machine keeps waiting
    // must not run into another.
    limits.head_timeout = limits.skim_timeout = limits.idle_timeout = limits.linger_timeout = 10min;
    limits.receive.window = limits.send.window = 10min;
    handler.acts["/small"] = [](Request&) { return TestHandler::text_response(200, "small"); };
    handler.acts["/echo"] = [](Request& request) { return TestHandler::echo(request); };
    handler.acts["/refuse"] = [](Request&) { return TestHandler::text_response(403, "no"); };
    handler.acts["/door"] = [this](Request&) {
      return TestHandler::behind(door, arrived, "through");
    };
  }
  void start(std::size_t loops = 1) {
    Server::Options options;
    options.mounts = {{"127.0.0.1:0", &handler}};
    options.limits = limits;
    options.loops = loops;
    options.on_done = [this](const RequestRecord& record) {
      const std::lock_guard lock(mutex);
      records.emplace_back(std::string(record.method) + " " + std::string(record.path) + " " +
                           std::to_string(record.status) + " in " +
                           std::to_string(record.bytes_in) + (record.complete ? "" : " broken"));
      done.add();
    };
    server = std::make_unique<Server>(std::move(options));
    const Result<void> started = server->start();
    ASSERT_TRUE(started) << started.error().message;
  }
  void TearDown() override {
    door.open();
    if (server) server->stop(10s);
  }
  TestClient client(int receive_buffer = 0) {
    TestClient made(server->addresses().front(), receive_buffer);
    EXPECT_TRUE(made.connected());
    return made;
  }
  static std::string get(const std::string& path) {
    return "GET " + path + " HTTP/1.1\r\nHost: t\r\n\r\n";
  }
  static std::string put(const std::string& path, std::size_t length,
                         const std::string& fields = "") {
    return "PUT " + path + " HTTP/1.1\r\nHost: t\r\nContent-Length: " + std::to_string(length) +
           "\r\n" + fields + "\r\n";
  }
  std::vector<std::string> log() {
    const std::lock_guard lock(mutex);
    return records;
  }

  Limits limits;
  TestHandler handler;
  Door door;
  Tally arrived;
  Tally done;
  std::mutex mutex;
  std::vector<std::string> records;
  std::unique_ptr<Server> server;
};

}  // namespace visor::http
