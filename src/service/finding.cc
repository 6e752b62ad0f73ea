// Lists of images.
#include <algorithm>
#include <tuple>
#include <utility>

#include "service/image_service.h"

namespace visor::service {
namespace {

// What a list that several attributes order is sorted from: as many as fit into memory easily.
constexpr std::size_t kMostSorted = 100'000;
constexpr std::uint32_t kLargestPage = 1000;

std::string sort_value(const image::Image& image, const image::AttributeName& attribute) {
  if (!attribute.extra) return image::fact_value(image::core_text(image, attribute.name));
  const auto found = image.extra.find(attribute.name);
  return found == image.extra.end() ? std::string() : image::fact_value(found->second);
}

/// Where an image stands among others, by several attributes and then as it came.
struct Rank {
  std::vector<std::string> values;
  std::uint64_t place = 0;
  std::string id;
};

class Order {
 public:
  explicit Order(const image::Query& query) : keys_(query.then_by) {
    keys_.insert(keys_.begin(), {*query.sort, query.descending});
  }

  Rank rank(const image::Image& image, std::uint64_t place) const {
    Rank rank{{}, place, image.id};
    for (const auto& [attribute, down] : keys_) rank.values.push_back(sort_value(image, attribute));
    return rank;
  }

  bool operator()(const Rank& left, const Rank& right) const {
    for (std::size_t i = 0; i < keys_.size(); ++i) {
      if (left.values[i] == right.values[i]) continue;
      return (left.values[i] < right.values[i]) != keys_[i].second;
    }
    return left.place < right.place;
  }

