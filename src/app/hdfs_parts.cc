#include "app/hdfs_parts.h"

#include <fstream>
#include <utility>

#include "base/encoding.h"

namespace visor::app {
namespace {

/// Hadoop's own tokens have a few hundred characters.
constexpr std::size_t kLongestToken = 8192;

Result<std::string> read_token(const std::string& path) {
  std::ifstream file(path);
  std::string line;
  if (!std::getline(file, line)) {
    return fail(Code::unavailable,
                "the token of a store in HDFS can't be read from the file " + path +
                    "; it must have one line and be readable for the server's user");
  }
  std::string token(trim(line));
  while (token.ends_with('\r')) token.pop_back();
  if (token.empty() || token.size() > kLongestToken) {
    return fail(Code::invalid, "the first line of the file " + path + " is no token of HDFS");
  }
  return token;
}

}  // namespace

Result<std::unique_ptr<store::HdfsStore>> open_hdfs(const HdfsSettings& settings,
                                                    const Configuration& configuration) {
  store::HdfsStore::Options options;
  options.access.namenodes = settings.namenodes;
  options.access.https = settings.https;
  options.access.user = settings.username;
  if (!settings.token_file.empty()) {
    auto token = read_token(configuration.path(settings.token_file));
    if (!token) return pass(token);
    options.access.token = std::move(*token);
  }
  options.datanodes = settings.datanodes;
  options.folder = settings.folder;
  options.block_size = settings.block_size;
  if (!settings.authorities.empty()) {
    options.fetch.authorities_file = configuration.path(settings.authorities);
  }
  return store::HdfsStore::create(std::move(options));
}

}  // namespace visor::app
