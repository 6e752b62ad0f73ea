#include "fetch/fetch.h"

#include <algorithm>
#include <atomic>
#include <limits>
#include <random>
#include <utility>

#include "fetch/body_source.h"
#include "fetch/exchange.h"
#include "fetch/loop.h"
#include "fetch/request_fields.h"

namespace visor::fetch {
namespace {

constexpr unsigned kMostRedirects = 3;
constexpr std::size_t kMostAddressesTried = 4;

bool is_redirect(int status) {
  return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

bool may_pass(int status) { return status == 502 || status == 503 || status == 504; }

/// A random pause up to `longest` ("full jitter"), so that those who failed together don't come
/// back together.
std::chrono::milliseconds random_pause(std::chrono::milliseconds longest) {
  static thread_local std::mt19937 generator{std::random_device{}()};
  return std::chrono::milliseconds(
      std::uniform_int_distribution<std::int64_t>(0, longest.count())(generator));
}

Result<std::vector<std::string>> fields_of(const std::optional<RequestedRange>& range,
                                           const Conditions& conditions) {
  std::vector<std::string> fields;
  if (range) {
    fields.push_back("Range: bytes=" + std::to_string(range->first) + "-" +
                     (range->last ? std::to_string(*range->last) : std::string()));
  }
  for (const auto& [name, value] :
       {std::pair("If-Match", &conditions.if_match),
        std::pair("If-Unmodified-Since", &conditions.if_unmodified_since),
        std::pair("If-Range", &conditions.if_range)}) {
    if (value->empty()) continue;
    if (auto added = add_field(fields, name, *value); !added) return pass(added);
  }
  return fields;
}

}  // namespace

struct Fetcher::Started {
  std::shared_ptr<Exchange> exchange;
  ResponseHead head;
};

/// Retries may be a tenth of the requests: when everything fails, trying again makes it worse.
class Fetcher::Budget {
 public:
  void earn() {
    if (tenths_.load() < kFull) ++tenths_;
  }
  bool spend() {
    int available = tenths_.load();
    while (available >= kRetry) {
      if (tenths_.compare_exchange_weak(available, available - kRetry)) return true;
    }
    return false;
  }

