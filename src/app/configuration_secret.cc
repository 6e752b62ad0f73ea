#include "app/configuration_secret.h"

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <utility>

#include "app/configuration.h"
#include "app/configuration_reader.h"
#include "base/encoding.h"

namespace visor::app {

int read_places(Section& section, const std::string& name, SecretPlaces places) {
  const auto here = section.find(name);
  const auto file = section.find(name + "_file");
  const auto environment = section.find(name + "_environment");
  int given = 0;
  if (here && !here->none()) {
    places.here = Secret(here->text().value_or(""));
    ++given;
  }
  if (file && !file->none()) {
    places.file = file->path_text().value_or("");
    ++given;
  }
  if (environment && !environment->none()) {
    places.environment = environment->text().value_or("");
    ++given;
  }
  if (given > 1) {
    std::string what = name;
    std::ranges::replace(what, '_', ' ');
    section.value().mistake("has its " + what + " in more than one place; write one of " + name +
                            ", " + name + "_file and " + name + "_environment");
  }
  return given;
}

Result<Secret> read_secret(const SecretPlace& from, const Configuration& configuration) {
  const std::string what = from.what;
  const std::string whose = from.whose;
  std::string secret;
  std::string place;
  if (!from.file.empty()) {
    place = "the file " + configuration.path(from.file);
    std::ifstream file(configuration.path(from.file));
    if (!std::getline(file, secret)) {
      return fail(Code::unavailable,
                  "the " + what + " of " + whose + " can't be read from " + place +
                      "; it must have one line and be readable for the server's user");
    }
  } else {
    place = "the environment variable " + from.environment;
    const char* const value = std::getenv(from.environment.c_str());
    if (value == nullptr) {
      return fail(Code::unavailable, "the " + what + " of " + whose + " should be in " + place +
                                         ", which the server was not started with");
    }
    secret = value;
  }
  while (secret.ends_with('\r')) secret.pop_back();
  secret = std::string(trim(secret));
  if (secret.empty() || secret.size() > from.longest) {
    return fail(Code::invalid, "what " + place + " holds is no " + what + " of " + whose);
  }
  return Secret(std::move(secret));
}

}  // namespace visor::app
