#include "store.h"

#include <CLI/CLI.hpp>
#include <chrono>
#include <functional>
#include <thread>
#include <utility>

#include "base/clock.h"
#include "base/units.h"
#include "output.h"
#include "store_work.h"

namespace visor::command {
namespace {

using client::Client;
using client::Outcome;
using document::Value;

constexpr std::chrono::seconds kBetweenLooks{1};
// What fits a terminal.
constexpr std::uint64_t kNewest = 20;
// Clears a terminal and begins at its top.
constexpr std::string_view kAnew = "\x1b[H\x1b[2J";

Exit run_list(const Program& program) {
  return with_client(program, [&](Client& client) {
    return tell(program, client, client.stores(), format_stores);
  });
}

Exit run_copies(const Program& program, const StoreOptions& options) {
  return with_client(program, [&](Client& client) {
    return tell(program, client, client.copies(options.words.front()), format_copies);
  });
}

/// The stores that were named, or all of them.
Outcome<std::vector<std::string>> chosen_stores(Client& client, const StoreOptions& options) {
  if (!options.words.empty()) return options.words;
  auto document = client.stores();
  if (!document) return client::pass_on(document);
  std::vector<std::string> names;
  if (const Value* stores = document->find("stores"); stores != nullptr && stores->is_array()) {
    for (const Value& store : *stores->as_array()) {
      if (const std::string* name = store.text("name")) names.push_back(*name);
    }
  }
  return names;
}

Exit run_check(const Program& program, const StoreOptions& options) {
  return with_client(program, [&](Client& client) {
    auto names = chosen_stores(client, options);
    if (!names) return report(program, names.error(), &client);
    Exit exit = Exit::done;
    Value checks = Value::array();
    for (const auto& name : *names) {
      auto document = client.check_store(name);
      const Value* check = document ? document->find("check") : nullptr;
      Exit result = Exit::done;
      if (!document) {
        result = report(program, document.error(), &client);
      } else if (check != nullptr) {
        const std::string* word = check->text("result");
        if (word == nullptr || *word == "failed") result = Exit::failed;
        checks.push(*check);
      }
      if (exit == Exit::done) exit = result;
      if (result == Exit::unreachable) break;
    }
    if (checks.size() == 0) return exit;
    if (program.json && options.words.size() == 1) {
      print_document(Value::object({{"check", checks.as_array()->front()}}));
      return exit;
    }
    const Value document = Value::object({{"checks", std::move(checks)}});
    if (program.json) {
      print_document(document);
    } else {
      print(format_checks(document, colours(program)));
    }
    return exit;
  });
}

/// The placements that were named, or a page of the newest.
Outcome<Value> chosen_placements(Client& client, const StoreOptions& options, std::uint64_t limit) {
  if (options.words.empty()) return client.placements(limit, options.marker);
  Value placements = Value::array();
  for (const auto& id : options.words) {
    auto document = client.placement(id);
    if (!document) return document;
    if (const Value* placement = document->find("placement")) placements.push(*placement);
  }
  return Value::object({{"placements", std::move(placements)}});
}

void tell_placements(const Program& program, const StoreOptions& options, const Value& document) {
  const Value* placements = document.find("placements");
  const std::size_t count = placements == nullptr ? 0 : placements->size();
  if (program.json) {
    const bool one = options.words.size() == 1 && count == 1;
    print_document(one ? Value::object({{"placement", placements->as_array()->front()}})
                       : document);
    return;
  }
  if (count == 0) {
    remark(program, "There was no such work in the last days.");
    return;
  }
  print(format_placements(document, Clock::system().now(), colours(program)));
  if (const std::string* next = document.text("next"); next != nullptr && !options.watch) {
    remark(program, "Older ones follow: add --marker '" + marker_in(*next) + "'");
  }
}

Exit run_jobs(const Program& program, const StoreOptions& options) {
  std::uint64_t limit = kNewest;
  if (!options.limit.empty()) {
    limit = parse_unsigned(options.limit).value_or(0);
    if (limit == 0) {
      complain("--limit takes a number from 1, not '" + options.limit + "'");
      return Exit::usage;
    }
  }
  return with_client(program, [&](Client& client) {
    while (true) {
      auto document = chosen_placements(client, options, limit);
      if (!document) return report(program, document.error(), &client);
      if (options.watch && !program.json && colours(program)) print(kAnew);
      tell_placements(program, options, *document);
      if (!options.watch) return Exit::done;
      std::fflush(stdout);
      std::this_thread::sleep_for(kBetweenLooks);
    }
  });
}

Exit run_cancel(const Program& program, const StoreOptions& options) {
  return with_client(program, [&](Client& client) {
    Exit exit = Exit::done;
    for (const auto& id : options.words) {
      const std::string line = "Cancelled placement " + printable(id) + "\n";
      const Exit told = tell_done(program, client, client.cancel_placement(id), line);
      if (exit == Exit::done) exit = told;
      if (told == Exit::unreachable) break;
    }
    return exit;
  });
}

/// The same for each of the images.
Exit run_for_images(const Program& program, const StoreOptions& options, const char* kind) {
  std::vector<client::PlacementRequest> wanted;
  for (const auto& image : options.words) {
    wanted.push_back({kind, image, options.store, options.left});
  }
  return run_work(program, wanted, !options.no_wait);
}

Exit run_scrub(const Program& program, const StoreOptions& options) {
  std::vector<client::PlacementRequest> wanted;
  for (const auto& store : options.words) wanted.push_back({"scrub", {}, store, {}});
  return run_work(program, wanted, !options.no_wait);
}

/// What the commands are built with.
class Builder : public CommandGroup {
 public:
  Builder(CLI::App& store, Program& program, StoreOptions& options)
      : CommandGroup(store, program), options_(options) {}

