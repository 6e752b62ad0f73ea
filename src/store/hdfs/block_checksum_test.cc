#include "store/hdfs/block_checksum.h"

#include <gtest/gtest.h>

#include <string>

namespace visor::store {
namespace {

std::span<const std::byte> bytes_of(std::string_view text) {
  return std::as_bytes(std::span(text.data(), text.size()));
}

std::optional<bool> compare(std::string_view data, std::size_t slice, std::uint64_t block,
                            const webhdfs::FileChecksum& remote) {
  BlockChecksum checksum(block);
  for (std::size_t at = 0; at < data.size(); at += slice) {
    checksum.update(bytes_of(data.substr(at, slice)));
  }
  return checksum.matches(remote);
}

TEST(Crc32c, AgreesWithTheVectorsOfTheStandard) {
  EXPECT_EQ(crc32c(0, bytes_of("123456789")), 0xe3069283u);
  EXPECT_EQ(crc32c(0, bytes_of(std::string(32, '\0'))), 0x8a9136aau);
  EXPECT_EQ(crc32c(0, bytes_of(std::string(32, '\xff'))), 0x62a8ab43u);
  EXPECT_EQ(crc32c(0, {}), 0u);
}

TEST(Crc32c, GoesOnWhereItWas) {
  const std::string text = "the quick brown fox jumps over the lazy dog, twice";
  for (std::size_t cut = 0; cut <= text.size(); ++cut) {
    const auto first = crc32c(0, bytes_of(std::string_view(text).substr(0, cut)));
    EXPECT_EQ(crc32c(first, bytes_of(std::string_view(text).substr(cut))),
              crc32c(0, bytes_of(text)));
  }
}

/// What Hadoop 3.4.1 answers for files of blocks of 1 MiB.
struct Vector {
  std::size_t size;
  const char* algorithm;
  const char* bytes;
};
constexpr Vector kVectors[] = {
    {1, "MD5-of-0MD5-of-512CRC32C",
     "000002000000000000000000dc236201841049096ad31b6213203a9000000000"},
    {512, "MD5-of-0MD5-of-512CRC32C",
     "000002000000000000000000e6e61fbd4c76a34aad61c16d8e9352dd00000000"},
    {513, "MD5-of-0MD5-of-512CRC32C",
     "000002000000000000000000ab994f19a9734efcd16576cfd7a9cfec00000000"},
    {1048576, "MD5-of-0MD5-of-512CRC32C",
     "0000020000000000000000005308c3e1a769f0720d623f114382e54500000000"},
    {1048577, "MD5-of-2048MD5-of-512CRC32C",
     "000002000000000000000800745e83782217476516c5d6f59dae93f000000000"},
    {3145733, "MD5-of-2048MD5-of-512CRC32C",
     "000002000000000000000800a6add2ff74f195b1c180ed2e792a5d3000000000"},
    {4194304, "MD5-of-2048MD5-of-512CRC32C",
     "0000020000000000000008002152100b96d43261fe714b26aa718e6e00000000"},
};

TEST(BlockChecksum, AgreesWithHadoop) {
  for (const auto& vector : kVectors) {
    std::string data;
    for (std::size_t at = 0; at < vector.size; ++at) data += static_cast<char>(at % 251);
    const webhdfs::FileChecksum remote{vector.algorithm, vector.bytes};
    for (const std::size_t slice : {std::size_t{511}, std::size_t{65'536}, vector.size}) {
      EXPECT_EQ(compare(data, slice, 1 << 20, remote), true) << vector.size << " by " << slice;
    }
    data.back() ^= 1;
    EXPECT_EQ(compare(data, 65'536, 1 << 20, remote), false) << vector.size;
  }
}

TEST(BlockChecksum, KnowsNothingOfOtherChecksums) {
  for (const char* algorithm :
       {"COMPOSITE-CRC32C", "MD5-of-0MD5-of-512CRC32", "MD5-of-0MD5-of-1024CRC32C", ""}) {
    EXPECT_EQ(compare("x", 1, 1 << 20, {algorithm, "00"}), std::nullopt) << algorithm;
  }
  EXPECT_EQ(compare("", 1, 1 << 20, {"MD5-of-0MD5-of-0CRC32", "00"}), std::nullopt);
}

}  // namespace
}  // namespace visor::store
