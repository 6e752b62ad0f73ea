#include "fetch/transfer.h"

#include <sys/socket.h>

#include <utility>

#include "base/encoding.h"
#include "base/units.h"
#include "fetch/curl_library.h"

namespace visor::fetch {
namespace {

constexpr std::size_t kMostFields = 256;
constexpr std::size_t kLargestHead = 64 * kKiB;

Error make_error(Code code, std::string message, std::string where) {
  return visor::fail(code, std::move(message), std::move(where)).error();
}

std::string connect_to(const Request& request) {
  const auto address = request.address.text();
  const auto host = request.address.is_ipv6 ? "[" + address + "]" : address;
  return "::" + host + ":" + std::to_string(request.url.port);
}

bool broke_off(int code) {
  return code == CURLE_PARTIAL_FILE || code == CURLE_RECV_ERROR || code == CURLE_SEND_ERROR ||
         code == CURLE_GOT_NOTHING || code == CURLE_SEND_FAIL_REWIND;
}

bool is_certificate_error(int code) {
  return code == CURLE_PEER_FAILED_VERIFICATION || code == CURLE_SSL_CACERT_BADFILE ||
         code == CURLE_SSL_ISSUER_ERROR;
}

}  // namespace

struct Transfer::Lists {
  const CurlLibrary& curl;
  curl_slist* fields = nullptr;
  curl_slist* connect_to = nullptr;

  explicit Lists(const CurlLibrary& library) : curl(library) {}
  ~Lists() {
    curl.slist_free_all(fields);
    curl.slist_free_all(connect_to);
  }
  bool add(curl_slist*& list, const std::string& text) const {
    curl_slist* longer = curl.slist_append(list, text.c_str());
    if (longer != nullptr) list = longer;
    return longer != nullptr;
  }
};

Transfer::Transfer(Request request, std::shared_ptr<Exchange> exchange,
                   const TransferLimits& limits, const CurlLibrary& curl)
    : request_(std::move(request)),
      exchange_(std::move(exchange)),
      limits_(limits),
      curl_(curl),
      lists_(std::make_unique<Lists>(curl)),
      error_text_(CURL_ERROR_SIZE, '\0'),
      not_before_(std::chrono::steady_clock::now() + request_.delay) {}

Transfer::~Transfer() {
  if (easy_ != nullptr) curl_.easy_cleanup(easy_);
}

bool Transfer::prepare() {
  easy_ = curl_.easy_init();
  if (easy_ == nullptr) return false;
  bool sound = lists_->add(lists_->connect_to, connect_to(request_)) &&
               lists_->add(lists_->fields, "Accept: */*") &&
               lists_->add(lists_->fields, "Accept-Encoding: identity");
  for (const auto& field : request_.fields) sound = sound && lists_->add(lists_->fields, field);
  sound = sound && prepare_method();

  const auto set = [this, &sound](CURLoption option, auto value) {
    sound = sound && curl_.easy_setopt(easy_, option, value) == CURLE_OK;
  };
  const auto url = request_.url.text();
  set(CURLOPT_URL, url.c_str());
  set(CURLOPT_PATH_AS_IS, 1L);
  set(CURLOPT_PROTOCOLS_STR, "http,https");
  set(CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_1_1));
  set(CURLOPT_FOLLOWLOCATION, 0L);
  // The name was looked up and its addresses checked: libcurl connects to the checked one and never
  // looks for itself.
  set(CURLOPT_CONNECT_TO, lists_->connect_to);
  set(CURLOPT_OPENSOCKETFUNCTION, reinterpret_cast<curl_opensocket_callback>(
                                      +[](void* self, curlsocktype purpose, curl_sockaddr* at) {
                                        return open_socket(self, static_cast<int>(purpose), at);
                                      }));
  set(CURLOPT_OPENSOCKETDATA, this);
  set(CURLOPT_PROXY, "");
  set(CURLOPT_NOPROXY, "*");
  set(CURLOPT_NOSIGNAL, 1L);
  set(CURLOPT_TCP_KEEPALIVE, 1L);
  set(CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2));
  if (!limits_.authorities_file.empty()) {
    set(CURLOPT_CAINFO, limits_.authorities_file.c_str());
    // Else the system's folder of authorities would be trusted beside the file.
    set(CURLOPT_CAPATH, static_cast<const char*>(nullptr));
  }
  if (!limits_.verify_certificates) {
    set(CURLOPT_SSL_VERIFYPEER, 0L);
    set(CURLOPT_SSL_VERIFYHOST, 0L);
  }
  set(CURLOPT_USERAGENT, limits_.user_agent.c_str());
  set(CURLOPT_HTTPHEADER, lists_->fields);
  set(CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(limits_.connect_timeout.count()));
  set(CURLOPT_BUFFERSIZE, static_cast<long>(64 * kKiB));
  set(CURLOPT_HEADERFUNCTION, &Transfer::on_header);
  set(CURLOPT_HEADERDATA, this);
  set(CURLOPT_WRITEFUNCTION, &Transfer::on_body);
  set(CURLOPT_WRITEDATA, this);
  set(CURLOPT_ERRORBUFFER, error_text_.data());
  set(CURLOPT_PRIVATE, this);
  head_deadline_ = std::chrono::steady_clock::now() + limits_.connect_timeout +
                   request_.answer_timeout.value_or(limits_.first_byte_timeout);
  return sound;
}

