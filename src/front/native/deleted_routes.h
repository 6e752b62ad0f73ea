// Routes of images that were removed and can be restored.
//
// Contract: docs/guide/native-api.md, "Deleted images". They stand apart from /images, whose next
// part is always an id.
#pragma once

#include "front/native/exchange.h"
#include "service/image_service.h"

namespace visor::front::native {

/// GET /deleted/images: {"images": […]}, each with deleted_at, deleted_by and restorable_until.
async::Task<Result<http::Response>> list_deleted(service::ImageService& images, Exchange& exchange);
/// GET /deleted/images/{id}: {"image": {…}}.
async::Task<Result<http::Response>> get_deleted(service::ImageService& images, Exchange& exchange);
/// POST /deleted/images/{id}/restore: the image as it is again. `broken_links` names those of its
/// links that lead nowhere any more.
async::Task<Result<http::Response>> restore_image(service::ImageService& images,
                                                  Exchange& exchange);
/// DELETE /deleted/images/{id}: what is gone for good.
async::Task<Result<http::Response>> purge_image(service::ImageService& images, Exchange& exchange);

}  // namespace visor::front::native
