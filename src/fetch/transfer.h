// One easy handle of libcurl and what it must obey. Private to this folder; used on the loop's
// thread alone.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "fetch/address.h"
#include "fetch/exchange.h"
#include "fetch/url.h"

namespace visor::fetch {

struct CurlLibrary;

/// What one exchange asks, of which address.
struct Request {
  Url url;
  Address address;
  std::string method = "GET";
  std::vector<std::string> fields;  ///< "Name: value"
  bool sends = false;               ///< a body, which the exchange gives
  std::optional<std::uint64_t> body_size;
  bool expect_continue = false;
  std::optional<std::chrono::milliseconds> answer_timeout;
  std::chrono::milliseconds delay{0};

  bool head_only() const { return method == "HEAD"; }
};

struct TransferLimits {
  std::chrono::milliseconds connect_timeout{10'000};
  std::chrono::milliseconds first_byte_timeout{30'000};
  std::chrono::milliseconds expect_timeout{1'000};
  std::uint64_t minimum_rate = 1024;  ///< bytes a second, over each `rate_period`
  std::chrono::milliseconds rate_period{30'000};
  std::uint64_t largest_body = std::uint64_t{1} << 44;
  std::string user_agent = "visor";
  std::string authorities_file;  ///< certificates to trust; empty: the system's
  bool verify_certificates = true;
};

class Transfer {
 public:
  using Time = std::chrono::steady_clock::time_point;

  /// `limits` and `curl` outlive the transfer.
  Transfer(Request request, std::shared_ptr<Exchange> exchange, const TransferLimits& limits,
           const CurlLibrary& curl);
  ~Transfer();
  Transfer(const Transfer&) = delete;
  Transfer& operator=(const Transfer&) = delete;

  void* handle() const { return easy_; }  ///< CURL*
  Time not_before() const { return not_before_; }
  /// Makes the handle ready; false if libcurl refuses.
  bool prepare();
  /// Tells the exchange how it ended, by libcurl's result.
  void finish(int curl_code);
  /// Ends it with an error of our own.
  void fail(Error error, bool repeatable = false);
  /// Whether a deadline passed; the exchange was told then.
  bool overdue(Time now);
  void resume();
  void resume_sending();

 private:
  static std::size_t on_header(char* data, std::size_t size, std::size_t count, void* self);
  static std::size_t on_body(char* data, std::size_t size, std::size_t count, void* self);
  static std::size_t on_send(char* into, std::size_t size, std::size_t count, void* self);
  static int open_socket(void* self, int purpose, void* curl_address);

  bool prepare_method();
  std::optional<std::size_t> give_body(std::span<std::byte> into);
  void start_window();
  bool take_line(std::string_view line);
  bool take_field(std::string_view line);
  bool complete_head();
  std::optional<Error> check_framing();
  bool take_body(std::span<const std::byte> bytes);
  std::string where() const;
  Exchange::Failure failure_of(int curl_code) const;

  const Request request_;
  const std::shared_ptr<Exchange> exchange_;
  const TransferLimits& limits_;
  const CurlLibrary& curl_;
  void* easy_ = nullptr;
  struct Lists;
  std::unique_ptr<Lists> lists_;
  std::string error_text_;
  Time not_before_;
  Time head_deadline_;
  Time window_start_;
  std::uint64_t window_bytes_ = 0;
  std::uint64_t received_ = 0;
  std::uint64_t sent_ = 0;
  ResponseHead head_;
  std::size_t head_bytes_ = 0;
  bool status_line_next_ = true;
  bool head_complete_ = false;
  bool paused_ = false;
  bool sending_ = false;            ///< from the first byte that libcurl wanted to the last
  bool sending_paused_ = false;     ///< the body's source is slow
  std::optional<Error> own_error_;  ///< why a callback stopped the transfer
};

}  // namespace visor::fetch
