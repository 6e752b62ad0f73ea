#include "store_work.h"

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <thread>
#include <utility>

#include "base/units.h"
#include "interrupt.h"
#include "output.h"

namespace visor::command {
namespace {

using client::Client;
using client::Outcome;
using client::PlacementRequest;
using document::Value;
using std::chrono::milliseconds;

// Short work is seen to end at once, long work is not asked for too often.
constexpr milliseconds kFirstPause{20};
constexpr milliseconds kLongestPause{500};
// As long as a server may take to be there again after a restart.
constexpr std::chrono::seconds kPatience{60};

std::string text_of(const Value& placement, std::string_view name) {
  const std::string* text = placement.text(name);
  return text != nullptr ? *text : std::string();
}

std::uint64_t count_of(const Value& placement, std::string_view name) {
  return static_cast<std::uint64_t>(std::max<std::int64_t>(placement.integer(name).value_or(0), 0));
}

bool over(const Value& placement) {
  const std::string state = text_of(placement, "state");
  return state != "waiting" && state != "running";
}

/// "copying" for "copy".
std::string doing(const std::string& kind) {
  if (kind == "move") return "moving";
  if (kind == "scrub") return "scrubbing";
  return kind + "ing";
}

/// "copying 7 to s3".
std::string described(const Value& placement) {
  const std::string kind = text_of(placement, "kind");
  std::string words = doing(kind) + " ";
  if (kind == "scrub") return words + text_of(placement, "store");
  words += text_of(placement, "image");
  if (const std::string from = text_of(placement, "from"); !from.empty()) words += " from " + from;
  return words + (kind == "evict" ? " from " : " to ") + text_of(placement, "store");
}

Outcome<Value> placement_in(Outcome<Value> document) {
  if (!document) return document;
  const Value* placement = document->find("placement");
  if (placement == nullptr || placement->text("id") == nullptr) {
    return client::local_failure(Code::internal,
                                 "the server's answer holds no placement. Is this the address of "
                                 "an image service?");
  }
  return *placement;
}

/// Shows one placement's way to its end.
class Watcher {
 public:
  /// `place` is shown behind what is done, such as " 2/5".
  Watcher(client::Progress& progress, std::string place)
      : progress_(progress), place_(std::move(place)) {}

  void show(const Value& placement) {
    const std::string kind = text_of(placement, "kind");
    // What moves no bytes is over before a bar could tell anything.
    if (kind == "evict" || over(placement)) return;
    const std::uint64_t done = count_of(placement, "done");
    std::string state = text_of(placement, "state");
    // The rate is that of the work, not of the wait for it; and a server that was started again
    // has begun anew.
    if (state != state_ || done < done_) {
      const std::uint64_t size = count_of(placement, "size");
      progress_.begin(doing(kind) + place_, done,
                      size > 0 ? std::optional(size) : std::optional<std::uint64_t>());
      state_ = std::move(state);
    } else {
      progress_.advance(done);
    }
    done_ = done;
  }

  /// `placement` is over, or nobody waits for it any more.
  void end(const Value& placement) {
    if (state_.empty()) return;
    const std::uint64_t done = count_of(placement, "done");
    const bool complete = text_of(placement, "state") == "done" && done > 0;
    if (complete) progress_.advance(done);
    progress_.end(complete);
    state_.clear();
  }

  void notice(std::string_view sentence) { progress_.notice(sentence); }

