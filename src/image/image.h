// The image: what the service keeps of it, free of any protocol's words.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/digest.h"
#include "base/error.h"

namespace visor::image {

/// Who may see an image besides its owner: everybody; nobody; the accounts that it is shared with;
/// everybody who knows its id or asks for such images.
enum class Access { everyone, owner, members, community };

/// Another account that an image is shared with. It may see the image from the start; its lists
/// show the image once it has accepted.
struct Member {
  enum class Answer { pending, accepted, rejected };
  Answer answer = Answer::pending;
  Time created_at;
  Time updated_at;
};

/// How far the image's data is. `staged`: it is here, but is not served before an import makes it
/// the image's own.
enum class DataState { none, uploading, staged, present, error };

/// Whether an import works on the image: not now; it brings data, of which nothing is served before
/// it is done; or the data is served, and is on its way to more stores.
enum class Importing { no, gathering, spreading };

/// What the operator or owner says of an image whose data is present; independent of DataState.
enum class Lifecycle { active, deactivated, quarantined, deprecated };

/// DataState and Lifecycle in one word, which lists can be narrowed to and sorted by.
enum class Phase { available, held, importing, pending, receiving, staged };

std::string_view to_string(Access access);
std::string_view to_string(Member::Answer answer);
std::string_view to_string(Phase phase);
std::string_view to_string(Importing importing);
std::string_view to_string(DataState state);
std::string_view to_string(Lifecycle lifecycle);
std::optional<Access> parse_access(std::string_view text);
std::optional<Member::Answer> parse_answer(std::string_view text);
std::optional<Importing> parse_importing(std::string_view text);
std::optional<DataState> parse_data_state(std::string_view text);
std::optional<Lifecycle> parse_lifecycle(std::string_view text);

/// A registered image. Empty texts are undefined attributes.
struct Image {
  std::string id;              ///< UUID version 4
  std::uint64_t revision = 0;  ///< grows with each change; 0: not stored yet

  std::string owner;  ///< the account's access key
  std::string name;
  std::string architecture;
  Access access = Access::everyone;
  std::string type;       ///< machine, kernel, ramdisk
  std::string format;     ///< iso, qcow2, …
  std::string container;  ///< what the data is wrapped in: bare, ovf, …
  std::string store;      ///< name of the store where its data lies or shall lie
  std::string kernel;     ///< id of the kernel image it boots with
  std::string ramdisk;
  std::map<std::string, std::string> extra;  ///< the open part of the schema
  std::set<std::string> tags;
  std::map<std::string, Member> members;  ///< by account; they count while access is `members`
  bool kept = false;                      ///< can't be removed before this is taken back
  bool hidden = false;                    ///< lists leave it out unless asked for
  std::uint64_t min_disk = 0;             ///< GiB that a machine needs to boot it
  std::uint64_t min_ram = 0;              ///< MiB

  DataState state = DataState::none;
  Lifecycle lifecycle = Lifecycle::active;

  std::string session;  ///< the upload under way, while `state` is uploading
  std::string import;   ///< the import that last worked on it, or works
  Importing importing = Importing::no;
  std::set<std::string> awaited_stores;  ///< that the import still has to bring the data to
  std::set<std::string> failed_stores;   ///< that it could not bring the data to
  std::string blob;                      ///< the data, once present
  bool referred = false;                 ///< the data lies elsewhere, and no copy of it is ours
  std::string location;                  ///< URI of the data, without credentials
  std::optional<std::uint64_t> size;
  std::optional<std::uint64_t> virtual_size;  ///< of the disk in the data, in bytes
  Digests digests;
  std::string entity_tag;  ///< of a reference: what its server says of its version

  Time created_at;
  Time updated_at;
  std::optional<Time> uploaded_at;

  /// Fields of the stored document that this version does not know, as JSON by name: they survive a
  /// rewrite.
  std::map<std::string, std::string> unknown;
};

Phase phase_of(const Image& image);

/// How often and when an image's data was last fetched. Kept beside the record: a read changes no
/// revision.
struct Reads {
  std::uint64_t count = 0;
  std::optional<Time> last;
};

}  // namespace visor::image
