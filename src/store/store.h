// Stores: where the bytes of images live. One interface, one folder a store, and layers that are
// stores around stores.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "async/byte_source.h"
#include "async/task.h"
#include "base/error.h"

namespace visor::store {

/// What a store can do. Few on purpose.
struct Capability {
  bool writable = false;  ///< create and remove work
  bool listable = false;  ///< list works
  bool ranges =
      false;  ///< open honours a range at the source (else what is before it is read and dropped)
  bool local = false;  ///< the bytes lie on this machine, which keeps in memory what was read

  /// Whether blobs may be referred to by location in this store, and by whom.
  enum class Reference { nobody, administrators, privileged };
  Reference reference = Reference::nobody;

  /// How long the URLs of `presigned` are to be good; 0: it makes none.
  std::chrono::seconds presign{0};
};

/// A part of a blob: `length` bytes from `offset`; no length: to the end.
struct ByteRange {
  std::uint64_t offset = 0;
  std::optional<std::uint64_t> length;
};

struct BlobStatus {
  std::optional<std::uint64_t> size;  ///< unknown only for a remote that doesn't say
  std::string version = {};           ///< changes with the bytes; opaque; may be empty
  std::string entity_tag =
      {};  ///< of a remote: its ETag as people compare it, without quotes; may be empty
};

/// Writes one new blob. Not committed = never existed. Owned by one task at a time; must be
/// committed or aborted before it goes, except at the process's end.
class BlobWriter {
 public:
  virtual ~BlobWriter() = default;

  /// Appends all of `bytes`, which stay untouched until the task is done.
  virtual async::Task<Result<void>> write(std::span<const std::byte> bytes) = 0;

  /// Makes the blob durable and visible under its key, atomically. `size` is what the caller
  /// counted and must be what was written. After an error nothing is left behind, unless the store
  /// failed at taking it back as well: `remove` makes sure. A key that exists already: `conflict`.
  virtual async::Task<Result<void>> commit(std::uint64_t size) = 0;

  /// Drops what was written; no trace stays.
  virtual async::Task<void> abort() = 0;
};

struct Listing {
  std::vector<std::string> keys;    ///< in ascending order
  std::optional<std::string> next;  ///< ask again with `after` = this
};

/// What `Store::replace` takes at most.
inline constexpr std::size_t kLargestSmallBlob = std::size_t{1} << 20;

/// A place for immutable blobs by key. Keys of writable stores are made by the service: 1 to 200
/// characters of [a-z0-9-/]; stores that are only referred to take the location (a URI) as the key.
/// Thread-safe. Every writable store passes tests/conformance's suite.
///
/// Errors: `not_found`, `range` (an offset past the end), `no_space`, `unavailable`, `timeout`,
/// `corrupt`, `forbidden` (a location that the store's rules refuse), `unsupported` (a verb that
/// `capability()` denies).
class Store {
 public:
  virtual ~Store() = default;

  virtual Capability capability() const = 0;

  virtual async::Task<Result<BlobStatus>> stat(std::string key) = 0;

  /// A stream over a blob or a part of it; a length past the end is cut to the end. A blob removed
  /// after `open` can be read to its end. With a `version`, `precondition` if the blob's version is
  /// another by now.
  virtual async::Task<Result<std::unique_ptr<async::ByteSource>>> open(std::string key,
                                                                       ByteRange range,
                                                                       std::string version) = 0;

  /// Begins a new blob. `size` is how large it will be, if known: a store may reserve the room and
  /// say `no_space` early.
  virtual async::Task<Result<std::unique_ptr<BlobWriter>>> create(
      std::string key, std::optional<std::uint64_t> size) = 0;

  /// Puts a small blob, of at most kLargestSmallBlob bytes, under a key, in the place of what is
  /// there, in one step: nobody who opens it finds a part. Durable when it returns; after an error
  /// either of the two is there, or, where the storage can't exchange files (HttpFS), none. A
  /// stream that was opened before may break or go on in the new bytes. For what describes other
  /// blobs: an image's data never changes.
  virtual async::Task<Result<void>> replace(std::string key, std::string bytes);

  /// Removes a blob; removing what is not there succeeds. Durable when it returns.
  virtual async::Task<Result<void>> remove(std::string key) = 0;

  /// Up to `limit` keys behind `after` (empty: from the start).
  virtual async::Task<Result<Listing>> list(std::string after, std::uint32_t limit) = 0;

  /// The URI that names a blob to people, without any credential.
  virtual std::string location(const std::string& key) const = 0;

  /// A URL under which whoever has it reads the blob from where it lies, from now on for
  /// `validity`. Nobody is asked, not even whether the blob is there. `unsupported` unless the
  /// capability `presign` says otherwise.
  virtual Result<std::string> presigned(const std::string& key,
                                        std::chrono::seconds validity) const;

  /// Begins what the store has to do now and then, if it is due, and returns at once. Called about
  /// every half minute.
  virtual void tidy() {}
};

inline async::Task<Result<void>> Store::replace(std::string, std::string) {
  co_return fail(Code::unsupported, "this store takes no data", "store.replace");
}

inline Result<std::string> Store::presigned(const std::string&, std::chrono::seconds) const {
  return fail(Code::unsupported, "this store gives its data to nobody but this server",
              "store.presigned");
}

}  // namespace visor::store
