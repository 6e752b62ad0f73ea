#include "sign/payload.h"

#include <gtest/gtest.h>

#include "async/executor.h"
#include "base/digest.h"
#include "sign/sigv4.h"
#include "sign/sigv4_signer.h"
#include "sign/trailer_checksum.h"

namespace visor::sign {
namespace {

// Hands a text out in pieces of a given size, as a network does.
class PiecesSource final : public async::ByteSource {
 public:
  PiecesSource(std::string text, std::size_t piece) : text_(std::move(text)), piece_(piece) {}
  std::optional<std::uint64_t> size() const override { return text_.size(); }
  async::Task<Result<std::size_t>> read(std::span<std::byte> into) override {
    const std::size_t count = std::min({into.size(), piece_, text_.size() - done_});
    std::copy_n(reinterpret_cast<const std::byte*>(text_.data()) + done_, count, into.begin());
    done_ += count;
    co_return count;
  }

 private:
  std::string text_;
  std::size_t piece_;
  std::size_t done_ = 0;
};

std::unique_ptr<async::ByteSource> pieces(std::string text, std::size_t piece = 1000) {
  return std::make_unique<PiecesSource>(std::move(text), piece);
}

async::Task<Result<std::string>> drain(async::ByteSource& source, std::size_t slice) {
  std::string all;
  std::vector<std::byte> room(slice);
  for (;;) {
    const std::span<std::byte> into(room);
    auto got = co_await source.read(into);
    if (!got) co_return pass(got);
    if (*got == 0) co_return all;
    all.append(reinterpret_cast<const char*>(room.data()), *got);
  }
}

Result<std::string> read(std::unique_ptr<async::ByteSource> source, std::size_t slice = 777) {
  return async::run_until_done(drain(*source, slice));
}

TEST(Payload, YieldsABodyThatHasItsSha256) {
  const std::string text(100000, 'x');
  EXPECT_EQ(read(verify_sha256(pieces(text), digest_hex(DigestAlgorithm::sha256, text))).value(),
            text);
}

TEST(Payload, EndsInAnErrorIfTheSha256Differs) {
  for (const std::string text : {"", "data", "dates"}) {
    auto result = read(verify_sha256(pieces(text), digest_hex(DigestAlgorithm::sha256, "date")));
    ASSERT_FALSE(result) << text;
    EXPECT_EQ(result.error().code, Code::unauthenticated);
  }
}

TEST(Payload, ChecksContentMd5) {
  EXPECT_TRUE(read(verify_md5(pieces("data"), "jXd/OF09/siBXSD3SWAm3A==")));
  for (const std::string sum : {"XUFAKrxLKna5cZ2REBfFkg==", "", "nonsense"}) {
    auto result = read(verify_md5(pieces("data"), sum));
    ASSERT_FALSE(result) << sum;
    EXPECT_EQ(result.error().code, Code::invalid);
  }
  EXPECT_TRUE(valid_content_md5("jXd/OF09/siBXSD3SWAm3A=="));
  EXPECT_FALSE(valid_content_md5("jXd/OF09/siBXSD3SWAm"));
}

TEST(Payload, GuardsWithEveryCheckThatIsAskedFor) {
  const std::string hash = digest_hex(DigestAlgorithm::sha256, "data");
  EXPECT_TRUE(read(guard(pieces("data"), {})));
  EXPECT_TRUE(read(guard(pieces("data"), {hash, std::nullopt, "jXd/OF09/siBXSD3SWAm3A=="})));
  EXPECT_FALSE(read(guard(pieces("data"), {hash, std::nullopt, "XUFAKrxLKna5cZ2REBfFkg=="})));
  EXPECT_FALSE(read(guard(pieces("date"), {hash, std::nullopt, ""})));
}

// The example of the S3 API reference: 65 KiB of 'a' in chunks of 64 KiB.
ChunkSigning amazons_example() {
  ChunkSigning signing;
  const CredentialScope scope{"20130524", "us-east-1", "s3"};
  signing.key = signing_key(Secret("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"), scope);
  signing.timestamp = "20130524T000000Z";
  signing.scope = scope.text();
  signing.seed_signature = "4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9";
  signing.decoded_length = 66560;
  return signing;
}

std::string amazons_body() {
  return "10000;chunk-signature="
         "ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648\r\n" +
         std::string(65536, 'a') +
         "\r\n400;chunk-signature="
         "0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497\r\n" +
         std::string(1024, 'a') +
         "\r\n0;chunk-signature="
         "b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9\r\n\r\n";
}

TEST(ChunkedPayload, ReadsAmazonsExampleWhateverTheSlices) {
  for (const std::size_t piece : {1U, 7U, 1500U, 100000U}) {
    for (const std::size_t slice : {1U, 4096U, 200000U}) {
      if (piece * slice < 10000 && piece + slice < 5000) continue;
      auto result = read(chunk_signed(pieces(amazons_body(), piece), amazons_example()), slice);
      ASSERT_TRUE(result) << result.error().message;
      EXPECT_EQ(*result, std::string(66560, 'a'));
    }
  }
  EXPECT_EQ(chunk_signed(pieces(""), amazons_example())->size(), 66560U);
}

TEST(ChunkedPayload, WritesAmazonsExample) {
  auto framed = sign_chunks(pieces(std::string(66560, 'a')), amazons_example());
  EXPECT_EQ(framed->size(), amazons_body().size());
  EXPECT_EQ(read(std::move(framed)).value(), amazons_body());
}

// Amazon's example of trailing headers.
ChunkSigning amazons_trailer_example() {
  ChunkSigning signing = amazons_example();
  signing.seed_signature = "106e2a8a18243abcf37539882f36619c00e2dfc72633413f02d3b74544bfeb8e";
  signing.trailer = true;
  signing.trailer_names = {"x-amz-checksum-crc32c"};
  return signing;
}

std::string amazons_trailer_body(std::string_view line_end) {
  return "10000;chunk-signature="
         "b474d8862b1487a5145d686f57f013e54db672cee1c953b3010fb58501ef5aa2\r\n" +
         std::string(65536, 'a') +
         "\r\n400;chunk-signature="
         "1c1344b170168f8e65b41376b44b20fe354e373826ccbbe2c1d40a8cae51e5c7\r\n" +
         std::string(1024, 'a') +
         "\r\n0;chunk-signature="
         "2ca2aba2005185cf7159c6277faf83795951dd77a3a99e6e65d5c9f85863f992\r\n"
         "x-amz-checksum-crc32c:sOO8/Q==" +
         std::string(line_end) +
         "x-amz-trailer-signature:d81f82fc3505edab99d459891051a732e8730629a2e4a59689829ca17fe2e435"
         "\r\n\r\n";
}

TEST(ChunkedPayload, ReadsAmazonsExampleOfATrailerInBothSpellings) {
  for (const std::string_view line_end : {"\r\n", "\n\r\n"}) {
    auto result =
        read(chunk_signed(pieces(amazons_trailer_body(line_end)), amazons_trailer_example()));
    ASSERT_TRUE(result) << result.error().message << " " << result.error().where;
    EXPECT_EQ(result->size(), 66560U);
  }
}

TEST(ChunkedPayload, RefusesATrailerThatWasChanged) {
  const std::string good = amazons_trailer_body("\r\n");
  const auto start = good.find("x-amz-checksum");
  for (std::size_t i = start; i < good.size(); ++i) {
    if (good[i] == '\r' || good[i] == '\n') continue;
    std::string bad = good;
    bad[i] = static_cast<char>(bad[i] ^ 1);
    EXPECT_FALSE(read(chunk_signed(pieces(bad), amazons_trailer_example()))) << i;
  }
}

ChunkSigning small_signing(std::uint64_t length) {
  SigV4Signer signer{"AK", Secret("secret")};
  const SignedHeaders headers{
      {"x-amz-date", "20260314T150926Z"},
      {"authorization", "AWS4-HMAC-SHA256 Signature=" + std::string(64, '1')}};
  return chunk_signing(signer, headers, length).value();
}

std::string small_body(const std::string& data, std::size_t chunk) {
  return read(sign_chunks(pieces(data), small_signing(data.size()), chunk)).value();
}

TEST(ChunkedPayload, ReadsBackWhatItWrites) {
  for (const std::size_t length : {0U, 1U, 9U, 10U, 11U, 5000U}) {
    std::string data;
    for (std::size_t i = 0; i < length; ++i) data += static_cast<char>(i * 7);
    const std::string body = small_body(data, 10);
    EXPECT_EQ(body.size(), signed_chunks_length(length, 10));
    EXPECT_EQ(read(chunk_signed(pieces(body, 3), small_signing(length)), 4).value(), data);
  }
}

TEST(ChunkedPayload, RefusesEveryFlippedBitAndEveryTruncation) {
  const std::string data = "twenty-five bytes of data";
  const std::string good = small_body(data, 16);
  ASSERT_TRUE(read(chunk_signed(pieces(good), small_signing(data.size()))));
  for (std::size_t i = 0; i < good.size(); ++i) {
    for (int bit = 0; bit < 8; ++bit) {
      std::string bad = good;
      bad[i] = static_cast<char>(bad[i] ^ (1 << bit));
      const auto result = read(chunk_signed(pieces(bad), small_signing(data.size())));
      EXPECT_FALSE(result) << "byte " << i << " bit " << bit;
    }
    EXPECT_FALSE(read(chunk_signed(pieces(good.substr(0, i)), small_signing(data.size())))) << i;
  }
  EXPECT_FALSE(read(chunk_signed(pieces(good + "x"), small_signing(data.size()))));
  EXPECT_FALSE(read(chunk_signed(pieces(good + "\r\n"), small_signing(data.size()))));
}

TEST(ChunkedPayload, RefusesAnotherLengthThanWasAnnounced) {
  const std::string body = small_body("0123456789", 4);
  for (const std::uint64_t length : {0U, 9U, 11U, 1000U}) {
    auto result = read(chunk_signed(pieces(body), small_signing(length)));
    ASSERT_FALSE(result) << length;
    EXPECT_EQ(result.error().code, Code::invalid);
  }
  EXPECT_FALSE(read(sign_chunks(pieces("abc"), small_signing(4))));
  EXPECT_FALSE(read(sign_chunks(pieces("abc"), small_signing(2))));
}

TEST(ChunkedPayload, RefusesBrokenFramingWithoutReadingOnForEver) {
  const std::vector<std::string> bodies{
      "",
      "\r\n",
      "zz;chunk-signature=",
      std::string(100000, 'a'),
      std::string(5000, '0') + "\r\n",
      "ffffffffffffffff;chunk-signature=" + std::string(64, 'a') + "\r\n",
      "10000000000000000;chunk-signature=" + std::string(64, 'a') + "\r\n",
      "-1;chunk-signature=" + std::string(64, 'a') + "\r\n",
      "1\r\na\r\n0\r\n\r\n",
      "1;chunk-signature=" + std::string(64, 'a') + "\na\r\n"};
  for (const std::string& body : bodies) {
    auto result = read(chunk_signed(pieces(body), small_signing(10)));
    ASSERT_FALSE(result) << body.substr(0, 40);
    EXPECT_EQ(result.error().code, Code::invalid);
  }
}

TEST(ChunkedPayload, IsDecodedForARequestWhoseHeadAnnouncesIt) {
  const std::string data(100000, 'd');
  const Time now = *parse_basic_time("20260314T150926Z");
  const SigV4Signer signer{"AK", Secret("secret")};
  std::vector<Header> headers{{"Host", "h"}, {"x-amz-decoded-content-length", "100000"}};
  RequestHead head{"PUT", "/images/1", "", headers, false};
  const auto added = sign_sigv4(head, signer, now, kStreamingPayload);
  ASSERT_TRUE(added);
  const auto signing = chunk_signing(signer, *added, data.size());
  ASSERT_TRUE(signing);
  const std::string body = read(sign_chunks(pieces(data), *signing)).value();
  for (const auto& [name, value] : *added) headers.push_back({name, value});
  head.headers = headers;
  const auto claim = read_sigv4(head, {}, now);
  ASSERT_TRUE(claim) << claim.error().message;
  const auto check =
      verify_sigv4(head, {}, *claim, {true, body.size(), std::nullopt}, Secret("secret"));
  ASSERT_TRUE(check) << check.error().message;
  auto decoded = guard(pieces(body), *check);
  EXPECT_EQ(decoded->size(), data.size());
  EXPECT_EQ(read(std::move(decoded)).value(), data);
  EXPECT_FALSE(read(guard(pieces(data), *check)));
  const auto missing = verify_sigv4(head, {}, *claim, {false, 0, std::nullopt}, Secret("secret"));
  ASSERT_FALSE(missing) << "the whole body was taken away";
  EXPECT_EQ(missing.error().code, Code::unauthenticated);
}

TEST(ChunkedPayload, NeedsTheLengthOfItsDataInTheHead) {
  const Time now = *parse_basic_time("20260314T150926Z");
  std::vector<Header> headers{{"Host", "h"}};
  RequestHead head{"PUT", "/images/1", "", headers, false};
  const auto added = sign_sigv4(head, {"AK", Secret("secret")}, now, kStreamingPayload);
  for (const auto& [name, value] : *added) headers.push_back({name, value});
  head.headers = headers;
  const auto claim = read_sigv4(head, {}, now);
  ASSERT_TRUE(claim);
  const auto check = verify_sigv4(head, {}, *claim, {true, 10, std::nullopt}, Secret("secret"));
  ASSERT_FALSE(check);
  EXPECT_EQ(check.error().code, Code::invalid);
  EXPECT_NE(check.error().message.find("x-amz-decoded-content-length"), std::string::npos);
}

ChunkSigning unsigned_signing(std::uint64_t length, std::vector<std::string> names) {
  ChunkSigning signing;
  signing.signed_chunks = false;
  signing.trailer = true;
  signing.trailer_names = std::move(names);
  signing.decoded_length = length;
  return signing;
}

TEST(ChunkedPayload, ChecksTheChecksumOfAnUnsignedTrailer) {
  const std::string start = "5\r\n12345\r\n4\r\n6789\r\n0\r\n";
  const std::vector<std::pair<std::string, std::string>> sums{
      {"x-amz-checksum-crc32", "y/Q5Jg=="},
      {"x-amz-checksum-crc32c", "4waSgw=="},
      {"x-amz-checksum-crc64nvme", "rosUhgp5mIg="},
      {"x-amz-checksum-sha1", "98O8HYCOBHMq32eZZczDTKeuNEE="},
      {"x-amz-checksum-sha256", "FeKw08M4keuw8e9gnsQZQgwg4yDOlMZfvIwzEkSOsiU="}};
  for (const auto& [name, sum] : sums) {
    auto good = read(
        chunk_signed(pieces(start + name + ":" + sum + "\r\n\r\n"), unsigned_signing(9, {name})));
    ASSERT_TRUE(good) << name << " " << good.error().message;
    EXPECT_EQ(*good, "123456789");
    EXPECT_FALSE(
        read(chunk_signed(pieces(start + name + ":AAAA\r\n\r\n"), unsigned_signing(9, {name}))));
    EXPECT_FALSE(read(chunk_signed(pieces(start + "\r\n"), unsigned_signing(9, {name}))));
    EXPECT_FALSE(
        read(chunk_signed(pieces(start + name + ":" + sum + "\r\n\r\n"), unsigned_signing(9, {}))));
  }
}

}  // namespace
}  // namespace visor::sign
