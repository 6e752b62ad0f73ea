// Images that are read ahead, so that their bytes are in this machine's memory before others ask.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "async/task.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/principal.h"
#include "image/image.h"
#include "service/copies.h"
#include "service/image_service.h"

namespace visor::service {

/// An image that was read ahead.
struct WarmImage {
  std::string image;       ///< its id
  std::uint64_t size = 0;  ///< in bytes
  Time since;              ///< when the last byte had been read
  image::Reads reads;      ///< by everybody; reading ahead is none of them
};

struct WarmStatus {
  std::vector<WarmImage> warm;       ///< the latest last
  std::vector<std::string> waiting;  ///< ids, in their turn; the one that is being read included
};

/// Reads images once, so that the system keeps their bytes in memory as long as nobody needs the
/// room more. There is no second copy, so nothing has to be kept in step, and what this object
/// knows is gone with it, as the memory is. Its verbs are for administrators: `forbidden` for
/// others. Thread-safe; the services outlive it.
class WarmImages {
 public:
  enum class Which { warm, waiting, both };

  /// `most`: how many images are remembered, and how many may wait.
  WarmImages(Foundation foundation, ImageService& images, std::size_t most = 1000);

  /// Has an image read by `run`, also if it was before. `not_found`; `invalid` for one that is not
  /// given out, and for one whose downloads come from a store that is not on this machine;
  /// `rate_limited` while too many wait. One that waits already keeps its turn.
  async::Task<Result<void>> queue(Principal who, std::string id);
  /// What the caller may see of it. Images that were removed are forgotten.
  async::Task<Result<WarmStatus>> list(Principal who);
  /// Forgets an image, and ends its reading if it is under way. The system gives its memory to
  /// others when they need it. `not_found` if it is not known here.
  Result<void> forget(const Principal& who, const std::string& id);
  /// The same for all images at once.
  Result<void> clear(const Principal& who, Which which);

  /// Whether `run` would find something to do.
  bool due() const;
  /// Reads what waits, one image after the other, until nothing does or `stop` is called. It rests
  /// as long as it reads: whoever waits for the disk at the moment goes first. What can't be read
  /// is told to the log and forgotten. One call at a time.
  async::Task<void> run();
  /// Ends `run` soon, for good.
  void stop() { stopping_ = true; }

 private:
  struct Waiting {
    std::string image;
    std::uint64_t turn = 0;  ///< no two have the same, even of one image
  };
  struct Warm {
    std::string image;
    std::string blob;
    std::uint64_t size = 0;
    Time since;
  };

  Result<void> check_allowed(const Principal& who, const char* verb, const std::string& id) const;
  async::Task<Result<Copy>> copy_in_reach(const image::Image& image);
  /// Nothing if the image was removed.
  async::Task<Result<std::optional<Description>>> look_up(std::string id);
  std::optional<Waiting> next() const;
  bool waits(const Waiting& image) const;
  async::Task<Result<Warm>> read_ahead(const Waiting& wanted);
  async::Task<Result<std::uint64_t>> read_all(async::ByteSource& source, const Waiting& wanted);
  void conclude(const Waiting& wanted, Result<Warm> outcome);

  Foundation on_;
  ImageService& images_;
  const std::size_t most_;
  Copies copies_{on_.catalogue, on_.stores};
  std::atomic<bool> stopping_ = false;
  mutable std::mutex mutex_;
  std::deque<Waiting> waiting_;
  std::deque<Warm> warm_;
  std::uint64_t turns_ = 0;
};

}  // namespace visor::service
