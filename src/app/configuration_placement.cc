// The rules for images that name no store.
#include <algorithm>
#include <array>
#include <string>
#include <string_view>
#include <utility>

#include "app/configuration_sections.h"
#include "image/attributes.h"

namespace visor::app {
namespace {

// The rest of the core attributes is not known before the data lies somewhere, or says nothing of
// where it should.
constexpr std::array<std::string_view, 5> kAsked = {"owner", "name", "architecture", "type",
                                                    "format"};

void read_store(const Value& value, const Configuration& configuration, std::string& store) {
  const auto written = value.text();
  if (!written) return;
  const auto found = configuration.stores.find(*written);
  if (found == configuration.stores.end() || found->second.kind == StoreSettings::Kind::http) {
    value.wrong("is no store that takes uploads; name one of those below 'stores'");
    return;
  }
  store = *written;
}

void read_when(const Value& value, service::PlacementRule& rule) {
  for (const auto& [name, wanted] : Section(value).entries()) {
    if (image::is_core_attribute(name) && std::ranges::find(kAsked, name) == kAsked.end()) {
      wanted.mistake(
          "is no attribute that can decide; these can: owner, name, architecture, type, format and "
          "those of your own");
      continue;
    }
    if (const auto text = wanted.text()) rule.when[name] = *text;
  }
}

}  // namespace

void read_placement(Section& root, Configuration& configuration) {
  const auto list = root.find("placement");
  if (!list) return;
  for (const Value& element : list->elements()) {
    Section section(element);
    service::PlacementRule rule;
    const auto store = section.find("store");
    if (store) {
      read_store(*store, configuration, rule.store);
    } else {
      element.mistake("has no store; write 'store: NAME' in it");
    }
    const auto when = section.find("when");
    if (when) read_when(*when, rule);
    if (!when || when->node().entries.empty()) {
      element.mistake("has no conditions; write for example 'when: {format: iso}' in it");
    }
    section.finish();
    if (!rule.store.empty() && !rule.when.empty()) configuration.placement.push_back(rule);
  }
}

}  // namespace visor::app
