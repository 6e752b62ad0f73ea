// Fetching an image's data: resumed when it breaks, and verified before anyone can take it for
// whole.
#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <string>

#include "base/digest.h"
#include "client/metadata.h"
#include "client/partial_file.h"
#include "client/progress.h"
#include "client/session.h"

namespace visor::client {

/// A digest that the server vouches for.
struct ExpectedDigest {
  DigestAlgorithm algorithm = DigestAlgorithm::sha256;
  std::string hex;  ///< lower case
};

/// The best digest among an image's attributes: SHA-256, SHA-512, SHA-1, then the MD5 in
/// `checksum`. The checksum of a reference is what a foreign server calls an entity tag, and counts
/// for nothing.
std::optional<ExpectedDigest> best_digest(const Attributes& attributes);

/// The name under which an image is saved: "<id>.<format>", or the id alone if the format is
/// unknown or no fit part of a file name. Errors: `invalid` for an id that is none.
Result<std::string> file_name(std::string_view id, const Attributes& attributes);

/// How stubborn a download is.
struct Persistence {
  int fruitless = 4;  ///< attempts in succession that bring not one byte, then it gives up
  int breaks = 30;    ///< broken connections in all, then it gives up
  std::chrono::milliseconds first_wait{250};
  std::chrono::milliseconds longest_wait{16'000};
  /// How to wait; empty: this thread sleeps.
  std::function<void(std::chrono::milliseconds)> wait = {};
};

/// A finished download.
struct Downloaded {
  std::uint64_t size = 0;
  std::uint64_t resumed_from = 0;        ///< bytes that were there before
  std::optional<ExpectedDigest> digest;  ///< what was verified; nothing: the server knows no digest
};

/// Fetches the data of image `id`, whose metadata `head` came with, into `target`.
///
/// Bytes that the target has already are kept if their entity tag is the head's, and digested
/// again; the rest is asked for with Range and If-Range. When the connection breaks, the same is
/// done again after a pause, as `persistence` allows. Size and digest are compared at the end: if
/// they are right the target is committed, else it is discarded and the failure is `corrupt`. After
/// any other failure the target keeps what it has.
Outcome<Downloaded> download(Session& session, const std::string& id, const AnswerHead& head,
                             DownloadTarget& target, Progress& progress,
                             const Persistence& persistence = {});

}  // namespace visor::client
