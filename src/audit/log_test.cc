#include "audit/log.h"

#include <errno.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <thread>

#include "audit/audit_fixture.h"
#include "audit/checkpoint.h"

namespace visor::audit {
namespace {

class AuditLog : public AuditFixture {
 protected:
  ~AuditLog() override { log_.reset(); }  // its thread looks at what is below

  std::atomic<int> syncs_ = 0;
  std::atomic<bool> failing_ = false;
};

TEST_F(AuditLog, IsWholeAfterChangesStopsAndStarts) {
  start();
  fill(50);
  start();
  fill(50);
  log_.reset();
  const Verdict whole = verdict();
  EXPECT_TRUE(whole.whole()) << told(whole);
  EXPECT_TRUE(whole.remarks.empty());
  EXPECT_EQ(whole.first, 1u);
  EXPECT_EQ(std::ranges::count(seen_, "image.delete", &Line::verb), 100);
  EXPECT_EQ(std::ranges::count(seen_, "log.start", &Line::verb), 2);
  EXPECT_EQ(std::ranges::count(seen_, "log.stop", &Line::verb), 2);
  EXPECT_EQ(files().size(), 1u);
}

TEST_F(AuditLog, HasALineInItsFileAsSoonAsItIsTold) {
  start();
  for (int i = 0; i < 20; ++i) {
    const std::uint64_t sequence = tell(removal("image-" + std::to_string(i)));
    const auto lines = lines_of(files().back());
    ASSERT_EQ(lines.size(), sequence);
    EXPECT_EQ(read_line(lines.back())->image, "image-" + std::to_string(i));
  }
}

TEST_F(AuditLog, KeepsOneChainWhenManyTellAndWaitAtOnce) {
  start();
  constexpr int kThreads = 8;
  constexpr int kEach = 100;
  std::atomic<int> settled = 0;
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < kEach; ++i) {
        const auto begun = log_->append_awaited(removal(std::to_string(t), Outcome::begun));
        if (begun && settle(*begun)) ++settled;
      }
    });
  }
  for (auto& thread : threads) thread.join();
  log_.reset();
  EXPECT_EQ(settled, kThreads * kEach);
  const Verdict whole = verdict();
  EXPECT_TRUE(whole.whole()) << told(whole);
  EXPECT_EQ(std::ranges::count(seen_, "image.delete", &Line::verb), kThreads * kEach);
}

TEST_F(AuditLog, DoesNotSayThatALineLastsBeforeTheDiskDid) {
  options_.calls.fdatasync = [this](int file) {
    ++syncs_;
    return ::fdatasync(file);
  };
  start();
  const int before = syncs_;
  const auto begun = log_->append_awaited(removal("a", Outcome::begun));
  ASSERT_TRUE(begun);
  ASSERT_TRUE(settle(*begun));
  EXPECT_GT(syncs_, before);
}

TEST_F(AuditLog, DoesNotWaitForTheDiskIfToldNotTo) {
  options_.durable = false;
  start();
  const auto begun = log_->append_awaited(removal("a", Outcome::begun));
  ASSERT_TRUE(begun);
  EXPECT_TRUE(settle(*begun));
  crash();
  start();
  log_.reset();
  EXPECT_TRUE(verdict().whole());
  EXPECT_EQ(std::ranges::count(seen_, "image.delete", &Line::verb), 1);
}

TEST_F(AuditLog, TurnsToNewFilesWithoutAGapInTheChain) {
  options_.rotate_size = 20'000;
  start();
  for (int i = 0; i < 400; ++i) {
    const auto begun = log_->append_awaited(removal(std::to_string(i), Outcome::begun));
    ASSERT_TRUE(begun);
    ASSERT_TRUE(settle(*begun));
  }
  log_.reset();
  EXPECT_GE(files().size(), 5u);
  const Verdict whole = verdict();
  EXPECT_TRUE(whole.whole()) << told(whole);
  EXPECT_EQ(std::ranges::count(seen_, "image.delete", &Line::verb), 400);
  for (const auto& name : files()) {
    EXPECT_EQ(text_of(name).find("\n\n"), std::string::npos) << "the room is taken away at the end";
  }
}

TEST_F(AuditLog, TurnsToANewFileWhenTheOldOneIsOldEnough) {
  options_.rotate_age = std::chrono::hours(24);
  start();
  fill(3);
  clock_.advance(std::chrono::hours(25));
  // By the log's own thread, once it is through with the lines before.
  for (int i = 0; i < 1000 && files().size() < 2; ++i) {
    const auto begun = log_->append_awaited(removal("late", Outcome::begun));
    ASSERT_TRUE(begun && settle(*begun));
  }
  start();
  fill(1);
  log_.reset();
  EXPECT_GE(files().size(), 2u);
  EXPECT_TRUE(verdict().whole());
}

