#include "service/definition_service.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "document/json.h"
#include "service/service_fixture.h"

namespace visor::service {
namespace {

using document::Value;

class DefinitionServiceTest : public ServiceFixture {
 protected:
  static Namespace draft(std::string name) {
    Namespace space{std::move(name)};
    space.display_name = "Disks";
    space.associations = {{"OS::Glance::Image", "hw_"}};
    space.properties = {{"disk_bus", form("Bus")}};
    space.objects = {{"Limits", "How much", {"iops"}, {{"iops", form("Operations")}}}};
    space.tags = {{"fast"}};
    return space;
  }
  static Value form(std::string title) {
    return Value::object({{"title", std::move(title)}, {"type", "string"}});
  }
  static Namespace for_all(std::string name) {
    Namespace space = draft(std::move(name));
    space.everybodys = true;
    return space;
  }

  Result<Namespace> create(const Principal& who, Namespace space) {
    return async::run_until_done(definitions_.create(who, std::move(space)));
  }
  Result<Namespace> show(const Principal& who, const std::string& name) {
    return async::run_until_done(definitions_.show(who, name));
  }
  Result<Namespace> change(const Principal& who, const std::string& name, NamespaceEdit edit) {
    return async::run_until_done(definitions_.change(who, name, std::move(edit)));
  }
  Result<Namespace> remove(const Principal& who, const std::string& name) {
    return async::run_until_done(definitions_.remove(who, name));
  }
  std::vector<std::string> list(const Principal& who, NamespaceQuery query = {}) {
    auto page = async::run_until_done(definitions_.list(who, std::move(query)));
    std::vector<std::string> names;
    if (!page) return {"(" + page.error().message + ")"};
    for (const Namespace& space : page->namespaces) names.push_back(space.name);
    return names;
  }
  Result<void> load(std::vector<Namespace> standard) {
    return async::run_until_done(definitions_.load(std::move(standard)));
  }
  Code code_of(const Result<Namespace>& result) {
    return result ? Code::internal : result.error().code;
  }

