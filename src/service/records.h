// The service's records: how its types lie in the catalogue.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/error.h"
#include "catalogue/catalogue.h"
#include "image/image.h"

namespace visor::service {

// Collections. See docs/formats/records.md for the documents in them.
inline constexpr const char* kImages = "images";
inline constexpr const char* kBlobs = "blobs";
inline constexpr const char* kCopies = "copies";
inline constexpr const char* kUploads = "uploads";
inline constexpr const char* kRemovals = "removals";
inline constexpr const char* kReads = "reads";
inline constexpr const char* kDeletedImages = "deleted_images";

catalogue::Record encode(const image::Image& image);
/// A change of an image in the catalogue, or a new one, which takes its place by when it was made.
catalogue::Put put_of(const image::Image& image, std::uint64_t expected,
                      std::uint64_t continues = 0);
/// `corrupt` if the document is not one that `encode` could have written, this version's or a later
/// one's.
Result<image::Image> decode_image(const catalogue::Record& record);

/// The data of an image: immutable once stored.
struct Blob {
  enum class Role { original, rendition };

  std::string id;
  std::string image;
  Role role = Role::original;
  std::optional<std::uint64_t> size;
  Digests digests;
};
catalogue::Record encode(const Blob& blob);
Result<Blob> decode_blob(const catalogue::Record& record);

/// The digest that a blob's bytes are compared by: the one that is hardest to make other bytes for.
/// Nothing if there is none: only the size is known.
std::optional<DigestAlgorithm> strongest(const Digests& digests);

/// Where a blob lies. Its id is the blob's for the first copy, where reads begin; a blob always has
/// that one. Whoever changes the set of a blob's copies puts the blob anew in the same batch, so
/// that of two who do so at the same time one begins again.
struct Copy {
  std::string id;
  std::string blob;
  std::string store;
  std::string key;        ///< in the store; the location itself for a reference
  bool referred = false;  ///< not ours: never removed at its source
  std::string version;    ///< of a reference: what the store said of it when it was taken
  bool damaged = false;   ///< its bytes are not the blob's any more: it is not read
  std::uint64_t revision = 0;
  std::uint64_t rank = 0;     ///< its place among those of the blob that are not the first one
  std::string metadata = {};  ///< what the image's owner noted of it: a JSON object, or empty
};
catalogue::Record encode(const Copy& copy);
Result<Copy> decode_copy(const catalogue::Record& record);

/// An upload under way: written before its first byte is taken, so that a crash leaves a trace of
/// what to undo.
struct UploadRecord {
  std::string id;
  std::string image;
  std::string account;  ///< whose quota is charged
  std::string store;
  std::string key;
  std::uint64_t reserved = 0;  ///< bytes charged to the account so far
  std::uint64_t revision = 0;
};
catalogue::Record encode(const UploadRecord& upload);
Result<UploadRecord> decode_upload(const catalogue::Record& record);

/// Bytes that nothing refers to any more and that a store still has to drop.
struct Removal {
  std::string store;
  std::string key;
  std::uint64_t revision = 0;
};
catalogue::Record encode(const Removal& removal);
Result<Removal> decode_removal(const catalogue::Record& record);

/// An image that was removed and can be restored until a time. Its blob and copies stay where they
/// are.
struct DeletedImage {
  image::Image image;  ///< as it was, its revision too
  std::string by;      ///< the account that removed it
  Time at;
  Time until;
  std::uint64_t revision = 0;  ///< of this record
};
catalogue::Record encode(const DeletedImage& deleted);
Result<DeletedImage> decode_deleted(const catalogue::Record& record);
/// The fact by which those whose time has passed are found, and its value for a time: values sort
/// as times do.
inline constexpr const char* kUntilFact = "until";
std::string until_value(Time time);

catalogue::Record encode(const std::string& image, const image::Reads& reads);
Result<image::Reads> decode_reads(const catalogue::Record& record);

/// The next records of a collection, by id.
catalogue::Query page_of(const char* collection, std::optional<catalogue::Query::Position> after);
/// Tells the log of a record of unfinished work that can't be read: one that is damaged must not
/// keep the server from serving all the others.
void tell_unreadable(const catalogue::Record& record, const Error& cause);

}  // namespace visor::service
