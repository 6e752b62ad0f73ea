// Read counts: how often images are fetched, gathered in memory and written in batches.
#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <string>

#include "async/task.h"
#include "base/clock.h"
#include "base/error.h"
#include "catalogue/client.h"
#include "catalogue/record_cache.h"
#include "image/image.h"

namespace visor::service {

/// Thread-safe. What was counted since the last `write` is lost in a crash: reads must cost no
/// durable write.
class ReadCounts {
 public:
  /// `cache_bytes`: memory for stored counts that are asked for often.
  ReadCounts(catalogue::Client& catalogue, std::size_t cache_bytes);

  void count(const std::string& image, Time now);
  /// Stored and not yet written counts together.
  async::Task<Result<image::Reads>> of(std::string image);
  /// The same on the spot; nothing if that could take long.
  std::optional<Result<image::Reads>> of_at_once(const std::string& image);
  /// Writes what was gathered.
  async::Task<Result<void>> write();
  /// Forgets an image that was removed, also what a `write` has stored meanwhile.
  async::Task<Result<void>> forget(std::string image);

 private:
  async::Task<Result<catalogue::Record>> stored(std::string image);
  async::Task<Result<void>> write_part(const std::map<std::string, image::Reads>& part);
  async::Task<Result<void>> erase(std::string image);

  /// With what is not yet written.
  image::Reads complete(image::Reads stored, const std::string& image);

  catalogue::Client& catalogue_;
  catalogue::RecordCache<image::Reads> cache_;
  std::mutex mutex_;
  std::map<std::string, image::Reads> pending_;
};

}  // namespace visor::service
