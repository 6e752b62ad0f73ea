// What the API tells of stores and of the ways in which data comes to them.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "front/glance/exchange.h"
#include "service/image_service.h"

namespace visor::front::glance {

/// A store as clients are told of it.
struct StoreInfo {
  std::string name;
  std::string kind;  ///< "file", "s3", …
  bool standard = false;
  bool read_only = false;
};

async::Task<Result<http::Response>> list_import_methods(const std::vector<std::string>& methods);
async::Task<Result<http::Response>> list_stores(const std::vector<StoreInfo>& stores);
/// Administrators' and services' view.
async::Task<Result<http::Response>> list_stores_in_detail(const std::vector<StoreInfo>& stores,
                                                          Exchange& exchange);

/// What the caller's project holds, and may hold: sizes in MiB, -1 for no limit.
async::Task<Result<http::Response>> show_usage(service::ImageService& images, Exchange& exchange);

}  // namespace visor::front::glance
