// visor admin: accounts.
#pragma once

#include <string>
#include <vector>

#include "admin_activity.h"
#include "base/error.h"
#include "document/value.h"
#include "program.h"

namespace visor::command {

struct AdminOptions {
  std::vector<std::string> words;  ///< access keys and name=value pairs
  bool renew_secret = false;
  ActivityOptions activity;
};

/// An account's document from "name=value" words: access_key, email, role (user, administrator: on
/// the wire `administrator`), enabled, references (true, false; on the wire `may_refer`),
/// quota_bytes (a size such as 10GiB; empty: none), quota_images (a number; empty: none). Errors:
/// `invalid`.
Result<document::Value> read_account(std::span<const std::string> words);

void add_admin_commands(CLI::App& app, Program& program, AdminOptions& options);

}  // namespace visor::command
