// Which versions of the API there are, and how a request names one.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "http/message.h"

namespace visor::front::glance {

/// The list of versions, as GET / and GET /versions show it. `address`: what links begin with.
http::Response list_versions(int status, std::string_view address);

/// The path as it is routed: every name of the one version becomes "/v2". A path without a version
/// gets it from the media type `application/vnd.openstack.images-v2.N` in Accept. Nothing if the
/// request asks for a version that there is not.
std::optional<std::string> versioned_path(const http::RequestHead& head);

}  // namespace visor::front::glance
