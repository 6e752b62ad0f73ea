// What becomes of an image that another image service has: no I/O, documents in and decisions out.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "document/value.h"

namespace visor::command {

/// What is to be done for one image.
enum class Step {
  create,     ///< the target doesn't have it
  resume,     ///< the target has it without its data
  update,     ///< the target has it whole, with other metadata, and --update was given
  withdraw,   ///< the target has it whole and serves it, though the source doesn't any more
  same,       ///< the target has it whole
  differs,    ///< the same, but its metadata is another, which stays so
  not_ready,  ///< the source has no data to give yet: it is being uploaded or was deleted
  conflict,   ///< the target has other data under this id
};

/// "copy", "resume", "update", …: for --dry-run and documents.
std::string_view to_string(Step step);

/// How metadata is taken over.
struct ImportRules {
  bool update = false;      ///< images that are there get the source's metadata
  bool keep_owners = true;  ///< false: what comes belongs to whom the target's token belongs to
};

/// Documents are those of the Image API v2 (`GET /v2/images/{id}`); `target` is null if there is no
/// such image.
Step decide(const document::Value& source, const document::Value* target, const ImportRules& rules);

/// Whether the source has data for this image, active or deactivated.
bool has_data(const document::Value& image);
/// Its size in bytes; 0 if it has no data.
std::uint64_t data_size(const document::Value& image);

/// The body of the request that creates the image: its id and all that can be set.
document::Value new_image(const document::Value& source, const ImportRules& rules);
/// The JSON patch (RFC 6902) that gives the target the source's metadata; empty if it has that.
document::Value metadata_changes(const document::Value& source, const document::Value& target,
                                 const ImportRules& rules);
/// Why the target's data is not the source's, as the end of a sentence; nothing if it is, as far as
/// both tell: by digest of the same kind, else by MD5, and always by size.
std::optional<std::string> data_difference(const document::Value& source,
                                           const document::Value& target);

/// What is to be done to one member of a shared image.
struct MemberChange {
  enum class Kind { add, answer, remove };
  Kind kind;
  std::string member;
  std::string status;  ///< for add and answer: pending, accepted or rejected
};
/// From the members' arrays of both sides. A new one is pending, until it is answered for.
std::vector<MemberChange> member_changes(const document::Value& source,
                                         const document::Value& target);

}  // namespace visor::command