TEST_F(AuditLog, KeepsOnlyAsManyFilesAsAskedAndSaysWhatItRemoved) {
  options_.rotate_size = 10'000;
  options_.keep_files = 3;
  start();
  for (int i = 0; i < 400; ++i) {
    const auto begun = log_->append_awaited(removal(std::to_string(i), Outcome::begun));
    ASSERT_TRUE(begun && settle(*begun));
  }
  log_.reset();
  EXPECT_LE(files().size(), 4u);
  const Verdict whole = verdict();
  EXPECT_TRUE(whole.whole()) << told(whole);
  EXPECT_GT(whole.first, 1u);
  EXPECT_GE(std::ranges::count(seen_, "log.removed", &Line::verb), 1);
}

TEST_F(AuditLog, SetsAsideWhatACrashToreAndSaysSo) {
  start();
  fill(5);
  crash();
  const std::string name = files().back();
  std::string text = text_of(name);
  const std::string torn = R"({"sequence":8,"time":"2026-06)";
  text.replace(text.find("\n\n") + 1, torn.size(), torn);
  put(name, text);
  start();
  fill(5);
  log_.reset();
  const Verdict whole = verdict();
  EXPECT_TRUE(whole.whole()) << told(whole);
  ASSERT_EQ(whole.remarks.size(), 1u);
  EXPECT_NE(whole.remarks[0].find("set aside in audit-torn-"), std::string::npos);
  EXPECT_EQ(std::ranges::count(seen_, "image.delete", &Line::verb), 10);
  std::string aside;
  for (const auto& entry : std::filesystem::directory_iterator(options_.folder)) {
    const std::string other = entry.path().filename().string();
    if (other.starts_with("audit-torn-")) aside = text_of(other);
  }
  EXPECT_EQ(aside.substr(0, torn.size()), torn);
}

TEST_F(AuditLog, GoesOnBehindAFileWhoseFirstLineWasTorn) {
  options_.rotate_size = 10'000;
  start();
  for (int i = 0; i < 30; ++i) {
    const auto begun = log_->append_awaited(removal(std::to_string(i), Outcome::begun));
    ASSERT_TRUE(begun && settle(*begun));
  }
  const Link last = log_->last();
  crash();
  std::filesystem::remove(path("checkpoint.json"));
  put(file_name(last.sequence + 1), "{\"sequence\":" + std::string(20, '\n'));
  start();
  fill(1);
  log_.reset();
  const Verdict whole = verdict();
  EXPECT_TRUE(whole.whole()) << told(whole);
}

TEST_F(AuditLog, SaysWhenItsEndWasCutWhileNoServerRan) {
  start();
  fill(20);
  log_.reset();
  const std::string name = files().back();
  auto lines = lines_of(name);
  lines.resize(lines.size() - 5);
  put_lines(name, lines);
  EXPECT_FALSE(verdict().whole());
  start();
  fill(1);
  log_.reset();
  const Verdict cut = verdict();
  ASSERT_EQ(cut.breaks.size(), 1u) << told(cut);
  EXPECT_NE(cut.breaks[0].what.find("are missing"), std::string::npos);
  EXPECT_EQ(std::ranges::count(seen_, "log.cut", &Line::verb), 1);
}

TEST_F(AuditLog, SaysWhenALineWasChangedThatHadBeenPromised) {
  start();
  fill(20);
  log_.reset();
  const std::string name = files().back();
  auto lines = lines_of(name);
  std::string& changed = lines[lines.size() - 3];
  changed.replace(changed.find("alice"), 5, "mally");
  put_lines(name, lines);
  // So that the start reads the file from its first line on, and the change with it.
  auto text = text_of(name);
  start();
  fill(1);
  log_.reset();
  EXPECT_FALSE(verdict().whole());
}

TEST_F(AuditLog, LeavesALogUnderAnotherKeyAloneAndGoesOnBehindIt) {
  start();
  fill(5);
  log_.reset();
  const std::string before = text_of(files().back());
  const std::string name = files().back();
  seal_ = Seal(Secret("another key"));
  start();
  fill(5);
  log_.reset();
  EXPECT_EQ(text_of(name), before);
  const auto chain = verify(options_.folder, nullptr);
  ASSERT_TRUE(chain);
  EXPECT_TRUE(chain->whole()) << told(*chain);
  EXPECT_EQ(chain->remarks.size(), 1u);
}

TEST_F(AuditLog, GoesOnInTheSameFileWhenTheMasterKeyWasRenewed) {
  start();
  fill(5);
  log_.reset();
  Seal renewed{Secret("a new key")};
  renewed.also_takes(seal_key(Secret("a master key of thirty-two bytes")));
  seal_ = std::move(renewed);
  start();
  fill(5);
  log_.reset();
  EXPECT_EQ(files().size(), 1u);
  const Verdict whole = verdict();
  EXPECT_TRUE(whole.whole()) << told(whole);
  EXPECT_TRUE(whole.remarks.empty());
  const Seal former(seal_key(Secret("a master key of thirty-two bytes")));
  EXPECT_FALSE(verify(options_.folder, &former)->whole());
}

