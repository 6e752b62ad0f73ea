#include "sign/payload.h"

#include <utility>

#include "base/digest.h"
#include "base/encoding.h"

namespace visor::sign {
namespace {

class DigestGuard final : public async::ByteSource {
 public:
  DigestGuard(std::unique_ptr<async::ByteSource> inner, DigestAlgorithm algorithm,
              std::string expected, Error mismatch)
      : inner_(std::move(inner)),
        digester_(algorithm),
        expected_(std::move(expected)),
        mismatch_(std::move(mismatch)) {}

  std::optional<std::uint64_t> size() const override { return inner_->size(); }

  async::Task<Result<std::size_t>> read(std::span<std::byte> into) override {
    if (into.empty()) co_return std::size_t{0};
    auto got = co_await inner_->read(into);
    if (!got) co_return got;
    if (*got > 0) {
      digester_.update(std::span<const std::byte>(into.first(*got)));
      co_return got;
    }
    if (!equal_in_constant_time(digester_.finish_hex(), expected_)) {
      co_return std::unexpected<Error>(mismatch_);
    }
    co_return got;
  }

 private:
  std::unique_ptr<async::ByteSource> inner_;
  Digester digester_;
  const std::string expected_;
  const Error mismatch_;
};

}  // namespace

std::unique_ptr<async::ByteSource> verify_sha256(std::unique_ptr<async::ByteSource> source,
                                                 std::string hex) {
  return std::make_unique<DigestGuard>(
      std::move(source), DigestAlgorithm::sha256, std::move(hex),
      Error{Code::unauthenticated, "The body does not match the SHA-256 it was signed with.",
            "sign.payload", Retry::never});
}

std::unique_ptr<async::ByteSource> verify_md5(std::unique_ptr<async::ByteSource> source,
                                              std::string base64) {
  // Text that is no base64 decodes to nothing, which no digest equals.
  const std::string raw = from_base64(base64).value_or("");
  return std::make_unique<DigestGuard>(
      std::move(source), DigestAlgorithm::md5, to_hex(raw),
      Error{Code::invalid, "Content-MD5 does not match the data.", "sign.payload", Retry::never});
}

bool valid_content_md5(std::string_view text) {
  const auto raw = from_base64(text);
  return raw && raw->size() == 16;
}

std::unique_ptr<async::ByteSource> guard(std::unique_ptr<async::ByteSource> body,
                                         PayloadCheck check) {
  // The digests are of what was sent, so they go below the decoder of chunks.
  if (!check.content_md5.empty()) body = verify_md5(std::move(body), std::move(check.content_md5));
  if (!check.sha256.empty()) body = verify_sha256(std::move(body), std::move(check.sha256));
  if (check.chunks) body = chunk_signed(std::move(body), std::move(*check.chunks));
  return body;
}

}  // namespace visor::sign
