#include "sign/chunked_payload.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <optional>
#include <utility>

#include "base/digest.h"
#include "base/encoding.h"
#include "sign/sigv4_canonical.h"
#include "sign/trailer_checksum.h"

namespace visor::sign {
namespace {

constexpr std::string_view kSignatureField = "chunk-signature=";
constexpr std::string_view kTrailerSignature = "x-amz-trailer-signature";
constexpr std::size_t kLongestLine = 1024;
constexpr std::size_t kMostTrailers = 16;

std::unexpected<Error> broken(std::string reason) {
  return fail(Code::invalid, "The chunked body is broken: " + std::move(reason) + ".",
              "sign.chunks");
}

std::unexpected<Error> wrong_signature(std::string where) {
  return fail(Code::unauthenticated, "The body does not match its signature.", std::move(where));
}

std::string chunk_signature(const ChunkSigning& signing, std::string_view previous,
                            std::string_view data_sha256) {
  std::string text("AWS4-HMAC-SHA256-PAYLOAD\n");
  text.append(signing.timestamp).append("\n").append(signing.scope).append("\n");
  text.append(previous).append("\n").append(kEmptySha256).append("\n").append(data_sha256);
  return sigv4_signature(signing.key, text);
}

std::string trailer_signature(const ChunkSigning& signing, std::string_view previous,
                              std::string_view trailers) {
  std::string text("AWS4-HMAC-SHA256-TRAILER\n");
  text.append(signing.timestamp).append("\n").append(signing.scope).append("\n");
  text.append(previous).append("\n").append(digest_hex(DigestAlgorithm::sha256, trailers));
  return sigv4_signature(signing.key, text);
}

// At most 16 hex digits; nothing for anything else.
std::optional<std::uint64_t> parse_hex(std::string_view text) {
  if (text.empty() || text.size() > 16) return std::nullopt;
  std::uint64_t value = 0;
  for (const char c : text) {
    int digit = 0;
    if (c >= '0' && c <= '9') {
      digit = c - '0';
    } else if (c >= 'a' && c <= 'f') {
      digit = c - 'a' + 10;
    } else if (c >= 'A' && c <= 'F') {
      digit = c - 'A' + 10;
    } else {
      return std::nullopt;
    }
    value = value << 4 | static_cast<std::uint64_t>(digit);
  }
  return value;
}

std::string to_hex_number(std::uint64_t value) {
  std::string digits;
  do {
    digits.insert(digits.begin(), "0123456789abcdef"[value & 15]);
    value >>= 4;
  } while (value > 0);
  return digits;
}

// A source with a small buffer before it, for lines; data passes it by.
class LineReader {
 public:
  explicit LineReader(std::unique_ptr<async::ByteSource> inner) : inner_(std::move(inner)) {}

  // The bytes up to '\n', without it; nothing at the end of the stream. An unfinished or long line
  // is an error.
  async::Task<Result<std::optional<std::string>>> line() {
    std::string text;
    for (;;) {
      const std::byte* begin = buffer_.data() + start_;
      const std::byte* end = buffer_.data() + end_;
      const std::byte* newline = std::find(begin, end, std::byte{'\n'});
      text.append(reinterpret_cast<const char*>(begin), static_cast<std::size_t>(newline - begin));
      start_ += static_cast<std::size_t>(newline - begin);
      if (text.size() > kLongestLine) co_return broken("a line of its framing is too long");
      if (start_ < end_) {
        ++start_;
        co_return text;
      }
      const std::span<std::byte> room(buffer_);
      auto got = co_await inner_->read(room);
      if (!got) co_return pass(got);
      start_ = 0;
      end_ = *got;
      if (*got > 0) continue;
      if (text.empty()) co_return std::nullopt;
      co_return broken("it ends in the middle of a line");
    }
  }

  async::Task<Result<std::size_t>> read(std::span<std::byte> into) {
    if (start_ == end_) co_return co_await inner_->read(into);
    const std::size_t count = std::min(into.size(), end_ - start_);
    std::memcpy(into.data(), buffer_.data() + start_, count);
    start_ += count;
    co_return count;
  }

 private:
  std::unique_ptr<async::ByteSource> inner_;
  std::array<std::byte, 2048> buffer_;
  std::size_t start_ = 0;
  std::size_t end_ = 0;
};

class ChunkSource final : public async::ByteSource {
 public:
  ChunkSource(std::unique_ptr<async::ByteSource> inner, ChunkSigning signing)
      : reader_(std::move(inner)),
        signing_(std::move(signing)),
        previous_(signing_.seed_signature),
        left_(signing_.decoded_length) {
    for (const std::string& name : signing_.trailer_names) {
      const bool known = std::any_of(checksums_.begin(), checksums_.end(),
                                     [&](const auto& one) { return one.header() == name; });
      if (known || checksums_.size() >= kMostTrailers) continue;
      if (auto checksum = TrailerChecksum::for_header(name))
        checksums_.push_back(std::move(*checksum));
    }
  }

  std::optional<std::uint64_t> size() const override { return signing_.decoded_length; }

