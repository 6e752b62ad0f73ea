#include "service/reference.h"

#include <utility>

namespace visor::service {
namespace {

Result<void> check_reference_allowed(const Principal& who, const store::Store& store) {
  using Reference = store::Capability::Reference;
  switch (store.capability().reference) {
    case Reference::nobody:
      return fail(Code::invalid, "images can't be registered by a location of this kind");
    case Reference::administrators:
      if (who.administrator) return {};
      return fail(Code::forbidden,
                  "only administrators may register images by a location of this kind");
    case Reference::privileged:
      if (who.administrator || who.may_refer) return {};
      return fail(Code::forbidden,
                  "your account lacks the privilege to register images by location");
  }
  return fail(Code::internal, "unknown kind of reference");
}

}  // namespace

async::Task<Result<Reference>> look_at_reference(const store::StoreSet& stores,
                                                 const Principal& who, std::string location) {
  const auto located = stores.for_location(location);
  if (located.store == nullptr) {
    co_return fail(Code::invalid, "no store here takes a location of this kind");
  }
  if (auto allowed = check_reference_allowed(who, *located.store); !allowed)
    co_return pass(allowed);
  Result<store::BlobStatus> status = co_await located.store->stat(location);
  if (!status) {
    if (status.error().code == Code::not_found) {
      co_return fail(Code::not_found, "nothing lies at that location", status.error().where);
    }
    co_return pass(status);
  }
  if (!status->size) {
    co_return fail(
        Code::invalid,
        "the server at that location does not say how large the data is; upload it instead");
  }
  Reference reference;
  reference.store = located.name;
  reference.shown = located.store->location(location);
  reference.location = std::move(location);
  reference.size = *status->size;
  reference.version = std::move(status->version);
  reference.entity_tag = std::move(status->entity_tag);
  co_return reference;
}

}  // namespace visor::service