  CLI::Option* words(CLI::App* command, const char* name, const char* description,
                     const char* type) {
    return command->add_option(name, options_.words, description)->type_name(type);
  }
  void store_option(CLI::App* command, const char* name, const char* description) {
    command->add_option(name, options_.store, description)->required()->type_name("STORE");
  }
  void no_wait(CLI::App* command) {
    command->add_flag("--no-wait", options_.no_wait,
                      "Don't wait until it is done: print the id of the work, for jobs");
  }

 private:
  StoreOptions& options_;
};

void add_looking(Builder& build, Program& program, StoreOptions& options) {
  build.finish(build.add("list", "List the stores", "  visor store list",
                         [&] { return run_list(program); }));

  CLI::App* check = build.add("check", "Write a little to stores, read it back and remove it",
                              "  visor store check\n"
                              "  visor store check s3 local",
                              [&] { return run_check(program, options); });
  build.words(check, "stores", "The stores (default: all)", "STORE");
  build.finish(check);

  CLI::App* copies = build.add("copies", "Show where an image's data lies",
                               "  visor store copies 7583d669-8a65-41f1-b8ae-eb34ff6b322f",
                               [&] { return run_copies(program, options); });
  build.words(copies, "id", "The image", "ID")->required()->expected(1);
  build.finish(copies);
}

void add_changing(Builder& build, Program& program, StoreOptions& options) {
  CLI::App* copy =
      build.add("copy", "Copy images into one more store",
                "  visor store copy 7583d669-8a65-41f1-b8ae-eb34ff6b322f --to s3\n"
                "  visor store copy 7583d669-8a65-41f1-b8ae-eb34ff6b322f --to s3 --no-wait",
                [&] { return run_for_images(program, options, "copy"); });
  build.words(copy, "ids", "The images", "ID")->required();
  build.store_option(copy, "--to", "Where the copy goes");
  build.no_wait(copy);
  build.finish(copy);

  CLI::App* move =
      build.add("move", "Move images into another store",
                "  visor store move 7583d669-8a65-41f1-b8ae-eb34ff6b322f --to s3\n"
                "  visor store move 7583d669-8a65-41f1-b8ae-eb34ff6b322f --to s3 --from local",
                [&] { return run_for_images(program, options, "move"); });
  build.words(move, "ids", "The images", "ID")->required();
  build.store_option(move, "--to", "Where they go");
  move->add_option("--from", options.left, "Which store they leave (default: where reads begin)")
      ->type_name("STORE");
  build.no_wait(move);
  build.finish(move);

  CLI::App* evict =
      build.add("evict", "Remove copies of images that lie in another store too",
                "  visor store evict 7583d669-8a65-41f1-b8ae-eb34ff6b322f --from local",
                [&] { return run_for_images(program, options, "evict"); });
  build.words(evict, "ids", "The images", "ID")->required();
  build.store_option(evict, "--from", "Which store they leave");
  build.no_wait(evict);
  build.finish(evict);

  CLI::App* scrub = build.add(
      "scrub", "Read every copy in stores, compare it with its digest and heal what is damaged",
      "  visor store scrub local\n"
      "  visor store scrub local s3 --no-wait",
      [&] { return run_scrub(program, options); });
  build.words(scrub, "stores", "The stores", "STORE")->required();
  build.no_wait(scrub);
  build.finish(scrub);
}

void add_work(Builder& build, Program& program, StoreOptions& options) {
  CLI::App* jobs = build.add(
      "jobs", "Show what is copied, moved, evicted, scrubbed and healed, the newest first",
      "  visor store jobs\n"
      "  visor store jobs --watch\n"
      "  visor store jobs 0b9f3c5e-6d3f-4f0e-9a57-1f1c4f0c2a77 --json",
      [&] { return run_jobs(program, options); });
  build.words(jobs, "ids", "These alone", "ID");
  jobs->add_option("--limit", options.limit, "At most so many (default 20)")->type_name("N");
  jobs->add_option("--marker", options.marker, "Those before this one")->type_name("MARKER");
  jobs->add_flag("--watch", options.watch, "Show it again every second, until Ctrl-C");
  build.finish(jobs);

  CLI::App* cancel = build.add("cancel", "End work that jobs shows; what it has written goes",
                               "  visor store cancel 0b9f3c5e-6d3f-4f0e-9a57-1f1c4f0c2a77",
                               [&] { return run_cancel(program, options); });
  build.words(cancel, "ids", "The work, as jobs shows it", "ID")->required();
  build.finish(cancel);
}

}  // namespace

void add_store_commands(CLI::App& app, Program& program, StoreOptions& options) {
  CLI::App* store =
      app.add_subcommand("store", "See and change where the data of images lies (administrators)");
  store->require_subcommand(1);
  Builder build(*store, program, options);
  add_looking(build, program, options);
  add_changing(build, program, options);
  add_work(build, program, options);
}

}  // namespace visor::command
