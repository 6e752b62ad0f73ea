#include "service/records.h"

#include <algorithm>
#include <array>
#include <set>
#include <string_view>
#include <utility>

#include "base/log.h"
#include "document/json.h"
#include "document/value.h"
#include "image/query.h"
#include "service/record_document.h"

namespace visor::service {
namespace {

using document::Value;

bool read_access(Value& value, image::Image& image) {
  const std::string* text = value.as_text();
  const auto access = text == nullptr ? std::nullopt : image::parse_access(*text);
  if (access) image.access = *access;
  return access.has_value();
}

template <std::set<std::string> image::Image::* kTexts>
bool read_texts(Value& value, image::Image& image) {
  Value::Array* texts = value.as_array();
  if (texts == nullptr) return true;
  for (Value& text : *texts) {
    if (text.is_text()) (image.*kTexts).insert(std::move(*text.as_text()));
  }
  return true;
}

bool read_members(Value& value, image::Image& image) {
  Value::Object* members = value.as_object();
  if (members == nullptr) return true;
  for (auto& [account, entry] : *members) {
    const auto answer = image::parse_answer(text_of(entry, "answer"));
    const auto created = time_of(entry, "created");
    const auto updated = time_of(entry, "updated");
    if (!answer || !created || !updated) return false;
    image.members[std::move(account)] = {*answer, *created, *updated};
  }
  return true;
}

bool read_state(Value& value, image::Image& image) {
  const std::string* text = value.as_text();
  const auto state = text == nullptr ? std::nullopt : image::parse_data_state(*text);
  if (state) image.state = *state;
  return state.has_value();
}

bool read_importing(Value& value, image::Image& image) {
  const std::string* text = value.as_text();
  const auto importing = text == nullptr ? std::nullopt : image::parse_importing(*text);
  if (importing) image.importing = *importing;
  return importing.has_value();
}

bool read_lifecycle(Value& value, image::Image& image) {
  const std::string* text = value.as_text();
  if (text == nullptr) return true;
  const auto lifecycle = image::parse_lifecycle(*text);
  if (lifecycle) image.lifecycle = *lifecycle;
  return lifecycle.has_value();
}

template <bool image::Image::* kFlag>
bool read_flag(Value& value, image::Image& image) {
  image.*kFlag = value.as_boolean().value_or(false);
  return true;
}

template <auto kNumber>
bool read_number(Value& value, image::Image& image) {
  const auto number = value.as_integer();
  if (number && *number >= 0) image.*kNumber = static_cast<std::uint64_t>(*number);
  return true;
}

bool read_digests(Value& value, image::Image& image) {
  Value::Object* members = value.as_object();
  if (members == nullptr) return true;
  for (auto& [name, hex] : *members) {
    const auto algorithm = parse_digest_algorithm(name);
    if (algorithm && hex.is_text()) image.digests[*algorithm] = std::move(*hex.as_text());
  }
  return true;
}

bool read_extra(Value& value, image::Image& image) {
  Value::Object* members = value.as_object();
  if (members == nullptr) return true;
  for (auto& [name, text] : *members) {
    if (text.is_text()) image.extra[std::move(name)] = std::move(*text.as_text());
  }
  return true;
}

bool read_uploaded(Value& value, image::Image& image) {
  if (const auto micros = value.as_integer()) {
    image.uploaded_at = Time(std::chrono::microseconds(*micros));
  }
  return true;
}

template <std::string image::Image::* kText>
bool read_text(Value& value, image::Image& image) {
  if (std::string* text = value.as_text()) image.*kText = std::move(*text);
  return true;
}

template <Time image::Image::* kTime>
bool read_time(Value& value, image::Image& image) {
  const auto micros = value.as_integer();
  if (micros) image.*kTime = Time(std::chrono::microseconds(*micros));
  return micros.has_value();
}

struct ImageField {
  std::string_view name;
  /// Moves the field to where it belongs; false if no version writes such a value.
  bool (*read)(Value& value, image::Image& image);
  bool required = false;
};

using image::Image;
constexpr std::array kImageFields = {
    ImageField{"owner", read_text<&Image::owner>},
    ImageField{"name", read_text<&Image::name>},
    ImageField{"architecture", read_text<&Image::architecture>},
    ImageField{"access", read_access, true},
    ImageField{"type", read_text<&Image::type>},
    ImageField{"format", read_text<&Image::format>},
    ImageField{"container", read_text<&Image::container>},
    ImageField{"store", read_text<&Image::store>},
    ImageField{"kernel", read_text<&Image::kernel>},
    ImageField{"ramdisk", read_text<&Image::ramdisk>},
    ImageField{"extra", read_extra},
    ImageField{"tags", read_texts<&Image::tags>},
    ImageField{"members", read_members},
    ImageField{"kept", read_flag<&Image::kept>},
    ImageField{"hidden", read_flag<&Image::hidden>},
    ImageField{"min_disk", read_number<&Image::min_disk>},
    ImageField{"min_ram", read_number<&Image::min_ram>},
    ImageField{"state", read_state, true},
    ImageField{"lifecycle", read_lifecycle},
    ImageField{"upload", read_text<&Image::session>},
    ImageField{"import", read_text<&Image::import>},
    ImageField{"importing", read_importing},
    ImageField{"awaited_stores", read_texts<&Image::awaited_stores>},
    ImageField{"failed_stores", read_texts<&Image::failed_stores>},
    ImageField{"blob", read_text<&Image::blob>},
    ImageField{"referred", read_flag<&Image::referred>},
    ImageField{"location", read_text<&Image::location>},
    ImageField{"size", read_number<&Image::size>},
    ImageField{"virtual_size", read_number<&Image::virtual_size>},
    ImageField{"digests", read_digests},
    ImageField{"entity_tag", read_text<&Image::entity_tag>},
    ImageField{"created", read_time<&Image::created_at>, true},
    ImageField{"updated", read_time<&Image::updated_at>, true},
    ImageField{"uploaded", read_uploaded},
};

Value members_value(const image::Image& image) {
  Value members = Value::object();
  for (const auto& [account, member] : image.members) {
    Value entry = Value::object();
    entry.append("answer", image::to_string(member.answer));
    set_time(entry, "created", member.created_at);
    set_time(entry, "updated", member.updated_at);
    members.append(account, std::move(entry));
  }
  return members;
}

void append_texts(Value& value, const char* name, const std::set<std::string>& texts) {
  if (texts.empty()) return;
  Value list = Value::array();
  for (const std::string& text : texts) list.push(text);
  value.append(name, std::move(list));
}

/// What only some of the protocols have words for.
void append_occasional(const image::Image& image, Value& value) {
  append_texts(value, "tags", image.tags);
  if (!image.members.empty()) value.append("members", members_value(image));
  if (image.kept) value.append("kept", true);
  if (image.hidden) value.append("hidden", true);
  if (image.min_disk != 0) value.append("min_disk", image.min_disk);
  if (image.min_ram != 0) value.append("min_ram", image.min_ram);
  if (image.virtual_size) value.append("virtual_size", *image.virtual_size);
  set_text(value, "import", image.import);
  if (image.importing != image::Importing::no)
    value.append("importing", image::to_string(image.importing));
  append_texts(value, "awaited_stores", image.awaited_stores);
  append_texts(value, "failed_stores", image.failed_stores);
}

}  // namespace

catalogue::Record encode(const image::Image& image) {
  Value value = Value::object();
  set_text(value, "owner", image.owner);
  set_text(value, "name", image.name);
  set_text(value, "architecture", image.architecture);
  value.append("access", image::to_string(image.access));
  set_text(value, "type", image.type);
  set_text(value, "format", image.format);
  set_text(value, "container", image.container);
  set_text(value, "store", image.store);
  set_text(value, "kernel", image.kernel);
  set_text(value, "ramdisk", image.ramdisk);
  if (!image.extra.empty()) {
    Value extra = Value::object();
    for (const auto& [name, text] : image.extra) extra.append(name, text);
    value.append("extra", std::move(extra));
  }
  append_occasional(image, value);
  value.append("state", image::to_string(image.state));
  if (image.lifecycle != image::Lifecycle::active)
    value.append("lifecycle", image::to_string(image.lifecycle));
  set_text(value, "upload", image.session);
  set_text(value, "blob", image.blob);
  if (image.referred) value.append("referred", true);
  set_text(value, "location", image.location);
  if (image.size) value.append("size", *image.size);
  set_digests(value, image.digests);
  set_text(value, "entity_tag", image.entity_tag);
  set_time(value, "created", image.created_at);
  set_time(value, "updated", image.updated_at);
  if (image.uploaded_at) set_time(value, "uploaded", *image.uploaded_at);
  for (const auto& [name, json] : image.unknown) {
    if (auto kept = document::parse_json(json)) value.append(name, std::move(*kept));
  }

  catalogue::Record record = wrap(kImages, image.id, value);
  record.revision = image.revision;
  for (auto& [name, text] : image::facts_of(image)) record.facts.push_back({name, std::move(text)});
  return record;
}

catalogue::Put put_of(const image::Image& image, std::uint64_t expected, std::uint64_t continues) {
  catalogue::Put put{encode(image), expected, continues};
  put.came = came_at(image.created_at);
  return put;
}

Result<image::Image> decode_image(const catalogue::Record& record) {
  auto parsed = parse_document(record);
  if (!parsed) return pass(parsed);
  image::Image image;
  image.id = record.id;
  image.revision = record.revision;
  std::ptrdiff_t required = std::ranges::count_if(kImageFields, &ImageField::required);
  // Once over the members, each moved to its place: most of what reading an image costs is here.
  for (auto& [name, value] : *parsed->as_object()) {
    const auto* const field = std::ranges::find(kImageFields, name, &ImageField::name);
    if (field == kImageFields.end()) {
      image.unknown[name] = document::write_json(value);
      continue;
    }
    if (!field->read(value, image)) return corrupt(record, "the field " + name + " is unknown");
    if (field->required) --required;
  }
  if (required != 0) return corrupt(record, "a field is missing");
  return image;
}

catalogue::Record encode(const Blob& blob) {
  Value value = Value::object();
  set_text(value, "image", blob.image);
  value.append("role", blob.role == Blob::Role::original ? "original" : "rendition");
  if (blob.size) value.append("size", *blob.size);
  set_digests(value, blob.digests);
  catalogue::Record record = wrap(kBlobs, blob.id, value);
  record.facts = {{"image", blob.image}};
  for (const auto& [algorithm, hex] : blob.digests) {
    record.facts.push_back({std::string(to_string(algorithm)), hex});
  }
  return record;
}

Result<Blob> decode_blob(const catalogue::Record& record) {
  auto value = parse_document(record);
  if (!value) return pass(value);
  const auto role =
      text_of(*value, "role") == "rendition" ? Blob::Role::rendition : Blob::Role::original;
  return Blob{record.id, text_of(*value, "image"), role, size_of(*value, "size"),
              digests_of(*value)};
}

std::optional<DigestAlgorithm> strongest(const Digests& digests) {
  // SHA-256 before SHA-512: as safe here, and quicker to compute.
  for (const auto algorithm : {DigestAlgorithm::sha256, DigestAlgorithm::sha512,
                               DigestAlgorithm::sha1, DigestAlgorithm::md5}) {
    if (digests.contains(algorithm)) return algorithm;
  }
  return std::nullopt;
}

catalogue::Record encode(const Copy& copy) {
  Value value = Value::object();
  set_text(value, "blob", copy.blob);
  set_text(value, "store", copy.store);
  set_text(value, "key", copy.key);
  if (copy.referred) value.append("referred", true);
  set_text(value, "version", copy.version);
  if (copy.damaged) value.append("damaged", true);
  if (copy.rank > 0) value.append("rank", copy.rank);
  set_text(value, "metadata", copy.metadata);
  catalogue::Record record = wrap(kCopies, copy.id, value);
  record.facts = {{"blob", copy.blob}, {"store", copy.store}};
  return record;
}

Result<Copy> decode_copy(const catalogue::Record& record) {
  auto value = parse_document(record);
  if (!value) return pass(value);
  return Copy{record.id,
              text_of(*value, "blob"),
              text_of(*value, "store"),
              text_of(*value, "key"),
              value->boolean("referred").value_or(false),
              text_of(*value, "version"),
              value->boolean("damaged").value_or(false),
              record.revision,
              size_of(*value, "rank").value_or(0),
              text_of(*value, "metadata")};
}

catalogue::Record encode(const UploadRecord& upload) {
  Value value = Value::object();
  set_text(value, "image", upload.image);
  set_text(value, "account", upload.account);
  set_text(value, "store", upload.store);
  set_text(value, "key", upload.key);
  value.append("reserved", upload.reserved);
  return wrap(kUploads, upload.id, value);
}

Result<UploadRecord> decode_upload(const catalogue::Record& record) {
  auto value = parse_document(record);
  if (!value) return pass(value);
  const auto reserved = size_of(*value, "reserved");
  if (!reserved) return corrupt(record, "reserved");
  return UploadRecord{record.id,
                      text_of(*value, "image"),
                      text_of(*value, "account"),
                      text_of(*value, "store"),
                      text_of(*value, "key"),
                      *reserved,
                      record.revision};
}

catalogue::Record encode(const Removal& removal) {
  Value value = Value::object();
  set_text(value, "store", removal.store);
  set_text(value, "key", removal.key);
  return wrap(kRemovals, removal.store + "/" + removal.key, value);
}

Result<Removal> decode_removal(const catalogue::Record& record) {
  auto value = parse_document(record);
  if (!value) return pass(value);
  return Removal{text_of(*value, "store"), text_of(*value, "key"), record.revision};
}

catalogue::Record encode(const DeletedImage& deleted) {
  Value value = Value::object();
  const catalogue::Record image = encode(deleted.image);
  if (auto document = document::parse_json(image.document)) {
    value.append("image", std::move(*document));
  }
  value.append("revision", deleted.image.revision);
  set_text(value, "by", deleted.by);
  set_time(value, "at", deleted.at);
  set_time(value, "until", deleted.until);
  catalogue::Record record = wrap(kDeletedImages, deleted.image.id, value);
  // Nobody but the owner: what everybody could see is not everybody's to restore.
  record.facts = {{catalogue::kAccessFact, image::account_value(deleted.image.owner)},
                  {"owner", deleted.image.owner},
                  {kUntilFact, until_value(deleted.until)}};
  return record;
}

Result<DeletedImage> decode_deleted(const catalogue::Record& record) {
  auto value = parse_document(record);
  if (!value) return pass(value);
  const Value* document = value->find("image");
  const auto revision = size_of(*value, "revision");
  const auto at = time_of(*value, "at");
  const auto until = time_of(*value, "until");
  if (document == nullptr || !revision || !at || !until) {
    return corrupt(record, "a field is missing");
  }
  const catalogue::Record image_record{
      kImages, record.id, *revision, document::write_json(*document), {}};
  auto image = decode_image(image_record);
  if (!image) return pass(image);
  return DeletedImage{std::move(*image), text_of(*value, "by"), *at, *until, record.revision};
}

std::string until_value(Time time) {
  constexpr std::size_t kDigits = 20;
  const auto micros = std::max<std::int64_t>(0, time.time_since_epoch().count());
  std::string digits = std::to_string(micros);
  return std::string(kDigits - digits.size(), '0') + digits;
}

catalogue::Record encode(const std::string& image, const image::Reads& reads) {
  Value value = Value::object();
  value.append("count", reads.count);
  if (reads.last) set_time(value, "last", *reads.last);
  return wrap(kReads, image, value);
}

Result<image::Reads> decode_reads(const catalogue::Record& record) {
  auto value = parse_document(record);
  if (!value) return pass(value);
  return image::Reads{size_of(*value, "count").value_or(0), time_of(*value, "last")};
}

catalogue::Query page_of(const char* collection, std::optional<catalogue::Query::Position> after) {
  constexpr std::uint32_t kPage = 500;
  catalogue::Query query;
  query.collection = collection;
  query.limit = kPage;
  query.after = std::move(after);
  return query;
}

void tell_unreadable(const catalogue::Record& record, const Error& cause) {
  log::failure(log::Level::error, "a record of unfinished work can't be read and was left alone",
               cause, {{"record", record.collection + "/" + record.id}});
}

}  // namespace visor::service
