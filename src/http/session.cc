#include "http/session.h"

#include <array>
#include <cstring>
#include <exception>
#include <utility>

#include "base/log.h"
#include "base/random.h"
#include "http/codec.h"
#include "http/input.h"
#include "http/request_body.h"
#include "http/response_sender.h"
#include "http/under_way.h"

namespace visor::http {
namespace {

using Steady = std::chrono::steady_clock;

// More than any usual head, and little enough that a body's start is not copied twice in bulk.
constexpr std::size_t kFirstRead = 8 * 1024;

// 13 characters of base 32: unique in practice, guessable on purpose (it is a name, not a secret),
// and small enough for a string without allocation.
std::string new_request_id() {
  thread_local std::uint64_t state = [] {
    const std::string seed = random_bytes(sizeof(std::uint64_t));
    std::uint64_t value = 0;
    std::memcpy(&value, seed.data(), sizeof value);
    return value;
  }();
  // SplitMix64: a permutation of a counter, so nothing repeats.
  state += 0x9e3779b97f4a7c15;
  std::uint64_t mixed = state;
  mixed = (mixed ^ (mixed >> 30)) * 0xbf58476d1ce4e5b9;
  mixed = (mixed ^ (mixed >> 27)) * 0x94d049bb133111eb;
  mixed ^= mixed >> 31;
  std::string id(13, '0');
  for (char& c : id) {
    c = "0123456789abcdefghjkmnpqrstvwxyz"[mixed & 31];
    mixed >>= 5;
  }
  return id;
}

// A place among the requests under way on all loops.
class RequestPlace {
 public:
  RequestPlace(std::atomic<std::size_t>& count, std::size_t limit)
      : count_(count), granted_(count.fetch_add(1, std::memory_order_relaxed) < limit) {}
  RequestPlace(const RequestPlace&) = delete;
  RequestPlace& operator=(const RequestPlace&) = delete;
  ~RequestPlace() { count_.fetch_sub(1, std::memory_order_relaxed); }
  bool granted() const { return granted_; }

 private:
  std::atomic<std::size_t>& count_;
  bool granted_;
};

enum class After { next, close, linger };

// One request with its answer.
class Exchange {
 public:
  Exchange(net::Transport& transport, Handler& handler, SessionContext& context, Input& input,
           SessionObserver& observer, bool last)
      : transport_(transport),
        handler_(handler),
        context_(context),
        limits_(context.limits),
        input_(input),
        observer_(observer),
        last_(last) {
    under_way_.transport = &transport_;
    under_way_.head = &head_;
    under_way_.id = &id_;
    under_way_.began = began_;
    under_way_.sent_before = sent_before_;
    observer_.under_way = &under_way_;
  }
  ~Exchange() { observer_.under_way = nullptr; }
  Exchange(const Exchange&) = delete;
  Exchange& operator=(const Exchange&) = delete;

  async::Task<After> run();

 private:
  // How the reading of the head ended: a status other than 0 is to be refused with.
  struct HeadEnd {
    bool complete = false;
    HeadFailure failure;
  };
  async::Task<HeadEnd> read_head();
  async::Task<void> make_out(bool cut);
  async::Task<After> answer();
  async::Task<Response> ask_handler(Request& request);
  async::Task<After> refuse(int status, std::string_view reason);
  async::Task<bool> send(Response& response, Occasion& occasion);
  void report(int status, std::uint64_t bytes_in, std::string_view user, bool complete);

