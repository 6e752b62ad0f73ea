#include "front/native/documents.h"

#include <gtest/gtest.h>

#include "http/test_request.h"

namespace visor::front::native {
namespace {

using http::TestRequest;

DocumentKind kind_for(std::string_view accept) {
  TestRequest request("GET", "/images");
  request.with("Accept", accept);
  return preferred_kind(request.head);
}

TEST(Documents, JsonIsTheDefault) {
  const TestRequest request("GET", "/images");
  EXPECT_EQ(preferred_kind(request.head), DocumentKind::json);
}

TEST(Documents, TheKindFollowsTheWeightsOfAccept) {
  const std::pair<const char*, DocumentKind> cases[] = {
      {"", DocumentKind::json},
      {"*/*", DocumentKind::json},
      {"application/json", DocumentKind::json},
      {"application/xml", DocumentKind::xml},
      {"text/xml", DocumentKind::xml},
      {"Application/XML; charset=utf-8", DocumentKind::xml},
      {"application/xml;q=0.5, application/json", DocumentKind::json},
      {"application/xml, application/json;q=0.5", DocumentKind::xml},
      {"application/json;q=0.2, text/xml;q=0.3", DocumentKind::xml},
      {"application/xml, application/json", DocumentKind::json},
      {"application/xml, */*", DocumentKind::xml},
      {"*/*; q=0.5, application/xml", DocumentKind::xml},
      {"application/*", DocumentKind::json},
      {"application/xml;q=0", DocumentKind::json},
      {"application/xml;q=0, */*", DocumentKind::json},
      {"text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", DocumentKind::xml},
      {"image/png", DocumentKind::json},
      {";;,,q=;/", DocumentKind::json},
  };
  for (const auto& [accept, kind] : cases) {
    EXPECT_EQ(kind_for(accept), kind) << accept;
  }
}

TEST(Documents, SeveralAcceptFieldsCountAsOne) {
  TestRequest request("GET", "/images");
  request.with("Accept", "application/json;q=0.1").with("Accept", "application/xml");
  EXPECT_EQ(preferred_kind(request.head), DocumentKind::xml);
}

TEST(Documents, NumbersAreNumbersAndTextStaysText) {
  const auto object = object_of({{"size", "42", true}, {"permissions", "0777", false}});
  EXPECT_EQ(write_document(DocumentKind::json, "image", object),
            R"({"image":{"size":42,"permissions":"0777"}})");
}

TEST(Documents, XmlIsTheSameTree) {
  const auto object = object_of({{"_id", "1", false}, {"name", "a<b", false}});
  const auto answer = document_answer(DocumentKind::xml, "image", object);
  EXPECT_EQ(header_of(answer, "content-type"), "application/xml");
  EXPECT_NE(answer.text.find("<image><_id>1</_id><name>a&lt;b</name></image>"), std::string::npos)
      << answer.text;
}

}  // namespace
}  // namespace visor::front::native
