#include "profile.h"

#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>
#include <yaml-cpp/yaml.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>

#include "base/units.h"

namespace visor::command {
namespace {

std::unexpected<Error> at_line(const std::string& path, const YAML::Mark& mark,
                               const std::string& what) {
  std::string message = path;
  if (!mark.is_null()) message += ", line " + std::to_string(mark.line + 1);
  return fail(Code::invalid, message + ": " + what);
}

Result<std::string> scalar(const YAML::Node& node, const std::string& key,
                           const std::string& path) {
  if (node.IsNull()) return std::string();
  if (!node.IsScalar()) return at_line(path, node.Mark(), "'" + key + "' takes one text");
  return node.Scalar();
}

Result<Profile> read_profile(const YAML::Node& node, const std::string& name,
                             const std::string& path) {
  if (!node.IsMap()) {
    return at_line(path, node.Mark(),
                   "the profile '" + name + "' must have lines like 'address: …'");
  }
  Profile profile;
  for (const auto& entry : node) {
    const std::string key = entry.first.Scalar();
    auto value = scalar(entry.second, key, path);
    if (!value) return pass(value);
    if (key == "address") {
      profile.address = *value;
    } else if (key == "port") {
      profile.port = *value;
    } else if (key == "access_key") {
      profile.access_key = *value;
    } else if (key == "secret_key") {
      profile.secret = Secret(std::move(*value));
    } else if (key == "ca") {
      profile.ca_file = *value;
    } else {
      return at_line(path, entry.first.Mark(),
                     "a profile has no '" + key +
                         "'; it may have address, port, access_key, secret_key and ca");
    }
  }
  return profile;
}

Result<Profiles> read_document(const YAML::Node& document, const std::string& path) {
  Profiles profiles;
  profiles.path = path;
  profiles.exists = true;
  if (document.IsNull()) return profiles;
  if (!document.IsMap()) {
    return at_line(path, document.Mark(), "one entry a profile is expected, such as 'lab:'");
  }
  for (const auto& entry : document) {
    const std::string name = entry.first.Scalar();
    if (name == "default") {
      auto chosen = scalar(entry.second, name, path);
      if (!chosen) return pass(chosen);
      profiles.chosen_by_default = *chosen;
      continue;
    }
    auto profile = read_profile(entry.second, name, path);
    if (!profile) return pass(profile);
    profiles.entries.insert_or_assign(name, std::move(*profile));
  }
  if (!profiles.chosen_by_default.empty() &&
      !profiles.entries.contains(profiles.chosen_by_default)) {
    return fail(Code::invalid,
                path + ": the default profile '" + profiles.chosen_by_default + "' is not there");
  }
  return profiles;
}

struct Chosen {
  const Profile* profile = nullptr;
  std::string name;
  bool by_option = false;
};

Result<Chosen> choose(const ConnectionOptions& options, const Environment& environment,
                      const Profiles& profiles) {
  Chosen chosen;
  chosen.by_option = !options.profile.empty();
  chosen.name = chosen.by_option
                    ? options.profile
                    : environment("VISOR_PROFILE").value_or(profiles.chosen_by_default);
  if (chosen.name.empty()) return chosen;
  const auto found = profiles.entries.find(chosen.name);
  if (found == profiles.entries.end()) {
    std::string known;
    for (const auto& [name, profile] : profiles.entries) {
      known += (known.empty() ? "" : ", ") + name;
    }
    return fail(Code::invalid, "there is no profile '" + chosen.name + "': " + profiles.path +
                                   (!profiles.exists ? " does not exist"
                                    : known.empty()  ? " has none"
                                                     : " has " + known));
  }
  chosen.profile = &found->second;
  return chosen;
}

Result<void> set_address(Settings& settings, const ConnectionOptions& options,
                         const Environment& environment, const Chosen& chosen) {
  const auto from_environment = environment("VISOR_ADDRESS");
  const bool profile_has = chosen.profile != nullptr && !chosen.profile->address.empty();
  std::string text;
  std::string port;
  if (!options.address.empty()) {
    text = options.address;
    port = environment("VISOR_PORT").value_or("");
  } else if (profile_has && (chosen.by_option || !from_environment)) {
    text = chosen.profile->address;
    port = chosen.profile->port;
  } else {
    text = from_environment.value_or("127.0.0.1");
    port = environment("VISOR_PORT").value_or("");
  }
  if (!options.port.empty()) port = options.port;
  std::optional<std::uint16_t> number;
  if (!port.empty()) {
    auto parsed = client::parse_port(port);
    if (!parsed) return pass(parsed);
    number = *parsed;
  }
  auto address = client::parse_address(text, number);
  if (!address) return pass(address);
  settings.connection.address = std::move(*address);
  return {};
}

void set_credentials(Settings& settings, const ConnectionOptions& options,
                     const Environment& environment, const Chosen& chosen) {
  const auto key = environment("VISOR_ACCESS_KEY");
  const auto secret = environment("VISOR_SECRET_KEY");
  const bool profile_has = chosen.profile != nullptr && !chosen.profile->access_key.empty();
  if (!options.access_key.empty()) {
    settings.access_key = options.access_key;
  } else if (profile_has && (chosen.by_option || !key)) {
    settings.access_key = chosen.profile->access_key;
  } else {
    settings.access_key = key.value_or("");
  }
  if (settings.access_key.empty()) return;
  const bool in_profile = profile_has && chosen.profile->access_key == settings.access_key &&
                          !chosen.profile->secret.empty();
  const bool in_environment = secret && (!key || *key == settings.access_key);
  if (in_profile && (chosen.by_option || !in_environment || !key)) {
    settings.secret = chosen.profile->secret;
  } else if (in_environment) {
    settings.secret = Secret(*secret);
  }
}

}  // namespace

Result<Profiles> parse_profiles(const std::string& text, std::string path) {
  // yaml-cpp reports every error as an exception; this is the edge to it.
  try {
    return read_document(YAML::Load(text), path);
  } catch (const YAML::Exception& error) {
    return at_line(path, error.mark, error.msg);
  }
}

Result<Profiles> load_profiles(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) {
    if (errno == ENOENT || errno == ENOTDIR) {
      Profiles none;
      none.path = path;
      return none;
    }
    return fail(Code::invalid, "cannot read " + path + ": " + std::strerror(errno));
  }
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  auto profiles = parse_profiles(text, path);
  if (!profiles) return profiles;
  struct stat facts{};
  const bool shared = ::stat(path.c_str(), &facts) == 0 && (facts.st_mode & 077) != 0;
  if (shared) {
    for (const auto& [name, profile] : profiles->entries) {
      if (profile.secret.empty()) continue;
      return fail(Code::invalid, path + " holds the secret of the profile '" + name +
                                     "', and others have access to it. Run: chmod 600 " + path);
    }
  }
  return profiles;
}

