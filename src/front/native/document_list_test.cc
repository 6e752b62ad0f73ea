#include "front/native/document_list.h"

#include <gtest/gtest.h>

#include <cstddef>
#include <vector>

#include "async/executor.h"
#include "document/json.h"
#include "document/xml.h"

namespace visor::front::native {
namespace {

document::Value entry(int number) {
  return document::Value::object({{"_id", "id-" + std::to_string(number)},
                                  {"name", "image \"" + std::to_string(number) + "\" <&>"}});
}

/// Serves `total` entries by pages; the marker is the number of the next one.
struct Pages {
  int total = 0;
  int fails_at = -1;
  std::vector<std::uint32_t> limits = {};

  EntryPage page(int from, std::uint32_t limit) const {
    EntryPage page;
    const int end = std::min(total, from + static_cast<int>(limit));
    for (int i = from; i < end; ++i) page.entries.push_back(entry(i));
    if (end < total) page.next = std::to_string(end);
    return page;
  }

  ReadPage reader() {
    return [this](const std::string& marker, std::uint32_t limit) {
      return read(std::stoi(marker), limit);
    };
  }

  async::Task<Result<EntryPage>> read(int from, std::uint32_t limit) {
    limits.push_back(limit);
    if (fails_at >= 0 && from >= fails_at) co_return fail(Code::unavailable, "catalogue is down");
    co_return page(from, limit);
  }
};

DocumentListSource source_over(Pages& pages, DocumentKind kind) {
  return {DocumentListWriter(kind, kImageList), pages.page(0, DocumentListSource::kFirstPage),
          pages.reader()};
}

Result<std::string> drain(DocumentListSource& source, std::size_t slice) {
  std::string text;
  std::vector<std::byte> buffer(slice);
  while (true) {
    auto count = async::run_until_done(source.read(buffer));
    if (!count) return pass(count);
    if (*count == 0) return text;
    text.append(reinterpret_cast<const char*>(buffer.data()), *count);
  }
}

TEST(DocumentList, AnEmptyListIsAWholeDocument) {
  for (const auto kind : {DocumentKind::json, DocumentKind::xml}) {
    Pages pages{0};
    DocumentListSource source = source_over(pages, kind);
    const auto text = drain(source, 64);
    ASSERT_TRUE(text);
    const auto document =
        kind == DocumentKind::json ? document::parse_json(*text) : document::parse_xml(*text);
    ASSERT_TRUE(document) << *text;
    ASSERT_TRUE(document->find("images")) << *text;
    EXPECT_EQ(document->find("images")->size(), 0u);
  }
}

TEST(DocumentList, AllPagesBecomeOneDocumentWhateverTheSlices) {
  for (const std::size_t slice : {std::size_t{1}, std::size_t{1000}, std::size_t{65536}}) {
    Pages pages{1234};
    DocumentListSource source = source_over(pages, DocumentKind::json);
    EXPECT_FALSE(source.size());
    const auto text = drain(source, slice);
    ASSERT_TRUE(text);
    const auto document = document::parse_json(*text);
    ASSERT_TRUE(document) << document.error().message;
    const auto* images = document->find("images")->as_array();
    ASSERT_EQ(images->size(), 1234u);
    EXPECT_EQ(*images->at(0).text("_id"), "id-0");
    EXPECT_EQ(*images->at(1233).text("name"), "image \"1233\" <&>");
    EXPECT_FALSE(document->find("next"));
  }
}

TEST(DocumentList, XmlIsStreamedAsWell) {
  Pages pages{250};
  DocumentListSource source = source_over(pages, DocumentKind::xml);
  const auto text = drain(source, 777);
  ASSERT_TRUE(text);
  const auto document = document::parse_xml(*text);
  ASSERT_TRUE(document) << document.error().message;
  EXPECT_EQ(document->find("images")->size(), 250u);
}

TEST(DocumentList, WithABoundEndsThereAndNamesWhatFollows) {
  for (const int total : {200, 201, 1000}) {
    Pages pages{total};
    const ListBound bound{200 - DocumentListSource::kFirstPage,
                          [](const std::string& marker) { return "/images?marker=" + marker; }};
    DocumentListSource source(DocumentListWriter(DocumentKind::json, kImageList),
                              pages.page(0, DocumentListSource::kFirstPage), pages.reader(), bound);
    const auto text = drain(source, 4096);
    ASSERT_TRUE(text);
    const auto document = document::parse_json(*text);
    ASSERT_TRUE(document) << document.error().message;
    EXPECT_EQ(document->find("images")->size(), 200u);
    const std::string* next = document->text("next");
    EXPECT_EQ(next != nullptr, total > 200);
    if (next != nullptr) EXPECT_EQ(*next, "/images?marker=200");
  }
}

TEST(DocumentList, APageThatCannotBeHadBreaksTheStream) {
  Pages pages{1000, 100};
  DocumentListSource source = source_over(pages, DocumentKind::json);
  const auto text = drain(source, 4096);
  ASSERT_FALSE(text);
  EXPECT_EQ(text.error().code, Code::unavailable);
}

TEST(DocumentList, EntriesWithMuchTextAreReadFewerAtATime) {
  Pages pages{2000};
  DocumentListSource light = source_over(pages, DocumentKind::json);
  ASSERT_TRUE(drain(light, 65536));
  for (const std::uint32_t limit : pages.limits) EXPECT_EQ(limit, 500u);

  EntryPage heavy;
  for (int i = 0; i < 2; ++i) {
    heavy.entries.push_back(document::Value::object({{"note", std::string(60 * 1024, 'x')}}));
  }
  heavy.next = "1999";
  pages.limits.clear();
  DocumentListSource source(DocumentListWriter(DocumentKind::json, kImageList), heavy,
                            pages.reader());
  ASSERT_TRUE(drain(source, 65536));
  ASSERT_EQ(pages.limits.size(), 1u);
  EXPECT_LT(pages.limits[0], 10u);
}

TEST(DocumentList, APageNamesTheOneThatFollows) {
  for (const auto kind : {DocumentKind::json, DocumentKind::xml}) {
    DocumentListWriter writer(kind, kImageList);
    std::string text;
    writer.add(text, entry(1));
    writer.finish(text, "/images?limit=1&marker=m");
    const auto document =
        kind == DocumentKind::json ? document::parse_json(text) : document::parse_xml(text);
    ASSERT_TRUE(document) << text;
    const auto* root = kind == DocumentKind::json ? &*document : document->find("images");
    ASSERT_TRUE(root) << text;
    ASSERT_TRUE(root->text("next")) << text;
    EXPECT_EQ(*root->text("next"), "/images?limit=1&marker=m");
  }
}

}  // namespace
}  // namespace visor::front::native
