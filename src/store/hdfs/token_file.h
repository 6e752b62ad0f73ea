// A delegation token that lies in a file and is renewed there.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <string>

#include "base/error.h"

namespace visor::store {

/// The first line of a file, read anew when the file is another one. Whoever renews tokens replaces
/// the file; the server need not be told. Thread-safe.
class TokenFile {
 public:
  /// Reads it. Errors: `unavailable` if it can't be read, `invalid` if it has no token.
  static Result<std::shared_ptr<TokenFile>> open(std::string path);

  /// The token in the file at this moment; the last good one, with a warning in the log, while
  /// there is none. Looks at the file each time, which the kernel has at hand; reads it only if it
  /// has changed.
  std::string token();

 private:
  /// What tells a file from the one that was there before; all 0: no file.
  struct Stamp {
    std::uint64_t device = 0;
    std::uint64_t inode = 0;
    std::int64_t size = 0;
    std::int64_t modified = 0;  ///< nanoseconds since 1970
    bool operator==(const Stamp&) const = default;
  };

  explicit TokenFile(std::string path) : path_(std::move(path)) {}
  Stamp stamp() const;
  Result<std::string> read() const;

  const std::string path_;
  std::mutex mutex_;
  Stamp seen_;
  std::string token_;
};

}  // namespace visor::store
