// A store in HDFS from its settings.
#pragma once

#include <memory>

#include "app/configuration.h"
#include "base/error.h"
#include "store/hdfs/hdfs_store.h"

namespace visor::app {

/// Reads the token's file; asks HDFS nothing, so that a server starts while HDFS is down. Errors:
/// `invalid`, and `unavailable` for a token that can't be read.
Result<std::unique_ptr<store::HdfsStore>> open_hdfs(const HdfsSettings& settings,
                                                    const Configuration& configuration);

}  // namespace visor::app
