#include <sys/epoll.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <random>

#include "latencies.h"
#include "loads.h"

namespace bench {
namespace {

// What one event may move, so that no connection waits long for another.
constexpr std::uint64_t kTurn = 1 << 20;

// Bytes that nothing can make smaller, larger than the caches near the cores.
const std::string& body_bytes() {
  static const std::string bytes = [] {
    std::string made(8 << 20, '\0');
    std::mt19937_64 random(42);
    for (std::size_t at = 0; at < made.size(); at += sizeof(std::uint64_t)) {
      const std::uint64_t word = random();
      std::memcpy(made.data() + at, &word, sizeof word);
    }
    return made;
  }();
  return bytes;
}

struct Stream {
  Connection connection;
  AnswerHead head;
  std::size_t request = 0;  ///< which of its requests is under way
  std::string_view unsent;  ///< of the request's head
  std::uint64_t body = 0;   ///< bytes of the request's body that are not sent yet
  std::uint64_t left = 0;   ///< bytes of the answer's body that are not read yet
  bool head_read = false;
  bool first_byte = false;
  Clock::time_point begun;
};

class Run {
 public:
  explicit Run(const Transfer& transfer) : transfer_(transfer), epoll_(::epoll_create1(0)) {}
  ~Run() { ::close(epoll_); }
  Run(const Run&) = delete;
  Run& operator=(const Run&) = delete;

  int run();

 private:
  bool connect();
  void begin(Stream& stream, std::size_t index);
  void watch(Stream& stream, int operation, bool sending);
  bool send_some(Stream& stream);
  bool read_some(Stream& stream);
  bool read_head(Stream& stream);
  void finish_request(Stream& stream);
  void fail(Stream& stream, const char* why);
  void leave(Stream& stream);
  void print(double seconds);

