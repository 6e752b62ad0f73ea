// An image's data, up and down.
#pragma once

#include "front/glance/exchange.h"
#include "service/image_service.h"

namespace visor::front::glance {

async::Task<Result<http::Response>> upload_file(service::ImageService& images, bool strict_formats,
                                                Exchange& exchange);
/// GET and HEAD: 204 while there is no data.
async::Task<Result<http::Response>> download_file(service::ImageService& images,
                                                  Exchange& exchange);

/// `invalid` unless the image says what its data is.
Result<void> check_formats(const image::Image& image);
/// What a request says of the data that it brings: its store as an edit, and its length.
struct Announced {
  image::Edits edits;
  std::optional<std::uint64_t> size;
};
Result<Announced> read_announced(const http::RequestHead& head);

}  // namespace visor::front::glance
