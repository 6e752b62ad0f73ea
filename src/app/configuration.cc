#include "app/configuration.h"

#include <algorithm>
#include <array>

#include "app/configuration_document.h"
#include "app/configuration_reader.h"
#include "app/configuration_sections.h"

namespace visor::app {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr std::array<Choice<FrontEndKind>, 4> kFrontEnds = {
    {{"native", FrontEndKind::native},
     {"glance", FrontEndKind::glance},
     {"identity", FrontEndKind::identity},
     {"operations", FrontEndKind::operations}}};
constexpr std::array<Choice<net::ClientCertificates>, 3> kClientCertificates = {
    {{"none", net::ClientCertificates::none},
     {"optional", net::ClientCertificates::optional},
     {"required", net::ClientCertificates::required}}};
constexpr std::array<Choice<log::Level>, 5> kLevels = {{{"debug", log::Level::debug},
                                                        {"info", log::Level::info},
                                                        {"warning", log::Level::warning},
                                                        {"error", log::Level::error},
                                                        {"off", log::Level::off}}};
constexpr std::array<Choice<log::Form>, 2> kForms = {
    {{"text", log::Form::text}, {"json", log::Form::json}}};
constexpr std::array<Choice<sign::UnsignedPayload>, 3> kUnsignedPayloads = {
    {{"refused", sign::UnsignedPayload::refused},
     {"over_tls", sign::UnsignedPayload::over_tls},
     {"allowed", sign::UnsignedPayload::allowed}}};
constexpr std::array<Choice<DigestAlgorithm>, 4> kDigests = {{{"md5", DigestAlgorithm::md5},
                                                              {"sha1", DigestAlgorithm::sha1},
                                                              {"sha256", DigestAlgorithm::sha256},
                                                              {"sha512", DigestAlgorithm::sha512}}};

std::vector<FrontEndKind> read_front_ends(const Value& list) {
  std::vector<FrontEndKind> front_ends;
  for (const Value& element : list.elements()) {
    const auto front_end = element.choice(std::span<const Choice<FrontEndKind>>(kFrontEnds));
    if (!front_end) continue;
    if (std::ranges::find(front_ends, *front_end) != front_ends.end()) {
      element.wrong("is there twice; remove one");
      continue;
    }
    front_ends.push_back(*front_end);
  }
  if (list.node().entries.empty() && list.node().kind != ConfigurationNode::Kind::text) {
    list.mistake("names no front end; write for example [native], or remove the listener");
  }
  if (front_ends.size() < 2) return front_ends;
  if (std::ranges::find(front_ends, FrontEndKind::operations) != front_ends.end()) {
    list.mistake(
        "names operations and another one; operations asks for no signature, so give it a listener "
        "of its own, at an address that only operators reach");
  } else {
    list.mistake(
        "names more than one; they answer the same paths in their own ways, so give each of them a "
        "listener of its own");
  }
  return front_ends;
}

void read_address(const Value& value, const std::vector<ListenerSettings>& others,
                  ListenAddress& target) {
  const auto written = value.text();
  if (!written) return;
  const auto address = parse_listen_address(*written);
  if (!address) {
    value.mistake(address.error().message);
    return;
  }
  for (std::size_t i = 0; i < others.size(); ++i) {
    if (!overlap(*address, others[i].address)) continue;
    value.wrong("is taken by listeners[" + std::to_string(i) + "] (" + others[i].address.text() +
                "); each listener needs an address and port of its own");
  }
  target = *address;
}

std::optional<net::TlsSettings> read_tls(const Value& value) {
  if (value.none()) return std::nullopt;
  net::TlsSettings tls;
  Section section(value);
  section.path("certificate", tls.certificate);
  section.path("key", tls.key);
  section.path("client_authorities", tls.client_authorities);
  section.choice("client_certificates", tls.client_certificates,
                 std::span<const Choice<net::ClientCertificates>>(kClientCertificates));
  section.finish();
  if (value.node().kind != ConfigurationNode::Kind::map) {
    if (value.node().kind == ConfigurationNode::Kind::nothing) {
      value.mistake("is empty; write 'certificate: FILE' and 'key: FILE' below it, or 'tls: none'");
    }
    return tls;
  }
  const auto missing = [&](const char* name) { return !section.find(name).has_value(); };
  if (missing("certificate")) value.mistake("has no certificate; write 'certificate: FILE'");
  if (missing("key")) value.mistake("has no key; write 'key: FILE'");
  const bool asked = tls.client_certificates != net::ClientCertificates::none;
  if (asked && missing("client_authorities")) {
    value.mistake(
        "asks for clients' certificates and does not say whose; write 'client_authorities: FILE'");
  }
  if (!asked && !missing("client_authorities")) {
    value.mistake(
        "has client_authorities, but clients are not asked for certificates; write "
        "'client_certificates: required' or 'optional'");
  }
  return tls;
}

void read_listeners(Section& root, Configuration& configuration) {
  const auto list = root.find("listeners");
  if (!list) return;
  std::vector<ListenerSettings> listeners;
  for (const Value& element : list->elements()) {
    Section section(element);
    ListenerSettings listener;
    const auto address = section.find("address");
    if (address) {
      read_address(*address, listeners, listener.address);
    } else if (element.node().kind != ConfigurationNode::Kind::text &&
               element.node().kind != ConfigurationNode::Kind::list) {
      element.mistake("has no address; write 'address: 127.0.0.1:4568'");
    }
    if (const auto serves = section.find("serves")) listener.serves = read_front_ends(*serves);
    if (const auto tls = section.find("tls")) listener.tls = read_tls(*tls);
    section.finish();
    if (address) listeners.push_back(std::move(listener));
  }
  const auto kind = list->node().kind;
  const bool shaped =
      kind == ConfigurationNode::Kind::list || kind == ConfigurationNode::Kind::nothing;
  if (shaped && list->node().entries.empty()) {
    list->mistake(
        "has no listener, so nobody could reach the server; write one, or remove the key "
        "to listen on 127.0.0.1:4568");
  }
  const auto without_images = [](const ListenerSettings& listener) {
    return listener.serves == std::vector{FrontEndKind::operations} ||
           listener.serves == std::vector{FrontEndKind::identity};
  };
  if (!listeners.empty() && std::ranges::all_of(listeners, without_images)) {
    list->mistake("has no listener that serves native or glance, so nobody could reach the images");
  }
  configuration.listeners = std::move(listeners);
}

void read_digests(Section& root, Configuration& configuration) {
  const auto list = root.find("digests");
  if (!list) return;
  std::vector<DigestAlgorithm> digests;
  bool sound = list->node().kind == ConfigurationNode::Kind::list;
  for (const Value& element : list->elements()) {
    const auto digest = element.choice(std::span<const Choice<DigestAlgorithm>>(kDigests));
    if (!digest) {
      sound = false;
    } else if (std::ranges::find(digests, *digest) != digests.end()) {
      element.wrong("is there twice; remove one");
    } else {
      digests.push_back(*digest);
    }
  }
  if (list->node().kind == ConfigurationNode::Kind::nothing) {
    list->mistake("names no digest; remove the key to get md5, sha1, sha256 and sha512");
  }
  if (!sound) return;
  const auto computed = [&digests](DigestAlgorithm algorithm) {
    return std::ranges::find(digests, algorithm) != digests.end();
  };
  if (!computed(DigestAlgorithm::sha256)) {
    list->mistake(
        "sha256 is missing; it can't be left out, because stored images are verified by it");
  }
  const bool promised = std::ranges::any_of(configuration.listeners, [](const auto& listener) {
    return listener.serves == std::vector{FrontEndKind::native} ||
           listener.serves == std::vector{FrontEndKind::glance};
  });
  if (promised && !computed(DigestAlgorithm::md5)) {
    list->mistake(
        "md5 is missing; it can't be left out while a listener serves native or glance, because "
        "these interfaces promise it as an image's checksum");
  }
  configuration.digests = std::move(digests);
}

void read_quota(Section& section, std::string_view name, std::optional<std::uint64_t>& target,
                bool bytes) {
  const auto value = section.find(name);
  if (!value || value->none()) return;
  constexpr std::uint64_t kMost = std::uint64_t{1} << 62;
  target = bytes ? value->size(0, kMost) : value->count(0, kMost);
}

/// A speed in bytes a second; `none` is none.
void read_rate(Section& section, std::string_view name, std::uint64_t& target) {
  const auto value = section.find(name);
  if (!value) return;
  if (value->none()) {
    target = 0;
    return;
  }
  target = value->size(1, kGiB).value_or(target);
}

void read_limits(Section& section, Configuration& configuration) {
  http::Limits& limits = configuration.limits;
  section.count("connections", limits.connections, 1, 10'000'000);
  if (const auto value = section.find("connections_per_address")) {
    if (value->none()) {
      limits.connections_per_address = 0;
    } else if (const auto number = value->count(1, 10'000'000)) {
      limits.connections_per_address = static_cast<std::size_t>(*number);
    }
  }
  section.flag("count_loopback", limits.count_loopback);
  section.count("requests", limits.requests_at_once, 1, 10'000'000);
  section.count("requests_per_connection", limits.requests_per_connection, 1, 1'000'000'000);
  std::uint64_t header_size = limits.head_bytes;
  section.size("header_size", header_size, 4 * kKiB, kMiB);
  limits.head_bytes = static_cast<std::size_t>(header_size);
  section.count("header_fields", limits.fields, 16, 10'000);
  std::uint64_t uri_size = limits.uri_bytes;
  section.size("uri_size", uri_size, 256, 64 * kKiB);
  limits.uri_bytes = static_cast<std::size_t>(uri_size);
  section.duration("header_timeout", limits.head_timeout, milliseconds(100), hours(1));
  section.duration("idle_timeout", limits.idle_timeout, milliseconds(100), hours(24));
  read_rate(section, "body_minimum_rate", limits.receive.bytes_per_second);
  read_rate(section, "answer_minimum_rate", limits.send.bytes_per_second);
  section.duration("rate_window", limits.receive.window, seconds(1), hours(1));
  limits.send.window = limits.receive.window;
  section.size("largest_image", configuration.largest_image, 1);
}

void read_accounts(Section& section, AccountSettings& accounts) {
  section.flag("anonymous_read", accounts.anonymous_read);
  section.flag("visor_signatures", accounts.visor_signatures);
  section.duration("signature_window", accounts.signature_window, seconds(1), hours(24));
  section.duration("presigned_limit", accounts.presigned_limit, seconds(1),
                   sign::kLongestPresigned);
  section.choice("unsigned_payload", accounts.unsigned_payload,
                 std::span<const Choice<sign::UnsignedPayload>>(kUnsignedPayloads));
  section.flag("refuse_replays", accounts.refuse_replays);
}

/// A duration, or none.
void read_duration(Section& section, std::string_view name, std::chrono::milliseconds& target,
                   std::chrono::milliseconds least) {
  constexpr auto kMost = hours(24 * 366 * 100);
  const auto value = section.find(name);
  if (!value) return;
  target = value->none() ? milliseconds(0) : value->duration(least, kMost).value_or(target);
}

void read_audit(Section& section, AuditSettings& audit) {
  section.flag("enabled", audit.enabled);
  section.path("folder", audit.folder);
  section.flag("durable", audit.durable);
  section.size("rotate_size", audit.rotate_size, kMiB, kTiB);
  read_duration(section, "rotate_age", audit.rotate_age, std::chrono::minutes(1));
  if (const auto value = section.find("keep_files"); value && !value->none()) {
    audit.keep_files = static_cast<std::size_t>(value->count(2, 1'000'000).value_or(0));
  }
  read_duration(section, "keep_age", audit.keep_age, hours(1));
}

void read_log(Section& section, log::Options& options) {
  section.choice("level", options.level, std::span<const Choice<log::Level>>(kLevels));
  section.choice("form", options.form, std::span<const Choice<log::Form>>(kForms));
  const auto file = section.find("file");
  if (file && !file->none()) options.file = file->path_text().value_or("");
}

}  // namespace

void read_sections(const Value& value, Configuration& configuration) {
  Section root(value);
  root.path("data", configuration.data);
  read_listeners(root, configuration);
  if (const auto address = root.find("public_address"); address && !address->none()) {
    if (const auto written = address->text()) {
      auto parsed = parse_public_address(*written);
      if (parsed) {
        configuration.public_address = std::move(*parsed);
      } else {
        address->wrong(parsed.error().message);
      }
    }
  }
  root.section("log", [&](Section& section) { read_log(section, configuration.log); });
  root.section("accounts",
               [&](Section& section) { read_accounts(section, configuration.accounts); });
  read_identity(root, configuration);
  root.section("glance", [&](Section& section) {
    section.flag("strict_formats", configuration.glance.strict_formats);
    section.flag("show_multiple_locations", configuration.glance.show_multiple_locations);
  });
  root.path("master_key", configuration.master_key);
  root.section("quotas", [&](Section& section) {
    read_quota(section, "bytes", configuration.quotas.bytes, true);
    read_quota(section, "images", configuration.quotas.images, false);
  });
  root.section("audit", [&](Section& section) { read_audit(section, configuration.audit); });
  root.section("deleted_images", [&](Section& section) {
    read_duration(section, "keep", configuration.keep_deleted, seconds(1));
  });
  read_digests(root, configuration);
  read_storage(root, configuration);
  root.section("limits", [&](Section& section) { read_limits(section, configuration); });
  root.section("threads", [&](Section& section) {
    section.count("loops", configuration.threads.loops, 0, 1024);
    section.count("disk", configuration.threads.disk, 1, 1024);
    section.count("catalogue", configuration.threads.catalogue, 1, 1024);
    section.count("digest", configuration.threads.digest, 0, 1024);
  });
  root.duration("shutdown_deadline", configuration.shutdown_deadline, milliseconds(0), hours(24));
  root.duration("drain_grace", configuration.drain_grace, milliseconds(0), hours(1));
  root.duration("upgrade_deadline", configuration.upgrade_deadline, milliseconds(0), hours(24 * 7));
  root.duration("download_deadline", configuration.download_deadline, milliseconds(0),
                hours(24 * 7));
  root.finish();
}

std::string Configuration::path(std::string_view configured) const {
  constexpr std::string_view kData = "DATA/";
  if (!configured.starts_with(kData)) return std::string(configured);
  const bool slash = data.ends_with('/');
  return data + (slash ? "" : "/") + std::string(configured.substr(kData.size()));
}

Result<Configuration> parse_configuration(std::string_view text, std::string_view file_name) {
  const auto document = parse_configuration_document(text, file_name);
  if (!document) return std::unexpected<Error>(document.error());
  Findings findings{std::string(file_name)};
  Configuration configuration;
  read_sections(Value(findings, *document, {}, 1), configuration);
  if (!findings.clean()) return fail(Code::invalid, findings.text());
  return configuration;
}

}  // namespace visor::app
