// What the tests of this folder share: a folder that goes with them, and a catalogue in it.
#pragma once

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <utility>

#include "catalogue/sqlite/sqlite_catalogue.h"
#include "conformance/catalogue_harness.h"

namespace visor::catalogue::conformance {

class TemporaryFolder {
 public:
  TemporaryFolder()
      : path_((std::filesystem::temp_directory_path() / "visor-sqlite-XXXXXX").string()) {
    if (::mkdtemp(path_.data()) == nullptr) std::abort();
  }
  ~TemporaryFolder() { std::filesystem::remove_all(path_); }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  const std::string& path() const { return path_; }
  std::string file(const std::string& name) const { return path_ + "/" + name; }

 private:
  std::string path_;
};

inline SqliteCatalogue::Options options_for(const std::string& path) {
  SqliteCatalogue::Options options;
  options.path = path;
  options.reserve_bytes = 0;
  return options;
}

/// Opens a catalogue that must open.
inline std::unique_ptr<SqliteCatalogue> opened(SqliteCatalogue::Options options) {
  auto catalogue = SqliteCatalogue::open(std::move(options));
  if (!catalogue) {
    ADD_FAILURE() << catalogue.error().message << " [" << catalogue.error().where << "]";
    std::abort();
  }
  return std::move(*catalogue);
}
inline std::unique_ptr<SqliteCatalogue> opened(const std::string& path) {
  return opened(options_for(path));
}

class SqliteHarness : public Harness {
 public:
  SqliteHarness() {
    auto options = options_for(folder_.file("catalogue.db"));
    options.change_log_rows = kHistoryRows;
    catalogue_ = opened(std::move(options));
  }
  Catalogue& catalogue() override { return *catalogue_; }

 private:
  TemporaryFolder folder_;
  std::unique_ptr<SqliteCatalogue> catalogue_;
};

}  // namespace visor::catalogue::conformance
