#include "progress.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "base/units.h"

namespace visor::command {
namespace {

using std::chrono::seconds;

TEST(FormatClock, IsShortForShortTimes) {
  EXPECT_EQ(format_clock(seconds(7)), "0:07");
  EXPECT_EQ(format_clock(seconds(754)), "12:34");
  EXPECT_EQ(format_clock(seconds(3723)), "1:02:03");
  EXPECT_EQ(format_clock(seconds(-1)), "0:00");
}

TEST(ProgressLine, TellsShareAmountRateAndTheRest) {
  const ProgressState state{"downloading", 4 * kMiB, 16 * kMiB, 2.0 * kMiB, seconds(6)};
  EXPECT_EQ(progress_line(state, 80),
            "downloading  25% [======>                   ] 4 MiB of 16 MiB  2 MiB/s  ETA 0:06");
}

TEST(ProgressLine, GivesTheBarUpWhenThereIsNoRoom) {
  const ProgressState state{"downloading", 4 * kMiB, 16 * kMiB, 2.0 * kMiB, seconds(6)};
  EXPECT_EQ(progress_line(state, 58), "downloading  25% 4 MiB of 16 MiB  2 MiB/s  ETA 0:06");
  EXPECT_EQ(progress_line(state, 10).size(), 10U);
}

TEST(ProgressLine, SaysOneHundredPercentOnlyAtTheEnd) {
  ProgressState state{"x", 999'999, 1'000'000, 0, std::nullopt};
  EXPECT_TRUE(progress_line(state, 79).starts_with("x  99%"));
  state.done = 1'000'000;
  EXPECT_TRUE(progress_line(state, 79).starts_with("x 100% [=================="));
}

TEST(ProgressLine, DoesWithoutATotal) {
  const ProgressState state{"uploading", 3 * kMiB, std::nullopt, 1.0 * kMiB, std::nullopt};
  EXPECT_EQ(progress_line(state, 79), "uploading 3 MiB  1 MiB/s");
}

TEST(ProgressLine, CountsAnEmptyTransferAsWhole) {
  EXPECT_TRUE(progress_line({"x", 0, 0, 0, std::nullopt}, 79).starts_with("x 100%"));
}

std::string text_of(std::FILE* file) {
  std::rewind(file);
  std::string text(4096, '\0');
  text.resize(std::fread(text.data(), 1, text.size(), file));
  return text;
}

TEST(ShownProgress, WritesOneLineAtTheEndWhereThereIsNoTerminal) {
  std::FILE* file = std::tmpfile();
  {
    ShownProgress progress(file, false);
    progress.begin("downloading", 0, 100);
    progress.advance(50);
    progress.advance(100);
    progress.end(true);
  }
  const std::string text = text_of(file);
  EXPECT_TRUE(text.starts_with("downloading 100%")) << text;
  EXPECT_EQ(std::ranges::count(text, '\n'), 1);
  EXPECT_FALSE(text.contains('\r'));
  std::fclose(file);
}

TEST(ShownProgress, LeavesNoBarBehindAfterAFailure) {
  std::FILE* file = std::tmpfile();
  {
    ShownProgress progress(file, true);
    progress.begin("downloading", 0, 100);
    progress.notice("The connection broke");
    progress.end(false);
  }
  const std::string text = text_of(file);
  EXPECT_TRUE(text.ends_with("\r\x1b[KThe connection broke\n")) << text;
  std::fclose(file);
}

}  // namespace
}  // namespace visor::command
