#include "app/backup_manifest.h"

#include <algorithm>
#include <limits>
#include <optional>
#include <utility>

#include "document/json.h"
#include "document/value.h"

namespace visor::app {
namespace {

using document::Value;

constexpr const char* kFormat = "visor-backup";
constexpr std::int64_t kVersion = 1;

std::unexpected<Error> no_manifest(const std::string& reason) {
  return fail(Code::corrupt, "the backup's " + std::string(kManifestName) + " " + reason,
              "backup.manifest");
}

/// A name that can't lead out of the backup's folder.
bool plain_name(const std::string& name) {
  const auto fits = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
  };
  return !name.empty() && name.size() <= 128 && std::ranges::all_of(name, fits);
}

std::optional<std::uint64_t> count(const Value& object, std::string_view name) {
  const auto number = object.integer(name);
  if (!number || *number < 0) return std::nullopt;
  return static_cast<std::uint64_t>(*number);
}

}  // namespace

std::string write_manifest(const BackupManifest& manifest) {
  Value stores = Value::array();
  for (const std::string& store : manifest.stores) stores.push(store);
  Value outside = Value::object();
  for (const auto& [store, copies] : manifest.outside) outside.append(store, copies);
  Value damaged = Value::array();
  for (const DamagedBlob& blob : manifest.damaged) {
    damaged.push(
        Value::object({{"store", blob.store}, {"key", blob.key}, {"reason", blob.reason}}));
  }
  return document::write_json_pretty(Value::object({
      {"format", kFormat},
      {"version", kVersion},
      {"made", manifest.made},
      {"snapshot", manifest.snapshot},
      {"catalogue_sha256", manifest.catalogue_sha256},
      {"master_key", manifest.master_key},
      {"images", manifest.images},
      {"blobs", manifest.blobs},
      {"bytes", manifest.bytes},
      {"stores", std::move(stores)},
      {"not_included", std::move(outside)},
      {"damaged", std::move(damaged)},
  }));
}

Result<BackupManifest> read_manifest(std::string_view text) {
  const auto value = document::parse_json(text);
  if (!value || !value->is_object()) return no_manifest("can't be read; it is damaged");
  const std::string* format = value->text("format");
  if (format == nullptr || *format != kFormat) return no_manifest("is not that of a VISOR backup");
  const auto version = value->integer("version");
  if (version && *version > kVersion) {
    return no_manifest("was written by a newer release; restore it with that one");
  }
  const std::string* made = value->text("made");
  const std::string* snapshot = value->text("snapshot");
  const std::string* digest = value->text("catalogue_sha256");
  const auto master_key = value->boolean("master_key");
  const auto images = count(*value, "images");
  const auto blobs = count(*value, "blobs");
  const auto bytes = count(*value, "bytes");
  const Value* stores = value->find("stores");
  const Value* damaged = value->find("damaged");
  if (!version || *version < 1 || made == nullptr || snapshot == nullptr ||
      !plain_name(*snapshot) || digest == nullptr || !master_key || !images || !blobs || !bytes ||
      stores == nullptr || !stores->is_array() || damaged == nullptr || !damaged->is_array()) {
    return no_manifest("lacks something; it is damaged");
  }
  BackupManifest manifest{*made,  *snapshot, *digest, *master_key, *images,
                          *blobs, *bytes,    {},      {},          {}};
  for (const Value& store : *stores->as_array()) {
    if (!store.is_text() || !plain_name(*store.as_text()))
      return no_manifest("names a strange store");
    manifest.stores.push_back(*store.as_text());
  }
  for (const Value& blob : *damaged->as_array()) {
    const std::string* store = blob.text("store");
    const std::string* key = blob.text("key");
    const std::string* reason = blob.text("reason");
    if (store == nullptr || key == nullptr || reason == nullptr) {
      return no_manifest("lacks something; it is damaged");
    }
    manifest.damaged.push_back({*store, *key, *reason});
  }
  return manifest;
}

}  // namespace visor::app
