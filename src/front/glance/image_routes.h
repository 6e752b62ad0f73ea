// The verbs of images: create, list, show, change, delete, hold back and give free.
#pragma once

#include <string>
#include <vector>

#include "front/glance/exchange.h"
#include "service/image_service.h"
#include "service/location_service.h"

namespace visor::front::glance {

/// What clients are told of, and can do, beside the API's own.
struct Offer {
  std::vector<std::string> import_methods;
  std::vector<std::string> stores;
  /// Outlives the routes. Null: documents tell of no locations, and patches change none.
  service::LocationService* locations = nullptr;
};

async::Task<Result<http::Response>> create_image(service::ImageService& images, const Offer& offer,
                                                 Exchange& exchange);
async::Task<Result<http::Response>> list_images(service::ImageService& images, const Offer& offer,
                                                Exchange& exchange);
async::Task<Result<http::Response>> show_image(service::ImageService& images, const Offer& offer,
                                               Exchange& exchange);
async::Task<Result<http::Response>> patch_image(service::ImageService& images, const Offer& offer,
                                                Exchange& exchange);
async::Task<Result<http::Response>> delete_image(service::ImageService& images, Exchange& exchange);
async::Task<Result<http::Response>> deactivate_image(service::ImageService& images,
                                                     Exchange& exchange);
async::Task<Result<http::Response>> reactivate_image(service::ImageService& images,
                                                     Exchange& exchange);
async::Task<Result<http::Response>> put_tag(service::ImageService& images, Exchange& exchange);
async::Task<Result<http::Response>> delete_tag(service::ImageService& images, Exchange& exchange);

}  // namespace visor::front::glance
