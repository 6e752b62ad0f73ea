// Routes that change images: register, change, remove.
//
// Contract: the native API's chapters "Routes" and "Upload rules".
#pragma once

#include "front/native/exchange.h"
#include "service/image_service.h"

namespace visor::front::native {

/// POST /images.
async::Task<Result<http::Response>> post_image(service::ImageService& images, Exchange& exchange);
/// PUT /images/{id}.
async::Task<Result<http::Response>> put_image(service::ImageService& images, Exchange& exchange);
/// DELETE /images/{id}.
async::Task<Result<http::Response>> delete_image(service::ImageService& images, Exchange& exchange);

/// Whether a request names application/octet-stream as what it brings.
bool is_image_data(const http::RequestHead& head);

/// Whether a request's body, if it has one, is declared as what it must be:
/// application/octet-stream, not compressed. Without a body the content type does not matter: the
/// client library of 2012 adds one to every POST and PUT.
Result<void> check_body_declared(const http::RequestHead& head);

}  // namespace visor::front::native
