#include "format/recognise.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace visor::format {
namespace {

std::string with(std::size_t size, std::size_t offset, const std::string& magic) {
  std::string bytes(size, '\0');
  bytes.replace(offset, magic.size(), magic);
  return bytes;
}

std::string_view recognise(const std::string& bytes, std::size_t slice = 1 << 20) {
  Recogniser recogniser;
  for (std::size_t at = 0; at < bytes.size(); at += slice) {
    recogniser.feed(
        std::as_bytes(std::span(bytes).subspan(at, std::min(slice, bytes.size() - at))));
  }
  return recogniser.name();
}

TEST(Recogniser, KnowsEachFormatByItsMagic) {
  using namespace std::string_literals;
  EXPECT_EQ(recognise(with(512, 0, "QFI\xfb\0\0\0\x03"s)), "qcow2");
  EXPECT_EQ(recognise(with(512, 0, "KDMV")), "vmdk");
  EXPECT_EQ(recognise("# Disk DescriptorFile\nversion=1\n"), "vmdk");
  EXPECT_EQ(recognise(with(512, 0, "vhdxfile")), "vhdx");
  EXPECT_EQ(recognise(with(512, 0x40, "\x7f\x10\xda\xbe")), "vdi");
  EXPECT_EQ(recognise(with(40'000, 32769, "CD001")), "iso");
  EXPECT_EQ(recognise(with(1024, 510, "\x55\xaa")), "raw");
  EXPECT_EQ(recognise(with(2048, 0, "disk.ovf").replace(257, 5, "ustar")), "ova");
}

TEST(Recogniser, CallsAHybridIsoAnIso) {
  EXPECT_EQ(recognise(with(40'000, 32769, "CD001").replace(510, 2, "\x55\xaa")), "iso");
}

TEST(Recogniser, FindsAFixedVhdByItsFooterHoweverTheStreamIsCut) {
  const std::string disk = with(100'000, 100'000 - 512, "conectix");
  for (const std::size_t slice : {37'000u, 40'000u, 99'800u, 99'999u, 200'000u}) {
    EXPECT_EQ(recognise(disk, slice), "vhd") << slice;
  }
}

TEST(Recogniser, NamesNothingForPlainOrTruncatedBytes) {
  EXPECT_EQ(recognise(""), "");
  EXPECT_EQ(recognise("just text"), "");
  EXPECT_EQ(recognise("QF"), "");
  EXPECT_EQ(recognise(with(511, 510, "\x55")), "");
}

}  // namespace
}  // namespace visor::format
