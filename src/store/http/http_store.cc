#include "store/http/http_store.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "store/file_source.h"
#include "store/http/pin.h"
#include "store/http/remote_source.h"

namespace visor::store {
namespace {

// The fetcher takes none, since nobody sends one (RFC 9110, 7.1).
std::string without_fragment(const std::string& key) { return key.substr(0, key.find('#')); }

std::unexpected<Error> read_only() {
  return fail(Code::unsupported, "data on a remote server can be read, not changed", "http");
}

std::unexpected<Error> behind_the_end() {
  return fail(Code::range, "the range starts behind the end of the data", "http.open");
}

std::unexpected<Error> refused(int status) {
  const auto where = "http status=" + std::to_string(status);
  if (status == 404 || status == 410) {
    return fail(Code::not_found, "nothing lies at the location", where);
  }
  if (status == 401 || status == 403) {
    return fail(Code::forbidden, "the remote server does not give the data to this server", where);
  }
  if (status == 412) {
    return fail(Code::precondition, "the remote data has changed since it was registered", where);
  }
  return fail(
      Code::unavailable,
      "the remote server answers with status " + std::to_string(status) + ", not with the data",
      where);
}

/// Servers say so when they don't know HEAD, or have signed the URL for GET alone.
bool head_refused(int status) {
  return status == 400 || status == 403 || status == 405 || status == 501;
}

BlobStatus status_of(const fetch::ResponseHead& head, std::optional<std::uint64_t> size) {
  return {size, version_of(head, size), plain_entity_tag(head)};
}

std::optional<fetch::RequestedRange> requested(const ByteRange& range) {
  if (range.offset == 0 && !range.length) return std::nullopt;
  fetch::RequestedRange result{range.offset, std::nullopt};
  constexpr auto kLargest = std::numeric_limits<std::int64_t>::max();
  if (range.length && *range.length <= static_cast<std::uint64_t>(kLargest) - range.offset) {
    result.last = range.offset + *range.length - 1;
  }
  return result;
}

/// A 206: it must be what was asked for, or bytes would come out in the wrong place.
Result<std::unique_ptr<async::ByteSource>> take_part(fetch::Response& response, ByteRange range,
                                                     const std::string& version) {
  const auto part = response.head.content_range();
  const auto wanted = requested(range);
  if (!part || !wanted || part->first != range.offset) {
    return fail(Code::unavailable,
                "the remote server answers with another range than was asked for",
                "http.open content-range");
  }
  if (auto same = check_version(version, response.head, part->total); !same) return pass(same);
  const auto last = wanted->last.value_or(std::numeric_limits<std::uint64_t>::max());
  const bool complete = part->total ? part->last == std::min(last, *part->total - 1)
                                    : wanted->last && part->last == last;
  const std::uint64_t length = part->last - part->first + 1;
  if (!complete || response.head.content_length.value_or(length) != length) {
    return fail(Code::unavailable,
                "the remote server answers with another range than was asked for",
                "http.open content-range");
  }
  return std::make_unique<RemoteSource>(std::move(response.body), length, false);
}

}  // namespace

HttpStore::HttpStore(fetch::Fetcher& fetcher) : HttpStore(fetcher, Options()) {}
HttpStore::HttpStore(fetch::Fetcher& fetcher, Options options)
    : fetcher_(fetcher), options_(options) {}

Capability HttpStore::capability() const {
  return {.ranges = true, .reference = Capability::Reference::privileged};
}

std::string HttpStore::location(const std::string& key) const {
  const std::string address = without_fragment(key);
  return address.substr(0, address.find('?')) + key.substr(address.size());
}

async::Task<Result<BlobStatus>> HttpStore::stat(std::string key) {
  key = without_fragment(key);
  auto head = co_await fetcher_.head(key);
  if (!head) co_return pass(head);
  if (head->status != 200 && !head_refused(head->status)) co_return refused(head->status);
  // Not a few servers answer HEAD without a length, or with one of 0 for whatever has no body now.
  if (head->status != 200 || head->content_length.value_or(0) == 0) {
    co_return co_await stat_by_get(std::move(key));
  }
  co_return status_of(*head, head->content_length);
}

async::Task<Result<BlobStatus>> HttpStore::stat_by_get(std::string key) {
  const fetch::RequestedRange first_byte{0, 0};
  const fetch::Conditions none;
  auto response = co_await fetcher_.get(std::move(key), first_byte, none);
  if (!response) co_return pass(response);
  const auto& head = (*response)->head;
  if (head.status == 200) co_return status_of(head, head.content_length);
  if (head.status == 416 && head.unsatisfied_total() == std::uint64_t{0}) {
    co_return status_of(head, 0);
  }
  if (head.status != 206) co_return refused(head.status);
  const auto range = head.content_range();
  co_return status_of(head, range ? range->total : std::nullopt);
}

async::Task<Result<std::unique_ptr<async::ByteSource>>> HttpStore::open(std::string key,
                                                                        ByteRange range,
                                                                        std::string version) {
  if (range.length == std::uint64_t{0}) {
    co_return co_await open_nothing(std::move(key), range.offset, std::move(version));
  }
  const auto asked = requested(range);
  auto conditions = conditions_for(version);
  std::string url = without_fragment(key);
  auto response = co_await fetcher_.get(std::move(url), asked, std::move(conditions));
  if (!response) co_return pass(response);
  const auto& head = (*response)->head;
  if (head.status == 206) co_return take_part(**response, range, version);
  if (head.status == 416) {
    if (head.unsatisfied_total() != range.offset) co_return behind_the_end();
    co_return async::text_source({});
  }
  if (head.status != 200) co_return refused(head.status);

  if (auto same = check_version(version, head, head.content_length); !same) co_return pass(same);
  if (range.offset > options_.most_skipped) {
    co_return fail(Code::unsupported,
                   "the remote server cannot send a part of its data, and this part lies too far "
                   "behind to read up to it",
                   "http.open offset=" + std::to_string(range.offset));
  }
  auto& body = *(*response)->body;
  auto skipped = co_await RemoteSource::skip(body, range.offset);
  if (!skipped) co_return pass(skipped);
  if (*skipped < range.offset) co_return behind_the_end();
  if (!head.content_length) {
    co_return std::make_unique<RemoteSource>(std::move((*response)->body), range.length, true);
  }
  const auto extent = extent_of(range, *head.content_length);
  if (!extent) co_return std::unexpected(extent.error());
  co_return std::make_unique<RemoteSource>(std::move((*response)->body), extent->length, false);
}

async::Task<Result<std::unique_ptr<async::ByteSource>>> HttpStore::open_nothing(
    std::string key, std::uint64_t offset, std::string version) {
  auto status = co_await stat(std::move(key));
  if (!status) co_return pass(status);
  if (!version.empty() && status->version != version) co_return refused(412);
  if (status->size && offset > *status->size) co_return behind_the_end();
  co_return async::text_source({});
}

async::Task<Result<std::unique_ptr<BlobWriter>>> HttpStore::create(std::string,
                                                                   std::optional<std::uint64_t>) {
  co_return read_only();
}

async::Task<Result<void>> HttpStore::remove(std::string) { co_return read_only(); }

async::Task<Result<Listing>> HttpStore::list(std::string, std::uint32_t) { co_return read_only(); }

}  // namespace visor::store