bool Transfer::prepare_method() {
  const auto set = [this](CURLoption option, auto value) {
    return curl_.easy_setopt(easy_, option, value) == CURLE_OK;
  };
  if (request_.head_only()) return set(CURLOPT_NOBODY, 1L);
  const bool body_expected = request_.method == "PUT" || request_.method == "POST";
  if (!request_.sends && !body_expected) {
    return request_.method == "GET" || set(CURLOPT_CUSTOMREQUEST, request_.method.c_str());
  }
  // Not libcurl's own POST, which adds a content type: an upload whose method has another name.
  const curl_off_t size =
      request_.sends ? (request_.body_size ? static_cast<curl_off_t>(*request_.body_size) : -1) : 0;
  return set(CURLOPT_UPLOAD, 1L) &&
         (request_.method == "PUT" || set(CURLOPT_CUSTOMREQUEST, request_.method.c_str())) &&
         set(CURLOPT_INFILESIZE_LARGE, size) && set(CURLOPT_READFUNCTION, &Transfer::on_send) &&
         set(CURLOPT_READDATA, this) &&
         set(CURLOPT_EXPECT_100_TIMEOUT_MS, static_cast<long>(limits_.expect_timeout.count())) &&
         lists_->add(lists_->fields, request_.expect_continue ? "Expect: 100-continue" : "Expect:");
}

int Transfer::open_socket(void* self, int purpose, void* curl_address) {
  const auto& transfer = *static_cast<Transfer*>(self);
  const auto& wanted = *static_cast<curl_sockaddr*>(curl_address);
  const auto address = Address::from(wanted.addr);
  // Whatever libcurl makes of URL and options: nothing but the checked address is ever connected
  // to.
  if (purpose != CURLSOCKTYPE_IPCXN || !address || !(*address == transfer.request_.address)) {
    return static_cast<int>(CURL_SOCKET_BAD);
  }
  return ::socket(wanted.family, wanted.socktype | SOCK_CLOEXEC, wanted.protocol);
}

std::size_t Transfer::on_header(char* data, std::size_t size, std::size_t count, void* self) {
  return static_cast<Transfer*>(self)->take_line({data, size * count}) ? size * count : 0;
}

std::size_t Transfer::on_body(char* data, std::size_t size, std::size_t count, void* self) {
  auto& transfer = *static_cast<Transfer*>(self);
  const std::span bytes(reinterpret_cast<const std::byte*>(data), size * count);
  if (transfer.take_body(bytes)) return bytes.size();
  return transfer.paused_ ? CURL_WRITEFUNC_PAUSE : 0;
}

