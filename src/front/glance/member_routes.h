// The accounts that an image is shared with.
#pragma once

#include "front/glance/exchange.h"
#include "service/image_service.h"

namespace visor::front::glance {

async::Task<Result<http::Response>> create_member(service::ImageService& images,
                                                  Exchange& exchange);
async::Task<Result<http::Response>> list_members(service::ImageService& images, Exchange& exchange);
async::Task<Result<http::Response>> show_member(service::ImageService& images, Exchange& exchange);
async::Task<Result<http::Response>> update_member(service::ImageService& images,
                                                  Exchange& exchange);
async::Task<Result<http::Response>> delete_member(service::ImageService& images,
                                                  Exchange& exchange);

}  // namespace visor::front::glance
