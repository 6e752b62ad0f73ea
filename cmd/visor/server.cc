#include "server.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>

#include "base/units.h"
#include "output.h"
#include "server_process.h"

namespace visor::command {
namespace {

using document::Value;

Result<ServerPlace> place_of(const ServerOptions& options) {
  return server_place(options, {".", home_folder() + "/.visor", "/etc/visor"});
}

std::optional<std::chrono::milliseconds> deadline_of(const ServerOptions& options) {
  const auto deadline = parse_duration(options.deadline);
  if (!deadline)
    complain("--deadline takes a time such as 30s or 5m, not '" + options.deadline + "'");
  return deadline;
}

std::string last_address(const std::string& log) {
  std::ifstream file(log);
  std::string said;
  std::string line;
  // Of a long log, the lines that count; one without its end may be cut short.
  while (std::getline(file, line) && !file.eof()) {
    if (line.contains("listening on http")) said += line + "\n";
  }
  return address_in_log(said);
}

/// Whether the server at `address` says that it serves.
bool healthy(const std::string& address) {
  if (address.empty()) return false;
  auto parsed = client::parse_address(address);
  if (!parsed) return false;
  if (parsed->host == "0.0.0.0") parsed->host = "127.0.0.1";
  if (parsed->host == "::") parsed->host = "::1";
  client::Connection connection;
  connection.address = std::move(*parsed);
  // The server's own certificate need not be one that this machine trusts; no secret is sent.
  connection.verify_tls = false;
  client::Client client(std::move(connection));
  return client.health().has_value();
}

StartOptions start_options(const ServerOptions& options, const ServerPlace& place) {
  StartOptions start;
  start.log_file = place.log;
  start.arguments = {"--data", place.data};
  const auto pass_on = [&start](const char* name, const std::string& value) {
    if (!value.empty()) start.arguments.insert(start.arguments.end(), {name, value});
  };
  pass_on("--listen", options.listen);
  pass_on("--config", place.config);
  // A log that visord opened itself can be rotated (SIGHUP); a configured one it opens anyway.
  if (!options.log_file.empty() || (place.own_log && place.config.empty())) {
    pass_on("--log-file", place.log);
  }
  if (const auto url = client::parse_address(place.address); url && !place.address.empty()) {
    start.probe = [text = url->url()] { return healthy(text) ? text : std::string(); };
  }
  return start;
}

Exit run_start(const Program& program, const ServerOptions& options) {
  const auto deadline = deadline_of(options);
  if (!deadline) return Exit::usage;
  auto place = place_of(options);
  if (!place) return report(place.error(), Exit::usage);
  auto running = serving_process(place->data);
  if (!running) return report(running.error(), Exit::failed);
  if (*running) {
    complain("a server runs already on " + place->data + " (process " + std::to_string(**running) +
             "). Stop it with `visor server stop --data " + place->data +
             "`, or choose another folder");
    return Exit::conflict;
  }
  if (::mkdir(place->data.c_str(), 0700) != 0 && errno != EEXIST) {
    complain("cannot make the data folder " + place->data + ": " + std::strerror(errno));
    return Exit::failed;
  }
  StartOptions start = start_options(options, *place);
  start.deadline = *deadline;
  auto started = start_visord(start);
  if (!started) return report(started.error(), Exit::failed);
  // What the server prints is the first administrator's secret, which is shown this once.
  std::fputs(started->output.c_str(), program.json ? stderr : stdout);
  if (!healthy(started->address)) {
    complain("the server (process " + std::to_string(started->process) + ") listens on " +
             started->address + " but does not answer there. Look into " + place->log);
    return Exit::failed;
  }
  if (program.json) {
    print_document(Value::object({{"server", Value::object({{"process", started->process},
                                                            {"address", started->address},
                                                            {"data", place->data},
                                                            {"log", place->log}})}}));
  } else {
    print("The server runs at " + started->address + " (process " +
          std::to_string(started->process) + ", data in " + place->data + ", log in " + place->log +
          ")\n");
  }
  return Exit::done;
}

Exit tell_stopped(const Program& program, const std::string& data) {
  if (program.json) {
    print_document(
        Value::object({{"server", Value::object({{"running", false}, {"data", data}})}}));
  } else {
    complain("no server runs on " + data +
             ". Name another folder with --data, or start one with `visor server start`");
  }
  return Exit::not_found;
}

Exit run_stop(const Program& program, const ServerOptions& options) {
  const auto deadline = deadline_of(options);
  if (!deadline) return Exit::usage;
  auto place = place_of(options);
  if (!place) return report(place.error(), Exit::usage);
  auto running = serving_process(place->data);
  if (!running) return report(running.error(), Exit::failed);
  if (!*running) return tell_stopped(program, place->data);
  auto stopped = stop_process(**running, *deadline);
  if (!stopped) {
    return report(stopped.error(),
                  stopped.error().code == Code::forbidden ? Exit::not_permitted : Exit::failed);
  }
  if (!program.quiet) print("The server (process " + std::to_string(**running) + ") has stopped\n");
  return Exit::done;
}

Exit run_status(const Program& program, const ServerOptions& options) {
  auto place = place_of(options);
  if (!place) return report(place.error(), Exit::usage);
  auto running = serving_process(place->data);
  if (!running) return report(running.error(), Exit::failed);
  if (!*running) return tell_stopped(program, place->data);
  const int process = **running;
  const auto uptime =
      std::max(running_for(process).value_or(std::chrono::seconds(0)), std::chrono::seconds(1));
  std::string address = last_address(place->log);
  // A log that tells errors alone never says it; then options and configuration do.
  if (address.empty() && healthy(place->address)) address = place->address;
  const bool well = !address.empty() && healthy(address);
  if (program.json) {
    Value server = Value::object({{"running", true},
                                  {"process", process},
                                  {"uptime_seconds", uptime.count()},
                                  {"data", place->data}});
    if (!address.empty()) server.set("address", address).set("healthy", well);
    print_document(Value::object({{"server", std::move(server)}}));
  } else {
    client::Attributes lines{{"process", std::to_string(process)},
                             {"running for", format_duration(uptime)},
                             {"data", place->data}};
    lines.emplace_back("address", address.empty() ? "unknown: its log is elsewhere" : address);
    if (!address.empty()) lines.emplace_back("health", well ? "serving" : "does not answer");
    print(format_attributes(lines));
  }
  return address.empty() || well ? Exit::done : Exit::unreachable;
}

Exit exit_of_visord(const Result<int>& status) {
  if (!status) return report(status.error(), Exit::failed);
  return *status == 0 ? Exit::done : *status == 2 ? Exit::usage : Exit::failed;
}

Exit run_copy(const Program& program, const ServerOptions& options, bool backup) {
  const std::string& other = backup ? options.destination : options.source;
  if (other.empty()) {
    complain(backup ? "say where the backup goes: visor server backup --to FOLDER"
                    : "say which backup to restore: visor server restore --from FOLDER");
    return Exit::usage;
  }
  auto place = place_of(options);
  if (!place) return report(place.error(), Exit::usage);
  std::vector<std::string> arguments{"--data", place->data, backup ? "--backup" : "--restore",
                                     other};
  if (!place->config.empty()) arguments.insert(arguments.end(), {"--config", place->config});
  const Exit exit = exit_of_visord(run_visord(arguments));
  if (exit == Exit::done) {
    remark(program, backup ? "Backed " + place->data + " up to " + other
                           : "Restored " + other + " to " + place->data);
  }
  return exit;
}

Exit run_rebuild(const Program& program, const ServerOptions& options) {
  if (options.store.empty()) {
    complain("say which store to read: visor server rebuild --from-store NAME");
    return Exit::usage;
  }
  auto place = place_of(options);
  if (!place) return report(place.error(), Exit::usage);
  std::vector<std::string> arguments{"rebuild", options.store, "--data", place->data};
  if (!place->config.empty()) arguments.insert(arguments.end(), {"--config", place->config});
  if (options.merge) arguments.emplace_back("--merge");
  if (options.verify) arguments.emplace_back("--verify");
  if (!options.adopt.empty()) arguments.insert(arguments.end(), {"--adopt", options.adopt});
  if (program.json) arguments.emplace_back("--json");
  return exit_of_visord(run_visord(arguments));
}

/// Writes a file that is not there yet, for its owner's eyes: secrets will be put into it.
Exit write_template(const Program& program, const std::string& text, const ServerOptions& options) {
  const int flags = O_WRONLY | O_CREAT | O_CLOEXEC | (options.force ? O_TRUNC : O_EXCL);
  const int file = ::open(options.template_file.c_str(), flags, 0600);
  if (file < 0) {
    complain(errno == EEXIST
                 ? "'" + options.template_file +
                       "' exists already; choose another name, or replace it with --force"
                 : "cannot write '" + options.template_file + "': " + std::strerror(errno));
    return Exit::failed;
  }
  std::string_view rest = text;
  while (!rest.empty()) {
    const ssize_t wrote = ::write(file, rest.data(), rest.size());
    if (wrote < 0 && errno == EINTR) continue;
    if (wrote < 0) break;
    rest.remove_prefix(static_cast<std::size_t>(wrote));
  }
  const int reason = errno;
  if (::close(file) != 0 || !rest.empty()) {
    complain("cannot write '" + options.template_file + "': " + std::strerror(reason));
    return Exit::failed;
  }
  remark(program, "Wrote " + options.template_file + ". Check it with: visord --config " +
                      options.template_file + " --check-config");
  return Exit::done;
}

Exit run_config(const Program& program, const ServerOptions& options) {
  auto captured = capture_visord({"--print-config-template"});
  if (!captured) return report(captured.error(), Exit::failed);
  if (captured->status != 0) return Exit::failed;
  if (!options.template_file.empty() && options.template_file != "-") {
    return write_template(program, captured->output, options);
  }
  print(captured->output);
  return Exit::done;
}

}  // namespace

void add_server_commands(CLI::App& app, Program& program, ServerOptions& options) {
  CLI::App* server = app.add_subcommand("server", "Run the service on this machine");
  server->require_subcommand(1);
  CommandGroup commands(*server, program);
  const auto add_folder = [&](CLI::App* added) {
    added->add_option("--data", options.data, "Data folder (else as configured, else ./var)")
        ->type_name("DIR");
    added
        ->add_option("--config", options.config,
                     "Configuration (else visor-config.yml in ., ~/.visor or /etc/visor)")
        ->type_name("FILE");
    add_output_options(*added, program);
  };
  const auto add_deadline = [&](CLI::App* added, const char* text) {
    added->add_option("--deadline", options.deadline, text)->type_name("TIME");
  };

  CLI::App* start = commands.add("start", "Start it in the background and wait until it serves",
                                 "  visor server start\n"
                                 "  visor server start --data /srv/visor --listen 0.0.0.0:4568",
                                 [&] { return run_start(program, options); });
  add_folder(start);
  start->add_option("--listen", options.listen, "Address and port to serve on")
      ->type_name("ADDR:PORT");
  start
      ->add_option("--log-file", options.log_file,
                   "Its log (default: visord.log in the data folder)")
      ->type_name("FILE");
  add_deadline(start, "How long to wait until it serves (default 60s)");

  CLI::App* stop = commands.add("stop", "Let it finish its transfers and end",
                                "  visor server stop --data /srv/visor --deadline 5m",
                                [&] { return run_stop(program, options); });
  add_folder(stop);
  add_deadline(stop, "How long to wait until it is gone (default 60s)");

  CLI::App* status = commands.add("status", "Tell whether it runs: exit status 0, or 3 if not",
                                  "  visor server status --data /srv/visor",
                                  [&] { return run_status(program, options); });
  add_folder(status);
  status->add_option("--log-file", options.log_file, "Its log, if it was started with one")
      ->type_name("FILE");

  CLI::App* backup =
      commands.add("backup", "Copy the data folder consistently; it may be running",
                   "  visor server backup --data /srv/visor --to /backup/visor-2026-05-01",
                   [&] { return run_copy(program, options, true); });
  add_folder(backup);
  backup->add_option("--to,to", options.destination, "Folder to make")->type_name("FOLDER");

  CLI::App* restore =
      commands.add("restore", "Make a data folder from a backup",
                   "  visor server restore --from /backup/visor-2026-05-01 --data /srv/visor",
                   [&] { return run_copy(program, options, false); });
  add_folder(restore);
  restore->add_option("--from,from", options.source, "The backup")->type_name("FOLDER");

  CLI::App* rebuild =
      commands.add("rebuild", "Make a lost catalogue anew from what lies in a store",
                   "  visor server rebuild --from-store file --data /srv/visor\n"
                   "  visor server rebuild --from-store cloud --merge --verify\n"
                   "  visor server rebuild --from-store file --merge --adopt admin --json",
                   [&] { return run_rebuild(program, options); });
  add_folder(rebuild);
  rebuild->add_option("--from-store", options.store, "The store, by its name in the configuration")
      ->type_name("NAME");
  rebuild->add_flag("--merge", options.merge,
                    "Into a catalogue that has images: those stay as they are");
  rebuild->add_flag("--verify", options.verify,
                    "Read all data and compare its digests, not its sizes alone");
  rebuild
      ->add_option("--adopt", options.adopt,
                   "Register data without a manifest as images of this account")
      ->type_name("KEY");

  CLI::App* config = CommandGroup(app, program)
                         .add("config", "Print a commented template of the configuration",
                              "  visor config\n"
                              "  visor config -f visor-config.yml",
                              [&] { return run_config(program, options); });
  config->add_option("-f,--file", options.template_file, "Write it to this new file")
      ->type_name("FILE");
  config->add_flag("--force", options.force, "Replace the file if it exists");
  add_output_options(*config, program);
}

}  // namespace visor::command
