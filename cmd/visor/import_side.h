// One of the two image services between which images go: where it is, and whose token it sees.
#pragma once

#include <atomic>
#include <string>
#include <string_view>

#include "base/error.h"
#include "client/token_source.h"
#include "client/transport.h"
#include "profile.h"

namespace visor::command {

/// The Image API's port where an address names none.
inline constexpr std::uint16_t kImageApiPort = 9292;

/// What the command line says; unset texts are empty.
struct SideOptions {
  std::string address;
  std::string token_file;
};

/// What it says of both sides alike.
struct BothSides {
  std::string ca_file;
  bool insecure = false;
  std::string stall_timeout;  ///< a duration such as "2m"
};

struct Side {
  client::Connection connection;
  client::TokenSource::Fetch token;
  std::string identity;  ///< who asks, as the end of a sentence, without any secret
};

/// Where an Image API is: host, host:port or a URL, with or without /v2 at its end. Errors:
/// `invalid`.
Result<client::Address> parse_image_api(std::string_view text);

/// `prefix` is "FROM_" or "TO_". The token is the file's; else it follows from variables as
/// OpenStack's clients have them, of which those with the prefix (FROM_OS_AUTH_URL) beat, all
/// together, those without (OS_AUTH_URL). Where `both` names no authorities to trust, OS_CACERT
/// does, with the prefix or without, or VISOR_CA. `stop` may be null. Errors: `invalid`, naming
/// what is missing.
Result<Side> resolve_side(std::string_view prefix, const SideOptions& options, BothSides both,
                          const Environment& environment, const std::atomic<bool>* stop);

}  // namespace visor::command
