// The configuration: what visor-config.yml says, with embedded defaults.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "app/configuration_address.h"
#include "app/configuration_glance.h"
#include "app/configuration_hdfs.h"
#include "app/configuration_identity.h"
#include "app/configuration_s3.h"
#include "base/digest.h"
#include "base/error.h"
#include "base/log.h"
#include "base/units.h"
#include "http/limits.h"
#include "net/tls_context.h"
#include "service/image_service.h"
#include "service/quota.h"
#include "sign/sigv4.h"

namespace visor::app {

/// The front ends of this build.
enum class FrontEndKind { native, glance, identity, operations };

struct ListenerSettings {
  ListenAddress address;
  std::vector<FrontEndKind> serves = {FrontEndKind::native};
  std::optional<net::TlsSettings> tls = {};  ///< paths see Configuration::path; nothing: plain HTTP
};

struct CatalogueSettings {
  enum class Engine { sqlite, memory };
  Engine engine = Engine::sqlite;
  std::string path = "DATA/catalogue.db";  ///< of sqlite; see Configuration::path
};

/// See auth::AuthenticatorOptions.
struct AccountSettings {
  bool anonymous_read = false;
  bool visor_signatures = true;
  std::chrono::milliseconds signature_window = std::chrono::minutes(15);
  std::chrono::milliseconds presigned_limit = std::chrono::hours(24);
  sign::UnsignedPayload unsigned_payload = sign::UnsignedPayload::over_tls;
  bool refuse_replays = false;
};

struct StoreSettings {
  enum class Kind { file, memory, http, hdfs, s3 };
  Kind kind = Kind::file;
  std::string directory = {};         ///< of a file store; see Configuration::path
  std::uint64_t capacity = 1 * kGiB;  ///< of a memory store
  HdfsSettings hdfs = {};
  S3Settings s3 = {};
};

/// What images may refer to, beside what is stored here.
struct ReferenceSettings {
  std::vector<std::string> folders;  ///< absolute; for administrators' `file:` locations
  /// See fetch::Guard::Options.
  std::vector<std::string> exceptions;
  std::vector<std::uint16_t> ports = {80, 443};
  /// See fetch::Fetcher::Options.
  std::chrono::milliseconds connect_timeout{10'000};
  std::chrono::milliseconds answer_timeout{30'000};
  std::uint64_t minimum_rate = 1024;
  unsigned redirects = 0;
  std::string authorities;  ///< PEM file, see Configuration::path; empty: the system's
};

/// See audit::Options.
struct AuditSettings {
  bool enabled = true;
  std::string folder = "DATA/audit";  ///< see Configuration::path
  bool durable = true;
  std::uint64_t rotate_size = 64 * kMiB;
  std::chrono::milliseconds rotate_age{0};  ///< 0: none
  std::size_t keep_files = 0;               ///< 0: all of them
  std::chrono::milliseconds keep_age{0};    ///< 0: for ever
};

/// How many threads do what. 0: as many as the machine has cores.
struct ThreadSettings {
  std::size_t loops = 0;
  std::size_t disk = 8;
  std::size_t catalogue = 4;
  std::size_t digest = 0;
};

/// Everything that can be configured. Plain data: what is in it after `parse_configuration` fits
/// together; whoever changes it afterwards (the command line) keeps it so.
struct Configuration {
  std::string data = "./var";
  std::vector<ListenerSettings> listeners = {ListenerSettings{}};
  std::string public_address;  ///< what the attribute `uri` begins with; empty: the request's host
  log::Options log;
  CatalogueSettings catalogue;
  AccountSettings accounts;
  IdentitySettings identity;
  GlanceSettings glance;
  std::string master_key = "DATA/master.key";  ///< see `path`
  service::Quota quotas;                       ///< of each account
  AuditSettings audit;
  std::chrono::milliseconds keep_deleted{0};  ///< how long removed images can be restored; 0: not
  std::vector<DigestAlgorithm> digests = {DigestAlgorithm::md5, DigestAlgorithm::sha1,
                                          DigestAlgorithm::sha256, DigestAlgorithm::sha512};
  std::string default_store = "file";
  std::map<std::string, StoreSettings> stores = {
      {"file", {StoreSettings::Kind::file, "DATA/store"}}, {"http", {StoreSettings::Kind::http}}};
  std::vector<service::PlacementRule> placement;
  ReferenceSettings references;
  http::Limits limits;
  std::uint64_t largest_image = 64 * kTiB;
  ThreadSettings threads;
  std::chrono::milliseconds shutdown_deadline{30'000};
  /// How long idle connections may bring one more request when the server stops or hands over.
  std::chrono::milliseconds drain_grace{1'000};
  /// How long an upgrade waits for uploads under way, and downloads may go on behind one.
  std::chrono::milliseconds upgrade_deadline = std::chrono::minutes(10);
  std::chrono::milliseconds download_deadline = std::chrono::hours(24);

  /// A configured path as the system knows it: one that begins with `DATA/` lies in the data
  /// folder, so that `--data` moves all of it; others are taken as they are.
  std::string path(std::string_view configured) const;
};

/// Reads a configuration. `file_name` is what messages call it. Errors: `invalid`, a sentence a
/// mistake with file, line, key, the value (never one that may be a secret) and what is allowed; up
/// to ten mistakes, one a line.
Result<Configuration> parse_configuration(std::string_view text, std::string_view file_name);

/// Reads the configuration in the file `path`, at most 1 MiB. Errors: those of
/// `parse_configuration`, `not_found`, and `unavailable` for a file that can't be read.
Result<Configuration> read_configuration(const std::string& path);

inline constexpr const char* kConfigurationName = "visor-config.yml";

/// The folders in which a configuration is looked for: `.`, `~/.visor` and `/etc/visor`.
std::vector<std::string> configuration_folders();

/// The first visor-config.yml in `folders`, readable or not; nothing if there is none.
std::optional<std::string> find_configuration(const std::vector<std::string>& folders);

/// A configuration that sets nothing and explains everything: with its comments in place, and with
/// the # at the start of each key's line removed, it means the defaults.
std::string_view configuration_template();

}  // namespace visor::app
