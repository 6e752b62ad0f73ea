#include "import_plan.h"

#include <gtest/gtest.h>

#include "document/json.h"

namespace visor::command {
namespace {

using document::Value;

/// An active image as Glance shows it.
Value shown() {
  return document::parse_json(R"({
    "id": "7583d669-8a65-41f1-b8ae-eb34ff6b322f", "name": "Debian", "status": "active",
    "visibility": "private", "protected": true, "os_hidden": false, "owner": "alpha",
    "min_disk": 2, "min_ram": 512, "tags": ["a", "b"], "disk_format": "qcow2",
    "container_format": "bare", "size": 7, "virtual_size": 10, "checksum": "M", "os_hash_algo":
    "sha512", "os_hash_value": "S", "created_at": "2026-01-01T00:00:00Z", "updated_at":
    "2026-01-01T00:00:00Z", "self": "/v2/images/x", "file": "/v2/images/x/file",
    "schema": "/v2/schemas/image", "stores": "one", "locations": [], "direct_url": "file:///x",
    "os_glance_failed_import": "", "hw_disk_bus": "virtio", "kernel_id": null})")
      .value();
}

Value with(Value image, std::string_view name, Value value) {
  image.set(name, std::move(value));
  return image;
}

Step step(const Value& source, const Value& target, ImportRules rules = {}) {
  return decide(source, &target, rules);
}

TEST(ImportPlan, CreatesAnImageWithAllThatCanBeSetAndNothingElse) {
  const Value expected = document::parse_json(R"({
    "id": "7583d669-8a65-41f1-b8ae-eb34ff6b322f", "name": "Debian", "visibility": "private",
    "protected": true, "os_hidden": false, "owner": "alpha", "min_disk": 2, "min_ram": 512,
    "tags": ["a", "b"], "disk_format": "qcow2", "container_format": "bare",
    "hw_disk_bus": "virtio"})")
                             .value();
  EXPECT_EQ(new_image(shown(), {}), expected);
  EXPECT_EQ(new_image(shown(), {.keep_owners = false}).find("owner"), nullptr);
}

TEST(ImportPlan, SeesWhatTheTargetAlreadyHas) {
  EXPECT_EQ(decide(shown(), nullptr, {}), Step::create);
  EXPECT_EQ(step(shown(), shown()), Step::same);
  EXPECT_EQ(step(shown(), with(shown(), "status", "queued")), Step::resume);
  EXPECT_EQ(step(shown(), with(shown(), "status", "saving")), Step::resume);
  EXPECT_EQ(step(shown(), with(shown(), "os_hash_value", "T")), Step::conflict);
  EXPECT_EQ(step(with(shown(), "status", "queued"), with(shown(), "status", "queued")), Step::same);
  EXPECT_EQ(step(with(shown(), "status", "queued"), shown()), Step::conflict);
}

TEST(ImportPlan, LeavesWhatTheSourceCanNotGive) {
  for (const char* status : {"saving", "importing", "uploading", "killed", "pending_delete"}) {
    EXPECT_EQ(decide(with(shown(), "status", status), nullptr, {}), Step::not_ready) << status;
  }
}

TEST(ImportPlan, ChangesMetadataOnlyWhenToldTo) {
  const Value renamed = with(shown(), "name", "Debian 13");
  EXPECT_EQ(step(renamed, shown()), Step::differs);
  EXPECT_EQ(step(renamed, shown(), {.update = true}), Step::update);
  EXPECT_EQ(step(shown(), shown(), {.update = true}), Step::same);
  const Value shared = with(shown(), "visibility", "shared");
  EXPECT_EQ(step(shared, shared, {.update = true}), Step::update);
}

TEST(ImportPlan, WithdrawsAtOnceWhatTheSourceDoesNotServe) {
  const Value deactivated = with(shown(), "status", "deactivated");
  EXPECT_EQ(step(deactivated, shown()), Step::withdraw);
  EXPECT_EQ(step(deactivated, deactivated), Step::same);
  EXPECT_EQ(step(shown(), deactivated), Step::same);
  EXPECT_EQ(step(shown(), deactivated, {.update = true}), Step::update);
}

TEST(ImportPlan, PatchesAttributesAndProperties) {
  Value source = with(with(shown(), "name", Value()), "a/b~c", "new");
  source.set("tags", Value::array({"b", "a"}));
  source.erase("hw_disk_bus");
  source.set("disk_format", "raw");
  const Value expected = document::parse_json(R"([
    {"op": "replace", "path": "/name", "value": null},
    {"op": "add", "path": "/a~1b~0c", "value": "new"},
    {"op": "remove", "path": "/hw_disk_bus"}])")
                             .value();
  EXPECT_EQ(metadata_changes(source, shown(), {}), expected);
}

TEST(ImportPlan, ChangesFormatsWhileThereIsNoData) {
  const Value target = with(with(shown(), "status", "queued"), "disk_format", Value());
  const Value expected =
      document::parse_json(R"([{"op": "replace", "path": "/disk_format", "value": "qcow2"}])")
          .value();
  EXPECT_EQ(metadata_changes(shown(), target, {}), expected);
}

TEST(ImportPlan, LeavesOwnersIfToldTo) {
  const Value other = with(shown(), "owner", "beta");
  EXPECT_EQ(metadata_changes(other, shown(), {}).size(), 1U);
  EXPECT_EQ(metadata_changes(other, shown(), {.keep_owners = false}).size(), 0U);
  EXPECT_EQ(metadata_changes(with(shown(), "owner", Value()), shown(), {}).size(), 0U);
}

TEST(ImportPlan, ComparesDataByWhatBothSidesKnow) {
  EXPECT_FALSE(data_difference(shown(), shown()));
  EXPECT_TRUE(data_difference(shown(), with(shown(), "size", 8))->contains("8 bytes"));
  EXPECT_TRUE(data_difference(shown(), with(shown(), "os_hash_value", "T"))->contains("sha512"));
  const Value other_kind = with(with(shown(), "os_hash_algo", "sha256"), "os_hash_value", "T");
  EXPECT_FALSE(data_difference(other_kind, shown()));
  EXPECT_TRUE(data_difference(with(other_kind, "checksum", "N"), shown())->contains("MD5"));
  const Value unknown = with(with(shown(), "os_hash_algo", Value()), "checksum", Value());
  EXPECT_FALSE(data_difference(unknown, shown()));
}

TEST(ImportPlan, BringsMembersInLine) {
  const Value source = document::parse_json(R"([{"member_id": "new", "status": "accepted"},
      {"member_id": "asked", "status": "pending"}, {"member_id": "kept", "status": "rejected"},
      {"member_id": "changed", "status": "accepted"}])")
                           .value();
  const Value target = document::parse_json(R"([{"member_id": "kept", "status": "rejected"},
      {"member_id": "changed", "status": "pending"}, {"member_id": "gone", "status": "accepted"}])")
                           .value();
  std::vector<std::string> changes;
  for (const auto& change : member_changes(source, target)) {
    using Kind = MemberChange::Kind;
    changes.push_back((change.kind == Kind::add      ? "+ "
                       : change.kind == Kind::remove ? "- "
                                                     : "= ") +
                      change.member + " " + change.status);
  }
  EXPECT_EQ(changes, (std::vector<std::string>{"+ asked pending", "= changed accepted",
                                               "+ new pending", "= new accepted", "- gone "}));
}

}  // namespace
}  // namespace visor::command
