// Manifests: what lies beside each blob in its store, so that a catalogue that is lost can be made
// anew from the stores. docs/formats/manifest.md
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/error.h"
#include "image/image.h"
#include "service/records.h"

namespace visor::service {

/// What a store tells of one of its blobs: the blob, and the image as the catalogue had it when
/// this was written. Never a secret.
struct Manifest {
  std::string key;  ///< the blob's, in the store where both lie
  Blob blob;
  image::Image image;                   ///< of a removed one: as it was
  std::optional<DeletedImage> deleted;  ///< if it was removed and could be restored
};

/// Where the manifest of the blob under `key` lies: right behind it in the order of keys.
std::string manifest_key(std::string_view key);
/// The key of the blob that the manifest under `key` is of; nothing if that is no manifest's key.
std::optional<std::string> described_key(std::string_view key);

/// `too_large` beyond what a store replaces at once.
Result<std::string> write_manifest(const Manifest& manifest);
/// `corrupt` for what `write_manifest` did not write, or for another key: with a sentence that says
/// why.
Result<Manifest> read_manifest(const std::string& key, std::string_view text);

}  // namespace visor::service