  const Transfer& transfer_;
  int epoll_;
  std::vector<Stream> streams_;
  std::size_t running_ = 0;
  std::size_t errors_ = 0;
  std::size_t done_ = 0;
  std::uint64_t sent_ = 0;
  std::uint64_t received_ = 0;
  std::string first_error_;
  std::string congestion_;
  Latencies first_bytes_;
};

bool Run::connect() {
  streams_.reserve(transfer_.connections);
  while (streams_.size() < transfer_.connections) {
    auto connection = Connection::open(transfer_.target);
    if (!connection) {
      std::fprintf(stderr, "bench_load: connection %zu was refused: %s\n", streams_.size(),
                   std::strerror(errno));
      return false;
    }
    congestion_ = connection->congestion();
    streams_.push_back(
        Stream{.connection = std::move(*connection), .head = {}, .unsent = {}, .begun = {}});
  }
  return true;
}

void Run::watch(Stream& stream, int operation, bool sending) {
  epoll_event event{};
  event.events = EPOLLIN | (sending ? EPOLLOUT : 0U);
  event.data.ptr = &stream;
  ::epoll_ctl(epoll_, operation, stream.connection.descriptor(), &event);
}

void Run::begin(Stream& stream, std::size_t index) {
  const auto& heads = transfer_.target.heads;
  stream.unsent = heads[(index * transfer_.requests + stream.request) % heads.size()];
  stream.body = transfer_.body;
  stream.head.reset();
  stream.head_read = stream.first_byte = false;
  stream.begun = Clock::now();
}

// False when the stream has ended.
bool Run::send_some(Stream& stream) {
  for (std::uint64_t turn = 0; turn < kTurn && (!stream.unsent.empty() || stream.body > 0);) {
    std::string_view piece = stream.unsent;
    if (piece.empty()) {
      const std::string& bytes = body_bytes();
      const std::uint64_t at = (transfer_.body - stream.body) % bytes.size();
      piece = std::string_view(bytes).substr(at, std::min<std::uint64_t>(stream.body, kTurn));
    }
    const ssize_t count = stream.connection.send(piece);
    if (count == -1) return true;
    if (count <= 0) {
      fail(stream, "the connection broke while a request was sent");
      return false;
    }
    const auto bytes = static_cast<std::uint64_t>(count);
    if (stream.unsent.empty()) {
      stream.body -= bytes;
      sent_ += bytes;
    } else {
      stream.unsent.remove_prefix(bytes);
    }
    turn += bytes;
  }
  if (stream.unsent.empty() && stream.body == 0) watch(stream, EPOLL_CTL_MOD, false);
  return true;
}

// False when there is nothing more to do for the stream now.
bool Run::read_head(Stream& stream) {
  std::array<char, 4096> buffer;
  const ssize_t count = stream.connection.receive(buffer.data(), buffer.size());
  if (count == -1) return false;
  if (count <= 0) {
    fail(stream, "the connection ended before the answer");
    return false;
  }
  if (!stream.first_byte) first_bytes_.add(Clock::now() - stream.begun);
  stream.first_byte = true;
  std::size_t rest = 0;
  const auto state = stream.head.take({buffer.data(), static_cast<std::size_t>(count)}, rest);
  if (state == AnswerHead::State::incomplete) return true;
  if (state == AnswerHead::State::broken || stream.head.status() / 100 != 2) {
    fail(stream, ("status " + std::to_string(stream.head.status())).c_str());
    return false;
  }
  stream.head_read = true;
  stream.left = stream.head.length() - std::min<std::uint64_t>(stream.head.length(), rest);
  received_ += rest;
  return true;
}

bool Run::read_some(Stream& stream) {
  for (std::uint64_t turn = 0; turn < kTurn || stream.connection.holds_bytes();) {
    if (!stream.head_read) {
      if (!read_head(stream)) return true;
    } else if (stream.left > 0) {
      const ssize_t count = stream.connection.discard(stream.left);
      if (count == -1) return true;
      if (count <= 0) {
        fail(stream, "the connection ended within an answer");
        return false;
      }
      stream.left -= static_cast<std::uint64_t>(count);
      received_ += static_cast<std::uint64_t>(count);
      turn += static_cast<std::uint64_t>(count);
    }
    if (stream.head_read && stream.left == 0) {
      finish_request(stream);
      return false;
    }
  }
  return true;
}

void Run::finish_request(Stream& stream) {
  ++done_;
  if (++stream.request == transfer_.requests) return leave(stream);
  begin(stream, static_cast<std::size_t>(&stream - streams_.data()));
  watch(stream, EPOLL_CTL_MOD, true);
}

void Run::fail(Stream& stream, const char* why) {
  if (errors_++ == 0) first_error_ = why;
  leave(stream);
}

void Run::leave(Stream& stream) {
  ::epoll_ctl(epoll_, EPOLL_CTL_DEL, stream.connection.descriptor(), nullptr);
  stream.request = transfer_.requests;
  --running_;
}

void Run::print(double seconds) {
  std::printf(
      "{\"connections\": %zu, \"requests\": %zu, \"errors\": %zu, \"bytes_sent\": %llu, "
      "\"bytes_received\": %llu, \"seconds\": %.6f, \"first_byte_ms\": %s, \"congestion\": %s, "
      "\"first_error\": %s}\n",
      transfer_.connections, done_, errors_, static_cast<unsigned long long>(sent_),
      static_cast<unsigned long long>(received_), seconds, first_bytes_.json().c_str(),
      json_text(congestion_).c_str(), json_text(first_error_).c_str());
}

int Run::run() {
  if (transfer_.body > 0) body_bytes();
  if (!connect()) return 1;
  running_ = streams_.size();
  const auto start = Clock::now();
  for (std::size_t index = 0; index < streams_.size(); ++index) begin(streams_[index], index);
  for (Stream& stream : streams_) watch(stream, EPOLL_CTL_ADD, true);
  std::array<epoll_event, 256> events;
  while (running_ > 0 && seconds_since(start) < transfer_.timeout) {
    const int count = ::epoll_wait(epoll_, events.data(), static_cast<int>(events.size()), 1000);
    for (int at = 0; at < count; ++at) {
      auto& stream = *static_cast<Stream*>(events[static_cast<std::size_t>(at)].data.ptr);
      const std::uint32_t what = events[static_cast<std::size_t>(at)].events;
      if ((what & (EPOLLIN | EPOLLHUP | EPOLLERR)) != 0 && !read_some(stream)) continue;
      if ((what & EPOLLOUT) != 0 && stream.request < transfer_.requests) send_some(stream);
    }
  }
  const double seconds = seconds_since(start);
  if (running_ > 0 && first_error_.empty()) first_error_ = "the time was over";
  errors_ += running_;
  print(seconds);
  return 0;
}

}  // namespace

int run_transfer(const Transfer& transfer) { return Run(transfer).run(); }

}  // namespace bench
