// Lists of images, driven without sockets.
#include <gtest/gtest.h>

#include "front/native/front_end_fixture.h"

namespace visor::front::native {
namespace {

using ImageLists = FrontEndFixture;

TEST_F(ImageLists, ListsAreFilteredSortedAndBriefOrDetailed) {
  for (const auto& [name, team] :
       {std::pair{"b", "12.04"}, std::pair{"a", "2"}, std::pair{"c", "10"}}) {
    TestRequest post = registration(name);
    post.with("x-image-meta-release", team);
    ASSERT_EQ(as("ada", post).status, 200);
  }
  using Names = std::vector<std::string>;
  EXPECT_EQ(names_in(as("bob", "GET", "/images?sort=name")), (Names{"a", "b", "c"}));
  EXPECT_EQ(names_in(as("bob", "GET", "/images?sort=name&dir=desc")), (Names{"c", "b", "a"}));
  EXPECT_EQ(names_in(as("bob", "GET", "/images?sort=release")), (Names{"a", "c", "b"}));
  EXPECT_EQ(names_in(as("bob", "GET", "/images?release=12.04")), (Names{"b"}));
  EXPECT_EQ(names_in(as("bob", "GET", "/images?status=locked&sort=name")), (Names{"a", "b", "c"}));
  EXPECT_EQ(names_in(as("bob", "GET", "/images?status=available")), Names{});
  EXPECT_EQ(names_in(as("bob", "GET", "/images?access=public&name=c")), (Names{"c"}));
  EXPECT_EQ(names_in(as("bob", "GET", "/images?status=no-such-status")), Names{});
  EXPECT_EQ(
      names_in(as("bob", "GET", "/images/?created_at=2012-06-15%2023:05:20%20%2B0200&name=a")),
      (Names{"a"}));

  const document::Value brief = as("bob", "GET", "/images?name=a").json();
  EXPECT_EQ(brief.find("images")->as_array()->at(0).find("owner"), nullptr);
  const document::Value detail = as("bob", "GET", "//images//detail/?name=a").json();
  const document::Value& image = detail.find("images")->as_array()->at(0);
  EXPECT_EQ(*image.text("owner"), "ada");
  EXPECT_EQ(*image.text("release"), "2");
  EXPECT_EQ(image.find("access_count"), nullptr);
  for (const char* query :
       {"?dir=up", "?limit=0", "?limit=1001", "?sort=access_count", "?marker=nonsense"}) {
    EXPECT_EQ(as("bob", "GET", std::string("/images") + query).status, 400) << query;
  }
}

TEST_F(ImageLists, ReadsCanBeFilteredOn) {
  const std::string read_once = register_as("ada", "read", "public", "data");
  const std::string unread = register_as("ada", "unread", "public", "data");
  ASSERT_EQ(as("bob", "GET", "/images/" + read_once).status, 200);
  using Names = std::vector<std::string>;
  EXPECT_EQ(names_in(as("bob", "GET", "/images?access_count=1")), Names{"read"});
  EXPECT_EQ(names_in(as("bob", "GET", "/images?access_count=0")), Names{"unread"});
  EXPECT_EQ(names_in(as("bob", "GET", "/images?access_count=2")), Names{});
  const std::string time = format_visor_time(clock_.now());
  EXPECT_EQ(names_in(as("bob", "GET", "/images/detail?accessed_at=" + percent_encode(time))),
            Names{"read"});
  EXPECT_EQ(names_in(as("bob", "GET", "/images?access_count=0&name=read")), Names{});
}

TEST_F(ImageLists, EveryAttributeOfTheSchemaCanBeSortedOn) {
  const std::string open = register_as("ada", "open", "public", "data");
  const std::string closed = register_as("ada", "closed", "private");
  for (const char* name :
       {"_id",        "uri",        "name",        "architecture", "access", "status",
        "type",       "format",     "store",       "location",     "kernel", "ramdisk",
        "owner",      "size",       "checksum",    "sha1",         "sha256", "sha512",
        "created_at", "updated_at", "uploaded_at", "anything"}) {
    const Answer answer = as("ada", "GET", std::string("/images?sort=") + name);
    EXPECT_EQ(answer.status, 200) << name;
    EXPECT_EQ(names_in(answer).size(), 2u) << name;
  }
  EXPECT_EQ(names_in(as("ada", "GET", "/images?sort=access")),
            (std::vector<std::string>{"closed", "open"}));
  const document::Value detail = as("ada", "GET", "/images/detail?_id=" + open).json();
  for (const document::Member& member : *detail.find("images")->as_array()->at(0).as_object()) {
    const std::string* text = member.value.as_text();
    const std::string value = text ? *text : document::write_json(member.value);
    const Answer answer =
        as("ada", "GET", "/images?" + member.name + "=" + percent_encode(value) + "&_id=" + open);
    EXPECT_EQ(names_in(answer), std::vector<std::string>{"open"}) << member.name << "=" << value;
  }
}

TEST_F(ImageLists, PagesLeadThroughTheWholeList) {
  for (int i = 0; i < 7; ++i) register_as("ada", "n" + std::to_string(i));
  std::vector<std::string> seen;
  std::string target = "/images?limit=3&sort=name&architecture=x86_64";
  for (int page = 0; !target.empty() && page < 10; ++page) {
    const Answer answer = as("bob", "GET", target);
    ASSERT_EQ(answer.status, 200) << answer.body;
    for (std::string& name : names_in(answer)) seen.push_back(std::move(name));
    const document::Value document = answer.json();
    const std::string* next = document.text("next");
    target = next ? *next : "";
  }
  EXPECT_EQ(seen, (std::vector<std::string>{"n0", "n1", "n2", "n3", "n4", "n5", "n6"}));
}

TEST_F(ImageLists, AWholeListIsStreamedPageByPage) {
  for (int i = 0; i < 250; ++i) register_as("ada", "n" + std::to_string(i));
  const Answer answer = as("bob", "GET", "/images");
  ASSERT_TRUE(answer.response.source);
  EXPECT_FALSE(answer.response.source->size());
  EXPECT_EQ(names_in(answer).size(), 250u);
  EXPECT_EQ(answer.json().find("next"), nullptr);
}

}  // namespace
}  // namespace visor::front::native
