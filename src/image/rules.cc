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

bool may_see(const Principal& who, const Image& image) {
  return image.access == Access::everyone || owned_by(who, image) || reaches_everybody(who);
}

Result<void> check_may_see(const Principal& who, const Image& image) {
  if (may_see(who, image)) return {};
  return no_such_image(image.id);
}

Result<void> check_may_change(const Principal& who, const Image& image) {
  if (!may_see(who, image)) return no_such_image(image.id);
  if (owned_by(who, image) || reaches_everybody(who)) return {};
  return fail(Code::forbidden,
              named(image) + " belongs to another account; only its owner may change it");
}

Result<void> check_may_register(const Principal& who) {
  if (!who.anonymous()) return {};
  return fail(Code::forbidden, "an account is needed for this; sign the request");
}

std::unexpected<Error> no_such_image(std::string_view id) {
  return fail(Code::not_found, "no image has the id " + std::string(id.substr(0, 64)));
}

Result<void> begin_upload(Image& image, std::string session) {
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

Result<void> fail_upload(Image& image, const std::string& session) {
  if (image.state != DataState::uploading || image.session != session) return wrong_state(image);
  image.state = DataState::error;
  image.session.clear();
  return {};
}

Result<void> refer(Image& image, DataFacts data, Time now) {
  if (!takes_data(image)) return wrong_state(image);
  take(image, std::move(data), now);
  return {};
}

Result<void> relocate(Image& image, std::string store, std::string location) {
  if (image.state != DataState::present) return wrong_state(image);
  image.store = std::move(store);
  image.location = std::move(location);
  image.referred = false;
  image.entity_tag.clear();
  return {};
}

Result<void> check_downloadable(const Image& image) {
  if (image.state != DataState::present) {
    return fail(Code::not_found,
                named(image) + " has no data yet (" +
                    (image.state == DataState::uploading ? "its upload is under way)"
                     : image.state == DataState::error   ? "its upload failed)"
                                                         : "nothing was uploaded)"));
  }
  if (image.lifecycle == Lifecycle::deactivated || image.lifecycle == Lifecycle::quarantined) {
    return fail(Code::forbidden, named(image) + " is " + std::string(to_string(image.lifecycle)) +
                                     "; its data is held back until it is activated again");
  }
  return {};
}

}  // namespace visor::image
