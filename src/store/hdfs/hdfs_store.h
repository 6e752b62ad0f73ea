// Blobs as files of an HDFS, over WebHDFS or HttpFS.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "fetch/fetch.h"
#include "store/hdfs/namenodes.h"
#include "store/hdfs/upload_thread.h"
#include "store/store.h"

namespace visor::store {

/// A key's file lies in one folder, with '.' for each '/' of the key: so names sort as keys do, and
/// no key is a folder of another. What is being written lies in the folder `.visor-tmp` in it.
///
/// Namenodes that are starting, in safe mode or not active are asked again, with pauses, and the
/// others after them. A datanode that can't be reached is left out by asking for another one. A
/// read that breaks goes on elsewhere; an upload that breaks is taken back.
///
/// Thread-safe; calls are made on an executor's thread. Errors beside the store's and the
/// fetcher's: `unavailable` with the reason for whatever an operator must look after.
class HdfsStore : public Store {
 public:
  struct Options {
    webhdfs::Access access;
    /// What the namenodes may name as datanodes; see fetch::Guard::Options::exceptions. Public
    /// addresses at HDFS's own ports need no entry.
    std::vector<std::string> datanodes = {};
    std::string folder = "/";  ///< absolute, without a slash at the end unless it is all
    std::uint64_t block_size = std::uint64_t{128} << 20;  ///< of new files; a multiple of 512
    /// Its `attempts` and `most_redirects` are the store's own.
    fetch::Fetcher::Options fetch = {};
  };

  /// Asks nothing yet. `invalid` for options that don't fit.
  static Result<std::unique_ptr<HdfsStore>> create(Options options);

  /// Ends what is under way with `cancelled`; nothing begins any more. An upload that is ended so
  /// leaves its temporary file.
  void stop() { fetcher_->stop(); }

  Capability capability() const override;
  async::Task<Result<BlobStatus>> stat(std::string key) override;
  /// A blob that is removed while it is read ends with an error unless a datanode has sent it all
  /// by then: HDFS gives the blocks free.
  async::Task<Result<std::unique_ptr<async::ByteSource>>> open(std::string key, ByteRange range,
                                                               std::string version) override;
  async::Task<Result<std::unique_ptr<BlobWriter>>> create(
      std::string key, std::optional<std::uint64_t> size) override;
  async::Task<Result<void>> replace(std::string key, std::string bytes) override;
  async::Task<Result<void>> remove(std::string key) override;
  async::Task<Result<Listing>> list(std::string after, std::uint32_t limit) override;
  std::string location(const std::string& key) const override;

 private:
  HdfsStore(Options options, std::unique_ptr<fetch::Fetcher> fetcher);

  std::string path_of(const std::string& key) const;
  std::string folder_path() const { return folder_.empty() ? "/" : folder_; }
  async::Task<Result<void>> prepare();
  async::Task<void> remove_old_temporaries();

  const std::string folder_;  ///< empty for the root
  const std::uint64_t block_size_;
  const std::unique_ptr<fetch::Fetcher> fetcher_;
  webhdfs::Namenodes namenodes_;
  std::atomic<bool> prepared_ = false;
  UploadThread uploads_;  ///< last: what runs on it uses the rest
};

}  // namespace visor::store