std::size_t Transfer::on_send(char* into, std::size_t size, std::size_t count, void* self) {
  auto& transfer = *static_cast<Transfer*>(self);
  if (!transfer.request_.sends) return 0;
  const std::span space(reinterpret_cast<std::byte*>(into), size * count);
  return transfer.give_body(space).value_or(CURL_READFUNC_PAUSE);
}

std::optional<std::size_t> Transfer::give_body(std::span<std::byte> into) {
  if (!sending_) {
    sending_ = true;
    start_window();
  }
  const auto count = exchange_->take_to_send(into);
  if (!count) {
    sending_paused_ = true;
    return std::nullopt;
  }
  sent_ += *count;
  window_bytes_ += *count;
  if (*count == 0 || sent_ == request_.body_size) {
    sending_ = false;
    start_window();
    head_deadline_ = std::chrono::steady_clock::now() +
                     request_.answer_timeout.value_or(limits_.first_byte_timeout);
  }
  return count;
}

void Transfer::start_window() {
  window_start_ = std::chrono::steady_clock::now();
  window_bytes_ = 0;
}

bool Transfer::take_line(std::string_view line) {
  if (head_complete_) return true;  // a trailer
  head_bytes_ += line.size();
  if (head_bytes_ > kLargestHead) {
    own_error_ =
        make_error(Code::unavailable, "the remote server's answer has too large a head", where());
    return false;
  }
  while (!line.empty() && (line.back() == '\n' || line.back() == '\r')) line.remove_suffix(1);
  if (status_line_next_) {
    status_line_next_ = false;
    head_.fields.clear();
    return true;
  }
  if (!line.empty()) return take_field(line);
  long status = 0;
  curl_.easy_getinfo(easy_, CURLINFO_RESPONSE_CODE, &status);
  status_line_next_ = true;
  if (status < 200) return true;  // an interim response
  head_.status = static_cast<int>(status);
  return complete_head();
}

bool Transfer::take_field(std::string_view line) {
  const auto colon = line.find(':');
  if (colon == 0 || colon == std::string_view::npos || line.front() == ' ' ||
      line.front() == '\t' || head_.fields.size() >= kMostFields) {
    own_error_ =
        make_error(Code::unavailable,
                   "the remote server's answer has a malformed head or too many fields", where());
    return false;
  }
  head_.fields.emplace_back(to_lower(trim(line.substr(0, colon))), trim(line.substr(colon + 1)));
  return true;
}

std::optional<Error> Transfer::check_framing() {
  bool chunked = false;
  for (const auto& [name, value] : head_.fields) {
    if (name == "transfer-encoding") chunked = chunked || equal_ignoring_case(value, "chunked");
    if (name != "content-length") continue;
    const auto length = parse_unsigned(value);
    if (!length || (head_.content_length && *head_.content_length != *length)) {
      return make_error(Code::unavailable,
                        "the remote server's answer contradicts itself about its length", where());
    }
    head_.content_length = length;
  }
  if (chunked) head_.content_length.reset();
  const bool data = head_.status == 200 || head_.status == 206;
  if (data && !request_.head_only() && !chunked && !head_.content_length) {
    // Such a body ends where the connection does, and nobody can tell the end from a break.
    return make_error(Code::unsupported,
                      "the remote server sends data without saying where it ends", where());
  }
  if (data && head_.content_length.value_or(0) > limits_.largest_body) {
    return make_error(Code::too_large, "the remote data is larger than this server allows",
                      where());
  }
  return std::nullopt;
}

bool Transfer::complete_head() {
  own_error_ = check_framing();
  if (own_error_) return false;
  head_complete_ = true;
  head_.url = request_.url.text();
  start_window();
  if (head_.status >= 300) sending_ = false;  // libcurl stops too
  exchange_->put_head(std::move(head_));
  return true;
}

