#include "store/hdfs/hdfs_writer.h"

#include <utility>

#include "base/encoding.h"
#include "base/log.h"

namespace visor::store {
namespace {

using webhdfs::Next;
using webhdfs::Refusal;

std::unexpected<Error> ended() {
  return fail(Code::conflict, "this upload has ended already", "hdfs.writer");
}

std::unexpected<Error> broke_off(const Error& error, const std::string& datanode) {
  return fail(Code::unavailable,
              "the datanode of HDFS that took the data broke off, and nothing was kept; "
              "upload it again",
              "hdfs.CREATE datanode=" + datanode + " " + error.where);
}

/// What is read passes the checksum on its way.
class CheckedSource : public async::ByteSource {
 public:
  CheckedSource(async::ByteSource& source, BlockChecksum& checksum)
      : source_(source), checksum_(checksum) {}

  std::optional<std::uint64_t> size() const override { return source_.size(); }
  async::Task<Result<std::size_t>> read(std::span<std::byte> into) override {
    auto count = co_await source_.read(into);
    if (count) checksum_.update(into.first(*count));
    co_return count;
  }

 private:
  async::ByteSource& source_;
  BlockChecksum& checksum_;
};

}  // namespace

/// What the writer and the task on the upload thread share.
struct HdfsWriter::Upload {
  Upload(std::string the_path, std::uint64_t the_block_size)
      : path(std::move(the_path)), block_size(the_block_size), checksum(the_block_size) {}