 private:
  static constexpr int kRetry = 10;
  static constexpr int kFull = 200;
  std::atomic<int> tenths_ = kFull;
};

Fetcher::Fetcher(Options options, Guard guard, std::shared_ptr<Loop> loop)
    : options_(std::move(options)),
      guard_(std::move(guard)),
      loop_(std::move(loop)),
      budget_(std::make_unique<Budget>()),
      resolver_("resolver", 4, 128) {}

Fetcher::~Fetcher() { stop(); }

void Fetcher::stop() { loop_->stop(); }

Result<std::unique_ptr<Fetcher>> Fetcher::create(Options options, Guard guard) {
  options.most_redirects = std::min(options.most_redirects, kMostRedirects);
  options.attempts = std::max(options.attempts, 1u);
  TransferLimits limits;
  limits.connect_timeout = options.connect_timeout;
  limits.first_byte_timeout = options.first_byte_timeout;
  limits.expect_timeout = options.expect_timeout;
  limits.minimum_rate = options.minimum_rate;
  limits.rate_period = options.rate_period;
  limits.largest_body = options.largest_body;
  limits.user_agent = options.user_agent;
  limits.authorities_file = options.authorities_file;
  limits.verify_certificates = options.verify_certificates;
  auto loop = std::make_shared<Loop>(std::move(limits), options.most_transfers);
  return std::unique_ptr<Fetcher>(
      new Fetcher(std::move(options), std::move(guard), std::move(loop)));
}

async::Task<Result<ResponseHead>> Fetcher::head(std::string url) {
  auto parsed = parse_url(url);
  if (!parsed) co_return pass(parsed);
  std::vector<std::string> fields;
  auto started = co_await follow(std::move(*parsed), true, std::move(fields));
  if (!started) co_return pass(started);
  co_return std::move(started->head);
}

async::Task<Result<std::unique_ptr<Response>>> Fetcher::get(std::string url,
                                                            std::optional<RequestedRange> range,
                                                            Conditions conditions) {
  auto parsed = parse_url(url);
  if (!parsed) co_return pass(parsed);
  auto fields = fields_of(range, conditions);
  if (!fields) co_return pass(fields);
  auto started = co_await follow(std::move(*parsed), false, std::move(*fields));
  if (!started) co_return pass(started);
  auto response = std::make_unique<Response>();
  const auto size = started->head.content_length;
  response->body = std::make_unique<BodySource>(loop_, std::move(started->exchange), size);
  response->head = std::move(started->head);
  co_return std::move(response);
}

async::Task<Result<CheckedTarget>> Fetcher::look_up(const Url& url) {
  auto check = [this, &url]() -> Result<CheckedTarget> {
    auto target = guard_.check(url);
    if (!target) return pass(target);
    // Here, where nothing but a resolver waits for libcurl to be loaded.
    auto started = loop_->start();
    if (!started) return pass(started);
    return target;
  };
  auto target = co_await resolver_.run(std::move(check));
  co_return std::move(target);
}

async::Task<Result<Fetcher::Started>> Fetcher::follow(Url url, bool head_only,
                                                      std::vector<std::string> fields) {
  for (unsigned hops = 0;; ++hops) {
    auto target = co_await look_up(url);
    if (!target) co_return pass(target);
    Request request;
    request.method = head_only ? "HEAD" : "GET";
    request.fields = fields;
    auto started = co_await try_target(std::move(*target), std::move(request), nullptr);
    if (!started || !is_redirect(started->head.status)) co_return std::move(started);

    loop_->cancel(started->exchange);
    const auto location = started->head.field("location");
    const std::string where = "fetch.redirect " + url.authority();
    if (options_.most_redirects == 0) {
      co_return fail(Code::unsupported,
                     "the remote server redirects elsewhere, which is not followed here: give the "
                     "final location",
                     where);
    }
    if (hops >= options_.most_redirects) {
      co_return fail(Code::unsupported, "the remote server redirects too many times", where);
    }
    if (!location) {
      co_return fail(Code::unavailable, "the remote server redirects without saying where", where);
    }
    auto next = resolve_reference(url, *location);
    if (!next) {
      co_return fail(Code::forbidden, "the remote server redirects to a place that is not allowed",
                     where + " " + next.error().message);
    }
    if (url.scheme == "https" && next->scheme != "https") {
      co_return fail(Code::forbidden, "the remote server redirects to an insecure location", where);
    }
    url = std::move(*next);
  }
}

async::Task<Result<std::unique_ptr<Response>>> Fetcher::call(Call call) {
  auto request = request_for(call);
  if (!request) co_return pass(request);
  auto url = parse_url(call.url);
  if (!url) co_return pass(url);
  auto target = co_await look_up(*url);
  if (!target) co_return pass(target);
  const bool head_only = request->head_only();
  async::ByteSource* const body = request->sends ? call.body : nullptr;
  auto started = co_await try_target(std::move(*target), std::move(*request), body);
  if (!started) co_return pass(started);
  auto response = std::make_unique<Response>();
  if (head_only) {
    response->body = async::text_source("");
  } else {
    const auto size = started->head.content_length;
    response->body = std::make_unique<BodySource>(loop_, std::move(started->exchange), size);
  }
  response->head = std::move(started->head);
  co_return std::move(response);
}

async::Task<Result<Fetcher::Started>> Fetcher::try_target(CheckedTarget target, Request request,
                                                          async::ByteSource* body) {
  budget_->earn();
  const unsigned attempts = may_repeat(request) ? options_.attempts : 1;
  const std::size_t addresses = std::min(target.addresses.size(), kMostAddressesTried);
  std::size_t address = 0;
  auto longest_pause = options_.first_pause;
  request.url = target.url;
  for (unsigned attempt = 1;;) {
    request.address = target.addresses[address];
    auto exchange = loop_->begin(request);
    if (!exchange) co_return pass(exchange);
    if (body != nullptr) {
      auto sent = co_await send_body(*exchange, *body, request.body_size);
      if (!sent) co_return pass(sent);
    }
    auto head = co_await (*exchange)->head();
    const bool done = head && (attempt >= attempts || !may_pass(head->status));
    if (done) co_return Started{std::move(*exchange), std::move(*head)};
    if (!head && (*exchange)->failure().unconnected && address + 1 < addresses) {
      ++address;
      request.delay = {};
      continue;
    }
    const bool repeatable = head.has_value() || (*exchange)->failure().repeatable;
    if (!repeatable || attempt >= attempts || !budget_->spend()) {
      if (head) co_return Started{std::move(*exchange), std::move(*head)};
      if (attempt > 1) head.error().retry = Retry::exhausted;
      co_return pass(head);
    }
    loop_->cancel(*exchange);
    ++attempt;
    address = 0;
    request.delay = random_pause(longest_pause);
    longest_pause *= 2;
  }
}

async::Task<Result<void>> Fetcher::send_body(std::shared_ptr<Exchange> exchange,
                                             async::ByteSource& body,
                                             std::optional<std::uint64_t> size) {
  std::uint64_t left = size.value_or(std::numeric_limits<std::uint64_t>::max());
  while (true) {
    auto space = co_await exchange->room_to_send();
    if (space.empty()) {
      // Whatever libcurl still waits for, it needs no more.
      loop_->resume_sending(exchange);
      co_return Result<void>{};
    }
    if (space.size() > left) space = space.first(static_cast<std::size_t>(left));
    std::size_t count = 0;
    if (left > 0) {
      auto read = co_await body.read(space);
      if (!read) {
        loop_->cancel(exchange);
        co_return pass(read);
      }
      count = *read;
    }
    if (count == 0 && size && left > 0) {
      loop_->cancel(exchange);
      co_return fail(Code::invalid, "the data to send ended before the size that was announced",
                     "fetch.send missing=" + std::to_string(left));
    }
    left -= count;
    const bool last = count == 0 || left == 0;
    if (exchange->filled(count, last)) loop_->resume_sending(exchange);
    if (last) co_return Result<void>{};
  }
}

}  // namespace visor::fetch
