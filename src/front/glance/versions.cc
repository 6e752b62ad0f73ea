#include "front/glance/versions.h"

#include <algorithm>
#include <charconv>

#include "document/json.h"
#include "document/value.h"

namespace visor::front::glance {
namespace {

using document::Value;

constexpr int kNewest = 18;
constexpr std::string_view kMediaType = "application/vnd.openstack.images-v";

/// Whether "2" or "2.N" names a version that is spoken.
bool is_spoken(std::string_view version) {
  if (version == "2") return true;
  if (!version.starts_with("2.")) return false;
  version.remove_prefix(2);
  int minor = -1;
  const auto [end, error] = std::from_chars(version.data(), version.data() + version.size(), minor);
  const bool whole = error == std::errc() && end == version.data() + version.size();
  return whole && minor >= 0 && minor <= kNewest && std::to_string(minor) == version;
}

}  // namespace

http::Response list_versions(int status, std::string_view address) {
  Value versions = Value::array();
  for (int minor = kNewest; minor >= 0; --minor) {
    Value link = Value::object();
    link.append("rel", "self").append("href", std::string(address) + "/v2/");
    Value version = Value::object();
    version.append("id", "v2." + std::to_string(minor))
        .append("status", minor == kNewest ? "CURRENT" : "SUPPORTED")
        .append("links", Value::array({std::move(link)}));
    versions.push(std::move(version));
  }
  Value list = Value::object();
  list.append("versions", std::move(versions));
  http::Response response;
  response.status = status;
  response.set("Content-Type", "application/json");
  response.text = document::write_json(list);
  return response;
}

std::optional<std::string> versioned_path(const http::RequestHead& head) {
  const std::string_view path = head.path;
  if (path.starts_with("/v") && path.size() > 2) {
    const std::size_t end = std::min(path.find('/', 1), path.size());
    const std::string_view version = path.substr(2, end - 2);
    if (is_spoken(version)) return "/v2" + std::string(path.substr(end));
    const bool a_version = version[0] >= '0' && version[0] <= '9';
    if (a_version) return std::nullopt;
  }
  const std::string_view accept = head.field("accept").value_or("");
  const std::size_t found = accept.find(kMediaType);
  if (found == std::string_view::npos) return std::nullopt;
  std::string_view version = accept.substr(found + kMediaType.size());
  version = version.substr(0, version.find_first_not_of("0123456789."));
  if (!is_spoken(version)) return std::nullopt;
  return "/v2" + std::string(path);
}

}  // namespace visor::front::glance
