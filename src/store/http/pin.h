// What pins a remote representation.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/error.h"
#include "fetch/fetch.h"

namespace visor::store {

/// The version of a remote blob, as `BlobStatus::version` writes it, the strongest that its server
/// offers:
///   etag:"x"            a strong entity tag (RFC 9110, 8.8.3)
///   modified:<date>     Last-Modified as received
///   weak:W/"x"          a weak entity tag
///   size:123            nothing but its size
/// or empty if the server tells none of these.
std::string version_of(const fetch::ResponseHead& head, std::optional<std::uint64_t> size);

/// The ETag without its quotes and without W/; empty if there is none.
std::string plain_entity_tag(const fetch::ResponseHead& head);

/// The conditions that make a server refuse (412) another version.
fetch::Conditions conditions_for(const std::string& version);

/// `precondition` unless the answer is of this version (empty: any). `size` is of the whole
/// representation, if known.
Result<void> check_version(const std::string& version, const fetch::ResponseHead& head,
                           std::optional<std::uint64_t> size);

}  // namespace visor::store
