// visord: the server.
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <iostream>
#include <optional>
#include <string>

#include "app/application.h"
#include "app/audit_command.h"
#include "app/backup.h"
#include "app/configuration.h"
#include "app/lifecycle.h"
#include "app/rebuild_command.h"
#include "app/rekey.h"
#include "base/log.h"
#include "base/units.h"

namespace {

using visor::app::Configuration;

constexpr int kFailed = 1;
constexpr int kWrongConfiguration = 2;

struct Arguments {
  std::string data;
  std::vector<std::string> listen;
  std::string configuration;
  std::string log_file;
  std::string backup;
  std::string restore;
  bool check_configuration = false;
  bool print_template = false;
};

/// Where `visord audit …` ended up.
struct AuditCommands {
  CLI::App* verify = nullptr;
  CLI::App* show = nullptr;
};

AuditCommands add_audit_commands(CLI::App& app, visor::app::AuditQuestion& question) {
  CLI::App* const command = app.add_subcommand("audit", "Look at the audit log");
  command->fallthrough();
  command->require_subcommand(1);
  AuditCommands commands;
  commands.verify =
      command->add_subcommand("verify", "Check that the log is whole, and say where it is not");
  commands.show = command->add_subcommand("show", "Print what the log tells");
  for (CLI::App* each : {commands.verify, commands.show}) {
    each->fallthrough();
    each->add_option("path", question.path,
                     "A file or folder of the log; without it, the configured folder")
        ->type_name("FILE|DIR");
  }
  commands.verify
      ->add_option("--key", question.keys,
                   "A further file of a master key that lines were sealed with; may be given again")
      ->type_name("FILE");
  commands.verify
      ->add_option("--expect", question.expected,
                   "A line that must be there, as the server's log or an earlier run told it")
      ->type_name("NUMBER:HASH");
  commands.verify->footer(
      "Examples:\n"
      "  visord audit verify --data /srv/visor\n"
      "  visord audit verify /backup/audit --key /backup/master.key\n\n"
      "Exit status: 0 the log is whole, 1 it is not, 2 it could not be looked at.");
  commands.show->add_option("--since", question.since, "From this time on, or for so long")
      ->type_name("TIME|DURATION");
  commands.show
      ->add_option("--account", question.account, "What this account did, or was done to it")
      ->type_name("KEY");
  commands.show->add_option("--image", question.image, "What was done to this image")
      ->type_name("ID");
  commands.show->add_option("--outcome", question.outcome, "Only what ended so")
      ->check(CLI::IsMember({"begun", "done", "refused", "failed"}));
  commands.show->add_flag("--json", question.json, "The lines as they are");
  commands.show->footer(
      "Examples:\n"
      "  visord audit show --data /srv/visor --since 2h\n"
      "  visord audit show --config /etc/visor/visor-config.yml --account alice --outcome refused\n"
      "  visord audit show --data /srv/visor --image 7583d669-8a65-41f1-b8ae-eb34ff6b322f --json");
  return commands;
}

CLI::App* add_rebuild_command(CLI::App& app, visor::app::RebuildCommand& rebuild) {
  CLI::App* const command = app.add_subcommand(
      "rebuild", "Make a lost catalogue anew from a store, while no server runs");
  command->fallthrough();
  command->add_option("store", rebuild.options.store, "The store, by its name in the configuration")
      ->type_name("STORE")
      ->required();
  command->add_flag("--merge", rebuild.options.merge,
                    "Into a catalogue that has images: those stay as they are");
  command->add_flag("--verify", rebuild.options.verify,
                    "Read all data and compare its digests, not its sizes alone");
  command
      ->add_option("--adopt", rebuild.options.adopt,
                   "Register data without a manifest as images of this account")
      ->type_name("KEY");
  command->add_flag("--json", rebuild.json, "The outcome as JSON");
  command->footer(
      "Cut off at any point, it goes on there when it is run again.\n\n"
      "Examples:\n"
      "  visord rebuild file --data /srv/visor\n"
      "  visord rebuild cloud --config /etc/visor/visor-config.yml --merge --verify\n"
      "  visord rebuild file --data /srv/visor --merge --adopt admin\n\n"
      "Exit status: 0 all that the store has is in the catalogue, 1 some of it is not (it says "
      "what)\n"
      "or it failed, 2 wrong arguments or configuration.");
  return command;
}

int report(const visor::Error& error, int status) {
  std::cerr << "visord: " << error.message << '\n';
  if (!error.where.empty()) std::cerr << "        (" << error.where << ")\n";
  return status;
}

// Secrets are in this process's memory: no core dump, no debugger of another user.
void forbid_dumps() {
  const rlimit none{0, 0};
  ::setrlimit(RLIMIT_CORE, &none);
  ::prctl(PR_SET_DUMPABLE, 0);
}

// As many connections as the system lets this process have.
void raise_file_limit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < limit.rlim_max) {
    limit.rlim_cur = limit.rlim_max;
    ::setrlimit(RLIMIT_NOFILE, &limit);
  }
}

