#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <string>
#include <string_view>

#include "app/configuration.h"
#include "app/configuration_document.h"
#include "app/configuration_reader.h"
#include "app/configuration_sections.h"

namespace visor::app {
namespace {

/// The template with the # removed wherever it stands before a key.
std::string uncommented() {
  std::string text;
  std::string_view rest = configuration_template();
  while (!rest.empty()) {
    const std::size_t end = rest.find('\n');
    std::string_view line = rest.substr(0, end);
    rest.remove_prefix(end + 1);
    const bool key = line.size() > 1 && line[0] == '#' &&
                     ((line[1] >= 'a' && line[1] <= 'z') || line.starts_with("#  "));
    if (key) line.remove_prefix(1);
    text += std::string(line) + "\n";
  }
  return text;
}

void expect_defaults(const Configuration& is) {
  const Configuration usual;
  EXPECT_EQ(is.data, usual.data);
  ASSERT_EQ(is.listeners.size(), usual.listeners.size());
  EXPECT_EQ(is.listeners[0].address, usual.listeners[0].address);
  EXPECT_EQ(is.listeners[0].serves, usual.listeners[0].serves);
  EXPECT_EQ(is.listeners[0].tls, usual.listeners[0].tls);
  EXPECT_EQ(is.public_address, usual.public_address);
  EXPECT_EQ(is.log.level, usual.log.level);
  EXPECT_EQ(is.log.form, usual.log.form);
  EXPECT_EQ(is.log.file, usual.log.file);
  EXPECT_EQ(is.catalogue.engine, usual.catalogue.engine);
  EXPECT_EQ(is.catalogue.path, usual.catalogue.path);
  EXPECT_EQ(is.accounts.anonymous_read, usual.accounts.anonymous_read);
  EXPECT_EQ(is.accounts.visor_signatures, usual.accounts.visor_signatures);
  EXPECT_EQ(is.accounts.signature_window, usual.accounts.signature_window);
  EXPECT_EQ(is.accounts.presigned_limit, usual.accounts.presigned_limit);
  EXPECT_EQ(is.accounts.unsigned_payload, usual.accounts.unsigned_payload);
  EXPECT_EQ(is.accounts.refuse_replays, usual.accounts.refuse_replays);
  EXPECT_EQ(is.glance.strict_formats, usual.glance.strict_formats);
  EXPECT_EQ(is.glance.show_multiple_locations, usual.glance.show_multiple_locations);
  EXPECT_EQ(is.identity.kind, usual.identity.kind);
  EXPECT_EQ(is.identity.own.token_lifetime, usual.identity.own.token_lifetime);
  EXPECT_EQ(is.identity.own.region, usual.identity.own.region);
  EXPECT_EQ(is.identity.own.identity_address, usual.identity.own.identity_address);
  EXPECT_EQ(is.identity.own.image_address, usual.identity.own.image_address);
  EXPECT_EQ(is.identity.own.endpoints, usual.identity.own.endpoints);
  EXPECT_EQ(is.identity.everybody.account, usual.identity.everybody.account);
  EXPECT_EQ(is.identity.everybody.administrator, usual.identity.everybody.administrator);
  const KeystoneSettings& keystone = is.identity.keystone;
  const KeystoneSettings& usual_keystone = usual.identity.keystone;
  EXPECT_EQ(keystone.addresses, usual_keystone.addresses);
  EXPECT_EQ(keystone.public_address, usual_keystone.public_address);
  EXPECT_EQ(keystone.username, usual_keystone.username);
  EXPECT_EQ(keystone.user_domain, usual_keystone.user_domain);
  EXPECT_EQ(keystone.project, usual_keystone.project);
  EXPECT_EQ(keystone.project_domain, usual_keystone.project_domain);
  EXPECT_EQ(keystone.password, usual_keystone.password);
  EXPECT_EQ(keystone.application_credential, usual_keystone.application_credential);
  EXPECT_EQ(keystone.administrator_roles, usual_keystone.administrator_roles);
  EXPECT_EQ(keystone.service_roles, usual_keystone.service_roles);
  EXPECT_EQ(keystone.reader_roles, usual_keystone.reader_roles);
  EXPECT_EQ(keystone.administrator_projects, usual_keystone.administrator_projects);
  EXPECT_EQ(keystone.cache, usual_keystone.cache);
  EXPECT_EQ(keystone.cache_entries, usual_keystone.cache_entries);
  EXPECT_EQ(keystone.timeout, usual_keystone.timeout);
  EXPECT_EQ(keystone.authorities, usual_keystone.authorities);
  EXPECT_EQ(is.master_key, usual.master_key);
  EXPECT_EQ(is.quotas.bytes, usual.quotas.bytes);
  EXPECT_EQ(is.quotas.images, usual.quotas.images);
  EXPECT_EQ(is.audit.enabled, usual.audit.enabled);
  EXPECT_EQ(is.audit.folder, usual.audit.folder);
  EXPECT_EQ(is.audit.durable, usual.audit.durable);
  EXPECT_EQ(is.audit.rotate_size, usual.audit.rotate_size);
  EXPECT_EQ(is.audit.rotate_age, usual.audit.rotate_age);
  EXPECT_EQ(is.audit.keep_files, usual.audit.keep_files);
  EXPECT_EQ(is.audit.keep_age, usual.audit.keep_age);
  EXPECT_EQ(is.keep_deleted, usual.keep_deleted);
  EXPECT_EQ(is.digests, usual.digests);
  EXPECT_EQ(is.default_store, usual.default_store);
  EXPECT_TRUE(is.placement.empty());
  ASSERT_EQ(is.stores.size(), usual.stores.size());
  for (const auto& [name, store] : usual.stores) {
    ASSERT_TRUE(is.stores.contains(name));
    EXPECT_EQ(is.stores.at(name).kind, store.kind);
    EXPECT_EQ(is.stores.at(name).directory, store.directory);
    EXPECT_EQ(is.stores.at(name).capacity, store.capacity);
  }
  EXPECT_EQ(is.references.folders, usual.references.folders);
  EXPECT_EQ(is.references.exceptions, usual.references.exceptions);
  EXPECT_EQ(is.references.ports, usual.references.ports);
  EXPECT_EQ(is.references.connect_timeout, usual.references.connect_timeout);
  EXPECT_EQ(is.references.answer_timeout, usual.references.answer_timeout);
  EXPECT_EQ(is.references.minimum_rate, usual.references.minimum_rate);
  EXPECT_EQ(is.references.redirects, usual.references.redirects);
  EXPECT_EQ(is.references.authorities, usual.references.authorities);
  EXPECT_EQ(is.limits.connections, usual.limits.connections);
  EXPECT_EQ(is.limits.connections_per_address, usual.limits.connections_per_address);
  EXPECT_EQ(is.limits.count_loopback, usual.limits.count_loopback);
  EXPECT_EQ(is.limits.requests_at_once, usual.limits.requests_at_once);
  EXPECT_EQ(is.limits.requests_per_connection, usual.limits.requests_per_connection);
  EXPECT_EQ(is.limits.head_bytes, usual.limits.head_bytes);
  EXPECT_EQ(is.limits.fields, usual.limits.fields);
  EXPECT_EQ(is.limits.uri_bytes, usual.limits.uri_bytes);
  EXPECT_EQ(is.limits.head_timeout, usual.limits.head_timeout);
  EXPECT_EQ(is.limits.idle_timeout, usual.limits.idle_timeout);
  EXPECT_EQ(is.limits.receive.bytes_per_second, usual.limits.receive.bytes_per_second);
  EXPECT_EQ(is.limits.receive.window, usual.limits.receive.window);
  EXPECT_EQ(is.limits.send.bytes_per_second, usual.limits.send.bytes_per_second);
  EXPECT_EQ(is.limits.send.window, usual.limits.send.window);
  EXPECT_EQ(is.largest_image, usual.largest_image);
  EXPECT_EQ(is.threads.loops, usual.threads.loops);
  EXPECT_EQ(is.threads.disk, usual.threads.disk);
  EXPECT_EQ(is.threads.catalogue, usual.threads.catalogue);
  EXPECT_EQ(is.threads.digest, usual.threads.digest);
  EXPECT_EQ(is.shutdown_deadline, usual.shutdown_deadline);
}

void collect(const ConfigurationNode& node, const std::string& path, std::set<std::string>& keys) {
  if (node.kind != ConfigurationNode::Kind::map) return;
  for (const ConfigurationEntry& entry : node.entries) {
    const std::string name = path.empty() ? entry.key : path + "." + entry.key;
    keys.insert(name);
    collect(entry.value, name, keys);
  }
}

TEST(ConfigurationTemplate, SetsNothingAsItIs) {
  const auto configuration = parse_configuration(configuration_template(), "template");
  ASSERT_TRUE(configuration) << configuration.error().message;
  expect_defaults(*configuration);
  const auto document = parse_configuration_document(configuration_template(), "template");
  EXPECT_EQ(document->kind, ConfigurationNode::Kind::nothing);
}

TEST(ConfigurationTemplate, ShowsTheDefaultOfEveryKey) {
  const auto configuration = parse_configuration(uncommented(), "template");
  ASSERT_TRUE(configuration) << configuration.error().message;
  expect_defaults(*configuration);
}

TEST(ConfigurationTemplate, MentionsEveryKeyThatIsKnown) {
  const auto document = parse_configuration_document(uncommented(), "template");
  ASSERT_TRUE(document) << document.error().message;
  Findings findings("template");
  Configuration configuration;
  read_sections(Value(findings, *document, {}, 1), configuration);
  std::set<std::string> shown;
  collect(*document, {}, shown);
  for (const std::string& key : findings.known_keys()) {
    // A list's element and the kind that a store's name tells are shown another way.
    if (key.contains('[') || key.ends_with(".kind")) continue;
    EXPECT_TRUE(shown.contains(key)) << key;
  }
  EXPECT_GT(shown.size(), 50u);
}

TEST(ConfigurationTemplate, CanBeChangedOneKeyAtATime) {
  std::string text(configuration_template());
  for (const auto& [from, to] :
       {std::pair{"#log:\n", "log:\n"}, {"#  level: info", "  level: debug"}}) {
    text.replace(text.find(from), std::string_view(from).size(), to);
  }
  const auto configuration = parse_configuration(text, "template");
  ASSERT_TRUE(configuration) << configuration.error().message;
  EXPECT_EQ(configuration->log.level, log::Level::debug);
}

TEST(ConfigurationTemplate, HasLinesThatFitATerminal) {
  std::string_view rest = configuration_template();
  while (!rest.empty()) {
    const std::size_t end = rest.find('\n');
    EXPECT_LE(end, 100u) << rest.substr(0, end);
    rest.remove_prefix(end + 1);
  }
}

}  // namespace
}  // namespace visor::app
