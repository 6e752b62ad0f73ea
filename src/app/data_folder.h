// The folder that a server keeps everything in.
#pragma once

#include <string>

#include "base/error.h"

namespace visor::app {

/// A data folder that this process alone serves from, until the object goes. Makes the folder (mode
/// 700) if it is missing. Holds a lock on `lock` in it, so that a second server on the same folder
/// is refused, and writes the process id into `visord.pid`.
class DataFolder {
 public:
  /// Errors are sentences for the operator: no permission, no folder, or `conflict` with the other
  /// server's process id.
  static Result<DataFolder> open(const std::string& path);

  DataFolder(DataFolder&& other) noexcept;
  DataFolder& operator=(DataFolder&&) = delete;
  ~DataFolder();

  const std::string& path() const { return path_; }
  /// The path of a file in it.
  std::string file(const std::string& name) const { return path_ + "/" + name; }

 private:
  DataFolder(std::string path, int lock) : path_(std::move(path)), lock_(lock) {}
  std::string path_;
  int lock_ = -1;
};

}  // namespace visor::app
