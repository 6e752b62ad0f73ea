#include "format/recognise.h"

#include <algorithm>
#include <cstring>

namespace visor::format {
namespace {

using Bytes = std::span<const std::byte>;

bool has(Bytes bytes, std::size_t offset, std::string_view magic) {
  return bytes.size() >= offset + magic.size() &&
         std::memcmp(bytes.data() + offset, magic.data(), magic.size()) == 0;
}

struct Magic {
  std::size_t offset;
  std::string_view bytes;
  std::string_view format;
};

using namespace std::string_view_literals;

// Order matters: a hybrid ISO is a disk with a partition table as well.
constexpr Magic kMagics[] = {
    {0, "QFI\xfb\0\0\0\x02"sv, "qcow2"sv},
    {0, "QFI\xfb\0\0\0\x03"sv, "qcow2"sv},
    {0, "KDMV"sv, "vmdk"sv},
    {0, "COWD"sv, "vmdk"sv},
    {0, "# Disk DescriptorFile"sv, "vmdk"sv},
    {0, "vhdxfile"sv, "vhdx"sv},
    {0, "conectix"sv, "vhd"sv},
    {0x40, "\x7f\x10\xda\xbe"sv, "vdi"sv},
    {0, "WithoutFreeSpace"sv, "parallels"sv},
    {0, "WithouFreSpacExt"sv, "parallels"sv},
    {0, "LUKS\xba\xbe"sv, "luks"sv},
    {32769, "CD001"sv, "iso"sv},
    {0x202, "HdrS"sv, "aki"sv},
};

bool is_ova(Bytes head) {
  if (!has(head, 257, "ustar")) return false;
  const std::string_view member(reinterpret_cast<const char*>(head.data()), 100);
  const auto name = member.substr(0, member.find('\0'));
  return name.ends_with(".ovf");
}

bool is_disk(Bytes head) {
  return has(head, 510, "\x55\xaa") || has(head, 512, "EFI PART") || has(head, 4096, "EFI PART") ||
         has(head, 1080, "\x53\xef") || has(head, 0, "XFSB");
}

}  // namespace

void Recogniser::feed(std::span<const std::byte> slice) {
  if (slice.empty()) return;
  if (!started_) {
    started_ = true;
    for (const Magic& magic : kMagics) {
      if (has(slice, magic.offset, magic.bytes)) {
        head_name_ = magic.format;
        break;
      }
    }
    if (head_name_.empty() && is_ova(slice)) head_name_ = "ova";
    bootable_disk_ = is_disk(slice);
  }
  length_ += slice.size();
  if (slice.size() >= kTail) {
    std::memcpy(tail_.data(), slice.data() + slice.size() - kTail, kTail);
  } else {
    std::memmove(tail_.data(), tail_.data() + slice.size(), kTail - slice.size());
    std::memcpy(tail_.data() + kTail - slice.size(), slice.data(), slice.size());
  }
}

std::string_view Recogniser::name() const {
  if (!head_name_.empty()) return head_name_;
  if (length_ >= 2 * kTail && has(tail_, 0, "conectix")) return "vhd";
  return bootable_disk_ ? "raw" : std::string_view();
}

}  // namespace visor::format
