#include "front/glance/schemas.h"

#include <gtest/gtest.h>

#include <array>
#include <string>
#include <utility>

#include "document/json.h"
#include "document/schema.h"
#include "front/glance/front_end_fixture.h"
#include "front/glance/words.h"

namespace visor::front::glance {
namespace {

using document::Value;
using SchemasTest = FrontEndFixture;

constexpr std::array kNames = {
    std::pair{"image", "image"},
    std::pair{"images", "images"},
    std::pair{"member", "member"},
    std::pair{"members", "members"},
    std::pair{"task", "task"},
    std::pair{"tasks", "tasks"},
    std::pair{"metadefs/namespace", "namespace"},
    std::pair{"metadefs/namespaces", "namespaces"},
    std::pair{"metadefs/resource_type", "resource_type_association"},
    std::pair{"metadefs/resource_types", "resource_type_associations"},
    std::pair{"metadefs/property", "property"},
    std::pair{"metadefs/properties", "properties"},
    std::pair{"metadefs/object", "object"},
    std::pair{"metadefs/objects", "objects"},
    std::pair{"metadefs/tag", "tag"},
    std::pair{"metadefs/tags", "tags"},
};

TEST_F(SchemasTest, EveryCallerSeesAllSixteen) {
  for (const auto& [path, name] : kNames) {
    const Answer answer = as("eve", "GET", std::string("/v2/schemas/") + path);
    ASSERT_EQ(answer.status, 200) << path;
    EXPECT_EQ(*answer.json().text("name"), name);
    EXPECT_TRUE(answer.json().find("properties")->is_object());
  }
}

TEST_F(SchemasTest, ThereAreNoOthers) {
  EXPECT_EQ(as("ada", "GET", "/v2/schemas/volume").status, 404);
  EXPECT_EQ(as("ada", "GET", "/v2/schemas/metadefs/image").status, 404);
  EXPECT_EQ(as("ada", "GET", "/v2/schemas/metadefs%2Fnamespace").status, 200);
  EXPECT_EQ(as("nobody", "GET", "/v2/schemas/image").status, 401);
  EXPECT_EQ(as("ada", "DELETE", "/v2/schemas/image").status, 405);
}

TEST_F(SchemasTest, WhatAListHoldsKeepsToTheSchemaOfOne) {
  const Value& list = schema_of("metadefs/namespaces");
  auto page = document::parse_json(
      R"({"namespaces": [{"namespace": "a", "properties": {"p": {"title": "P", "type": "string"}}}],
          "first": "/v2/metadefs/namespaces", "schema": "/v2/schemas/metadefs/namespaces"})");
  EXPECT_TRUE(document::check_schema(list, *page));
  page->find("namespaces")->as_array()->front().set("visibility", "secret");
  EXPECT_FALSE(document::check_schema(list, *page));
}

// What a schema forgets, clients refuse to show or to set.
TEST_F(SchemasTest, TheSchemaOfAnImageKnowsWhatAnImageShows) {
  ASSERT_EQ(as("ada", "POST", "/v2/images",
               R"({"name": "debian", "disk_format": "qcow2", "container_format": "bare",
                   "os_distro": "debian", "hw_disk_bus": "scsi", "tags": ["stable"]})")
                .status,
            201);
  const Value list = as("ada", "GET", "/v2/images").json();
  EXPECT_TRUE(document::check_schema(schema_of("images"), list))
      << document::check_schema(schema_of("images"), list).error().message;
  const Value& properties = *schema_of("image").find("properties");
  for (const auto& [name, value] : *list.find("images")->as_array()->front().as_object()) {
    if (kind_of(name) == Kind::property) continue;
    EXPECT_NE(properties.find(name), nullptr) << name;
  }
}

TEST_F(SchemasTest, AnImagesFreePropertiesAreTexts) {
  const Value& image = schema_of("image");
  EXPECT_EQ(*image.find("additionalProperties")->text("type"), "string");
  // Older clients make an option of each property and have one of this name already.
  EXPECT_EQ(image.find("properties")->find("stores"), nullptr);
}

}  // namespace
}  // namespace visor::front::glance