  const Principal root_ = Principal::root("root");
  DefinitionService definitions_{client_, clock_, nullptr};
};

TEST_F(DefinitionServiceTest, ANamespaceComesBackAsItWasMade) {
  const auto created = create(root_, draft("Disks"));
  ASSERT_TRUE(created) << created.error().message;
  const auto shown = show(root_, "Disks");
  ASSERT_TRUE(shown);
  EXPECT_EQ(shown->display_name, "Disks");
  EXPECT_EQ(shown->owner, "root");
  EXPECT_FALSE(shown->everybodys);
  EXPECT_EQ(shown->properties.at(0).form, form("Bus"));
  EXPECT_EQ(shown->objects.at(0).required, std::vector<std::string>{"iops"});
  EXPECT_EQ(shown->objects.at(0).properties.at(0).name, "iops");
  EXPECT_EQ(shown->tags.at(0).name, "fast");
  EXPECT_EQ(shown->associations.at(0).prefix, "hw_");
  EXPECT_EQ(shown->associations.at(0).created_at, clock_.now());
  EXPECT_EQ(shown->created_at, clock_.now());
  EXPECT_EQ(shown->revision, 1u);
}

TEST_F(DefinitionServiceTest, OnlyAdministratorsChangeAnything) {
  ASSERT_TRUE(create(root_, for_all("Disks")));
  EXPECT_EQ(code_of(create(alice_, draft("Mine"))), Code::forbidden);
  EXPECT_EQ(code_of(change(alice_, "Disks", add_tag("slow"))), Code::forbidden);
  EXPECT_EQ(code_of(remove(alice_, "Disks")), Code::forbidden);
  Principal reader = root_;
  reader.read_only = true;
  EXPECT_EQ(code_of(create(reader, draft("Mine"))), Code::forbidden);
  EXPECT_EQ(code_of(change(reader, "Disks", add_tag("slow"))), Code::forbidden);
  EXPECT_EQ(code_of(remove(reader, "Disks")), Code::forbidden);
  EXPECT_EQ(list(reader), std::vector<std::string>{"Disks"});
}

TEST_F(DefinitionServiceTest, WhatIsNotEverybodysIsSeenByItsOwnerAndAdministrators) {
  Namespace hers = draft("Hers");
  hers.owner = "alice";
  ASSERT_TRUE(create(root_, hers));
  EXPECT_TRUE(show(alice_, "Hers"));
  EXPECT_TRUE(show(root_, "Hers"));
  EXPECT_EQ(code_of(show(bob_, "Hers")), Code::not_found);
  EXPECT_EQ(code_of(change(bob_, "Hers", add_tag("slow"))), Code::not_found);
  EXPECT_EQ(list(alice_), std::vector<std::string>{"Hers"});
  EXPECT_TRUE(list(bob_).empty());
  EXPECT_TRUE(list(Principal::nobody()).empty());
  EXPECT_TRUE(async::run_until_done(definitions_.resource_types(bob_))->empty());
}

TEST_F(DefinitionServiceTest, ANameIsGivenOnce) {
  ASSERT_TRUE(create(root_, draft("Disks")));
  EXPECT_EQ(code_of(create(root_, draft("Disks"))), Code::conflict);
  ASSERT_TRUE(create(root_, draft("Others")));
  Namespace taken{"Disks"};
  EXPECT_EQ(code_of(change(root_, "Others", change_head(taken))), Code::conflict);
  EXPECT_EQ(counter(kNamespacesCounter), 2);
}

TEST_F(DefinitionServiceTest, ARenamedNamespaceKeepsWhatIsInItAndItsPlace) {
  ASSERT_TRUE(create(root_, draft("First")));
  clock_.advance(std::chrono::seconds(1));
  ASSERT_TRUE(create(root_, draft("Second")));
  clock_.advance(std::chrono::seconds(1));
  const auto renamed = change(root_, "First", change_head(Namespace{"Renamed"}));
  ASSERT_TRUE(renamed) << renamed.error().message;
  EXPECT_EQ(code_of(show(root_, "First")), Code::not_found);
  EXPECT_EQ(show(root_, "Renamed")->properties.size(), 1u);
  EXPECT_EQ(show(root_, "Renamed")->revision, 2u);
  EXPECT_EQ(list(root_), (std::vector<std::string>{"Second", "Renamed"}));
}

TEST_F(DefinitionServiceTest, ListsAreSortedFilteredAndPaged) {
  for (const auto* name : {"a", "b", "c"}) {
    Namespace space = name == std::string("b") ? for_all(name) : draft(name);
    space.associations.push_back({name == std::string("c") ? "Volume" : "Server"});
    ASSERT_TRUE(create(root_, space));
    clock_.advance(std::chrono::microseconds(1));
  }
  ASSERT_TRUE(change(root_, "a", add_tag("x")));
  using Names = std::vector<std::string>;
  EXPECT_EQ(list(root_), (Names{"c", "b", "a"}));
  EXPECT_EQ(list(root_, {.sort = NamespaceQuery::Sort::name, .descending = false}),
            (Names{"a", "b", "c"}));
  EXPECT_EQ(list(root_, {.sort = NamespaceQuery::Sort::updated}), (Names{"a", "c", "b"}));
  EXPECT_EQ(list(root_, {.everybodys = true}), Names{"b"});
  EXPECT_EQ(list(root_, {.everybodys = false}), (Names{"c", "a"}));
  EXPECT_EQ(list(root_, {.resource_types = {"Volume", "Router"}}), Names{"c"});
  EXPECT_EQ(list(root_, {.limit = 2}), (Names{"c", "b"}));
  EXPECT_EQ(list(root_, {.after = "b", .limit = 2}), Names{"a"});
  EXPECT_EQ(list(root_, {.sort = NamespaceQuery::Sort::display_name, .after = "b"}), Names{"a"});
  EXPECT_EQ(list(root_, {.after = "none"}), Names{"(there is no namespace of the name none)"});
}

TEST_F(DefinitionServiceTest, AProtectedNamespaceLosesNothing) {
  Namespace space = draft("Kept");
  space.kept = true;
  ASSERT_TRUE(create(root_, space));
  EXPECT_EQ(code_of(remove(root_, "Kept")), Code::forbidden);
  for (NamespaceEdit edit :
       {remove_property("disk_bus"), remove_all_properties(), remove_object("Limits"),
        remove_all_objects(), remove_tag("fast"), remove_all_tags(), replace_tags({"slow"}),
        dissociate("OS::Glance::Image")}) {
    EXPECT_EQ(code_of(change(root_, "Kept", std::move(edit))), Code::forbidden);
  }
  EXPECT_TRUE(change(root_, "Kept", append_tags({"slow"})));
  EXPECT_TRUE(change(root_, "Kept", replace_tags({"slow", "fast", "new"})));
  ASSERT_TRUE(change(root_, "Kept", change_head(Namespace{"Kept"})));
  EXPECT_TRUE(remove(root_, "Kept"));
  EXPECT_EQ(counter(kNamespacesCounter), 0);
  EXPECT_EQ(count(kNamespaces), 0u);
}

TEST_F(DefinitionServiceTest, WhatIsThereIsAConflictAndWhatIsNotIsNotFound) {
  ASSERT_TRUE(create(root_, draft("N")));
  const DefinedProperty bus{"disk_bus", form("Bus")};
  const DefinedProperty other{"other", form("Other")};
  EXPECT_EQ(code_of(change(root_, "N", add_property(bus))), Code::conflict);
  EXPECT_EQ(code_of(change(root_, "N", replace_property("none", bus))), Code::not_found);
  EXPECT_EQ(code_of(change(root_, "N", remove_property("none"))), Code::not_found);
  ASSERT_TRUE(change(root_, "N", add_property(other)));
  EXPECT_EQ(code_of(change(root_, "N", replace_property("other", bus))), Code::conflict);
  EXPECT_EQ(code_of(change(root_, "N", add_object({"Limits"}))), Code::conflict);
  EXPECT_EQ(code_of(change(root_, "N", replace_object("none", {"Limits"}))), Code::not_found);
  EXPECT_EQ(code_of(change(root_, "N", add_tag("fast"))), Code::conflict);
  EXPECT_EQ(code_of(change(root_, "N", append_tags({"slow", "fast"}))), Code::conflict);
  EXPECT_EQ(code_of(change(root_, "N", replace_tags({"slow", "slow"}))), Code::conflict);
  EXPECT_EQ(code_of(change(root_, "N", rename_tag("none", "x"))), Code::not_found);
  EXPECT_EQ(code_of(change(root_, "N", associate({"OS::Glance::Image"}))), Code::conflict);
  EXPECT_EQ(code_of(change(root_, "N", dissociate("none"))), Code::not_found);
  EXPECT_EQ(show(root_, "N")->revision, 2u);
}

TEST_F(DefinitionServiceTest, ChangesKeepWhenAThingWasMade) {
  ASSERT_TRUE(create(root_, draft("N")));
  const Time made = clock_.now();
  clock_.advance(std::chrono::seconds(1));
  ASSERT_TRUE(change(root_, "N", rename_tag("fast", "quick")));
  ASSERT_TRUE(change(root_, "N", replace_object("Limits", {"Bounds"})));
  const auto shown = show(root_, "N");
  EXPECT_EQ(shown->tags.at(0).name, "quick");
  EXPECT_EQ(shown->tags.at(0).created_at, made);
  EXPECT_EQ(shown->tags.at(0).updated_at, clock_.now());
  EXPECT_EQ(shown->objects.at(0).name, "Bounds");
  EXPECT_EQ(shown->objects.at(0).created_at, made);
  EXPECT_EQ(shown->updated_at, clock_.now());
}

TEST_F(DefinitionServiceTest, BoundsHold) {
  EXPECT_EQ(code_of(create(root_, Namespace{""})), Code::invalid);
  EXPECT_EQ(code_of(create(root_, Namespace{std::string(81, 'x')})), Code::invalid);
  EXPECT_EQ(code_of(create(root_, Namespace{"line\nfeed"})), Code::invalid);
  EXPECT_EQ(code_of(create(root_, Namespace{"\xff"})), Code::invalid);
  EXPECT_TRUE(create(root_, Namespace{"Größe / 100 %"}));
  Namespace full{"full"};
  for (std::size_t i = 0; i <= kMostDefinitions; ++i) full.tags.push_back({std::to_string(i)});
  EXPECT_EQ(code_of(create(root_, full)), Code::too_large);
  Namespace twice{"twice"};
  twice.tags = {{"a"}, {"a"}};
  EXPECT_EQ(code_of(create(root_, twice)), Code::conflict);
  Namespace large{"large"};
  large.properties = {{"p", Value::object({{"title", std::string(kLargestNamespace, 'x')}})}};
  EXPECT_EQ(code_of(create(root_, large)), Code::too_large);
  // As many values as no document that is read may have.
  Value many = Value::array();
  for (int i = 0; i < 100'001; ++i) many.push(1);
  large.properties = {{"p", Value::object({{"enum", std::move(many)}})}};
  EXPECT_EQ(code_of(create(root_, large)), Code::too_large);
  EXPECT_EQ(code_of(show(root_, std::string(5000, 'x'))), Code::not_found);
}

TEST_F(DefinitionServiceTest, ThereIsRoomForSoManyNamespaces) {
  catalogue::Batch batch;
  batch.counters.push_back({kNamespacesCounter, kMostNamespaces, std::nullopt});
  ASSERT_TRUE(catalogue_.apply(batch));
  EXPECT_EQ(code_of(create(root_, draft("one too many"))), Code::quota);
}

// Somebody else's change in between is neither lost nor does it end the verb.
TEST_F(DefinitionServiceTest, OfTwoChangesAtOnceNoneIsLost) {
  ASSERT_TRUE(create(root_, draft("N")));
  bool once = true;
  catalogue_.before_apply = [&](const catalogue::Batch&) -> std::optional<Error> {
    if (std::exchange(once, false)) {
      DefinitionService other(client_, clock_, nullptr);
      EXPECT_TRUE(async::run_until_done(other.change(root_, "N", add_tag("theirs"))));
    }
    return std::nullopt;
  };
  ASSERT_TRUE(change(root_, "N", add_tag("ours")));
  catalogue_.before_apply = nullptr;
  EXPECT_EQ(show(root_, "N")->tags.size(), 3u);
  EXPECT_EQ(show(root_, "N")->revision, 3u);
}

TEST_F(DefinitionServiceTest, KindsOfThingsAreThoseOfAllVisibleNamespaces) {
  ASSERT_TRUE(create(root_, for_all("A")));
  clock_.advance(std::chrono::seconds(1));
  ASSERT_TRUE(create(root_, for_all("B")));
  ASSERT_TRUE(change(root_, "B", associate({"OS::Nova::Flavor", "hw:"})));
  const auto types = async::run_until_done(definitions_.resource_types(alice_));
  ASSERT_EQ(types->size(), 2u);
  EXPECT_EQ(types->at(0).name, "OS::Glance::Image");
  EXPECT_EQ(types->at(0).updated_at - types->at(0).created_at, std::chrono::seconds(1));
  EXPECT_EQ(types->at(1).name, "OS::Nova::Flavor");
}

TEST_F(DefinitionServiceTest, WhatAServerComesWithIsLoadedOnce) {
  ASSERT_TRUE(load({for_all("A"), for_all("B")}));
  EXPECT_EQ(list(alice_).size(), 2u);
  ASSERT_TRUE(remove(root_, "A"));
  ASSERT_TRUE(change(root_, "B", change_head(Namespace{"Renamed"})));
  ASSERT_TRUE(load({for_all("A"), for_all("B"), for_all("C")}));
  EXPECT_EQ(list(root_, {.sort = NamespaceQuery::Sort::name, .descending = false}),
            (std::vector<std::string>{"C", "Renamed"}));
  EXPECT_EQ(counter(kNamespacesCounter), 2);
}

TEST_F(DefinitionServiceTest, ALaterServersNamespacesReplaceThoseThatNobodyChanged) {
  ASSERT_TRUE(load({for_all("A"), for_all("B")}));
  ASSERT_TRUE(change(root_, "B", add_tag("ours")));
  Namespace later_a = for_all("A");
  Namespace later_b = for_all("B");
  later_a.tags.push_back({"later"});
  later_b.tags.push_back({"later"});
  const Time made = clock_.now();
  clock_.advance(std::chrono::seconds(1));
  for (int start = 0; start < 2; ++start) {
    ASSERT_TRUE(load({later_a, later_b}));
    EXPECT_EQ(show(root_, "A")->tags.at(1).name, "later");
    EXPECT_EQ(show(root_, "A")->created_at, made);
    EXPECT_EQ(show(root_, "A")->revision, 2u);
    EXPECT_EQ(show(root_, "B")->tags.at(1).name, "ours");
  }
  later_a.tags.push_back({"latest"});
  ASSERT_TRUE(load({later_a, later_b}));
  EXPECT_EQ(show(root_, "A")->tags.size(), 3u);
}

TEST_F(DefinitionServiceTest, ANamespaceOfSomebodysMakingIsNotReplaced) {
  Namespace ours = for_all("A");
  ours.display_name = "Ours";
  ASSERT_TRUE(create(root_, ours));
  ASSERT_TRUE(load({for_all("A")}));
  EXPECT_EQ(show(root_, "A")->display_name, "Ours");
}

TEST_F(DefinitionServiceTest, ARecordKeepsWhatALaterVersionWrote) {
  ASSERT_TRUE(create(root_, draft("N")));
  auto record = *catalogue_.get(kNamespaces, "N");
  auto document = *document::parse_json(record.document);
  document.set("mood", "sunny");
  record.document = document::write_json(document);
  catalogue::Batch batch;
  batch.puts.push_back({record, 1});
  ASSERT_TRUE(catalogue_.apply(batch));
  ASSERT_TRUE(change(root_, "N", add_tag("x")));
  EXPECT_NE(catalogue_.get(kNamespaces, "N")->document.find("sunny"), std::string::npos);
}

TEST_F(DefinitionServiceTest, ARecordThatNoVersionWritesIsCorrupt) {
  for (const auto* text : {"", "[]", "{}", R"({"created": 1})"}) {
    const catalogue::Record record{kNamespaces, "N", 1, text, {}};
    EXPECT_EQ(code_of(decode_namespace(record)), Code::corrupt) << text;
  }
}

}  // namespace
}  // namespace visor::service
