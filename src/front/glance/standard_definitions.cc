#include "front/glance/standard_definitions.h"

#include <string>
#include <string_view>

#include "document/json.h"
#include "front/glance/definition_document.h"

namespace visor::front::glance {

std::string_view standard_cim();
std::string_view standard_compute();
std::string_view standard_hypervisor();
std::string_view standard_images();
std::string_view standard_software();

namespace {

using Texts = std::string_view (*)();
constexpr Texts kTexts[] = {standard_compute, standard_hypervisor, standard_images,
                            standard_software, standard_cim};

std::unexpected<Error> defect(const Error& error) {
  return fail(Code::internal, "the metadata definitions that come with the server are not good",
              error.message);
}

}  // namespace

Result<std::vector<service::Namespace>> standard_definitions() {
  std::vector<service::Namespace> spaces;
  for (const Texts text : kTexts) {
    auto documents = document::parse_json(text());
    if (!documents) return defect(documents.error());
    for (const document::Value& body : *documents->as_array()) {
      if (auto good = check_definition(body, "namespace"); !good) return defect(good.error());
      spaces.push_back(read_namespace(body));
    }
  }
  return spaces;
}

}  // namespace visor::front::glance
