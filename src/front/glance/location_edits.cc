#include "front/glance/location_edits.h"

#include <algorithm>
#include <charconv>
#include <optional>
#include <set>
#include <string>
#include <utility>

#include "base/encoding.h"
#include "document/json.h"

namespace visor::front::glance {
namespace {

using document::Value;

constexpr std::size_t kLongestUrl = 2048;
constexpr std::size_t kLargestMetadata = 4096;
// The server says itself in which store a location is.
constexpr std::string_view kStore = "store";

std::size_t hex_length(DigestAlgorithm algorithm) {
  switch (algorithm) {
    case DigestAlgorithm::md5:
      return 32;
    case DigestAlgorithm::sha1:
      return 40;
    case DigestAlgorithm::sha256:
      return 64;
    case DigestAlgorithm::sha512:
      return 128;
  }
  return 0;
}

bool names_all(const Operation& operation) { return operation.path.size() == 1; }

/// The position that an operation names, at most `last`; `-` is `last` where something is added.
std::optional<std::size_t> position_of(const Operation& operation, std::size_t last) {
  if (operation.path.size() != 2) return std::nullopt;
  const std::string& step = operation.path[1];
  if (step == "-") {
    if (operation.kind == Operation::Kind::add) return last;
    return std::nullopt;
  }
  std::size_t position = 0;
  const char* const end = step.data() + step.size();
  const auto read = std::from_chars(step.data(), end, position);
  if (read.ec != std::errc() || read.ptr != end || position > last) return std::nullopt;
  return position;
}

/// A list of locations that is being changed.
class List {
 public:
  List(const image::Image& image, const std::vector<service::Location>& places)
      : has_data_(image.state == image::DataState::present), before_(places) {
    wanted_.places = places;
  }

  Result<void> apply(const Operation& operation) {
    if (operation.path.front() != "locations") {
      return fail(Code::invalid, "locations are changed by a patch of their own");
    }
    switch (operation.kind) {
      case Operation::Kind::add:
        return names_all(operation) ? replace(operation.value) : add(operation);
      case Operation::Kind::replace:
        if (names_all(operation)) return replace(operation.value);
        return fail(Code::invalid, "locations are replaced all at once, or added and removed");
      case Operation::Kind::remove:
        return remove(operation);
    }
    return {};
  }

  Result<service::WantedLocations> wanted() {
    if (!has_data_) {
      if (auto form = check_claim(wanted_.claimed); !form) return pass(form);
    }
    return std::move(wanted_);
  }

 private:
  Result<void> add(const Operation& operation) {
    const auto position = position_of(operation, wanted_.places.size());
    if (!position) return fail(Code::invalid, "Invalid position for adding a location.");
    auto place = read(operation.value);
    if (!place) return pass(place);
    wanted_.places.insert(wanted_.places.begin() + static_cast<std::ptrdiff_t>(*position),
                          std::move(*place));
    return {};
  }

  Result<void> replace(const Value& value) {
    const auto* const entries = value.as_array();
    if (entries == nullptr) return fail(Code::invalid, "locations is a list of locations");
    if (entries->empty()) {
      return fail(Code::forbidden, "Cannot set locations to an empty list.");
    }
    std::vector<service::Location> places;
    for (const Value& entry : *entries) {
      auto place = read(entry);
      if (!place) return pass(place);
      places.push_back(std::move(*place));
    }
    if (!before_.empty() && urls_of(places) != urls_of(wanted_.places)) {
      return fail(Code::invalid,
                  "replacing an image's locations can only order them anew and change their "
                  "metadata; add and remove them one by one");
    }
    wanted_.places = std::move(places);
    return {};
  }

  Result<void> remove(const Operation& operation) {
    if (names_all(operation) || wanted_.places.size() == 1) {
      return fail(Code::forbidden, "Cannot remove the last location of an image.");
    }
    const std::size_t count = wanted_.places.size();
    const auto position = position_of(operation, count);
    if (!position || *position >= count) {
      return fail(Code::invalid, "Invalid position for removing a location.");
    }
    wanted_.places.erase(wanted_.places.begin() + static_cast<std::ptrdiff_t>(*position));
    return {};
  }

