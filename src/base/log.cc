#include "base/log.h"

#include <signal.h>

#include <atomic>
#include <mutex>
#include <span>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/log_line.h"
#include "base/log_queue.h"

namespace visor::log {
namespace {

void tell_lost(std::string& out, std::uint64_t count);

/// Where lines go now. Lives as long as the process, so that the last destructor may still log.
struct Destination {
  std::atomic<Level> level = Level::warning;
  std::atomic<Form> form = Form::text;
  std::mutex mutex;  ///< of `path`, and of changing the file
  std::string path;
  LogQueue queue{tell_lost};
};

Destination& destination() {
  static auto& instance = *new Destination;
  return instance;
}

void tell_lost(std::string& out, std::uint64_t count) {
  const std::string lines = std::to_string(count);
  const Field field{"lines", lines};
  append_line(out, destination().form.load(), Level::warning, Clock::system().now(),
              "lines of the log were dropped: it could not be written, or not as fast as they came",
              std::span(&field, 1));
}

// A thread's lines are made one after the other, in one piece of memory. Destructors may still log
// when it is gone.
thread_local bool scratch_gone = false;
struct Scratch {
  std::string text;
  ~Scratch() { scratch_gone = true; }
};
thread_local Scratch scratch;

void emit(Level level, std::string_view message, std::span<const Field> fields, Haste haste) {
  Destination& target = destination();
  std::string last;
  std::string& line = scratch_gone ? last : scratch.text;
  line.clear();
  append_line(line, target.form.load(std::memory_order_relaxed), level, Clock::system().now(),
              message, fields);
  if (!target.queue.put(line, haste)) target.queue.drain();
}

}  // namespace

Result<void> configure(const Options& options) {
  auto file = LogFile::open(options.file);
  if (!file) return pass(file);
  Destination& target = destination();
  const std::lock_guard lock(target.mutex);
  target.queue.go_on_in(std::move(*file));
  target.path = options.file;
  target.form = options.form;
  target.level = options.level;
  return {};
}

Result<void> reopen() {
  Destination& target = destination();
  const std::lock_guard lock(target.mutex);
  auto file = LogFile::open(target.path);
  if (!file) return pass(file);
  target.queue.go_on_in(std::move(*file));
  return {};
}

Writer::Writer() {
  thread_ = std::thread([] {
    // The process's signals are for its main thread.
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, nullptr);
    destination().queue.serve();
  });
  destination().queue.expect_service();
  pthread_setname_np(thread_.native_handle(), "log");
}

Writer::~Writer() {
  destination().queue.stop();
  thread_.join();
  // What came between the thread's last look and its end.
  destination().queue.drain();
}

bool enabled(Level level) {
  return level != Level::off && level >= destination().level.load(std::memory_order_relaxed);
}

void write(Level level, std::string_view message, Fields fields) {
  if (!enabled(level)) return;
  emit(level, message, std::span(fields.begin(), fields.size()), Haste::at_once);
}

void write_soon(Level level, std::string_view message, Fields fields) {
  if (!enabled(level)) return;
  emit(level, message, std::span(fields.begin(), fields.size()), Haste::with_others);
}

void failure(Level level, std::string_view message, const Error& cause, Fields fields) {
  if (!enabled(level)) return;
  std::vector<Field> all;
  all.reserve(fields.size() + 3);
  all.push_back({"code", to_string(cause.code)});
  all.push_back({"error", cause.message});
  if (!cause.where.empty()) all.push_back({"where", cause.where});
  all.insert(all.end(), fields.begin(), fields.end());
  emit(level, message, all, Haste::at_once);
}

}  // namespace visor::log
