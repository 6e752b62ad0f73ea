#include "front/glance/definition_routes.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "document/schema.h"
#include "front/glance/front_end_fixture.h"
#include "front/glance/schemas.h"

namespace visor::front::glance {
namespace {

using document::Value;

constexpr const char* kSpaces = "/v2/metadefs/namespaces";

class DefinitionsTest : public FrontEndFixture {
 protected:
  /// A namespace with something of everything in it.
  static std::string full(const std::string& name, const std::string& more = "") {
    return R"({"namespace": ")" + name +
           R"(", "display_name": "Disks", "description": "About disks",
      "visibility": "public", )" +
           more + R"(
      "resource_type_associations": [{"name": "OS::Glance::Image", "prefix": "hw_"},
          {"name": "OS::Cinder::Volume", "prefix": "hw_", "properties_target": "image"}],
      "properties": {"disk_bus": {"title": "Bus", "type": "string", "enum": ["scsi", "ide"]}},
      "objects": [{"name": "Limits", "required": ["iops"],
          "properties": {"iops": {"title": "Operations", "type": "integer", "minimum": 1}}}],
      "tags": [{"name": "fast"}]})";
  }
  void add(const std::string& document) {
    const Answer answer = as("root", "POST", kSpaces, document);
    ASSERT_EQ(answer.status, 201) << answer.body;
  }
  std::vector<std::string> names_in(const Answer& answer, std::string_view list,
                                    std::string_view name = "name") {
    std::vector<std::string> names;
    const Value document = answer.json();
    const Value* const entries = document.find(list);
    if (entries == nullptr || !entries->is_array()) return {"(no list) " + answer.body};
    for (const Value& entry : *entries->as_array()) names.push_back(*entry.text(name));
    return names;
  }
  std::vector<std::string> listed(std::string_view caller, const std::string& query = "") {
    return names_in(as(caller, "GET", kSpaces + query), "namespaces", "namespace");
  }
  static void expect_form(const Answer& answer, std::string_view schema) {
    const auto good = document::check_schema(schema_of(schema), answer.json());
    EXPECT_TRUE(good) << good.error().message << answer.body;
  }
};

using Names = std::vector<std::string>;

TEST_F(DefinitionsTest, ANamespaceIsMadeWithAllThatIsInIt) {
  const Answer made = as("root", "POST", kSpaces, full("OS::Test::Disks"));
  ASSERT_EQ(made.status, 201) << made.body;
  EXPECT_EQ(made.header("Location"),
            "http://127.0.0.1:4568/v2/metadefs/namespaces/OS::Test::Disks");
  const Answer shown = as("ada", "GET", kSpaces + std::string("/OS::Test::Disks"));
  EXPECT_EQ(shown.status, 200);
  EXPECT_EQ(shown.body, made.body);
  const Value space = shown.json();
  EXPECT_EQ(*space.text("namespace"), "OS::Test::Disks");
  EXPECT_EQ(*space.text("visibility"), "public");
  EXPECT_EQ(space.boolean("protected"), false);
  EXPECT_EQ(*space.text("owner"), "root");
  EXPECT_EQ(*space.text("created_at"), "2012-06-15T21:05:20Z");
  EXPECT_EQ(*space.text("self"), "/v2/metadefs/namespaces/OS::Test::Disks");
  EXPECT_EQ(*space.text("schema"), "/v2/schemas/metadefs/namespace");
  EXPECT_EQ(*space.find("properties")->find("disk_bus")->text("title"), "Bus");
  EXPECT_EQ(*space.find("objects")->as_array()->at(0).text("self"),
            "/v2/metadefs/namespaces/OS::Test::Disks/objects/Limits");
  expect_form(shown, "metadefs/namespace");
}

TEST_F(DefinitionsTest, ANamespaceIsItsOwnersAndHiddenUnlessItSaysOtherwise) {
  add(R"({"namespace": "bare"})");
  add(R"({"namespace": "adas", "owner": "ada"})");
  EXPECT_EQ(listed("root"), (Names{"adas", "bare"}));
  EXPECT_EQ(listed("ada"), Names{"adas"});
  EXPECT_EQ(listed("eve"), Names{"adas"});
  EXPECT_EQ(listed("bob"), Names{});
  EXPECT_EQ(as("bob", "GET", kSpaces + std::string("/adas")).status, 404);
  EXPECT_EQ(as("bob", "GET", kSpaces + std::string("/adas/tags")).status, 404);
}