  Result<service::Location> read(const Value& value) {
    const std::string* const url = value.text("url");
    if (url == nullptr || url->empty() || url->size() > kLongestUrl) {
      return fail(Code::invalid, "a location needs a url of at most 2048 characters");
    }
    // Those that the server made itself can be of any kind.
    const bool known =
        std::ranges::find(before_, *url, &service::Location::location) != before_.end();
    if (!known) {
      if (auto web = check_web_address(*url); !web) return pass(web);
    }
    auto claimed = read_claim(value);
    if (!claimed) return pass(claimed);
    for (auto& [algorithm, digest] : *claimed) {
      const auto [claim, added] = wanted_.claimed.try_emplace(algorithm, digest);
      if (!added && claim->second != digest) {
        return fail(Code::conflict, "the locations' digests differ");
      }
    }
    service::Location place;
    place.location = *url;
    const Value* const metadata = value.find("metadata");
    if (metadata == nullptr) return place;
    if (!metadata->is_object()) return fail(Code::invalid, "a location's metadata is an object");
    Value kept = *metadata;
    kept.erase(kStore);
    if (kept.size() > 0) place.metadata = document::write_json(kept);
    if (place.metadata.size() > kLargestMetadata) {
      return fail(Code::invalid, "a location's metadata has at most 4096 bytes");
    }
    return place;
  }

  static std::multiset<std::string> urls_of(const std::vector<service::Location>& places) {
    std::multiset<std::string> urls;
    for (const service::Location& place : places) urls.insert(place.location);
    return urls;
  }

  const bool has_data_;
  const std::vector<service::Location>& before_;
  service::WantedLocations wanted_;
};

}  // namespace

Result<void> check_web_address(std::string_view uri) {
  const std::string scheme = to_lower(uri.substr(0, uri.find("://")));
  if (scheme == "http" || scheme == "https") return {};
  return fail(Code::invalid, "images are fetched from http and https addresses only");
}

Result<Digests> read_claim(const document::Value& location) {
  Digests claimed;
  const Value* const data = location.find("validation_data");
  if (data == nullptr || data->is_null()) return claimed;
  if (const std::string* const checksum = data->text("checksum")) {
    claimed[DigestAlgorithm::md5] = to_lower(*checksum);
  }
  const std::string* const algorithm = data->text("os_hash_algo");
  const std::string* const value = data->text("os_hash_value");
  if ((algorithm == nullptr) != (value == nullptr)) {
    return fail(Code::invalid, "os_hash_algo and os_hash_value come together");
  }
  if (algorithm == nullptr) return claimed;
  const auto known = parse_digest_algorithm(*algorithm);
  if (!known) return fail(Code::invalid, "os_hash_algo is md5, sha1, sha256 or sha512");
  claimed[*known] = to_lower(*value);
  return claimed;
}

Result<void> check_claim(const Digests& claimed) {
  for (const auto& [algorithm, digest] : claimed) {
    if (digest.size() == hex_length(algorithm) && from_hex(digest)) continue;
    return fail(Code::invalid,
                "the digest is none of " + std::string(to_string(algorithm)) + " in hexadecimal");
  }
  return {};
}

bool changes_locations(const std::vector<Operation>& operations) {
  return std::ranges::any_of(
      operations, [](const Operation& operation) { return operation.path.front() == "locations"; });
}

Result<service::WantedLocations> read_locations(const image::Image& image,
                                                const std::vector<service::Location>& places,
                                                const std::vector<Operation>& operations) {
  List list(image, places);
  for (const Operation& operation : operations) {
    if (auto applied = list.apply(operation); !applied) return pass(applied);
  }
  return list.wanted();
}

document::Value locations_document(const std::vector<service::Location>& places, bool whole) {
  Value list = Value::array();
  for (const service::Location& place : places) {
    auto noted = document::parse_json(place.metadata);
    Value metadata = noted ? std::move(*noted) : Value::object();
    metadata.set(std::string(kStore), place.store);
    Value shown = Value::object();
    shown.append("url", whole ? place.location : place.shown)
        .append("metadata", std::move(metadata));
    list.push(std::move(shown));
  }
  return list;
}

}  // namespace visor::front::glance
