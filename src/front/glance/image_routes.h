// The verbs of one image: create, show, change, delete.
#pragma once

#include "front/glance/exchange.h"
#include "service/image_service.h"

namespace visor::front::glance {

async::Task<Result<http::Response>> delete_image(service::ImageService& images, Exchange& exchange);

}  // namespace visor::front::glance
