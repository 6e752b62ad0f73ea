// A blocking HTTP client for tests, as simple and as rude as they need it.
#pragma once

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <chrono>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>

#include "base/encoding.h"

namespace visor::http {

struct Answer {
  int status = 0;  ///< 0: no whole head came
  std::map<std::string, std::string> fields;
  std::string body;
  bool whole = false;  ///< the body ended as its framing says

  std::string field(const std::string& name) const {
    const auto found = fields.find(name);
    return found == fields.end() ? "" : found->second;
  }
};

class TestClient {
 public:
  explicit TestClient(const std::string& address, int receive_buffer = 0) {
    const std::size_t colon = address.rfind(':');
    sockaddr_in peer{};
    peer.sin_family = AF_INET;
    peer.sin_port = htons(static_cast<std::uint16_t>(std::stoi(address.substr(colon + 1))));
    ::inet_pton(AF_INET, address.substr(0, colon).c_str(), &peer.sin_addr);
    socket_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (receive_buffer > 0) {
      ::setsockopt(socket_, SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof receive_buffer);
    }
    connected_ = ::connect(socket_, reinterpret_cast<sockaddr*>(&peer), sizeof peer) == 0;
  }
  TestClient(TestClient&& other) noexcept
      : socket_(std::exchange(other.socket_, -1)),
        connected_(other.connected_),
        ended_(other.ended_),
        reset_(other.reset_),
        pause_(other.pause_),
        received_(std::move(other.received_)) {}
  TestClient& operator=(TestClient&&) = delete;
  ~TestClient() { close(); }

  bool connected() const { return connected_; }
  /// Makes a slow reader of it: so long a pause before each read.
  void read_slowly(std::chrono::milliseconds pause) { pause_ = static_cast<int>(pause.count()); }
  bool reset_seen() const { return reset_; }

  /// Whether everything could be sent.
  bool send(std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t count = ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (count <= 0) return false;
      bytes.remove_prefix(static_cast<std::size_t>(count));
    }
    return true;
  }
  void finish_sending() { ::shutdown(socket_, SHUT_WR); }
  void close() {
    if (socket_ >= 0) ::close(std::exchange(socket_, -1));
  }
  void reset() {
    const linger at_once{1, 0};
    ::setsockopt(socket_, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    close();
  }

  /// The next answer; `to_head`: one without a body whatever its fields say.
  Answer answer(bool to_head = false) {
    Answer answer;
    const std::size_t end = find("\r\n\r\n");
    if (end == std::string::npos) return answer;
    std::string_view head = std::string_view(received_).substr(0, end + 2);
    std::from_chars(head.data() + 9, head.data() + 12, answer.status);
    head.remove_prefix(head.find("\r\n") + 2);
    while (!head.empty()) {
      const std::string_view line = head.substr(0, head.find("\r\n"));
      const std::size_t colon = line.find(':');
      answer.fields[to_lower(line.substr(0, colon))] = trim(line.substr(colon + 1));
      head.remove_prefix(line.size() + 2);
    }
    received_.erase(0, end + 4);
    if (to_head || answer.status == 204 || answer.status == 304 || answer.status == 100) {
      answer.whole = true;
    } else if (answer.field("transfer-encoding") == "chunked") {
      read_chunks(answer);
    } else if (answer.fields.contains("content-length")) {
      const std::size_t length = std::stoull(answer.field("content-length"));
      answer.whole = have(length);
      answer.body = take(length);
    } else {
      while (more()) continue;
      answer.whole = !reset_;
      answer.body = std::exchange(received_, {});
    }
    return answer;
  }
  Answer ask(std::string_view request) {
    send(request);
    return answer(request.starts_with("HEAD"));
  }

  /// Whether the server ended the connection without another byte.
  bool ended() {
    while (received_.empty() && more()) continue;
    return received_.empty() && ended_;
  }
  /// Receives and drops until the end or an error; how many bytes that were.
  std::uint64_t drop_all() {
    std::uint64_t count = received_.size();
    received_.clear();
    while (more()) {
      count += received_.size();
      received_.clear();
    }
    return count;
  }

 private:
  bool more() {
    if (ended_) return false;
    pollfd readable{socket_, POLLIN, 0};
    if (::poll(&readable, 1, 120'000) != 1) {
      ADD_FAILURE() << "the server kept silent for two minutes";
      ended_ = true;
      return false;
    }
    if (pause_ > 0) ::poll(nullptr, 0, pause_);
    char buffer[65536];
    const ssize_t count = ::recv(socket_, buffer, sizeof buffer, 0);
    if (count > 0) {
      received_.append(buffer, static_cast<std::size_t>(count));
      return true;
    }
    ended_ = true;
    reset_ = count < 0 && errno == ECONNRESET;
    return false;
  }
  std::size_t find(std::string_view text) {
    std::size_t at = received_.find(text);
    while (at == std::string::npos && more()) at = received_.find(text);
    return at;
  }
  bool have(std::size_t count) {
    while (received_.size() < count && more()) continue;
    return received_.size() >= count;
  }
  std::string take(std::size_t count) {
    std::string taken = received_.substr(0, count);
    received_.erase(0, count);
    return taken;
  }
  void read_chunks(Answer& answer) {
    while (true) {
      const std::size_t end = find("\r\n");
      if (end == std::string::npos) return;
      std::size_t size = 0;
      std::from_chars(received_.data(), received_.data() + end, size, 16);
      received_.erase(0, end + 2);
      if (!have(size + 2)) {
        answer.body += received_;
        return;
      }
      answer.body += take(size);
      received_.erase(0, 2);
      if (size == 0) {
        answer.whole = true;
        return;
      }
    }
  }

  int socket_ = -1;
  bool connected_ = false;
  bool ended_ = false;
  bool reset_ = false;
  int pause_ = 0;
  std::string received_;
};

}  // namespace visor::http