TEST_F(DefinitionsTest, BodiesThatDoNotKeepToTheSchemaAreRefused) {
  const auto status = [this](const std::string& body) {
    return as("root", "POST", kSpaces, body).status;
  };
  EXPECT_EQ(status(""), 400);
  EXPECT_EQ(status("{"), 400);
  EXPECT_EQ(status("[]"), 400);
  EXPECT_EQ(status("{}"), 400);
  EXPECT_EQ(status(R"({"namespace": ""})"), 400);
  EXPECT_EQ(status(R"({"namespace": 1})"), 400);
  EXPECT_EQ(status(R"({"namespace": ".."})"), 400);
  EXPECT_EQ(status(R"({"namespace": "a", "visibility": "shared"})"), 400);
  EXPECT_EQ(status(R"({"namespace": "a", "protected": "yes"})"), 400);
  EXPECT_EQ(status(R"({"namespace": "a", "colour": "red"})"), 400);
  EXPECT_EQ(status(R"({"namespace": "a", "properties": {"p": {"type": "string"}}})"), 400);
  EXPECT_EQ(status(R"({"namespace": "a", "tags": [{}]})"), 400);
  EXPECT_EQ(status(R"({"namespace": "a", "tags": [{"name": "x"}, {"name": "x"}]})"), 409);
  EXPECT_EQ(status(R"({"namespace": "a", "self": "/v2/"})"), 403);
  EXPECT_EQ(status(R"({"namespace": "a", "created_at": "2026-01-01T00:00:00Z"})"), 403);
  EXPECT_EQ(as("root", "POST", kSpaces, R"({"namespace": "a", "visibility": "shared"})").message(),
            R"("visibility" must be one of "public", "private")");
  EXPECT_EQ(listed("root"), Names{});
}

TEST_F(DefinitionsTest, OnlyAdministratorsWrite) {
  add(full("N"));
  const std::string space = std::string(kSpaces) + "/N";
  const std::string property = R"({"name": "p", "title": "P", "type": "string"})";
  EXPECT_EQ(as("ada", "POST", kSpaces, R"({"namespace": "a"})").status, 403);
  EXPECT_EQ(as("ada", "PUT", space, R"({"namespace": "N"})").status, 403);
  EXPECT_EQ(as("ada", "DELETE", space).status, 403);
  EXPECT_EQ(as("ada", "POST", space + "/properties", property).status, 403);
  EXPECT_EQ(as("ada", "POST", space + "/objects", R"({"name": "o"})").status, 403);
  EXPECT_EQ(as("ada", "POST", space + "/tags", R"({"tags": []})").status, 403);
  EXPECT_EQ(as("ada", "POST", space + "/tags/t").status, 403);
  EXPECT_EQ(as("ada", "POST", space + "/resource_types", R"({"name": "r"})").status, 403);
  EXPECT_EQ(as("ada", "DELETE", space + "/tags").status, 403);
  EXPECT_EQ(as("eve", "DELETE", space + "/tags/fast").status, 403);
  EXPECT_EQ(as("nobody", "GET", space).status, 401);
}

TEST_F(DefinitionsTest, ANameIsTakenOnce) {
  add(full("N"));
  EXPECT_EQ(as("root", "POST", kSpaces, full("N")).status, 409);
}

TEST_F(DefinitionsTest, PuttingANamespaceChangesItsHeadAndItsName) {
  add(full("N"));
  add(R"({"namespace": "taken"})");
  const std::string space = std::string(kSpaces) + "/N";
  const Answer put = as("root", "PUT", space, R"({"namespace": "M", "description": "New"})");
  ASSERT_EQ(put.status, 200) << put.body;
  expect_form(put, "metadefs/namespace");
  EXPECT_EQ(as("root", "GET", space).status, 404);
  const Value renamed = as("root", "GET", std::string(kSpaces) + "/M").json();
  EXPECT_EQ(*renamed.text("description"), "New");
  EXPECT_EQ(*renamed.text("visibility"), "private");
  EXPECT_EQ(renamed.text("display_name"), nullptr);
  EXPECT_EQ(renamed.find("properties")->size(), 1u);
  const std::string moved = std::string(kSpaces) + "/M";
  EXPECT_EQ(as("root", "PUT", moved, R"({"namespace": "taken"})").status, 409);
  EXPECT_EQ(as("root", "PUT", moved, R"({"description": "x"})").status, 400);
  EXPECT_EQ(as("root", "PUT", space, R"({"namespace": "N"})").status, 404);
}

