#include "client/transport.h"

#include <curl/curl.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <mutex>

#include "base/encoding.h"
#include "base/units.h"

namespace visor::client {
namespace {

// Documents only; image data goes to a sink. A list of a million images has about 500 MiB.
constexpr std::size_t kLargestDocument = std::size_t{1} << 30;

struct HeaderList {
  curl_slist* head = nullptr;
  HeaderList() = default;
  HeaderList(const HeaderList&) = delete;
  HeaderList& operator=(const HeaderList&) = delete;
  ~HeaderList() { curl_slist_free_all(head); }
  void add(const std::string& line) {
    if (curl_slist* longer = curl_slist_append(head, line.c_str())) head = longer;
  }
};

/// What the callbacks of one exchange work on.
struct Exchange {
  const Request* request = nullptr;
  BodySink* sink = nullptr;
  Answer answer;
  bool head_complete = false;
  bool begun = false;
  bool to_sink = false;
  std::optional<Failure> failure;

  bool begin() {
    if (begun) return true;
    begun = true;
    if (sink == nullptr) return true;
    auto taken = sink->begin(answer.head);
    if (!taken) {
      failure = std::move(taken.error());
      return false;
    }
    to_sink = *taken;
    return true;
  }
};

// libcurl takes another number than the one it offered as "stop".
constexpr std::size_t kStop = 0;

std::size_t on_header(char* data, std::size_t, std::size_t length, void* user) {
  auto& exchange = *static_cast<Exchange*>(user);
  std::string_view line(data, length);
  while (line.ends_with('\n') || line.ends_with('\r')) line.remove_suffix(1);
  if (line.starts_with("HTTP/")) {
    // A new head: an interim answer may have come before.
    exchange.answer.head.headers.clear();
    exchange.head_complete = false;
    const auto blank = line.find(' ');
    const auto code =
        blank == std::string_view::npos ? std::nullopt : parse_unsigned(line.substr(blank + 1, 3));
    exchange.answer.head.status = static_cast<int>(code.value_or(0));
  } else if (line.empty()) {
    exchange.head_complete = true;
  } else if (const auto colon = line.find(':'); colon != std::string_view::npos) {
    exchange.answer.head.headers.add(std::string(line.substr(0, colon)),
                                     std::string(trim(line.substr(colon + 1))));
  }
  return length;
}

std::size_t on_body(char* data, std::size_t, std::size_t length, void* user) {
  auto& exchange = *static_cast<Exchange*>(user);
  if (!exchange.begin()) return kStop;
  if (exchange.to_sink) {
    if (auto written = exchange.sink->write(std::as_bytes(std::span(data, length))); !written) {
      exchange.failure = std::move(written.error());
      return kStop;
    }
    return length;
  }
  if (exchange.answer.body.size() + length > kLargestDocument) {
    exchange.failure = local_failure(Code::too_large, "the server's answer is over " +
                                                          format_size(kLargestDocument) +
                                                          "; ask for less with a query or a limit")
                           .error();
    return kStop;
  }
  exchange.answer.body.append(data, length);
  return length;
}

std::size_t on_read(char* data, std::size_t size, std::size_t count, void* user) {
  auto& exchange = *static_cast<Exchange*>(user);
  auto got = exchange.request->body->read(std::as_writable_bytes(std::span(data, size * count)));
  if (!got) {
    exchange.failure = std::move(got.error());
    return CURL_READFUNC_ABORT;
  }
  return *got;
}

int on_progress(void* user, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
  return static_cast<const std::atomic<bool>*>(user)->load() ? 1 : 0;
}

std::string lower_first(std::string text) {
  const auto capital = [&text](std::size_t at) {
    return at < text.size() && text[at] >= 'A' && text[at] <= 'Z';
  };
  // "Connection refused" goes on in the middle of a sentence; "SSL" stays as it is.
  if (capital(0) && !capital(1)) text.front() += 'a' - 'A';
  return text;
}

}  // namespace

struct Transport::State {
  Connection connection;
  CURL* handle = nullptr;
  std::array<char, CURL_ERROR_SIZE> reason{};

  ~State() { curl_easy_cleanup(handle); }

