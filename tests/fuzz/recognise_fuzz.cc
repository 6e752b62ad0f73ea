// Image data from a stranger: what is recognised does not depend on how the stream was cut, and is
// a name that is known. The input is a list of places to fill in an image of zeros (offset, length,
// bytes), so that a magic number far in needs few bytes.
#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>

#include "format/recognise.h"
#include "head_of_lines.h"

namespace {

using visor::format::Recogniser;
using visor::fuzz::require;

constexpr std::array<std::string_view, 12> kNames = {
    "", "qcow2", "vmdk", "vdi", "vhd", "vhdx", "iso", "ova", "parallels", "luks", "aki", "raw"};
constexpr std::size_t kLargest = 48 * 1024;

/// The first two bytes are the image's length; then follow places of offset (2), length (1), bytes.
std::span<const std::byte> build(std::span<const std::uint8_t> plan) {
  static std::array<std::byte, kLargest> image;
  const auto number = [&plan](std::size_t bytes) {
    std::size_t value = 0;
    for (std::size_t i = 0; i < bytes && !plan.empty(); ++i, plan = plan.subspan(1)) {
      value = value << 8 | plan.front();
    }
    return value;
  };
  const std::size_t size = number(2) % (kLargest + 1);
  std::memset(image.data(), 0, size);
  while (!plan.empty()) {
    const std::size_t offset = number(2);
    const std::size_t length = std::min(number(1), plan.size());
    if (offset < size)
      std::memcpy(image.data() + offset, plan.data(), std::min(length, size - offset));
    plan = plan.subspan(length);
  }
  return std::span<const std::byte>(image).first(size);
}

std::string_view recognise(std::span<const std::byte> image, std::size_t slice) {
  Recogniser recogniser;
  // The first slice holds the head, or all there is.
  std::size_t next = std::max(slice, Recogniser::kHead);
  do {
    const auto piece = image.first(std::min(next, image.size()));
    recogniser.feed(piece);
    image = image.subspan(piece.size());
    next = slice;
  } while (!image.empty());
  return recogniser.name();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto image = build({data, size});
  const std::string_view name = recognise(image, kLargest);
  require(std::ranges::find(kNames, name) != kNames.end());
  require(recognise(image, 509) == name);
  require(recognise(image, 4096) == name);
  return 0;
}
