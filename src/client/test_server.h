// An HTTP server for tests, that can misbehave on purpose.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdint>
#include <functional>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "base/units.h"
#include "client/metadata.h"

namespace visor::client {

struct SeenRequest {
  std::string method;
  std::string target;
  Headers headers;
  std::string body;  ///< as it came, with chunk framing if it was chunked
};

/// What the server sends back, byte for byte; then it closes the connection. So a Content-Length
/// beyond what follows is a connection that breaks in mid-body.
struct Reply {
  std::string bytes;
  bool take_body =
      true;  ///< false: answers without reading the body, and gives no leave to send it
};

inline std::string reply_text(int status, const Attributes& headers, std::string_view body,
                              std::uint64_t announced) {
  std::string text = "HTTP/1.1 " + std::to_string(status) + " X\r\nConnection: close\r\n";
  for (const auto& [name, value] : headers) text += name + ": " + value + "\r\n";
  text += "Content-Length: " + std::to_string(announced) + "\r\n\r\n";
  return text.append(body);
}
inline Reply reply(int status, const Attributes& headers, std::string_view body) {
  return {reply_text(status, headers, body, body.size())};
}

/// Serves one connection after the other on a thread of its own, until it goes. The handler runs on
/// that thread.
class TestServer {
 public:
  using Handler = std::function<Reply(const SeenRequest&)>;

  explicit TestServer(Handler handler) : handler_(std::move(handler)) {
    listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    ::bind(listener_, reinterpret_cast<sockaddr*>(&address), sizeof address);
    ::listen(listener_, 16);
    socklen_t length = sizeof address;
    ::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &length);
    port_ = ntohs(address.sin_port);
    stop_ = ::eventfd(0, EFD_CLOEXEC);
    thread_ = std::thread([this] { serve(); });
  }
  ~TestServer() {
    const std::uint64_t one = 1;
    [[maybe_unused]] const auto wrote = ::write(stop_, &one, sizeof one);
    thread_.join();
    ::close(listener_);
    ::close(stop_);
  }
  TestServer(const TestServer&) = delete;
  TestServer& operator=(const TestServer&) = delete;

  std::uint16_t port() const { return port_; }
  std::vector<SeenRequest> seen() const {
    const std::lock_guard lock(mutex_);
    return seen_;
  }

 private:
  bool ready(int descriptor) const {
    pollfd waits[2] = {{descriptor, POLLIN, 0}, {stop_, POLLIN, 0}};
    return ::poll(waits, 2, -1) > 0 && waits[1].revents == 0;
  }

  void serve() {
    while (ready(listener_)) {
      const int connection = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
      if (connection < 0) continue;
      converse(connection);
      ::close(connection);
    }
  }

  bool receive(int connection, std::string& into) const {
    char buffer[65536];
    if (!ready(connection)) return false;
    const ssize_t got = ::recv(connection, buffer, sizeof buffer, 0);
    if (got <= 0) return false;
    into.append(buffer, static_cast<std::size_t>(got));
    return true;
  }

  static void send_all(int connection, std::string_view text) {
    while (!text.empty()) {
      const ssize_t sent = ::send(connection, text.data(), text.size(), MSG_NOSIGNAL);
      if (sent <= 0) return;
      text.remove_prefix(static_cast<std::size_t>(sent));
    }
  }

  static SeenRequest parse(std::string_view head) {
    SeenRequest request;
    bool first = true;
    while (!head.empty()) {
      const auto end = head.find("\r\n");
      const auto line = head.substr(0, end);
      head.remove_prefix(end == std::string_view::npos ? head.size() : end + 2);
      if (first) {
        const auto blank = line.find(' ');
        request.method = line.substr(0, blank);
        request.target = line.substr(blank + 1, line.rfind(' ') - blank - 1);
        first = false;
      } else if (const auto colon = line.find(':'); colon != std::string_view::npos) {
        auto value = line.substr(colon + 1);
        while (value.starts_with(' ')) value.remove_prefix(1);
        request.headers.add(std::string(line.substr(0, colon)), std::string(value));
      }
    }
    return request;
  }

  void converse(int connection) {
    std::string text;
    std::size_t end = 0;
    while ((end = text.find("\r\n\r\n")) == std::string::npos) {
      if (!receive(connection, text)) return;
    }
    SeenRequest request = parse(std::string_view(text).substr(0, end));
    std::string body = text.substr(end + 4);
    const Reply early = handler_(request);
    if (early.take_body) {
      if (request.headers.has("expect")) send_all(connection, "HTTP/1.1 100 Continue\r\n\r\n");
      const auto length = parse_unsigned(request.headers.find("content-length"));
      const bool chunked = request.headers.find("transfer-encoding") == "chunked";
      while (chunked ? !body.ends_with("0\r\n\r\n") : body.size() < length.value_or(0)) {
        if (!receive(connection, body)) return;
      }
    }
    request.body = std::move(body);
    // The handler sees the request again with its body, and this answer counts.
    const Reply answer = early.take_body && !request.body.empty() ? handler_(request) : early;
    {
      const std::lock_guard lock(mutex_);
      seen_.push_back(std::move(request));
    }
    send_all(connection, answer.bytes);
    ::shutdown(connection, SHUT_WR);
  }

  Handler handler_;
  int listener_ = -1;
  int stop_ = -1;
  std::uint16_t port_ = 0;
  mutable std::mutex mutex_;
  std::vector<SeenRequest> seen_;
  std::thread thread_;
};

}  // namespace visor::client
