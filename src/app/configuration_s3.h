// The block of a store in a bucket of an S3 server.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/secret.h"

namespace visor::app {

/// See store::S3Options. What is empty or 0 is as the dialect has it.
struct S3Settings {
  std::string dialect = "s3";  ///< s3, lcs, cumulus or walrus
  std::string host = {};
  std::uint16_t port = 0;
  bool tls = true;
  std::string bucket = {};
  std::string prefix = {};
  std::string region = "us-east-1";
  bool virtual_host = false;
  bool version_2 = false;
  std::string access_key = {};
  Secret secret_key = {};
  std::string secret_key_file = {};         ///< see Configuration::path
  std::string secret_key_environment = {};  ///< the name of a variable
  /// Of temporary credentials, from one place at most; all empty: none.
  Secret session_token = {};
  std::string session_token_file = {};
  std::string session_token_environment = {};
  std::string authorities = {};  ///< PEM file, see Configuration::path; empty: the system's
  bool verify = true;
  std::uint64_t part_size = std::uint64_t{8} << 20;
  std::chrono::milliseconds abandoned_after = std::chrono::hours(24);  ///< 0: never
  bool redirect = false;
  std::chrono::milliseconds redirect_lifetime = std::chrono::minutes(5);

  /// Whether there is to be a session token.
  bool temporary() const {
    return !session_token.empty() || !session_token_file.empty() ||
           !session_token_environment.empty();
  }
};

class Section;

/// Reads the keys below the store that `section` is. Mistakes go to the section's findings.
void read_s3(Section& section, std::string_view dialect, S3Settings& settings);

}  // namespace visor::app
