// A log in a folder of its own. For tests only.
#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "async/executor.h"
#include "audit/log.h"
#include "audit/verify.h"

namespace visor::audit {

class AuditFixture : public ::testing::Test {
 protected:
  AuditFixture() {
    std::string name = (std::filesystem::temp_directory_path() / "visor-audit-XXXXXX").string();
    EXPECT_NE(::mkdtemp(name.data()), nullptr);
    base_ = name;
    options_.folder = base_ + "/audit";
  }
  ~AuditFixture() override {
    log_.reset();
    std::error_code unknown;
    std::filesystem::remove_all(base_, unknown);
  }

  void start() {
    log_.reset();
    auto opened = Log::open(options_, seal_, clock_);
    ASSERT_TRUE(opened) << opened.error().message << ' ' << opened.error().where;
    log_ = std::move(*opened);
  }
  /// As kill -9 would end it: copies what is in the files, lets the log end, and puts that back.
  void crash() {
    const std::string kept = base_ + "/kept";
    std::filesystem::create_directory(kept);
    for (const auto& entry : std::filesystem::directory_iterator(options_.folder)) {
      std::error_code failed;
      std::filesystem::copy_file(entry.path(), kept + "/" + entry.path().filename().string(),
                                 std::filesystem::copy_options::overwrite_existing, failed);
      // The log's own thread may just have renamed its next checkpoint: the end came before that.
      EXPECT_TRUE(!failed || failed == std::errc::no_such_file_or_directory) << failed.message();
    }
    log_.reset();
    std::filesystem::remove_all(options_.folder);
    std::filesystem::rename(kept, options_.folder);
  }

  static Event removal(std::string image, Outcome outcome = Outcome::done) {
    Event event = event_of(Principal::of("alice"), "image.delete");
    event.image = std::move(image);
    event.outcome = outcome;
    return event;
  }
  std::uint64_t tell(const Event& event) {
    auto told = log_->append(event);
    EXPECT_TRUE(told) << told.error().message;
    return told ? *told : 0;
  }
  void fill(int lines) {
    for (int i = 0; i < lines; ++i) tell(removal("image-" + std::to_string(i)));
  }
  Result<void> settle(std::uint64_t sequence) {
    return async::run_until_done(log_->settled(sequence));
  }

  /// Whether the log, which tries again by itself, is ready (or not) within a minute.
  bool becomes_ready(bool wanted) const {
    const auto end = std::chrono::steady_clock::now() + std::chrono::minutes(1);
    while (log_->ready().has_value() != wanted) {
      if (std::chrono::steady_clock::now() > end) return false;
      std::this_thread::yield();
    }
    return true;
  }

  Verdict verdict() {
    auto verified = verify(options_.folder, &seal_,
                           [this](const Line& line, std::string_view) { seen_.push_back(line); });
    EXPECT_TRUE(verified) << verified.error().message;
    return verified ? std::move(*verified) : Verdict{};
  }
  static std::string told(const Verdict& verdict) {
    std::string text;
    for (const Break& each : verdict.breaks) {
      text += each.file + ":" + std::to_string(each.line) + ": " + each.what + "\n";
    }
    return text;
  }

  std::vector<std::string> files() const {
    std::vector<std::string> names;
    for (const auto& entry : std::filesystem::directory_iterator(options_.folder)) {
      const std::string name = entry.path().filename().string();
      if (name.starts_with("audit-0")) names.push_back(name);
    }
    std::sort(names.begin(), names.end());
    return names;
  }
  std::string path(const std::string& name) const { return options_.folder + "/" + name; }
  std::string text_of(const std::string& name) const {
    std::ifstream file(path(name), std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }
  void put(const std::string& name, const std::string& text) const {
    std::ofstream(path(name), std::ios::binary | std::ios::trunc) << text;
  }
  /// The file's lines without the room behind them.
  std::vector<std::string> lines_of(const std::string& name) const {
    std::vector<std::string> lines;
    std::ifstream file(path(name), std::ios::binary);
    for (std::string line; std::getline(file, line);) {
      if (!line.empty()) lines.push_back(line);
    }
    return lines;
  }
  void put_lines(const std::string& name, const std::vector<std::string>& lines) const {
    std::string text;
    for (const std::string& line : lines) text += line + "\n";
    put(name, text);
  }

  std::string base_;
  Options options_;
  Seal seal_{seal_key(Secret("a master key of thirty-two bytes"))};
  ManualClock clock_{*parse_iso_time("2026-06-15T21:05:20Z")};
  std::unique_ptr<Log> log_;
  std::vector<Line> seen_;
};

}  // namespace visor::audit
