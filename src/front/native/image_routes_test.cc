// Routes of images, driven without sockets.
#include <gtest/gtest.h>

#include "front/native/front_end_fixture.h"

namespace visor::front::native {
namespace {

using ImageRoutes = FrontEndFixture;

constexpr const char* kUnknownId = "6b1c0a52-53c5-4f0e-9c3c-0a8f5d5a7e11";

TEST_F(ImageRoutes, AnImageIsRegisteredUploadedShownFetchedAndRemoved) {
  const std::string data = service::pattern(200'000);
  TestRequest post = registration("debian");
  post.with("x-image-meta-format", "raw").with("x-image-meta-os-version", "12.04");
  const Answer registered = as("ada", post);
  ASSERT_EQ(registered.status, 200) << registered.body;
  EXPECT_EQ(registered.header("content-type"), "application/json");
  const document::Value document = registered.json();
  const document::Value& image = *document.find("image");
  const std::string id = *image.text("_id");
  EXPECT_EQ(*image.text("status"), "locked");
  EXPECT_EQ(*image.text("access"), "public");
  EXPECT_EQ(*image.text("owner"), "ada");
  EXPECT_EQ(*image.text("os_version"), "12.04");
  EXPECT_EQ(*image.text("uri"), "http://127.0.0.1:4568/images/" + id);
  EXPECT_EQ(*image.text("created_at"), "2012-06-15 21:05:20 +0000");

  TestRequest put("PUT", "/images/" + id);
  put.data(data);
  const Answer uploaded = as("ada", put);
  ASSERT_EQ(uploaded.status, 200) << uploaded.body;
  EXPECT_EQ(*uploaded.json().find("image")->text("status"), "available");
  EXPECT_EQ(uploaded.json().find("image")->integer("size"), 200'000);

  const Answer head = as("bob", "HEAD", "/images/" + id);
  EXPECT_EQ(head.status, 200);
  EXPECT_TRUE(head.body.empty());
  EXPECT_EQ(head.response.unsent_length, 200'000u);
  EXPECT_EQ(head.header("x-image-meta-checksum"), digest_hex(DigestAlgorithm::md5, data));
  EXPECT_EQ(head.header("x-image-meta-os_version"), "12.04");
  EXPECT_EQ(head.header("x-image-meta-access_count"), "0");
  EXPECT_EQ(head.header("x-image-meta-accessed_at"), "");

  const Answer got = as("bob", "GET", "/images/" + id);
  EXPECT_EQ(got.status, 200);
  EXPECT_EQ(got.body, data);
  EXPECT_EQ(got.header("content-type"), "application/octet-stream");
  EXPECT_EQ(got.header("content-disposition"), "attachment; filename=\"" + id + ".raw\"");
  EXPECT_EQ(got.header("accept-ranges"), "bytes");
  EXPECT_EQ(got.header("etag"), "\"" + digest_hex(DigestAlgorithm::sha256, data) + "\"");
  EXPECT_EQ(got.header("last-modified"), "Fri, 15 Jun 2012 21:05:20 GMT");
  EXPECT_EQ(got.header("x-image-meta-_id"), id);
  EXPECT_EQ(as("bob", "HEAD", "/images/" + id).header("x-image-meta-access_count"), "1");

  const Answer removed = as("ada", "DELETE", "/images/" + id);
  EXPECT_EQ(removed.status, 200);
  EXPECT_EQ(*removed.json().find("image")->text("_id"), id);
  EXPECT_EQ(as("ada", "GET", "/images/" + id).status, 404);
  expect_nothing_left("ada");
}

TEST_F(ImageRoutes, MetadataAndDataMayComeInOneRequestFixedOrChunked) {
  const std::string data = service::pattern(100'000);
  TestRequest fixed = registration("fixed");
  fixed.data(data);
  TestRequest chunked = registration("chunked");
  chunked.with("Content-Type", "Application/Octet-Stream; x=y").chunked(data);
  for (TestRequest* request : {&fixed, &chunked}) {
    const Answer answer = as("ada", *request);
    ASSERT_EQ(answer.status, 200) << answer.body;
    const std::string id = *answer.json().find("image")->text("_id");
    EXPECT_EQ(as("ada", "GET", "/images/" + id).body, data);
  }
}

TEST_F(ImageRoutes, AnswersAreXmlForThoseWhoPreferIt) {
  TestRequest post = registration("debian");
  post.with("Accept", "application/xml");
  const Answer registered = as("ada", post);
  EXPECT_EQ(registered.header("content-type"), "application/xml");
  const auto image = document::parse_xml(registered.body);
  ASSERT_TRUE(image) << registered.body;
  EXPECT_EQ(*image->find("image")->text("name"), "debian");

  TestRequest list("GET", "/images/detail");
  list.with("Accept", "text/xml");
  const Answer listed = as("ada", list);
  const auto images = document::parse_xml(listed.body);
  ASSERT_TRUE(images) << listed.body;
  EXPECT_EQ(images->find("images")->size(), 1u);

  TestRequest wrong("DELETE", std::string("/images/") + kUnknownId);
  wrong.with("Accept", "application/xml");
  const Answer error = as("ada", wrong);
  const auto document = document::parse_xml(error.body);
  ASSERT_TRUE(document) << error.body;
  EXPECT_EQ(*document->find("error")->text("code"), "404");
}

TEST_F(ImageRoutes, MetadataAloneIsADocument) {
  const std::string id = register_as("ada", "debian", "public", "data");
  as("bob", "GET", "/images/" + id);
  const Answer answer = as("bob", "GET", "/images/" + id + "/metadata");
  EXPECT_EQ(answer.status, 200);
  const document::Value document = answer.json();
  EXPECT_EQ(*document.find("image")->text("_id"), id);
  EXPECT_EQ(document.find("image")->integer("access_count"), 1);
  EXPECT_TRUE(document.find("image")->text("accessed_at"));
}

TEST_F(ImageRoutes, WhatAHeaderCannotCarrySurvivesARoundTrip) {
  TestRequest post = registration("debian");
  post.with("x-image-meta-note", "two%0Alines").with("x-visor-encoded", "note");
  const Answer registered = as("ada", post);
  ASSERT_EQ(registered.status, 200) << registered.body;
  EXPECT_EQ(*registered.json().find("image")->text("note"), "two\nlines");
  const std::string id = *registered.json().find("image")->text("_id");
  const Answer head = as("ada", "HEAD", "/images/" + id);
  EXPECT_EQ(head.header("x-image-meta-note"), "two%0Alines");
  EXPECT_EQ(head.header("x-visor-encoded"), "note");
}

TEST_F(ImageRoutes, AnImageWithoutDataHasMetadataOnly) {
  const std::string id = register_as("ada", "empty");
  const Answer head = as("ada", "HEAD", "/images/" + id);
  EXPECT_EQ(head.status, 200);
  EXPECT_EQ(head.response.unsent_length, 0u);
  EXPECT_EQ(head.header("x-image-meta-status"), "locked");
  EXPECT_EQ(head.header("etag"), "");
  const Answer got = as("ada", "GET", "/images/" + id);
  EXPECT_EQ(got.status, 404);
  EXPECT_NE(got.message().find("no data"), std::string::npos) << got.body;
}

TEST_F(ImageRoutes, RangesAreCutFromTheData) {
  const std::string data = "0123456789";
  const std::string id = register_as("ada", "digits", "public", data);
  struct Case {
    const char* range;
    int status;
    const char* body;
    const char* content_range;
  };
  const Case cases[] = {
      {"bytes=0-3", 206, "0123", "bytes 0-3/10"}, {"bytes=4-", 206, "456789", "bytes 4-9/10"},
      {"bytes=-3", 206, "789", "bytes 7-9/10"},   {"bytes=-99", 206, "0123456789", "bytes 0-9/10"},
      {"bytes=8-99", 206, "89", "bytes 8-9/10"},  {"bytes=9-9", 206, "9", "bytes 9-9/10"},
      {"bytes=3-2", 200, "0123456789", ""},       {"lines=1-2", 200, "0123456789", ""},
      {"bytes=0-1,3-4", 200, "0123456789", ""},
  };
  for (const Case& expected : cases) {
    TestRequest request("GET", "/images/" + id);
    request.with("Range", expected.range);
    const Answer answer = as("ada", request);
    EXPECT_EQ(answer.status, expected.status) << expected.range;
    EXPECT_EQ(answer.body, expected.body) << expected.range;
    EXPECT_EQ(answer.header("content-range"), expected.content_range) << expected.range;
    EXPECT_EQ(answer.response.source->size(), answer.body.size());
  }
  for (const char* range : {"bytes=10-", "bytes=99-100", "bytes=-0"}) {
    TestRequest request("GET", "/images/" + id);
    request.with("Range", range);
    const Answer answer = as("ada", request);
    EXPECT_EQ(answer.status, 416) << range;
    EXPECT_EQ(answer.header("content-range"), "bytes */10");
    EXPECT_EQ(answer.json().integer("code"), 416);
  }
}

TEST_F(ImageRoutes, ConditionsAreComparedWithTheData) {
  const std::string data = "0123456789";
  const std::string id = register_as("ada", "digits", "public", data);
  const std::string etag = "\"" + digest_hex(DigestAlgorithm::sha256, data) + "\"";
  struct Case {
    const char* name;
    std::string value;
    int status;
  };
  const Case cases[] = {
      {"If-None-Match", etag, 304},
      {"If-None-Match", "\"other\", W/" + etag, 304},
      {"If-None-Match", "*", 304},
      {"If-None-Match", "\"other\"", 200},
      {"If-Match", etag, 200},
      {"If-Match", "\"other\"", 412},
      {"If-Modified-Since", "Fri, 15 Jun 2012 21:05:20 GMT", 304},
      {"If-Modified-Since", "Fri, 15 Jun 2012 21:05:19 GMT", 200},
      {"If-Unmodified-Since", "Fri, 15 Jun 2012 21:05:19 GMT", 412},
  };
  for (const char* method : {"GET", "HEAD"}) {
    for (const Case& expected : cases) {
      TestRequest request(method, "/images/" + id);
      request.with(expected.name, expected.value);
      const Answer answer = as("ada", request);
      EXPECT_EQ(answer.status, expected.status) << method << " " << expected.name;
      if (expected.status == 304) {
        EXPECT_TRUE(answer.body.empty());
        EXPECT_EQ(answer.header("etag"), etag);
      }
    }
  }
}

TEST_F(ImageRoutes, WhatChangesAnImageHeedsConditionsToo) {
  const std::string id = register_as("ada", "digits", "public", "0123456789");
  const std::string tag = as("ada", "HEAD", "/images/" + id).header("ETag");
  const auto status = [&](const char* method, std::string_view name, std::string_view value,
                          const std::string& image) {
    TestRequest request(method, "/images/" + image, {{name, value}});
    if (method == std::string_view("PUT")) request.with("x-image-meta-note", "changed");
    return as("ada", request).status;
  };
  EXPECT_EQ(status("PUT", "If-Match", "\"other\"", id), 412);
  EXPECT_EQ(status("PUT", "If-None-Match", "*", id), 412);
  EXPECT_EQ(status("PUT", "If-Unmodified-Since", "Fri, 15 Jun 1990 21:05:20 GMT", id), 412);
  EXPECT_EQ(as("ada", "HEAD", "/images/" + id).header("x-image-meta-note"), "");
  EXPECT_EQ(status("PUT", "If-Match", tag, id), 200);
  EXPECT_EQ(status("DELETE", "If-Match", "\"other\"", id), 412);
  EXPECT_EQ(status("DELETE", "If-Match", tag, id), 200);

  const std::string empty = register_as("ada", "empty");
  EXPECT_EQ(status("PUT", "If-Match", "*", empty), 412);
  TestRequest upload("PUT", "/images/" + empty, {{"If-None-Match", "*"}});
  upload.data("data");
  EXPECT_EQ(as("ada", upload).status, 200);
  const std::string hidden = register_as("ada", "hidden", "private", "data");
  TestRequest probe("DELETE", "/images/" + hidden, {{"If-Match", "\"other\""}});
  EXPECT_EQ(as("bob", probe).status, 404);
}

TEST_F(ImageRoutes, WhoMayNotChangeAnImageLearnsNothingFromConditions) {
  const std::string id = register_as("ada", "digits", "public", "0123456789");
  for (const char* tag : {"\"other\"", "*"}) {
    TestRequest change("PUT", "/images/" + id, {{"If-Match", tag}});
    change.with("x-image-meta-note", "changed");
    EXPECT_EQ(as("bob", change).status, 403) << tag;
    TestRequest removal("DELETE", "/images/" + id, {{"If-Match", tag}});
    EXPECT_EQ(as("bob", removal).status, 403) << tag;
  }
}

TEST_F(ImageRoutes, ARangeHoldsOnlyForTheVersionItWasMeantFor) {
  const std::string data = "0123456789";
  const std::string id = register_as("ada", "digits", "public", data);
  const std::string etag = "\"" + digest_hex(DigestAlgorithm::sha256, data) + "\"";
  const std::pair<std::string, int> cases[] = {
      {etag, 206}, {"\"other\"", 200}, {"W/" + etag, 200}, {"Fri, 15 Jun 2012 21:05:20 GMT", 206}};
  for (const auto& [value, status] : cases) {
    TestRequest request("GET", "/images/" + id);
    request.with("Range", "bytes=0-1").with("If-Range", value);
    EXPECT_EQ(as("ada", request).status, status) << value;
  }
}

TEST_F(ImageRoutes, ReferencesAreServedAndNeverRemovedAtTheirSource) {
  remote_->put("far://host/image.iso", "remote bytes");
  TestRequest post = registration("remote");
  post.with("x-image-meta-location", "far://host/image.iso");
  const Answer registered = as("root", post);
  ASSERT_EQ(registered.status, 200) << registered.body;
  const document::Value document = registered.json();
  const std::string id = *document.find("image")->text("_id");
  EXPECT_EQ(*document.find("image")->text("status"), "available");
  EXPECT_EQ(*document.find("image")->text("checksum"), "v1");
  EXPECT_EQ(*document.find("image")->text("location"), "far://host/image.iso");
  EXPECT_EQ(as("ada", "GET", "/images/" + id).body, "remote bytes");
  EXPECT_EQ(as("root", "DELETE", "/images/" + id).status, 200);
  EXPECT_TRUE(remote_->has("far://host/image.iso"));
}

TEST_F(ImageRoutes, ReferencesFollowTheirRules) {
  remote_->put("far://host/image.iso", "remote bytes");
  const auto refer = [this](const char* who, const char* location, bool with_body) {
    TestRequest post = registration("remote");
    post.with("x-image-meta-location", location);
    if (with_body) post.data("bytes");
    const Answer answer = as(who, post);
    EXPECT_FALSE(post.body_was_read());
    return answer.status;
  };
  EXPECT_EQ(refer("root", "far://host/missing.iso", false), 404);
  EXPECT_EQ(refer("root", "far://host/image.iso", true), 400);
  EXPECT_EQ(refer("root", "gopher://host/image.iso", false), 400);
  EXPECT_EQ(refer("ada", "far://host/image.iso", false), 403);
  TestRequest into_far = registration("remote");
  into_far.with("x-image-meta-store", "far").data("bytes");
  EXPECT_EQ(as("root", into_far).status, 400);
  EXPECT_FALSE(into_far.body_was_read());
  EXPECT_EQ(names_in(as("root", "GET", "/images")), std::vector<std::string>{});
}

TEST_F(ImageRoutes, InvalidRequestsRegisterNothingAndNeverInviteTheirBodies) {
  struct Case {
    const char* what;
    std::vector<std::pair<const char*, const char*>> headers;
    int status;
  };
  const Case cases[] = {
      {"no name", {{"x-image-meta-architecture", "i386"}}, 400},
      {"no architecture", {{"x-image-meta-name", "x"}}, 400},
      {"no metadata", {}, 400},
      {"unknown architecture",
       {{"x-image-meta-name", "x"}, {"x-image-meta-architecture", "z80"}},
       400},
      {"unknown store",
       {{"x-image-meta-name", "x"},
        {"x-image-meta-architecture", "i386"},
        {"x-image-meta-store", "no"}},
       400},
      {"domain's word for access",
       {{"x-image-meta-name", "x"},
        {"x-image-meta-architecture", "i386"},
        {"x-image-meta-access", "owner"}},
       400},
      {"read-only",
       {{"x-image-meta-name", "x"},
        {"x-image-meta-architecture", "i386"},
        {"x-image-meta-size", "1"}},
       400},
      {"repeated",
       {{"x-image-meta-name", "x"},
        {"x-image-meta-architecture", "i386"},
        {"x-image-meta-name", "y"}},
       400},
      {"no UTF-8", {{"x-image-meta-name", "\xff"}, {"x-image-meta-architecture", "i386"}}, 400},
      {"unknown kernel",
       {{"x-image-meta-name", "x"},
        {"x-image-meta-architecture", "i386"},
        {"x-image-meta-kernel", kUnknownId}},
       404},
  };
  for (const Case& expected : cases) {
    TestRequest request("POST", "/images");
    for (const auto& [name, value] : expected.headers) request.with(name, value);
    request.data("some bytes");
    const Answer answer = as("ada", request);
    EXPECT_EQ(answer.status, expected.status) << expected.what << ": " << answer.body;
    EXPECT_EQ(answer.json().integer("code"), expected.status);
    EXPECT_GT(answer.message().size(), 10u);
    EXPECT_FALSE(request.body_was_read()) << expected.what;
  }
  EXPECT_EQ(names_in(as("ada", "GET", "/images")), std::vector<std::string>{});
}

TEST_F(ImageRoutes, AKernelMustBeOne) {
  const std::string machine = register_as("ada", "machine");
  TestRequest kernel = registration("kernel");
  kernel.with("x-image-meta-type", "kernel");
  const std::string kernel_id = *as("ada", kernel).json().find("image")->text("_id");
  TestRequest wrong = registration("wrong");
  wrong.with("x-image-meta-kernel", machine);
  EXPECT_EQ(as("ada", wrong).status, 400);
  TestRequest right = registration("right");
  right.with("x-image-meta-kernel", kernel_id);
  const Answer answer = as("ada", right);
  ASSERT_EQ(answer.status, 200) << answer.body;
  EXPECT_EQ(*answer.json().find("image")->text("kernel"), kernel_id);
}

TEST_F(ImageRoutes, DataNeedsItsContentType) {
  const std::string id = register_as("ada", "empty");
  const std::vector<std::vector<std::pair<const char*, const char*>>> refused = {
      {},
      {{"Content-Type", "application/x-www-form-urlencoded"}},
      {{"Content-Type", "text/plain"}},
      {{"Content-Type", "application/octet-stream"}, {"Content-Encoding", "gzip"}},
  };
  for (const auto& headers : refused) {
    TestRequest put("PUT", "/images/" + id);
    for (const auto& [name, value] : headers) put.with(name, value);
    put.body("bytes");
    EXPECT_EQ(as("ada", put).status, 400);
    EXPECT_FALSE(put.body_was_read());
  }
  EXPECT_EQ(as("ada", "HEAD", "/images/" + id).header("x-image-meta-status"), "locked");
}

TEST_F(ImageRoutes, WithoutABodyTheContentTypeDoesNotMatter) {
  TestRequest post = registration("debian");
  post.with("Content-Type", "application/x-www-form-urlencoded").body("");
  EXPECT_EQ(as("ada", post).status, 200);
}

TEST_F(ImageRoutes, APutWithNeitherHeadersNorBodyIsRefused) {
  const std::string id = register_as("ada", "empty");
  EXPECT_EQ(as("ada", "PUT", "/images/" + id).status, 400);
}

TEST_F(ImageRoutes, AttributesChangeAndEmptyOnesGo) {
  const std::string id = register_as("ada", "old");
  TestRequest set("PUT", "/images/" + id);
  set.with("x-image-meta-name", "new").with("x-image-meta-team", "blue");
  const Answer changed = as("ada", set);
  ASSERT_EQ(changed.status, 200) << changed.body;
  EXPECT_EQ(*changed.json().find("image")->text("team"), "blue");
  TestRequest unset("PUT", "/images/" + id);
  unset.with("x-image-meta-team", "");
  const Answer gone = as("ada", unset);
  EXPECT_EQ(gone.json().find("image")->text("team"), nullptr);
  EXPECT_EQ(*gone.json().find("image")->text("name"), "new");
}

TEST_F(ImageRoutes, OnlyAnImageWithoutDataTakesSome) {
  const std::string id = register_as("ada", "full", "public", "first");
  TestRequest put("PUT", "/images/" + id);
  put.data("second");
  const Answer answer = as("ada", put);
  EXPECT_EQ(answer.status, 409);
  EXPECT_FALSE(put.body_was_read());
  EXPECT_EQ(as("ada", "GET", "/images/" + id).body, "first");
}

TEST_F(ImageRoutes, AnUploadThatBreaksOffLeavesTheImageInError) {
  const std::string id = register_as("ada", "unlucky");
  TestRequest put("PUT", "/images/" + id);
  put.with("Content-Type", "application/octet-stream").breaking("half of");
  EXPECT_EQ(classic("ada", put).status, 503);
  EXPECT_EQ(as("ada", "HEAD", "/images/" + id).header("x-image-meta-status"), "error");
  EXPECT_EQ(blobs_stored(), 0u);
  TestRequest again("PUT", "/images/" + id);
  again.data("whole");
  EXPECT_EQ(as("ada", again).status, 200);
  EXPECT_EQ(as("ada", "GET", "/images/" + id).body, "whole");
}

TEST_F(ImageRoutes, ABodyThatIsNotWhatWasSignedIsNotStored) {
  const std::string id = register_as("ada", "tampered");
  TestRequest signed_for("PUT", "/images/" + id);
  signed_for.data("honest");
  sign_today(signed_for, "ada");
  TestRequest sent("PUT", "/images/" + id);
  for (const http::Field& field : signed_for.head.fields) sent.with(field.name, field.value);
  sent.replace_body("forged");
  const Answer answer = send(sent);
  EXPECT_EQ(answer.status, 403) << answer.body;
  EXPECT_EQ(as("ada", "HEAD", "/images/" + id).header("x-image-meta-status"), "error");

  TestRequest wrong_md5("PUT", "/images/" + id);
  wrong_md5.with("Content-MD5", to_base64(std::string(16, 'x'))).data("bytes");
  EXPECT_EQ(as("ada", wrong_md5).status, 400);
  TestRequest no_md5("PUT", "/images/" + id);
  no_md5.with("Content-MD5", "none").data("bytes");
  EXPECT_EQ(as("ada", no_md5).status, 400);
  EXPECT_FALSE(no_md5.body_was_read());
}

}  // namespace
}  // namespace visor::front::native
