#include "admin_activity.h"

#include <CLI/CLI.hpp>
#include <chrono>
#include <functional>
#include <thread>
#include <utility>

#include "document/value.h"
#include "output.h"

namespace visor::command {
namespace {

using client::Client;

constexpr std::chrono::seconds kBetweenLooks{1};
// Clears a terminal and begins at its top.
constexpr std::string_view kAnew = "\x1b[H\x1b[2J";

Exit run_requests(const Program& program, const ActivityOptions& options) {
  return with_client(program, [&](Client& client) {
    while (true) {
      auto document = client.requests_under_way();
      if (!document) return report(program, document.error(), &client);
      if (options.watch && !program.json && colours(program)) print(kAnew);
      if (program.json) {
        print_document(*document);
      } else {
        print(format_requests(*document, colours(program)));
      }
      if (!options.watch) return Exit::done;
      std::this_thread::sleep_for(kBetweenLooks);
    }
  });
}

Exit run_cancel(const Program& program, const ActivityOptions& options) {
  return with_client(program, [&](Client& client) {
    Exit exit = Exit::done;
    for (const auto& id : options.ids) {
      const std::string line = "Cancelled request " + printable(id) + "\n";
      const Exit told = tell_done(program, client, client.cancel_request(id), line);
      if (exit == Exit::done) exit = told;
    }
    return exit;
  });
}

Exit run_jobs(const Program& program) {
  return with_client(
      program, [&](Client& client) { return tell(program, client, client.jobs(), format_jobs); });
}

}  // namespace

void add_activity_commands(CLI::App& admin, Program& program, ActivityOptions& options) {
  CommandGroup commands(admin, program);
  CLI::App* requests = commands.add("requests", "Show the requests that are under way",
                                    "  visor admin requests\n"
                                    "  visor admin requests --watch",
                                    [&] { return run_requests(program, options); });
  requests->add_flag("--watch", options.watch, "Show them again every second, until Ctrl-C");
  commands.finish(requests);

  CLI::App* cancel = commands.add("cancel", "End requests by closing their connections",
                                  "  visor admin cancel 1d6k2m0q9w3xz",
                                  [&] { return run_cancel(program, options); });
  cancel->add_option("ids", options.ids, "Their ids, as requests shows them")
      ->required()
      ->type_name("ID");
  commands.finish(cancel);

  commands.finish(commands.add("jobs", "Show the server's work in the background",
                               "  visor admin jobs", [&] { return run_jobs(program); }));
}

}  // namespace visor::command
