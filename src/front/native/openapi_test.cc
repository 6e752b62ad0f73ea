#include "front/native/openapi.h"

#include <algorithm>
#include <array>
#include <set>

#include "front/native/front_end_fixture.h"

namespace visor::front::native {
namespace {

using OpenApi = FrontEndFixture;

constexpr std::array kMethods = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"};

document::Value described() {
  auto document = document::parse_json(api_description());
  EXPECT_TRUE(document) << document.error().message;
  return document ? std::move(*document) : document::Value::object();
}

/// "GET /images/{id}" and so on, with what the document says of each.
std::vector<std::pair<std::string, const document::Value*>> operations(
    const document::Value& document) {
  std::vector<std::pair<std::string, const document::Value*>> operations;
  const document::Value* paths = document.find("paths");
  if (paths == nullptr || !paths->is_object()) return operations;
  for (const document::Member& path : *paths->as_object()) {
    for (const char* method : kMethods) {
      if (const document::Value* operation = path.value.find(to_lower(method))) {
        operations.emplace_back(std::string(method) + " " + path.name, operation);
      }
    }
  }
  return operations;
}

/// Every text that stands behind a name anywhere below.
void collect(const document::Value& value, std::string_view name, std::set<std::string>& found) {
  if (const auto* members = value.as_object()) {
    for (const document::Member& member : *members) {
      if (const std::string* text = member.value.as_text(); text && member.name == name) {
        found.insert(*text);
      }
      collect(member.value, name, found);
    }
  } else if (const auto* entries = value.as_array()) {
    for (const document::Value& entry : *entries) collect(entry, name, found);
  }
}

const document::Value* at(const document::Value& document, std::string_view reference) {
  const document::Value* value = &document;
  std::string_view rest = reference.substr(2);  // "#/"
  while (value != nullptr && !rest.empty()) {
    const std::size_t slash = std::min(rest.find('/'), rest.size());
    value = value->find(rest.substr(0, slash));
    rest.remove_prefix(std::min(slash + 1, rest.size()));
  }
  return value;
}

TEST_F(OpenApi, DescribesEveryRouteAndNoOther) {
  const document::Value document = described();
  std::set<std::string> told;
  for (const auto& [name, operation] : operations(document)) told.insert(name);
  std::set<std::string> answered;
  for (const auto& [method, pattern] : front_->routes()) answered.insert(method + " " + pattern);
  for (const std::string& route : answered) {
    EXPECT_TRUE(told.contains(route))
        << route << " is answered and not described; describe it in src/front/native/openapi.json";
  }
  for (const std::string& route : told) {
    EXPECT_TRUE(answered.contains(route))
        << "src/front/native/openapi.json describes " << route << ", which no route answers";
  }
}

TEST_F(OpenApi, GivesEveryOperationANameASummaryAndItsAnswers) {
  const document::Value document = described();
  std::set<std::string> names;
  for (const auto& [name, operation] : operations(document)) {
    const std::string* id = operation->text("operationId");
    ASSERT_NE(id, nullptr) << name;
    EXPECT_TRUE(names.insert(*id).second) << *id << " names two operations";
    EXPECT_NE(operation->text("summary"), nullptr) << name;
    const document::Value* responses = operation->find("responses");
    ASSERT_NE(responses, nullptr) << name;
    EXPECT_NE(responses->find("200"), nullptr) << name;
    EXPECT_NE(responses->find("500"), nullptr) << name;
  }
}

TEST_F(OpenApi, DescribesEveryCaughtPartOfAPath) {
  const document::Value document = described();
  for (const document::Member& path : *document.find("paths")->as_object()) {
    std::set<std::string> references;
    collect(path.value, "$ref", references);
    std::set<std::string> parameters;
    for (const std::string& reference : references) {
      const document::Value* target = at(document, reference);
      if (target == nullptr || target->text("in") == nullptr) continue;
      if (*target->text("in") == "path") parameters.insert(*target->text("name"));
    }
    for (std::size_t open = path.name.find('{'); open != std::string::npos;
         open = path.name.find('{', open + 1)) {
      const std::string name = path.name.substr(open + 1, path.name.find('}', open) - open - 1);
      EXPECT_TRUE(parameters.contains(name)) << path.name << " has no parameter " << name;
    }
  }
}

TEST_F(OpenApi, RefersToNothingThatIsNotThere) {
  const document::Value document = described();
  std::set<std::string> references;
  collect(document, "$ref", references);
  EXPECT_GT(references.size(), 50U);
  for (const std::string& reference : references) {
    EXPECT_NE(at(document, reference), nullptr) << reference;
  }
  std::set<std::string> names;
  for (const auto& [name, operation] : operations(document)) {
    names.insert(*operation->text("operationId"));
  }
  // Links name operations too, and so appear among the others.
  std::set<std::string> named;
  collect(document, "operationId", named);
  EXPECT_EQ(named, names);
}

TEST_F(OpenApi, LeavesNoComponentUnused) {
  const document::Value document = described();
  std::set<std::string> references;
  collect(document, "$ref", references);
  for (const document::Member& kind : *document.find("components")->as_object()) {
    if (kind.name == "securitySchemes") continue;
    for (const document::Member& component : *kind.value.as_object()) {
      const std::string reference = "#/components/" + kind.name + "/" + component.name;
      EXPECT_TRUE(references.contains(reference)) << reference << " is not referred to";
    }
  }
}

TEST_F(OpenApi, NamesTheValuesThatTheDomainKnows) {
  const document::Value document = described();
  const auto listed = [&document](std::string_view schema) {
    std::vector<std::string_view> values;
    const document::Value* found =
        at(document, "#/components/schemas/" + std::string(schema) + "/enum");
    if (found == nullptr) return values;
    for (const document::Value& value : *found->as_array()) values.push_back(*value.as_text());
    return values;
  };
  EXPECT_TRUE(std::ranges::equal(listed("Architecture"), image::architectures()));
  EXPECT_TRUE(std::ranges::equal(listed("Type"), image::types()));
  EXPECT_TRUE(std::ranges::equal(listed("Format"), image::formats()));
}

TEST_F(OpenApi, IsServedToAnybodyWithATagAndATimeToKeepIt) {
  TestRequest request("GET", "/openapi.json");
  const Answer answer = send(request);
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.header("Content-Type"), "application/json");
  EXPECT_EQ(answer.body, api_description());
  EXPECT_EQ(*answer.json().text("openapi"), "3.1.0");
  EXPECT_EQ(answer.header("ETag").size(), 66U);
  EXPECT_NE(answer.header("Cache-Control").find("max-age="), std::string::npos);
}

TEST_F(OpenApi, SaysOfTheHeadWhatGetWould) {
  TestRequest get("GET", "/openapi.json");
  TestRequest head("HEAD", "/openapi.json");
  const Answer whole = send(get);
  const Answer answer = send(head);
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.body, "");
  EXPECT_EQ(answer.response.unsent_length, whole.body.size());
  EXPECT_EQ(answer.header("ETag"), whole.header("ETag"));
}

TEST_F(OpenApi, IsNotSentAgainToWhoHasIt) {
  TestRequest first("GET", "/openapi.json");
  const std::string tag = send(first).header("ETag");
  TestRequest again("GET", "/openapi.json", {{"If-None-Match", tag}});
  const Answer answer = send(again);
  EXPECT_EQ(answer.status, 304);
  EXPECT_EQ(answer.body, "");
  EXPECT_EQ(answer.header("ETag"), tag);
  EXPECT_NE(answer.header("Cache-Control"), "");
  TestRequest other("GET", "/openapi.json", {{"If-Match", "\"another\""}});
  EXPECT_EQ(send(other).status, 412);
}

TEST_F(OpenApi, TakesNoOtherMethod) {
  TestRequest request("POST", "/openapi.json");
  const Answer answer = send(request);
  EXPECT_EQ(answer.status, 405);
  EXPECT_EQ(answer.header("Allow"), "GET, HEAD");
}

}  // namespace
}  // namespace visor::front::native
