#include "admin.h"

#include <CLI/CLI.hpp>

#include "base/units.h"
#include "output.h"

namespace visor::command {
namespace {

using client::Client;
using document::Value;

std::unexpected<Error> refuse(const client::Attribute& attribute, std::string_view allowed) {
  return fail(Code::invalid,
              attribute.first + " can't be '" + attribute.second + "': " + std::string(allowed));
}

Result<Value> account_value(const client::Attribute& attribute) {
  const auto& [name, text] = attribute;
  if (name == "access_key" || name == "email") return Value(text);
  if (name == "administrator" || name == "enabled" || name == "may_refer") {
    if (text == "true" || text == "yes") return Value(true);
    if (text == "false" || text == "no") return Value(false);
    return refuse(attribute, "it is true or false");
  }
  if (name == "quota_bytes") {
    if (text.empty()) return Value();
    if (const auto size = parse_size(text)) return Value(*size);
    return refuse(attribute, "it is a size such as 500MiB or 10GiB, or empty for no limit");
  }
  if (name == "quota_images") {
    if (text.empty()) return Value();
    if (const auto count = parse_unsigned(text)) return Value(*count);
    return refuse(attribute, "it is a number, or empty for no limit");
  }
  return fail(Code::invalid, "an account has no '" + name +
                                 "'; it has access_key, email, role, enabled, references, "
                                 "quota_bytes and quota_images");
}

/// What people write as role and references has other names, or kinds, on the wire.
Result<client::Attribute> wire_attribute(client::Attribute attribute) {
  if (attribute.first == "references") attribute.first = "may_refer";
  if (attribute.first != "role") return attribute;
  if (attribute.second != "user" && attribute.second != "administrator") {
    return refuse(attribute, "it is user or administrator");
  }
  return client::Attribute{"administrator", attribute.second == "administrator" ? "true" : "false"};
}

Exit tell_account(const Program& program, const Value& document) {
  const Value* user = document.find("user");
  if (program.json || user == nullptr) {
    print_document(document);
    return Exit::done;
  }
  print(format_attributes(attributes_of(*user)));
  if (user->text("secret_key") != nullptr) {
    remark(program, "The secret key is shown this once. Keep it safe; it can only be renewed.");
  }
  return Exit::done;
}

Exit run_list(const Program& program) {
  return with_client(
      program, [&](Client& client) { return tell(program, client, client.users(), format_users); });
}

Exit run_get(const Program& program, const AdminOptions& options) {
  return with_client(program, [&](Client& client) {
    auto document = client.user(options.words.front());
    if (!document) return report(program, document.error(), &client);
    return tell_account(program, *document);
  });
}

Exit run_add(const Program& program, const AdminOptions& options) {
  auto account = read_account(options.words);
  if (!account) return report(account.error(), Exit::usage);
  for (const char* name : {"access_key", "email"}) {
    if (account->find(name) != nullptr) continue;
    complain("an account needs access_key=… and email=…; " + std::string(name) + " is missing");
    return Exit::usage;
  }
  return with_client(program, [&](Client& client) {
    auto document = client.add_user(*account);
    if (!document) return report(program, document.error(), &client);
    return tell_account(program, *document);
  });
}

Exit run_update(const Program& program, const AdminOptions& options) {
  auto account = read_account(std::span(options.words).subspan(1));
  if (!account) return report(account.error(), Exit::usage);
  if (options.renew_secret) account->set("renew_secret", true);
  if (account->size() == 0) {
    complain("nothing to change: give name=value pairs, or --renew-secret");
    return Exit::usage;
  }
  return with_client(program, [&](Client& client) {
    auto document = client.update_user(options.words.front(), *account);
    if (!document) return report(program, document.error(), &client);
    return tell_account(program, *document);
  });
}

Exit run_delete(const Program& program, const AdminOptions& options) {
  return with_client(program, [&](Client& client) {
    Exit exit = Exit::done;
    for (const auto& access_key : options.words) {
      const std::string line = "Deleted account " + printable(access_key) + "\n";
      const Exit told = tell_done(program, client, client.remove_user(access_key), line);
      if (exit == Exit::done) exit = told;
    }
    return exit;
  });
}

}  // namespace

Result<Value> read_account(std::span<const std::string> words) {
  Value account = Value::object();
  for (const auto& word : words) {
    auto attribute = client::parse_assignment(word);
    if (!attribute) return pass(attribute);
    attribute = wire_attribute(std::move(*attribute));
    if (!attribute) return pass(attribute);
    auto value = account_value(*attribute);
    if (!value) return pass(value);
    if (account.find(attribute->first) != nullptr) {
      return fail(Code::invalid, "'" + attribute->first + "' is given twice");
    }
    account.append(attribute->first, std::move(*value));
  }
  return account;
}

void add_admin_commands(CLI::App& app, Program& program, AdminOptions& options) {
  CLI::App* admin =
      app.add_subcommand("admin", "Manage accounts and see what the server does (administrators)");
  admin->require_subcommand(1);
  CommandGroup commands(*admin, program);
  CLI::App* list = commands.add("list", "List all accounts", "  visor admin list",
                                [&] { return run_list(program); });
  commands.finish(list);

  CLI::App* get = commands.add("get", "Show one account", "  visor admin get alice",
                               [&] { return run_get(program, options); });
  get->add_option("access_key", options.words, "The account")
      ->required()
      ->expected(1)
      ->type_name("KEY");
  commands.finish(get);

  CLI::App* add = commands.add(
      "add", "Make an account; its secret key is shown once",
      "  visor admin add access_key=alice email=alice@example.org\n"
      "  visor admin add access_key=bob email=bob@example.org references=true quota_bytes=50GiB",
      [&] { return run_add(program, options); });
  add->add_option(
         "attributes", options.words,
         "access_key=… email=… and role=, enabled=, references=, quota_bytes=, quota_images=")
      ->required()
      ->type_name("KEY=VALUE");
  commands.finish(add);

  CLI::App* update = commands.add("update", "Change an account, or renew its secret",
                                  "  visor admin update alice quota_bytes=100GiB quota_images=\n"
                                  "  visor admin update alice enabled=false\n"
                                  "  visor admin update alice --renew-secret",
                                  [&] { return run_update(program, options); });
  update->add_option("words", options.words, "The account, then what to change")
      ->required()
      ->type_name("KEY NAME=VALUE");
  update->add_flag("--renew-secret", options.renew_secret,
                   "Make a new secret key and show it once; the old one is void at once");
  commands.finish(update);

  CLI::App* remove = commands.add("delete", "Remove accounts", "  visor admin delete alice",
                                  [&] { return run_delete(program, options); });
  remove->add_option("access_keys", options.words, "The accounts")->required()->type_name("KEY");
  commands.finish(remove);
  add_activity_commands(*admin, program, options.activity);
}

}  // namespace visor::command
