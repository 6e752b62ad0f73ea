// The verbs of an image's locations.
#pragma once

#include <string>
#include <vector>

#include "front/glance/exchange.h"
#include "front/glance/patch.h"
#include "service/image_service.h"
#include "service/import_service.h"
#include "service/location_service.h"

namespace visor::front::glance {

/// Data that is referred to from now on; its digests are computed in the background.
async::Task<Result<http::Response>> add_location(service::ImportService& imports,
                                                 Exchange& exchange);
async::Task<Result<http::Response>> list_locations(service::ImageService& images,
                                                   Exchange& exchange);
/// A patch of locations alone: at once, and without looking at the data.
async::Task<Result<image::Image>> change_locations(service::LocationService& locations,
                                                   std::vector<Operation> operations,
                                                   Exchange& exchange);

}  // namespace visor::front::glance
