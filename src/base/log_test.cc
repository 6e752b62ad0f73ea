#include "base/log.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
#include <regex>
#include <sstream>
#include <thread>
#include <vector>

#include "base/encoding.h"
#include "base/metrics.h"

namespace visor::log {
namespace {

class LogFile : public testing::Test {
 protected:
  void SetUp() override {
    std::string form = (std::filesystem::temp_directory_path() / "visor-log-XXXXXX").string();
    ASSERT_NE(::mkdtemp(form.data()), nullptr);
    folder_ = form;
    file_ = folder_ / "visor.log";
  }

  void TearDown() override {
    EXPECT_TRUE(configure({.level = Level::warning}));
    std::filesystem::remove_all(folder_);
  }

  void start(Level level, Form form) {
    ASSERT_TRUE(configure({.level = level, .form = form, .file = file_.string()}));
  }

  static std::vector<std::string> lines_of(const std::filesystem::path& file) {
    std::ifstream in(file);
    std::vector<std::string> lines;
    for (std::string line; std::getline(in, line);) lines.push_back(line);
    return lines;
  }

  std::vector<std::string> lines() const { return lines_of(file_); }

  static std::uint64_t lost_lines() {
    return metrics::Registry::process().counter("visor_log_lost_lines_total", "").value();
  }