TEST_F(DefinitionsTest, AProtectedNamespaceIsNotDeleted) {
  add(full("N", R"("protected": true,)"));
  const std::string space = std::string(kSpaces) + "/N";
  EXPECT_EQ(as("root", "DELETE", space).status, 403);
  EXPECT_EQ(as("root", "DELETE", space + "/properties/disk_bus").status, 403);
  EXPECT_EQ(as("root", "DELETE", space + "/objects").status, 403);
  ASSERT_EQ(as("root", "PUT", space, R"({"namespace": "N", "protected": false})").status, 200);
  EXPECT_EQ(as("root", "DELETE", space).status, 204);
  EXPECT_EQ(as("root", "DELETE", space).status, 404);
}

TEST_F(DefinitionsTest, ListsAreFilteredSortedAndPaged) {
  add(full("a"));
  clock_.advance(std::chrono::seconds(1));
  add(R"({"namespace": "b & c", "resource_type_associations": [{"name": "OS::Nova::Flavor"}]})");
  clock_.advance(std::chrono::seconds(1));
  add(R"({"namespace": "d"})");
  EXPECT_EQ(listed("root"), (Names{"d", "b & c", "a"}));
  EXPECT_EQ(listed("root", "?sort_key=namespace&sort_dir=asc"), (Names{"a", "b & c", "d"}));
  EXPECT_EQ(listed("root", "?visibility=public"), Names{"a"});
  EXPECT_EQ(listed("root", "?visibility=private"), (Names{"d", "b & c"}));
  EXPECT_EQ(listed("root", "?resource_types=OS::Nova::Flavor,OS::Nova::Server"), Names{"b & c"});
  EXPECT_EQ(listed("root", "?limit=0"), Names{});

  const Answer page = as("root", "GET", kSpaces + std::string("?limit=2&sort_dir=desc"));
  expect_form(page, "metadefs/namespaces");
  const Value document = page.json();
  EXPECT_EQ(*document.text("first"), "/v2/metadefs/namespaces?limit=2&sort_dir=desc");
  EXPECT_EQ(*document.text("next"),
            "/v2/metadefs/namespaces?limit=2&sort_dir=desc&marker=b%20%26%20c");
  EXPECT_EQ(*document.text("schema"), "/v2/schemas/metadefs/namespaces");
  const Answer last = as("root", "GET", *document.text("next"));
  EXPECT_EQ(names_in(last, "namespaces", "namespace"), Names{"a"});
  EXPECT_EQ(last.json().find("next"), nullptr);
  const Value listed_a = last.json().find("namespaces")->as_array()->at(0);
  EXPECT_EQ(listed_a.find("resource_type_associations")->size(), 2u);
  EXPECT_EQ(listed_a.find("properties"), nullptr);

  for (const auto* wrong : {"?limit=-1", "?limit=x", "?sort_key=colour", "?sort_dir=up",
                            "?visibility=shared", "?marker=%zz"}) {
    EXPECT_EQ(as("root", "GET", kSpaces + std::string(wrong)).status, 400) << wrong;
  }
  EXPECT_EQ(as("root", "GET", kSpaces + std::string("?marker=none")).status, 404);
}

TEST_F(DefinitionsTest, NamesOfPropertiesGetThePrefixOfAKindOfThing) {
  add(full("N"));
  const std::string space = std::string(kSpaces) + "/N";
  const Value image = as("ada", "GET", space + "?resource_type=OS::Glance::Image").json();
  EXPECT_NE(image.find("properties")->find("hw_disk_bus"), nullptr);
  const Value& object = image.find("objects")->as_array()->at(0);
  EXPECT_NE(object.find("properties")->find("hw_iops"), nullptr);
  EXPECT_EQ(object.find("required")->as_array()->at(0), Value("hw_iops"));
  const Value other = as("ada", "GET", space + "?resource_type=OS::Nova::Flavor").json();
  EXPECT_NE(other.find("properties")->find("disk_bus"), nullptr);

  const std::string property = space + "/properties/";
  EXPECT_EQ(as("ada", "GET", property + "hw_disk_bus?resource_type=OS::Glance::Image").status, 200);
  EXPECT_EQ(as("ada", "GET", property + "disk_bus?resource_type=OS::Glance::Image").status, 404);
  EXPECT_EQ(as("ada", "GET", property + "hw_disk_bus?resource_type=OS::Nova::Flavor").status, 404);
  EXPECT_EQ(as("ada", "GET", property + "hw_disk_bus").status, 404);
}

