// Recognising a disk format from the bytes that pass by.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace visor::format {

/// Looks at a stream's first and last bytes, slice by slice, in constant memory, and names the
/// format they show. It recognises and does not judge: a name is a description for people, never a
/// reason to trust the bytes. Magic numbers: docs/formats/recognition.md.
class Recogniser {
 public:
  /// Takes the next slice of the stream. The first one must hold at least kHead bytes or all there
  /// is.
  void feed(std::span<const std::byte> slice);

  /// The format's name (qcow2, vmdk, vdi, vhd, vhdx, iso, ova, parallels, luks, aki, raw), or empty
  /// if the bytes don't show one. Static storage.
  std::string_view name() const;

  /// How much of the start decides: the ISO 9660 descriptor lies 32 KiB in.
  static constexpr std::size_t kHead = 36 * 1024;

 private:
  static constexpr std::size_t kTail = 512;

  std::string_view head_name_;
  bool started_ = false;
  bool bootable_disk_ = false;
  std::array<std::byte, kTail> tail_{};
  std::uint64_t length_ = 0;
};

}  // namespace visor::format
