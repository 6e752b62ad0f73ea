// Data of an image that lies in another image service of the same cloud.
#pragma once

#include <string>

#include "async/task.h"
#include "auth/identity_source.h"
#include "base/error.h"
#include "base/secret.h"
#include "service/import_service.h"

namespace visor::front::glance {

/// How other services of the cloud are reached.
struct Remote {
  auth::IdentitySource& identities;  ///< knows where they are
  std::string authorities_file;      ///< PEM file of the certificates to trust; empty: the system's
};

struct RemoteImage {
  std::string id;
  auth::ServiceQuery service;
  Secret token;  ///< what the caller proved itself by, which the other service takes too
};

/// Looks an image up and opens its data. It is asked wherever the caller's catalogue says that the
/// service is, which is the cloud's own word, and nowhere else: no redirect is followed. Of its
/// attributes only the formats are taken, and the properties that say what a machine needs to run
/// it. Errors: `not_found` (such a service, such an image), `conflict` (it has no data),
/// `unavailable`, `corrupt` (it answers with what is no image).
async::Task<Result<service::Brought>> open_remote_image(Remote remote, RemoteImage image);

}  // namespace visor::front::glance
