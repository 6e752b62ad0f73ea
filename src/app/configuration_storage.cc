// The sections that know storage.
#include <algorithm>
#include <array>
#include <filesystem>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

#include "app/configuration_sections.h"
#include "base/encoding.h"
#include "fetch/guard.h"

namespace visor::app {
namespace {

using Kind = StoreSettings::Kind;

constexpr std::array<Choice<Kind>, 8> kKinds = {{{"file", Kind::file},
                                                 {"memory", Kind::memory},
                                                 {"http", Kind::http},
                                                 {"hdfs", Kind::hdfs},
                                                 {"s3", Kind::s3},
                                                 {"lcs", Kind::s3},
                                                 {"cumulus", Kind::s3},
                                                 {"walrus", Kind::s3}}};
constexpr std::array<std::string_view, 3> kLaterEngines = {"mongodb", "mysql", "postgresql"};

bool known_kind(std::string_view name) {
  return std::ranges::find(kKinds, name, &Choice<Kind>::name) != kKinds.end();
}

void read_catalogue(Section& root, CatalogueSettings& catalogue) {
  const auto value = root.find("catalogue");
  if (!value) return;
  if (value->node().kind == ConfigurationNode::Kind::map) {
    value->mistake(
        "must be one connection string; write sqlite:PATH (with no blank behind the "
        "colon), or \"memory:\" in quotes");
    return;
  }
  const auto written = value->text();
  if (!written) return;
  const std::size_t colon = std::min(written->find(':'), written->size());
  const std::string scheme = to_lower(std::string_view(*written).substr(0, colon));
  const std::string rest = colon < written->size() ? written->substr(colon + 1) : "";
  if (std::ranges::find(kLaterEngines, scheme) != kLaterEngines.end() || scheme == "postgres") {
    // The connection string may carry a password in any place.
    value->mistake("the engine '" + scheme +
                   "' is not in this build: this version has sqlite; write sqlite:PATH");
  } else if (scheme == "memory" && rest.empty()) {
    catalogue = {CatalogueSettings::Engine::memory, {}};
  } else if (scheme == "sqlite" && colon < written->size()) {
    if (rest.empty() || rest.ends_with('/')) {
      value->wrong("names no file; write sqlite:PATH, for example sqlite:DATA/catalogue.db");
    } else if (rest.starts_with("//") || rest.contains('?')) {
      value->wrong(
          "is no path behind 'sqlite:'; write for example sqlite:DATA/catalogue.db or "
          "sqlite:/var/lib/visor/catalogue.db");
    } else {
      catalogue = {CatalogueSettings::Engine::sqlite, rest};
    }
  } else if (!scheme.empty() && colon < written->size()) {
    value->mistake("the engine " + in_quotes(scheme) +
                   " is unknown; write sqlite:PATH, or \"memory:\" to try something out");
  } else {
    value->mistake(
        "is no connection string; write sqlite:PATH, for example "
        "sqlite:DATA/catalogue.db, or \"memory:\" to try something out");
  }
}

bool store_name(std::string_view name) {
  const auto fits = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
  };
  return !name.empty() && name.size() <= 64 && std::ranges::all_of(name, fits);
}

std::optional<Kind> read_kind(Section& section, const std::string& name) {
  const auto value = section.find("kind");
  std::string kind = name;
  if (value) {
    const auto written = value->text();
    if (!written) return std::nullopt;
    kind = *written;
  } else if (!known_kind(name)) {
    section.value().mistake(
        "has no kind; write 'kind: file' below it (kinds: file, memory, http, hdfs, s3, lcs, "
        "cumulus, walrus)");
    return std::nullopt;
  }
  if (known_kind(name) && known_kind(kind) && kind != name) {
    value->wrong("is not the kind that the store's name stands for; give the store another name");
    return std::nullopt;
  }
  if (!value) return std::ranges::find(kKinds, kind, &Choice<Kind>::name)->value;
  return value->choice(std::span<const Choice<Kind>>(kKinds));
}

/// With a slash at the end and without '.', '..' and double slashes.
std::filesystem::path normal(const std::string& path) {
  return (std::filesystem::path(path) / "").lexically_normal();
}

void check_directory(const Value& value, const std::string& name, const std::string& directory,
                     const Configuration& configuration) {
  if (directory.empty()) return;
  const auto folder = normal(configuration.path(directory));
  for (const auto& [other, settings] : configuration.stores) {
    if (other == name || settings.kind != Kind::file) continue;
    if (normal(configuration.path(settings.directory)) == folder) {
      value.wrong("is the directory of the store '" + other + "' already; each needs its own");
    }
  }
}

void read_store(const std::string& name, const Value& value, Configuration& configuration) {
  Section section(value);
  const auto shape = value.node().kind;
  if (shape == ConfigurationNode::Kind::text || shape == ConfigurationNode::Kind::list) return;
  const auto kind = read_kind(section, name);
  if (!kind) return;
  StoreSettings store{*kind};
  if (*kind == Kind::file) {
    if (name == "file") store.directory = "DATA/store";
    const auto directory = section.find("directory");
    if (directory) {
      store.directory = directory->path_text().value_or("");
      check_directory(*directory, name, store.directory, configuration);
    } else if (store.directory.empty()) {
      value.mistake("has no directory; write 'directory: /path/to/its/folder' below it");
    }
  }
  if (*kind == Kind::memory) section.size("capacity", store.capacity, kMiB);
  if (*kind == Kind::hdfs) read_hdfs(section, store.hdfs);
  if (*kind == Kind::s3) {
    const auto dialect = section.find("kind");
    read_s3(section, dialect ? dialect->text().value_or(name) : name, store.s3);
  }
  section.finish();
  configuration.stores[name] = std::move(store);
}

void read_stores(Section& root, Configuration& configuration) {
  const auto stores = root.find("stores");
  if (!stores) return;
  const Section section(*stores);
  const auto entries = section.entries();
  // The directory that `file` has by default counts only if nothing below says otherwise.
  std::ranges::for_each(entries, [&](const auto& entry) {
    if (entry.first == "file") read_store(entry.first, entry.second, configuration);
  });
  for (const auto& [name, value] : entries) {
    if (name == "file") continue;
    if (!store_name(name)) {
      stores->findings().mistake(value.line(), stores->path(),
                                 in_quotes(name) +
                                     " is no name for a store; it takes 1 to 64 lower-case "
                                     "letters, digits, '-' and '_'");
      continue;
    }
    read_store(name, value, configuration);
  }
}

bool has_block(Section& root, const std::string& store) {
  const auto stores = root.find("stores");
  return stores && std::ranges::find(stores->node().entries, store, &ConfigurationEntry::key) !=
                       stores->node().entries.end();
}

void read_default_store(Section& root, Configuration& configuration) {
  const auto value = root.find("default_store");
  if (!value) return;
  const auto written = value->text();
  if (!written) return;
  const auto found = configuration.stores.find(*written);
  // The mistake in a store's own block is reported there.
  if (found == configuration.stores.end() && has_block(root, *written)) return;
  if (found == configuration.stores.end()) {
    std::string names;
    for (const auto& [name, settings] : configuration.stores) {
      if (settings.kind != Kind::http) names += (names.empty() ? "" : ", ") + name;
    }
    value->wrong("is no store; the stores that take uploads are: " + names);
  } else if (found->second.kind == Kind::http) {
    value->wrong("is a store of references only, so it can't take uploads");
  } else {
    configuration.default_store = *written;
  }
}

/// Whether `folder` (absolute) is the data folder or one above or below it, as far as their names
/// tell.
bool holds(const std::string& folder, const std::string& data) {
  std::error_code unknown;
  const std::string outer = normal(folder).string();
  const std::string inner = normal(std::filesystem::absolute(data, unknown).string()).string();
  return !unknown && (inner.starts_with(outer) || outer.starts_with(inner));
}

void read_folders(Section& section, const std::string& data, ReferenceSettings& references) {
  const auto list = section.find("files");
  if (!list) return;
  for (const Value& element : list->elements()) {
    const auto folder = element.text();
    if (!folder) continue;
    if (!folder->starts_with('/')) {
      element.wrong("is not an absolute path; write for example /srv/images");
    } else if (("/" + *folder + "/").contains("/../")) {
      element.wrong("has '..' in it; write the path without");
    } else if (folder->find_first_not_of('/') == std::string::npos) {
      element.wrong("would let images refer to every file of this machine; name a folder in it");
    } else if (holds(*folder, data)) {
      element.wrong(
          "holds the data folder, whose keys and catalogue no image may refer to; name a "
          "folder beside it");
    } else {
      references.folders.push_back(*folder);
    }
  }
}

void read_http(Section& section, ReferenceSettings& references) {
  if (const auto list = section.find("exceptions")) {
    for (const Value& element : list->elements()) {
      const auto written = element.text();
      if (!written) continue;
      fetch::Guard::Options options;
      options.exceptions = {*written};
      if (auto readable = fetch::Guard::create(std::move(options)); !readable) {
        element.mistake(readable.error().message);
      } else {
        references.exceptions.push_back(*written);
      }
    }
  }
  if (const auto list = section.find("ports")) {
    references.ports.clear();
    for (const Value& element : list->elements()) {
      if (const auto port = element.count(1, 65535)) {
        references.ports.push_back(static_cast<std::uint16_t>(*port));
      }
    }
  }
  using std::chrono::milliseconds;
  section.duration("connect_timeout", references.connect_timeout, milliseconds(100),
                   std::chrono::minutes(10));
  section.duration("answer_timeout", references.answer_timeout, milliseconds(100),
                   std::chrono::hours(1));
  section.size("minimum_rate", references.minimum_rate, 1, kGiB);
  section.count("redirects", references.redirects, 0, 3);
  const auto authorities = section.find("authorities");
  if (authorities && !authorities->none()) {
    references.authorities = authorities->path_text().value_or("");
  }
}

}  // namespace

void read_storage(Section& root, Configuration& configuration) {
  read_catalogue(root, configuration.catalogue);
  read_stores(root, configuration);
  read_default_store(root, configuration);
  read_placement(root, configuration);
  root.section("references", [&](Section& section) {
    read_folders(section, configuration.data, configuration.references);
    section.section("http", [&](Section& http) { read_http(http, configuration.references); });
  });
}

}  // namespace visor::app
