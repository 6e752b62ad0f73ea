#include <optional>

#include "http/codec.h"

namespace visor::http {
namespace {

constexpr std::uint32_t kExtensionBytes = 256;  // of one chunk
constexpr std::uint32_t kTrailerBytes = 8 * 1024;
constexpr std::uint32_t kSizeDigits = 15;  // keeps the largest chunk far below 2^63

int hex_value(unsigned char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

bool is_visible(unsigned char c) { return c == '\t' || (c >= 0x20 && c != 0x7f); }

}  // namespace

std::optional<std::size_t> ChunkDecoder::read_framing(std::string_view bytes) {
  std::size_t position = 0;
  while (position < bytes.size() && state_ != State::finished) {
    if (state_ == State::data) {
      if (data_left_ > 0) break;
      state_ = State::data_newline;
      digits_ = 0;
    }
    if (!step(static_cast<unsigned char>(bytes[position]))) return std::nullopt;
    ++position;
  }
  return position;
}

bool ChunkDecoder::begin_data() {
  data_left_ = size_;
  digits_ = 0;
  state_ = size_ > 0 ? State::data : State::line_start;
  return true;
}

bool ChunkDecoder::step(unsigned char c) {
  switch (state_) {
    case State::size:
      if (const int digit = hex_value(c); digit >= 0) {
        size_ = size_ * 16 + static_cast<std::uint64_t>(digit);
        return ++digits_ <= kSizeDigits;
      }
      if (digits_ == 0) return false;
      if (c == ';') {
        state_ = State::extension;
        extension_bytes_ = 0;
        return true;
      }
      state_ = State::size_newline;
      return c == '\r';
    case State::extension:
      if (c == '\r') {
        state_ = State::size_newline;
        return true;
      }
      return is_visible(c) && ++extension_bytes_ <= kExtensionBytes;
    case State::size_newline:
      return c == '\n' && begin_data();
    case State::data_newline:
      // CR, then LF: digits_ says which one is due.
      if (digits_ == 0) {
        digits_ = 1;
        return c == '\r';
      }
      state_ = State::size;
      digits_ = 0;
      size_ = 0;
      return c == '\n';
    case State::line_start:
      if (c == '\r') {
        state_ = State::end_newline;
        return true;
      }
      state_ = State::trailer_name;
      [[fallthrough]];
    case State::trailer_name:
      if (++trailer_bytes_ > kTrailerBytes) return false;
      if (c == ':' && digits_ > 0) {
        state_ = State::trailer_value;
        return true;
      }
      ++digits_;
      return is_token({reinterpret_cast<const char*>(&c), 1});
    case State::trailer_value:
      if (++trailer_bytes_ > kTrailerBytes) return false;
      if (c == '\r') {
        state_ = State::trailer_newline;
        return true;
      }
      return is_visible(c);
    case State::trailer_newline:
      state_ = State::line_start;
      digits_ = 0;
      return c == '\n';
    case State::end_newline:
      state_ = State::finished;
      return c == '\n';
    case State::data:
    case State::finished:
      break;
  }
  return false;
}

}  // namespace visor::http