visor::Result<Configuration> configuration_for(const Arguments& arguments) {
  std::string path = arguments.configuration;
  // A server that is told where its data lies needs no file, and takes none that happens to lie
  // about.
  if (path.empty() && arguments.data.empty() && arguments.listen.empty()) {
    path = visor::app::find_configuration(visor::app::configuration_folders()).value_or("");
  }
  Configuration configuration;
  if (!path.empty()) {
    auto read = visor::app::read_configuration(path);
    if (!read) return visor::pass(read);
    configuration = std::move(*read);
  }
  if (!arguments.data.empty()) configuration.data = arguments.data;
  if (!arguments.log_file.empty()) configuration.log.file = arguments.log_file;
  if (!arguments.listen.empty()) {
    configuration.listeners.clear();
    for (const auto& text : arguments.listen) {
      auto address = visor::app::parse_listen_address(text);
      if (!address) return visor::pass(address);
      for (const auto& other : configuration.listeners) {
        if (visor::app::overlap(*address, other.address)) {
          return visor::fail(visor::Code::invalid,
                             "--listen " + text + " and " + other.address.text() +
                                 " would be in each other's way; give each its own port");
        }
      }
      visor::app::ListenerSettings listener;
      listener.address = std::move(*address);
      configuration.listeners.push_back(std::move(listener));
    }
  }
  return configuration;
}

void tell_first_administrator(const visor::app::Application::FirstAdministrator& administrator) {
  std::cout << "The first administrator was made. Its secret key is shown this once, so keep it:\n"
            << "  access key  " << administrator.access_key << '\n'
            << "  secret key  " << administrator.secret.reveal() << '\n'
            << std::flush;
}

int serve(Configuration configuration, visor::app::Invocation invocation) {
  if (auto configured = visor::log::configure(configuration.log); !configured) {
    return report(configured.error(), kFailed);
  }
  // Before the first thread, since threads inherit it.
  sigset_t told;
  sigemptyset(&told);
  for (const int signal : {SIGTERM, SIGINT, SIGHUP, SIGUSR2}) sigaddset(&told, signal);
  ::pthread_sigmask(SIG_BLOCK, &told, nullptr);
  const visor::log::Writer log_writer;
  return visor::app::serve_until_stopped(
      std::move(configuration), std::move(invocation), tell_first_administrator,
      [](const visor::Error& error) { return report(error, kFailed); });
}

