#include "auth/http_basic.h"

#include <optional>
#include <utility>

#include "base/encoding.h"

namespace visor::auth {
namespace {

constexpr std::string_view kScheme = "basic ";
constexpr std::size_t kLongest = 1024;

struct Pair {
  std::string access_key;
  Secret secret;
};

std::optional<Pair> read(std::string_view authorization) {
  if (authorization.size() > kLongest || authorization.size() < kScheme.size()) return std::nullopt;
  if (!equal_ignoring_case(authorization.substr(0, kScheme.size()), kScheme)) return std::nullopt;
  auto decoded = from_base64(trim(authorization.substr(kScheme.size())));
  if (!decoded) return std::nullopt;
  const Secret both(std::move(*decoded));
  const std::size_t colon = both.reveal().find(':');
  if (colon == std::string_view::npos) return std::nullopt;
  return Pair{std::string(both.reveal().substr(0, colon)),
              Secret(std::string(both.reveal().substr(colon + 1)))};
}

}  // namespace

async::Task<Result<Principal>> HttpBasicIdentity::identify(Presented presented) {
  auto pair = read(presented.authorization);
  if (!pair) co_return refuse_caller("auth.http_basic: form");
  auto found = co_await passwords_.check(std::move(pair->access_key), std::move(pair->secret),
                                         presented.address);
  if (!found) co_return pass(found);
  co_return (*found)->principal;
}

std::string HttpBasicIdentity::challenge() const {
  return R"(Basic realm="visor", charset="UTF-8")";
}

}  // namespace visor::auth
