#include "images.h"

#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>

#include "base/units.h"
#include "output.h"
#include "transfers.h"

namespace visor::command {
namespace {

using client::Client;
using document::Value;

Result<client::ListOptions> list_options(const ImageOptions& options, bool detail) {
  client::ListOptions list;
  list.detail = detail;
  auto filters = client::parse_query(options.query);
  if (!filters) return pass(filters);
  list.filters = std::move(*filters);
  list.sort = options.sort;
  list.direction = options.direction;
  list.marker = options.marker;
  list.everybody = options.scope == "all";
  if (!options.limit.empty()) {
    list.limit = parse_unsigned(options.limit);
    if (!list.limit || *list.limit == 0) {
      return fail(Code::invalid, "--limit takes a number from 1, not '" + options.limit + "'");
    }
  }
  return list;
}

Exit run_list(const Program& program, const ImageOptions& options, bool detail) {
  auto list = list_options(options, detail);
  if (!list) return report(list.error(), Exit::usage);
  return with_client(program, [&](Client& client) {
    auto document = client.list(*list);
    if (!document) return report(program, document.error(), &client);
    if (program.json) {
      print_document(*document);
      return Exit::done;
    }
    if (document->find("images")->size() == 0) {
      remark(program, list->filters.empty() ? "There are no images." : "No image matches.");
      return Exit::done;
    }
    print(detail ? format_detail(*document) : format_brief(*document, colours(program)));
    if (const std::string* next = document->text("next")) {
      remark(program, "More follow: add --marker '" + marker_in(*next) + "'");
    }
    return Exit::done;
  });
}

Exit run_head(const Program& program, const ImageOptions& options) {
  return with_client(program, [&](Client& client) {
    const std::string& id = options.words.front();
    if (program.json) {
      auto document = client.metadata(id);
      if (!document) return report(program, document.error(), &client);
      print_document(*document);
      return Exit::done;
    }
    auto attributes = client.head(id);
    if (!attributes) return report(program, attributes.error(), &client);
    print(format_attributes(*attributes));
    return Exit::done;
  });
}

/// The ids to delete: those named, or all that match.
std::expected<std::vector<std::string>, Exit> ids_to_delete(const Program& program,
                                                            const ImageOptions& options,
                                                            Client& client) {
  if (!options.has_query) return options.words;
  auto list = list_options(options, false);
  if (!list) return std::unexpected(report(list.error(), Exit::usage));
  if (list->filters.empty()) {
    complain("the query is empty and would delete every image; name at least one attribute");
    return std::unexpected(Exit::usage);
  }
  auto document = client.list(*list);
  if (!document) return std::unexpected(report(program, document.error(), &client));
  std::vector<std::string> ids;
  for (const Value& image : *document->find("images")->as_array()) {
    if (const std::string* id = image.text("_id")) ids.push_back(*id);
  }
  if (ids.empty()) {
    remark(program, "No image matches.");
  } else if (standard_input_is_terminal() && !options.yes) {
    std::fputs(format_brief(*document, false).c_str(), stderr);
    const std::string what =
        ids.size() == 1 ? "this image" : "these " + std::to_string(ids.size()) + " images";
    if (!confirm("Delete " + what + "?")) {
      complain("nothing was deleted");
      return std::unexpected(Exit::failed);
    }
  }
  return ids;
}

Exit run_delete(const Program& program, const ImageOptions& options) {
  if (options.has_query == !options.words.empty()) {
    complain("name the images by their ids, or by a query with -q");
    return Exit::usage;
  }
  return with_client(program, [&](Client& client) {
    auto ids = ids_to_delete(program, options, client);
    if (!ids) return ids.error();
    Exit exit = Exit::done;
    Value removed = Value::array();
    for (const auto& id : *ids) {
      auto document = client.remove(id);
      if (!document) {
        const bool gone = options.has_query && document.error().status == 404;
        if (gone) continue;
        const Exit failed = report(program, document.error(), &client);
        if (exit == Exit::done) exit = failed;
        if (failed == Exit::unreachable) break;
        continue;
      }
      if (program.json && ids->size() == 1) {
        print_document(*document);
        continue;
      }
      const Value* image = document->find("image");
      if (program.json) {
        if (image != nullptr) removed.push(*image);
      } else {
        const std::string* name = image != nullptr ? image->text("name") : nullptr;
        print("Deleted " + id + (name != nullptr ? "  " + printable(*name) : "") + "\n");
      }
    }
    if (program.json && ids->size() != 1) print_document(Value::object({{"images", removed}}));
    return exit;
  });
}

Exit run_deleted(const Program& program, const ImageOptions& options) {
  return with_client(program, [&](Client& client) {
    auto document = client.deleted(options.scope == "all");
    if (!document) return report(program, document.error(), &client);
    if (program.json) {
      print_document(*document);
      return Exit::done;
    }
    const Value* images = document->find("images");
    if (images == nullptr || images->size() == 0) {
      remark(program, "There are no deleted images that could be restored.");
      return Exit::done;
    }
    for (const Value& image : *images->as_array()) {
      const auto text = [&image](const char* name) {
        const std::string* found = image.text(name);
        return found != nullptr ? printable(*found) : std::string();
      };
      print(text("_id") + "  " + text("name") + "  deleted " + text("deleted_at") + " by " +
            text("deleted_by") + "  until " + text("restorable_until") + "\n");
    }
    return Exit::done;
  });
}

/// Does the same to each of the ids, as far as it goes.
Exit run_for_each(const Program& program, const ImageOptions& options, const char* done,
                  client::Outcome<Value> (Client::*verb)(const std::string&, bool)) {
  return with_client(program, [&](Client& client) {
    Exit exit = Exit::done;
    Value all = Value::array();
    for (const std::string& id : options.words) {
      auto document = (client.*verb)(id, options.scope == "all");
      if (!document) {
        const Exit failed = report(program, document.error(), &client);
        if (exit == Exit::done) exit = failed;
        if (failed == Exit::unreachable) break;
        continue;
      }
      const Value* image = document->find("image");
      if (image == nullptr) continue;
      if (program.json) {
        all.push(*image);
        continue;
      }
      const std::string* name = image->text("name");
      print(std::string(done) + id + (name != nullptr ? "  " + printable(*name) : "") + "\n");
      if (const std::string* broken = image->text("broken_links")) {
        remark(program, "It links to an image that is gone: " + printable(*broken));
      }
    }
    if (program.json && options.words.size() == 1 && all.size() == 1) {
      print_document(Value::object({{"image", (*all.as_array())[0]}}));
    } else if (program.json) {
      print_document(Value::object({{"images", all}}));
    }
    return exit;
  });
}

Exit run_status(const Program& program) {
  return with_client(program, [&](Client& client) {
    auto status = client.status();
    if (!status) return report(program, status.error(), &client);
    if (program.json) {
      print_document(Value::object({{"address", client.address().url()}, {"status", *status}}));
    } else {
      print(client.address().url() + "  " + printable(*status) + "\n");
    }
    return Exit::done;
  });
}

void add_query_options(CLI::App& command, ImageOptions& options) {
  command
      .add_option_function<std::string>(
          "-q,--query",
          [&options](const std::string& text) {
            options.query = text;
            options.has_query = true;
          },
          "Only images with these attributes: 'name=value&name=value'; write %26 for &")
      ->type_name("QUERY");
  command.add_option("--scope", options.scope, "'all': everybody's images (administrators)")
      ->check(CLI::IsMember({"all", "mine"}));
}

void add_list_options(CLI::App& command, ImageOptions& options) {
  add_query_options(command, options);
  command.add_option("-s,--sort", options.sort, "Sort by this attribute")->type_name("NAME");
  command.add_option("-d,--dir", options.direction, "Direction: asc or desc")
      ->check(CLI::IsMember({"asc", "desc"}));
  command.add_option("--limit", options.limit, "One page of at most so many")->type_name("N");
  command.add_option("--marker", options.marker, "Where the page begins, as the last one said")
      ->type_name("MARKER");
}

}  // namespace

void add_image_commands(CLI::App& app, Program& program, ImageOptions& options) {
  CommandGroup commands(app, program);

  CLI::App* brief = commands.add("brief", "List images: what they are",
                                 "  visor brief\n"
                                 "  visor brief -q 'architecture=x86_64&format=qcow2' -s name\n"
                                 "  visor brief --limit 20 --json",
                                 [&] { return run_list(program, options, false); });
  add_list_options(*brief, options);
  commands.finish(brief);

  CLI::App* detail = commands.add("detail", "List images: all that is known",
                                  "  visor detail -q 'purpose=demonstration'\n"
                                  "  visor detail -s size -d desc --json",
                                  [&] { return run_list(program, options, true); });
  add_list_options(*detail, options);
  commands.finish(detail);

  CLI::App* head = commands.add("head", "Show one image's attributes",
                                "  visor head 7583d669-8a65-41f1-b8ae-eb34ff6b322f",
                                [&] { return run_head(program, options); });
  head->add_option("id", options.words, "The image")->required()->expected(1)->type_name("ID");
  commands.finish(head);

  CLI::App* get = commands.add(
      "get", "Download an image: verified, and continued if it broke off",
      "  visor get 7583d669-8a65-41f1-b8ae-eb34ff6b322f\n"
      "  visor get 7583d669-8a65-41f1-b8ae-eb34ff6b322f -S /srv/images\n"
      "  visor get 7583d669-8a65-41f1-b8ae-eb34ff6b322f -f - | qemu-img convert -f raw -O qcow2 "
      "/dev/stdin out.qcow2",
      [&] { return run_get(program, options); });
  get->add_option("id", options.words, "The image")->required()->expected(1)->type_name("ID");
  get->add_option("-S,--save", options.save_folder, "Folder for <id>.<format> (default: this one)")
      ->type_name("DIR");
  get->add_option("-f,--file", options.file, "Save under this name; '-' is standard output")
      ->type_name("FILE");
  commands.finish(get);

  CLI::App* add = commands.add(
      "add", "Register an image, with its data or without",
      "  visor add name='Debian 12' architecture=x86_64 format=qcow2 -f debian-12.qcow2\n"
      "  xzcat disk.raw.xz | visor add name=Disk architecture=x86_64 format=raw -f -\n"
      "  visor add name=Remote architecture=x86_64 store=http location=https://example.org/i.iso",
      [&] { return run_add(program, options); });
  add->add_option("attributes", options.words, "name=… and architecture=…, and any others you like")
      ->required()
      ->type_name("KEY=VALUE");
  add->add_option("-f,--file", options.file, "The data; '-' is standard input")->type_name("FILE");
  commands.finish(add);

  CLI::App* update = commands.add(
      "update", "Change an image's attributes, or give it its data",
      "  visor update 7583d669-8a65-41f1-b8ae-eb34ff6b322f access=private note='tested in May'\n"
      "  visor update 7583d669-8a65-41f1-b8ae-eb34ff6b322f note=        (removes the attribute)\n"
      "  visor update 7583d669-8a65-41f1-b8ae-eb34ff6b322f -f debian-12.qcow2",
      [&] { return run_update(program, options); });
  update->add_option("words", options.words, "The image's id, then what to change")
      ->required()
      ->type_name("ID KEY=VALUE");
  update->add_option("-f,--file", options.file, "The data; '-' is standard input")
      ->type_name("FILE");
  commands.finish(update);

  CLI::App* remove = commands.add("delete", "Remove images with their data",
                                  "  visor delete 7583d669-8a65-41f1-b8ae-eb34ff6b322f\n"
                                  "  visor delete -q 'purpose=demonstration'",
                                  [&] { return run_delete(program, options); });
  remove->add_option("ids", options.words, "The images")->type_name("ID");
  add_query_options(*remove, options);
  remove->add_flag("-y,--yes", options.yes, "Don't ask on a terminal before -q deletes");
  commands.finish(remove);

  const auto add_scope = [&](CLI::App* added) {
    added->add_option("--scope", options.scope, "'all': everybody's images (administrators)")
        ->check(CLI::IsMember({"all", "mine"}));
  };
  CLI::App* deleted = commands.add("deleted", "List deleted images that can be restored",
                                   "  visor deleted\n"
                                   "  visor deleted --json",
                                   [&] { return run_deleted(program, options); });
  add_scope(deleted);
  commands.finish(deleted);

  CLI::App* restore =
      commands.add("restore", "Give deleted images back as they were",
                   "  visor restore 7583d669-8a65-41f1-b8ae-eb34ff6b322f",
                   [&] { return run_for_each(program, options, "Restored ", &Client::restore); });
  restore->add_option("ids", options.words, "The images")->required()->type_name("ID");
  add_scope(restore);
  commands.finish(restore);

  CLI::App* purge =
      commands.add("purge", "Remove deleted images for good, before their time has passed",
                   "  visor purge 7583d669-8a65-41f1-b8ae-eb34ff6b322f",
                   [&] { return run_for_each(program, options, "Purged ", &Client::purge); });
  purge->add_option("ids", options.words, "The images")->required()->type_name("ID");
  add_scope(purge);
  commands.finish(purge);

  CLI::App* status = commands.add("status", "Ask the server whether it is there", "  visor status",
                                  [&] { return run_status(program); });
  commands.finish(status);

  // As in 2012, these may also stand before the command; there they are not listed again.
  const auto hidden = [](CLI::Option* option) { option->group(""); };
  add_query_options(app, options);
  hidden(app.get_option("--query"));
  hidden(app.get_option("--scope"));
  hidden(app.add_option("-s,--sort", options.sort));
  hidden(app.add_option("-d,--dir", options.direction)->check(CLI::IsMember({"asc", "desc"})));
  hidden(app.add_option("-f,--file", options.file));
  hidden(app.add_option("-S,--save", options.save_folder));
}

}  // namespace visor::command
