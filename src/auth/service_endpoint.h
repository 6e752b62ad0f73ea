// Where a cloud's catalogue says that a service is.
//
// Source: the Identity API v3, "Service catalog and endpoints".
#pragma once

#include <array>
#include <string>
#include <string_view>

namespace visor::auth {

/// Who an endpoint is for.
inline constexpr std::array<std::string_view, 3> kInterfaces = {"public", "internal", "admin"};

struct ServiceEndpoint {
  std::string type = {};  ///< of the service: "image"
  std::string region = {};
  std::string interface = {};  ///< one of kInterfaces
  std::string url = {};        ///< without a slash at its end

  bool operator==(const ServiceEndpoint&) const = default;
  /// Whether the other is found by the same words.
  bool stands_for(const ServiceEndpoint& other) const {
    return type == other.type && region == other.region && interface == other.interface;
  }
};

}  // namespace visor::auth
