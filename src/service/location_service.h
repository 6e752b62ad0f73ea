// The places that an image's owner wants its data read from.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <vector>

#include "async/task.h"
#include "base/digest.h"
#include "base/principal.h"
#include "service/copies.h"
#include "service/image_service.h"
#include "service/removals.h"

namespace visor::service {

/// The most places that one image can have.
inline constexpr std::size_t kMostLocations = 10;

/// What an image's places shall be.
struct WantedLocations {
  /// In the order in which they are read; of each, `location` and `metadata` count. Those that the
  /// image has already are known by their location.
  std::vector<Location> places;
  /// What the caller says that the data's digests are, for it alone: nobody has computed them.
  Digests claimed = {};
};

/// Says what the places of an image shall be from what they are. Called anew whenever somebody else
/// changed the image in between.
using LocationEditor = std::function<Result<WantedLocations>(const image::Image& image,
                                                             const std::vector<Location>& places)>;

/// Places as they are given by hand, beside where uploads and placements put data. Thread-safe;
/// what it stands on outlives it.
class LocationService {
 public:
  explicit LocationService(Foundation foundation) : on_(foundation) {}

  /// Makes an image's places what `editor` says, all at once. An image without data gets it by
  /// that. Whoever may change the image adds places, orders them and notes things of them; only
  /// administrators take one away, and nobody the last one. What was ours at a place that goes is
  /// removed. `invalid` (a place given twice or that no store takes), `forbidden`, `conflict` (the
  /// image is not in a state for it, data of another size, other digests than the image has),
  /// `too_large` (more than kMostLocations), `not_found`, and the editor's own errors.
  async::Task<Result<image::Image>> change(Principal who, std::string id, LocationEditor editor);

 private:
  /// The places of an image as they stand in the catalogue.
  struct Standing {
    image::Image image;
    catalogue::Record blob_record;
    Blob blob;
    std::vector<Copy> copies;
  };

  async::Task<Result<image::Image>> change_told(const Principal& who, const std::string& id,
                                                const LocationEditor& editor, Trail& trail);
  async::Task<Result<Standing>> stand(std::string id);
  async::Task<Result<std::vector<Copy>>> copies_for(const Principal& who, Standing& standing,
                                                    const WantedLocations& wanted);
  Result<std::vector<Removal>> settle(Standing& standing, std::vector<Copy> wanted,
                                      catalogue::Batch& batch) const;

  Foundation on_;
  Copies copies_{on_.catalogue, on_.stores};
  Removals removals_{on_.catalogue, on_.stores};
};

}  // namespace visor::service