  net::Transport& transport_;
  Handler& handler_;
  SessionContext& context_;
  const Limits& limits_;
  Input& input_;
  SessionObserver& observer_;
  const bool last_;
  const Steady::time_point began_ = Steady::now();
  const std::uint64_t sent_before_ = transport_.bytes_sent();
  const std::string id_ = new_request_id();
  RequestHead head_;
  UnderWay under_way_;
};

async::Task<After> Exchange::run() {
  const HeadEnd end = co_await read_head();
  if (end.failure.status != 0) {
    const bool cut = end.failure.status == 414 || end.failure.status == 431;
    co_await make_out(cut);
    const After after = co_await refuse(end.failure.status, end.failure.reason);
    co_return after;
  }
  if (!end.complete) co_return After::close;
  const RequestPlace place(context_.requests, limits_.requests_at_once);
  if (!place.granted()) {
    const After after =
        co_await refuse(503, "the server has too many requests at once; try again in a moment");
    co_return after;
  }
  const After after = co_await answer();
  co_return after;
}

async::Task<Exchange::HeadEnd> Exchange::read_head() {
  HeadParser parser(limits_);
  transport_.set_deadline(began_ + limits_.head_timeout);
  while (true) {
    const auto outcome = parser.parse(input_.bytes(), head_);
    if (outcome == HeadParser::Outcome::complete) {
      input_.consume(parser.consumed());
      co_return HeadEnd{true, {}};
    }
    if (outcome == HeadParser::Outcome::failed) co_return HeadEnd{false, parser.failure()};
    const auto room = input_.room(kFirstRead);
    Result<std::size_t> count = co_await transport_.read(room);
    if (count && *count > 0) {
      input_.added(*count);
      continue;
    }
    // Who has begun and is too slow is told so; who has gone, or not begun, isn't.
    if (!count && count.error().code == Code::timeout && !input_.empty()) {
      co_return HeadEnd{false, {408, "the head of the request took too long to arrive"}};
    }
    co_return HeadEnd{};
  }
}

// Whose a refused head is, as far as it shows; of one that was too long the rest is waited for a
// moment.
async::Task<void> Exchange::make_out(bool cut) {
  HeadSkimmer skimmer(limits_);
  skimmer.feed(input_.bytes());
  transport_.set_deadline(Steady::now() + limits_.skim_timeout);
  while (cut && !skimmer.finished()) {
    input_.consume(input_.bytes().size());
    const auto room = input_.room(kFirstRead);
    Result<std::size_t> count = co_await transport_.read(room);
    if (!count || *count == 0) break;
    input_.added(*count);
    skimmer.feed(input_.bytes());
  }
  transport_.clear_deadline();
  make_out_head(skimmer.text(), limits_, head_);
}

async::Task<After> Exchange::answer() {
  RequestBody body(transport_, input_, head_, limits_);
  const auto host = head_.field("Host");
  Request request{head_,
                  body,
                  id_,
                  transport_.peer_address(),
                  host ? std::string(*host) : transport_.local_address(),
                  transport_.secure(),
                  {}};
  transport_.clear_deadline();
  under_way_.request = &request;
  under_way_.body = &body;
  under_way_.head_complete = true;
  under_way_.stage = Stage::working;
  Response response = co_await ask_handler(request);
  under_way_.stage = Stage::sending;
  under_way_.self_contained = response.self_contained;

  const bool drain = !body.finished() && body.worth_draining();
  Occasion occasion{head_.method == "HEAD", head_.minor_version, false, id_};
  occasion.close = last_ || response.close || !head_.keep_alive || context_.stopping ||
                   context_.closing || !(body.finished() || drain);
  input_.release_if_empty();
  const bool complete = co_await send(response, occasion);
  report(response.status, body.bytes_read(), request.user, complete);
  under_way_.request = nullptr;
  under_way_.self_contained = occasion.close;
  under_way_.stage = Stage::ending;
  if (!complete) {
    transport_.abort();
    co_return After::close;
  }
  response.source.reset();
  if (occasion.close) {
    // What is unread would turn the close into a reset, and the answer might be lost on its way.
    if (!body.finished() || !input_.empty()) co_return After::linger;
    transport_.set_deadline(Steady::now() + limits_.send.window);
    Result<void> told = co_await transport_.shutdown_send();
    if (!told) transport_.abort();
    co_return After::close;
  }
  if (!body.finished()) {
    const bool drained = co_await body.drain();
    if (!drained) co_return After::close;
  }
  co_return After::next;
}

async::Task<Response> Exchange::ask_handler(Request& request) {
  // A handler must not throw; if one does, its client alone shall notice.
  try {
    Response response = co_await handler_.handle(request);
    co_return response;
  } catch (const std::exception& defect) {
    log::error("a request handler ended with an exception", {{"id", id_}, {"what", defect.what()}});
  }
  Response response = handler_.refuse(500, "the server failed in a way that nobody foresaw", head_);
  response.close = true;
  co_return response;
}

async::Task<bool> Exchange::send(Response& response, Occasion& occasion) {
  const std::uint64_t before = transport_.bytes_sent();
  Result<void> sent =
      co_await send_response(transport_, response, occasion, limits_, context_.slices);
  if (sent) co_return true;
  // A store has time-outs of its own, which are none of the client's.
  const bool clients_fault = !occasion.source_failed && (sent.error().code == Code::cancelled ||
                                                         sent.error().code == Code::timeout);
  log::failure(clients_fault ? log::Level::debug : log::Level::warning, "an answer broke off",
               sent.error(), {{"id", id_}});
  if (clients_fault || !response.source || transport_.bytes_sent() != before) co_return false;
  response = handler_.refuse(503, "the data cannot be read at the moment; try again later", head_);
  response.close = occasion.close = true;
  Result<void> refused =
      co_await send_response(transport_, response, occasion, limits_, context_.slices);
  co_return refused.has_value();
}

async::Task<After> Exchange::refuse(int status, std::string_view reason) {
  Response response = handler_.refuse(status, reason, head_);
  Occasion occasion{head_.method == "HEAD", head_.minor_version, true, id_};
  const bool complete = co_await send(response, occasion);
  report(response.status, 0, {}, complete);
  co_return complete ? After::linger : After::close;
}

void Exchange::report(int status, std::uint64_t bytes_in, std::string_view user, bool complete) {
  if (!context_.on_done) return;
  context_.on_done({head_.method, head_.path, status, bytes_in,
                    transport_.bytes_sent() - sent_before_, Steady::now() - began_,
                    transport_.peer_address(), id_, user, complete});
}

// Tells the client that nothing more comes, and goes on reading for a while, so that it gets to see
// the answer.
async::Task<void> linger(net::Transport& transport, Input& input, const Limits& limits) {
  transport.set_deadline(Steady::now() + limits.linger_timeout);
  Result<void> told = co_await transport.shutdown_send();
  if (!told) co_return;
  std::uint64_t dropped = 0;
  while (dropped <= limits.linger_bytes) {
    input.consume(input.bytes().size());
    const auto room = input.room(SIZE_MAX);
    Result<std::size_t> count = co_await transport.read(room);
    if (!count || *count == 0) break;
    dropped += *count;
  }
}

// Serves what has arrived and what arrives meanwhile; whether the connection goes on.
async::Task<bool> converse(net::Transport& transport, Handler& handler, SessionContext& context,
                           SessionObserver& observer, std::size_t& served) {
  const Limits& limits = context.limits;
  Input input(context.inputs);
  do {
    const bool last = ++served >= limits.requests_per_connection;
    Exchange exchange(transport, handler, context, input, observer, last);
    const After after = co_await exchange.run();
    if (after == After::linger) co_await linger(transport, input, limits);
    if (after != After::next) co_return false;
  } while (!input.empty() && !context.stopping);
  co_return true;
}

}  // namespace

async::Task<void> serve(net::Transport& transport, Handler& handler, SessionContext& context,
                        SessionObserver& observer) {
  std::size_t served = 0;
  try {
    while (!context.stopping) {
      const Limits& limits = context.limits;
      transport.set_deadline(Steady::now() +
                             (served == 0 ? limits.head_timeout : limits.idle_timeout));
      observer.idle(true);
      const bool readable = co_await transport.wait_readable();
      observer.idle(false);
      if (!readable) break;
      const bool goes_on = co_await converse(transport, handler, context, observer, served);
      if (!goes_on) break;
    }
  } catch (const std::exception& defect) {
    log::error("a connection ended with an exception", {{"what", defect.what()}});
  }
  transport.close();
  observer.ended();
}

}  // namespace visor::http
