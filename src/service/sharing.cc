// Changes by a rule of the domain: sharing, and holding data back.
#include <utility>

#include "service/image_service.h"
#include "service/quota.h"
#include "service/trail.h"

namespace visor::service {
namespace {

// How often a verb starts again when somebody else changed the image in between.
constexpr int kAttempts = 8;

}  // namespace

async::Task<Result<image::Image>> ImageService::apply_rule(Principal who, std::string id,
                                                           std::string verb, Rule rule) {
  Trail trail(on_.audit, who, std::move(verb));
  trail.event().image = id;
  Result<image::Image> changed = co_await apply_rule_told(who, id, rule, trail);
  if (changed) trail.tell(*changed);
  co_return co_await trail.close(std::move(changed));
}

async::Task<Result<image::Image>> ImageService::apply_rule_told(const Principal& who,
                                                                const std::string& id,
                                                                const Rule& rule, Trail& trail) {
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    Result<image::Image> image = co_await load(id);
    if (!image) co_return pass(image);
    if (!image::may_see(who, *image)) {
      trail.hide();
      co_return image::no_such_image(id);
    }
    if (auto applied = rule(*image); !applied) co_return pass(applied);
    image->updated_at = on_.clock.now();
    Result<catalogue::Batch> batch = co_await batch_for(*image);
    if (!batch) co_return pass(batch);
    if (auto told = trail.begin(); !told) co_return pass(told);
    Result<void> changed = co_await on_.catalogue.apply(std::move(*batch));
    if (changed) {
      ++image->revision;
      co_return image;
    }
    if (changed.error().code != Code::precondition) co_return pass(changed);
  }
  co_return fail(Code::conflict,
                 "image " + id + " is being changed by others at the same time; try again");
}

async::Task<Result<image::Image>> ImageService::share(Principal who, std::string id,
                                                      std::string account) {
  Rule rule = [this, who, account](image::Image& image) -> Result<void> {
    if (auto allowed = image::check_may_change(who, image); !allowed) return allowed;
    return image::share(image, account, on_.clock.now());
  };
  return apply_rule(std::move(who), std::move(id), "image.share", std::move(rule));
}

async::Task<Result<image::Image>> ImageService::respond(Principal who, std::string id,
                                                        std::string account,
                                                        image::Member::Answer answer) {
  Rule rule = [this, who, account, answer](image::Image& image) {
    return image::respond(who, image, account, answer, on_.clock.now());
  };
  return apply_rule(std::move(who), std::move(id), "image.respond", std::move(rule));
}

async::Task<Result<image::Image>> ImageService::unshare(Principal who, std::string id,
                                                        std::string account) {
  Rule rule = [who, account](image::Image& image) -> Result<void> {
    if (auto allowed = image::check_may_change(who, image); !allowed) return allowed;
    return image::unshare(image, account);
  };
  return apply_rule(std::move(who), std::move(id), "image.unshare", std::move(rule));
}

async::Task<Result<image::Image>> ImageService::deactivate(Principal who, std::string id) {
  Rule rule = [who](image::Image& image) { return image::deactivate(who, image); };
  return apply_rule(std::move(who), std::move(id), "image.deactivate", std::move(rule));
}

async::Task<Result<image::Image>> ImageService::reactivate(Principal who, std::string id) {
  Rule rule = [who](image::Image& image) { return image::reactivate(who, image); };
  return apply_rule(std::move(who), std::move(id), "image.reactivate", std::move(rule));
}

// An image that gets another owner is counted against that one's quota from then on.
async::Task<Result<void>> ImageService::add_transfer(const image::Image& before,
                                                     const image::Image& now,
                                                     catalogue::Batch& batch) {
  if (before.owner == now.owner) co_return Result<void>{};
  if (before.state == image::DataState::uploading || before.importing != image::Importing::no) {
    co_return fail(Code::conflict,
                   "image " + now.id + " is being uploaded; whose it is can be changed after that");
  }
  Result<Quota> quota = co_await on_.quotas.of(now.owner);
  if (!quota) co_return pass(quota);
  const bool charged = now.size && !now.referred;
  const auto bytes = static_cast<std::int64_t>(charged ? *now.size : 0);
  batch.counters.push_back({images_counter(before.owner), -1, std::nullopt});
  batch.counters.push_back({images_counter(now.owner), 1, as_limit(quota->images)});
  batch.counters.push_back({bytes_counter(before.owner), -bytes, std::nullopt});
  batch.counters.push_back({bytes_counter(now.owner), bytes, as_limit(quota->bytes)});
  co_return Result<void>{};
}

}  // namespace visor::service
