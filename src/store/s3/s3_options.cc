#include "store/s3/s3_options.h"

#include <algorithm>

namespace visor::store {
namespace {

constexpr std::uint64_t kSmallestPart = std::uint64_t{5} << 20;  // of S3, but for the last one

S3Options version_2(std::string host, std::uint16_t port, std::string base_path) {
  S3Options options;
  options.tls = false;
  options.host = std::move(host);
  options.port = port;
  options.base_path = std::move(base_path);
  options.signature = S3Options::Signature::v2;
  options.list_v2 = false;
  options.conditional_writes = false;
  return options;
}

bool plain(std::string_view text, std::string_view also) {
  return std::ranges::all_of(text, [also](char c) {
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
           also.find(c) != std::string_view::npos;
  });
}

}  // namespace

std::optional<S3Options> s3_dialect(std::string_view name) {
  if (name == "s3") return S3Options{};
  if (name == "lcs") return version_2("lcs.lunacloud.com", 80, "");
  if (name == "cumulus") return version_2("", 8888, "");
  if (name == "walrus") return version_2("", 8773, "/services/objectstorage");
  return std::nullopt;
}

Result<void> check_options(const S3Options& options) {
  const auto refuse = [](std::string reason) {
    return fail(Code::invalid, std::move(reason), "s3.options");
  };
  if (options.host.empty() || !plain(options.host, ".-:")) {
    return refuse("an object store needs the host name or the address of its server");
  }
  if (options.bucket.size() < 3 || options.bucket.size() > 63 || !plain(options.bucket, ".-_")) {
    return refuse(
        "an object store needs the name of a bucket: 3 to 63 letters, digits, '.', '-' and '_'");
  }
  if (!plain(options.prefix, "-_./=") || options.prefix.starts_with('/') ||
      options.prefix.find("//") != std::string::npos || options.prefix.size() > 500) {
    return refuse(
        "the prefix of an object store may have letters, digits and '-_./=', and does not begin "
        "with a slash");
  }
  if (!plain(options.base_path, "-_./") || options.base_path.ends_with('/') ||
      (!options.base_path.empty() && !options.base_path.starts_with('/'))) {
    return refuse("the path of an object store begins with a slash and ends without one");
  }
  if (options.access_key.empty() || options.secret_key.empty()) {
    return refuse("an object store needs an access key and its secret");
  }
  if (!plain(options.access_key, "-_./+=:@")) {
    return refuse("the access key of an object store has characters that no access key has");
  }
  if (options.region.empty() || !plain(options.region, "-_")) {
    return refuse("the region of an object store is a name like us-east-1");
  }
  if (options.part_size < kSmallestPart || options.largest_part < options.part_size) {
    return refuse("the parts of an upload to an object store have at least 5 MiB");
  }
  if (!plain(options.session_token.reveal(), "-_./+=:@%")) {
    return refuse("the session token of an object store has characters that no token has");
  }
  if (options.presign.count() < 0 || options.presign > std::chrono::hours(24 * 7)) {
    return refuse("what clients are redirected to in an object store is good for 7 days at most");
  }
  if (options.presign.count() > 0 && options.signature != S3Options::Signature::v4) {
    return refuse("clients can be redirected to an object store with signature version 4 only");
  }
  if (options.parallel_parts == 0 || options.parallel_parts > 64) {
    return refuse("1 to 64 parts of an upload can be on their way to an object store at once");
  }
  return {};
}

}  // namespace visor::store
