// The block of a store in HDFS.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace visor::app {

/// See store::HdfsStore::Options.
struct HdfsSettings {
  std::vector<std::string> namenodes = {};  ///< host:port
  bool https = false;
  std::string folder = {};
  std::string username = {};
  std::string token_file = {};   ///< see Configuration::path; empty: no token
  std::string authorities = {};  ///< PEM file, see Configuration::path; empty: the system's
  std::vector<std::string> datanodes = {};
  std::uint64_t block_size = std::uint64_t{128} << 20;
};

class Section;

/// Reads the keys below the store that `section` is. Mistakes go to the section's findings.
void read_hdfs(Section& section, HdfsSettings& settings);

}  // namespace visor::app
