#include "front/native/document_list.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "document/json.h"
#include "document/xml.h"

namespace visor::front::native {

void DocumentListWriter::open(std::string& out) {
  if (kind_ == DocumentKind::json) {
    out.append("{\"").append(name_.list).append("\":[");
  } else {
    out.append(document::kXmlDeclaration).append("<").append(name_.list).append(">");
  }
  opened_ = true;
}

void DocumentListWriter::add(std::string& out, const document::Value& entry) {
  const bool first = !opened_;
  if (first) open(out);
  if (kind_ == DocumentKind::json) {
    if (!first) out += ',';
    document::append_json(out, entry);
  } else {
    document::append_xml_element(out, name_.entry, entry);
  }
}

void DocumentListWriter::finish(std::string& out, std::string_view next) {
  if (!opened_ && next.empty()) {
    out += write_document(kind_, name_.list, document::Value::array());
    return;
  }
  if (!opened_) open(out);
  if (kind_ == DocumentKind::json) {
    out += ']';
    if (!next.empty()) {
      out += R"(,"next":)";
      document::append_json_string(out, next);
    }
    out += '}';
  } else {
    if (!next.empty()) document::append_xml_element(out, "next", next);
    out.append("</").append(name_.list).append(">");
  }
}

DocumentListSource::DocumentListSource(DocumentListWriter writer, EntryPage first,
                                       ReadPage read_page, std::optional<ListBound> bound)
    : writer_(writer),
      page_(std::move(first)),
      read_page_(std::move(read_page)),
      bound_(std::move(bound)) {}

async::Task<Result<void>> DocumentListSource::turn_page() {
  const std::size_t per_entry = page_text_ / std::max<std::size_t>(page_.entries.size(), 1) + 1;
  auto limit =
      static_cast<std::uint32_t>(std::clamp<std::size_t>(kTextOfPage / per_entry, 1, kLargestPage));
  if (bound_) {
    limit = std::min(limit, bound_->remaining);
    bound_->remaining -= limit;
  }
  std::string marker = std::move(*page_.next);
  // The old page goes before the new one comes.
  page_ = {};
  next_entry_ = 0;
  page_text_ = 0;
  Result<EntryPage> page = co_await read_page_(std::move(marker), limit);
  if (!page) co_return pass(page);
  page_ = std::move(*page);
  co_return Result<void>{};
}

void DocumentListSource::write_next() {
  text_.clear();
  taken_ = 0;
  if (next_entry_ < page_.entries.size()) {
    writer_.add(text_, page_.entries[next_entry_]);
    // The page stays until its last entry is written; what was written need not.
    page_.entries[next_entry_++] = {};
    page_text_ += text_.size();
  } else if (!more_may_follow()) {
    writer_.finish(text_, page_.next && bound_ ? bound_->next(*page_.next) : std::string());
    finished_ = true;
  }
}

async::Task<Result<std::size_t>> DocumentListSource::read(std::span<std::byte> into) {
  std::size_t filled = 0;
  while (filled < into.size()) {
    if (taken_ == text_.size()) {
      if (finished_) break;
      if (next_entry_ == page_.entries.size() && more_may_follow()) {
        Result<void> turned = co_await turn_page();
        if (!turned) co_return pass(turned);
        continue;
      }
      write_next();
    }
    const std::size_t piece = std::min(into.size() - filled, text_.size() - taken_);
    std::memcpy(into.data() + filled, text_.data() + taken_, piece);
    taken_ += piece;
    filled += piece;
  }
  co_return filled;
}

}  // namespace visor::front::native
