// A blob that is being written.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "base/error.h"
#include "store/descriptor.h"
#include "store/file/blob_tree.h"

namespace visor::store {

/// What becomes of a blob that has the key already.
enum class Existing { keep, replace };

/// Large aligned pieces are written past the page cache where the file system allows it, all else
/// through it. An unnamed file in the blob's final folder (or a named one in `partial/` where the
/// file system has none, and for one that replaces another) until `publish` gives it its name. If
/// the object goes before, nothing stays. All calls block; one thread at a time.
class PartialBlob {
 public:
  static Result<std::unique_ptr<PartialBlob>> create(BlobTree& tree, std::string key,
                                                     std::optional<std::uint64_t> size,
                                                     Existing existing = Existing::keep);
  ~PartialBlob() { drop(); }

  /// Appends all of `bytes`. After an error nothing is left, and every later call gives that error.
  Result<void> append(std::span<const std::byte> bytes);
  /// Durable under its key when it returns; else nothing is left. Once.
  Result<void> publish(std::uint64_t size);
  /// Takes back what was written.
  void drop();

 private:
  PartialBlob(BlobTree& tree, std::string key, Existing existing)
      : tree_(tree), key_(std::move(key)), existing_(existing) {}
  Result<void> open(std::optional<std::uint64_t> size);
  Result<void> check_room(std::uint64_t size) const;
  std::uint64_t step_ahead() const;
  Result<void> allocate_until(std::uint64_t end);
  Result<void> append_now(std::span<const std::byte> bytes);
  std::size_t choose_piece(std::span<const std::byte> bytes);
  bool set_direct(bool on);
  Result<void> start_write_back();
  Result<void> publish_now(std::uint64_t size);
  Result<void> name_it(const std::string& where);
  Result<void> take_the_place(const std::string& where);
  int link_to(const char* name) const;
  Result<void> settle(Result<void> outcome);

  BlobTree& tree_;
  const std::string key_;
  const Existing existing_;
  BlobPath path_;
  Descriptor folder_;
  Descriptor file_;
  std::string partial_name_;  ///< empty for an unnamed file
  std::uint64_t written_ = 0;
  std::uint64_t sent_ = 0;  ///< how far bytes are on the disk, or write-back was started
  std::uint64_t allocated_ = 0;
  std::optional<std::uint64_t> size_;  ///< as announced
  bool may_allocate_ = true;
  bool may_be_direct_ = true;
  bool direct_ = false;  ///< whether the file is in that mode now
  std::optional<Error> failure_;
};

}  // namespace visor::store