  async::Task<Result<std::size_t>> read(std::span<std::byte> into) override {
    if (into.empty() || finished_) co_return std::size_t{0};
    if (chunk_left_ == 0) {
      auto opened = co_await open_chunk();
      if (!opened) co_return pass(opened);
      if (finished_) co_return std::size_t{0};
    }
    const std::size_t most =
        static_cast<std::size_t>(std::min<std::uint64_t>(into.size(), chunk_left_));
    const std::span<std::byte> piece = into.first(most);
    auto got = co_await reader_.read(piece);
    if (!got) co_return got;
    if (*got == 0) co_return broken("it ends in the middle of a chunk");
    const std::span<const std::byte> bytes = piece.first(*got);
    if (signing_.signed_chunks) digester_.update(bytes);
    for (TrailerChecksum& checksum : checksums_) checksum.update(bytes);
    chunk_left_ -= *got;
    left_ -= *got;
    if (chunk_left_ == 0) {
      if (auto verified = verify_chunk(); !verified) co_return pass(verified);
    }
    co_return got;
  }

 private:
  async::Task<Result<std::string>> framing_line() {
    auto line = co_await reader_.line();
    if (!line) co_return pass(line);
    if (!*line) co_return broken("it ends before its last chunk");
    if (!(*line)->ends_with('\r')) co_return broken("a line of its framing does not end in CR LF");
    (*line)->pop_back();
    co_return std::move(**line);
  }

  // Closes the chunk before, reads the next one's header and, behind the last one, all that is
  // left.
  async::Task<Result<void>> open_chunk() {
    if (in_chunks_) {
      auto end = co_await framing_line();
      if (!end) co_return pass(end);
      if (!end->empty()) co_return broken("a chunk is longer than it says");
    }
    in_chunks_ = true;
    auto header = co_await framing_line();
    if (!header) co_return pass(header);
    std::string_view size_text = *header;
    signature_.clear();
    const auto semicolon = header->find(';');
    if (semicolon != std::string::npos) size_text = std::string_view(*header).substr(0, semicolon);
    if (signing_.signed_chunks) {
      const std::string_view field =
          semicolon == std::string::npos ? "" : std::string_view(*header).substr(semicolon + 1);
      if (!field.starts_with(kSignatureField)) co_return broken("a chunk has no signature");
      signature_ = field.substr(kSignatureField.size());
    } else if (semicolon != std::string::npos) {
      co_return broken("a chunk carries an extension");
    }
    const auto size = parse_hex(size_text);
    if (!size) co_return broken("the size of a chunk is not a hexadecimal number");
    if (*size > left_) co_return broken("it has more data than x-amz-decoded-content-length says");
    chunk_left_ = *size;
    if (*size > 0) co_return Result<void>{};

    if (left_ > 0) co_return broken("it has less data than x-amz-decoded-content-length says");
    if (auto verified = verify_chunk(); !verified) co_return pass(verified);
    auto trailers = co_await read_trailers();
    if (!trailers) co_return pass(trailers);
    auto rest = co_await reader_.line();
    if (!rest) co_return pass(rest);
    if (*rest) co_return broken("something follows its last chunk");
    finished_ = true;
    co_return Result<void>{};
  }

  Result<void> verify_chunk() {
    if (!signing_.signed_chunks) return {};
    const std::string expected = chunk_signature(signing_, previous_, digester_.finish_hex());
    if (!equal_in_constant_time(expected, signature_)) return wrong_signature("sign.chunks");
    previous_ = expected;
    digester_ = Digester(DigestAlgorithm::sha256);
    return {};
  }

  // Lines "name:value", then the signature's where chunks are signed, then an empty one. Amazon's
  // own description ends a value in LF and puts an empty line before the signature; its libraries
  // send plain CR LF lines. Both are read.
  async::Task<Result<void>> read_trailers() {
    std::string canonical;
    std::string signature;
    std::size_t count = 0;
    for (;;) {
      auto line = co_await reader_.line();
      if (!line) co_return pass(line);
      if (!*line) co_return broken("it ends in its trailer");
      std::string text = std::move(**line);
      if (text.ends_with('\r')) text.pop_back();
      const bool complete = !signing_.trailer || !signing_.signed_chunks || !signature.empty();
      if (text.empty() && complete) break;
      if (++count > kMostTrailers || !signing_.trailer) co_return broken("its trailer is too long");
      if (text.empty()) continue;
      const auto colon = text.find(':');
      if (colon == std::string::npos) co_return broken("a line of its trailer has no colon");
      const std::string name = to_lower(std::string_view(text).substr(0, colon));
      const std::string value(trim(std::string_view(text).substr(colon + 1)));
      if (!signature.empty()) co_return broken("something follows the signature of its trailer");
      if (name == kTrailerSignature) {
        signature = value;
        continue;
      }
      const bool announced = std::find(signing_.trailer_names.begin(), signing_.trailer_names.end(),
                                       name) != signing_.trailer_names.end();
      if (!announced) co_return broken("its trailer has a header that x-amz-trailer does not name");
      canonical.append(name).append(":").append(value).append("\n");
      auto checked = check(name, value);
      if (!checked) co_return pass(checked);
    }
    if (signing_.trailer && signing_.signed_chunks &&
        !equal_in_constant_time(trailer_signature(signing_, previous_, canonical), signature)) {
      co_return wrong_signature("sign.trailer");
    }
    if (!checksums_.empty()) co_return broken("a checksum that x-amz-trailer names is missing");
    co_return Result<void>{};
  }

