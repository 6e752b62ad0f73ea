#include "command_line.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>

#include "admin.h"
#include "completion.h"
#include "images.h"
#include "import.h"
#include "program.h"
#include "server.h"
#include "store.h"

namespace visor::command {
namespace {

constexpr const char* kFooter =
    "Examples:\n"
    "  visor server start\n"
    "  visor add name='Debian 12' architecture=x86_64 format=qcow2 -f debian-12.qcow2\n"
    "  visor brief -q 'architecture=x86_64' -s name\n"
    "  visor get 7583d669-8a65-41f1-b8ae-eb34ff6b322f -S /srv/images\n"
    "  visor help get\n"
    "\n"
    "Environment:\n"
    "  VISOR_ADDRESS      server: host, host:port or URL\n"
    "  VISOR_PORT         its port, if the address has none\n"
    "  VISOR_ACCESS_KEY   who asks\n"
    "  VISOR_SECRET_KEY   the secret to that key\n"
    "  VISOR_PROFILE      an entry of ~/.visor/profiles.yml\n"
    "  VISOR_CA           PEM file of authorities to trust\n"
    "  NO_COLOR           set: no colours\n"
    "\n"
    "Exit status:\n"
    "  0 done  1 failed  2 wrong usage  3 not found  4 not permitted  5 conflict\n"
    "  6 server not reached";

/// "visor admin add": the names from the root to this command.
std::string full_name(const CLI::App& command) {
  std::string name = command.get_name();
  for (const CLI::App* parent = command.get_parent(); parent != nullptr;
       parent = parent->get_parent()) {
    name = parent->get_name() + " " + name;
  }
  return name;
}

std::string help_of(const CLI::App& command) {
  const CLI::App* parent = command.get_parent();
  return command.help(parent != nullptr ? full_name(*parent) : std::string());
}

/// The deepest command that the arguments name, for hints.
const CLI::App* named_command(const CLI::App& app, const std::vector<std::string>& arguments) {
  const CLI::App* found = &app;
  for (const auto& argument : arguments) {
    const auto below = found->get_subcommands(
        [&](const CLI::App* command) { return command->get_name() == argument; });
    if (!below.empty()) found = below.front();
  }
  return found;
}

Exit run_help(const CLI::App& app, const std::vector<std::string>& names) {
  const CLI::App* found = &app;
  for (const auto& name : names) {
    const auto below = found->get_subcommands(
        [&](const CLI::App* command) { return command->get_name() == name; });
    if (below.empty()) {
      complain("there is no command '" + name + "'. See `visor help`");
      return Exit::usage;
    }
    found = below.front();
  }
  print(help_of(*found));
  return Exit::done;
}

CommandTree tree_of(const CLI::App& command) {
  CommandTree tree;
  tree.name = command.get_name();
  tree.description = command.get_description();
  for (const CLI::Option* option : command.get_options()) {
    if (option->nonpositional() && !option->get_group().empty()) {
      CommandTree::Option entry;
      for (const auto& name : option->get_snames()) entry.names.push_back("-" + name);
      for (const auto& name : option->get_lnames()) entry.names.push_back("--" + name);
      entry.description = option->get_description();
      const std::string type = option->get_type_name();
      entry.takes_value = option->get_items_expected_max() > 0;
      entry.takes_file = type == "FILE" || type == "DIR" || type == "FOLDER";
      if (entry.names.back() == "--dir") entry.values = {"asc", "desc"};
      if (entry.names.back() == "--visibility") {
        entry.values = {"public", "private", "shared", "community"};
      }
      if (entry.names.back() == "--scope") entry.values = {"all", "mine"};
      tree.options.push_back(std::move(entry));
    }
  }
  for (const CLI::App* below : command.get_subcommands([](const CLI::App*) { return true; })) {
    tree.commands.push_back(tree_of(*below));
  }
  return tree;
}

Exit run_completion(const CLI::App& app, const std::string& shell) {
  auto script = completion_script(shell, tree_of(app));
  if (!script) return report(script.error(), Exit::usage);
  print(*script);
  return Exit::done;
}

/// Whether everything that was written has left; a reader that went away early is no failure to
/// speak of.
Exit flushed(Exit exit) {
  if (std::fflush(stdout) == 0 && std::ferror(stdout) == 0) return exit;
  if (errno != EPIPE) complain("cannot write to standard output; is the disk full?");
  return exit == Exit::done ? Exit::failed : exit;
}

}  // namespace

Exit run(std::vector<std::string> arguments) {
  Program program;
  ImageOptions images;
  AdminOptions admin;
  ServerOptions server;
  StoreOptions store;
  ImportOptions import;
  std::vector<std::string> help_names;
  std::string shell;

  CLI::App app("Registers, stores and serves virtual machine images", "visor");
  app.set_help_flag("-h,--help", "Show this help");
  app.set_version_flag("-V,--version", "visor " VISOR_VERSION, "Show the version");
  app.get_formatter()->column_width(34);
  app.require_subcommand(0, 1);
  app.footer(kFooter);

  add_image_commands(app, program, images);
  add_admin_commands(app, program, admin);
  add_store_commands(app, program, store);
  add_import_commands(app, program, import);
  add_server_commands(app, program, server);
  CLI::App* help = app.add_subcommand("help", "Show what a command does, with examples");
  help->footer("Examples:\n  visor help get\n  visor help admin add");
  help->add_option("command", help_names, "The command")->type_name("COMMAND");
  help->callback([&] { program.action = [&] { return run_help(app, help_names); }; });
  CLI::App* completion = app.add_subcommand("completion", "Print a completion script for a shell");
  completion->footer("Examples:\n  source <(visor completion bash)");
  completion->add_option("shell", shell, "bash, zsh or fish")
      ->required()
      ->check(CLI::IsMember({"bash", "zsh", "fish"}));
  completion->callback([&] { program.action = [&] { return run_completion(app, shell); }; });
  add_connection_options(app, program);
  add_output_options(app, program);

  const std::vector<std::string> typed = arguments;
  // CLI11 takes them from the back.
  std::ranges::reverse(arguments);
  try {
    app.parse(arguments);
  } catch (const CLI::CallForHelp&) {
    print(help_of(*named_command(app, typed)));
    return flushed(Exit::done);
  } catch (const CLI::CallForVersion&) {
    print("visor " VISOR_VERSION "\n");
    return flushed(Exit::done);
  } catch (const CLI::ParseError& error) {
    const CLI::App* command = named_command(app, typed);
    complain(std::string(error.what()) + ". Try: " + full_name(*command) + " --help");
    return Exit::usage;
  }
  if (!program.action) {
    std::fputs(app.help().c_str(), stderr);
    return Exit::usage;
  }
  const Exit exit = program.action();
  return flushed(exit);
}

}  // namespace visor::command
