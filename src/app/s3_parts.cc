#include "app/s3_parts.h"

#include <cstdlib>
#include <fstream>
#include <utility>

#include "base/encoding.h"
#include "base/log.h"
#include "base/units.h"
#include "store/s3/part_memory.h"
#include "store/s3/s3_store.h"

namespace visor::app {
namespace {

constexpr std::uint64_t kPartMemory = 256 * kMiB;
constexpr std::size_t kLongestSecret = 1024;

Result<Secret> read_secret(const S3Settings& settings, const Configuration& configuration) {
  if (!settings.secret_key.empty()) return settings.secret_key;
  std::string secret;
  std::string place;
  if (!settings.secret_key_file.empty()) {
    place = "the file " + configuration.path(settings.secret_key_file);
    std::ifstream file(configuration.path(settings.secret_key_file));
    if (!std::getline(file, secret)) {
      return fail(Code::unavailable,
                  "the secret key of an object store can't be read from " + place +
                      "; it must have one line and be readable for the server's user");
    }
  } else {
    place = "the environment variable " + settings.secret_key_environment;
    const char* const value = std::getenv(settings.secret_key_environment.c_str());
    if (value == nullptr) {
      return fail(Code::unavailable, "the secret key of an object store should be in " + place +
                                         ", which the server was not started with");
    }
    secret = value;
  }
  while (secret.ends_with('\r')) secret.pop_back();
  secret = std::string(trim(secret));
  if (secret.empty() || secret.size() > kLongestSecret) {
    return fail(Code::invalid, "what " + place + " holds is no secret key of an object store");
  }
  return Secret(std::move(secret));
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
  return options;
}

std::shared_ptr<store::PartMemory> s3_memory() {
  return std::make_shared<store::PartMemory>(kPartMemory);
}

Result<std::unique_ptr<store::S3Store>> open_s3(const S3Settings& settings,
                                                const Configuration& configuration,
                                                std::shared_ptr<store::PartMemory> memory) {
  auto secret = read_secret(settings, configuration);
  if (!secret) return pass(secret);
  store::S3Options options = s3_options(settings);
  options.secret_key = std::move(*secret);
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
