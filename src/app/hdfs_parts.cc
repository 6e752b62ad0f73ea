#include "app/hdfs_parts.h"

#include <utility>

#include "store/hdfs/token_file.h"

namespace visor::app {

Result<std::unique_ptr<store::HdfsStore>> open_hdfs(const HdfsSettings& settings,
                                                    const Configuration& configuration) {
  store::HdfsStore::Options options;
  options.access.namenodes = settings.namenodes;
  options.access.https = settings.https;
  options.access.user = settings.username;
  if (!settings.token_file.empty()) {
    auto file = store::TokenFile::open(configuration.path(settings.token_file));
    if (!file) return pass(file);
    options.access.token = [token = std::move(*file)] { return token->token(); };
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