  Result<void> check(std::string_view name, std::string_view value) {
    for (auto one = checksums_.begin(); one != checksums_.end(); ++one) {
      if (one->header() != name) continue;
      if (one->finish() != value) {
        return fail(Code::invalid, "The data does not match the checksum in its trailer.",
                    "sign.trailer");
      }
      checksums_.erase(one);
      return {};
    }
    return {};
  }

  LineReader reader_;
  const ChunkSigning signing_;
  std::string previous_;
  std::string signature_;
  Digester digester_{DigestAlgorithm::sha256};
  std::vector<TrailerChecksum> checksums_;
  std::uint64_t left_;
  std::uint64_t chunk_left_ = 0;
  bool in_chunks_ = false;
  bool finished_ = false;
};

std::string chunk_header(std::uint64_t size, std::string_view signature) {
  return to_hex_number(size) + ";" + std::string(kSignatureField) + std::string(signature) + "\r\n";
}

class ChunkSigner final : public async::ByteSource {
 public:
  ChunkSigner(std::unique_ptr<async::ByteSource> inner, ChunkSigning signing,
              std::size_t chunk_size)
      : inner_(std::move(inner)),
        signing_(std::move(signing)),
        previous_(signing_.seed_signature),
        chunk_size_(std::max<std::size_t>(1, chunk_size)) {}

  std::optional<std::uint64_t> size() const override {
    return signed_chunks_length(signing_.decoded_length, chunk_size_);
  }

  async::Task<Result<std::size_t>> read(std::span<std::byte> into) override {
    if (into.empty()) co_return std::size_t{0};
    if (start_ == end_ && !last_) {
      auto framed = co_await next_frame();
      if (!framed) co_return pass(framed);
    }
    const std::size_t count = std::min(into.size(), end_ - start_);
    if (count > 0) std::memcpy(into.data(), frame_.data() + start_, count);
    start_ += count;
    co_return count;
  }

 private:
  // The data is read to where it stays in the frame; the header, whose length depends on it, is put
  // before it afterwards.
  async::Task<Result<void>> next_frame() {
    frame_.resize(kHeaderRoom + chunk_size_ + kLineEnd.size());
    const std::span<std::byte> room = std::span(frame_).subspan(kHeaderRoom, chunk_size_);
    async::ByteSource& source = *inner_;
    auto got = co_await async::read_full(source, room);
    if (!got) co_return pass(got);
    done_ += *got;
    last_ = *got == 0;
    if (done_ > signing_.decoded_length || (last_ && done_ < signing_.decoded_length)) {
      co_return fail(Code::invalid, "The data to send is not as long as was announced.",
                     "sign.chunks");
    }
    Digester digester(DigestAlgorithm::sha256);
    digester.update(room.first(*got));
    previous_ = chunk_signature(signing_, previous_, digester.finish_hex());
    const std::string header = chunk_header(*got, previous_);
    start_ = kHeaderRoom - header.size();
    end_ = kHeaderRoom + *got + kLineEnd.size();
    std::memcpy(frame_.data() + start_, header.data(), header.size());
    std::memcpy(frame_.data() + kHeaderRoom + *got, kLineEnd.data(), kLineEnd.size());
    co_return Result<void>{};
  }

  static constexpr std::string_view kLineEnd = "\r\n";
  // Sixteen digits, the field, the signature, a line's end.
  static constexpr std::size_t kHeaderRoom = 16 + 1 + kSignatureField.size() + 64 + 2;

  std::unique_ptr<async::ByteSource> inner_;
  const ChunkSigning signing_;
  std::string previous_;
  const std::size_t chunk_size_;
  std::vector<std::byte> frame_;
  std::size_t start_ = 0;
  std::size_t end_ = 0;
  std::uint64_t done_ = 0;
  bool last_ = false;
};

}  // namespace

std::unique_ptr<async::ByteSource> chunk_signed(std::unique_ptr<async::ByteSource> source,
                                                ChunkSigning signing) {
  return std::make_unique<ChunkSource>(std::move(source), std::move(signing));
}

std::unique_ptr<async::ByteSource> sign_chunks(std::unique_ptr<async::ByteSource> source,
                                               ChunkSigning signing, std::size_t chunk_size) {
  return std::make_unique<ChunkSigner>(std::move(source), std::move(signing), chunk_size);
}

std::uint64_t signed_chunks_length(std::uint64_t decoded_length, std::size_t chunk_size) {
  const auto framed = [](std::uint64_t size) {
    return to_hex_number(size).size() + 1 + kSignatureField.size() + 64 + 2 + size + 2;
  };
  const std::uint64_t size = std::max<std::size_t>(1, chunk_size);
  const std::uint64_t rest = decoded_length % size;
  return decoded_length / size * framed(size) + (rest > 0 ? framed(rest) : 0) + framed(0);
}

}  // namespace visor::sign
