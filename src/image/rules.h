// Who may do what with an image, and which state follows which. Decided here and nowhere else.
#pragma once

#include "base/error.h"
#include "base/principal.h"
#include "image/image.h"

namespace visor::image {

/// Whether an image is shared with the caller's account.
bool is_member(const Principal& who, const Image& image);

/// Everyone's images, the community's, those shared with one's account, and one's own; an
/// administrator who asks for everybody's sees all.
bool may_see(const Principal& who, const Image& image);

/// Fails with not_found for an image that `who` may not see (its existence is not disclosed) and
/// with forbidden for one that they may only see.
Result<void> check_may_see(const Principal& who, const Image& image);
Result<void> check_may_change(const Principal& who, const Image& image);

/// `forbidden` for who may only read.
Result<void> check_may_write(const Principal& who);

/// Whether `who` may make of the image `before` what it is now: another owner is an administrator's
/// to give, and not everyone may make an image everybody's. `forbidden` otherwise.
Result<void> check_change(const Principal& who, const Image& before, const Image& now);

/// Anonymous callers change nothing.
Result<void> check_may_register(const Principal& who);

/// The error for an image that does not exist or must seem not to.
std::unexpected<Error> no_such_image(std::string_view id);

/// An import begins to work on the image: it `gathers` data, or spreads what is there. `conflict`
/// while another one does.
Result<void> begin_import(Image& image, std::string import, bool gathers);
void end_import(Image& image);
/// staged → present. `conflict` from any other state.
Result<void> adopt_staged(Image& image, Time now);
/// The image has no data any more.
void drop_data(Image& image, Time now);
/// The same where the data was a reference's and not what it should be: the image goes on telling
/// where that was, until it gets other data.
void distrust(Image& image, Time now);

/// none or error → uploading. `conflict` from any other state, and while an import works on the
/// image that is not `import`.
Result<void> begin_upload(Image& image, std::string session, std::string_view import = {});

/// What a finished upload or an accepted reference says of the data.
struct DataFacts {
  std::string blob;
  std::string store;
  std::string location;
  bool referred = false;
  std::optional<std::uint64_t> size;
  Digests digests;
  std::string entity_tag;
  std::string detected_format;  ///< taken only if the image has no format of its own
};

/// uploading → present, for the session that began it; `conflict` otherwise.
Result<void> finish_upload(Image& image, const std::string& session, DataFacts data, Time now);

/// uploading → staged, likewise.
Result<void> finish_staging(Image& image, const std::string& session, DataFacts data, Time now);

/// uploading → error, for the session that began it; `conflict` otherwise.
Result<void> fail_upload(Image& image, const std::string& session);

/// none or error → present by a reference. `conflict` as for begin_upload.
Result<void> refer(Image& image, DataFacts data, Time now, std::string_view import = {});

/// The same data lies elsewhere from now on. `referred`: no copy of it is ours. `conflict` unless
/// the data is present.
Result<void> relocate(Image& image, std::string store, std::string location, bool referred);

/// Whether `who` gets the data: present and neither deactivated nor quarantined. `not_found` while
/// there is none, `forbidden` while it is held back; an administrator of everybody's images gets
/// that of a deactivated one.
Result<void> check_downloadable(const Principal& who, const Image& image);

/// `forbidden` for an image that is kept.
Result<void> check_removable(const Image& image);

/// Holds the data back, or gives it free again; what is so already stays. `conflict` while there is
/// none. Only an administrator frees what is quarantined.
Result<void> deactivate(const Principal& who, Image& image);
Result<void> reactivate(const Principal& who, Image& image);

inline constexpr std::size_t kMaxMembers = 128;

/// Shares an image with an account. `forbidden` if its access is not `members`, `conflict` if it is
/// shared with it already, `quota` for too many, `invalid` for an account without a name.
Result<void> share(Image& image, const std::string& account, Time now);
/// What the account says to it. Only its own people may, or an administrator; `not_found` if the
/// image is not shared with it.
Result<void> respond(const Principal& who, Image& image, const std::string& account,
                     Member::Answer answer, Time now);
/// `not_found` if the image is not shared with the account.
Result<void> unshare(Image& image, const std::string& account);

}  // namespace visor::image
