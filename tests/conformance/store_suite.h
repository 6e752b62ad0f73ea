// What every writable store must do, sentence by sentence of store/store.h.
//
// A new store needs one line in its own test:
//   INSTANTIATE_TEST_SUITE_P(File, StoreSuite, testing::Values(StoreKind{"plain",
//   make_file_store}), store_kind_name);
// Each test ends by removing what it made and fails on anything left behind.
#pragma once

#include <gtest/gtest.h>

#include <atomic>
#include <cstring>
#include <functional>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "async/byte_source.h"
#include "async/executor.h"
#include "store/store.h"

namespace visor::store {

/// A store made for one test, with all that it stands on.
class StoreUnderTest {
 public:
  virtual ~StoreUnderTest() = default;
  virtual Store& store() = 0;
  /// What is left in the backend beside what `list` shows, as names for people. Asked when the
  /// store should be empty.
  virtual std::vector<std::string> leftovers() = 0;
};

struct StoreKind {
  std::string name;  ///< letters and digits
  std::function<std::unique_ptr<StoreUnderTest>()> make;
};

inline std::string store_kind_name(const testing::TestParamInfo<StoreKind>& kind) {
  return kind.param.name;
}
inline void PrintTo(const StoreKind& kind, std::ostream* out) { *out << kind.name; }

/// `count` bytes that differ from place to place and from seed to seed.
inline std::string pattern_bytes(std::size_t count, unsigned seed = 1) {
  std::string bytes(count, '\0');
  std::uint32_t state = seed * 2654435761u + 1;
  for (auto& byte : bytes) {
    state = state * 1664525u + 1013904223u;
    byte = static_cast<char>(state >> 24);
  }
  return bytes;
}

inline std::span<const std::byte> as_span(std::string_view text) {
  return std::as_bytes(std::span(text.data(), text.size()));
}

/// Reads a source to its end, `slice` bytes at a time.
inline Result<std::string> drain(async::ByteSource& source, std::size_t slice = 64 * 1024) {
  std::string all;
  std::vector<std::byte> buffer(slice);
  while (true) {
    auto count = async::run_until_done(source.read(buffer));
    if (!count) return pass(count);
    if (*count == 0) return all;
    all.append(reinterpret_cast<const char*>(buffer.data()), *count);
  }
}

class StoreSuite : public testing::TestWithParam<StoreKind> {
 protected:
  StoreSuite() : under_test_(GetParam().make()) {}

  void TearDown() override {
    if (!under_test_) return;
    for (const auto& key : made_) EXPECT_TRUE(remove(key)) << key;
    auto listing = list("", 100);
    ASSERT_TRUE(listing);
    EXPECT_EQ(listing->keys, std::vector<std::string>{});
    EXPECT_EQ(under_test_->leftovers(), std::vector<std::string>{});
  }

  Store& store() { return under_test_->store(); }

  Result<BlobStatus> stat(std::string key) {
    return async::run_until_done(store().stat(std::move(key)));
  }
  Result<std::unique_ptr<async::ByteSource>> open(std::string key, ByteRange range = {},
                                                  std::string version = {}) {
    return async::run_until_done(store().open(std::move(key), range, std::move(version)));
  }
  Result<std::unique_ptr<BlobWriter>> create(std::string key,
                                             std::optional<std::uint64_t> size = std::nullopt) {
    made_.insert(key);
    return async::run_until_done(store().create(std::move(key), size));
  }
  Result<void> replace(std::string key, std::string bytes) {
    made_.insert(key);
    return async::run_until_done(store().replace(std::move(key), std::move(bytes)));
  }
  Result<void> remove(std::string key) {
    return async::run_until_done(store().remove(std::move(key)));
  }
  Result<Listing> list(std::string after, std::uint32_t limit) {
    return async::run_until_done(store().list(std::move(after), limit));
  }
  static Result<void> write(BlobWriter& writer, std::string_view bytes) {
    return async::run_until_done(writer.write(as_span(bytes)));
  }
  static Result<void> commit(BlobWriter& writer, std::uint64_t size) {
    return async::run_until_done(writer.commit(size));
  }

