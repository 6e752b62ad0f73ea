#include "store/hdfs/token_file.h"

#include <sys/stat.h>

#include <fstream>
#include <utility>

#include "base/encoding.h"
#include "base/log.h"

namespace visor::store {
namespace {

/// Hadoop's own tokens have a few hundred characters.
constexpr std::size_t kLongestToken = 8192;
constexpr std::int64_t kNanoseconds = 1'000'000'000;

}  // namespace

Result<std::shared_ptr<TokenFile>> TokenFile::open(std::string path) {
  std::shared_ptr<TokenFile> file(new TokenFile(std::move(path)));
  file->seen_ = file->stamp();
  auto token = file->read();
  if (!token) return pass(token);
  file->token_ = std::move(*token);
  return file;
}

std::string TokenFile::token() {
  const std::lock_guard lock(mutex_);
  // Before it is read: what is written in between is seen the next time.
  const Stamp now = stamp();
  if (now == seen_) return token_;
  seen_ = now;
  auto token = read();
  if (token) {
    token_ = std::move(*token);
    log::info("a new token of HDFS was read", {{"file", path_}});
  } else {
    log::failure(log::Level::warning, "the server goes on with the last token of HDFS",
                 token.error());
  }
  return token_;
}

TokenFile::Stamp TokenFile::stamp() const {
  struct stat status{};
  if (::stat(path_.c_str(), &status) != 0) return {};
  return {status.st_dev, status.st_ino, status.st_size,
          std::int64_t{status.st_mtim.tv_sec} * kNanoseconds + status.st_mtim.tv_nsec};
}

Result<std::string> TokenFile::read() const {
  std::ifstream file(path_);
  std::string line;
  if (!std::getline(file, line)) {
    return fail(Code::unavailable,
                "the token of a store in HDFS can't be read from the file " + path_ +
                    "; it must have one line and be readable for the server's user");
  }
  std::string token(trim(line));
  while (token.ends_with('\r')) token.pop_back();
  if (token.empty() || token.size() > kLongestToken) {
    return fail(Code::invalid, "the first line of the file " + path_ + " is no token of HDFS");
  }
  return token;
}

}  // namespace visor::store
