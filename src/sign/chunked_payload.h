// aws-chunked: a body in chunks, each with a signature that hangs on the one before.
//
// Source: AWS, "Signature Calculations for the Authorization Header: Transferring Payload in
// Multiple Chunks" and
// "... Including trailing headers" (S3 API reference).
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "async/byte_source.h"
#include "base/secret.h"

namespace visor::sign {

/// What the chunks' signatures are made with.
struct ChunkSigning {
  Secret key;                  ///< the signing key of the request's scope
  std::string timestamp;       ///< the request's
  std::string scope;           ///< the request's credential scope
  std::string seed_signature;  ///< the signature of the head
  bool signed_chunks = true;   ///< false: framed only (STREAMING-UNSIGNED-PAYLOAD-TRAILER)
  bool trailer = false;        ///< header lines follow the last chunk
  /// Names, in lower case, that x-amz-trailer announced; the checksums among them are checked.
  std::vector<std::string> trailer_names;
  std::uint64_t decoded_length = 0;  ///< bytes of data in all chunks, x-amz-decoded-content-length
};

/// The data of an aws-chunked body. A chunk's last bytes are handed on only if its signature is
/// right; those before it have left already when the chunk is larger than the reader's buffer
/// (chunks may be of any size and memory is constant), so only the clean end of the stream vouches
/// for all of it. `size()` is the decoded length; the stream must have exactly that, and must end
/// behind its last chunk. Errors: `unauthenticated` (a signature), `invalid` (framing, length,
/// checksum).
std::unique_ptr<async::ByteSource> chunk_signed(std::unique_ptr<async::ByteSource> source,
                                                ChunkSigning signing);

/// The client's side: frames and signs `source`, which must have exactly `signing.decoded_length`
/// bytes, in chunks of `chunk_size` (at least 8 KiB for Amazon's services). `size()` is the framed
/// length. No trailer.
std::unique_ptr<async::ByteSource> sign_chunks(std::unique_ptr<async::ByteSource> source,
                                               ChunkSigning signing,
                                               std::size_t chunk_size = 64 * 1024);

/// How long a body of `decoded_length` becomes when sign_chunks frames it.
std::uint64_t signed_chunks_length(std::uint64_t decoded_length,
                                   std::size_t chunk_size = 64 * 1024);

}  // namespace visor::sign
