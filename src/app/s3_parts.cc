#include "app/s3_parts.h"

#include <chrono>
#include <utility>

#include "app/configuration_secret.h"
#include "base/log.h"
#include "base/units.h"
#include "store/s3/part_memory.h"
#include "store/s3/s3_store.h"

namespace visor::app {
namespace {

constexpr std::uint64_t kPartMemory = 256 * kMiB;
constexpr std::size_t kLongestSecret = 1024;
constexpr std::size_t kLongestToken = 8192;

Result<void> read_secrets(const S3Settings& settings, const Configuration& configuration,
                          store::S3Options& options) {
  options.secret_key = settings.secret_key;
  options.session_token = settings.session_token;
  if (options.secret_key.empty()) {
    auto secret = read_secret({"secret key", "an object store", settings.secret_key_file,
                               settings.secret_key_environment, kLongestSecret},
                              configuration);
    if (!secret) return pass(secret);
    options.secret_key = std::move(*secret);
  }
  if (options.session_token.empty() && settings.temporary()) {
    auto token = read_secret({"session token", "an object store", settings.session_token_file,
                              settings.session_token_environment, kLongestToken},
                             configuration);
    if (!token) return pass(token);
    options.session_token = std::move(*token);
  }
  return {};
}

}  // namespace

store::S3Options s3_options(const S3Settings& settings) {
  store::S3Options options = store::s3_dialect(settings.dialect).value_or(store::S3Options{});
  options.host = settings.host;
  if (settings.port != 0) options.port = settings.port;
  options.tls = settings.tls;
  options.bucket = settings.bucket;
  options.prefix = settings.prefix;
  options.region = settings.region;
  options.style =
      settings.virtual_host ? store::S3Options::Style::virtual_host : store::S3Options::Style::path;
  options.signature =
      settings.version_2 ? store::S3Options::Signature::v2 : store::S3Options::Signature::v4;
  options.access_key = settings.access_key;
  options.verify_certificates = settings.verify;
  options.part_size = settings.part_size;
  options.abandoned_after = settings.abandoned_after;
  if (settings.redirect) {
    options.presign = std::chrono::duration_cast<std::chrono::seconds>(settings.redirect_lifetime);
  }
  return options;
}

std::shared_ptr<store::PartMemory> s3_memory() {
  return std::make_shared<store::PartMemory>(kPartMemory);
}

Result<std::unique_ptr<store::S3Store>> open_s3(const S3Settings& settings,
                                                const Configuration& configuration,
                                                std::shared_ptr<store::PartMemory> memory) {
  store::S3Options options = s3_options(settings);
  if (auto read = read_secrets(settings, configuration, options); !read) return pass(read);
  options.memory = std::move(memory);
  if (!settings.authorities.empty()) {
    options.authorities_file = configuration.path(settings.authorities);
  }
  if (settings.tls && !settings.verify) {
    log::warning("the certificate of an object store is not verified, so anybody could be it",
                 {{"host", settings.host}});
  }
  auto opened = store::S3Store::create(std::move(options));
  if (!opened) return pass(opened);
  return std::move(*opened);
}

}  // namespace visor::app
