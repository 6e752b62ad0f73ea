#include "app/configuration_s3.h"

#include <array>
#include <chrono>
#include <optional>
#include <span>

#include "app/configuration_reader.h"
#include "app/configuration_secret.h"
#include "app/s3_parts.h"
#include "base/units.h"
#include "store/s3/s3_options.h"

namespace visor::app {
namespace {

constexpr std::array<Choice<bool>, 2> kStyles = {{{"path", false}, {"virtual-host", true}}};
constexpr std::array<Choice<bool>, 2> kSignatures = {{{"v4", false}, {"v2", true}}};

void read_text(Section& section, std::string_view name, std::string& target) {
  if (const auto value = section.find(name)) target = value->text().value_or("");
}

void read_secrets(Section& section, S3Settings& settings) {
  const int given =
      read_places(section, "secret_key",
                  {settings.secret_key, settings.secret_key_file, settings.secret_key_environment});
  if (given == 0) {
    section.value().mistake(
        "has no secret_key; write it, or secret_key_file with the file that it stands in, or "
        "secret_key_environment with the variable that holds it");
  }
  read_places(
      section, "session_token",
      {settings.session_token, settings.session_token_file, settings.session_token_environment});
}

void read_redirect(Section& section, S3Settings& settings) {
  section.flag("redirect", settings.redirect);
  section.duration("redirect_lifetime", settings.redirect_lifetime, std::chrono::seconds(10),
                   std::chrono::hours(24 * 7));
}

void read_abandoned(Section& section, S3Settings& settings) {
  const auto value = section.find("abandoned_after");
  if (!value) return;
  constexpr auto kLongest = std::chrono::hours(24 * 366);
  settings.abandoned_after =
      value->none()
          ? std::chrono::milliseconds(0)
          : value->duration(std::chrono::seconds(1), kLongest).value_or(settings.abandoned_after);
}

}  // namespace

void read_s3(Section& section, std::string_view dialect, S3Settings& settings) {
  const auto preset = store::s3_dialect(dialect);
  if (!preset) return;
  settings.dialect = dialect;
  settings.host = preset->host;
  settings.tls = preset->tls;
  settings.region = preset->region;
  settings.virtual_host = preset->style == store::S3Options::Style::virtual_host;
  settings.version_2 = preset->signature == store::S3Options::Signature::v2;
  read_text(section, "host", settings.host);
  section.count("port", settings.port, 1, 65535);
  section.flag("tls", settings.tls);
  read_text(section, "bucket", settings.bucket);
  read_text(section, "prefix", settings.prefix);
  read_text(section, "region", settings.region);
  section.choice("style", settings.virtual_host, std::span<const Choice<bool>>(kStyles));
  section.choice("signature", settings.version_2, std::span<const Choice<bool>>(kSignatures));
  read_text(section, "access_key", settings.access_key);
  read_secrets(section, settings);
  section.path("authorities", settings.authorities);
  section.flag("verify", settings.verify);
  section.size("part_size", settings.part_size, 5 * kMiB, 128 * kMiB);
  read_abandoned(section, settings);
  read_redirect(section, settings);
  // The rest of what can be wrong is the store's to say; the secret may not be known yet.
  auto options = s3_options(settings);
  options.secret_key = Secret("known when the server starts");
  if (auto sound = store::check_options(options); !sound) {
    section.value().mistake("can't be used: " + sound.error().message);
  }
}

}  // namespace visor::app
