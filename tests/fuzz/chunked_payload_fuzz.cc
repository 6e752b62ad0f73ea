// Bodies in signed chunks that somebody on the way changed: they end in an error or are what was
// signed. The first bytes say how the body is cut and changed, the others are its data.
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "async/byte_source.h"
#include "async/executor.h"
#include "head_of_lines.h"
#include "sign/chunked_payload.h"

namespace {

using namespace visor;
using fuzz::require;

constexpr std::size_t kPlan = 8;

const sign::ChunkSigning& signing_of(std::size_t length) {
  static sign::ChunkSigning signing = {
      .key = Secret{std::string("a signing key of thirty-two byte")},
      .timestamp = "20260314T150926Z",
      .scope = "20260314/eu-central-1/visor/aws4_request",
      .seed_signature = std::string(64, '0'),
      .trailer_names = {},
  };
  signing.decoded_length = length;
  return signing;
}

Result<std::string> read_whole(std::string framed, std::size_t length) {
  auto source = sign::chunk_signed(async::text_source(std::move(framed)), signing_of(length));
  return async::run_until_done(async::read_all(*source, 1 << 20));
}

// One change a plan's pair of bytes: cut, doubled, dropped, moved, or a bit.
void change(std::string& body, std::uint8_t what, std::size_t where, std::uint8_t how) {
  if (body.empty()) return;
  const std::size_t at = where % body.size();
  switch (what % 6) {
    case 0:
      body[at] = static_cast<char>(body[at] ^ (1 << (how % 8)));
      break;
    case 1:
      body.resize(at);
      break;
    case 2:
      body.erase(at, 1 + how % 128);
      break;
    case 3:
      body.insert(at, body.substr(at, 1 + how % 128));
      break;
    case 4:
      body.insert(at, 1, static_cast<char>(how));
      break;
    default:
      std::swap(body[at], body[(at + how) % body.size()]);
      break;
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < kPlan) return 0;
  const std::string text(reinterpret_cast<const char*>(data) + kPlan,
                         std::min<std::size_t>(size - kPlan, 256));
  const std::size_t chunk_size = 16 + data[0];
  auto signer = sign::sign_chunks(async::text_source(text), signing_of(text.size()), chunk_size);
  const auto framed = async::run_until_done(async::read_all(*signer, 1 << 20));
  require(framed.has_value());
  require(framed->size() == sign::signed_chunks_length(text.size(), chunk_size));
  if (data[1] == 0) {
    const auto read = read_whole(*framed, text.size());
    require(read && *read == text);
    return 0;
  }
  std::string changed = *framed;
  change(changed, data[1], static_cast<std::size_t>(data[2]) << 8 | data[3], data[4]);
  if ((data[5] & 1) != 0)
    change(changed, data[5] >> 1, static_cast<std::size_t>(data[6]) * 17, data[7]);
  const auto read = read_whole(changed, text.size());
  require(!read || *read == text);
  if (!read) {
    const Code code = read.error().code;
    require(code == Code::invalid || code == Code::unauthenticated);
  }
  return 0;
}