TEST_F(AuditLog, TakesNothingMoreOnceItIsClosedAndLetsAnotherProcessGoOn) {
  start();
  fill(2);
  log_->close();
  EXPECT_FALSE(log_->append(removal("late")));
  EXPECT_FALSE(log_->ready());
  const auto second = Log::open(options_, seal_, clock_);
  ASSERT_TRUE(second) << second.error().message;
  EXPECT_TRUE((*second)->append(removal("next")));
}

TEST_F(AuditLog, IsWrittenByOneProcessOnly) {
  start();
  const auto second = Log::open(options_, seal_, clock_);
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, Code::conflict);
}

TEST_F(AuditLog, RefusesChangesWhenNoRoomIsLeftButTakesTheEndsOfThoseBegun) {
  options_.calls.pwrite = [this](int file, const void* bytes, std::size_t count, off_t offset) {
    // What makes room is a long piece of line feeds.
    if (failing_ && count > 10'000) {
      errno = ENOSPC;
      return ssize_t{-1};
    }
    return ::pwrite(file, bytes, count, offset);
  };
  start();
  failing_ = true;
  Result<std::uint64_t> begun;
  int lines = 0;
  do {
    Event event = removal("x", Outcome::begun);
    event.detail = std::string(1000, 'd');
    begun = log_->append_awaited(event);
  } while (begun && ++lines < 100'000);
  ASSERT_FALSE(begun);
  EXPECT_EQ(begun.error().code, Code::no_space);
  EXPECT_NE(begun.error().message.find("audit log"), std::string::npos);
  EXPECT_FALSE(log_->ready());
  EXPECT_TRUE(log_->append(removal("x", Outcome::done))) << "the ends of what has begun";
  failing_ = false;
  EXPECT_TRUE(becomes_ready(true));
  EXPECT_TRUE(log_->append_awaited(removal("x", Outcome::begun))) << "room came back";
  log_.reset();
  EXPECT_TRUE(verdict().whole());
}

TEST_F(AuditLog, TellsWhoWaitsWhenTheDiskFailsAndGoesOnInANewFile) {
  options_.calls.fdatasync = [this](int file) {
    if (failing_) {
      errno = EIO;
      return -1;
    }
    return ::fdatasync(file);
  };
  start();
  const auto before = log_->append_awaited(removal("before", Outcome::begun));
  ASSERT_TRUE(before);
  ASSERT_TRUE(settle(*before)) << "so that nothing is left to flush when the disk fails";
  failing_ = true;
  const auto begun = log_->append_awaited(removal("lost", Outcome::begun));
  ASSERT_TRUE(begun);
  const auto settled = settle(*begun);
  ASSERT_FALSE(settled);
  EXPECT_EQ(settled.error().code, Code::unavailable);
  EXPECT_FALSE(log_->append_awaited(removal("refused", Outcome::begun)));
  failing_ = false;
  EXPECT_TRUE(becomes_ready(true));
  const auto again = log_->append_awaited(removal("kept", Outcome::begun));
  ASSERT_TRUE(again) << again.error().message;
  EXPECT_TRUE(settle(*again));
  log_.reset();
  const Verdict after = verdict();
  EXPECT_EQ(after.remarks.size(), 1u) << "it says that a disk failed";
}

TEST_F(AuditLog, DoesNotSayLaterThatALineLastsWhichAFailingDiskTook) {
  options_.calls.fdatasync = [this](int file) {
    if (failing_) {
      errno = EIO;
      return -1;
    }
    return ::fdatasync(file);
  };
  start();
  const auto before = log_->append_awaited(removal("before", Outcome::begun));
  ASSERT_TRUE(before);
  ASSERT_TRUE(settle(*before));
  failing_ = true;
  // As an upload does, whose line is waited for at its end only.
  const auto begun = log_->append_awaited(removal("lost", Outcome::begun));
  ASSERT_TRUE(begun);
  EXPECT_TRUE(becomes_ready(false));
  failing_ = false;
  EXPECT_TRUE(becomes_ready(true));
  const auto again = log_->append_awaited(removal("kept", Outcome::begun));
  ASSERT_TRUE(again) << again.error().message;
  EXPECT_TRUE(settle(*again));
  EXPECT_TRUE(settle(*before));
  const auto settled = settle(*begun);
  ASSERT_FALSE(settled) << "the file that was given up may lack it";
  EXPECT_EQ(settled.error().code, Code::unavailable);
}

TEST_F(AuditLog, NeedsAFolderThatItMayWriteIn) {
  options_.folder = base_ + "/missing/audit";
  const auto opened = Log::open(options_, seal_, clock_);
  ASSERT_FALSE(opened);
  EXPECT_NE(opened.error().message.find("can't be used"), std::string::npos);
}

}  // namespace
}  // namespace visor::audit