int upgrade(const Configuration& configuration) {
  const auto upgraded = visor::app::request_upgrade(
      configuration.data, [](const std::string& text) { std::cout << text << '\n'
                                                                  << std::flush; });
  if (!upgraded) return report(upgraded.error(), kFailed);
  std::cout << "Upgraded.\n";
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  forbid_dumps();
  raise_file_limit();

  // Now, while the program still lies where it was.
  visor::app::Invocation invocation = visor::app::Invocation::of_this_process(argc, argv);
  Arguments arguments;
  CLI::App app{"VISOR, the virtual machine image service: registers, stores and serves images."};
  app.name("visord");
  app.set_version_flag("-V,--version", VISOR_VERSION);
  app.add_option("--data", arguments.data,
                 "Folder for everything the server keeps (made if missing)")
      ->type_name("DIR");
  app.add_option("--listen", arguments.listen,
                 "Address to serve the native API on; may be given again")
      ->type_name("ADDRESS:PORT");
  app.add_option("--config", arguments.configuration,
                 "Configuration file; without it, --data and --listen, the first visor-config.yml "
                 "in ., ~/.visor, /etc/visor")
      ->type_name("FILE");
  app.add_option("--log-file", arguments.log_file,
                 "Log there instead of on standard error; SIGHUP opens it again")
      ->type_name("FILE");
  app.add_flag("--check-config", arguments.check_configuration,
               "Check the configuration and say what is wrong with it");
  app.add_flag("--print-config-template", arguments.print_template,
               "Print a configuration with every key explained");
  app.add_option("--backup", arguments.backup,
                 "Copy catalogue and images into this folder, while the server runs or not")
      ->type_name("DIR");
  app.add_option("--restore", arguments.restore, "Make the data folder anew from this backup")
      ->type_name("DIR");
  CLI::App* const upgrade_command = app.add_subcommand(
      "upgrade", "Let the running server hand over to the program that is installed now");
  upgrade_command->fallthrough();
  upgrade_command->footer(
      "The new program must accept its configuration and begin to serve; if it does not, the\n"
      "running server serves on, and this says why. No request fails.\n\n"
      "Examples:\n"
      "  visord upgrade --data /srv/visor\n"
      "  visord upgrade --config /etc/visor/visor-config.yml");
  visor::app::AuditQuestion question;
  const AuditCommands audit = add_audit_commands(app, question);
  CLI::App* const rekey_command = app.add_subcommand(
      "rekey", "Renew the master key and seal all accounts' secrets anew, while no server runs");
  rekey_command->fallthrough();
  rekey_command->footer(
      "Examples:\n"
      "  visord rekey --data /srv/visor\n"
      "  visord rekey --config /etc/visor/visor-config.yml");
  visor::app::RebuildCommand rebuild;
  CLI::App* const rebuild_command = add_rebuild_command(app, rebuild);
  app.footer(
      "Examples:\n"
      "  visord                                        serve as visor-config.yml says, or with "
      "defaults\n"
      "  visord --data /srv/visor --listen 0.0.0.0:4568\n"
      "  visord --data /srv/visor --backup /backup/visor\n"
      "  visord --data /srv/visor-new --restore /backup/visor\n\n"
      "At the first start an administrator is made and its secret shown once, on standard output;\n"
      "VISOR_ROOT_ACCESS_KEY and VISOR_ROOT_SECRET_KEY set it instead, and set it anew when given "
      "later.\n"
      "Exit status: 0 stopped as asked, 1 failed, 2 wrong arguments or configuration.");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : kWrongConfiguration;
  }

  if (arguments.print_template) {
    std::cout << visor::app::configuration_template();
    return 0;
  }
  auto configuration = configuration_for(arguments);
  if (!configuration) return report(configuration.error(), kWrongConfiguration);
  if (upgrade_command->parsed()) return upgrade(*configuration);
  if (audit.verify->parsed()) return visor::app::run_audit_verify(*configuration, question);
  if (audit.show->parsed()) return visor::app::run_audit_show(*configuration, question);
  if (rekey_command->parsed()) return visor::app::run_rekey(*configuration);
  if (rebuild_command->parsed()) return visor::app::run_rebuild(*configuration, rebuild);
  if (arguments.check_configuration) {
    if (auto sound = visor::app::check_files(*configuration); !sound) {
      return report(sound.error(), kWrongConfiguration);
    }
    std::cout << "The configuration is in order.\n";
    return 0;
  }
  if (!arguments.backup.empty()) return visor::app::run_backup(*configuration, arguments.backup);
  if (!arguments.restore.empty()) return visor::app::run_restore(arguments.restore, *configuration);
  return serve(std::move(*configuration), std::move(invocation));
}
