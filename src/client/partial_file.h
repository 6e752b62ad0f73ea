// A download's place on disk until it is complete.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "base/digest.h"
#include "client/failure.h"

namespace visor::client {

/// Where a download's bytes go.
class DownloadTarget {
 public:
  virtual ~DownloadTarget() = default;
  /// Bytes that are there.
  virtual std::uint64_t size() const = 0;
  /// The entity tag of the data that the bytes belong to; empty if unknown, and then they can't be
  /// continued.
  virtual const std::string& entity_tag() const = 0;
  /// Drops the bytes and begins anew with data of this entity tag (empty: unknown).
  virtual Outcome<void> restart(std::string_view entity_tag) = 0;
  virtual Outcome<void> append(std::span<const std::byte> bytes) = 0;
  /// Feeds all bytes that are there to a digest.
  virtual Outcome<void> digest(Digester& digester) = 0;
  /// The bytes are complete and right: from now on they have their final name, durably.
  virtual Outcome<void> commit() = 0;
  /// The bytes are worthless: nothing of them stays.
  virtual void discard() = 0;
};

/// `<name>.partial`, with the entity tag in `<name>.partial.tag`, until `commit` gives it its final
/// name. It stays when the object goes without `commit` or `discard`, for the next attempt; an
/// empty one doesn't. One process at a time: it is locked.
class PartialFile final : public DownloadTarget {
 public:
  /// Opens what an earlier attempt left, or makes a new one. Errors: `conflict` if another process
  /// is at it.
  static Outcome<std::unique_ptr<PartialFile>> open(std::string final_path);
  ~PartialFile() override;
  PartialFile(const PartialFile&) = delete;
  PartialFile& operator=(const PartialFile&) = delete;

  std::uint64_t size() const override { return size_; }
  const std::string& entity_tag() const override { return entity_tag_; }
  Outcome<void> restart(std::string_view entity_tag) override;
  Outcome<void> append(std::span<const std::byte> bytes) override;
  Outcome<void> digest(Digester& digester) override;
  Outcome<void> commit() override;
  void discard() override;

 private:
  PartialFile(std::string final_path, int descriptor, std::uint64_t size);
  std::string partial_path() const { return final_path_ + ".partial"; }
  std::string tag_path() const { return final_path_ + ".partial.tag"; }

  std::string final_path_;
  int descriptor_;
  std::uint64_t size_;
  std::string entity_tag_;
};

/// An open descriptor, such as standard output, which stays the caller's. Bytes that have been
/// written can't be taken back.
class DescriptorTarget final : public DownloadTarget {
 public:
  explicit DescriptorTarget(int descriptor) : descriptor_(descriptor) {}
  std::uint64_t size() const override { return size_; }
  const std::string& entity_tag() const override { return entity_tag_; }
  Outcome<void> restart(std::string_view entity_tag) override;
  Outcome<void> append(std::span<const std::byte> bytes) override;
  Outcome<void> digest(Digester& digester) override;
  Outcome<void> commit() override { return {}; }
  void discard() override {}

 private:
  int descriptor_;
  std::uint64_t size_ = 0;
  std::string entity_tag_;
};

}  // namespace visor::client
