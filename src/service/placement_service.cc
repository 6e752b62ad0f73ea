#include "service/placement_service.h"

#include <algorithm>
#include <exception>
#include <utility>

#include "base/log.h"
#include "base/random.h"
#include "base/units.h"
#include "service/trail.h"

namespace visor::service {
namespace {

using Kind = Placement::Kind;
using State = Placement::State;

constexpr std::size_t kProbeBytes = 4096;

Result<void> check_administrator(const Principal& who) {
  if (who.administrator) return {};
  return fail(Code::forbidden, "only administrators decide where images lie");
}

std::unexpected<Error> no_such_placement(const std::string& id) {
  return fail(Code::not_found, "no placement has the id " + id.substr(0, 64));
}

std::unexpected<Error> no_such_store(const store::StoreSet& stores) {
  std::string names;
  for (const auto& name : stores.names()) names += (names.empty() ? "" : ", ") + name;
  return fail(Code::not_found, "there is no store of that name; the stores here are: " + names);
}

std::string verb_for(Kind kind) {
  return (kind == Kind::scrub ? "store." : "image.") + std::string(to_string(kind));
}

}  // namespace

PlacementService::PlacementService(Foundation foundation, std::vector<DigestAlgorithm> digests)
    : on_(foundation), digests_(std::move(digests)) {}

Result<std::vector<StoreStatus>> PlacementService::stores(const Principal& who) const {
  if (auto allowed = check_administrator(who); !allowed) return pass(allowed);
  std::vector<StoreStatus> all;
  for (const std::string& name : on_.stores.names()) {
    all.push_back({name, name == on_.stores.default_name(), on_.stores.named(name)->capability()});
  }
  return all;
}

async::Task<Result<StoreCheck>> PlacementService::check(Principal who, std::string store) {
  if (auto allowed = check_administrator(who); !allowed) co_return pass(allowed);
  store::Store* checked = on_.stores.named(store);
  if (checked == nullptr) co_return no_such_store(on_.stores);
  StoreCheck answer;
  answer.store = store;
  // What only refers is asked for nothing that it could answer.
  if (!checked->capability().writable) co_return answer;
  const auto began = std::chrono::steady_clock::now();
  // The record of what has to go comes first, so that nothing stays behind.
  const Removal removal{store, "check-" + random_uuid(), 1};
  catalogue::Batch batch;
  batch.puts.push_back({encode(removal), 0});
  Result<void> recorded = co_await on_.catalogue.apply(std::move(batch));
  if (!recorded) co_return pass(recorded);
  Result<void> probed = co_await probe(*checked, removal.key);
  Result<void> removed = co_await removals_.finish(removal);
  if (probed) probed = std::move(removed);
  if (!probed) answer.failure = std::move(probed.error());
  answer.duration = std::chrono::duration_cast<std::chrono::microseconds>(
      std::chrono::steady_clock::now() - began);
  co_return answer;
}

async::Task<Result<void>> PlacementService::probe(store::Store& store, const std::string& key) {
  std::string bytes;
  while (bytes.size() < kProbeBytes) bytes += random_uuid();
  Result<std::unique_ptr<store::BlobWriter>> writer = co_await store.create(key, bytes.size());
  if (!writer) co_return pass(writer);
  store::BlobWriter& blob = **writer;
  Result<void> written = co_await blob.write(std::as_bytes(std::span(bytes)));
  if (!written) {
    co_await blob.abort();
    co_return written;
  }
  Result<void> committed = co_await blob.commit(bytes.size());
  if (!committed) co_return committed;
  Result<std::unique_ptr<async::ByteSource>> source =
      co_await store.open(key, store::ByteRange{}, std::string());
  if (!source) co_return pass(source);
  async::ByteSource& stream = **source;
  Result<std::string> read = co_await async::read_all(stream, 2 * kProbeBytes);
  if (!read) co_return pass(read);
  if (*read != bytes) {
    co_return fail(Code::corrupt, "the store gives back other bytes than it was given");
  }
  co_return Result<void>{};
}

async::Task<Result<image::Image>> PlacementService::visible_image(const Principal& who,
                                                                  std::string id, Trail& trail) {
  if (!is_uuid(id)) co_return image::no_such_image(id);
  Result<catalogue::Record> record = co_await on_.catalogue.get(kImages, id);
  if (!record && record.error().code != Code::not_found) co_return pass(record);
  if (!record) co_return image::no_such_image(id);
  auto image = decode_image(*record);
  if (!image) co_return pass(image);
  if (auto visible = image::check_may_see(who, *image); !visible) {
    trail.hide();
    co_return pass(visible);
  }
  if (image->state == image::DataState::present) co_return std::move(*image);
  co_return fail(Code::conflict, "image " + id + " has no data that lies anywhere");
}

async::Task<Result<std::vector<CopyStatus>>> PlacementService::copies(Principal who,
                                                                      std::string image) {
  Trail trail(on_.audit, who, "image.copies");
  trail.event().image = image;
  Result<image::Image> known;
  if (auto allowed = check_administrator(who); allowed) {
    known = co_await visible_image(who, image, trail);
  } else {
    known = pass(allowed);
  }
  if (!known) {
    trail.fail(known.error());
    co_return pass(known);
  }
  Result<std::vector<Copy>> found = co_await copies_.of(known->blob);
  if (!found) co_return pass(found);
  std::vector<CopyStatus> copies;
  for (const Copy& copy : *found) {
    const store::Store* store = copies_.store_of(copy);
    copies.push_back({copy.store, store == nullptr ? copy.key : store->location(copy.key),
                      copy.referred, copy.damaged});
  }
  co_return copies;
}

async::Task<Result<Placement>> PlacementService::request(Principal who, PlacementRequest request) {
  Trail trail(on_.audit, who, verb_for(request.kind));
  trail.event().image = request.image;
  trail.event().detail = "store=" + request.store;
  Result<Placement> requested = co_await request_told(who, std::move(request), trail);
  co_return co_await trail.close(std::move(requested));
}

async::Task<Result<Placement>> PlacementService::request_told(const Principal& who,
                                                              PlacementRequest request,
                                                              Trail& trail) {
  if (auto allowed = check_administrator(who); !allowed) co_return pass(allowed);
  if (request.kind == Kind::heal) {
    co_return fail(Code::invalid, "copies are healed by a scrub of their store");
  }
  const store::Store* store = on_.stores.named(request.store);
  if (store == nullptr || !store->capability().writable) {
    Error unknown = no_such_store(on_.stores).error();
    if (store != nullptr) {
      unknown.message = "the store " + request.store + " takes no bytes; it only refers to them";
    }
    co_return fail(Code::invalid, std::move(unknown.message));
  }
  Placement placement;
  placement.id = random_uuid();
  placement.kind = request.kind;
  placement.image = request.kind == Kind::scrub ? std::string() : request.image;
  placement.store = std::move(request.store);
  placement.from = std::move(request.from);
  placement.by = who.account;
  placement.created = placement.updated = on_.clock.now();
  if (request.kind != Kind::scrub) {
    Result<image::Image> image = co_await visible_image(who, placement.image, trail);
    if (!image) co_return pass(image);
    trail.tell(*image);
    placement.blob = image->blob;
    Result<Standing> standing = co_await stand(placement);
    if (!standing) co_return pass(standing);
    placement.size = standing->blob.size.value_or(0);
    if (placement.kind == Kind::evict) placement.size = 0;
    if (placement.kind != Kind::move) {
      placement.from.clear();
    } else if (placement.from.empty()) {
      placement.from = standing->copies.front().store;
    }
    if (auto possible = check_possible(placement, *standing); !possible) co_return pass(possible);
  }
  Result<void> unasked = co_await check_unasked(placement);
  if (!unasked) co_return pass(unasked);
  if (auto told = trail.begin(); !told) co_return pass(told);
  catalogue::Batch batch;
  batch.puts.push_back(put_of(placement));
  Result<void> applied = co_await on_.catalogue.apply(std::move(batch));
  if (!applied) co_return pass(applied);
  placement.revision = 1;
  due_ = true;
  co_return placement;
}

// Twice the same would be the same work, or one of the two would fail.
async::Task<Result<void>> PlacementService::check_unasked(const Placement& placement) {
  for (const State state : {State::waiting, State::running}) {
    catalogue::Query query;
    query.collection = kPlacements;
    query.filters = {{kStateFact, std::string(to_string(state))}};
    if (!placement.blob.empty()) query.filters.push_back({"blob", placement.blob});
    query.limit = 1000;
    Result<catalogue::Page> page = co_await on_.catalogue.find(std::move(query));
    if (!page) co_return pass(page);
    for (const auto& record : page->records) {
      auto other = decode_placement(record);
      if (!other || other->kind != placement.kind || other->store != placement.store) continue;
      co_return fail(Code::conflict, "the same is asked for already, by placement " + other->id);
    }
  }
  co_return Result<void>{};
}

async::Task<Result<Placement>> PlacementService::load(std::string id) {
  if (!is_uuid(id)) co_return no_such_placement(id);
  Result<catalogue::Record> record = co_await on_.catalogue.get(kPlacements, id);
  if (!record) {
    if (record.error().code == Code::not_found) co_return no_such_placement(id);
    co_return pass(record);
  }
  auto placement = decode_placement(*record);
  if (!placement) co_return pass(placement);
  co_return with_progress(std::move(*placement));
}

Placement PlacementService::with_progress(Placement placement) const {
  if (placement.state != State::running) return placement;
  if (const auto under_way = live(placement.id)) {
    placement.done = std::max(placement.done, under_way->done.load());
  }
  return placement;
}

async::Task<Result<Placement>> PlacementService::show(Principal who, std::string id) {
  if (auto allowed = check_administrator(who); !allowed) co_return pass(allowed);
  co_return co_await load(std::move(id));
}

async::Task<Result<PlacementPage>> PlacementService::list(Principal who,
                                                          std::optional<std::string> after,
                                                          std::uint32_t limit) {
  if (auto allowed = check_administrator(who); !allowed) co_return pass(allowed);
  if (limit < 1 || limit > 1000) co_return fail(Code::invalid, "limit takes 1 to 1000");
  catalogue::Query query;
  query.collection = kPlacements;
  query.sort = catalogue::kNaturalOrder;
  query.direction = catalogue::Direction::descending;
  query.limit = limit;
  if (after) {
    const auto place = parse_unsigned(*after);
    if (!place) co_return fail(Code::invalid, "the marker is none; take it from 'next'");
    query.after = catalogue::Query::Position{{}, {}, std::min<std::uint64_t>(*place, INT64_MAX)};
  }
  Result<catalogue::Page> found = co_await on_.catalogue.find(std::move(query));
  if (!found) co_return pass(found);
  PlacementPage page;
  for (const auto& record : found->records) {
    auto placement = decode_placement(record);
    if (!placement) co_return pass(placement);
    page.placements.push_back(with_progress(std::move(*placement)));
  }
  // A place stays where it is when the placement there is forgotten.
  if (found->next) page.next = std::to_string(found->next->place);
  co_return page;
}

async::Task<Result<Placement>> PlacementService::cancel(Principal who, std::string id) {
  Trail trail(on_.audit, who, "placement.cancel");
  trail.event().detail = "placement=" + id;
  Result<void> allowed = check_administrator(who);
  Result<Placement> cancelled;
  if (allowed) {
    cancelled = co_await cancel_told(id, trail);
  } else {
    cancelled = pass(allowed);
  }
  co_return co_await trail.close(std::move(cancelled));
}

async::Task<Result<Placement>> PlacementService::cancel_told(const std::string& id, Trail& trail) {
  constexpr int kAttempts = 8;
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    Result<Placement> placement = co_await load(id);
    if (!placement) co_return placement;
    if (placement->over()) {
      co_return fail(Code::conflict, "placement " + id + " is over already");
    }
    if (auto told = trail.begin(); !told) co_return pass(told);
    if (const auto under_way = live(id)) {
      under_way->cancelled = true;
      co_return placement;
    }
    placement->state = State::cancelled;
    placement->updated = on_.clock.now();
    catalogue::Batch batch;
    const Removal removal{placement->store, std::exchange(placement->key, {}), 1};
    if (!removal.key.empty()) batch.puts.push_back({encode(removal), 0});
    batch.puts.push_back(put_of(*placement));
    Result<void> applied = co_await on_.catalogue.apply(std::move(batch));
    if (applied) {
      ++placement->revision;
      co_return placement;
    }
    if (applied.error().code != Code::precondition) co_return pass(applied);
  }
  co_return fail(Code::conflict, "placement " + id + " is changing at the moment; try again");
}

}  // namespace visor::service