 private:
  std::vector<std::pair<image::AttributeName, bool>> keys_;
};

}  // namespace

// Where an image stands that somebody named as the last of a page.
async::Task<Result<image::Standing>> ImageService::standing_of(const Principal& who, std::string id,
                                                               const std::string& sort) {
  Result<catalogue::Record> record = co_await on_.catalogue.get(kImages, id);
  Result<image::Image> last = record ? decode_image(*record) : image::no_such_image(id);
  if (!record && record.error().code != Code::not_found) co_return pass(record);
  if (last && !image::may_see(who, *last)) last = image::no_such_image(id);
  if (!last && last.error().code == Code::not_found) {
    co_return fail(Code::invalid,
                   "the image that the marker names is gone; take the marker from 'next' instead");
  }
  if (!last) co_return pass(last);
  image::Standing standing{{}, record->place};
  for (const catalogue::Fact& fact : record->facts) {
    if (fact.name == sort) standing.value = fact.value;
  }
  co_return standing;
}

async::Task<Result<catalogue::Query>> ImageService::catalogue_query(const Principal& who,
                                                                    const image::Query& query) {
  if (query.limit < 1 || query.limit > 1000) co_return fail(Code::invalid, "limit takes 1 to 1000");
  catalogue::Query asked;
  asked.collection = kImages;
  if (!(who.administrator && who.everybody))
    asked.access = image::access_values(who.account, query);
  if (query.access) {
    asked.filters.push_back({"access", image::fact_value(image::to_string(*query.access))});
  }
  for (const image::Condition& condition : query.conditions) {
    catalogue::Condition& added = asked.conditions.emplace_back();
    added.name = image::fact_name(condition.attribute);
    added.negated = condition.negated;
    for (const image::FactRange& range : condition.ranges) {
      added.ranges.push_back({range.from, range.to});
    }
  }
  for (const auto& filter : query.filters) {
    asked.filters.push_back({image::fact_name(filter.attribute), image::fact_value(filter.value)});
  }
  if (query.sort) {
    const bool by_creation = !query.sort->extra && query.sort->name == "created_at";
    asked.sort = by_creation ? catalogue::kNaturalOrder : image::fact_name(*query.sort);
  }
  asked.direction =
      query.descending ? catalogue::Direction::descending : catalogue::Direction::ascending;
  asked.limit = query.limit;
  if (query.marker) {
    auto marker = image::read_marker(*query.marker);
    if (!marker) co_return pass(marker);
    if (query.sort && !marker->standing) {
      Result<image::Standing> standing = co_await standing_of(who, marker->id, asked.sort);
      if (!standing) co_return pass(standing);
      marker->standing = std::move(*standing);
    }
    image::Standing standing = std::move(marker->standing).value_or(image::Standing{});
    asked.after = catalogue::Query::Position{std::move(standing.value), std::move(marker->id),
                                             standing.place};
  }
  co_return asked;
}

async::Task<Result<image::Page>> ImageService::find(Principal who, image::Query query) {
  if (!query.then_by.empty()) co_return co_await find_in_order(who, query);
  Result<catalogue::Query> asked = co_await catalogue_query(who, query);
  if (!asked) co_return pass(asked);
  Result<catalogue::Page> found = co_await on_.catalogue.find(std::move(*asked));
  if (!found) co_return pass(found);
  image::Page page;
  page.images.reserve(found->records.size());
  for (const auto& record : found->records) {
    auto image = decode_image(record);
    if (!image) co_return pass(image);
    page.images.push_back(std::move(*image));
  }
  if (found->next && query.sort) {
    const image::Standing standing{found->next->value, found->next->place};
    page.next = image::write_marker(standing, found->next->id);
  } else if (found->next) {
    page.next = found->next->id;
  }
  co_return page;
}

// No index has several attributes: all that match are looked at, for each page anew.
async::Task<Result<image::Page>> ImageService::find_in_order(const Principal& who,
                                                             const image::Query& query) {
  image::Query unordered = query;
  unordered.then_by.clear();
  unordered.marker.reset();
  unordered.sort = image::AttributeName{"created_at", false};
  unordered.limit = kLargestPage;
  Result<catalogue::Query> asked = co_await catalogue_query(who, unordered);
  if (!asked) co_return pass(asked);
  const Order order(query);
  std::vector<Rank> ranks;
  do {
    Result<catalogue::Page> found = co_await on_.catalogue.find(*asked);
    if (!found) co_return pass(found);
    for (const auto& record : found->records) {
      auto image = decode_image(record);
      if (!image) co_return pass(image);
      ranks.push_back(order.rank(*image, record.place));
    }
    asked->after = found->next;
    if (ranks.size() > kMostSorted) {
      co_return fail(Code::invalid,
                     "these are more images than can be sorted by several attributes; narrow the "
                     "list with a filter, or sort it by one");
    }
  } while (asked->after);
  std::ranges::sort(ranks, order);
  auto next = ranks.begin();
  if (query.marker) {
    next = std::ranges::find(ranks, *query.marker, &Rank::id);
    if (next == ranks.end()) {
      co_return fail(Code::invalid, "the image that the marker names is not in this list");
    }
    ++next;
  }
  image::Page page;
  for (; next != ranks.end() && page.images.size() < query.limit; ++next) {
    Result<image::Image> image = co_await load(next->id);
    if (image) page.images.push_back(std::move(*image));
    if (!image && image.error().code != Code::not_found) co_return pass(image);
  }
  if (next != ranks.end() && !page.images.empty()) page.next = page.images.back().id;
  co_return page;
}

async::Task<Result<std::vector<image::Image>>> ImageService::in_phase(std::string account,
                                                                      image::Phase phase) {
  image::Query query;
  query.filters = {{{"owner", false}, account},
                   {{"phase", false}, std::string(image::to_string(phase))}};
  query.limit = kLargestPage;
  std::vector<image::Image> images;
  const Principal owner = Principal::of(account);
  for (;;) {
    Result<image::Page> page = co_await find(owner, query);
    if (!page) co_return pass(page);
    for (image::Image& image : page->images) images.push_back(std::move(image));
    if (!page->next) co_return images;
    query.marker = page->next;
  }
}

async::Task<Result<Usage>> ImageService::usage(Principal who) {
  if (who.anonymous()) co_return fail(Code::forbidden, "an account is needed for this");
  Result<Quota> limits = co_await on_.quotas.of(who.account);
  if (!limits) co_return pass(limits);
  Result<std::int64_t> bytes = co_await on_.catalogue.counter(bytes_counter(who.account));
  if (!bytes) co_return pass(bytes);
  Result<std::int64_t> images = co_await on_.catalogue.counter(images_counter(who.account));
  if (!images) co_return pass(images);
  Result<std::vector<image::Image>> staged = co_await in_phase(who.account, image::Phase::staged);
  if (!staged) co_return pass(staged);
  Usage usage{*limits, static_cast<std::uint64_t>(*bytes), static_cast<std::uint64_t>(*images)};
  for (const image::Image& image : *staged) usage.staged_bytes += image.size.value_or(0);
  for (const image::Phase phase : {image::Phase::receiving, image::Phase::importing}) {
    Result<std::vector<image::Image>> coming = co_await in_phase(who.account, phase);
    if (!coming) co_return pass(coming);
    usage.uploading += coming->size();
  }
  co_return usage;
}

}  // namespace visor::service
