#include "sign/trailer_checksum.h"

#include "base/encoding.h"

namespace visor::sign {
namespace {

constexpr std::string_view kPrefix = "x-amz-checksum-";
// Reflected polynomials: ISO-HDLC, Castagnoli, and the NVM Express specification's 64-bit one.
constexpr std::uint64_t kCrc32 = 0xedb88320;
constexpr std::uint64_t kCrc32c = 0x82f63b78;
constexpr std::uint64_t kCrc64Nvme = 0x9a6c9329ac4bc9b5;

}  // namespace

Crc::Crc(std::uint64_t polynomial, int width)
    : table_{}, width_(width), state_(width == 64 ? ~std::uint64_t{0} : 0xffffffff) {
  for (std::size_t i = 0; i < table_.size(); ++i) {
    std::uint64_t value = i;
    for (int bit = 0; bit < 8; ++bit) value = (value >> 1) ^ ((value & 1) != 0 ? polynomial : 0);
    table_[i] = value;
  }
}

void Crc::update(std::span<const std::byte> bytes) {
  std::uint64_t state = state_;
  for (const std::byte byte : bytes) {
    state = table_[(state ^ static_cast<std::uint8_t>(byte)) & 0xff] ^ (state >> 8);
  }
  state_ = state;
}

std::string Crc::finish() const {
  std::string raw;
  for (int shift = width_ - 8; shift >= 0; shift -= 8) {
    raw += static_cast<char>((~state_ >> shift) & 0xff);
  }
  return raw;
}

std::optional<TrailerChecksum> TrailerChecksum::for_header(std::string_view name) {
  if (!name.starts_with(kPrefix)) return std::nullopt;
  const std::string_view kind = name.substr(kPrefix.size());
  TrailerChecksum checksum(name);
  if (kind == "crc32") {
    checksum.crc_.emplace(kCrc32, 32);
  } else if (kind == "crc32c") {
    checksum.crc_.emplace(kCrc32c, 32);
  } else if (kind == "crc64nvme") {
    checksum.crc_.emplace(kCrc64Nvme, 64);
  } else if (kind == "sha1") {
    checksum.digester_.emplace(DigestAlgorithm::sha1);
  } else if (kind == "sha256") {
    checksum.digester_.emplace(DigestAlgorithm::sha256);
  } else {
    return std::nullopt;
  }
  return checksum;
}

void TrailerChecksum::update(std::span<const std::byte> bytes) {
  if (crc_) crc_->update(bytes);
  if (digester_) digester_->update(bytes);
}

std::string TrailerChecksum::finish() {
  if (crc_) return to_base64(crc_->finish());
  const auto raw = digester_->finish();
  return to_base64(std::string_view(reinterpret_cast<const char*>(raw.data()), raw.size()));
}

}  // namespace visor::sign