  void put(const std::string& key, std::string_view bytes) {
    auto writer = create(key, bytes.size());
    ASSERT_TRUE(writer) << writer.error().message;
    ASSERT_TRUE(write(**writer, bytes));
    const auto committed = commit(**writer, bytes.size());
    ASSERT_TRUE(committed) << committed.error().message;
  }
  Result<std::string> get(const std::string& key, ByteRange range = {}) {
    auto source = open(key, range);
    if (!source) return pass(source);
    return drain(**source);
  }
  static Code code_of(const auto& result) { return result ? Code::internal : result.error().code; }

  std::unique_ptr<StoreUnderTest> under_test_;
  std::set<std::string> made_;
};

TEST_P(StoreSuite, ClaimsToBeWritableAndListable) {
  EXPECT_TRUE(store().capability().writable);
  EXPECT_TRUE(store().capability().listable);
}

TEST_P(StoreSuite, GivesBackExactlyWhatWasWritten) {
  const auto bytes = pattern_bytes(3 * 1024 * 1024 + 17);
  put("3f/blob-1", bytes);
  const auto read = get("3f/blob-1");
  ASSERT_TRUE(read);
  EXPECT_TRUE(*read == bytes);
  const auto status = stat("3f/blob-1");
  ASSERT_TRUE(status);
  EXPECT_EQ(status->size, bytes.size());
}

TEST_P(StoreSuite, JoinsWhatIsWrittenInManyPieces) {
  const auto bytes = pattern_bytes(100'000);
  auto writer = create("pieces");
  ASSERT_TRUE(writer);
  for (std::size_t at = 0, step = 1; at < bytes.size(); at += step, step = step * 2 + 1) {
    step = std::min(step, bytes.size() - at);
    ASSERT_TRUE(write(**writer, std::string_view(bytes).substr(at, step)));
  }
  ASSERT_TRUE(write(**writer, ""));
  ASSERT_TRUE(commit(**writer, bytes.size()));
  EXPECT_TRUE(get("pieces") == bytes);
}

TEST_P(StoreSuite, ShowsNothingBeforeTheCommit) {
  auto writer = create("unseen", 5);
  ASSERT_TRUE(writer);
  ASSERT_TRUE(write(**writer, "12345"));
  EXPECT_EQ(code_of(stat("unseen")), Code::not_found);
  EXPECT_EQ(code_of(open("unseen")), Code::not_found);
  EXPECT_TRUE(list("", 10)->keys.empty());
  ASSERT_TRUE(commit(**writer, 5));
  EXPECT_EQ(get("unseen"), "12345");
}

TEST_P(StoreSuite, LeavesNothingAfterAnAbort) {
  auto writer = create("aborted", 1000);
  ASSERT_TRUE(writer);
  ASSERT_TRUE(write(**writer, pattern_bytes(500)));
  async::run_until_done((*writer)->abort());
  writer->reset();
  EXPECT_EQ(code_of(stat("aborted")), Code::not_found);
  EXPECT_EQ(under_test_->leftovers(), std::vector<std::string>{});
}

TEST_P(StoreSuite, LeavesNothingAfterAnAbortBeforeTheFirstByte) {
  auto writer = create("never-written");
  ASSERT_TRUE(writer);
  async::run_until_done((*writer)->abort());
  writer->reset();
  EXPECT_EQ(under_test_->leftovers(), std::vector<std::string>{});
}

TEST_P(StoreSuite, RefusesACommitWithAnotherSizeAndLeavesNothing) {
  for (const std::uint64_t size : {0, 4, 6}) {
    auto writer = create("miscounted", 5);
    ASSERT_TRUE(writer);
    ASSERT_TRUE(write(**writer, "12345"));
    EXPECT_FALSE(commit(**writer, size));
    writer->reset();
    EXPECT_EQ(code_of(stat("miscounted")), Code::not_found);
    EXPECT_EQ(under_test_->leftovers(), std::vector<std::string>{});
  }
}

TEST_P(StoreSuite, TakesASizeThatWasOnlyAForecast) {
  auto less = create("less", 1'000'000);
  ASSERT_TRUE(less);
  ASSERT_TRUE(write(**less, "12345"));
  ASSERT_TRUE(commit(**less, 5));
  EXPECT_EQ(get("less"), "12345");
  auto more = create("more", 2);
  ASSERT_TRUE(more);
  ASSERT_TRUE(write(**more, "12345"));
  ASSERT_TRUE(commit(**more, 5));
  EXPECT_EQ(get("more"), "12345");
}

TEST_P(StoreSuite, RefusesAKeyThatExistsAndKeepsItsBlob) {
  put("taken", "first");
  auto writer = create("taken", 6);
  ASSERT_TRUE(writer);
  ASSERT_TRUE(write(**writer, "second"));
  EXPECT_EQ(code_of(commit(**writer, 6)), Code::conflict);
  writer->reset();
  EXPECT_EQ(get("taken"), "first");
}

TEST_P(StoreSuite, TakesAKeyAgainAfterItsBlobWasRemoved) {
  put("again", "first");
  ASSERT_TRUE(remove("again"));
  put("again", "second");
  EXPECT_EQ(get("again"), "second");
}

TEST_P(StoreSuite, CommitsOnlyOnce) {
  auto writer = create("once", 1);
  ASSERT_TRUE(writer);
  ASSERT_TRUE(write(**writer, "1"));
  ASSERT_TRUE(commit(**writer, 1));
  EXPECT_FALSE(commit(**writer, 1));
  EXPECT_EQ(get("once"), "1");
}

TEST_P(StoreSuite, ReplacesASmallBlobOrPutsAFirstOne) {
  ASSERT_TRUE(replace("3f/blob-1/note", "first"));
  EXPECT_EQ(get("3f/blob-1/note"), "first");
  const auto version = stat("3f/blob-1/note")->version;
  ASSERT_TRUE(replace("3f/blob-1/note", "the second, which is longer"));
  EXPECT_EQ(get("3f/blob-1/note"), "the second, which is longer");
  EXPECT_EQ(stat("3f/blob-1/note")->size, 27u);
  if (!version.empty()) EXPECT_NE(stat("3f/blob-1/note")->version, version);
  ASSERT_TRUE(replace("3f/blob-1/note", ""));
  EXPECT_EQ(get("3f/blob-1/note"), "");
  EXPECT_EQ(list("", 10)->keys, std::vector<std::string>{"3f/blob-1/note"});
  EXPECT_EQ(code_of(async::run_until_done(store().replace("../note", "x"))), Code::invalid);
}

TEST_P(StoreSuite, ReplacesWhatWasWrittenAsABlob) {
  put("written", "12345");
  ASSERT_TRUE(replace("written", "678"));
  EXPECT_EQ(get("written"), "678");
  auto writer = create("written", 1);
  ASSERT_TRUE(writer);
  ASSERT_TRUE(write(**writer, "9"));
  EXPECT_EQ(code_of(commit(**writer, 1)), Code::conflict);
  writer->reset();
  EXPECT_EQ(get("written"), "678");
}

TEST_P(StoreSuite, NeverHasAPartOfASmallBlobThatIsReplaced) {
  const std::string bytes[] = {std::string(50'000, 'a'), std::string(60'000, 'b')};
  ASSERT_TRUE(replace("renewed", bytes[0]));
  constexpr int kTimes = 20;
  std::atomic<int> refused = 0;
  std::thread writer([&] {
    for (int i = 1; i <= kTimes; ++i) {
      if (!replace("renewed", bytes[i % 2])) ++refused;
    }
  });
  std::set<std::uint64_t> sizes;
  for (int i = 0; i < kTimes; ++i) {
    const auto status = stat("renewed");
    if (status) sizes.insert(status->size.value_or(0));
  }
  writer.join();
  for (const std::uint64_t size : sizes) EXPECT_TRUE(size == 50'000 || size == 60'000) << size;
  EXPECT_EQ(refused, 0);
  EXPECT_EQ(get("renewed"), bytes[kTimes % 2]);
}

TEST_P(StoreSuite, KeepsBlobsOfNoBytes) {
  put("empty", "");
  EXPECT_EQ(stat("empty")->size, 0u);
  EXPECT_EQ(get("empty"), "");
  EXPECT_EQ(get("empty", {0, 10}), "");
  EXPECT_EQ(code_of(open("empty", {1, 1})), Code::range);
}

TEST_P(StoreSuite, ReadsRangesAndCutsThemAtTheEnd) {
  const auto bytes = pattern_bytes(10'000);
  put("ranged", bytes);
  const std::vector<ByteRange> ranges = {{0, 1},
                                         {0, 0},
                                         {9'999, 1},
                                         {5'000, 100},
                                         {5'000, std::nullopt},
                                         {9'990, 100},
                                         {10'000, 5},
                                         {10'000, std::nullopt},
                                         {0, 10'000},
                                         {3, ~std::uint64_t{0}}};
  for (const auto& range : ranges) {
    SCOPED_TRACE(range.offset);
    auto source = open("ranged", range);
    ASSERT_TRUE(source);
    const auto expected = bytes.substr(range.offset, range.length.value_or(bytes.size()));
    EXPECT_EQ((*source)->size(), expected.size());
    EXPECT_TRUE(drain(**source, 777) == expected);
  }
}

TEST_P(StoreSuite, RefusesARangeThatStartsBehindTheEnd) {
  put("short", "12345");
  EXPECT_EQ(code_of(open("short", {6, std::nullopt})), Code::range);
  EXPECT_EQ(code_of(open("short", {~std::uint64_t{0}, 1})), Code::range);
}

TEST_P(StoreSuite, GivesTheSameBytesThroughAFileIfItOffersOne) {
  const auto bytes = pattern_bytes(50'000);
  put("as-file", bytes);
  auto source = open("as-file", {1'000, 40'000});
  ASSERT_TRUE(source);
  const auto file = (*source)->as_file();
  if (!file) return;
  EXPECT_EQ(file->offset, 1'000u);
  EXPECT_EQ(file->length, 40'000u);
  EXPECT_GE(file->descriptor, 0);
}

TEST_P(StoreSuite, ReadsABlobToItsEndAfterItWasRemoved) {
  const auto bytes = pattern_bytes(300'000);
  put("vanishing", bytes);
  auto source = open("vanishing");
  ASSERT_TRUE(source);
  std::vector<std::byte> first(1'000);
  ASSERT_EQ(async::run_until_done(async::read_full(**source, first)), first.size());
  ASSERT_TRUE(remove("vanishing"));
  EXPECT_EQ(code_of(stat("vanishing")), Code::not_found);
  EXPECT_TRUE(drain(**source) == bytes.substr(1'000));
}

TEST_P(StoreSuite, RemovesTwiceAndWhatNeverWas) {
  put("twice", "x");
  EXPECT_TRUE(remove("twice"));
  EXPECT_TRUE(remove("twice"));
  EXPECT_TRUE(remove("00/never-was"));
  EXPECT_EQ(code_of(open("twice")), Code::not_found);
}

TEST_P(StoreSuite, PinsABlobByItsVersion) {
  put("pinned", "first");
  const auto version = stat("pinned")->version;
  if (version.empty()) GTEST_SKIP() << "this store knows no versions";
  EXPECT_TRUE(open("pinned", {}, version));
  EXPECT_EQ(code_of(open("pinned", {}, "something-else")), Code::precondition);
  ASSERT_TRUE(remove("pinned"));
  put("pinned", "second blob");
  EXPECT_EQ(code_of(open("pinned", {}, version)), Code::precondition);
}

TEST_P(StoreSuite, ListsKeysInOrderPageByPage) {
  const std::set<std::string> keys = {
      "a", "a-b",   "a/b",  "a0", "ab", "ab-1", "ab/1",  "ab/1/2",  "ab1",     "abc",   "b",
      "0", "00/zz", "00-0", "zz", "-",  "--",   "a-/-a", "a/b-c/d", "partial", "3f/3f", "3f-"};
  for (const auto& key : keys) put(key, key);
  const std::vector<std::string> expected(keys.begin(), keys.end());
  for (const std::uint32_t limit : {1u, 2u, 3u, 7u, 100u}) {
    SCOPED_TRACE(limit);
    std::vector<std::string> seen;
    std::optional<std::string> after = "";
    for (std::size_t pages = 0; after && pages <= keys.size(); ++pages) {
      auto page = list(*after, limit);
      ASSERT_TRUE(page);
      ASSERT_LE(page->keys.size(), limit);
      seen.insert(seen.end(), page->keys.begin(), page->keys.end());
      after = page->next;
    }
    EXPECT_FALSE(after);
    EXPECT_EQ(seen, expected);
  }
  EXPECT_EQ(list("aa", 1)->keys, std::vector<std::string>{"ab"});
  EXPECT_TRUE(list("zz", 10)->keys.empty());
  for (const auto& key : keys) EXPECT_EQ(get(key), key);
}

TEST_P(StoreSuite, RefusesKeysThatCouldMeanAnotherPlace) {
  const std::vector<std::string> keys = {"",
                                         "/",
                                         "/a",
                                         "a/",
                                         "a//b",
                                         "..",
                                         "../a",
                                         "a/../b",
                                         "a/./b",
                                         ".",
                                         "A",
                                         "a b",
                                         "a\\b",
                                         "a%2fb",
                                         "a.b",
                                         "ä",
                                         "a\nb",
                                         "a_b",
                                         "a:b",
                                         "~",
                                         "*",
                                         std::string("a\0b", 3),
                                         std::string(201, 'a')};
  for (const auto& key : keys) {
    SCOPED_TRACE(key);
    EXPECT_EQ(code_of(stat(key)), Code::invalid);
    EXPECT_EQ(code_of(open(key)), Code::invalid);
    EXPECT_EQ(code_of(remove(key)), Code::invalid);
    EXPECT_EQ(code_of(async::run_until_done(store().create(key, 1))), Code::invalid);
  }
}

TEST_P(StoreSuite, TakesTheLongestKey) {
  const std::string key(200, 'k');
  put(key, "long");
  EXPECT_EQ(get(key), "long");
}

TEST_P(StoreSuite, WritesEightBlobsAtOnce) {
  constexpr unsigned kWriters = 8;
  std::vector<std::thread> threads;
  std::vector<std::string> outcome(kWriters);
  for (unsigned i = 0; i < kWriters; ++i) {
    made_.insert("at-once-" + std::to_string(i));
    threads.emplace_back([this, i, &outcome] {
      const auto bytes = pattern_bytes(400'000, i);
      auto writer =
          async::run_until_done(store().create("at-once-" + std::to_string(i), bytes.size()));
      if (!writer) return;
      for (std::size_t at = 0; at < bytes.size(); at += 50'000) {
        if (!write(**writer, std::string_view(bytes).substr(at, 50'000))) return;
      }
      if (commit(**writer, bytes.size())) outcome[i] = "committed";
    });
  }
  for (auto& thread : threads) thread.join();
  for (unsigned i = 0; i < kWriters; ++i) {
    EXPECT_EQ(outcome[i], "committed");
    EXPECT_TRUE(get("at-once-" + std::to_string(i)) == pattern_bytes(400'000, i));
  }
}

TEST_P(StoreSuite, LetsOneOfManyWritersOfAKeyWin) {
  constexpr unsigned kWriters = 8;
  made_.insert("contested");
  std::vector<std::thread> threads;
  std::vector<Code> outcome(kWriters, Code::internal);
  std::vector<char> won(kWriters, 0);
  for (unsigned i = 0; i < kWriters; ++i) {
    threads.emplace_back([this, i, &outcome, &won] {
      const auto bytes = pattern_bytes(100'000, i);
      auto writer = async::run_until_done(store().create("contested", bytes.size()));
      if (!writer || !write(**writer, bytes)) return;
      const auto committed = commit(**writer, bytes.size());
      won[i] = committed.has_value();
      outcome[i] = code_of(committed);
    });
  }
  for (auto& thread : threads) thread.join();
  unsigned winners = 0;
  for (unsigned i = 0; i < kWriters; ++i) {
    if (won[i]) {
      ++winners;
      EXPECT_TRUE(get("contested") == pattern_bytes(100'000, i));
    } else {
      EXPECT_EQ(outcome[i], Code::conflict);
    }
  }
  EXPECT_EQ(winners, 1u);
}

TEST_P(StoreSuite, NamesABlobByAUriWithoutSpaces) {
  const auto location = store().location("3f/blob-1");
  EXPECT_NE(location.find(':'), std::string::npos);
  EXPECT_EQ(location.find(' '), std::string::npos);
  EXPECT_NE(location, store().location("3f/blob-2"));
}

}  // namespace visor::store
