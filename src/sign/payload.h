// Checking a body while it is read.
//
// The bytes are handed on before their digest is known; a body that is not what was signed ends in
// an error instead of an end. So whoever stores a body commits only at its clean end, and whoever
// can't take bytes back must read it whole first.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "async/byte_source.h"
#include "base/error.h"
#include "sign/chunked_payload.h"

namespace visor::sign {

/// What is left to check of a request whose head was found good.
struct PayloadCheck {
  std::string sha256;                  ///< lower-case hex; empty: not bound that way
  std::optional<ChunkSigning> chunks;  ///< set: the body is framed as aws-chunked
  std::string content_md5;             ///< base64 from Content-MD5; empty: none

  bool nothing() const { return sha256.empty() && !chunks && content_md5.empty(); }
};

/// The body behind all checks that `check` asks for; the body itself if it asks for none.
std::unique_ptr<async::ByteSource> guard(std::unique_ptr<async::ByteSource> body,
                                         PayloadCheck check);

/// Ends in `unauthenticated` unless the whole stream has this SHA-256 (lower-case hex).
std::unique_ptr<async::ByteSource> verify_sha256(std::unique_ptr<async::ByteSource> source,
                                                 std::string hex);

/// Ends in `invalid` unless the whole stream has this MD5 (base64, RFC 1864).
std::unique_ptr<async::ByteSource> verify_md5(std::unique_ptr<async::ByteSource> source,
                                              std::string base64);

/// Whether `text` is the base64 of an MD5: for the front end, before it takes the body.
bool valid_content_md5(std::string_view text);

}  // namespace visor::sign
