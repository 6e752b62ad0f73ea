#include "image/rules.h"

#include <string>
#include <utility>

namespace visor::image {
namespace {

std::string named(const Image& image) { return "image " + image.id; }

std::unexpected<Error> wrong_state(const Image& image) {
  switch (image.state) {
    case DataState::uploading:
      return fail(Code::conflict,
                  named(image) + " is being uploaded right now; wait until that is done");
    case DataState::staged:
      return fail(Code::conflict, named(image) + " has staged data already");
    case DataState::present:
      return fail(
          Code::conflict,
          named(image) + " has its data already, which never changes; register a new image");
    default:
      return fail(Code::conflict, named(image) + " is not in a state that allows this");
  }
}

bool takes_data(const Image& image) {
  return image.state == DataState::none || image.state == DataState::error;
}

void take(Image& image, DataFacts data, Time now) {
  image.state = DataState::present;
  image.session.clear();
  image.blob = std::move(data.blob);
  image.store = std::move(data.store);
  image.location = std::move(data.location);
  image.referred = data.referred;
  image.size = data.size;
  image.digests = std::move(data.digests);
  image.entity_tag = std::move(data.entity_tag);
  if (image.format.empty()) image.format = std::move(data.detected_format);
  image.uploaded_at = now;
  image.updated_at = now;
}

bool owned_by(const Principal& who, const Image& image) {
  return !who.anonymous() && image.owner == who.account;
}
bool reaches_everybody(const Principal& who) { return who.administrator && who.everybody; }

}  // namespace

bool is_member(const Principal& who, const Image& image) {
  return image.access == Access::members && !who.anonymous() && image.members.contains(who.account);
}

bool may_see(const Principal& who, const Image& image) {
  return image.access == Access::everyone || image.access == Access::community ||
         owned_by(who, image) || is_member(who, image) || reaches_everybody(who);
}

Result<void> check_may_see(const Principal& who, const Image& image) {
  if (may_see(who, image)) return {};
  return no_such_image(image.id);
}

Result<void> check_may_change(const Principal& who, const Image& image) {
  if (!may_see(who, image)) return no_such_image(image.id);
  if (auto writes = check_may_write(who); !writes) return writes;
  if (owned_by(who, image) || reaches_everybody(who)) return {};
  return fail(Code::forbidden,
              named(image) + " belongs to another account; only its owner may change it");
}

Result<void> check_change(const Principal& who, const Image& before, const Image& now) {
  if (now.owner != before.owner && !who.administrator) {
    return fail(Code::forbidden, "only administrators may say whose an image is");
  }
  if (now.access == Access::everyone && before.access != Access::everyone && !who.may_publish) {
    return fail(Code::forbidden, "only administrators may make an image public");
  }
  return {};
}

Result<void> check_may_write(const Principal& who) {
  if (!who.read_only) return {};
  return fail(Code::forbidden, "your role lets you read only; ask for one that changes images");
}

Result<void> check_may_register(const Principal& who) {
  if (!who.anonymous()) return check_may_write(who);
  return fail(Code::forbidden, "an account is needed for this; sign the request");
}

std::unexpected<Error> no_such_image(std::string_view id) {
  return fail(Code::not_found, "no image has the id " + std::string(id.substr(0, 64)));
}

Result<void> check_import(const Image& image, std::string_view import) {
  if (image.importing == Importing::no || image.import == import) return {};
  return fail(Code::conflict,
              named(image) + " is being imported right now; wait until that is done");
}

Result<void> begin_import(Image& image, std::string import, bool gathers) {
  if (auto idle = check_import(image, ""); !idle) return idle;
  image.import = std::move(import);
  image.importing = gathers ? Importing::gathering : Importing::spreading;
  image.failed_stores.clear();
  return {};
}

void end_import(Image& image) {
  image.importing = Importing::no;
  image.awaited_stores.clear();
}

Result<void> adopt_staged(Image& image, Time now) {
  if (image.state != DataState::staged) return wrong_state(image);
  image.state = DataState::present;
  image.uploaded_at = now;
  image.updated_at = now;
  return {};
}

void drop_data(Image& image, Time now) {
  image.state = DataState::none;
  image.blob.clear();
  // Where a reference lay, no upload can go.
  if (image.referred) image.store.clear();
  image.location.clear();
  image.referred = false;
  image.size.reset();
  image.virtual_size.reset();
  image.digests.clear();
  image.entity_tag.clear();
  image.uploaded_at.reset();
  image.updated_at = now;
}

void distrust(Image& image, Time now) {
  std::string location = std::move(image.location);
  drop_data(image, now);
  image.location = std::move(location);
}

Result<void> begin_upload(Image& image, std::string session, std::string_view import) {
  if (auto free = check_import(image, import); !free) return free;
  if (!takes_data(image)) return wrong_state(image);
  image.state = DataState::uploading;
  image.session = std::move(session);
  return {};
}

Result<void> finish_upload(Image& image, const std::string& session, DataFacts data, Time now) {
  if (image.state != DataState::uploading || image.session != session) return wrong_state(image);
  take(image, std::move(data), now);
  return {};
}

Result<void> finish_staging(Image& image, const std::string& session, DataFacts data, Time now) {
  if (image.state != DataState::uploading || image.session != session) return wrong_state(image);
  take(image, std::move(data), now);
  image.state = DataState::staged;
  image.uploaded_at.reset();
  return {};
}

Result<void> fail_upload(Image& image, const std::string& session) {
  if (image.state != DataState::uploading || image.session != session) return wrong_state(image);
  image.state = DataState::error;
  image.session.clear();
  return {};
}

Result<void> refer(Image& image, DataFacts data, Time now, std::string_view import) {
  if (auto free = check_import(image, import); !free) return free;
  if (!takes_data(image)) return wrong_state(image);
  take(image, std::move(data), now);
  return {};
}

Result<void> relocate(Image& image, std::string store, std::string location, bool referred) {
  if (image.state != DataState::present) return wrong_state(image);
  image.store = std::move(store);
  image.location = std::move(location);
  image.referred = referred;
  image.entity_tag.clear();
  return {};
}

Result<void> check_removable(const Image& image) {
  if (!image.kept) return {};
  return fail(Code::forbidden,
              named(image) + " is protected and can't be deleted; take the protection away first");
}

Result<void> deactivate(const Principal& who, Image& image) {
  if (auto allowed = check_may_change(who, image); !allowed) return allowed;
  if (image.state != DataState::present) return wrong_state(image);
  if (image.lifecycle != Lifecycle::quarantined) image.lifecycle = Lifecycle::deactivated;
  return {};
}

Result<void> reactivate(const Principal& who, Image& image) {
  if (auto allowed = check_may_change(who, image); !allowed) return allowed;
  if (image.state != DataState::present) return wrong_state(image);
  if (image.lifecycle == Lifecycle::quarantined && !who.administrator) {
    return fail(Code::forbidden,
                named(image) + " is quarantined; only an administrator may set it free");
  }
  if (image.lifecycle != Lifecycle::deprecated) image.lifecycle = Lifecycle::active;
  return {};
}

namespace {

Result<void> check_shared(const Image& image) {
  if (image.access == Access::members) return {};
  return fail(Code::forbidden, "only shared images have members; " + named(image) + " is " +
                                   std::string(to_string(image.access)) + "'s");
}

std::unexpected<Error> no_such_member(const Image& image, const std::string& account) {
  return fail(Code::not_found, named(image) + " is not shared with " + account.substr(0, 64));
}

}  // namespace

Result<void> share(Image& image, const std::string& account, Time now) {
  if (auto shared = check_shared(image); !shared) return shared;
  if (account.empty() || account.size() > 200) {
    return fail(Code::invalid, "a member is named by its account: 1 to 200 characters");
  }
  if (image.members.contains(account)) {
    return fail(Code::conflict, named(image) + " is shared with " + account + " already");
  }
  if (image.members.size() >= kMaxMembers) {
    return fail(Code::quota,
                "an image is shared with at most " + std::to_string(kMaxMembers) + " accounts");
  }
  image.members[account] = {Member::Answer::pending, now, now};
  return {};
}

Result<void> respond(const Principal& who, Image& image, const std::string& account,
                     Member::Answer answer, Time now) {
  if (!may_see(who, image)) return no_such_image(image.id);
  if (auto writes = check_may_write(who); !writes) return writes;
  const auto member = image.members.find(account);
  const bool own = !who.anonymous() && who.account == account;
  if (!own && !reaches_everybody(who)) {
    if (!owned_by(who, image)) return no_such_member(image, account);
    return fail(Code::forbidden, "only " + account.substr(0, 64) +
                                     " can say whether it takes the image; its owner can't");
  }
  if (member == image.members.end()) return no_such_member(image, account);
  member->second.answer = answer;
  member->second.updated_at = now;
  return {};
}

Result<void> unshare(Image& image, const std::string& account) {
  if (auto shared = check_shared(image); !shared) return shared;
  if (image.members.erase(account) == 0) return no_such_member(image, account);
  return {};
}

Result<void> check_downloadable(const Principal& who, const Image& image) {
  if (image.state != DataState::present || image.importing == Importing::gathering) {
    return fail(Code::not_found,
                named(image) + " has no data yet (" +
                    (image.importing == Importing::gathering ? "its import is under way)"
                     : image.state == DataState::uploading   ? "its upload is under way)"
                     : image.state == DataState::error       ? "its upload failed)"
                                                             : "nothing was uploaded)"));
  }
  if (image.lifecycle == Lifecycle::deactivated && reaches_everybody(who)) return {};
  if (image.lifecycle == Lifecycle::deactivated || image.lifecycle == Lifecycle::quarantined) {
    return fail(Code::forbidden, named(image) + " is " + std::string(to_string(image.lifecycle)) +
                                     "; its data is held back until it is activated again");
  }
  return {};
}

}  // namespace visor::image