TEST_F(DefinitionsTest, PropertiesComeChangeAndGo) {
  add(R"({"namespace": "N"})");
  const std::string all = std::string(kSpaces) + "/N/properties";
  const std::string body =
      R"({"name": "p / q", "title": "P", "type": "array", "operators": ["<or>"],
          "items": {"type": "string", "enum": ["a", "b"]}, "default": "a"})";
  const Answer made = as("root", "POST", all, body);
  ASSERT_EQ(made.status, 201) << made.body;
  expect_form(made, "metadefs/property");
  const std::string path =
      made.header("Location").substr(std::string("http://127.0.0.1:4568").size());
  EXPECT_EQ(path, all + "/p%20%2F%20q");
  EXPECT_EQ(as("root", "GET", path).body, made.body);
  EXPECT_EQ(as("root", "POST", all, body).status, 409);
  EXPECT_EQ(as("root", "POST", all, R"({"name": "x", "type": "string"})").status, 400);
  EXPECT_EQ(as("root", "POST", all, R"({"name": "x", "title": "X", "type": "text"})").status, 400);
  const Answer list = as("root", "GET", all);
  expect_form(list, "metadefs/properties");
  EXPECT_EQ(*list.json().find("properties")->find("p / q")->text("name"), "p / q");

  const Answer put = as("root", "PUT", path, R"({"name": "r", "title": "R", "type": "string"})");
  ASSERT_EQ(put.status, 200) << put.body;
  EXPECT_EQ(as("root", "GET", path).status, 404);
  EXPECT_EQ(as("root", "GET", all + "/r").body, put.body);
  EXPECT_EQ(as("root", "DELETE", all + "/r").status, 204);
  EXPECT_EQ(as("root", "DELETE", all + "/r").status, 404);
  ASSERT_EQ(as("root", "POST", all, body).status, 201);
  EXPECT_EQ(as("root", "DELETE", all).status, 204);
  EXPECT_EQ(as("root", "GET", all).body, R"({"properties":{}})");
}

TEST_F(DefinitionsTest, ObjectsComeChangeAndGo) {
  add(R"({"namespace": "N"})");
  const std::string all = std::string(kSpaces) + "/N/objects";
  const std::string body = R"({"name": "Limits", "description": "How much", "required": ["iops"],
      "properties": {"iops": {"title": "Operations", "type": "integer"}}})";
  const Answer made = as("root", "POST", all, body);
  ASSERT_EQ(made.status, 201) << made.body;
  expect_form(made, "metadefs/object");
  EXPECT_EQ(*made.json().text("self"), all + "/Limits");
  EXPECT_EQ(*made.json().text("created_at"), "2012-06-15T21:05:20Z");
  EXPECT_EQ(as("root", "GET", all + "/Limits").body, made.body);
  EXPECT_EQ(as("root", "POST", all, body).status, 409);
  EXPECT_EQ(as("root", "POST", all, R"({"name": "x", "schema": "y"})").status, 403);
  EXPECT_EQ(as("root", "POST", all, R"({"name": "x", "required": ["a", "a"]})").status, 400);
  clock_.advance(std::chrono::seconds(1));
  ASSERT_EQ(as("root", "POST", all, R"({"name": "Other"})").status, 201);
  expect_form(as("root", "GET", all), "metadefs/objects");
  EXPECT_EQ(names_in(as("root", "GET", all), "objects"), (Names{"Other", "Limits"}));
  EXPECT_EQ(names_in(as("root", "GET", all + "?sort_key=name&sort_dir=asc&limit=1"), "objects"),
            Names{"Limits"});
  EXPECT_EQ(names_in(as("root", "GET", all + "?marker=Other"), "objects"), Names{"Limits"});
  EXPECT_EQ(as("root", "GET", all + "?marker=none").status, 404);
  EXPECT_EQ(as("root", "GET", all + "?sort_key=size").status, 400);

  EXPECT_EQ(as("root", "PUT", all + "/Limits", R"({"name": "Other"})").status, 409);
  const Answer put = as("root", "PUT", all + "/Limits", R"({"name": "Bounds"})");
  ASSERT_EQ(put.status, 200);
  EXPECT_EQ(*put.json().text("created_at"), "2012-06-15T21:05:20Z");
  EXPECT_EQ(*put.json().text("updated_at"), "2012-06-15T21:05:21Z");
  EXPECT_EQ(put.json().find("properties")->size(), 0u);
  EXPECT_EQ(as("root", "GET", all + "/Limits").status, 404);
  EXPECT_EQ(as("root", "DELETE", all + "/Bounds").status, 204);
  EXPECT_EQ(as("root", "DELETE", all).status, 204);
  EXPECT_EQ(names_in(as("root", "GET", all), "objects"), Names{});
}

