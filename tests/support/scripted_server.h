// A small blocking HTTP server on 127.0.0.1 that answers as a test's script says, also in ways that
// no decent server would.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <functional>
#include <mutex>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace visor::testing_support {

/// One accepted connection, on a thread of its own.
class ScriptedConnection {
 public:
  explicit ScriptedConnection(int socket) : socket_(socket) {}

  /// The next request's head with its empty line, or empty if the client has gone.
  std::string read_head() {
    while (true) {
      if (const auto end = received_.find("\r\n\r\n"); end != std::string::npos) {
        auto head = received_.substr(0, end + 4);
        received_.erase(0, end + 4);
        return head;
      }
      if (!receive_more()) return {};
    }
  }

  /// The next `count` bytes of a request's body; fewer if the client has gone.
  std::string read_body(std::size_t count) {
    while (received_.size() < count && receive_more()) {
    }
    auto body = received_.substr(0, count);
    received_.erase(0, body.size());
    return body;
  }

  /// A chunked body (RFC 9112, 7.1) without its framing; nothing more than came if the client has
  /// gone or its framing is wrong.
  std::string read_chunked() {
    std::string body;
    while (true) {
      auto end = std::string::npos;
      while ((end = received_.find("\r\n")) == std::string::npos) {
        if (!receive_more()) return body + "(broken off)";
      }
      const std::size_t size = std::strtoull(received_.c_str(), nullptr, 16);
      received_.erase(0, end + 2);
      const auto chunk = read_body(size + 2);
      if (chunk.size() != size + 2 || !chunk.ends_with("\r\n")) return body + "(broken off)";
      body.append(chunk, 0, size);
      if (size == 0) return body;
    }
  }

  /// False once the client has gone.
  bool send(std::string_view text) {
    while (!text.empty()) {
      const ssize_t count = ::send(socket_, text.data(), text.size(), MSG_NOSIGNAL);
      if (count <= 0) return false;
      text.remove_prefix(static_cast<std::size_t>(count));
    }
    return true;
  }

  /// Blocks until the client (or the server's end) closes the connection.
  void wait_for_close() {
    char bytes[4096];
    while (::recv(socket_, bytes, sizeof bytes, 0) > 0) {
    }
  }

  /// Makes the close that follows a reset.
  void reset_on_close() {
    const linger abrupt = {1, 0};
    ::setsockopt(socket_, SOL_SOCKET, SO_LINGER, &abrupt, sizeof abrupt);
  }

 private:
  bool receive_more() {
    char bytes[4096];
    const ssize_t count = ::recv(socket_, bytes, sizeof bytes, 0);
    if (count <= 0) return false;
    received_.append(bytes, static_cast<std::size_t>(count));
    return true;
  }

  const int socket_;
  std::string received_;
};

class ScriptedServer {
 public:
  using Script = std::function<void(ScriptedConnection&)>;
  using Answer = std::function<std::string(const std::string& head)>;

  explicit ScriptedServer(Script script) : script_(std::move(script)) {
    listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address = {};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    if (::bind(listener_, reinterpret_cast<sockaddr*>(&address), size) != 0 ||
        ::listen(listener_, 64) != 0 ||
        ::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size) != 0) {
      throw std::runtime_error("the scripted server cannot listen");
    }
    port_ = ntohs(address.sin_port);
    acceptor_ = std::thread([this] { accept_until_stopped(); });
  }

  ~ScriptedServer() {
    ::shutdown(listener_, SHUT_RDWR);
    acceptor_.join();
    ::close(listener_);
    {
      const std::lock_guard lock(mutex_);
      for (const int socket : open_) ::shutdown(socket, SHUT_RDWR);
    }
    for (auto& thread : threads_) thread.join();
  }
  ScriptedServer(const ScriptedServer&) = delete;
  ScriptedServer& operator=(const ScriptedServer&) = delete;

  /// A script that answers request after request on each connection until an answer is empty.
  static Script answering(Answer answer) {
    return [answer = std::move(answer)](ScriptedConnection& connection) {
      while (true) {
        const auto head = connection.read_head();
        if (head.empty()) return;
        const auto text = answer(head);
        if (text.empty() || !connection.send(text)) return;
      }
    };
  }

  std::uint16_t port() const { return port_; }
  std::string authority() const { return "127.0.0.1:" + std::to_string(port_); }
  std::string url(std::string_view path) const {
    return "http://" + authority() + std::string(path);
  }
  std::size_t connections() const {
    const std::lock_guard lock(mutex_);
    return connections_;
  }

 private:
  void accept_until_stopped() {
    while (true) {
      const int socket = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
      if (socket < 0) return;
      const std::lock_guard lock(mutex_);
      ++connections_;
      open_.push_back(socket);
      threads_.emplace_back([this, socket] {
        ScriptedConnection connection(socket);
        script_(connection);
        const std::lock_guard inner(mutex_);
        open_.erase(std::find(open_.begin(), open_.end(), socket));
        ::close(socket);
      });
    }
  }

  const Script script_;
  int listener_ = -1;
  std::uint16_t port_ = 0;
  mutable std::mutex mutex_;
  std::size_t connections_ = 0;
  std::vector<int> open_;
  std::vector<std::thread> threads_;
  std::thread acceptor_;
};

/// `HTTP/1.1 <status>` with a Content-Length, `fields` ("Name: value\r\n" each) and `body`.
inline std::string http_answer(std::string_view status, std::string_view body,
                               std::string_view fields = {}) {
  return "HTTP/1.1 " + std::string(status) + "\r\nContent-Length: " + std::to_string(body.size()) +
         "\r\n" + std::string(fields) + "\r\n" + std::string(body);
}

/// The value of a field in a request's head, or empty.
inline std::string field_of(std::string_view head, std::string_view name) {
  const auto at = head.find("\r\n" + std::string(name) + ": ");
  if (at == std::string_view::npos) return {};
  const auto begin = at + name.size() + 4;
  return std::string(head.substr(begin, head.find("\r\n", begin) - begin));
}

}  // namespace visor::testing_support
