// Lists as documents: one page, or everything as a stream.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "async/byte_source.h"
#include "async/task.h"
#include "base/error.h"
#include "document/value.h"
#include "front/native/documents.h"

namespace visor::front::native {

/// What a list is called and what each of its entries is.
struct ListName {
  std::string_view list;   ///< "images"
  std::string_view entry;  ///< "image": the name of its XML elements
};
inline constexpr ListName kImageList{"images", "image"};
inline constexpr ListName kUserList{"users", "user"};

/// Writes `{"images":[…],"next":"…"}` or `<images>…<next>…</next></images>`, entry by entry. Each
/// call puts the next piece behind `out`.
class DocumentListWriter {
 public:
  DocumentListWriter(DocumentKind kind, ListName name) : kind_(kind), name_(name) {}

  void add(std::string& out, const document::Value& entry);
  /// The end. `next`: where the following page is, empty if there is none.
  void finish(std::string& out, std::string_view next);

 private:
  void open(std::string& out);

  DocumentKind kind_;
  ListName name_;
  bool opened_ = false;
};

struct EntryPage {
  std::vector<document::Value> entries;
  std::optional<std::string> next;  ///< the marker of the page that follows, if one may
};

/// Gets the page of at most `limit` entries behind a marker. What it refers to outlives the source
/// that it is given to.
using ReadPage =
    std::function<async::Task<Result<EntryPage>>(std::string marker, std::uint32_t limit)>;

/// Where a list ends before everything was told.
struct ListBound {
  std::uint32_t remaining = 0;  ///< how many records may follow the first page
  /// The URI of what comes behind a marker, for the list's `next`.
  std::function<std::string(const std::string& marker)> next;
};

/// A list, however long: holds one page at a time and asks for the next when the last one was
/// read. A page that can't be had is an error of the stream, so that a list cut short never looks
/// complete.
class DocumentListSource : public async::ByteSource {
 public:
  /// Without a bound, everything.
  DocumentListSource(DocumentListWriter writer, EntryPage first, ReadPage read_page,
                     std::optional<ListBound> bound = std::nullopt);

  std::optional<std::uint64_t> size() const override { return std::nullopt; }
  async::Task<Result<std::size_t>> read(std::span<std::byte> into) override;

  /// The first page of a list should be small, so that its first bytes leave soon.
  static constexpr std::uint32_t kFirstPage = 25;
  static constexpr std::uint32_t kLargestPage = 500;
  /// How much text a page should come to: entries with much metadata are read fewer at a time.
  static constexpr std::size_t kTextOfPage = 512 * 1024;

 private:
  async::Task<Result<void>> turn_page();
  void write_next();
  bool more_may_follow() const { return page_.next && (!bound_ || bound_->remaining > 0); }

  DocumentListWriter writer_;
  EntryPage page_;
  ReadPage read_page_;
  std::optional<ListBound> bound_;
  std::size_t next_entry_ = 0;  ///< of `page_`
  std::size_t page_text_ = 0;   ///< bytes that its entries came to so far
  std::string text_;            ///< written and not yet read
  std::size_t taken_ = 0;       ///< of `text_`
  bool finished_ = false;
};

}  // namespace visor::front::native
