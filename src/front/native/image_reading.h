// Routes that read: lists, one image's metadata, its data.
//
// Contract: the native API's chapters "Routes" and "Queries"; ranges and conditions: RFC 9110, 13
// and 14.
#pragma once

#include <optional>

#include "front/native/exchange.h"
#include "front/native/rendered_images.h"
#include "http/range.h"
#include "image/image.h"
#include "service/image_service.h"

namespace visor::front::native {

/// GET /images and /images/detail.
async::Task<Result<http::Response>> list_images(service::ImageService& images, Exchange& exchange,
                                                Shown shown);
/// HEAD /images/{id}: all metadata. What else it says of the data is what GET says; an image
/// without data has a length of 0.
async::Task<Result<http::Response>> head_image(service::ImageService& images,
                                               RenderedImages& rendered, Exchange& exchange);
/// The same on the spot; nothing if that can't be: then `head_image` answers.
std::optional<http::Response> head_image_at_once(service::ImageService& images,
                                                 RenderedImages& rendered, Exchange& exchange);
/// GET /images/{id}: the data, or the range of it that is asked for, with the metadata as headers.
async::Task<Result<http::Response>> get_image(service::ImageService& images, Exchange& exchange);
/// GET /images/{id}/metadata: the metadata as a document.
async::Task<Result<http::Response>> get_metadata(service::ImageService& images,
                                                 RenderedImages& rendered, Exchange& exchange);
/// The same on the spot; nothing if that can't be: then `get_metadata` answers.
std::optional<http::Response> get_metadata_at_once(service::ImageService& images,
                                                   RenderedImages& rendered, Exchange& exchange);

/// Whether a request that changes an image may go on, as far as its conditions on the data tell
/// (If-Match and its kin): `forbidden` for who may not change it, else `precondition`. Data never
/// changes once it is there, so what holds now holds as long as the image. An image without data
/// matches nothing.
async::Task<Result<void>> check_conditions(service::ImageService& images, Exchange& exchange);

/// What conditional requests compare with: the entity tag is the data's SHA-256, else its MD5, else
/// the name of its blob.
http::Validators validators_of(const image::Image& image);

}  // namespace visor::front::native
