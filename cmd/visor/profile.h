// Which server, and as whom: options, environment and profiles put together.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "base/error.h"
#include "base/secret.h"
#include "client/session.h"

namespace visor::command {

/// One entry of the file of profiles. Empty texts are not set.
struct Profile {
  std::string address;
  std::string port;
  std::string access_key;
  Secret secret;
  std::string ca_file;
};

/// The file of profiles, `~/.visor/profiles.yml`: a map from names to profiles, and `default:
/// NAME`.
struct Profiles {
  std::string path;  ///< for messages
  bool exists = false;
  std::string chosen_by_default;  ///< the entry `default`; may be empty
  std::map<std::string, Profile> entries;
};

/// Reads the YAML of a file of profiles; `path` is for messages. Errors: `invalid` with file, line,
/// key and what is allowed.
Result<Profiles> parse_profiles(const std::string& text, std::string path);

/// Reads the file if it is there. One that holds a secret and that others than its owner may read
/// is refused, and the sentence says what to run.
Result<Profiles> load_profiles(const std::string& path);

/// Options of the command line that say which server and as whom; unset ones are empty.
struct ConnectionOptions {
  std::string address;
  std::string port;
  std::string profile;
  std::string access_key;
  std::string ca_file;
  bool insecure = false;
  std::string stall_timeout;  ///< a duration such as "2m"
};

/// Looks a variable up; nothing if it is not set or empty.
using Environment = std::function<std::optional<std::string>(const char* name)>;
/// The process's own.
Environment process_environment();

/// What all of it comes to.
struct Settings {
  client::Connection connection;
  std::string access_key;  ///< empty: unsigned requests
  Secret secret;           ///< empty though there is an access key: it must be asked for
  std::string profile;     ///< the profile that was used; may be empty
};

/// The rules: an option beats everything; a profile named by --profile beats the environment, which
/// beats the profile named by VISOR_PROFILE or the file's default. Access key and secret come from
/// one source, or belong to the same key.
Result<Settings> resolve(const ConnectionOptions& options, const Environment& environment,
                         const Profiles& profiles);

/// `~/.visor/profiles.yml`, by $HOME or the user database.
std::string profiles_path();
/// The home folder, without a slash at its end.
std::string home_folder();

}  // namespace visor::command
