// The one pass of an upload: digests, recogniser and writer see each slice once.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "async/buffer_pool.h"
#include "async/byte_source.h"
#include "async/task.h"
#include "base/digest.h"
#include "base/error.h"
#include "service/digest_queue.h"
#include "store/store.h"

namespace visor::service {

struct Received {
  std::uint64_t size = 0;
  Digests digests;
  std::string detected_format;
};

/// Called before bytes are written that bring the total to `total`; an error ends the upload before
/// they are.
using Reserve = std::function<async::Task<Result<void>>(std::uint64_t total)>;

struct UploadPass {
  async::ByteSource& source;
  store::BlobWriter& writer;
  const std::vector<DigestAlgorithm>& digests;
  DigestQueue& digest_queue;
  async::BufferPool& slices;
  const Reserve& reserve;
};

/// Reads the source to its end into the writer, which is neither committed nor aborted here.
/// Source, writer and each group of digests (on threads of the digest pool) go on at their own
/// pace, at most three slices apart: that is its memory, whatever the size. On an executor.
async::Task<Result<Received>> receive(UploadPass pass_through);

}  // namespace visor::service