Environment process_environment() {
  return [](const char* name) -> std::optional<std::string> {
    const char* value = std::getenv(name);
    if (value == nullptr || *value == '\0') return std::nullopt;
    return value;
  };
}

Result<Settings> resolve(const ConnectionOptions& options, const Environment& environment,
                         const Profiles& profiles) {
  auto chosen = choose(options, environment, profiles);
  if (!chosen) return pass(chosen);
  Settings settings;
  settings.profile = chosen->name;
  if (auto set = set_address(settings, options, environment, *chosen); !set) return pass(set);
  set_credentials(settings, options, environment, *chosen);

  const auto ca = environment("VISOR_CA");
  if (!options.ca_file.empty()) {
    settings.connection.ca_file = options.ca_file;
  } else if (chosen->profile != nullptr && !chosen->profile->ca_file.empty() &&
             (chosen->by_option || !ca)) {
    settings.connection.ca_file = chosen->profile->ca_file;
  } else {
    settings.connection.ca_file = ca.value_or("");
  }
  settings.connection.verify_tls = !options.insecure;
  if (!options.stall_timeout.empty()) {
    const auto timeout = parse_duration(options.stall_timeout);
    if (!timeout || *timeout < std::chrono::seconds(1)) {
      return fail(Code::invalid,
                  "--timeout takes a time of at least one second, such as 30s or 2m, not '" +
                      options.stall_timeout + "'");
    }
    settings.connection.stall_timeout = std::chrono::ceil<std::chrono::seconds>(*timeout);
  }
  return settings;
}

std::string home_folder() {
  std::string home = process_environment()("HOME").value_or("");
  if (home.empty()) {
    const passwd* entry = ::getpwuid(::getuid());
    home = entry != nullptr && entry->pw_dir != nullptr ? entry->pw_dir : "";
  }
  while (home.ends_with('/')) home.pop_back();
  return home;
}

std::string profiles_path() { return home_folder() + "/.visor/profiles.yml"; }

}  // namespace visor::command
