#include <sys/epoll.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <deque>

#include "latencies.h"
#include "loads.h"

namespace bench {
namespace {

struct Worker {
  Connection connection;
  AnswerHead head;
  bool head_read = false;
  std::uint64_t left = 0;
  Clock::time_point due;
};

class RateRun {
 public:
  explicit RateRun(const Rate& rate) : rate_(rate), epoll_(::epoll_create1(0)) {}
  ~RateRun() { ::close(epoll_); }
  RateRun(const RateRun&) = delete;
  RateRun& operator=(const RateRun&) = delete;

  int run();

 private:
  bool connect();
  Clock::time_point due(std::size_t request) const;
  void send_what_is_due();
  void read(Worker& worker);
  void lose();

  const Rate& rate_;
  int epoll_;
  std::vector<Worker> workers_;
  std::deque<Worker*> free_;
  Clock::time_point start_;
  std::size_t total_ = 0;
  std::size_t next_ = 0;
  std::size_t answered_ = 0;
  std::size_t errors_ = 0;
  Latencies times_;
};

bool RateRun::connect() {
  workers_.reserve(rate_.connections);
  while (workers_.size() < rate_.connections) {
    auto connection = Connection::open(rate_.target);
    if (!connection) {
      std::perror("bench_load: a connection was refused");
      return false;
    }
    workers_.push_back(Worker{.connection = std::move(*connection), .head = {}, .due = {}});
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.ptr = &workers_.back();
    ::epoll_ctl(epoll_, EPOLL_CTL_ADD, workers_.back().connection.descriptor(), &event);
    free_.push_back(&workers_.back());
  }
  return true;
}

Clock::time_point RateRun::due(std::size_t request) const {
  return start_ + std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(
                      static_cast<double>(request) / rate_.per_second));
}

void RateRun::send_what_is_due() {
  const auto now = Clock::now();
  while (next_ < total_ && !free_.empty() && due(next_) <= now) {
    Worker& worker = *free_.front();
    free_.pop_front();
    const auto& heads = rate_.target.heads;
    const std::string& head = heads[next_ % heads.size()];
    worker.due = due(next_++);
    worker.head.reset();
    worker.head_read = false;
    // A request is far smaller than the empty send buffer of a connection without one under way.
    if (worker.connection.send(head) != static_cast<ssize_t>(head.size())) lose();
  }
}

// The connection stays out of use.
void RateRun::lose() {
  ++errors_;
  ++answered_;
}

void RateRun::read(Worker& worker) {
  std::array<char, 64 * 1024> buffer;
  while (true) {
    const ssize_t count = worker.connection.receive(buffer.data(), buffer.size());
    if (count == -1) return;
    if (count <= 0) {
      ::epoll_ctl(epoll_, EPOLL_CTL_DEL, worker.connection.descriptor(), nullptr);
      return lose();
    }
    std::size_t rest = static_cast<std::size_t>(count);
    if (!worker.head_read) {
      const auto state = worker.head.take({buffer.data(), rest}, rest);
      if (state == AnswerHead::State::broken) {
        ::epoll_ctl(epoll_, EPOLL_CTL_DEL, worker.connection.descriptor(), nullptr);
        return lose();
      }
      if (state == AnswerHead::State::incomplete) continue;
      worker.head_read = true;
      worker.left = worker.head.length();
    }
    worker.left -= std::min<std::uint64_t>(worker.left, rest);
    if (worker.left > 0) continue;
    times_.add(Clock::now() - worker.due);
    ++answered_;
    if (worker.head.status() / 100 != 2) ++errors_;
    free_.push_back(&worker);
    return;
  }
}

int RateRun::run() {
  if (!connect()) return 1;
  total_ = static_cast<std::size_t>(rate_.per_second * rate_.seconds);
  start_ = Clock::now();
  std::array<epoll_event, 128> events;
  while (answered_ < total_ && seconds_since(start_) < rate_.seconds + 30) {
    send_what_is_due();
    timespec wait{0, 100'000'000};
    if (next_ < total_ && !free_.empty()) {
      const auto left = std::chrono::nanoseconds(due(next_) - Clock::now()).count();
      wait.tv_nsec = std::clamp<long>(left, 0, 100'000'000);
    }
    const int count =
        ::epoll_pwait2(epoll_, events.data(), static_cast<int>(events.size()), &wait, nullptr);
    for (int at = 0; at < count; ++at) {
      read(*static_cast<Worker*>(events[static_cast<std::size_t>(at)].data.ptr));
    }
  }
  const double seconds = seconds_since(start_);
  errors_ += total_ - answered_;
  std::printf("{\"requests\": %zu, \"errors\": %zu, \"seconds\": %.6f, \"latency_ms\": %s}\n",
              answered_, errors_, seconds, times_.json().c_str());
  return 0;
}

}  // namespace

int run_rate(const Rate& rate) { return RateRun(rate).run(); }

}  // namespace bench
