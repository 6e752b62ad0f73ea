#include "store/hdfs/hdfs_source.h"

#include <algorithm>
#include <utility>

#include "base/log.h"

namespace visor::store {

using webhdfs::Next;
using webhdfs::Refusal;

HdfsSource::HdfsSource(webhdfs::Namenodes& namenodes, std::string path, std::string version,
                       std::uint64_t offset, std::uint64_t length)
    : namenodes_(namenodes),
      path_(std::move(path)),
      version_(std::move(version)),
      offset_(offset),
      length_(length),
      remaining_(length) {}

async::Task<std::expected<void, Refusal>> HdfsSource::connect() {
  host_.clear();
  std::string parameters =
      "&offset=" + std::to_string(offset_) + "&length=" + std::to_string(remaining_);
  parameters += webhdfs::excluding(excluded_);
  auto answer = co_await namenodes_.ask("GET", path_, "OPEN", parameters);
  if (!answer) {
    // With every holder excluded there is none left to name; they may have come back.
    const bool maybe = !excluded_.empty() && answer.error().code == Code::unavailable;
    excluded_.clear();
    co_return std::unexpected(
        Refusal{std::move(answer.error()), maybe ? Next::wait : Next::give_up});
  }
  if (answer->location) {
    host_ = webhdfs::host_of(*answer->location);
    auto second = co_await namenodes_.follow(std::move(*answer->location), "OPEN");
    if (!second) co_return std::unexpected(std::move(second.error()));
    *answer = std::move(*second);
  }
  const bool whole = answer->data != nullptr &&
                     answer->data->head.content_length.value_or(remaining_) == remaining_;
  if (!whole) {
    Error error = fail(Code::unavailable, "HDFS answers with another part than was asked for",
                       "hdfs.OPEN offset=" + std::to_string(offset_))
                      .error();
    co_return std::unexpected(Refusal{std::move(error), Next::wait});
  }
  response_ = std::move(answer->data);
  co_return std::expected<void, Refusal>();
}

async::Task<Result<void>> HdfsSource::check_same() {
  auto status = co_await namenodes_.status(path_);
  if (!status) co_return pass(status);
  if (status->version() == version_) co_return Result<void>();
  co_return fail(Code::precondition, "the data was exchanged while it was read",
                 "hdfs.OPEN expected=" + version_ + " found=" + status->version());
}

async::Task<Result<void>> HdfsSource::open() {
  while (true) {
    auto connected = co_await connect();
    if (connected) co_return Result<void>();
    Refusal& refusal = connected.error();
    ++failures_;
    if (refusal.next == Next::give_up || failures_ >= namenodes_.access().attempts) {
      co_return std::unexpected(std::move(refusal.error));
    }
    if (!host_.empty()) excluded_.insert(host_);
    co_await namenodes_.pause(failures_);
  }
}

async::Task<Result<std::size_t>> HdfsSource::read(std::span<std::byte> into) {
  into = into.first(static_cast<std::size_t>(std::min<std::uint64_t>(into.size(), remaining_)));
  if (into.empty()) co_return std::size_t{0};
  while (true) {
    if (!response_) {
      if (auto same = co_await check_same(); !same) co_return pass(same);
      if (auto opened = co_await open(); !opened) co_return pass(opened);
    }
    auto count = co_await response_->body->read(into);
    if (count && *count > 0) {
      failures_ = 0;
      offset_ += *count;
      remaining_ -= *count;
      co_return count;
    }
    Error broken = count ? fail(Code::unavailable, "HDFS broke off before the end of the data",
                                "hdfs.OPEN missing=" + std::to_string(remaining_))
                               .error()
                         : std::move(count.error());
    response_.reset();
    ++failures_;
    if (broken.code == Code::cancelled || failures_ >= namenodes_.access().attempts) {
      co_return std::unexpected(std::move(broken));
    }
    log::info("a datanode of HDFS broke off; reading goes on at another",
              {{"datanode", host_}, {"offset", std::to_string(offset_)}, {"error", broken.where}});
    if (!host_.empty()) excluded_.insert(host_);
    co_await namenodes_.pause(failures_);
  }
}

}  // namespace visor::store
