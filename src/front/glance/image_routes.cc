#include "front/glance/image_routes.h"

namespace visor::front::glance {

async::Task<Result<http::Response>> delete_image(service::ImageService& images,
                                                 Exchange& exchange) {
  Result<image::Image> removed = co_await images.remove(exchange.who, exchange.parameters[0]);
  if (!removed) co_return pass(removed);
  co_return empty_answer(204);
}

}  // namespace visor::front::glance
