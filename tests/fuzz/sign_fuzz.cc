// Authorization values, presigned queries and aws-chunked bodies from a stranger. The first byte
// chooses which.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "async/byte_source.h"
#include "async/executor.h"
#include "base/clock.h"
#include "sign/payload.h"
#include "sign/request_head.h"
#include "sign/sigv4.h"
#include "sign/visor_scheme.h"

namespace {

using namespace visor;

const Secret kSecret{std::string("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY")};
const Time kNow = *parse_basic_time("20260314T150926Z");

void authorize(std::string_view authorization, std::string_view path, std::string_view query) {
  const std::vector<sign::Header> headers{{"Host", "images.example.org"},
                                          {"X-Amz-Date", "20260314T150926Z"},
                                          {"Date", "Sat, 14 Mar 2026 15:09:26 GMT"},
                                          {"x-image-meta-name", query},
                                          {"Authorization", authorization}};
  const std::span<const sign::Header> all(headers);
  const bool signed_by_header = !authorization.empty();
  const sign::RequestHead head{"GET", path, query, signed_by_header ? all : all.first(1), true};
  sign::SigV4Rules rules;
  rules.signed_prefixes = {"x-amz-"};
  if (auto claim = sign::read_sigv4(head, rules, kNow)) {
    (void)sign::verify_sigv4(head, rules, *claim, {}, kSecret);
  }
  if (auto claim = sign::parse_visor_authorization(authorization)) {
    (void)sign::verify_visor(head, false, *claim, kSecret);
  }
}

void decode_chunks(std::string_view body, std::uint8_t flags) {
  sign::ChunkSigning signing;
  signing.key = kSecret;
  signing.timestamp = "20260314T150926Z";
  signing.scope = "20260314/eu-central-1/visor/aws4_request";
  signing.seed_signature = std::string(64, '0');
  signing.signed_chunks = (flags & 1) != 0;
  signing.trailer = (flags & 2) != 0;
  signing.trailer_names = {"x-amz-checksum-crc32c", "x-amz-checksum-sha256", "x-other"};
  signing.decoded_length = (flags & 4) != 0 ? body.size() / 2 : 9;
  auto source = sign::chunk_signed(async::text_source(std::string(body)), signing);
  const auto length = signing.decoded_length;
  const auto read = async::run_until_done(async::read_all(*source, 1 << 20));
  if (read && read->size() != length) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  switch (data[0] % 3) {
    case 0:
      authorize(text, "/images", "name=a");
      break;
    case 1:
      authorize({}, "/images", text);
      break;
    default:
      decode_chunks(text, static_cast<std::uint8_t>(data[0] / 3));
      break;
  }
  if (text.starts_with('/')) authorize("VISOR joe:MTIzNDU2Nzg5MDEyMzQ1Njc4OTA=", text, text);
  return 0;
}
