#include "store/hdfs/block_checksum.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>
#include <vector>

#include "base/encoding.h"

namespace visor::store {
namespace {

constexpr std::uint64_t kDigestSize = 16;
/// Hadoop digests all of the buffer that it gathers the blocks' digests in, also the zeros behind
/// them: it has 32 bytes at first and doubles.
constexpr std::uint64_t kFirstBuffer = 32;

constexpr std::uint32_t kPolynomial = 0x82f63b78;  // reflected

constexpr std::array<std::uint32_t, 256> make_table() {
  std::array<std::uint32_t, 256> table = {};
  for (std::uint32_t index = 0; index < table.size(); ++index) {
    std::uint32_t value = index;
    for (int bit = 0; bit < 8; ++bit) value = (value >> 1) ^ ((value & 1) ? kPolynomial : 0);
    table[index] = value;
  }
  return table;
}
constexpr auto kTable = make_table();

std::uint32_t by_table(std::uint32_t state, std::span<const std::byte> bytes) {
  for (const std::byte byte : bytes) {
    state = (state >> 8) ^ kTable[(state ^ static_cast<std::uint32_t>(byte)) & 0xff];
  }
  return state;
}

#if defined(__x86_64__)
__attribute__((target("sse4.2"))) std::uint32_t by_instruction(std::uint32_t state,
                                                               std::span<const std::byte> bytes) {
  std::uint64_t wide = state;
  while (bytes.size() >= sizeof wide) {
    std::uint64_t word = 0;
    std::memcpy(&word, bytes.data(), sizeof word);
    wide = __builtin_ia32_crc32di(wide, word);
    bytes = bytes.subspan(sizeof wide);
  }
  auto narrow = static_cast<std::uint32_t>(wide);
  for (const std::byte byte : bytes) {
    narrow = __builtin_ia32_crc32qi(narrow, static_cast<unsigned char>(byte));
  }
  return narrow;
}
const bool kHasInstruction = __builtin_cpu_supports("sse4.2") != 0;
#endif

std::string big_endian(std::uint64_t value, std::size_t width) {
  std::string bytes;
  for (std::size_t place = width; place > 0; --place) {
    bytes += static_cast<char>(value >> (8 * (place - 1)));
  }
  return bytes;
}

std::string as_text(const std::vector<std::byte>& bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

}  // namespace

std::uint32_t crc32c(std::uint32_t before, std::span<const std::byte> bytes) {
#if defined(__x86_64__)
  if (kHasInstruction) return ~by_instruction(~before, bytes);
#endif
  return ~by_table(~before, bytes);
}

BlockChecksum::BlockChecksum(std::uint64_t block_size) : block_size_(block_size) {}

void BlockChecksum::update(std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    // Only begun when its first byte comes: a file that ends with a block has no empty one behind.
    if (in_block_ == block_size_) end_block();
    const auto part = bytes.first(std::min(bytes.size(), kChunk - in_chunk_));
    crc_ = crc32c(crc_, part);
    in_chunk_ += part.size();
    in_block_ += part.size();
    bytes = bytes.subspan(part.size());
    if (in_chunk_ == kChunk) end_chunk();
  }
}

void BlockChecksum::end_chunk() {
  block_.update(big_endian(crc_, 4));
  crc_ = 0;
  in_chunk_ = 0;
}

void BlockChecksum::end_block() {
  if (in_chunk_ > 0) end_chunk();
  const auto block = as_text(std::exchange(block_, Digester(DigestAlgorithm::md5)).finish());
  file_.update(block);
  padded_.update(block);
  in_block_ = 0;
  ++blocks_;
}

std::optional<bool> BlockChecksum::matches(const webhdfs::FileChecksum& remote) {
  if (blocks_ == 0 && in_block_ == 0) return std::nullopt;
  end_block();
  const std::uint64_t in_each = blocks_ > 1 ? block_size_ / kChunk : 0;
  const std::string algorithm =
      "MD5-of-" + std::to_string(in_each) + "MD5-of-" + std::to_string(kChunk) + "CRC32C";
  if (remote.algorithm != algorithm) return std::nullopt;
  std::uint64_t buffer = kFirstBuffer;
  while (buffer < blocks_ * kDigestSize) buffer *= 2;
  for (std::uint64_t missing = buffer / kDigestSize - blocks_; missing > 0; --missing) {
    padded_.update(std::string(kDigestSize, '\0'));
  }
  const std::string head = to_hex(big_endian(kChunk, 4) + big_endian(in_each, 8));
  // Some versions put more behind it.
  return remote.bytes.starts_with(head + padded_.finish_hex()) ||
         remote.bytes.starts_with(head + file_.finish_hex());
}

}  // namespace visor::store