  const std::string path;
  const std::uint64_t block_size;
  Pipe pipe;
  BlockChecksum checksum;
  Result<void> outcome;
  Signal done;  ///< outcome and checksum are the writer's from then on
};

HdfsWriter::HdfsWriter(webhdfs::Namenodes& namenodes, UploadThread& thread, std::string temporary,
                       std::string target, std::uint64_t block_size, Existing existing)
    : namenodes_(namenodes),
      thread_(thread),
      target_(std::move(target)),
      existing_(existing),
      upload_(std::make_shared<Upload>(std::move(temporary), block_size)) {}

HdfsWriter::~HdfsWriter() {
  if (state_ == State::writing) upload_->pipe.break_off();
}

void HdfsWriter::begin() {
  state_ = State::writing;
  thread_.start(run(namenodes_, upload_));
}

async::Task<void> HdfsWriter::run(webhdfs::Namenodes& namenodes, std::shared_ptr<Upload> upload) {
  upload->outcome = co_await send(namenodes, *upload);
  upload->pipe.reader_gone();
  upload->done.notify();
}

async::Task<Result<void>> HdfsWriter::send(webhdfs::Namenodes& namenodes, Upload& upload) {
  const std::string parameters =
      "&overwrite=true&noredirect=true&blocksize=" + std::to_string(upload.block_size);
  CheckedSource source(upload.pipe, upload.checksum);
  webhdfs::Excluded excluded;
  for (unsigned attempt = 0;; ++attempt) {
    if (attempt > 0) co_await namenodes.pause(attempt);
    const std::string all = parameters + webhdfs::excluding(excluded);
    auto answer = co_await namenodes.ask("PUT", upload.path, "CREATE", all);
    if (!answer) co_return pass(answer);
    if (!answer->location) {
      co_return fail(Code::unavailable, "HDFS names no datanode for the data", "hdfs.CREATE");
    }
    fetch::Call call;
    call.method = "PUT";
    call.url = *answer->location;
    call.fields = {{"Content-Type", "application/octet-stream"}};
    call.body = &source;
    auto response = co_await namenodes.fetcher().call(std::move(call));
    std::optional<Refusal> refusal;
    if (response) {
      refusal = co_await webhdfs::refusal_in(std::move(*response), "CREATE");
      if (!refusal) co_return Result<void>();
    } else {
      Error error = webhdfs::datanode_error(std::move(response.error()), *answer->location);
      refusal = Refusal{std::move(error), Next::other_namenode};
    }
    // What has gone to a datanode is gone, so another can only take it from the first byte.
    const std::string datanode = webhdfs::host_of(*answer->location);
    const bool taken = upload.pipe.taken() > 0;
    const bool repeatable =
        !taken && refusal->next != Next::give_up && refusal->error.code != Code::cancelled;
    if (!repeatable || attempt + 1 >= namenodes.access().attempts) {
      const bool died = taken && !response && refusal->error.code == Code::unavailable;
      if (died) co_return broke_off(refusal->error, datanode);
      co_return std::unexpected(std::move(refusal->error));
    }
    excluded.insert(datanode);
  }
}

async::Task<Result<void>> HdfsWriter::write(std::span<const std::byte> bytes) {
  if (state_ == State::ended) co_return ended();
  if (state_ == State::fresh) begin();
  const bool taken = co_await upload_->pipe.write(bytes);
  if (taken) {
    written_ += bytes.size();
    co_return Result<void>();
  }
  auto outcome = co_await finish_upload();
  co_await take_back();
  if (!outcome) co_return pass(outcome);
  co_return fail(Code::unavailable, "HDFS ended the upload before all of the data",
                 "hdfs.CREATE written=" + std::to_string(written_));
}

async::Task<Result<void>> HdfsWriter::finish_upload() {
  state_ = State::ended;
  upload_->pipe.finish();
  co_await upload_->done.wait();
  co_return std::move(upload_->outcome);
}

async::Task<Result<void>> HdfsWriter::commit(std::uint64_t size) {
  if (state_ == State::ended) co_return ended();
  if (state_ == State::fresh) begin();
  auto outcome = co_await finish_upload();
  if (outcome) outcome = co_await publish(size);
  if (!outcome) co_await take_back();
  co_return outcome;
}

async::Task<Result<void>> HdfsWriter::publish(std::uint64_t size) {
  if (size != written_) {
    co_return fail(
        Code::invalid, "the size of the data is another than what was written",
        "hdfs.commit size=" + std::to_string(size) + " written=" + std::to_string(written_));
  }
  auto status = co_await namenodes_.status(upload_->path);
  if (!status) co_return pass(status);
  if (status->length != written_) {
    co_return fail(Code::corrupt, "HDFS has another number of bytes than were sent",
                   "hdfs.commit has=" + std::to_string(status->length) +
                       " written=" + std::to_string(written_));
  }
  if (auto same = co_await check_bytes(); !same) co_return pass(same);

  std::string destination = "&destination=" + percent_encode(target_, "/");
  if (existing_ == Existing::replace) destination += "&renameoptions=OVERWRITE";
  auto renamed = co_await namenodes_.ask("PUT", upload_->path, "RENAME", destination);
  if (renamed && webhdfs::boolean_of(renamed->document) == true) co_return Result<void>();
  // Refused, or done by an attempt whose answer was lost: the file itself tells.
  auto target = co_await namenodes_.status(target_);
  if (target && target->version() == status->version()) co_return Result<void>();
  if (target && existing_ == Existing::replace && renamed) {
    co_return co_await clear_and_rename(std::move(*status));
  }
  if (target) {
    co_return fail(Code::conflict, "there is a blob of this key already", "hdfs.RENAME");
  }
  if (!renamed) co_return pass(renamed);
  co_return fail(Code::unavailable, "HDFS did not put the data in its place", "hdfs.RENAME");
}

// HttpFS knows no rename onto a name that is taken, and says no. For a moment the name is free
// then: a reader may find nothing, and a crash may leave nothing.
async::Task<Result<void>> HdfsWriter::clear_and_rename(webhdfs::FileStatus written) {
  auto cleared = co_await namenodes_.ask("DELETE", target_, "DELETE", "");
  if (!cleared && cleared.error().code != Code::not_found) co_return pass(cleared);
  const std::string destination = "&destination=" + percent_encode(target_, "/");
  auto renamed = co_await namenodes_.ask("PUT", upload_->path, "RENAME", destination);
  if (renamed && webhdfs::boolean_of(renamed->document) == true) co_return Result<void>();
  auto target = co_await namenodes_.status(target_);
  if (target && target->version() == written.version()) co_return Result<void>();
  if (!renamed) co_return pass(renamed);
  co_return fail(Code::unavailable, "HDFS did not put the data in its place", "hdfs.RENAME");
}

async::Task<Result<void>> HdfsWriter::check_bytes() {
  if (written_ == 0) co_return Result<void>();
  auto document = co_await namenodes_.ask_through("GET", upload_->path, "GETFILECHECKSUM", "");
  // Not every cluster has one (nor one for every file); the length was right.
  const auto checksum =
      document ? webhdfs::checksum_of(*document) : std::optional<webhdfs::FileChecksum>();
  if (!checksum) {
    log::debug("HDFS tells no checksum of what was written",
               {{"why", document ? std::string("no checksum") : document.error().where}});
    co_return Result<void>();
  }
  if (upload_->checksum.matches(*checksum) == false) {
    co_return fail(Code::corrupt, "what HDFS has is not what was sent: the checksums differ",
                   "hdfs.GETFILECHECKSUM " + checksum->algorithm);
  }
  co_return Result<void>();
}

async::Task<void> HdfsWriter::take_back() {
  auto removed = co_await namenodes_.ask("DELETE", upload_->path, "DELETE", "");
  if (!removed && removed.error().code != Code::not_found) {
    log::warning("a temporary file of a broken upload stays in HDFS until it is old",
                 {{"file", upload_->path}, {"error", removed.error().where}});
  }
}

async::Task<void> HdfsWriter::abort() {
  if (state_ == State::fresh) state_ = State::ended;
  if (state_ == State::ended) co_return;
  // To its end, short as it is: a datanode that is cut off creates the file when it comes to it,
  // maybe after the removal.
  auto outcome = co_await finish_upload();
  co_await take_back();
}

}  // namespace visor::store
