#include "server_place.h"

#include <unistd.h>
#include <yaml-cpp/yaml.h>

namespace visor::command {
namespace {

void take_text(const YAML::Node& node, std::string& into) {
  if (node && node.IsScalar()) into = node.Scalar();
}

/// Three keys are of interest here; visord tells what is wrong with the others.
void read_keys(const YAML::Node& root, ServerPlace& place) {
  if (!root.IsMap()) return;
  take_text(root["data"], place.data);
  if (const YAML::Node log = root["log"]; log && log.IsMap()) take_text(log["file"], place.log);
  const YAML::Node listeners = root["listeners"];
  if (listeners && listeners.IsSequence() && listeners.size() > 0 && listeners[0].IsMap()) {
    take_text(listeners[0]["address"], place.address);
  }
}

std::string find_configuration(const std::vector<std::string>& folders) {
  for (const auto& folder : folders) {
    const std::string path = folder + "/visor-config.yml";
    if (::access(path.c_str(), F_OK) == 0) return path;
  }
  return {};
}

}  // namespace

Result<ServerPlace> server_place(const ServerOptions& options,
                                 const std::vector<std::string>& folders) {
  ServerPlace place;
  place.config = options.config;
  if (place.config.empty() && options.data.empty() && options.listen.empty()) {
    place.config = find_configuration(folders);
  }
  place.data = "./var";
  place.address = "127.0.0.1:4568";
  if (!place.config.empty()) {
    // yaml-cpp reports every error as an exception; this is the edge to it.
    try {
      read_keys(YAML::LoadFile(place.config), place);
    } catch (const YAML::Exception& error) {
      return fail(Code::invalid,
                  "cannot read the configuration " + place.config + ": " + error.what());
    }
  }
  if (!options.data.empty()) place.data = options.data;
  while (place.data.size() > 1 && place.data.ends_with('/')) place.data.pop_back();
  if (!options.log_file.empty()) place.log = options.log_file;
  place.own_log = place.log.empty();
  if (place.own_log) place.log = place.data + "/visord.log";
  if (!options.listen.empty()) place.address = options.listen;
  if (place.address.ends_with(":0")) place.address.clear();
  return place;
}

}  // namespace visor::command
