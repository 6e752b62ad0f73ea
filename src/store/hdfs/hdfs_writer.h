// One new blob on its way to HDFS.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "store/hdfs/block_checksum.h"
#include "store/hdfs/namenodes.h"
#include "store/hdfs/pipe.h"
#include "store/hdfs/upload_thread.h"
#include "store/store.h"

namespace visor::store {

/// Streams into a temporary file and renames it: HDFS's rename is atomic and takes no name that is
/// taken, unless it is told to. What the datanode says about the bytes it has is compared with what
/// was written.
class HdfsWriter : public BlobWriter {
 public:
  /// What becomes of a file that has the target's name already.
  enum class Existing { keep, replace };

  /// `namenodes` and `thread` outlive the writer. Nothing is sent before the first byte or the
  /// commit.
  HdfsWriter(webhdfs::Namenodes& namenodes, UploadThread& thread, std::string temporary,
             std::string target, std::uint64_t block_size, Existing existing = Existing::keep);
  ~HdfsWriter() override;

  async::Task<Result<void>> write(std::span<const std::byte> bytes) override;
  async::Task<Result<void>> commit(std::uint64_t size) override;
  async::Task<void> abort() override;

 private:
  struct Upload;
  enum class State { fresh, writing, ended };

  void begin();
  async::Task<Result<void>> finish_upload();
  async::Task<Result<void>> publish(std::uint64_t size);
  async::Task<Result<void>> clear_and_rename(webhdfs::FileStatus written);
  async::Task<Result<void>> check_bytes();
  async::Task<void> take_back();
  static async::Task<void> run(webhdfs::Namenodes& namenodes, std::shared_ptr<Upload> upload);
  static async::Task<Result<void>> send(webhdfs::Namenodes& namenodes, Upload& upload);

  webhdfs::Namenodes& namenodes_;
  UploadThread& thread_;
  const std::string target_;
  const Existing existing_;
  std::shared_ptr<Upload> upload_;
  std::uint64_t written_ = 0;
  State state_ = State::fresh;
};

}  // namespace visor::store