TEST_F(DefinitionsTest, TagsComeChangeAndGo) {
  add(R"({"namespace": "N"})");
  const std::string all = std::string(kSpaces) + "/N/tags";
  const Answer made = as("root", "POST", all + "/b%C3%BCro");
  ASSERT_EQ(made.status, 201) << made.body;
  expect_form(made, "metadefs/tag");
  EXPECT_EQ(*made.json().text("name"), "büro");
  EXPECT_EQ(as("root", "GET", all + "/b%C3%BCro").body, made.body);
  EXPECT_EQ(as("root", "POST", all + "/b%C3%BCro").status, 409);
  EXPECT_EQ(as("root", "POST", all + "/" + std::string(81, 'x')).status, 400);
  EXPECT_EQ(as("root", "PUT", all + "/b%C3%BCro", R"({"name": "office"})").status, 200);
  EXPECT_EQ(as("root", "PUT", all + "/b%C3%BCro", R"({"name": "office"})").status, 404);
  EXPECT_EQ(as("root", "PUT", all + "/office", R"({})").status, 400);

  const std::string two = R"({"tags": [{"name": "a"}, {"name": "b"}]})";
  ASSERT_EQ(as("root", "POST", all, two).status, 201);
  EXPECT_EQ(names_in(as("root", "GET", all), "tags"), (Names{"a", "b"}));
  const std::string third = R"({"tags": [{"name": "c"}]})";
  clock_.advance(std::chrono::seconds(1));
  const Answer more = as("root", "POST", all, third, {{"X-OpenStack-Append", "True"}});
  ASSERT_EQ(more.status, 201);
  EXPECT_EQ(more.body, R"({"tags":[{"name":"c"}]})");
  EXPECT_EQ(names_in(as("root", "GET", all), "tags"), (Names{"c", "a", "b"}));
  EXPECT_EQ(as("root", "POST", all, third, {{"X-OpenStack-Append", "True"}}).status, 409);
  EXPECT_EQ(names_in(as("root", "GET", all + "?sort_key=name&limit=2"), "tags"), (Names{"c", "b"}));
  expect_form(as("root", "GET", all), "metadefs/tags");
  EXPECT_EQ(as("root", "POST", all, "{}").status, 400);
  ASSERT_EQ(as("root", "POST", all, third, {{"X-OpenStack-Append", "false"}}).status, 201);
  EXPECT_EQ(names_in(as("root", "GET", all), "tags"), Names{"c"});
  EXPECT_EQ(as("root", "DELETE", all + "/c").status, 204);
  EXPECT_EQ(as("root", "DELETE", all + "/c").status, 404);
  EXPECT_EQ(as("root", "DELETE", all).status, 204);
}

TEST_F(DefinitionsTest, KindsOfThingsAreAssociated) {
  add(R"({"namespace": "N", "visibility": "public"})");
  const std::string all = std::string(kSpaces) + "/N/resource_types";
  const std::string body =
      R"({"name": "OS::Nova::Server", "prefix": "hw:", "properties_target": "metadata"})";
  const Answer made = as("root", "POST", all, body);
  ASSERT_EQ(made.status, 201) << made.body;
  expect_form(made, "metadefs/resource_type");
  EXPECT_EQ(as("root", "POST", all, body).status, 409);
  EXPECT_EQ(as("root", "POST", all, R"({"prefix": "x"})").status, 400);
  const Answer list = as("ada", "GET", all);
  expect_form(list, "metadefs/resource_types");
  EXPECT_EQ(list.json().find("resource_type_associations")->as_array()->at(0), made.json());
  EXPECT_EQ(names_in(as("ada", "GET", "/v2/metadefs/resource_types"), "resource_types"),
            Names{"OS::Nova::Server"});
  EXPECT_EQ(as("root", "DELETE", all + "/OS::Nova::Server").status, 204);
  EXPECT_EQ(as("root", "DELETE", all + "/OS::Nova::Server").status, 404);
  EXPECT_EQ(names_in(as("ada", "GET", "/v2/metadefs/resource_types"), "resource_types"), Names{});
}

TEST_F(DefinitionsTest, WithoutTheServiceThereIsNoSuchPath) {
  front_ = std::make_unique<GlanceFrontEnd>(*service_, identities_, Options{});
  EXPECT_EQ(as("root", "GET", kSpaces).status, 404);
}

}  // namespace
}  // namespace visor::front::glance