  std::filesystem::path folder_;
  std::filesystem::path file_;
};

TEST_F(LogFile, HoldsOneTextLineAnEvent) {
  start(Level::info, Form::text);
  info("image stored", {{"image", "abc"}, {"size", "42"}});
  const auto written = lines();
  ASSERT_EQ(written.size(), 1U);
  EXPECT_TRUE(std::regex_match(
      written[0],
      std::regex(R"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z info image stored image=abc size=42)")))
      << written[0];
}

TEST_F(LogFile, HoldsOneJsonObjectAnEvent) {
  start(Level::info, Form::json);
  warning("disk nearly full", {{"store", "file"}});
  const auto written = lines();
  ASSERT_EQ(written.size(), 1U);
  EXPECT_TRUE(std::regex_match(
      written[0],
      std::regex(
          R"(\{"time":"[^"]+Z","level":"warning","message":"disk nearly full","store":"file"\})")))
      << written[0];
}

TEST_F(LogFile, LeavesOutWhatIsBelowItsLevel) {
  start(Level::warning, Form::text);
  debug("no");
  info("no");
  warning("yes");
  error("yes");
  EXPECT_EQ(lines().size(), 2U);
  EXPECT_FALSE(enabled(Level::info));
  EXPECT_TRUE(enabled(Level::error));
  EXPECT_FALSE(enabled(Level::off));
}

TEST_F(LogFile, SaysNothingWhenItIsOff) {
  start(Level::off, Form::text);
  error("nobody hears this");
  failure(Level::error, "nor this", Error{});
  EXPECT_TRUE(lines().empty());
}

TEST_F(LogFile, KeepsAHostileValueOnItsLineInText) {
  start(Level::info, Form::text);
  info("upload", {{"name", "x\n2012-06-15T21:05:20.000Z error forged a=b\r\x1b[31m\x7f\t"}});
  const auto written = lines();
  ASSERT_EQ(written.size(), 1U);
  EXPECT_NE(written[0].find("name=\"x\\n2012"), std::string::npos) << written[0];
  EXPECT_NE(written[0].find("a=b\\r\\u001b[31m\\u007f\\t\""), std::string::npos) << written[0];
}

TEST_F(LogFile, KeepsAHostileValueInItsQuotes) {
  start(Level::info, Form::text);
  info("upload", {{"name", "a\" user=\"root"}, {"other", "back\\slash"}, {"none", ""}});
  const auto written = lines();
  ASSERT_EQ(written.size(), 1U);
  EXPECT_TRUE(written[0].ends_with(R"(name="a\" user=\"root" other=back\\slash none="")"))
      << written[0];
}

TEST_F(LogFile, KeepsAHostileValueInItsJsonString) {
  start(Level::info, Form::json);
  info("up\"load\n", {{"name", "\",\"level\":\"error\n\\"}});
  const auto written = lines();
  ASSERT_EQ(written.size(), 1U);
  EXPECT_NE(written[0].find(R"("message":"up\"load\n")"), std::string::npos) << written[0];
  EXPECT_TRUE(written[0].ends_with(R"("name":"\",\"level\":\"error\n\\"})")) << written[0];
}

TEST_F(LogFile, EscapesLineSeparatorsDirectionMarksAndStrayBytesInBothForms) {
  const std::string value = "a\xe2\x80\xa8z\xe2\x80\xaey\xc2\x85x\xffw\xc3\xa9v\xed\xa0\x80u\xc3";
  start(Level::info, Form::text);
  info("m", {{"v", value}});
  start(Level::info, Form::json);
  info("m", {{"v", value}});
  const auto written = lines();
  ASSERT_EQ(written.size(), 2U);
  EXPECT_TRUE(
      written[0].ends_with("v=a\\u2028z\\u202ey\\u0085x\\xffw\xc3\xa9v\\xed\\xa0\\x80u\\xc3"))
      << written[0];
  EXPECT_TRUE(written[1].ends_with(
      "\"v\":\"a\\u2028z\\u202ey\\u0085x\\\\xffw\xc3\xa9v\\\\xed\\\\xa0\\\\x80u\\\\xc3\"}"))
      << written[1];
}

TEST_F(LogFile, NeverWritesAControlCharacterOrBrokenUtf8) {
  std::string every;
  for (int i = 0; i < 256; ++i) every += static_cast<char>(i);
  for (const Form form : {Form::text, Form::json}) {
    start(Level::info, form);
    info(every, {{"v", every}, {every, "v"}});
  }
  const auto written = lines();
  ASSERT_EQ(written.size(), 2U);
  for (const auto& line : written) {
    EXPECT_TRUE(valid_utf8(line));
    for (const char c : line) EXPECT_TRUE(static_cast<unsigned char>(c) >= 0x20 && c != 0x7f);
  }
}

TEST_F(LogFile, CutsAHugeValueBetweenTwoCharacters) {
  start(Level::info, Form::text);
  std::string huge = "x";
  while (huge.size() < 100000) huge += "\xc3\xa9";
  info("m", {{"v", huge}});
  const auto written = lines();
  ASSERT_EQ(written.size(), 1U);
  EXPECT_LT(written[0].size(), 5000U);
  EXPECT_TRUE(written[0].ends_with("..."));
  EXPECT_EQ(written[0].find("\\x"), std::string::npos);
}

TEST_F(LogFile, GivesAFieldAnotherNameWhenItWouldHideAnother) {
  start(Level::info, Form::json);
  info("m", {{"level", "9"}, {"bad name", "1"}});
  const auto written = lines();
  ASSERT_EQ(written.size(), 1U);
  EXPECT_TRUE(written[0].ends_with(R"("level_":"9","bad_name":"1"})")) << written[0];
}

TEST_F(LogFile, TellsAFailuresCodeMessageTrailAndFields) {
  start(Level::info, Form::text);
  failure(Level::error, "upload failed", Error{Code::no_space, "no room", "file.write errno=28"},
          {{"image", "abc"}});
  const auto written = lines();
  ASSERT_EQ(written.size(), 1U);
  EXPECT_TRUE(written[0].ends_with(
      R"(error upload failed code=no_space error="no room" where="file.write errno=28" image=abc)"))
      << written[0];
}

TEST_F(LogFile, GoesOnInANewFileAfterRotation) {
  start(Level::info, Form::text);
  info("before");
  const auto rotated = folder_ / "visor.log.1";
  std::filesystem::rename(file_, rotated);
  info("between");
  ASSERT_TRUE(reopen());
  info("after");
  EXPECT_EQ(lines_of(rotated).size(), 2U);
  EXPECT_EQ(lines().size(), 1U);
}

TEST_F(LogFile, KeepsTheOldFileWhenANewOneCannotBeOpened) {
  start(Level::info, Form::text);
  const auto result = configure({.level = Level::info, .file = folder_.string()});
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, Code::unavailable);
  EXPECT_EQ(result.error().message.find(folder_.string()), std::string::npos);
  info("still here");
  EXPECT_EQ(lines().size(), 1U);
}

TEST_F(LogFile, TakesWholeLinesFromManyThreadsAndAReopenBetween) {
  start(Level::info, Form::text);
  std::vector<std::jthread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([] {
      for (int i = 0; i < 200; ++i) info("line", {{"pad", std::string(50, 'p')}});
    });
  }
  for (int i = 0; i < 10; ++i) EXPECT_TRUE(reopen());
  threads.clear();
  const auto written = lines();
  EXPECT_EQ(written.size(), 800U);
  for (const auto& line : written) EXPECT_TRUE(line.ends_with("pad=" + std::string(50, 'p')));
}

TEST_F(LogFile, HoldsEverythingInOrderWhenItsWriterIsGone) {
  start(Level::info, Form::text);
  {
    const Writer writer;
    for (int i = 0; i < 2000; ++i) {
      const std::string number = std::to_string(i);
      if (i % 100 == 0) {
        warning("line", {{"number", number}});
      } else {
        write_soon(Level::info, "line", {{"number", number}});
      }
    }
  }
  const auto written = lines();
  ASSERT_EQ(written.size(), 2000U);
  for (std::size_t i = 0; i < written.size(); ++i) {
    EXPECT_TRUE(written[i].ends_with(" number=" + std::to_string(i))) << written[i];
  }
}

TEST_F(LogFile, IsWrittenByAWriterWithoutBeingAskedTo) {
  start(Level::info, Form::text);
  const Writer writer;
  write_soon(Level::info, "soon", {});
  const auto give_up = std::chrono::steady_clock::now() + std::chrono::seconds(60);
  while (lines().empty() && std::chrono::steady_clock::now() < give_up) std::this_thread::yield();
  EXPECT_EQ(lines().size(), 1U);
}

TEST_F(LogFile, TakesLinesFromTheCallersAgainWhenItsWriterIsGone) {
  start(Level::info, Form::text);
  {
    const Writer writer;
  }
  {
    const Writer second;
  }
  info("at once");
  EXPECT_EQ(lines().size(), 1U);
}

TEST_F(LogFile, KeepsWhatCameBeforeARotationInTheOldFileThoughAWriterLags) {
  start(Level::info, Form::text);
  const Writer writer;
  for (int i = 0; i < 500; ++i) write_soon(Level::info, "before", {});
  const auto rotated = folder_ / "visor.log.1";
  std::filesystem::rename(file_, rotated);
  ASSERT_TRUE(reopen());
  EXPECT_EQ(lines_of(rotated).size(), 500U);
}

TEST_F(LogFile, TakesWholeLinesFromManyThreadsThroughAWriter) {
  start(Level::info, Form::text);
  {
    const Writer writer;
    std::vector<std::jthread> threads;
    for (int t = 0; t < 4; ++t) {
      threads.emplace_back([t] {
        const std::string name = std::to_string(t);
        for (int i = 0; i < 300; ++i) {
          const std::string number = std::to_string(i);
          write_soon(Level::info, "line", {{"thread", name}, {"number", number}});
        }
      });
    }
    for (int i = 0; i < 10; ++i) EXPECT_TRUE(reopen());
  }
  const auto written = lines();
  EXPECT_EQ(written.size(), 1200U);
  // Each thread's lines keep their order.
  std::map<std::string, int> next;
  const std::regex form(R"(.* info line thread=(\d) number=(\d+))");
  for (const auto& line : written) {
    std::smatch match;
    ASSERT_TRUE(std::regex_match(line, match, form)) << line;
    EXPECT_EQ(std::stoi(match[2]), next[match[1]]++);
  }
}

// A disk that is full takes a part of what waits. What comes once there is room again must not
// stand on the line that was cut.
TEST_F(LogFile, BeginsALineOfItsOwnBehindOneThatTheDiskHadNoRoomFor) {
  start(Level::info, Form::text);
  info("before");
  const std::uint64_t lost = lost_lines();
  const auto before = ::signal(SIGXFSZ, SIG_IGN);
  rlimit limit{};
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &limit), 0);
  const rlimit small{std::filesystem::file_size(file_) + 20, limit.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &small), 0);
  info("this does not fit");
  info("nor does this");
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &limit), 0);
  ::signal(SIGXFSZ, before);
  EXPECT_EQ(lost_lines(), lost + 2);
  info("after");
  const auto written = lines();
  ASSERT_EQ(written.size(), 4U);
  EXPECT_TRUE(written[0].ends_with(" info before")) << written[0];
  EXPECT_EQ(written[1].size(), 20U) << written[1];
  EXPECT_TRUE(written[2].ends_with(" info after")) << written[2];
  EXPECT_TRUE(written[3].contains("lines of the log were dropped")) << written[3];
  EXPECT_TRUE(written[3].ends_with(" lines=2")) << written[3];
}

