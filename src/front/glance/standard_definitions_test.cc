#include "front/glance/standard_definitions.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>

#include "front/glance/front_end_fixture.h"

namespace visor::front::glance {
namespace {

using document::Value;

class StandardDefinitionsTest : public FrontEndFixture {
 protected:
  void load() {
    auto standard = standard_definitions();
    ASSERT_TRUE(standard) << standard.error().where;
    const auto loaded = async::run_until_done(definitions_.load(std::move(*standard)));
    ASSERT_TRUE(loaded) << loaded.error().message;
  }
  Value show(const std::string& name, const std::string& query = "") {
    const Answer answer = as("ada", "GET", "/v2/metadefs/namespaces/" + name + query);
    EXPECT_EQ(answer.status, 200) << name;
    return answer.json();
  }
};

TEST_F(StandardDefinitionsTest, EveryProjectSeesThem) {
  load();
  const Value page = as("ada", "GET", "/v2/metadefs/namespaces?limit=1000").json();
  EXPECT_EQ(page.find("namespaces")->size(), standard_definitions()->size());
  EXPECT_GT(standard_definitions()->size(), 30u);
  for (const auto* name :
       {"OS::Compute::VirtCPUTopology", "OS::Compute::LibvirtImage", "OS::OperatingSystem",
        "OS::Software::DBMS", "CIM::ProcessorAllocationSettingData"}) {
    EXPECT_EQ(*show(name).text("visibility"), "public");
  }
}

// What a cloud's services read is spelt like this and not otherwise.
TEST_F(StandardDefinitionsTest, PropertiesAreNamedAsServicesReadThem) {
  load();
  const Value image = show("OS::Compute::VirtCPUTopology", "?resource_type=OS::Glance::Image");
  EXPECT_NE(image.find("properties")->find("hw_cpu_max_sockets"), nullptr);
  const Value flavor = show("OS::Compute::VirtCPUTopology", "?resource_type=OS::Nova::Flavor");
  EXPECT_NE(flavor.find("properties")->find("hw:cpu_max_sockets"), nullptr);
  const Value libvirt = show("OS::Compute::LibvirtImage", "?resource_type=OS::Glance::Image");
  EXPECT_EQ(*libvirt.find("properties")->find("hw_disk_bus")->text("type"), "string");
  const Value quota = show("OS::Compute::Quota");
  const Value& limits = quota.find("objects")->as_array()->at(0);
  EXPECT_NE(limits.find("properties")->find("quota:cpu_quota"), nullptr);
}

TEST_F(StandardDefinitionsTest, KindsOfThingsAreKnownFromTheBeginning) {
  load();
  const Value types = as("ada", "GET", "/v2/metadefs/resource_types").json();
  const Value::Array& list = *types.find("resource_types")->as_array();
  for (const auto* name : {"OS::Cinder::Volume", "OS::Glance::Image", "OS::Nova::Aggregate",
                           "OS::Nova::Flavor", "OS::Nova::Server", "OS::Trove::Instance"}) {
    EXPECT_TRUE(std::ranges::any_of(list, [name](const Value& type) {
      return *type.text("name") == name;
    })) << name;
  }
}

// People are shown titles and descriptions: one that lacks them is not ready.
TEST_F(StandardDefinitionsTest, EveryPropertySaysWhatItIs) {
  const auto spaces = *standard_definitions();
  const auto expect_told = [](const service::DefinedProperty& property) {
    EXPECT_GT(property.form.text("title")->size(), 2u) << property.name;
    const std::string* description = property.form.text("description");
    ASSERT_NE(description, nullptr) << property.name;
    EXPECT_TRUE(description->ends_with('.') || description->ends_with("...")) << property.name;
  };
  for (const service::Namespace& space : spaces) {
    EXPECT_FALSE(space.description.empty()) << space.name;
    EXPECT_TRUE(space.everybodys) << space.name;
    EXPECT_TRUE(service::check(space)) << space.name;
    std::ranges::for_each(space.properties, expect_told);
    for (const auto& object : space.objects) std::ranges::for_each(object.properties, expect_told);
  }
}

TEST_F(StandardDefinitionsTest, AnAdministratorsDeletionOutlivesRestarts) {
  load();
  const std::string path = "/v2/metadefs/namespaces/OS::Compute::XenAPI";
  EXPECT_EQ(as("root", "DELETE", path).status, 403);
  ASSERT_EQ(as("root", "PUT", path, R"({"namespace": "OS::Compute::XenAPI"})").status, 200);
  ASSERT_EQ(as("root", "DELETE", path).status, 204);
  load();
  EXPECT_EQ(as("root", "GET", path).status, 404);
}

}  // namespace
}  // namespace visor::front::glance
