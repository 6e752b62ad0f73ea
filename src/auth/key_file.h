// The file of the master key.
#pragma once

#include <cstddef>
#include <string>

#include "base/error.h"
#include "base/secret.h"

namespace visor::auth {

inline constexpr std::size_t kKeySize = 32;

/// Reads a key file; see SecretBox::load for the errors.
Result<Secret> read_key_file(const std::string& path);

/// Makes a key file with mode 600, whole and durable before it has its name. If there is one by
/// then, that one stays and the call succeeds.
Result<void> create_key_file(const std::string& path, const Secret& key);

}  // namespace visor::auth
