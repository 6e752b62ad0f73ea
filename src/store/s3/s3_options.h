// What tells one S3 from another.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/error.h"
#include "base/secret.h"
#include "fetch/guard.h"

namespace visor::store {

class PartMemory;

struct S3Options {
  enum class Style { path, virtual_host };  ///< where the bucket stands in a URL
  enum class Signature { v2, v4 };

  bool tls = true;
  std::string host = {};   ///< without the bucket
  std::uint16_t port = 0;  ///< 0: the scheme's own
  std::string base_path =
      {};  ///< before the bucket, "/services/objectstorage"; no slash at its end
  std::string bucket = {};
  std::string prefix = {};  ///< of all objects' names
  std::string region = "us-east-1";
  Style style = Style::path;
  Signature signature = Signature::v4;
  std::string access_key = {};
  Secret secret_key = {};
  Secret session_token = {};          ///< of temporary credentials; empty: none
  std::string authorities_file = {};  ///< PEM; empty: the system's
  bool verify_certificates = true;    ///< false: for laboratories
  bool list_v2 = true;                ///< false: never ask for ListObjectsV2
  /// Sends If-None-Match:* where a new object is made, until the server says that it doesn't know
  /// it.
  bool conditional_writes = true;

  std::uint64_t part_size = std::uint64_t{8} << 20;       ///< of the first thousand parts
  std::uint64_t largest_part = std::uint64_t{128} << 20;  ///< to which parts grow
  unsigned parallel_parts = 4;                            ///< of one upload
  /// Of all uploads that share it; null: 256 MiB of the store's own.
  std::shared_ptr<PartMemory> memory = nullptr;

  /// How long a URL for somebody without a key is good; 0: none is made. With version 4 only.
  std::chrono::seconds presign{0};
  /// From what age on a multipart upload under the prefix that nobody goes on with is ended; 0:
  /// never.
  std::chrono::milliseconds abandoned_after = std::chrono::hours(24);

  std::chrono::milliseconds memory_patience{60'000};  ///< how long an upload waits for memory
  unsigned attempts = 6;                       ///< of a request that fails for a passing reason
  std::chrono::milliseconds first_pause{100};  ///< before the second at most, doubled each time
  std::chrono::milliseconds connect_timeout{10'000};
  std::chrono::milliseconds answer_timeout{120'000};
  std::chrono::milliseconds rate_period{30'000};
  const Clock* clock = &Clock::system();
  fetch::Resolver resolver = fetch::system_resolver();
};

/// The dialects with a name of their own: what is said of them here holds unless the configuration
/// says otherwise. `s3`: version 4, TLS. `lcs` (Lunacloud): version 2, port 80. `cumulus` (Nimbus):
/// version 2, path style, port 8888. `walrus` (Eucalyptus): version 2, path style, port 8773, under
/// /services/objectstorage. Nothing for another name.
std::optional<S3Options> s3_dialect(std::string_view name);

/// `invalid`, with a sentence, if no store can be made of these.
Result<void> check_options(const S3Options& options);

}  // namespace visor::store
