#include "app/configuration_hdfs.h"

#include <optional>

#include "app/configuration_reader.h"
#include "base/units.h"
#include "fetch/guard.h"

namespace visor::app {
namespace {

constexpr std::uint64_t kHadoopChunk = 512;

/// Whether the guard of outbound requests can read it.
std::optional<std::string> readable(const Value& value) {
  const auto written = value.text();
  if (!written) return std::nullopt;
  fetch::Guard::Options options;
  options.exceptions = {*written};
  if (auto guard = fetch::Guard::create(std::move(options)); !guard) {
    value.mistake(guard.error().message);
    return std::nullopt;
  }
  return written;
}

void read_namenodes(Section& section, HdfsSettings& settings) {
  const auto host = section.find("host");
  const auto port = section.find("port");
  const auto list = section.find("namenodes");
  if (list) {
    if (host || port) {
      list->mistake("says the same as host and port; write either");
      return;
    }
    for (const Value& element : list->elements()) {
      const auto address = readable(element);
      if (!address) continue;
      if (address->contains('/') || !address->contains(':') || address->ends_with(']')) {
        element.wrong("is no HOST:PORT; write for example namenode-1.example.org:9870");
      } else {
        settings.namenodes.push_back(*address);
      }
    }
    if (list->elements().empty()) list->mistake("names no namenode");
    return;
  }
  if (!host || !port) {
    section.value().mistake(
        "needs the namenode's host and the port of its web server (9870 in Hadoop 3), or a list "
        "of namenodes");
    return;
  }
  const auto name = readable(*host);
  const auto number = port->count(1, 65535);
  if (name && number) settings.namenodes = {*name + ":" + std::to_string(*number)};
}

void read_folder(Section& section, HdfsSettings& settings) {
  const auto bucket = section.find("bucket");
  if (!bucket) {
    section.value().mistake("has no bucket; write the folder in HDFS, for example bucket: /images");
    return;
  }
  auto folder = bucket->text();
  if (!folder) return;
  while (folder->size() > 1 && folder->ends_with('/')) folder->pop_back();
  const std::string around = *folder == "/" ? "/" : *folder + "/";
  if (!folder->starts_with('/') || around.contains("//") || around.contains("/./") ||
      around.contains("/../")) {
    bucket->wrong("is not an absolute path in HDFS; write for example /images");
    return;
  }
  settings.folder = *folder;
}

}  // namespace

void read_hdfs(Section& section, HdfsSettings& settings) {
  read_namenodes(section, settings);
  read_folder(section, settings);
  const auto username = section.find("username");
  const auto token = section.find("token_file");
  if (username) settings.username = username->text().value_or("");
  if (token) settings.token_file = token->path_text().value_or("");
  if (!username && !token) {
    section.value().mistake("has neither username nor token_file, and HDFS must know who asks");
  }
  section.flag("https", settings.https);
  section.path("authorities", settings.authorities);
  section.size("block_size", settings.block_size, kMiB, kTiB);
  if (settings.block_size % kHadoopChunk != 0) {
    section.value().mistake("has a block_size that is no multiple of 512 bytes");
  }
  if (const auto list = section.find("datanodes")) {
    for (const Value& element : list->elements()) {
      if (auto datanode = readable(element)) settings.datanodes.push_back(std::move(*datanode));
    }
  }
}

}  // namespace visor::app