 private:
  client::Progress& progress_;
  std::string place_;
  std::string state_;
  std::uint64_t done_ = 0;
};

bool may_pass(const client::Failure& failure) {
  return failure.unreachable || failure.error.code == Code::unavailable ||
         failure.error.code == Code::rate_limited || failure.error.code == Code::timeout;
}

/// The placement as it is now; waits for a server that is away for a moment.
Outcome<Value> look(Client& client, const std::string& id, Watcher& watcher,
                    const Interrupt& interrupt) {
  std::optional<std::chrono::steady_clock::time_point> missed;
  while (true) {
    auto placement = placement_in(client.placement(id));
    if (placement || !may_pass(placement.error()) || interrupt.came()) return placement;
    const auto now = std::chrono::steady_clock::now();
    if (!missed) {
      missed = now;
      watcher.notice("The server does not answer; its work goes on when it is back.");
    }
    if (now - *missed > kPatience) return placement;
    std::this_thread::sleep_for(kLongestPause);
  }
}

/// The placement when it is over, or as it was last seen when the interrupt came. `fresh`: it is
/// as the server has it now.
Outcome<Value> wait_until_over(Client& client, Value placement, bool fresh, Watcher& watcher,
                               const Interrupt& interrupt) {
  const std::string id = text_of(placement, "id");
  milliseconds pause = kFirstPause;
  if (fresh) watcher.show(placement);
  while (!interrupt.came() && (!fresh || !over(placement))) {
    if (fresh) std::this_thread::sleep_for(pause);
    if (fresh) pause = std::min(2 * pause, kLongestPause);
    auto now = look(client, id, watcher, interrupt);
    if (!now) return now;
    placement = std::move(*now);
    watcher.show(placement);
    fresh = true;
  }
  return placement;
}

void tell_how_to_look(std::span<const Value> placements) {
  std::string ids;
  for (const Value& placement : placements) ids += " " + text_of(placement, "id");
  complain("the server's work goes on.\nTo look at it: visor store jobs" + ids +
           "\nTo end it:     visor store cancel" + ids);
}

/// Work that was asked for.
struct Asked {
  Exit exit = Exit::done;
  std::vector<Value> placements;
};

Asked ask(const Program& program, const std::vector<PlacementRequest>& wanted, Client& client,
          const Interrupt& interrupt) {
  Asked asked;
  for (const PlacementRequest& request : wanted) {
    if (interrupt.came()) break;
    auto placement = placement_in(client.place(request));
    if (placement) {
      asked.placements.push_back(std::move(*placement));
      continue;
    }
    const Exit failed = report(program, placement.error(), &client);
    if (asked.exit == Exit::done) asked.exit = failed;
    if (failed == Exit::unreachable) break;
  }
  return asked;
}

void print_placements(Value::Array placements, bool one) {
  if (!one) {
    print_document(Value::object({{"placements", std::move(placements)}}));
  } else if (!placements.empty()) {
    print_document(Value::object({{"placement", std::move(placements.front())}}));
  }
}

Exit await_all(const Program& program, Client& client, Asked asked, bool one,
               Interrupt& interrupt) {
  const auto progress = make_progress(program);
  const std::span<const Value> placements = asked.placements;
  Exit exit = asked.exit;
  Value::Array ended;
  for (std::size_t at = 0; at < placements.size(); ++at) {
    Watcher watcher(*progress,
                    one ? std::string()
                        : " " + std::to_string(at + 1) + "/" + std::to_string(placements.size()));
    auto last = wait_until_over(client, placements[at], at == 0, watcher, interrupt);
    watcher.end(last ? *last : placements[at]);
    if (!last) {
      const Exit failed = report(program, last.error(), &client);
      if (exit == Exit::done) exit = failed;
      if (!may_pass(last.error())) continue;
    }
    if (!last || !over(*last)) {
      tell_how_to_look(placements.subspan(at));
      if (interrupt.came()) interrupt.end_program();
      return exit == Exit::done ? Exit::failed : exit;
    }
    const WorkResult result = result_of(*last);
    if (result.exit != Exit::done) {
      complain(result.sentence);
      if (exit == Exit::done) exit = result.exit;
    } else if (!program.json && !program.quiet) {
      print(printable(result.sentence) + "\n");
    }
    ended.push_back(std::move(*last));
  }
  if (program.json) print_placements(std::move(ended), one);
  return exit;
}

WorkResult scrubbed(const Value& placement) {
  const std::string store = text_of(placement, "store");
  const std::uint64_t checked = count_of(placement, "checked");
  const std::uint64_t damaged = count_of(placement, "damaged");
  if (damaged > 0) {
    return {Exit::failed,
            std::to_string(damaged) + " of " + std::to_string(checked) + " copies in " + store +
                (damaged == 1 ? " is damaged. It is healed if another copy of its image is whole"
                              : " are damaged. Those are healed of whose image another copy is "
                                "whole") +
                "; see: visor store jobs"};
  }
  if (checked == 0) return {Exit::done, "Scrubbed " + store + ": there are no copies in it"};
  return {Exit::done, "Scrubbed " + store + ": " +
                          (checked == 1 ? "the only copy is whole"
                                        : "all " + std::to_string(checked) + " copies are whole") +
                          " (" + format_size(count_of(placement, "done")) + " read)"};
}

}  // namespace

WorkResult result_of(const Value& placement) {
  const std::string kind = text_of(placement, "kind");
  const std::string state = text_of(placement, "state");
  if (state != "done") {
    const std::string failure = text_of(placement, "failure");
    return {Exit::failed, described(placement) + (state == "cancelled" ? " was cancelled"
                                                  : failure.empty()    ? " failed"
                                                                       : " failed: " + failure)};
  }
  if (kind == "scrub") return scrubbed(placement);
  std::string sentence = described(placement);
  sentence.replace(0, sentence.find(' '),
                   kind == "copy"   ? "Copied"
                   : kind == "move" ? "Moved"
                                    : "Evicted");
  if (const std::uint64_t size = count_of(placement, "size"); size > 0) {
    sentence += " (" + format_size(size) + ")";
  }
  return {Exit::done, sentence};
}

Exit run_work(const Program& program, const std::vector<PlacementRequest>& wanted, bool wait) {
  return with_client(program, [&](Client& client) {
    const bool one = wanted.size() == 1;
    Interrupt interrupt;
    Asked asked = ask(program, wanted, client, interrupt);
    if (wait && !asked.placements.empty()) {
      return await_all(program, client, std::move(asked), one, interrupt);
    }
    if (program.json) {
      print_placements(std::move(asked.placements), one);
    } else {
      for (const Value& placement : asked.placements) {
        print(printable(text_of(placement, "id")) + "\n");
      }
    }
    if (interrupt.came()) interrupt.end_program();
    return asked.exit;
  });
}

}  // namespace visor::command
