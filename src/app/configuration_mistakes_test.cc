// What people get wrong, and what they are told.
#include <gtest/gtest.h>
#include <time.h>

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

#include "app/configuration.h"

namespace visor::app {
namespace {

std::string complaint(std::string_view text) {
  const auto configuration = parse_configuration(text, "visor-config.yml");
  EXPECT_FALSE(configuration) << text;
  if (configuration) return {};
  EXPECT_EQ(configuration.error().code, Code::invalid);
  return configuration.error().message;
}

struct Mistake {
  const char* text;
  const char* start;                  ///< what the message begins with, behind the file's name
  std::vector<const char*> mentions;  ///< what else it has
};

const std::vector<Mistake>& mistakes() {
  static const std::vector<Mistake> all = {
      // YAML itself.
      {"log:\n  level: [info\n", ":", {"not valid YAML"}},
      {"\tlog: x\n", ":1:", {}},
      {"log:\n  level: 'info\n", ":", {"not valid YAML"}},
      {"log: {level: info\n", ":", {"not valid YAML"}},
      {"- just\n- a list\n", ":1:1: ", {"must be a map of sections"}},
      {"hello\n", ":1:1: ", {"must be a map of sections"}},
      {"log: {}\n---\nlog: {}\n", ":2:", {"a second document"}},
      {"log:\n  level: info\nlog:\n  level: debug\n", ":3:1: ", {"'log' is there twice", "line 1"}},
      {"log:\n  level: info\n  level: info\n", ":3:3: ", {"'level' is there twice", "line 2"}},
      {"log: &a {level: info}\n", ":1:", {"anchors and aliases"}},
      {"log: *a\n", ":1:", {"&", "*"}},
      {"data: !!binary aGVsbG8=\n", ":1:", {"tags (!)"}},
      {"? [a, b]\n: 1\n", ":1:", {"where a key must be"}},
      {": 1\n", ":1:", {"a key is missing"}},
      {"data: \"\\ud800\"\n", ":1:", {}},
      {"log:\n  level: \xff\n", ":2:10: ", {"not UTF-8"}},
      {"log:\n  level: \x01\n", ":2:10: ", {"control character"}},
      {"a:\n b:\n  c: [[[[[[[[[[[[[[1]]]]]]]]]]]]]]\n", ":3:", {"levels deep"}},
      // Keys and kinds.
      {"nonsense: 1\n", ":1: ", {"unknown key 'nonsense'", "allowed here are", "listeners"}},
      {"log:\n  levle: info\n", ":2: log: ", {"'levle'", "did you mean 'level'?", "form", "file"}},
      {"listener: []\n", ":1: ", {"did you mean 'listeners'?"}},
      {"quota:\n  bytes: 5\n", ":1: ", {"did you mean 'quotas'?"}},
      {"log: 5\n", ":1: log: ", {"a section with keys below it", "a single value"}},
      {"log: [a]\n", ":1: log: ", {"not a list"}},
      {"log:\n  level:\n", ":2: log.level: ", {"has no value"}},
      {"log:\n  level: ''\n", ":2: log.level: ", {"is empty"}},
      {"log:\n  level: {a: b}\n", ":2: log.level: ", {"not a map"}},
      {"log:\n  level: loud\n", ":2: log.level: 'loud' ", {"debug, info, warning, error, off"}},
      {"log:\n  form: xml\n", ":2: log.form: 'xml' ", {"text, json"}},
      {"log:\n  file: ~/log\n", ":2: log.file: '~/log' ", {"shell"}},
      {"data:\n", ":1: data: ", {"has no value"}},
      {"data: \"a\\nb\"\n", ":1: data: 'a\\x0ab' ", {"line break"}},
      // Listeners.
      {"listeners: 127.0.0.1:4568\n", ":1: listeners: ", {"must be a list"}},
      {"listeners: []\n", ":1: listeners: ", {"no listener"}},
      {"listeners:\n- 127.0.0.1:4568\n", ":2: listeners[0]: ", {"a section"}},
      {"listeners:\n- serves: [native]\n", ":2: listeners[0]: ", {"has no address"}},
      {"listeners:\n\n- address: 0.0.0.0\n",
       ":3: listeners[0].address: '0.0.0.0' has no port; ",
       {"write ADDRESS:PORT", "127.0.0.1:4568"}},
      {"listeners:\n- address: 127.0.0.1:99999\n",
       ":2: listeners[0].address: '127.0.0.1:99999' ",
       {"0 and 65535"}},
      {"listeners:\n- address: ::1:80\n",
       ":2: listeners[0].address: '::1:80' ",
       {"without brackets"}},
      {"listeners:\n- address: 1.2.3.4.5:80\n", ":2: listeners[0].address: ", {"neither an IP"}},
      {"listeners:\n- address: 127.0.0.1:80\n- address: 127.0.0.1:80\n",
       ":3: listeners[1].address: '127.0.0.1:80' ",
       {"taken by listeners[0]"}},
      {"listeners:\n- address: '*:80'\n- address: 127.0.0.1:80\n",
       ":3: listeners[1].address: '127.0.0.1:80' ",
       {"listeners[0] (0.0.0.0:80)"}},
      {"listeners:\n- address: '[::1]:80'\n- address: '[0:0::1]:80'\n",
       ":3: listeners[1]",
       {"taken"}},
      {"listeners:\n- address: 127.0.0.1:80\n  serves: [swift]\n",
       ":3: listeners[0].serves[0]: 'swift' ",
       {"allowed are: native, glance, identity, operations"}},
      {"listeners:\n- address: 127.0.0.1:80\n  serves: []\n",
       ":3: listeners[0].serves: ",
       {"no front end"}},
      {"listeners:\n- address: 127.0.0.1:80\n  serves: [native, native]\n",
       ":3: listeners[0].serves[1]: ",
       {"twice"}},
      {"listeners:\n- address: 127.0.0.1:80\n  serves: [native, operations]\n",
       ":3: listeners[0].serves: ",
       {"operations and another one", "of its own"}},
      {"listeners:\n- address: 127.0.0.1:80\n  serves: [operations]\n",
       ":1: listeners: ",
       {"no listener that serves native"}},
      {"listeners:\n- address: 127.0.0.1:80\n  serve: [native]\n",
       ":3: listeners[0]: ",
       {"did you mean 'serves'?"}},
      {"listeners:\n- address: 127.0.0.1:80\n  tls: yes\n",
       ":3: listeners[0].tls: ",
       {"a section", "not a single value"}},
      {"listeners:\n- address: 127.0.0.1:80\n  tls:\n",
       ":3: listeners[0].tls: ",
       {"is empty", "certificate: FILE", "tls: none"}},
      {"listeners:\n- address: 127.0.0.1:80\n  tls: {certificate: a.pem}\n",
       ":3: listeners[0].tls: ",
       {"has no key", "key: FILE"}},
      {"listeners:\n- address: 127.0.0.1:80\n  tls: {key: a.pem}\n",
       ":3: listeners[0].tls: ",
       {"has no certificate"}},
      {"listeners:\n- address: 127.0.0.1:80\n  tls: {certificate: a, key: b, chain: c}\n",
       ":3: listeners[0].tls: ",
       {"unknown key 'chain'", "client_authorities"}},
      {"listeners:\n- address: 127.0.0.1:80\n  tls: {certificate: a, key: b,\n"
       "    client_certificates: always}\n",
       ":4: listeners[0].tls.client_certificates: 'always' ",
       {"none, optional, required"}},
      {"listeners:\n- address: 127.0.0.1:80\n  tls: {certificate: a, key: b,\n"
       "    client_certificates: required}\n",
       ":3: listeners[0].tls: ",
       {"does not say whose", "client_authorities: FILE"}},
      {"listeners:\n- address: 127.0.0.1:80\n  tls: {certificate: a, key: b,\n"
       "    client_authorities: c}\n",
       ":3: listeners[0].tls: ",
       {"clients are not asked", "client_certificates: required"}},
      {"public_address: images.example.org\n", ":1: public_address: ", {"http://"}},
      {"public_address: http://x/?a\n", ":1: public_address: ", {"query"}},
      // Catalogue.
      {"catalogue: mongodb://u:hunter2@host/db\n",
       ":1: catalogue: ",
       {"'mongodb' is not in this build: this version has sqlite"}},
      {"catalogue: mysql://host/db\n", ":1: catalogue: ", {"'mysql' is not in this build"}},
      {"catalogue: postgresql://host/db\n",
       ":1: catalogue: ",
       {"'postgresql' is not in this build"}},
      {"catalogue: redis://host\n", ":1: catalogue: ", {"'redis' is unknown", "sqlite:PATH"}},
      {"catalogue: catalogue.db\n", ":1: catalogue: ", {"sqlite:PATH"}},
      {"catalogue: 'sqlite:'\n", ":1: catalogue: ", {"names no file"}},
      {"catalogue: sqlite:///x.db\n", ":1: catalogue: ", {"no path"}},
      {"catalogue:\n  sqlite: x.db\n", ":1: catalogue: ", {"one connection string"}},
      // Accounts, quotas, digests.
      {"accounts:\n  anonymous_read: maybe\n",
       ":2: accounts.anonymous_read: 'maybe' ",
       {"true, false"}},
      {"accounts:\n  signature_window: 15\n",
       ":2: accounts.signature_window: '15' ",
       {"not a duration", "15m"}},
      {"accounts:\n  presigned_limit: 8d\n", ":2: accounts.presigned_limit: '8d' ", {"too long"}},
      {"accounts:\n  unsigned_payload: yes\n",
       ":2: accounts.unsigned_payload: 'yes' ",
       {"refused, over_tls, allowed"}},
      {"quotas:\n  bytes: a lot\n", ":2: quotas.bytes: 'a lot' ", {"not a size", "64 KiB"}},
      {"quotas:\n  bytes: -5\n", ":2: quotas.bytes: '-5' ", {"not a size"}},
      {"quotas:\n  images: 1.5\n", ":2: quotas.images: '1.5' ", {"whole number"}},
      {"digests: [md5]\n", ":1: digests: ", {"sha256 is missing"}},
      {"digests: [sha256]\n", ":1: digests: ", {"md5 is missing", "native"}},
      {"digests: [md5, sha256, crc32]\n",
       ":1: digests[2]: 'crc32' ",
       {"md5, sha1, sha256, sha512"}},
      {"digests: [md5, sha256, md5]\n", ":1: digests[2]: 'md5' ", {"twice"}},
      {"digests: sha256\n", ":1: digests: ", {"must be a list"}},
      {"digests:\n", ":1: digests: ", {"names no digest"}},
      // Stores.
      {"default_store: nowhere\n", ":1: default_store: 'nowhere' ", {"file"}},
      {"default_store: http\n", ":1: default_store: 'http' ", {"references only"}},
      {"stores:\n  big: {directory: /x}\n", ":2: stores.big: ", {"kind: file"}},
      {"stores:\n  big: {kind: file}\n", ":2: stores.big: ", {"has no directory"}},
      {"stores:\n  big: {kind: tape}\n", ":2: stores.big.kind: 'tape' ", {"file, memory, http"}},
      {"stores:\n  Big: {kind: memory}\n", ":2: stores: 'Big' ", {"no name for a store"}},
      {"stores:\n  s3: {host: h, access_key: a, secret_key: hunter2}\n",
       ":2: stores.s3: ",
       {"name of a bucket"}},
      {"stores:\n  cold: {kind: walrus, bucket: images, access_key: a, secret_key: b}\n",
       ":2: stores.cold: ",
       {"host name"}},
      {"stores:\n  s3: {host: h, bucket: images, access_key: a}\n",
       ":2: stores.s3: ",
       {"has no secret_key", "secret_key_file", "secret_key_environment"}},
      {"stores:\n  s3: {host: h, bucket: images, secret_key: b}\n",
       ":2: stores.s3: ",
       {"access key"}},
      {"stores:\n  s3: {host: h, bucket: images, access_key: a, secret_key: b, secret_key_file: "
       "c}\n",
       ":2: stores.s3: ",
       {"more than one place"}},
      {"stores:\n  s3: {host: h, bucket: images, access_key: a, secret_key: b, session_token: "
       "hunter2, "
       "session_token_environment: T}\n",
       ":2: stores.s3: ",
       {"session token in more than one place"}},
      {"stores:\n  s3: {host: h, bucket: images, access_key: a, secret_key: b, redirect: true, "
       "signature: v2}\n",
       ":2: stores.s3: ",
       {"signature version 4 only"}},
      {"stores:\n  s3: {host: h/x, bucket: images, access_key: a, secret_key: b}\n",
       ":2: stores.s3: ",
       {"host name"}},
      {"stores:\n  s3: {host: h, bucket: images, access_key: a, secret_key: b, signature: v3}\n",
       ":2: stores.s3.signature: 'v3' ",
       {"v4", "v2"}},
      {"stores:\n  s3: {host: h, bucket: images, access_key: a, secret_key: b, style: dns}\n",
       ":2: stores.s3.style: 'dns' ",
       {"path", "virtual-host"}},
      {"stores:\n  s3: {host: h, bucket: images, access_key: a, secret_key: b, part_size: 1 MiB}\n",
       ":2: stores.s3.part_size: ",
       {"5 MiB"}},
      {"stores:\n  s3: {kind: walrus, host: h, bucket: images, access_key: a, secret_key: b}\n",
       ":2: stores.s3.kind: 'walrus' ",
       {"another name"}},
      {"stores:\n  hdfs: {bucket: /images, username: visor}\n",
       ":2: stores.hdfs: ",
       {"host", "namenodes"}},
      {"stores:\n  hdfs: {host: h, bucket: /images, username: visor}\n",
       ":2: stores.hdfs: ",
       {"port"}},
      {"stores:\n  hdfs: {host: h, port: 0, bucket: /images, username: visor}\n",
       ":2: stores.hdfs.port: '0' ",
       {"65535"}},
      {"stores:\n  hdfs: {host: h, port: 9870, username: visor}\n",
       ":2: stores.hdfs: ",
       {"has no bucket"}},
      {"stores:\n  hdfs: {host: h, port: 9870, bucket: images, username: visor}\n",
       ":2: stores.hdfs.bucket: 'images' ",
       {"/images"}},
      {"stores:\n  hdfs: {host: h, port: 9870, bucket: /a/../b, username: visor}\n",
       ":2: stores.hdfs.bucket: '/a/../b' ",
       {"absolute path"}},
      {"stores:\n  hdfs: {host: h, port: 9870, bucket: /images}\n",
       ":2: stores.hdfs: ",
       {"username", "token_file"}},
      {"stores:\n  hdfs: {host: h, port: 1, namenodes: [h:1], bucket: /i, username: v}\n",
       ":2: stores.hdfs.namenodes: ",
       {"either"}},
      {"stores:\n  hdfs: {namenodes: [h], bucket: /i, username: v}\n",
       ":2: stores.hdfs.namenodes[0]: 'h' ",
       {"HOST:PORT"}},
      {"stores:\n  hdfs: {namenodes: [h:1], bucket: /i, username: v, datanodes: [a b]}\n",
       ":2: stores.hdfs.datanodes[0]: ",
       {"10.1.0.0/16"}},
      {"stores:\n  hdfs: {namenodes: [h:1], bucket: /i, username: v, block_size: 1048577}\n",
       ":2: stores.hdfs: ",
       {"512"}},
      {"stores:\n  file: {kind: memory}\n", ":2: stores.file.kind: 'memory' ", {"another name"}},
      {"stores:\n  file: {directroy: /x}\n", ":2: stores.file: ", {"did you mean 'directory'?"}},
      {"stores:\n  file: {capacity: 1 GiB}\n", ":2: stores.file: ", {"unknown key 'capacity'"}},
      {"stores:\n  more: {kind: file, directory: ./var/store/}\n",
       ":2: stores.more.directory: ",
       {"store 'file'"}},
      {"stores:\n  memory: {capacity: 1}\n",
       ":2: stores.memory.capacity: '1' ",
       {"too small", "1 MiB"}},
      {"stores: [file]\n", ":1: stores: ", {"not a list"}},
      {"stores:\n  file: /x\n", ":2: stores.file: ", {"a section"}},
      // References.
      {"references:\n  files: [images]\n", ":2: references.files[0]: 'images' ", {"absolute"}},
      {"references:\n  files: [/a/../b]\n", ":2: references.files[0]: ", {"'..'"}},
      {"references:\n  files: [/]\n", ":2: references.files[0]: '/' ", {"every file"}},
      {"data: /srv/visor\nreferences:\n  files: [/srv]\n",
       ":3: references.files[0]: '/srv' ",
       {"data folder"}},
      {"references:\n  http:\n    exceptions: [10.1.0.1/16]\n",
       ":3: references.http.exceptions[0]: ",
       {"'10.1.0.1/16'"}},
      {"references:\n  http:\n    ports: [0]\n", ":3: references.http.ports[0]: '0' ", {"65535"}},
      {"references:\n  http: {redirects: 4}\n", ":2: references.http.redirects: '4' ", {"0 to 3"}},
      // Limits, threads.
      {"limits:\n  header_size: 1 GiB\n",
       ":2: limits.header_size: '1 GiB' ",
       {"the most is 1 MiB"}},
      {"limits:\n  header_timeout: 0s\n", ":2: limits.header_timeout: '0s' ", {"100ms"}},
      {"limits:\n  largest_image: big\n", ":2: limits.largest_image: 'big' ", {"not a size"}},
      {"limits:\n  connections: 0\n", ":2: limits.connections: '0' ", {"from 1 to"}},
      {"threads:\n  disk: 0\n", ":2: threads.disk: '0' ", {"from 1 to 1024"}},
      {"shutdown_deadline: soon\n", ":1: shutdown_deadline: 'soon' ", {"not a duration"}},
  };
  return all;
}

TEST(ConfigurationMistakes, EachIsToldWithFileLineKeyValueAndWhatIsAllowed) {
  for (const Mistake& mistake : mistakes()) {
    const std::string message = complaint(mistake.text);
    EXPECT_TRUE(message.starts_with(std::string("visor-config.yml") + mistake.start))
        << mistake.text << "\n"
        << message;
    EXPECT_FALSE(message.contains('\n')) << mistake.text << "\n" << message;
    for (const char* mention : mistake.mentions) {
      EXPECT_TRUE(message.contains(mention)) << mistake.text << "\n" << message;
    }
  }
}

TEST(ConfigurationMistakes, SeveralAreToldAtOnceInTheOrderOfTheirLines) {
  EXPECT_EQ(complaint("shutdown_deadline: soon\nlog:\n  level: loud\nx: 1\n"),
            "visor-config.yml:1: shutdown_deadline: 'soon' is not a duration; write for example "
            "250ms, 30s, 15m, 12h or 7d\n"
            "visor-config.yml:3: log.level: 'loud' is not allowed here; allowed are: debug, info, "
            "warning, error, off\n" +
                complaint("\n\n\nx: 1\n"));
}

TEST(ConfigurationMistakes, OfManyOnlyTheFirstTenAreTold) {
  std::string text = "references:\n  files:\n";
  for (int i = 0; i < 500; ++i) text += "  - relative\n";
  const std::string message = complaint(text);
  EXPECT_TRUE(message.contains("files[9]"));
  EXPECT_FALSE(message.contains("files[10]"));
  EXPECT_TRUE(message.ends_with("and 490 more mistakes"));
}

TEST(ConfigurationMistakes, NoSecretIsRepeated) {
  for (const char* text : {
           "catalogue: mongodb://user:hunter2@host/db\n",
           "catalogue: postgres://hunter2\n",
           "catalogue: sqlite://user:hunter2@host/db\n",
           "catalogue: redis://user:hunter2@host/db\n",
           "stores:\n  s3:\n    access_key: hunter2\n    secret_key: hunter2\n",
           "stores:\n  s3:\n    secret_key: *hunter2\n",
           "stores:\n  s3:\n    secret_key: &hunter2\n",
           "stores:\n  s3:\n    secret_key: !hunter2 x\n",
           "stores:\n  s3:\n    secret_key: !hunter2!x x\n",
           "stores:\n  s3:\n    secret_key: [hunter2\n",
           "stores:\n  s3:\n    secret_key: \"hunter2\n",
           "stores:\n  s3:\n    secret_key: \"\\hunter2\"\n",
           "stores:\n  file:\n    secret_key: hunter2\n",
           "public_address: http://user:hunter2@host\n",
       }) {
    EXPECT_FALSE(complaint(text).contains("hunter")) << text << complaint(text);
  }
}

TEST(ConfigurationMistakes, AMessageCannotBeForgedByWhatIsInTheFile) {
  const std::string message =
      complaint("\"a\\nvisor-config.yml:9: data: all is well\\e[2J\\u202e\": 1\n");
  EXPECT_FALSE(message.contains('\n'));
  EXPECT_FALSE(message.contains('\x1b'));
  EXPECT_FALSE(message.contains("\u202e"));
  EXPECT_LT(complaint("data: [" + std::string(100'000, 'x') + "]\n").size(), 500u);
  EXPECT_LT(complaint("log: {level: " + std::string(100'000, 'x') + "}\n").size(), 500u);
  EXPECT_LT(complaint(std::string(1000, 'x') + ": 1\n").size(), 500u);
}

// What this process has computed: a busy machine does not make it more.
std::chrono::nanoseconds processor_time() {
  timespec time{};
  EXPECT_EQ(::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time), 0);
  return std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec);
}

TEST(ConfigurationMistakes, NoFileHoldsTheStartUp) {
  const std::size_t largest = 1 << 20;
  const auto repeated = [](std::string_view piece, std::size_t size) {
    std::string text;
    while (text.size() + piece.size() <= size) text += piece;
    return text;
  };
  std::string bomb = "a: &a [x, x, x, x, x, x, x, x, x]\n";
  for (char name = 'b'; name < 'j'; ++name) {
    const std::string before = "*" + std::string(1, static_cast<char>(name - 1));
    bomb +=
        std::string(1, name) + ": &" + name + " [" + before + ", " + before + ", " + before + "]\n";
  }
  std::string many_keys;
  for (int i = 0; i < 60'000; ++i) many_keys += "k" + std::to_string(i) + ": 1\n";
  for (const std::string& text : {bomb,
                                  many_keys,
                                  repeated("[", largest),
                                  repeated("{", largest),
                                  repeated("- ", largest),
                                  repeated("? ", largest),
                                  repeated("a: ", largest),
                                  repeated("{a: ", largest),
                                  repeated("- [", largest),
                                  repeated("'", largest),
                                  repeated("\"\\", largest),
                                  repeated("!", largest),
                                  repeated("&a ", largest),
                                  repeated("#", largest),
                                  repeated("a\n", largest),
                                  repeated("- a\n", largest),
                                  repeated("---\n", largest),
                                  repeated("[a,", largest),
                                  repeated("%A\n", largest),
                                  repeated(" \n", largest) + "x",
                                  repeated("a", largest + 1)}) {
    const auto start = processor_time();
    const auto outcome = parse_configuration(text, "visor-config.yml");
    if (!outcome) {
      EXPECT_LT(outcome.error().message.size(), 4096u) << text.substr(0, 20);
    }
    EXPECT_LT(processor_time() - start, std::chrono::seconds(20)) << text.substr(0, 20);
  }
}

}  // namespace
}  // namespace visor::app
