#include "app/identity_parts.h"

#include <utility>

#include "auth/fixed_identity.h"
#include "base/log.h"

namespace visor::app {
namespace {

std::unique_ptr<auth::IdentitySource> open_fixed(const FixedIdentitySettings& settings) {
  Principal everybody =
      settings.administrator ? Principal::root(settings.account) : Principal::of(settings.account);
  log::warning("nobody is asked who they are at the glance listener: everybody is one account",
               {{"account", settings.account}});
  return std::make_unique<auth::FixedIdentity>(std::move(everybody));
}

}  // namespace

Result<std::unique_ptr<auth::IdentitySource>> open_identity(const Configuration& configuration,
                                                            IdentityFoundation /*foundation*/) {
  const IdentitySettings& settings = configuration.identity;
  switch (settings.kind) {
    case IdentitySettings::Kind::none:
      return open_fixed(settings.everybody);
    case IdentitySettings::Kind::own:
    case IdentitySettings::Kind::keystone:
    case IdentitySettings::Kind::http_basic:
      break;
  }
  return fail(Code::unsupported, "this kind of identity is not in this version");
}

}  // namespace visor::app
