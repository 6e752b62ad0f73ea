#include "import.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <chrono>
#include <optional>
#include <utility>

#include "base/units.h"
#include "interrupt.h"
#include "output.h"

namespace visor::command {
namespace {

using client::TokenSource;
using document::Value;
using Outcomes = ImportedImage::Outcome;

constexpr std::uint64_t kMostJobs = 32;
constexpr std::uint64_t kMostRetries = 100;

constexpr const char* kGlanceFooter =
    "Examples:\n"
    "  visor import glance --from http://glance.example.org:9292 --to "
    "http://visor.example.org:9292\n"
    "  visor import glance --from https://cloud.example.org/image --to visor.example.org "
    "--dry-run\n"
    "  visor import glance --from glance.example.org --to visor.example.org --update -j 4\n"
    "\n"
    "Who asks, for both services or, with FROM_ or TO_ in front, for one of them:\n"
    "  OS_TOKEN                                       a token\n"
    "  OS_AUTH_URL OS_USERNAME OS_PASSWORD            a user and, with OS_PROJECT_NAME, a project\n"
    "  OS_AUTH_URL OS_APPLICATION_CREDENTIAL_ID, _SECRET\n"
    "  OS_AUTH_TYPE=none                              nobody: the service wants no token\n"
    "  OS_CACERT                                      PEM file of authorities to trust\n"
    "\n"
    "Run it again at any time: what is there is skipped, what is there half is completed.";

std::string text_of(const Value& document, std::string_view name) {
  const std::string* text = document.text(name);
  return text != nullptr ? *text : std::string();
}

Result<std::uint64_t> read_count(const std::string& text, std::string_view option,
                                 std::uint64_t least, std::uint64_t most, std::uint64_t usual) {
  if (text.empty()) return usual;
  const auto count = parse_unsigned(text);
  if (count && *count >= least && *count <= most) return *count;
  return fail(Code::invalid, std::string(option) + " takes a number from " + std::to_string(least) +
                                 " to " + std::to_string(most) + ", not '" + text + "'");
}

Result<ImportTerms> read_terms(const ImportOptions& options) {
  ImportTerms terms;
  auto jobs = read_count(options.jobs, "--jobs", 1, kMostJobs, terms.jobs);
  if (!jobs) return pass(jobs);
  terms.jobs = static_cast<unsigned>(*jobs);
  auto retries = read_count(options.retries, "--retries", 0, kMostRetries,
                            static_cast<std::uint64_t>(terms.attempts) - 1);
  if (!retries) return pass(retries);
  terms.attempts = static_cast<int>(*retries) + 1;
  if (!options.limit_rate.empty()) {
    const auto rate = parse_size(options.limit_rate);
    if (!rate || *rate == 0) {
      return fail(Code::invalid, "--limit-rate takes bytes a second, such as 50MiB, not '" +
                                     options.limit_rate + "'");
    }
    terms.rate = *rate;
  }
  return terms;
}

Result<void> check_selection(const Selection& selection) {
  static constexpr std::array<std::string_view, 5> kVisibilities = {"", "public", "private",
                                                                    "shared", "community"};
  if (std::ranges::find(kVisibilities, selection.visibility) != kVisibilities.end()) return {};
  return fail(Code::invalid, "--visibility takes public, private, shared or community, not '" +
                                 selection.visibility + "'");
}

Value image_entry(const std::string& id, const std::string& name) {
  Value entry = Value::object({{"id", id}});
  entry.append("name", name.empty() ? Value() : Value(name));
  return entry;
}

void tell_plan(const Program& program, const ImportPlan& plan) {
  Value entries = Value::array();
  std::vector<std::vector<std::string>> rows;
  std::uint64_t bytes = 0;
  for (const auto* images : {&plan.work, &plan.left}) {
    for (const PlannedImage& planned : *images) {
      const std::string id = text_of(planned.source, "id");
      const std::string name = text_of(planned.source, "name");
      const std::string step(to_string(planned.step));
      const std::uint64_t size = data_size(planned.source);
      if (planned.step == Step::create || planned.step == Step::resume) bytes += size;
      rows.push_back({id, step, format_size(size), printable(name)});
      Value entry = image_entry(id, name);
      entry.append("step", step).append("size", size);
      if (!is_work(planned.step)) entry.append("reason", left_alone(planned).reason);
      entries.push(std::move(entry));
    }
  }
  if (program.json) {
    Value import = Value::object({{"images", std::move(entries)}});
    import.append("bytes", bytes);
    print_document(Value::object({{"import", std::move(import)}}));
    return;
  }
  print(format_table({{"ID"}, {"STEP"}, {"SIZE", Align::right}, {"NAME"}}, rows, colours(program)));
  remark(program, "To be copied: " + format_size(bytes) + ". Nothing was changed (--dry-run).");
}

struct Sums {
  std::uint64_t copied = 0;
  std::uint64_t updated = 0;
  std::uint64_t skipped = 0;
  std::uint64_t failed = 0;
  std::uint64_t not_tried = 0;
  std::uint64_t differing = 0;
  std::uint64_t bytes = 0;
};

Sums sum_up(const std::vector<ImportedImage>& images, const ImportPlan& plan) {
  Sums sums;
  for (const ImportedImage& image : images) {
    std::uint64_t* const counted[] = {&sums.copied, &sums.updated, &sums.skipped, &sums.failed,
                                      &sums.not_tried};
    ++*counted[static_cast<std::size_t>(image.outcome)];
    sums.bytes += image.bytes;
  }
  sums.differing =
      static_cast<std::uint64_t>(std::ranges::count(plan.left, Step::differs, &PlannedImage::step));
  return sums;
}

std::string images_text(std::uint64_t count) {
  return std::to_string(count) + (count == 1 ? " image" : " images");
}

void tell_results(const Program& program, const std::vector<ImportedImage>& images,
                  const Sums& sums, std::chrono::milliseconds time) {
  if (program.json) {
    Value entries = Value::array();
    for (const ImportedImage& image : images) {
      Value entry = image_entry(image.id, image.name);
      entry.append("outcome", to_string(image.outcome)).append("bytes", image.bytes);
      if (!image.reason.empty()) entry.append("reason", image.reason);
      entries.push(std::move(entry));
    }
    Value import = Value::object({{"images", std::move(entries)}});
    import.append("copied", sums.copied)
        .append("updated", sums.updated)
        .append("skipped", sums.skipped)
        .append("failed", sums.failed)
        .append("not_tried", sums.not_tried)
        .append("bytes", sums.bytes);
    print_document(Value::object({{"import", std::move(import)}}));
  } else {
    std::string line = "Copied " + images_text(sums.copied) + " (" + format_size(sums.bytes) +
                       ") in " + format_duration(time) + ", updated " +
                       std::to_string(sums.updated) + ", skipped " + std::to_string(sums.skipped) +
                       ", failed " + std::to_string(sums.failed);
    if (sums.not_tried > 0) line += ", not tried " + std::to_string(sums.not_tried);
    print(line + ".\n");
  }
  for (const ImportedImage& image : images) {
    const std::string title = image.id + (image.name.empty() ? "" : " (" + image.name + ")");
    if (image.outcome == Outcomes::failed) complain(title + ": " + image.reason);
    const bool amiss = (image.outcome == Outcomes::copied || image.outcome == Outcomes::updated) &&
                       !image.reason.empty();
    if (amiss) remark(program, title + ": " + image.reason);
    const bool noteworthy = image.outcome == Outcomes::skipped && image.reason != "it is there";
    if (noteworthy && program.verbose) remark(program, title + ": " + image.reason);
  }
  if (sums.differing > 0) {
    remark(program, images_text(sums.differing) +
                        " there have other metadata than at the source. --update takes it over.");
  }
}

Exit tell_failure(const TransferFailure& failed, const Side& from, const Side& to) {
  complain(explained(failed, from.connection.address, to.connection.address));
  return exit_of(failed.failure);
}

Exit exit_for(const std::vector<ImportedImage>& images, const Sums& sums) {
  if (sums.failed == 0 && sums.not_tried == 0) return Exit::done;
  if (sums.not_tried == 0) return Exit::failed;
  // What made the rest not be tried is the reason for the whole.
  const bool refused = std::ranges::any_of(images, &ImportedImage::unauthenticated);
  return refused ? Exit::not_permitted : Exit::unreachable;
}

Exit run_plan(const Program& program, const ImportPlan& plan, const ImportSides& sides,
              const ImportRules& rules, const ImportTerms& terms, StopSignal& stop,
              Interrupt& interrupt) {
  const auto begun = std::chrono::steady_clock::now();
  const auto progress = make_progress(program);
  auto images = run_import(plan.work, sides, rules, terms, stop, interrupt, *progress);
  for (const PlannedImage& planned : plan.left) images.push_back(left_alone(planned));
  for (const std::string& id : plan.unknown) {
    ImportedImage image;
    image.id = id;
    image.outcome = Outcomes::failed;
    image.reason = "the source has no such image, or doesn't show it to this token";
    images.push_back(std::move(image));
  }
  const Sums sums = sum_up(images, plan);
  tell_results(program, images, sums,
               std::chrono::duration_cast<std::chrono::milliseconds>(
                   std::chrono::steady_clock::now() - begun));
  if (interrupt.came()) {
    remark(program,
           "Stopped. The same command goes on: what is there is skipped, and what was under way "
           "is sent anew.");
    interrupt.end_program();
  }
  if (sums.not_tried > 0) {
    complain("given up: " + images_text(sums.not_tried) +
             " not tried. The same command goes on once that is mended");
  }
  return exit_for(images, sums);
}

Exit run_glance(const Program& program, const ImportOptions& options) {
  StopSignal stop;
  const auto terms = read_terms(options);
  if (!terms) return report(terms.error(), Exit::usage);
  if (auto right = check_selection(options.selection); !right) {
    return report(right.error(), Exit::usage);
  }
  auto from = resolve_side("FROM_", options.from, options.both, program.environment, stop.flag());
  if (!from) return report(from.error(), Exit::usage);
  auto to = resolve_side("TO_", options.to, options.both, program.environment, stop.flag());
  if (!to) return report(to.error(), Exit::usage);
  if (from->connection.address.url() == to->connection.address.url()) {
    complain("--from and --to are the same service");
    return Exit::usage;
  }
  if (program.verbose) {
    remark(program, "From " + from->connection.address.url() + " " + from->identity);
    remark(program, "To " + to->connection.address.url() + " " + to->identity);
  }
  if (options.both.insecure) {
    remark(program, "Warning: the servers' certificates are not checked (--insecure).");
  }
  TokenSource from_tokens(from->token);
  TokenSource to_tokens(to->token);
  const ImportRules rules{.update = options.update, .keep_owners = !options.no_owner};
  client::ImageApi source(from->connection, from_tokens);
  client::ImageApi target(to->connection, to_tokens);
  auto plan = plan_import(source, target, options.selection, rules, *terms, stop);
  if (!plan) return tell_failure(plan.error(), *from, *to);
  if (options.dry_run) {
    tell_plan(program, *plan);
    return Exit::done;
  }
  // Until here nothing is under way, and Ctrl-C ends the program at once.
  Interrupt interrupt;
  const ImportSides sides{std::move(*from), std::move(*to), from_tokens, to_tokens};
  return run_plan(program, *plan, sides, rules, *terms, stop, interrupt);
}

void add_sides(CLI::App& command, ImportOptions& options) {
  command.add_option("--from", options.from.address, "The image service whose images are copied")
      ->required()
      ->type_name("ADDRESS");
  command.add_option("--to", options.to.address, "The one that gets them")
      ->required()
      ->type_name("ADDRESS");
  command
      .add_option("--from-token-file", options.from.token_file,
                  "File with the token for --from, read anew when it has run out")
      ->type_name("FILE");
  command.add_option("--to-token-file", options.to.token_file, "The same for --to")
      ->type_name("FILE");
  const std::string group = "Connection";
  command
      .add_option("--ca", options.both.ca_file,
                  "PEM file of authorities to trust (OS_CACERT, VISOR_CA)")
      ->type_name("FILE")
      ->group(group);
  command.add_flag("--insecure", options.both.insecure, "Accept any certificate. Dangerous")
      ->group(group);
  command
      .add_option("--timeout", options.both.stall_timeout,
                  "A transfer has failed when nothing moves for so long (default 2m)")
      ->type_name("TIME")
      ->group(group);
}

void add_choices(CLI::App& command, ImportOptions& options) {
  command.add_option("ids", options.selection.ids, "These images alone")->type_name("ID");
  command.add_option("--owner", options.selection.owner, "Only images of this project")
      ->type_name("PROJECT");
  command
      .add_option("--visibility", options.selection.visibility,
                  "Only public, private, shared or community images")
      ->type_name("VISIBILITY");
  command.add_option("--name", options.selection.name, "Only images of this name")
      ->type_name("NAME");
  command.add_flag("--update", options.update,
                   "Give images that are there the source's metadata, members and state");
  command.add_flag("--no-owner", options.no_owner,
                   "Leave owners out: what comes belongs to whom the token for --to belongs to");
  command.add_flag("--dry-run", options.dry_run, "Show what would be done, and do nothing");
  command.add_option("-j,--jobs", options.jobs, "Images at a time (default 2)")->type_name("N");
  command
      .add_option("--retries", options.retries,
                  "How often a request is tried again, with longer and longer pauses (default 4)")
      ->type_name("N");
  command
      .add_option("--limit-rate", options.limit_rate,
                  "Copy at most so many bytes a second, such as 50MiB")
      ->type_name("SIZE");
}

}  // namespace

void add_import_commands(CLI::App& app, Program& program, ImportOptions& options) {
  CLI::App* import = app.add_subcommand("import", "Take over what another image service has");
  import->require_subcommand(1);
  CLI::App* glance = import->add_subcommand(
      "glance", "Copy the images of an OpenStack Glance, with their metadata and members");
  glance->footer(kGlanceFooter);
  add_sides(*glance, options);
  add_choices(*glance, options);
  add_output_options(*glance, program);
  glance->callback([&] { program.action = [&] { return run_glance(program, options); }; });
}

}  // namespace visor::command
