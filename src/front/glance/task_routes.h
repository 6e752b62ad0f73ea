// The tasks API: deprecated, for administrators. What runs is shown; new work is asked for as an
// image and its import.
#pragma once

#include "front/glance/exchange.h"
#include "service/image_service.h"
#include "service/import_service.h"

namespace visor::front::glance {

async::Task<Result<http::Response>> create_task(service::ImageService& images,
                                                service::ImportService& imports,
                                                Exchange& exchange);
async::Task<Result<http::Response>> list_tasks(service::ImportService& imports, Exchange& exchange);
async::Task<Result<http::Response>> show_task(service::ImportService& imports, Exchange& exchange);

}  // namespace visor::front::glance
