#include "program.h"

#include <fcntl.h>
#include <termios.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <utility>

#include "document/json.h"
#include "output.h"
#include "progress.h"

namespace visor::command {
namespace {

/// A line from the terminal that is not shown while it is typed.
std::optional<Secret> ask_secret(const std::string& access_key) {
  const int terminal = ::open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
  if (terminal < 0) return std::nullopt;
  std::FILE* stream = ::fdopen(terminal, "r+");
  if (stream == nullptr) {
    ::close(terminal);
    return std::nullopt;
  }
  termios before{};
  const bool hidden = ::tcgetattr(terminal, &before) == 0;
  if (hidden) {
    termios silent = before;
    silent.c_lflag &= ~static_cast<tcflag_t>(ECHO);
    ::tcsetattr(terminal, TCSAFLUSH, &silent);
  }
  std::fprintf(stream, "Secret key of %s: ", printable(access_key).c_str());
  std::fflush(stream);
  std::string line;
  for (int letter = std::fgetc(stream); letter != EOF && letter != '\n';
       letter = std::fgetc(stream)) {
    line += static_cast<char>(letter);
  }
  if (hidden) ::tcsetattr(terminal, TCSAFLUSH, &before);
  std::fputs("\n", stream);
  std::fclose(stream);
  if (line.empty()) return std::nullopt;
  return Secret(std::move(line));
}

}  // namespace

void add_connection_options(CLI::App& command, Program& program) {
  auto& connection = program.connection;
  const std::string group = "Connection";
  command
      .add_option("-a,--address", connection.address,
                  "Server: host, host:port or URL (VISOR_ADDRESS; else 127.0.0.1)")
      ->type_name("ADDRESS")
      ->group(group);
  command.add_option("-p,--port", connection.port, "Port (VISOR_PORT; else 4568)")
      ->type_name("PORT")
      ->group(group);
  command
      .add_option("--profile", connection.profile, "Entry of ~/.visor/profiles.yml (VISOR_PROFILE)")
      ->type_name("NAME")
      ->group(group);
  command
      .add_option(
          "--access-key", connection.access_key,
          "Who asks (VISOR_ACCESS_KEY). The secret comes from VISOR_SECRET_KEY, a profile or "
          "the terminal, never from the command line")
      ->type_name("KEY")
      ->group(group);
  command.add_option("--ca", connection.ca_file, "PEM file of authorities to trust (VISOR_CA)")
      ->type_name("FILE")
      ->group(group);
  command.add_flag("--insecure", connection.insecure, "Accept any certificate. Dangerous")
      ->group(group);
  command
      .add_option("--timeout", connection.stall_timeout,
                  "Give up when nothing moves for so long (default 2m)")
      ->type_name("TIME")
      ->group(group);
}

void add_output_options(CLI::App& command, Program& program) {
  const std::string group = "Output";
  command.add_flag("--json", program.json, "The server's document as JSON")->group(group);
  command.add_flag("--quiet", program.quiet, "Results and errors only")->group(group);
  command.add_flag("-v,--verbose", program.verbose, "Say more: address, identity, request ids")
      ->group(group);
}

CLI::App* CommandGroup::add(const char* name, const char* description, const char* examples,
                            std::function<Exit()> action) {
  CLI::App* added = parent_.add_subcommand(name, description);
  added->footer(std::string("Examples:\n") + examples);
  added->callback([&program = program_, action = std::move(action)] { program.action = action; });
  return added;
}

void CommandGroup::finish(CLI::App* command) {
  add_connection_options(*command, program_);
  add_output_options(*command, program_);
}

std::expected<client::Client, Exit> connect(const Program& program) {
  auto profiles = load_profiles(profiles_path());
  if (!profiles) return std::unexpected(report(profiles.error(), Exit::usage));
  auto settings = resolve(program.connection, program.environment, *profiles);
  if (!settings) return std::unexpected(report(settings.error(), Exit::usage));
  if (!settings->access_key.empty() && settings->secret.empty()) {
    auto secret = ask_secret(settings->access_key);
    if (!secret) {
      complain("the secret key of '" + settings->access_key +
               "' is not known. Set VISOR_SECRET_KEY, or put secret_key into a profile in " +
               profiles->path);
      return std::unexpected(Exit::usage);
    }
    settings->secret = std::move(*secret);
  }
  if (!settings->connection.verify_tls && settings->connection.address.secure) {
    remark(program, "Warning: the server's certificate is not checked (--insecure).");
  }
  if (program.verbose) {
    std::string line = "Asking " + settings->connection.address.url() +
                       (settings->access_key.empty() ? std::string(" without credentials")
                                                     : " as " + settings->access_key);
    if (!settings->profile.empty()) line += " (profile " + settings->profile + ")";
    std::fprintf(stderr, "%s\n", printable(line).c_str());
  }
  std::optional<client::Credentials> credentials;
  if (!settings->access_key.empty()) {
    credentials = client::Credentials{settings->access_key, std::move(settings->secret)};
  }
  return client::Client(std::move(settings->connection), std::move(credentials));
}

Exit report(const Program& program, const client::Failure& failure, const client::Client* client) {
  std::string sentence = failure.error.message;
  const auto add = [&sentence](std::string_view more) {
    if (!sentence.ends_with('.')) sentence += '.';
    sentence += ' ';
    sentence += more;
  };
  if (client != nullptr && sentence.starts_with("cannot reach")) {
    add(client->address().loopback() ? "Is the server running? Start it with `visor server start`."
                                     : "Is the server running there, and is the address right?");
  }
  const Exit exit = exit_of(failure);
  if (client != nullptr && exit == Exit::not_permitted && !client->signs()) {
    add("No credentials were sent: set VISOR_ACCESS_KEY and VISOR_SECRET_KEY, or name a profile "
        "with --profile.");
  }
  if (failure.status != 0 && (program.verbose || failure.status >= 500)) {
    sentence += " (status " + std::to_string(failure.status);
    if (!failure.request_id.empty()) sentence += ", request " + failure.request_id;
    sentence += ")";
  }
  complain(sentence);
  return exit;
}

Exit report(const Error& error, Exit exit) {
  complain(error.message);
  return exit;
}

void complain(std::string_view sentence) {
  auto end = sentence.find('\n');
  std::fprintf(stderr, "visor: %s\n", printable(sentence.substr(0, end)).c_str());
  while (end != std::string_view::npos) {
    sentence.remove_prefix(end + 1);
    end = sentence.find('\n');
    std::fprintf(stderr, "  %s\n", printable(sentence.substr(0, end)).c_str());
  }
}

void remark(const Program& program, std::string_view sentence) {
  if (!program.quiet) std::fprintf(stderr, "%s\n", printable(sentence).c_str());
}

void print(std::string_view text) { std::fwrite(text.data(), 1, text.size(), stdout); }

void print_document(const document::Value& document) {
  print(document::write_json_pretty(document));
}

Exit tell(const Program& program, const client::Client& client,
          const client::Outcome<document::Value>& document, Format format) {
  if (!document) return report(program, document.error(), &client);
  if (program.json) {
    print_document(*document);
  } else {
    print(format(*document, colours(program)));
  }
  return Exit::done;
}

Exit tell_done(const Program& program, const client::Client& client,
               const client::Outcome<document::Value>& document, std::string_view line) {
  if (!document) return report(program, document.error(), &client);
  if (program.json) {
    print_document(*document);
  } else {
    print(line);
  }
  return Exit::done;
}

bool colours(const Program& program) {
  return ::isatty(STDOUT_FILENO) == 1 && !program.environment("NO_COLOR") &&
         program.environment("TERM").value_or("dumb") != "dumb";
}

bool standard_input_is_terminal() { return ::isatty(STDIN_FILENO) == 1; }

bool confirm(std::string_view question) {
  std::fprintf(stderr, "%s [y/N] ", printable(question).c_str());
  std::fflush(stderr);
  std::string line;
  for (int letter = std::getchar(); letter != EOF && letter != '\n'; letter = std::getchar()) {
    line += static_cast<char>(letter);
  }
  return line == "y" || line == "Y" || line == "yes";
}

std::unique_ptr<client::Progress> make_progress(const Program& program) {
  if (program.quiet) return std::make_unique<client::NoProgress>();
  return std::make_unique<ShownProgress>(stderr, ::isatty(STDERR_FILENO) == 1);
}

}  // namespace visor::command
