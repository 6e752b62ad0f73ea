// Outbound HTTP and HTTPS: the only way out of the server.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "async/task.h"
#include "async/worker_pool.h"
#include "base/error.h"
#include "fetch/call.h"
#include "fetch/guard.h"
#include "fetch/response.h"

namespace visor::fetch {

class Exchange;
class Loop;
struct Request;

/// A part of the body to ask for: both ends are included, no last: to the end (RFC 9110, 14.1.2).
struct RequestedRange {
  std::uint64_t first = 0;
  std::optional<std::uint64_t> last;
};

/// Conditions as RFC 9110, 13.1, writes their fields' values; empty: none.
struct Conditions {
  std::string if_match = {};
  std::string if_unmodified_since = {};
  std::string if_range = {};
};

/// Fetches what the guard allows. One thread runs all transfers; it is started, and libcurl loaded,
/// by the first request that the guard lets pass. A body is pulled with at most 512 KiB read ahead.
/// No proxy, cookies, credentials or content codings; connections are kept and used again. A
/// redirect is followed by our own code, each hop past the guard, never from https to http. A GET
/// or HEAD that breaks before its answer began, or is answered with 502, 503 or 504, is tried again
/// after a random pause while the retry budget (a tenth of all requests) lasts.
///
/// Thread-safe. Calls are made on an executor's thread and go on there; the fetcher outlives them.
/// Bodies may outlive it: they end with `cancelled`.
///
/// Errors beside the guard's: `unavailable` (not reachable, broke off, certificate not verified,
/// libcurl not installed), `timeout`, `too_large`, `unsupported` (a redirect that is not followed;
/// data without a length), `cancelled`. An HTTP status is no error here.
class Fetcher {
 public:
  struct Options {
    std::chrono::milliseconds connect_timeout{10'000};     ///< TCP and TLS together, each address
    std::chrono::milliseconds first_byte_timeout{30'000};  ///< from then to the end of the head
    std::chrono::milliseconds expect_timeout{
        1'000};  ///< how long a body that asks for leave waits for it; then it is sent all the same
    std::uint64_t minimum_rate =
        1024;  ///< bytes a second over each `rate_period`, unless the reader is slow
    std::chrono::milliseconds rate_period{30'000};
    std::uint64_t largest_body = std::uint64_t{1} << 44;
    unsigned most_redirects = 0;  ///< 0 to 3; 0 follows none
    unsigned attempts = 3;        ///< at least 1
    std::chrono::milliseconds first_pause{
        100};  ///< before the second attempt at most this, doubled each time
    std::size_t most_transfers = 512;
    std::string user_agent = "visor";
    std::string authorities_file =
        {};  ///< PEM file of the certificates to trust; empty: the system's
    bool verify_certificates = true;  ///< false: for laboratories; anybody can be the server then
  };

  static Result<std::unique_ptr<Fetcher>> create(Options options, Guard guard);
  ~Fetcher();
  Fetcher(const Fetcher&) = delete;
  Fetcher& operator=(const Fetcher&) = delete;

  const Guard& guard() const { return guard_; }

  /// Ends everything that is under way with `cancelled`; nothing begins any more.
  void stop();

  async::Task<Result<ResponseHead>> head(std::string url);
  async::Task<Result<std::unique_ptr<Response>>> get(std::string url,
                                                     std::optional<RequestedRange> range = {},
                                                     Conditions conditions = {});

  /// Sends a request of any method, with a body if it has one, past the same guard. A redirect is
  /// never followed: the caller sees it with its Location. GET, HEAD and DELETE without a body are
  /// tried again as `get` is; nothing else is, once it may have reached the server.
  ///
  /// The body is pulled while the server takes it, so a slow server holds the source back; a server
  /// that takes less than the minimum rate ends the call with `timeout`. A source that fails or
  /// ends before `body_size` ends the call with that error (`invalid` for the latter). A server
  /// that answers with a status of 300 or more before it has the whole body gets no more of it, and
  /// the answer is given once a pending read of the source has returned.
  ///
  /// Errors beside those above: `invalid` for a call that makes no request.
  async::Task<Result<std::unique_ptr<Response>>> call(Call call);

 private:
  struct Started;
  class Budget;

  Fetcher(Options options, Guard guard, std::shared_ptr<Loop> loop);
  async::Task<Result<CheckedTarget>> look_up(const Url& url);
  async::Task<Result<Started>> follow(Url url, bool head_only, std::vector<std::string> fields);
  async::Task<Result<Started>> try_target(CheckedTarget target, Request request,
                                          async::ByteSource* body);
  async::Task<Result<void>> send_body(std::shared_ptr<Exchange> exchange, async::ByteSource& body,
                                      std::optional<std::uint64_t> size);

  const Options options_;
  const Guard guard_;
  const std::shared_ptr<Loop> loop_;
  const std::unique_ptr<Budget> budget_;
  async::WorkerPool resolver_;
};

}  // namespace visor::fetch
