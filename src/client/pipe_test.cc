#include "client/pipe.h"

#include <gtest/gtest.h>

#include <string>
#include <thread>

namespace visor::client {
namespace {

std::string text_of(std::size_t size) {
  std::string text(size, '\0');
  for (std::size_t at = 0; at < size; ++at) text[at] = static_cast<char>(at * 31 + at / 251);
  return text;
}

/// Reads in pieces of `piece` bytes to the end.
Outcome<std::string> read_all(Pipe& pipe, std::size_t piece) {
  std::string got;
  std::string buffer(piece, '\0');
  while (true) {
    auto count = pipe.read(std::as_writable_bytes(std::span(buffer)));
    if (!count) return pass_on(count);
    if (*count == 0) return got;
    got.append(buffer, 0, *count);
  }
}

TEST(Pipe, HandsOnMoreThanItHolds) {
  Pipe pipe(1000);
  const std::string sent = text_of(100'003);
  std::thread writer([&] {
    std::span<const std::byte> left = std::as_bytes(std::span(sent));
    while (!left.empty()) {
      const auto piece = left.first(std::min<std::size_t>(left.size(), 2'777));
      EXPECT_TRUE(pipe.write(piece));
      left = left.subspan(piece.size());
    }
    pipe.finish();
  });
  EXPECT_EQ(read_all(pipe, 313).value(), sent);
  writer.join();
}

TEST(Pipe, EndsAtOnceIfNothingCame) {
  Pipe pipe(10);
  pipe.finish();
  EXPECT_EQ(read_all(pipe, 4).value(), "");
}

TEST(Pipe, TellsTheReaderWhatWentWrongAtTheWriter) {
  Pipe pipe(10);
  std::thread writer(
      [&] { pipe.fail(connection_failure(Code::unavailable, "it broke", Retry::later).error()); });
  const auto got = read_all(pipe, 4);
  writer.join();
  ASSERT_FALSE(got);
  EXPECT_EQ(got.error().error.message, "it broke");
  EXPECT_TRUE(got.error().unreachable);
}

TEST(Pipe, LetsAWriterGoThatNobodyReadsFrom) {
  Pipe pipe(10);
  std::thread reader([&] { pipe.leave(); });
  const std::string more = text_of(100);
  const auto written = pipe.write(std::as_bytes(std::span(more)));
  reader.join();
  ASSERT_FALSE(written);
  EXPECT_EQ(written.error().error.code, Code::cancelled);
}

}  // namespace
}  // namespace visor::client
