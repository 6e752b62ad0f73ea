// A store in a bucket of an S3 server from its settings.
#pragma once

#include <memory>

#include "app/configuration.h"
#include "base/error.h"
#include "store/s3/s3_options.h"
#include "store/s3/s3_store.h"

namespace visor::store {
class PartMemory;
}

namespace visor::app {

/// The store's options but for the secrets and the memory.
store::S3Options s3_options(const S3Settings& settings);

/// What all uploads to S3 servers share.
std::shared_ptr<store::PartMemory> s3_memory();

/// Reads the secrets; asks the S3 server nothing, so that this one starts while it is down. Errors:
/// `invalid`, and `unavailable` for a secret that can't be read.
Result<std::unique_ptr<store::S3Store>> open_s3(const S3Settings& settings,
                                                const Configuration& configuration,
                                                std::shared_ptr<store::PartMemory> memory);

}  // namespace visor::app
