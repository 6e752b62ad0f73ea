#include "app/upgrade.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <fstream>
#include <thread>
#include <utility>

#include "base/log.h"
#include "base/units.h"
#include "net/inherited_sockets.h"

namespace visor::app {
namespace {

using std::chrono::milliseconds;
using Steady = std::chrono::steady_clock;

// Opening a large catalogue in a newer form may take its time; an error is told at once.
constexpr std::chrono::minutes kStartPatience{10};
constexpr milliseconds kLook{20};
// An upload of this age is a long one: it is waited for while newcomers are still let in.
constexpr milliseconds kLong{3'000};
// How long newcomers wait for requests that turn out to be long, until they are let in again.
constexpr milliseconds kPause{2'000};
constexpr milliseconds kBetweenAttempts{500};
// For handlers whose connection was ended.
constexpr milliseconds kAftermath{60'000};

constexpr std::array<std::string_view, 3> kStates = {"running", "done", "failed"};

std::string report_path(const std::string& data) { return data + "/upgrade"; }

}  // namespace

std::optional<UpgradeReport> UpgradeReport::read(const std::string& data) {
  std::ifstream file(report_path(data));
  std::string ticket;
  std::string state;
  UpgradeReport report;
  if (!(file >> ticket >> state)) return std::nullopt;
  const auto number = parse_unsigned(ticket);
  const auto found = std::ranges::find(kStates, state);
  if (!number || found == kStates.end()) return std::nullopt;
  report.ticket = static_cast<int>(*number);
  report.state = static_cast<State>(found - kStates.begin());
  std::getline(file >> std::ws, report.text, '\0');
  return report;
}

void UpgradeReport::write(const std::string& data) const {
  const std::string path = report_path(data);
  const std::string draft = path + ".new";
  std::ofstream file(draft, std::ios::trunc);
  file << ticket << ' ' << kStates[static_cast<std::size_t>(state)] << ' ' << text;
  file.close();
  if (!file || ::rename(draft.c_str(), path.c_str()) != 0) {
    log::warning("the state of the upgrade could not be written", {{"file", path}});
  }
}

// Waits for what must not be handed over half done. Who comes is let in for as long as that takes;
// the pause, in which newcomers wait, is kept for the end.
Result<void> Upgrade::quiet_down(Application& application, const std::function<bool()>& give_up) {
  const auto end = Steady::now() + configuration_.upgrade_deadline;
  const auto given_up = [] {
    return fail(Code::cancelled, "the upgrade was called off, because the server is to stop");
  };
  while (true) {
    progress_("waiting for uploads under way");
    while (Steady::now() < end && application.uploads(kLong)) {
      if (give_up()) return given_up();
      std::this_thread::sleep_for(kLook);
    }
    const bool last = Steady::now() >= end;
    progress_("finishing requests");
    const milliseconds pause = std::max(kPause, configuration_.drain_grace + kPause);
    if (application.settle(last ? configuration_.shutdown_deadline : pause, give_up)) return {};
    if (!last || give_up()) {
      application.resume();
      if (give_up()) return given_up();
      std::this_thread::sleep_for(kBetweenAttempts);
      continue;
    }
    log::warning("requests that did not finish before upgrade_deadline are ended");
    application.cut();
    if (application.settle(kAftermath, give_up)) return {};
    application.resume();
    return fail(Code::unavailable,
                "requests went on although their connections were ended; the server serves on, try "
                "again later or restart it");
  }
}

Upgrade::Outcome Upgrade::run(Application& application, const std::function<bool()>& give_up,
                              const std::function<void(pid_t)>& announce) {
  Outcome outcome;
  outcome.result = application.may_hand_over();
  if (!outcome.result) return outcome;
  progress_("checking the program and its configuration");
  outcome.result = check_program(invocation_);
  if (!outcome.result) return outcome;
  outcome.result = quiet_down(application, give_up);
  if (!outcome.result) return outcome;
  application.let_go();
  progress_("starting the new server");
  Result<Successor> successor = Successor::start(invocation_, application.sockets(), managed_);
  if (!successor) return take_back(application, std::move(successor.error()));
  if (Result<void> ready = successor->wait_ready(kStartPatience, give_up); !ready) {
    {
      const Successor ended(std::move(*successor));
    }  // before its folder is taken back
    return take_back(application, std::move(ready.error()));
  }
  announce(successor->process());
  outcome.successor = successor->process();
  application.stop_listening();
  successor->let_go();
  return outcome;
}

Upgrade::Outcome Upgrade::take_back(Application& application, Error why) {
  progress_("the new server does not start; taking back over");
  Outcome outcome;
  outcome.result = std::unexpected(std::move(why));
  net::InheritedSockets sockets;
  for (const auto& socket : application.sockets()) {
    const int own = ::fcntl(socket.descriptor, F_DUPFD_CLOEXEC, 0);
    if (own < 0) continue;
    if (auto added = sockets.add(own, socket.address); !added) {
      log::failure(log::Level::warning, "a socket could not be taken back", added.error());
    }
  }
  application.stop_listening();
  const auto nothing_to_tell = [](const Application::FirstAdministrator&) {};
  auto again = Application::start(configuration_, nothing_to_tell, &sockets);
  if (again) {
    outcome.replacement = std::move(*again);
  } else {
    log::failure(log::Level::error, "the server could not take its data back", again.error());
    outcome.lost = true;
  }
  return outcome;
}

}  // namespace visor::app
