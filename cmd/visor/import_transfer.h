// The data of one image on its way from one image service to another.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <string>

#include "base/digest.h"
#include "client/image_api.h"
#include "document/value.h"
#include "import_patience.h"

namespace visor::command {

/// Keeps all transfers together below a rate.
class RateLimit {
 public:
  /// Bytes a second; 0: no limit.
  explicit RateLimit(std::uint64_t rate) : rate_(rate) {}
  /// When so many bytes, which have just moved, are paid for: nothing moves before that.
  std::chrono::steady_clock::duration take(std::size_t bytes,
                                           std::chrono::steady_clock::time_point now);

 private:
  const std::uint64_t rate_;
  std::mutex mutex_;
  std::chrono::steady_clock::time_point paid_until_{};
};

/// What a transfer needs beside the two services.
struct TransferTerms {
  StopSignal* stop = nullptr;
  RateLimit* limit = nullptr;
  /// How often a source that broke off is asked to go on where it did.
  int resumptions = 4;
  /// Told how many bytes of the image have been sent, by one thread.
  std::function<void(std::uint64_t)> advance;
};

/// How a transfer ended, if not well.
struct TransferFailure {
  client::Failure failure;
  bool at_source = false;  ///< else at the target
};

/// Sends the data of the image (the source's document) from one to the other in constant memory.
/// What comes is digested on the way: if it isn't what the source's document says, the target
/// doesn't get the last of it, so that nothing wrong is ever taken for the image (`corrupt`). Gives
/// the SHA-512 of what was sent.
std::expected<std::string, TransferFailure> transfer(client::ImageApi& source,
                                                     client::ImageApi& target,
                                                     const document::Value& image,
                                                     const TransferTerms& terms);

}  // namespace visor::command