bool Transfer::take_body(std::span<const std::byte> bytes) {
  if (received_ + bytes.size() > limits_.largest_body) {
    own_error_ =
        make_error(Code::too_large, "the remote data is larger than this server allows", where());
    return false;
  }
  if (!exchange_->put(bytes)) {
    paused_ = true;
    return false;
  }
  received_ += bytes.size();
  window_bytes_ += bytes.size();
  return true;
}

void Transfer::resume() {
  if (!paused_) return;
  paused_ = false;
  start_window();
  curl_.easy_pause(easy_, sending_paused_ ? CURLPAUSE_SEND : CURLPAUSE_CONT);
}

void Transfer::resume_sending() {
  if (!sending_paused_) return;
  sending_paused_ = false;
  start_window();
  curl_.easy_pause(easy_, paused_ ? CURLPAUSE_RECV : CURLPAUSE_CONT);
}

bool Transfer::overdue(Time now) {
  if (!head_complete_ && !sending_) {
    if (now < head_deadline_) return false;
    fail(make_error(Code::timeout, "the remote server did not answer in time", where()));
    return true;
  }
  // Paused: it is we who are slow.
  if ((sending_ ? sending_paused_ : paused_) || now - window_start_ < limits_.rate_period) {
    return false;
  }
  const auto seconds = std::chrono::duration<double>(now - window_start_).count();
  if (static_cast<double>(window_bytes_) < static_cast<double>(limits_.minimum_rate) * seconds) {
    fail(make_error(Code::timeout,
                    sending_ ? "the remote server takes what it is sent too slowly"
                             : "the remote server sends too slowly",
                    where()));
    return true;
  }
  start_window();
  return false;
}

std::string Transfer::where() const {
  // Never the path or the query: a presigned URL is a secret.
  return "fetch." + to_lower(request_.method) + " " + request_.url.authority() +
         " address=" + request_.address.text();
}

Exchange::Failure Transfer::failure_of(int code) const {
  if (own_error_) return {*own_error_};
  const auto trail = where() + " curl=" + std::to_string(code) + " (" + error_text_.c_str() +
                     ") received=" + std::to_string(received_) +
                     (request_.sends ? " sent=" + std::to_string(sent_) : std::string());
  const auto failure = [&](Code kind, std::string message) {
    return Exchange::Failure{make_error(kind, std::move(message), trail)};
  };
  if (code == CURLE_COULDNT_CONNECT || code == CURLE_OPERATION_TIMEDOUT) {
    auto result = failure(code == CURLE_COULDNT_CONNECT ? Code::unavailable : Code::timeout,
                          "the remote server could not be reached");
    result.unconnected = result.repeatable = true;
    return result;
  }
  if (broke_off(code)) {
    auto result = failure(Code::unavailable,
                          head_complete_ ? "the remote server broke off before the end of the data"
                                         : "the remote server broke off before it answered");
    result.repeatable = !head_complete_;
    return result;
  }
  if (is_certificate_error(code)) {
    auto result =
        failure(Code::unavailable, "the remote server's certificate could not be verified");
    result.error.retry = Retry::never;
    return result;
  }
  if (code == CURLE_SSL_CONNECT_ERROR) {
    return failure(Code::unavailable, "no secure connection to the remote server came about");
  }
  if (code == CURLE_UNSUPPORTED_PROTOCOL || code == CURLE_WEIRD_SERVER_REPLY ||
      code == CURLE_BAD_CONTENT_ENCODING) {
    return failure(Code::unavailable, "the remote server's answer is not sound HTTP");
  }
  return failure(Code::unavailable, "the data could not be fetched from the remote server");
}

void Transfer::finish(int curl_code) {
  if (curl_code == CURLE_OK) {
    exchange_->finish(std::nullopt);
  } else {
    exchange_->finish(failure_of(curl_code));
  }
}

void Transfer::fail(Error error, bool repeatable) {
  exchange_->finish(Exchange::Failure{std::move(error), false, repeatable});
}

}  // namespace visor::fetch
