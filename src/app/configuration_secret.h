// A secret in a configuration: written there, or in a file or an environment variable named there.
#pragma once

#include <cstddef>
#include <string>

#include "base/error.h"
#include "base/secret.h"

namespace visor::app {

struct Configuration;
class Section;

/// The three places of a secret; empty where it is not.
struct SecretPlaces {
  Secret& here;
  std::string& file;         ///< see Configuration::path
  std::string& environment;  ///< the name of a variable
};

/// Reads the keys NAME, NAME_file and NAME_environment; the word `none` is as if the key was not
/// there. More than one is a mistake. Gives how many there are.
int read_places(Section& section, const std::string& name, SecretPlaces places);

/// Where a secret is, if it isn't written down, and what messages call it.
struct SecretPlace {
  const char* what;   ///< "secret key"
  const char* whose;  ///< "an object store"
  const std::string& file;
  const std::string& environment;
  std::size_t longest;
};

/// Reads it from there. Errors: `unavailable` if the place can't be read, `invalid` for what it
/// holds.
Result<Secret> read_secret(const SecretPlace& from, const Configuration& configuration);

}  // namespace visor::app
