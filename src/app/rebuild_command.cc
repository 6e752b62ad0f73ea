#include "app/rebuild_command.h"

#include <chrono>
#include <iostream>
#include <string>
#include <utility>

#include "app/application_parts.h"
#include "async/executor.h"
#include "base/units.h"
#include "document/json.h"
#include "document/value.h"
#include "service/quota.h"

namespace visor::app {
namespace {

using async::run_until_done;
using document::Value;
using service::RebuildProblem;
using service::RebuildReport;

constexpr int kFailed = 1;
constexpr int kWrongArguments = 2;
constexpr auto kBetweenTellings = std::chrono::seconds(5);

std::string counted(std::uint64_t number, const std::string& noun) {
  return std::to_string(number) + " " + noun + (number == 1 ? "" : "s");
}

void tell_problem(const RebuildProblem& problem) {
  std::cerr << "visord: " << problem.key;
  if (!problem.image.empty()) std::cerr << " (image " << problem.image << ")";
  std::cerr << ": " << problem.reason << '\n';
}

/// Now and then, so that somebody who waits sees that it goes on.
class Progress {
 public:
  bool operator()(const RebuildReport& report) {
    const auto now = std::chrono::steady_clock::now();
    if (now - told_ < kBetweenTellings) return true;
    told_ = now;
    std::cerr << "visord: " << counted(report.looked, "blob") << " looked at, "
              << counted(report.images + report.deleted + report.adopted, "image")
              << " there again\n";
    return true;
  }

 private:
  std::chrono::steady_clock::time_point told_ = std::chrono::steady_clock::now();
};

Value document_of(const std::string& store, const RebuildReport& report) {
  Value owners = Value::array();
  for (const auto& [key, owner] : report.owners) {
    owners.push(Value::object({{"access_key", key},
                               {"images", owner.images},
                               {"bytes", owner.bytes},
                               {"account", owner.account}}));
  }
  Value problems = Value::array();
  for (const RebuildProblem& problem : report.problems) {
    Value one = Value::object({{"kind", service::to_string(problem.kind)}, {"key", problem.key}});
    if (!problem.image.empty()) one.append("image", problem.image);
    one.append("reason", problem.reason);
    problems.push(std::move(one));
  }
  return Value::object({{"rebuild", Value::object({{"store", store},
                                                   {"resumed", report.resumed},
                                                   {"looked", report.looked},
                                                   {"images", report.images},
                                                   {"deleted", report.deleted},
                                                   {"adopted", report.adopted},
                                                   {"copies", report.copies},
                                                   {"known", report.known},
                                                   {"bytes", report.bytes},
                                                   {"owners", std::move(owners)},
                                                   {"problem_count", report.problem_count},
                                                   {"problems", std::move(problems)}})}});
}

void tell_owners(const RebuildReport& report) {
  bool first = true;
  for (const auto& [key, owner] : report.owners) {
    if (owner.account) continue;
    if (std::exchange(first, false)) {
      std::cout << "Accounts that own images and are not in the catalogue; make them anew with the "
                   "same access key:\n";
    }
    std::cout << "        " << key << "  " << counted(owner.images, "image") << ", "
              << format_size(owner.bytes) << '\n';
  }
}

void tell_outcome(const std::string& store, const RebuildReport& report) {
  std::cout << (report.resumed ? "Went on where an earlier run was cut off. " : "")
            << "From the store '" << store << "': " << counted(report.images, "image") << " of "
            << format_size(report.bytes) << " there again";
  if (report.deleted > 0) std::cout << ", " << report.deleted << " more as deleted ones";
  if (report.adopted > 0) std::cout << ", " << report.adopted << " made of data without a manifest";
  std::cout << ".\n";
  if (report.copies > 0 || report.known > 0) {
    std::cout << "Of images that the catalogue had: " << report.copies
              << " copies that it did not know, " << report.known << " that it did.\n";
  }
  tell_owners(report);
  if (report.problem_count == 0) return;
  std::cout << counted(report.problem_count, "problem")
            << ": standard error says which. What was left out is still in the store.\n";
}

int report_error(const Error& error) {
  std::cerr << "visord: " << error.message << '\n';
  if (!error.where.empty()) std::cerr << "        (" << error.where << ")\n";
  return error.code == Code::invalid ? kWrongArguments : kFailed;
}

}  // namespace

Result<RebuildReport> Application::rebuild(Configuration configuration,
                                           service::RebuildOptions options,
                                           std::function<bool(const RebuildReport&)> on_progress,
                                           std::function<void(const RebuildProblem&)> on_problem) {
  if (configuration.catalogue.engine == CatalogueSettings::Engine::memory) {
    return fail(Code::invalid,
                "the configuration keeps the catalogue in memory, so none can be made for it");
  }
  auto folder = DataFolder::open(configuration.data);
  if (!folder) return pass(folder);
  configuration.data = folder->path();
  Parts parts(std::move(configuration), std::move(*folder));
  auto catalogue = open_catalogue(parts.configuration);
  if (!catalogue) return pass(catalogue);
  parts.catalogue = std::move(*catalogue);
  parts.client.emplace(*parts.catalogue, parts.catalogue_pool);
  if (auto opened = parts.open_stores(); !opened) return pass(opened);
  // As a start of the server would: what an earlier run was about to remove is no image.
  const service::FixedQuota unlimited({});
  service::ImageService images({*parts.client, parts.stores, parts.digest_pool, parts.slices,
                                Clock::system(), unlimited, nullptr},
                               service::Options{});
  if (auto recovered = run_until_done(images.recover()); !recovered) return pass(recovered);
  service::Rebuild rebuild({*parts.client, parts.stores, parts.digest_pool, parts.slices,
                            Clock::system(), parts.configuration.digests},
                           std::move(options));
  rebuild.on_progress = std::move(on_progress);
  rebuild.on_problem = std::move(on_problem);
  return run_until_done(rebuild.run());
}

int run_rebuild(const Configuration& configuration, const RebuildCommand& command) {
  auto rebuilt = Application::rebuild(configuration, command.options, Progress(), tell_problem);
  if (!rebuilt) return report_error(rebuilt.error());
  if (command.json) {
    std::cout << document::write_json_pretty(document_of(command.options.store, *rebuilt));
  } else {
    tell_outcome(command.options.store, *rebuilt);
  }
  return rebuilt->problem_count == 0 ? 0 : kFailed;
}

}  // namespace visor::app
