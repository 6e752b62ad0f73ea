#include "service/warm_images.h"

#include <algorithm>
#include <chrono>
#include <memory>
#include <span>
#include <utility>

#include "async/buffer_pool.h"
#include "async/executor.h"
#include "base/log.h"
#include "image/rules.h"
#include "service/trail.h"

namespace visor::service {
namespace {

// However slow the disk is, a server that stops does not wait for it.
constexpr auto kLongestRest = std::chrono::milliseconds(100);

// On whose behalf what was asked for is done: whoever asked may be gone by then.
Principal the_server() {
  Principal server;
  server.administrator = true;
  server.everybody = true;
  return server;
}

Result<void> check_given_out(const image::Image& image) {
  if (image::phase_of(image) == image::Phase::available) return {};
  return fail(Code::invalid, "image " + image.id +
                                 " has no data that is given out at the moment, so there is "
                                 "nothing to read ahead");
}

std::unexpected<Error> cancelled() { return fail(Code::cancelled, "it was cancelled"); }

}  // namespace

WarmImages::WarmImages(Foundation foundation, ImageService& images, std::size_t most)
    : on_(foundation), images_(images), most_(most) {}

Result<void> WarmImages::check_allowed(const Principal& who, const char* verb,
                                       const std::string& id) const {
  if (who.administrator) return {};
  const Error error{
      Code::forbidden, "only administrators decide which images are read ahead", {}, Retry::never};
  Trail trail(on_.audit, who, verb);
  trail.event().image = id;
  trail.fail(error);
  return std::unexpected(error);
}

async::Task<Result<void>> WarmImages::queue(Principal who, std::string id) {
  if (auto allowed = check_allowed(who, "image.warm", id); !allowed) co_return pass(allowed);
  Result<image::Image> found = co_await images_.show(std::move(who), id);
  if (!found) co_return pass(found);
  const image::Image& image = *found;
  if (auto given_out = check_given_out(image); !given_out) co_return given_out;
  Result<Copy> copy = co_await copy_in_reach(image);
  if (!copy) co_return pass(copy);
  const std::lock_guard lock(mutex_);
  if (std::ranges::find(waiting_, image.id, &Waiting::image) != waiting_.end()) {
    co_return Result<void>{};
  }
  if (waiting_.size() >= most_) {
    co_return fail(Code::rate_limited,
                   std::to_string(most_) + " images wait to be read ahead; ask again later");
  }
  waiting_.push_back({image.id, ++turns_});
  co_return Result<void>{};
}

// The copy that downloads read: the first one that is whole. Only its bytes are worth the memory.
async::Task<Result<Copy>> WarmImages::copy_in_reach(const image::Image& image) {
  Result<std::vector<Copy>> copies = co_await copies_.of(image.blob);
  if (!copies) co_return pass(copies);
  for (Copy& copy : *copies) {
    const store::Store* const store = copies_.store_of(copy);
    if (copy.damaged || store == nullptr) continue;
    if (store->capability().local) co_return std::move(copy);
    co_return fail(Code::invalid,
                   "downloads of image " + image.id + " come from the store " + copy.store +
                       ", which is not on this machine, so reading it ahead brings nothing; copy "
                       "the image into a local store, and remove it from that one");
  }
  co_return fail(Code::invalid, "no copy of image " + image.id +
                                    " can be read, so there is nothing to read ahead");
}

async::Task<Result<std::optional<Description>>> WarmImages::look_up(std::string id) {
  Principal server = the_server();
  Result<Description> known = co_await images_.describe(std::move(server), std::move(id));
  if (known) co_return std::optional<Description>(std::move(*known));
  if (known.error().code == Code::not_found) co_return std::nullopt;
  co_return pass(known);
}

async::Task<Result<WarmStatus>> WarmImages::list(Principal who) {
  if (auto allowed = check_allowed(who, "warm.list", {}); !allowed) co_return pass(allowed);
  std::deque<Warm> warm;
  std::deque<Waiting> waiting;
  {
    const std::lock_guard lock(mutex_);
    warm = warm_;
    waiting = waiting_;
  }
  WarmStatus status;
  for (const Warm& entry : warm) {
    Result<std::optional<Description>> known = co_await look_up(entry.image);
    if (!known) co_return pass(known);
    if (!*known || (*known)->image->blob != entry.blob) {
      const std::lock_guard lock(mutex_);
      std::erase_if(warm_, [&entry](const Warm& each) { return each.blob == entry.blob; });
    } else if (image::may_see(who, *(*known)->image)) {
      status.warm.push_back({entry.image, entry.size, entry.since, (*known)->reads});
    }
  }
  for (const Waiting& entry : waiting) {
    Result<std::optional<Description>> known = co_await look_up(entry.image);
    if (!known) co_return pass(known);
    if (!*known) {
      const std::lock_guard lock(mutex_);
      std::erase_if(waiting_, [&entry](const Waiting& each) { return each.turn == entry.turn; });
    } else if (image::may_see(who, *(*known)->image)) {
      status.waiting.push_back(entry.image);
    }
  }
  co_return status;
}

Result<void> WarmImages::forget(const Principal& who, const std::string& id) {
  if (auto allowed = check_allowed(who, "warm.forget", id); !allowed) return allowed;
  const std::lock_guard lock(mutex_);
  const auto warm = std::erase_if(warm_, [&id](const Warm& each) { return each.image == id; });
  const auto waited =
      std::erase_if(waiting_, [&id](const Waiting& each) { return each.image == id; });
  if (warm + waited > 0) return {};
  return fail(Code::not_found,
              "image " + id.substr(0, 64) + " was not read ahead and does not wait for it");
}

Result<void> WarmImages::clear(const Principal& who, Which which) {
  if (auto allowed = check_allowed(who, "warm.clear", {}); !allowed) return allowed;
  const std::lock_guard lock(mutex_);
  if (which != Which::waiting) warm_.clear();
  if (which != Which::warm) waiting_.clear();
  return {};
}

bool WarmImages::due() const {
  const std::lock_guard lock(mutex_);
  return !waiting_.empty();
}

std::optional<WarmImages::Waiting> WarmImages::next() const {
  const std::lock_guard lock(mutex_);
  if (waiting_.empty()) return std::nullopt;
  return waiting_.front();
}

bool WarmImages::waits(const Waiting& image) const {
  const std::lock_guard lock(mutex_);
  return std::ranges::find(waiting_, image.turn, &Waiting::turn) != waiting_.end();
}

async::Task<void> WarmImages::run() {
  while (!stopping_) {
    const std::optional<Waiting> first = next();
    if (!first) break;
    const Waiting& wanted = *first;
    Result<Warm> outcome = co_await read_ahead(wanted);
    conclude(wanted, std::move(outcome));
  }
}

async::Task<Result<WarmImages::Warm>> WarmImages::read_ahead(const Waiting& wanted) {
  Principal server = the_server();
  Result<Description> known = co_await images_.describe(std::move(server), wanted.image);
  if (!known) co_return pass(known);
  const image::Image& image = *known->image;
  if (auto given_out = check_given_out(image); !given_out) co_return pass(given_out);
  Result<Copy> copy = co_await copy_in_reach(image);
  if (!copy) co_return pass(copy);
  const Copy& read = *copy;
  const Wanted all{image.id, image.size.value_or(0), {}};
  Result<std::unique_ptr<async::ByteSource>> source = co_await copies_.open(read, all);
  if (!source) co_return pass(source);
  async::ByteSource& stream = **source;
  Result<std::uint64_t> size = co_await read_all(stream, wanted);
  if (!size) co_return pass(size);
  co_return Warm{image.id, image.blob, *size, on_.clock.now()};
}

async::Task<Result<std::uint64_t>> WarmImages::read_all(async::ByteSource& source,
                                                        const Waiting& wanted) {
  const async::Buffer buffer = on_.slices.lease();
  const std::span<std::byte> slice = buffer.bytes();
  std::uint64_t size = 0;
  for (;;) {
    if (stopping_ || !waits(wanted)) co_return cancelled();
    const auto began = std::chrono::steady_clock::now();
    Result<std::size_t> count = co_await source.read(slice);
    if (!count) co_return pass(count);
    if (*count == 0) co_return size;
    size += *count;
    const auto took = std::chrono::duration_cast<std::chrono::milliseconds>(
        std::chrono::steady_clock::now() - began);
    async::sleep_for rest(std::min<std::chrono::milliseconds>(took, kLongestRest));
    co_await rest;
  }
}

void WarmImages::conclude(const Waiting& wanted, Result<Warm> outcome) {
  if (!outcome && outcome.error().code != Code::cancelled &&
      outcome.error().code != Code::not_found) {
    log::failure(log::Level::warning, "an image could not be read ahead", outcome.error(),
                 {{"image", wanted.image}});
  }
  const std::lock_guard lock(mutex_);
  const auto waited =
      std::erase_if(waiting_, [&wanted](const Waiting& each) { return each.turn == wanted.turn; });
  // Who asked for it had it forgotten at the last moment.
  if (waited == 0 || !outcome) return;
  std::erase_if(warm_, [&wanted](const Warm& each) { return each.image == wanted.image; });
  warm_.push_back(std::move(*outcome));
  if (warm_.size() > most_) warm_.pop_front();
}

}  // namespace visor::service
