// Routes to the stores and to where images lie in them: /stores, /placements and an image's copies.
//
// Contract: docs/guide/native-api.md, "Stores and copies". Administrators only.
#pragma once

#include "front/native/exchange.h"
#include "service/placement_service.h"

namespace visor::front::native {

/// GET /stores: {"stores": […]}.
async::Task<Result<http::Response>> list_stores(service::PlacementService& placements,
                                                Exchange& exchange);
/// POST /stores/{name}/check: {"check": {…}}; a store that fails is an answer, not an error.
async::Task<Result<http::Response>> check_store(service::PlacementService& placements,
                                                Exchange& exchange);
/// GET /images/{id}/copies: {"copies": […]}, the one where reads begin first.
async::Task<Result<http::Response>> list_copies(service::PlacementService& placements,
                                                Exchange& exchange);
/// POST /placements: asks for work; {"placement": {…}}.
async::Task<Result<http::Response>> post_placement(service::PlacementService& placements,
                                                   Exchange& exchange);
/// GET /placements: {"placements": […]}, the newest first.
async::Task<Result<http::Response>> list_placements(service::PlacementService& placements,
                                                    Exchange& exchange);
async::Task<Result<http::Response>> get_placement(service::PlacementService& placements,
                                                  Exchange& exchange);
/// DELETE /placements/{id}: ends the work; what is over stays as it is.
async::Task<Result<http::Response>> cancel_placement(service::PlacementService& placements,
                                                     Exchange& exchange);

}  // namespace visor::front::native
