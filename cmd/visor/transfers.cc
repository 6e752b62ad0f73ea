#include "transfers.h"

#include <unistd.h>

#include <algorithm>
#include <memory>
#include <span>

#include "base/units.h"
#include "client/body_source.h"
#include "output.h"

namespace visor::command {
namespace {

using client::Client;
using document::Value;

void tell_download(const Program& program, const client::Downloaded& done,
                   const std::string& path) {
  if (program.json) {
    Value file = Value::object({{"path", path}, {"size", done.size}});
    if (done.digest) {
      file.set(to_string(done.digest->algorithm), done.digest->hex);
    }
    file.set("verified", done.digest.has_value());
    print_document(Value::object({{"file", std::move(file)}}));
  } else if (!program.quiet) {
    print("Saved " + path + " (" + format_size(done.size) + ", " +
          (done.digest ? std::string(to_string(done.digest->algorithm)) + " verified"
                       : "length verified only") +
          ")\n");
  }
  if (!done.digest) {
    remark(program,
           "Note: the server knows no digest of this image, so only its length was checked.");
  }
}

Result<client::Attributes> read_assignments(std::span<const std::string> words) {
  client::Attributes attributes;
  for (const auto& word : words) {
    auto attribute = client::parse_assignment(word);
    if (!attribute) return pass(attribute);
    if (client::attribute(attributes, attribute->first)) {
      return fail(Code::invalid, "'" + attribute->first + "' is given twice");
    }
    attributes.push_back(std::move(*attribute));
  }
  return attributes;
}

client::Outcome<std::unique_ptr<client::BodySource>> open_data(const std::string& file) {
  if (file.empty()) return std::unique_ptr<client::BodySource>();
  if (file == "-") {
    if (standard_input_is_terminal()) {
      return client::local_failure(Code::invalid,
                                   "image data does not come from a terminal; send a file or a "
                                   "pipe to standard input");
    }
    return client::descriptor_body(STDIN_FILENO);
  }
  return client::open_file_body(file);
}

Exit tell_image(const Program& program, const Value& document) {
  if (program.json) {
    print_document(document);
    return Exit::done;
  }
  const Value* image = document.find("image");
  if (image == nullptr) {
    print_document(document);
    return Exit::done;
  }
  if (program.quiet) {
    const std::string* id = image->text("_id");
    print(id != nullptr ? *id + "\n" : std::string());
    return Exit::done;
  }
  auto attributes = attributes_of(*image);
  // Whatever order the server has, the id is what the person needs next.
  const auto id = std::ranges::find(attributes, "_id", &client::Attribute::first);
  if (id != attributes.end()) std::rotate(attributes.begin(), id, id + 1);
  print(format_attributes(attributes));
  return Exit::done;
}

}  // namespace

Exit run_get(const Program& program, const ImageOptions& options) {
  if (!options.file.empty() && !options.save_folder.empty()) {
    complain("-f names the file and -S the folder; give one of them");
    return Exit::usage;
  }
  if (options.file == "-" && ::isatty(STDOUT_FILENO) == 1) {
    complain("image data is not for a terminal; send standard output to a file or a pipe");
    return Exit::usage;
  }
  return with_client(program, [&](Client& client) {
    const std::string& id = options.words.front();
    auto head = client.describe(id);
    if (!head) return report(program, head.error(), &client);
    const auto progress = make_progress(program);
    if (options.file == "-") {
      client::DescriptorTarget target(STDOUT_FILENO);
      auto done = client.get(id, *head, target, *progress);
      return done ? Exit::done : report(program, done.error(), &client);
    }
    std::string path = options.file;
    if (path.empty()) {
      auto name = client::file_name(id, client::read_metadata(head->headers));
      if (!name) return report(name.error(), Exit::usage);
      path = options.save_folder.empty() ? *name : options.save_folder + "/" + *name;
    }
    auto target = client::PartialFile::open(path);
    if (!target) return report(program, target.error());
    auto done = client.get(id, *head, **target, *progress);
    if (!done) {
      const bool kept = (*target)->size() > 0;
      const Exit exit = report(program, done.error(), &client);
      if (kept) remark(program, "What came so far is kept; the same command continues it.");
      return exit;
    }
    tell_download(program, *done, path);
    return Exit::done;
  });
}

Exit run_add(const Program& program, const ImageOptions& options) {
  auto attributes = read_assignments(options.words);
  if (!attributes) return report(attributes.error(), Exit::usage);
  auto data = open_data(options.file);
  if (!data) return report(program, data.error());
  return with_client(program, [&](Client& client) {
    const auto progress = make_progress(program);
    auto document = client.add(*attributes, data->get(), *progress);
    if (!document) {
      const Exit exit = report(program, document.error(), &client);
      const auto name = client::attribute(*attributes, "name");
      if (exit == Exit::unreachable && *data && name) {
        remark(program,
               "The image may be registered without its data. Look with: visor brief -q 'name=" +
                   std::string(*name) + "', then: visor update ID -f " + options.file);
      }
      return exit;
    }
    return tell_image(program, *document);
  });
}

Exit run_update(const Program& program, const ImageOptions& options) {
  auto attributes = read_assignments(std::span(options.words).subspan(1));
  if (!attributes) return report(attributes.error(), Exit::usage);
  if (attributes->empty() && options.file.empty()) {
    complain("nothing to change: give name=value pairs, a file with -f, or both");
    return Exit::usage;
  }
  auto data = open_data(options.file);
  if (!data) return report(program, data.error());
  return with_client(program, [&](Client& client) {
    const auto progress = make_progress(program);
    auto document = client.update(options.words.front(), *attributes, data->get(), *progress);
    if (!document) return report(program, document.error(), &client);
    return tell_image(program, *document);
  });
}

}  // namespace visor::command