  void set_up_connection() {
    curl_easy_setopt(handle, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(handle, CURLOPT_ERRORBUFFER, reason.data());
    curl_easy_setopt(handle, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(handle, CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1);
    curl_easy_setopt(handle, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
    curl_easy_setopt(handle, CURLOPT_USERAGENT, "visor/" VISOR_VERSION);
    curl_easy_setopt(handle, CURLOPT_BUFFERSIZE, 256L * 1024);
    curl_easy_setopt(handle, CURLOPT_UPLOAD_BUFFERSIZE, 256L * 1024);
    curl_easy_setopt(handle, CURLOPT_CONNECTTIMEOUT_MS,
                     static_cast<long>(connection.connect_timeout.count()));
    curl_easy_setopt(handle, CURLOPT_EXPECT_100_TIMEOUT_MS,
                     static_cast<long>(connection.expect_timeout.count()));
    curl_easy_setopt(handle, CURLOPT_LOW_SPEED_LIMIT, 1L);
    curl_easy_setopt(handle, CURLOPT_LOW_SPEED_TIME,
                     static_cast<long>(connection.stall_timeout.count()));
    curl_easy_setopt(handle, CURLOPT_SSL_VERIFYPEER, connection.verify_tls ? 1L : 0L);
    curl_easy_setopt(handle, CURLOPT_SSL_VERIFYHOST, connection.verify_tls ? 2L : 0L);
    curl_easy_setopt(handle, CURLOPT_SSLVERSION, CURL_SSLVERSION_TLSv1_2);
    if (!connection.ca_file.empty()) {
      curl_easy_setopt(handle, CURLOPT_CAINFO, connection.ca_file.c_str());
    }
    if (connection.stop != nullptr) {
      curl_easy_setopt(handle, CURLOPT_NOPROGRESS, 0L);
      curl_easy_setopt(handle, CURLOPT_XFERINFOFUNCTION, on_progress);
      curl_easy_setopt(handle, CURLOPT_XFERINFODATA,
                       const_cast<std::atomic<bool>*>(connection.stop));
    }
    // A proxy from the environment can't reach what listens on this machine alone.
    if (connection.address.loopback()) curl_easy_setopt(handle, CURLOPT_PROXY, "");
  }

  void set_up_method(const Request& request, HeaderList& headers) {
    if (request.method == "HEAD") {
      curl_easy_setopt(handle, CURLOPT_NOBODY, 1L);
      return;
    }
    if (request.body != nullptr) {
      const auto size = request.body->size();
      // libcurl asks for leave for any body; a document costs less than the answer to that, and
      // not every server gives one.
      if (std::ranges::find(request.headers, "Expect", &Header::name) == request.headers.end()) {
        headers.add("Expect:");
      }
      curl_easy_setopt(handle, CURLOPT_UPLOAD, 1L);
      curl_easy_setopt(handle, CURLOPT_INFILESIZE_LARGE,
                       size ? static_cast<curl_off_t>(*size) : curl_off_t{-1});
    } else if (request.method == "POST" || request.method == "PUT") {
      curl_easy_setopt(handle, CURLOPT_POSTFIELDSIZE, 0L);
      curl_easy_setopt(handle, CURLOPT_POSTFIELDS, "");
      headers.add("Content-Type:");
      headers.add("Expect:");
    }
    curl_easy_setopt(handle, CURLOPT_CUSTOMREQUEST, request.method.c_str());
  }

  std::unexpected<Failure> explain(CURLcode code, const Exchange& exchange) const {
    const std::string url = connection.address.url();
    long system_error = 0;
    curl_easy_getinfo(handle, CURLINFO_OS_ERRNO, &system_error);
    const std::string detail =
        reason.front() != '\0' ? lower_first(reason.data()) : lower_first(curl_easy_strerror(code));
    switch (code) {
      case CURLE_ABORTED_BY_CALLBACK:
        return local_failure(Code::cancelled, "stopped");
      case CURLE_COULDNT_RESOLVE_HOST:
        return connection_failure(Code::unavailable,
                                  "cannot reach " + url + ": no address is known for the name '" +
                                      connection.address.host + "'",
                                  Retry::later);
      case CURLE_COULDNT_CONNECT:
        return connection_failure(
            Code::unavailable,
            "cannot reach " + url + ": " +
                (system_error != 0 ? lower_first(std::strerror(static_cast<int>(system_error)))
                                   : detail),
            Retry::later);
      case CURLE_OPERATION_TIMEDOUT:
        if (exchange.answer.head.status == 0 && exchange.request->body == nullptr) {
          return connection_failure(Code::timeout, "cannot reach " + url + ": it does not answer",
                                    Retry::later);
        }
        return connection_failure(Code::timeout,
                                  "the transfer with " + url + " stalled: nothing moved for " +
                                      format_duration(connection.stall_timeout),
                                  Retry::later);
      case CURLE_PEER_FAILED_VERIFICATION:
      case CURLE_SSL_ISSUER_ERROR:
        return connection_failure(
            Code::unavailable,
            "the certificate of " + url + " can't be trusted: " + detail +
                ". Name the authority that issued it with --ca FILE or VISOR_CA",
            Retry::never);
      case CURLE_SSL_CACERT_BADFILE:
        return local_failure(Code::invalid, "the file of certificates '" + connection.ca_file +
                                                "' can't be read as PEM");
      case CURLE_SSL_CONNECT_ERROR:
        return connection_failure(
            Code::unavailable,
            "cannot speak TLS with " + url + ": " + detail + ". Does it serve plain http there?",
            Retry::never);
      case CURLE_PARTIAL_FILE:
      case CURLE_RECV_ERROR:
      case CURLE_SEND_ERROR:
      case CURLE_GOT_NOTHING:
        return connection_failure(Code::unavailable,
                                  "the connection with " + url + " broke: " + detail, Retry::later);
      default:
        return connection_failure(Code::unavailable,
                                  "the exchange with " + url + " failed: " + detail, Retry::never);
    }
  }
};

Transport::Transport(Connection connection) : state_(std::make_unique<State>()) {
  static std::once_flag once;
  std::call_once(once, [] { curl_global_init(CURL_GLOBAL_DEFAULT); });
  state_->connection = std::move(connection);
  state_->handle = curl_easy_init();
}

Transport::~Transport() = default;
Transport::Transport(Transport&&) noexcept = default;
Transport& Transport::operator=(Transport&&) noexcept = default;

const Connection& Transport::connection() const { return state_->connection; }

Outcome<Answer> Transport::exchange(const Request& request, BodySink* sink) {
  CURL* const handle = state_->handle;
  if (handle == nullptr) {
    return local_failure(Code::internal, "cannot make an HTTP handle: out of memory");
  }
  // Options go, live connections stay.
  curl_easy_reset(handle);
  state_->reason.fill('\0');
  state_->set_up_connection();

  HeaderList headers;
  headers.add("Host: " + state_->connection.address.host_header());
  for (const auto& [name, value] : request.headers) {
    // A ';' is how libcurl is told to send a header that is empty.
    headers.add(value.empty() ? name + ";" : name + ": " + value);
  }
  state_->set_up_method(request, headers);

  Exchange exchange;
  exchange.request = &request;
  exchange.sink = sink;
  std::string url = state_->connection.address.url() + request.path;
  if (!request.query.empty()) url += "?" + request.query;
  curl_easy_setopt(handle, CURLOPT_URL, url.c_str());
  curl_easy_setopt(handle, CURLOPT_PATH_AS_IS, 1L);
  curl_easy_setopt(handle, CURLOPT_HTTPHEADER, headers.head);
  curl_easy_setopt(handle, CURLOPT_HEADERFUNCTION, on_header);
  curl_easy_setopt(handle, CURLOPT_HEADERDATA, &exchange);
  curl_easy_setopt(handle, CURLOPT_WRITEFUNCTION, on_body);
  curl_easy_setopt(handle, CURLOPT_WRITEDATA, &exchange);
  curl_easy_setopt(handle, CURLOPT_READFUNCTION, on_read);
  curl_easy_setopt(handle, CURLOPT_READDATA, &exchange);

  const CURLcode code = curl_easy_perform(handle);
  if (exchange.failure) return std::unexpected<Failure>(std::move(*exchange.failure));
  if (code != CURLE_OK) {
    // A server that refuses an upload may close before all is sent; its answer is worth more than
    // the broken pipe.
    const bool refused =
        exchange.answer.head.status >= 400 && !exchange.to_sink &&
        (code == CURLE_SEND_ERROR || code == CURLE_RECV_ERROR || code == CURLE_PARTIAL_FILE);
    if (!refused) return state_->explain(code, exchange);
  }
  // libcurl takes a head that was cut off for the whole of it.
  if (!exchange.head_complete) {
    return connection_failure(Code::unavailable,
                              "the connection with " + state_->connection.address.url() +
                                  " broke in the middle of an answer's head",
                              Retry::later);
  }
  if (!exchange.begin()) return std::unexpected<Failure>(std::move(*exchange.failure));
  return std::move(exchange.answer);
}

}  // namespace visor::client
