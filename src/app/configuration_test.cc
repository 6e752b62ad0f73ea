#include "app/configuration.h"

#include <gtest/gtest.h>

#include <chrono>
#include <string>
#include <string_view>

namespace visor::app {
namespace {

using std::chrono::milliseconds;
using namespace std::chrono_literals;

Configuration parsed(std::string_view text) {
  auto configuration = parse_configuration(text, "visor-config.yml");
  EXPECT_TRUE(configuration) << configuration.error().message;
  return configuration ? *configuration : Configuration{};
}

TEST(Configuration, AnEmptyFileMeansTheDefaults) {
  for (const char* text : {"", "\n\n", "# nothing\n", "---\n", "log:\n", "~\n", "stores:\n"}) {
    const Configuration configuration = parsed(text);
    EXPECT_EQ(configuration.data, "./var");
    ASSERT_EQ(configuration.listeners.size(), 1u);
    EXPECT_EQ(configuration.listeners[0].address.text(), "127.0.0.1:4568");
    EXPECT_EQ(configuration.catalogue.engine, CatalogueSettings::Engine::sqlite);
    EXPECT_FALSE(configuration.accounts.anonymous_read);
    EXPECT_FALSE(configuration.quotas.bytes.has_value());
    EXPECT_EQ(configuration.digests.size(), 4u);
    EXPECT_EQ(configuration.shutdown_deadline, 30s);
  }
}

TEST(Configuration, PathsInTheDataFolderFollowIt) {
  const Configuration configuration = parsed("data: /var/lib/visor/\n");
  EXPECT_EQ(configuration.path(configuration.catalogue.path), "/var/lib/visor/catalogue.db");
  EXPECT_EQ(configuration.path(configuration.master_key), "/var/lib/visor/master.key");
  EXPECT_EQ(configuration.path(configuration.stores.at("file").directory), "/var/lib/visor/store");
  EXPECT_EQ(configuration.path("/etc/key"), "/etc/key");
  EXPECT_EQ(configuration.path("./DATA/key"), "./DATA/key");
}

TEST(Configuration, AListenerSpeaksTlsIfItIsTold) {
  const Configuration configuration = parsed(R"(
listeners:
  - {address: 127.0.0.1:1, tls: none}
  - address: 127.0.0.1:2
    tls: {certificate: DATA/tls.pem, key: /etc/tls.key}
  - address: 127.0.0.1:3
    tls:
      certificate: a.pem
      key: b.pem
      client_authorities: c.pem
      client_certificates: optional
)");
  ASSERT_EQ(configuration.listeners.size(), 3u);
  EXPECT_FALSE(configuration.listeners[0].tls);
  EXPECT_EQ(configuration.listeners[1].tls,
            (net::TlsSettings{.certificate = "DATA/tls.pem", .key = "/etc/tls.key"}));
  EXPECT_EQ(configuration.listeners[2].tls,
            (net::TlsSettings{.certificate = "a.pem",
                              .key = "b.pem",
                              .client_authorities = "c.pem",
                              .client_certificates = net::ClientCertificates::optional}));
}

TEST(Configuration, EverySectionIsRead) {
  const Configuration configuration = parsed(R"(
data: /srv/visor
listeners:
  - address: "[::1]:4568"
  - {address: "*:80", serves: [native]}
  - {address: 127.0.0.1:4570, serves: [operations]}
public_address: https://Images.Example.ORG/visor/
log: {level: debug, form: json, file: /var/log/visor.log}
catalogue: sqlite:/srv/catalogue.db
accounts:
  anonymous_read: true
  visor_signatures: no
  signature_window: 5m
  presigned_limit: 7d
  unsigned_payload: refused
  refuse_replays: yes
master_key: /etc/visor/key
quotas: {bytes: 1.5 GiB, images: 100}
digests: [sha256, md5]
default_store: big
stores:
  big: {kind: file, directory: /big}
  fast: {kind: memory, capacity: 64 MiB}
references:
  files: [/srv/images]
  http:
    exceptions: [mirror.example.org, "10.1.0.0/16", "10.1.2.3:8080", "[fd00::/8]:8080"]
    ports: [443]
    connect_timeout: 1s
    answer_timeout: 2s
    minimum_rate: 2 KiB
    redirects: 3
    authorities: DATA/authorities.pem
limits:
  connections: 10
  connections_per_address: none
  count_loopback: true
  requests: 7
  requests_per_connection: 8
  header_size: 16 KiB
  header_fields: 32
  uri_size: 1 KiB
  header_timeout: 1s
  idle_timeout: 500ms
  body_minimum_rate: none
  answer_minimum_rate: 2 KiB
  rate_window: 5s
  largest_image: 10 GiB
threads: {loops: 2, disk: 3, catalogue: 4, digest: 5}
shutdown_deadline: 5s
)");
  EXPECT_EQ(configuration.data, "/srv/visor");
  ASSERT_EQ(configuration.listeners.size(), 3u);
  EXPECT_EQ(configuration.listeners[0].address.text(), "[::1]:4568");
  EXPECT_EQ(configuration.listeners[1].address.text(), "0.0.0.0:80");
  EXPECT_EQ(configuration.listeners[2].serves, std::vector{FrontEndKind::operations});
  EXPECT_EQ(configuration.public_address, "https://images.example.org/visor");
  EXPECT_EQ(configuration.log.level, log::Level::debug);
  EXPECT_EQ(configuration.log.form, log::Form::json);
  EXPECT_EQ(configuration.log.file, "/var/log/visor.log");
  EXPECT_EQ(configuration.catalogue.path, "/srv/catalogue.db");
  EXPECT_TRUE(configuration.accounts.anonymous_read);
  EXPECT_FALSE(configuration.accounts.visor_signatures);
  EXPECT_EQ(configuration.accounts.signature_window, 5min);
  EXPECT_EQ(configuration.accounts.presigned_limit, 7 * 24h);
  EXPECT_EQ(configuration.accounts.unsigned_payload, sign::UnsignedPayload::refused);
  EXPECT_TRUE(configuration.accounts.refuse_replays);
  EXPECT_EQ(configuration.master_key, "/etc/visor/key");
  EXPECT_EQ(configuration.quotas.bytes, kGiB + kGiB / 2);
  EXPECT_EQ(configuration.quotas.images, 100u);
  EXPECT_EQ(configuration.digests, (std::vector{DigestAlgorithm::sha256, DigestAlgorithm::md5}));
  EXPECT_EQ(configuration.default_store, "big");
  ASSERT_EQ(configuration.stores.size(), 4u);
  EXPECT_EQ(configuration.stores.at("big").directory, "/big");
  EXPECT_EQ(configuration.stores.at("fast").kind, StoreSettings::Kind::memory);
  EXPECT_EQ(configuration.stores.at("fast").capacity, 64 * kMiB);
  EXPECT_EQ(configuration.stores.at("file").directory, "DATA/store");
  EXPECT_EQ(configuration.stores.at("http").kind, StoreSettings::Kind::http);
  EXPECT_EQ(configuration.references.folders, std::vector<std::string>{"/srv/images"});
  EXPECT_EQ(configuration.references.exceptions.size(), 4u);
  EXPECT_EQ(configuration.references.ports, std::vector<std::uint16_t>{443});
  EXPECT_EQ(configuration.references.connect_timeout, 1s);
  EXPECT_EQ(configuration.references.answer_timeout, 2s);
  EXPECT_EQ(configuration.references.minimum_rate, 2 * kKiB);
  EXPECT_EQ(configuration.references.redirects, 3u);
  EXPECT_EQ(configuration.path(configuration.references.authorities), "/srv/visor/authorities.pem");
  EXPECT_EQ(configuration.limits.connections, 10u);
  EXPECT_EQ(configuration.limits.connections_per_address, 0u);
  EXPECT_TRUE(configuration.limits.count_loopback);
  EXPECT_EQ(configuration.limits.requests_at_once, 7u);
  EXPECT_EQ(configuration.limits.requests_per_connection, 8u);
  EXPECT_EQ(configuration.limits.head_bytes, 16 * kKiB);
  EXPECT_EQ(configuration.limits.fields, 32u);
  EXPECT_EQ(configuration.limits.uri_bytes, kKiB);
  EXPECT_EQ(configuration.limits.head_timeout, 1s);
  EXPECT_EQ(configuration.limits.idle_timeout, 500ms);
  EXPECT_EQ(configuration.limits.receive.bytes_per_second, 0u);
  EXPECT_EQ(configuration.limits.send.bytes_per_second, 2 * kKiB);
  EXPECT_EQ(configuration.limits.receive.window, 5s);
  EXPECT_EQ(configuration.limits.send.window, 5s);
  EXPECT_EQ(configuration.largest_image, 10 * kGiB);
  EXPECT_EQ(configuration.threads.loops, 2u);
  EXPECT_EQ(configuration.threads.disk, 3u);
  EXPECT_EQ(configuration.threads.catalogue, 4u);
  EXPECT_EQ(configuration.threads.digest, 5u);
  EXPECT_EQ(configuration.shutdown_deadline, 5s);
}

TEST(Configuration, AMemoryCatalogueIsWrittenWithOrWithoutItsColon) {
  for (const char* text : {"catalogue: \"memory:\"\n", "catalogue: memory\n"}) {
    EXPECT_EQ(parsed(text).catalogue.engine, CatalogueSettings::Engine::memory);
  }
}

TEST(Configuration, AStoreNamedLikeItsKindNeedsNoKind) {
  const Configuration configuration =
      parsed("stores: {memory: {}, file: {directory: /x}, http: {}}\n");
  EXPECT_EQ(configuration.stores.at("memory").kind, StoreSettings::Kind::memory);
  EXPECT_EQ(configuration.stores.at("file").directory, "/x");
}

TEST(Configuration, SeveralListenersOnDifferentAddressesAreFine) {
  const Configuration configuration = parsed(
      "listeners:\n- address: 127.0.0.1:0\n- address: 127.0.0.1:0\n- address: '[::]:4568'\n"
      "- address: 127.0.0.1:4568\n- address: 127.0.0.2:4568\n");
  EXPECT_EQ(configuration.listeners.size(), 5u);
}

}  // namespace
}  // namespace visor::app
