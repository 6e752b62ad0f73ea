// What every command needs: the common options, a client, and how to speak to the person.
#pragma once

#include <expected>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "client/client.h"
#include "exit_code.h"
#include "profile.h"

namespace CLI {
class App;
}

namespace visor::command {

/// One run of the program. Commands put what they do into `action`; it runs once the command line
/// is understood.
struct Program {
  ConnectionOptions connection;
  bool json = false;
  bool quiet = false;
  bool verbose = false;
  Environment environment = process_environment();
  std::function<Exit()> action;
};

/// Adds the options that say which server and as whom.
void add_connection_options(CLI::App& command, Program& program);
/// Adds --json, --quiet and --verbose.
void add_output_options(CLI::App& command, Program& program);

/// The commands below another one.
class CommandGroup {
 public:
  /// What is given outlives the command line.
  CommandGroup(CLI::App& parent, Program& program) : parent_(parent), program_(program) {}

  /// One that does `action`. `examples` are lines of its help, indented.
  CLI::App* add(const char* name, const char* description, const char* examples,
                std::function<Exit()> action);
  /// Adds what every command has that asks a server; behind its own options, as help shows them.
  void finish(CLI::App* command);

 private:
  CLI::App& parent_;
  Program& program_;
};

/// A client by options, environment and profiles; asks for the secret on the terminal if only that
/// is missing. After a failure the person has been told, and the exit status is returned.
std::expected<client::Client, Exit> connect(const Program& program);

/// Runs `work` with a client, once there is one.
template <class Work>
Exit with_client(const Program& program, Work work) {
  auto client = connect(program);
  if (!client) return client.error();
  return work(*client);
}

/// Tells a failure on standard error, with what may help, and gives the exit status for it.
/// `client` is null if no server was asked.
Exit report(const Program& program, const client::Failure& failure,
            const client::Client* client = nullptr);
/// The same for an error of ours.
Exit report(const Error& error, Exit exit);
/// A sentence on standard error, after the program's name; further lines are indented below it.
void complain(std::string_view sentence);
/// A sentence on standard error, unless --quiet.
void remark(const Program& program, std::string_view sentence);

/// Writes to standard output.
void print(std::string_view text);
/// Writes a document as indented JSON to standard output.
void print_document(const document::Value& document);

/// How a document looks to a person; `bold`: with colours.
using Format = std::string (*)(const document::Value& document, bool bold);
/// Tells what a server answered, a document or a failure.
Exit tell(const Program& program, const client::Client& client,
          const client::Outcome<document::Value>& document, Format format);
/// The same for an answer that says no more than that it is done: a person reads `line`.
Exit tell_done(const Program& program, const client::Client& client,
               const client::Outcome<document::Value>& document, std::string_view line);

/// Whether standard output is a terminal that may be given colours (NO_COLOR unset).
bool colours(const Program& program);
/// Asks on the terminal; false unless the answer is yes. Must only be called if there is a
/// terminal.
bool confirm(std::string_view question);
bool standard_input_is_terminal();

/// The progress that fits standard error and --quiet.
std::unique_ptr<client::Progress> make_progress(const Program& program);

}  // namespace visor::command
