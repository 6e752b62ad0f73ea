#include "connection.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <utility>

namespace bench {
namespace {

SSL_CTX* tls_context() {
  static SSL_CTX* context = [] {
    SSL_CTX* made = SSL_CTX_new(TLS_client_method());
    SSL_CTX_set_verify(made, SSL_VERIFY_NONE, nullptr);
    return made;
  }();
  return context;
}

bool same_letters(std::string_view left, std::string_view right) {
  return std::ranges::equal(left, right, [](char a, char b) { return (a | 0x20) == (b | 0x20); });
}

}  // namespace

std::vector<std::string> read_heads(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  const std::string all((std::istreambuf_iterator<char>(file)), {});
  std::vector<std::string> heads;
  for (std::size_t start = 0; start < all.size();) {
    const std::size_t end = std::min(all.find('\0', start), all.size());
    heads.push_back(all.substr(start, end - start));
    start = end + 1;
  }
  if (heads.empty()) {
    std::fprintf(stderr, "bench_load: %s holds no request head\n", path.c_str());
    std::exit(2);
  }
  return heads;
}

std::optional<Connection> Connection::open(const Target& target) {
  const int socket = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (socket < 0) return std::nullopt;
  const int on = 1;
  ::setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(target.port);
  ::inet_pton(AF_INET, target.host.c_str(), &address.sin_addr);
  Connection connection(socket, nullptr);
  if (::connect(socket, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    return std::nullopt;
  }
  if (target.tls) {
    connection.tls_ = SSL_new(tls_context());
    SSL_set_fd(connection.tls_, socket);
    if (SSL_connect(connection.tls_) != 1) {
      errno = EPROTO;
      return std::nullopt;
    }
  }
  ::fcntl(socket, F_SETFL, O_NONBLOCK);
  return connection;
}

Connection::Connection(Connection&& other) noexcept
    : socket_(std::exchange(other.socket_, -1)), tls_(std::exchange(other.tls_, nullptr)) {}

Connection& Connection::operator=(Connection&& other) noexcept {
  std::swap(socket_, other.socket_);
  std::swap(tls_, other.tls_);
  return *this;
}

Connection::~Connection() {
  SSL_free(tls_);
  if (socket_ >= 0) ::close(socket_);
}

ssize_t Connection::outcome(int result) const {
  if (result > 0) return result;
  switch (SSL_get_error(tls_, result)) {
    case SSL_ERROR_WANT_READ:
    case SSL_ERROR_WANT_WRITE:
      return -1;
    case SSL_ERROR_ZERO_RETURN:
      return 0;
    default:
      return -2;
  }
}

ssize_t Connection::send(std::string_view bytes) {
  if (tls_ != nullptr) {
    SSL_set_mode(tls_, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    return outcome(SSL_write(tls_, bytes.data(), static_cast<int>(bytes.size())));
  }
  const ssize_t sent = ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
  if (sent >= 0) return sent;
  return errno == EAGAIN || errno == EINTR ? -1 : -2;
}

ssize_t Connection::receive(char* into, std::size_t most) {
  if (tls_ != nullptr) return outcome(SSL_read(tls_, into, static_cast<int>(most)));
  const ssize_t taken = ::recv(socket_, into, most, 0);
  if (taken >= 0) return taken;
  return errno == EAGAIN || errno == EINTR ? -1 : -2;
}

ssize_t Connection::discard(std::uint64_t most) {
  constexpr std::uint64_t kAtOnce = 1 << 20;
  const auto length = static_cast<std::size_t>(std::min(most, kAtOnce));
  if (tls_ != nullptr) {
    static std::array<char, 64 * 1024> ground;
    return receive(ground.data(), std::min(length, ground.size()));
  }
  const ssize_t taken = ::recv(socket_, nullptr, length, MSG_TRUNC);
  if (taken >= 0) return taken;
  return errno == EAGAIN || errno == EINTR ? -1 : -2;
}

std::string Connection::congestion() const {
  std::array<char, 32> name{};
  socklen_t length = name.size() - 1;
  ::getsockopt(socket_, IPPROTO_TCP, TCP_CONGESTION, name.data(), &length);
  return name.data();
}

AnswerHead::State AnswerHead::take(std::string_view bytes, std::size_t& rest) {
  const std::size_t before = text_.size();
  text_.append(bytes);
  const std::size_t end = text_.find("\r\n\r\n", before < 3 ? 0 : before - 3);
  rest = 0;
  if (end == std::string::npos) {
    return text_.size() > 64 * 1024 ? State::broken : State::incomplete;
  }
  rest = text_.size() - end - 4;
  return parse(end);
}

AnswerHead::State AnswerHead::parse(std::size_t end) {
  const std::string_view head = std::string_view(text_).substr(0, end);
  if (!head.starts_with("HTTP/1.") || head.size() < 12) return State::broken;
  std::from_chars(head.data() + 9, head.data() + 12, status_);
  for (std::size_t line = head.find("\r\n"); line != std::string_view::npos;
       line = head.find("\r\n", line + 2)) {
    const std::string_view field = head.substr(line + 2, head.find("\r\n", line + 2) - line - 2);
    const std::size_t colon = field.find(':');
    if (colon == std::string_view::npos) continue;
    const std::string_view name = field.substr(0, colon);
    // Nothing here is measured with chunked answers: their end would have to be searched for.
    if (same_letters(name, "transfer-encoding")) return State::broken;
    if (!same_letters(name, "content-length")) continue;
    std::string_view value = field.substr(colon + 1);
    value.remove_prefix(std::min(value.find_first_not_of(' '), value.size()));
    std::from_chars(value.data(), value.data() + value.size(), length_);
  }
  return State::complete;
}

int exchange(Connection& connection, std::string_view head) {
  const auto wait = [&connection](short events) {
    pollfd watched{connection.descriptor(), events, 0};
    return ::poll(&watched, 1, 60'000) == 1;
  };
  while (!head.empty()) {
    const ssize_t sent = connection.send(head);
    if (sent > 0) head.remove_prefix(static_cast<std::size_t>(sent));
    if (sent == 0 || sent == -2 || (sent == -1 && !wait(POLLOUT))) return 0;
  }
  AnswerHead answer;
  std::array<char, 16 * 1024> buffer;
  std::optional<std::uint64_t> left;
  while (!left || *left > 0) {
    const ssize_t taken = connection.receive(buffer.data(), buffer.size());
    if (taken == -1) {
      if (!wait(POLLIN)) return 0;
      continue;
    }
    if (taken <= 0) return 0;
    std::size_t rest = static_cast<std::size_t>(taken);
    if (!left) {
      const auto state = answer.take({buffer.data(), rest}, rest);
      if (state == AnswerHead::State::broken) return 0;
      if (state == AnswerHead::State::incomplete) continue;
      left = answer.length();
    }
    *left -= std::min<std::uint64_t>(*left, rest);
  }
  return answer.status();
}

}  // namespace bench
