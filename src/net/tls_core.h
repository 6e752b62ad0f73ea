// Private to this folder: what a TLS context is made of.
#pragma once

#include <sys/types.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <ctime>
#include <mutex>
#include <string>

#include "async/buffer_pool.h"
#include "net/openssl.h"
#include "net/tls_context.h"

namespace visor::net {

/// Files with a certificate, a key and authorities, read and found to belong together.
struct LoadedTls {
  SslContextPointer context;
  std::string description;  ///< see TlsContext::certificate_in_use
  bool good_now = false;    ///< whether the certificate's time has come and is not over
};

/// Reads the files of `settings` and makes an OpenSSL context of them.
Result<LoadedTls> load_tls(const TlsSettings& settings);

struct TlsContext::Core {
  // What tells whether a file is still the one that was read.
  struct Stamp {
    dev_t device = 0;
    ino_t inode = 0;
    off_t size = -1;
    std::int64_t modified = 0;  ///< nanoseconds
    bool operator==(const Stamp&) const = default;
  };
  using Stamps = std::array<Stamp, 3>;

  // Records on their way out leave the loop together, up to this many bytes.
  static constexpr std::size_t kRecords = 256 * 1024;
  // Parts of files on their way to being encrypted: they stay in the processor's cache.
  static constexpr std::size_t kSlice = 64 * 1024;
  static constexpr std::size_t kKept = 16;

  explicit Core(TlsSettings the_settings) : settings(std::move(the_settings)) {}

  Stamps stamps() const;
  /// Null without memory.
  SslPointer new_connection();

  const TlsSettings settings;
  async::BufferPool records{kRecords, kKept};
  async::BufferPool slices{kSlice, kKept};

  std::mutex reloading;  ///< held during a reload; before `mutex`
  Stamps seen;           ///< at the last look; under `reloading`
  Stamps read;           ///< at the last reading, also a failed one; under `reloading`

  mutable std::mutex mutex;
  LoadedTls loaded;  ///< under `mutex`
};

}  // namespace visor::net
