// Where an image's data lies, as callers write it: patches of `locations`, and the digests that
// they vouch for.
#pragma once

#include <string_view>
#include <vector>

#include "base/digest.h"
#include "base/error.h"
#include "document/value.h"
#include "front/glance/patch.h"
#include "image/image.h"
#include "service/location_service.h"

namespace visor::front::glance {

/// `invalid` unless it is an http or https URL.
Result<void> check_web_address(std::string_view uri);

/// The digests that the member `validation_data` of a location names; none without it. `invalid` if
/// it is incomplete or names an algorithm that is not known.
Result<Digests> read_claim(const document::Value& location);
/// `invalid` for what can't be a digest of its algorithm.
Result<void> check_claim(const Digests& claimed);

/// Whether any of a patch's operations is about locations.
bool changes_locations(const std::vector<Operation>& operations);

/// What a patch makes of an image's locations. Nothing else can be changed by the same patch. While
/// there are some, replacing all of them can only order them anew and change their metadata; the
/// last one can't be removed. `invalid`, `forbidden`, `conflict` (two claims that differ).
Result<service::WantedLocations> read_locations(const image::Image& image,
                                                const std::vector<service::Location>& places,
                                                const std::vector<Operation>& operations);

/// Locations as a document shows them. `whole`: as the owner wrote them, not without what may be
/// secret.
document::Value locations_document(const std::vector<service::Location>& places, bool whole);

}  // namespace visor::front::glance