// A reader that does not read: whoever logs goes on, and learns later what was lost.
TEST_F(LogFile, DropsLinesAndTellsHowManyRatherThanKeepAnybodyWaiting) {
  const std::string pipe = (folder_ / "pipe").string();
  ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
  const int reader = ::open(pipe.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC);
  ASSERT_GE(reader, 0);
  ASSERT_TRUE(configure({.level = Level::info, .file = pipe}));
  metrics::Counter& lost = metrics::Registry::process().counter("visor_log_lost_lines_total", "");
  const std::uint64_t before = lost.value();
  std::string text;
  const std::string pad(1000, 'p');
  auto writer = std::make_unique<Writer>();
  for (int i = 0; i < 4000; ++i) write_soon(Level::info, "line", {{"pad", pad}});
  EXPECT_GT(lost.value(), before);
  // There is still room for what an operator needs.
  const std::uint64_t dropped = lost.value();
  warning("disk nearly full");
  EXPECT_EQ(lost.value(), dropped);
  std::jthread end([&writer] {
    writer.reset();
    EXPECT_TRUE(configure({.level = Level::warning}));
  });
  std::array<char, 65536> buffer;
  while (true) {
    pollfd ready{reader, POLLIN, 0};
    ASSERT_GT(::poll(&ready, 1, 60'000), 0);
    const ssize_t count = ::read(reader, buffer.data(), buffer.size());
    if (count <= 0) break;
    text.append(buffer.data(), static_cast<std::size_t>(count));
  }
  end.join();
  ::close(reader);
  EXPECT_NE(text.find("warning disk nearly full"), std::string::npos);
  EXPECT_NE(text.find("lines of the log were dropped"), std::string::npos);
  EXPECT_TRUE(text.ends_with('\n'));
}

}  // namespace
}  // namespace visor::log
