// Where a request's body comes from.
#pragma once

#include <memory>
#include <string>

#include "base/digest.h"
#include "client/progress.h"
#include "client/transport.h"

namespace visor::client {

/// A text that the source owns.
std::unique_ptr<BodySource> text_body(std::string text);

/// A file's bytes. Errors say what is wrong with the file: it is missing, a folder, not readable. A
/// file that gets shorter while it is read ends in a failure; of one that grows only the length at
/// the start is taken.
Outcome<std::unique_ptr<BodySource>> open_file_body(const std::string& path);

/// What can still be read from an open descriptor (standard input), which stays the caller's. The
/// size is known if it is a regular file.
Outcome<std::unique_ptr<BodySource>> descriptor_body(int descriptor);

/// Reads `source` to its end into an unnamed temporary file (in $TMPDIR, else /var/tmp), so that
/// its size is known. `progress` is told.
Outcome<std::unique_ptr<BodySource>> spool_body(BodySource& source, Progress& progress);

/// Hands another source's bytes on, digests them with SHA-256 and tells how many there were.
class MeteredBody final : public BodySource {
 public:
  /// Both must outlive it.
  MeteredBody(BodySource& source, Progress& progress);
  std::optional<std::uint64_t> size() const override { return source_.size(); }
  Outcome<std::size_t> read(std::span<std::byte> into) override;
  /// Whether the end was read.
  bool complete() const { return complete_; }
  /// The digest of all bytes in hex; only once, at the end.
  std::string sha256() { return digester_.finish_hex(); }
  std::uint64_t count() const { return count_; }

 private:
  BodySource& source_;
  Progress& progress_;
  Digester digester_{DigestAlgorithm::sha256};
  std::uint64_t count_ = 0;
  bool begun_ = false;
  bool complete_ = false;
};

}  // namespace visor::client
