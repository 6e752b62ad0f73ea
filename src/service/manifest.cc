#include "service/manifest.h"

#include <utility>

#include "base/digest.h"
#include "document/json.h"
#include "document/value.h"
#include "service/record_document.h"
#include "store/store.h"

namespace visor::service {
namespace {

using document::Value;

constexpr std::string_view kSuffix = "/manifest";
constexpr std::string_view kFormat = "visor-manifest";
constexpr std::int64_t kVersion = 1;
// The last member: the digest of all that is before it.
constexpr std::string_view kSealed = R"(,"sha256":")";
constexpr std::size_t kDigestDigits = 64;
constexpr std::string_view kEnd = R"("})";

std::unexpected<Error> damaged(const std::string& why) {
  return fail(Code::corrupt, "the manifest is damaged: " + why);
}

/// False for a document that is too large to be read again.
bool append_record(Value& manifest, const char* name, const catalogue::Record& record) {
  auto document = document::parse_json(record.document);
  if (!document) return false;
  Value value = Value::object();
  value.append("collection", record.collection);
  value.append("id", record.id);
  value.append("revision", record.revision);
  value.append("document", std::move(*document));
  manifest.append(name, std::move(value));
  return true;
}

/// A record as `append_record` wrote it; nothing if it is none.
std::optional<catalogue::Record> record_of(const Value& manifest, std::string_view name) {
  const Value* value = manifest.find(name);
  if (value == nullptr) return std::nullopt;
  const auto revision = size_of(*value, "revision");
  const Value* document = value->find("document");
  catalogue::Record record;
  record.collection = text_of(*value, "collection");
  record.id = text_of(*value, "id");
  if (!revision || document == nullptr || record.id.empty()) return std::nullopt;
  record.revision = *revision;
  record.document = document::write_json(*document);
  return record;
}

/// The text before the seal, if the seal is right.
std::optional<std::string_view> unsealed(std::string_view text) {
  const std::size_t seal = kSealed.size() + kDigestDigits + kEnd.size();
  if (text.size() < seal || !text.ends_with(kEnd)) return std::nullopt;
  const std::string_view content = text.substr(0, text.size() - seal);
  const std::string_view digest = text.substr(content.size() + kSealed.size(), kDigestDigits);
  if (text.substr(content.size(), kSealed.size()) != kSealed) return std::nullopt;
  if (digest_hex(DigestAlgorithm::sha256, content) != digest) return std::nullopt;
  return content;
}

Result<void> read_image(const catalogue::Record& record, Manifest& manifest) {
  if (record.collection == kDeletedImages) {
    auto deleted = decode_deleted(record);
    if (!deleted) return pass(deleted);
    manifest.image = deleted->image;
    manifest.deleted = std::move(*deleted);
    return {};
  }
  if (record.collection != kImages) return damaged("it describes no image");
  auto image = decode_image(record);
  if (!image) return pass(image);
  manifest.image = std::move(*image);
  return {};
}

}  // namespace

std::string manifest_key(std::string_view key) { return std::string(key).append(kSuffix); }

std::optional<std::string> described_key(std::string_view key) {
  if (!key.ends_with(kSuffix) || key.size() == kSuffix.size()) return std::nullopt;
  return std::string(key.substr(0, key.size() - kSuffix.size()));
}

Result<std::string> write_manifest(const Manifest& manifest) {
  catalogue::Record image = manifest.deleted ? encode(*manifest.deleted) : encode(manifest.image);
  if (manifest.deleted) image.revision = manifest.deleted->revision;
  Value value = Value::object();
  value.append("format", std::string(kFormat));
  value.append("version", kVersion);
  value.append("key", manifest.key);
  catalogue::Record blob = encode(manifest.blob);
  blob.revision = 1;
  const bool readable = append_record(value, "blob", blob) && append_record(value, "image", image);
  std::string text = document::write_json(value);
  text.pop_back();
  const std::string digest = digest_hex(DigestAlgorithm::sha256, text);
  text.append(kSealed).append(digest).append(kEnd);
  if (!readable || text.size() > store::kLargestSmallBlob) {
    return fail(Code::too_large, "the image's attributes are too large for a manifest",
                "image " + manifest.image.id);
  }
  return text;
}

Result<Manifest> read_manifest(const std::string& key, std::string_view text) {
  const auto value = document::parse_json(text);
  if (!value || !value->is_object()) return damaged("it is no JSON object");
  if (text_of(*value, "format") != kFormat) return damaged("it is no manifest of an image");
  // Before the seal, which another version may make in another way.
  if (value->integer("version") != kVersion) {
    return fail(Code::corrupt, "the manifest is of a version that this server does not know");
  }
  if (!unsealed(text)) return damaged("its digest is not that of its content");
  if (text_of(*value, "key") != key) return damaged("it is of another blob");
  const auto blob_record = record_of(*value, "blob");
  const auto image_record = record_of(*value, "image");
  if (!blob_record || !image_record) return damaged("a member is missing");
  auto blob = decode_blob(*blob_record);
  if (!blob) return damaged(blob.error().where);
  Manifest manifest;
  manifest.key = key;
  manifest.blob = std::move(*blob);
  if (auto read = read_image(*image_record, manifest); !read) return damaged(read.error().where);
  if (manifest.image.id != manifest.blob.image) return damaged("its image has another blob");
  return manifest;
}

}  // namespace visor::service
