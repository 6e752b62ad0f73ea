#include "service/store_mark.h"

#include <memory>
#include <span>
#include <utility>

#include "base/log.h"
#include "base/random.h"
#include "document/value.h"
#include "service/record_document.h"

namespace visor::service {
namespace {

constexpr const char* kSelf = "self";
constexpr std::size_t kLargestMark = 1024;

/// The text up to the next space, which goes with it.
std::string take_word(std::string_view& text) {
  const auto end = text.find(' ');
  std::string word(text.substr(0, end));
  text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  return word;
}

}  // namespace

std::string write_mark(const StoreMark& mark) {
  return mark.walk + " " + mark.catalogue + " " + mark.store;
}

StoreMark read_mark(std::string_view text) {
  StoreMark mark;
  mark.walk = take_word(text);
  mark.catalogue = take_word(text);
  mark.store = text;
  if (!is_uuid(mark.walk) || (!mark.catalogue.empty() && !is_uuid(mark.catalogue))) return {};
  return mark;
}

StoreMarks::StoreMarks(catalogue::Client& catalogue, const store::StoreSet& stores,
                       std::string store)
    : catalogue_(catalogue),
      stores_(stores),
      name_(std::move(store)),
      store_(*stores.named(name_)) {}

async::Task<Result<std::optional<std::string>>> StoreMarks::walk() {
  Result<std::optional<StoreMark>> mark = co_await read();
  if (!mark) co_return pass(mark);
  if (!*mark) co_return std::nullopt;
  // Whoever only looks makes none: a catalogue that was refused may become somebody's heir.
  Result<Identity> identity = co_await known_identity();
  if (!identity) co_return pass(identity);
  if (auto ours = check(**mark, *identity); !ours) co_return pass(ours);
  const std::string& walk = (*mark)->walk;
  const bool unsigned_yet = (*mark)->catalogue.empty() || (*mark)->catalogue != identity->own;
  if (unsigned_yet && !walk.empty()) {
    Result<void> signed_now = co_await replace(walk);
    if (!signed_now) co_return pass(signed_now);
  }
  co_return walk;
}

async::Task<Result<void>> StoreMarks::put(std::string walk) {
  Result<Identity> who = co_await identity();
  if (!who) co_return pass(who);
  Result<std::optional<StoreMark>> mark = co_await read();
  if (!mark) co_return pass(mark);
  if (!*mark) {
    std::string text = write_mark({walk, who->own, name_});
    Result<void> made = co_await put_first(std::move(text));
    if (made || made.error().code != Code::conflict) co_return made;
    // Somebody else was here first.
    mark = co_await read();
    if (!mark) co_return pass(mark);
  }
  if (*mark) {
    if (auto ours = check(**mark, *who); !ours) co_return ours;
  }
  co_return co_await replace(std::move(walk));
}

async::Task<Result<void>> StoreMarks::take_over() {
  Result<Identity> known = co_await known_identity();
  if (!known) co_return pass(known);
  Result<std::optional<StoreMark>> mark = co_await read();
  if (!mark) co_return pass(mark);
  if (!*mark || (*mark)->catalogue.empty() || (*mark)->catalogue == known->own) {
    co_return Result<void>{};
  }
  if (known->own.empty()) {
    std::string lost = (*mark)->catalogue;
    Result<void> made = co_await make_identity(std::move(lost));
    if (!made) co_return made;
  }
  log::warning("a store that was another catalogue's is this one's from now on",
               {{"store", name_}, {"catalogue", (*mark)->catalogue}});
  // Of no walk: all manifests are written anew.
  std::string walk = random_uuid();
  co_return co_await replace(std::move(walk));
}

async::Task<Result<std::optional<StoreMark>>> StoreMarks::read() {
  Result<std::unique_ptr<async::ByteSource>> source =
      co_await store_.open(kManifestMark, store::ByteRange{}, std::string());
  if (!source) {
    if (source.error().code == Code::not_found) co_return std::nullopt;
    co_return pass(source);
  }
  async::ByteSource& stream = **source;
  Result<std::string> text = co_await async::read_all(stream, kLargestMark);
  if (!text && text.error().code == Code::too_large) co_return StoreMark{};
  if (!text) co_return pass(text);
  co_return read_mark(*text);
}

async::Task<Result<StoreMarks::Identity>> StoreMarks::known_identity() {
  Result<catalogue::Record> record = co_await catalogue_.get(kCatalogue, kSelf);
  if (!record && record.error().code == Code::not_found) co_return Identity{};
  if (!record) co_return pass(record);
  auto value = parse_document(*record);
  if (!value) co_return pass(value);
  Identity identity{text_of(*value, "identity"), text_of(*value, "heir_of")};
  if (!is_uuid(identity.own)) co_return corrupt(*record, "identity");
  co_return identity;
}

async::Task<Result<void>> StoreMarks::make_identity(std::string heir_of) {
  document::Value value = document::Value::object();
  set_text(value, "identity", random_uuid());
  set_text(value, "heir_of", heir_of);
  catalogue::Batch batch;
  batch.puts.push_back({wrap(kCatalogue, kSelf, value), 0});
  co_return co_await catalogue_.apply_admitted(std::move(batch));
}

async::Task<Result<StoreMarks::Identity>> StoreMarks::identity() {
  Result<Identity> known = co_await known_identity();
  if (!known || !known->own.empty()) co_return known;
  Result<void> made = co_await make_identity(std::string());
  // Another store's may have been quicker.
  if (!made && made.error().code != Code::precondition) co_return pass(made);
  co_return co_await known_identity();
}

async::Task<Result<void>> StoreMarks::replace(std::string walk) {
  Result<Identity> who = co_await identity();
  if (!who) co_return pass(who);
  std::string text = write_mark({std::move(walk), who->own, name_});
  co_return co_await store_.replace(kManifestMark, std::move(text));
}

// As a new blob: a store makes one of a key only once.
async::Task<Result<void>> StoreMarks::put_first(std::string text) {
  const std::uint64_t size = text.size();
  Result<std::unique_ptr<store::BlobWriter>> writer = co_await store_.create(kManifestMark, size);
  if (!writer) co_return pass(writer);
  store::BlobWriter& blob = **writer;
  const auto bytes = std::as_bytes(std::span(text));
  Result<void> written = co_await blob.write(bytes);
  if (!written) {
    co_await blob.abort();
    co_return written;
  }
  co_return co_await blob.commit(size);
}

Result<void> StoreMarks::check(const StoreMark& mark, const Identity& identity) const {
  const std::string where =
      "mark " + store_.location(kManifestMark) + " catalogue=" + mark.catalogue;
  const bool ours = mark.catalogue.empty() || mark.catalogue == identity.own ||
                    mark.catalogue == identity.heir_of;
  if (!ours) {
    return fail(Code::conflict,
                "the store '" + name_ +
                    "' belongs to another catalogue, and two that share one place would not know "
                    "of each other's images. Give this server a folder, a bucket or a prefix of "
                    "its own. If the other catalogue is lost: visor server rebuild --from-store " +
                    name_ + " brings its images here and makes the store this one's",
                where);
  }
  if (!mark.store.empty() && mark.store != name_ && stores_.named(mark.store) != nullptr) {
    return fail(Code::conflict,
                "the stores '" + mark.store + "' and '" + name_ +
                    "' lie in one place, where removing a copy from one would remove it from the "
                    "other. Give each a folder, a bucket or a prefix of its own",
                where);
  }
  return {};
}

}  // namespace visor::service
