// A stream over a part of a file in HDFS.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "async/byte_source.h"
#include "store/hdfs/namenodes.h"

namespace visor::store {

/// Goes on at the byte it has come to when a datanode breaks off, on another datanode that a
/// namenode names: but only while the file is the one it began with. Gives exactly the promised
/// bytes, or an error.
class HdfsSource : public async::ByteSource {
 public:
  /// `namenodes` outlives the source.
  HdfsSource(webhdfs::Namenodes& namenodes, std::string path, std::string version,
             std::uint64_t offset, std::uint64_t length);

  std::optional<std::uint64_t> size() const override { return length_; }
  async::Task<Result<std::size_t>> read(std::span<std::byte> into) override;

  /// Connects to a datanode, so that what can't be read at all is known before the first byte.
  async::Task<Result<void>> open();

 private:
  async::Task<std::expected<void, webhdfs::Refusal>> connect();
  async::Task<Result<void>> check_same();

  webhdfs::Namenodes& namenodes_;
  const std::string path_;
  const std::string version_;
  std::uint64_t offset_;
  const std::uint64_t length_;
  std::uint64_t remaining_;
  webhdfs::Excluded excluded_;
  std::string host_;  ///< the datanode that is being read from
  std::unique_ptr<fetch::Response> response_;
  unsigned failures_ = 0;  ///< since the last byte
};

}  // namespace visor::store
