// Who may do what with an image, and which state follows which. Decided here and nowhere else.
#pragma once

#include "base/error.h"
#include "base/principal.h"
#include "image/image.h"

namespace visor::image {

/// Everyone's images and one's own; an administrator who asks for everybody's sees all.
bool may_see(const Principal& who, const Image& image);

/// Fails with not_found for an image that `who` may not see (its existence is not disclosed) and
/// with forbidden for one that they may only see.
Result<void> check_may_see(const Principal& who, const Image& image);
Result<void> check_may_change(const Principal& who, const Image& image);

/// Anonymous callers change nothing.
Result<void> check_may_register(const Principal& who);

/// The error for an image that does not exist or must seem not to.
std::unexpected<Error> no_such_image(std::string_view id);

/// none or error → uploading. `conflict` from any other state.
Result<void> begin_upload(Image& image, std::string session);

/// What a finished upload or an accepted reference says of the data.
struct DataFacts {
  std::string blob;
  std::string store;
  std::string location;
  bool referred = false;
  std::optional<std::uint64_t> size;
  Digests digests;
  std::string entity_tag;
  std::string detected_format;  ///< taken only if the image has no format of its own
};

/// uploading → present, for the session that began it; `conflict` otherwise.
Result<void> finish_upload(Image& image, const std::string& session, DataFacts data, Time now);

/// uploading → error, for the session that began it; `conflict` otherwise.
Result<void> fail_upload(Image& image, const std::string& session);

/// none or error → present by a reference. `conflict` from any other state.
Result<void> refer(Image& image, DataFacts data, Time now);

/// The same data lies elsewhere from now on, and is ours. `conflict` unless the data is present.
Result<void> relocate(Image& image, std::string store, std::string location);

/// Whether data can be served: present and neither deactivated nor quarantined. `not_found` while
/// there is none, `forbidden` while it is held back.
Result<void> check_downloadable(const Image& image);

}  // namespace visor::image
