// Data that comes in the background: staging, imports, and the tasks that tell of them.
#pragma once

#include <string>
#include <vector>

#include "front/glance/exchange.h"
#include "front/glance/remote_image.h"
#include "service/image_service.h"
#include "service/import_service.h"

namespace visor::front::glance {

/// The ways in which an image's data can be imported. `between_services`: also from another image
/// service of the same cloud.
std::vector<std::string> import_methods(bool between_services);

async::Task<Result<http::Response>> stage_data(service::ImageService& images, bool strict_formats,
                                               Exchange& exchange);
async::Task<Result<http::Response>> import_image(service::ImageService& images,
                                                 service::ImportService& imports,
                                                 const Remote& remote, Exchange& exchange);
async::Task<Result<http::Response>> list_image_tasks(service::ImportService& imports,
                                                     Exchange& exchange);
async::Task<Result<http::Response>> delete_from_store(service::ImportService& imports,
                                                      Exchange& exchange);

/// How an import shows as a task; `raw`: as a row of its table.
document::Value task_document(const service::Import& import, bool raw);

}  // namespace visor::front::glance
