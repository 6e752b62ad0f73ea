#include "fetch/guard.h"

#include <gtest/gtest.h>

#include <map>

namespace visor::fetch {
namespace {

std::vector<Address> addresses(std::initializer_list<const char*> texts) {
  std::vector<Address> result;
  for (const char* text : texts) result.push_back(*Address::parse(text));
  return result;
}

Guard guard_with(std::vector<std::string> exceptions, Resolver resolver) {
  auto guard =
      Guard::create({.exceptions = std::move(exceptions), .resolver = std::move(resolver)});
  if (!guard) throw std::runtime_error(guard.error().message);
  return std::move(*guard);
}

Resolver fixed(std::initializer_list<const char*> texts) {
  return [found = addresses(texts)](const std::string&) -> Result<std::vector<Address>> {
    return found;
  };
}

struct Case {
  const char* url;
  bool allowed;
};

// The resolver knows every name as 93.184.216.34, so that only the form and literal addresses
// decide.
const Case kCases[] = {
    // Plain and allowed.
    {"http://example.org", true},
    {"http://example.org/", true},
    {"https://example.org/a/b.iso?x=1&y=%20", true},
    {"HTTPS://EXAMPLE.ORG/A", true},
    {"http://example.org:80/", true},
    {"https://example.org:443/", true},
    {"http://example.org:443/", true},
    {"http://example.org?query", true},
    {"http://93.184.216.34/", true},
    {"http://[2606:2800:220:1:248:1893:25c8:1946]/", true},
    {"http://xn--mnchen-3ya.de/", true},
    {"http://xn--fiqs8s/", true},
    {"http://r3---sn-a.example.org/", true},
    {"http://1host.example.org/", true},
    {"http://8.8.8.8.example.org/", true},
    {"http://172.32.0.1/", true},
    {"http://100.128.0.1/", true},
    {"http://11.0.0.1/", true},
    // Schemes.
    {"ftp://example.org/", false},
    {"file:///etc/passwd", false},
    {"gopher://example.org/", false},
    {"dict://example.org:80/", false},
    {"javascript:alert(1)", false},
    {"//example.org/", false},
    {"example.org", false},
    {"http:/example.org/", false},
    {"http:example.org/", false},
    {" http://example.org/", false},
    {"", false},
    {"http", false},
    {"http://", false},
    {"http:///path", false},
    {"http://?", false},
    // Ports.
    {"http://example.org:8080/", false},
    {"http://example.org:22/", false},
    {"http://example.org:0/", false},
    {"http://example.org:65536/", false},
    {"http://example.org:080/", false},
    {"http://example.org:+80/", false},
    {"http://example.org:/", false},
    {"http://example.org:80:80/", false},
    {"http://example.org:8 0/", false},
    // Loopback and its disguises.
    {"http://127.0.0.1/", false},
    {"http://127.255.255.254/", false},
    {"http://2130706433/", false},
    {"http://0x7f000001/", false},
    {"http://0x7f.0.0.1/", false},
    {"http://0177.0.0.1/", false},
    {"http://127.1/", false},
    {"http://127.0.1/", false},
    {"http://127.0.0.01/", false},
    {"http://127.0.0.1./", false},
    {"http://1.2.3.0x7f/", false},
    {"http://0/", false},
    {"http://0.0.0.0/", false},
    {"http://[::1]/", false},
    {"http://[::]/", false},
    {"http://[::ffff:127.0.0.1]/", false},
    {"http://[::ffff:7f00:1]/", false},
    {"http://[::127.0.0.1]/", false},
    {"http://[::ffff:93.184.216.34]/", false},
    {"http://[64:ff9b::7f00:1]/", false},
    {"http://[64:ff9b:1::1]/", false},
    {"http://[2002:7f00:1::]/", false},
    {"http://[2001:0:7f00:1::]/", false},
    // Private and special blocks.
    {"http://10.0.0.1/", false},
    {"http://172.16.0.1/", false},
    {"http://172.31.255.255/", false},
    {"http://192.168.1.1/", false},
    {"http://100.64.0.1/", false},
    {"http://169.254.169.254/latest/meta-data/", false},
    {"http://192.0.0.8/", false},
    {"http://192.0.2.1/", false},
    {"http://198.18.0.1/", false},
    {"http://198.51.100.7/", false},
    {"http://203.0.113.9/", false},
    {"http://224.0.0.1/", false},
    {"http://255.255.255.255/", false},
    {"http://240.0.0.1/", false},
    {"http://[fe80::1]/", false},
    {"http://[fec0::1]/", false},
    {"http://[fc00::1]/", false},
    {"http://[fd12:3456::1]/", false},
    {"http://[ff02::1]/", false},
    {"http://[2001:db8::1]/", false},
    {"http://[3fff::1]/", false},
    {"http://[100::1]/", false},
    {"http://[fd00:ec2::254]/", false},
    // Readers that disagree about the host.
    {"http://user@example.org/", false},
    {"http://user:password@example.org/", false},
    {"http://example.org@127.0.0.1/", false},
    {"http://127.0.0.1@example.org/", false},
    {"http://example.org\\@127.0.0.1/", false},
    {"http://example.org\\.evil/", false},
    {"http:\\\\example.org/", false},
    {"http://example.org#@127.0.0.1/", false},
    {"http://example.org/#fragment", false},
    {"http://[fe80::1%25eth0]/", false},
    {"http://[fe80::1%eth0]/", false},
    {"http://[::1/", false},
    {"http://::1/", false},
    {"http://[::1]x/", false},
    {"http://[example.org]/", false},
    {"http://[127.0.0.1]/", false},
    {"http://example.org./", false},
    {"http://.example.org/", false},
    {"http://example..org/", false},
    {"http://-example.org/", false},
    {"http://example-.org/", false},
    {"http://exa_mple.org/", false},
    {"http://exa%6dple.org/", false},
    {"http://127.0.0.1%2f@example.org/", false},
    {"http://example.org%00.evil/", false},
    {"http://ex ample.org/", false},
    {"http://example.org/a b", false},
    {"http://example.org/\r\nHost: evil", false},
    {"http://example.org/\x01", false},
    {"http://example.org/\x7f", false},
    {"http://m\xc3\xbcnchen.de/", false},
    {"http://\xe2\x91\xa0\xe2\x91\xa1\xe2\x91\xa6.0.0.1/", false},
    {"http://127\xe3\x80\x82"
     "0.0.1/",
     false},
    {"http://example.org/\xc3\xbc", false},
    {"http://xn--/", false},
    {"http://xn--9/", false},
    {"http://xn--a-/", false},
    {"http://xn--99999999/", false},
    {"http://example.org/%", false},
    {"http://example.org/%4", false},
    {"http://example.org/%zz", false},
    {"http://example.org/<script>", false},
    {"http://example.org/\"", false},
    {"http://example.org/a{b}", false},
    {"http://999.1.1.1/", false},
    {"http://1.2.3.4.5/", false},
    {"http://example.1/", false},
};

TEST(Guard, DecidesByTheTable) {
  const auto guard = guard_with({}, fixed({"93.184.216.34"}));
  static_assert(std::size(kCases) >= 80);
  for (const auto& [url, allowed] : kCases) {
    const auto target = guard.check(url);
    EXPECT_EQ(target.has_value(), allowed) << url;
    if (target) {
      EXPECT_FALSE(target->addresses.empty()) << url;
    } else {
      EXPECT_FALSE(target.error().message.empty()) << url;
      EXPECT_TRUE(target.error().code == Code::invalid || target.error().code == Code::forbidden);
    }
  }
}

TEST(Guard, RefusesAHostOfWhichOneAddressIsPrivate) {
  for (const char* hidden : {"127.0.0.1", "10.0.0.1", "::1", "fe80::1", "::ffff:10.0.0.1"}) {
    const auto guard = guard_with({}, fixed({"93.184.216.34", hidden, "2606:2800::1"}));
    EXPECT_EQ(guard.check("http://mixed.example.org/").error().code, Code::forbidden) << hidden;
  }
}

TEST(Guard, LooksAHostUpOnceAndKeepsWhatItChecked) {
  int lookups = 0;
  const auto rebinding = [&lookups](const std::string&) -> Result<std::vector<Address>> {
    return addresses({++lookups == 1 ? "93.184.216.34" : "127.0.0.1"});
  };
  const auto guard = guard_with({}, rebinding);
  const auto target = guard.check("http://rebind.example.org/");
  ASSERT_TRUE(target);
  EXPECT_EQ(lookups, 1);
  EXPECT_EQ(target->addresses, addresses({"93.184.216.34"}));
  EXPECT_FALSE(guard.check("http://rebind.example.org/"));
}

TEST(Guard, NeverLooksUpWhatItsFormForbids) {
  int lookups = 0;
  const auto counting = [&lookups](const std::string&) -> Result<std::vector<Address>> {
    ++lookups;
    return addresses({"93.184.216.34"});
  };
  const auto guard = guard_with({}, counting);
  EXPECT_FALSE(guard.check("http://example.org:22/"));
  EXPECT_FALSE(guard.check("http://127.1/"));
  EXPECT_TRUE(guard.check("http://93.184.216.34/"));
  EXPECT_TRUE(guard.check_form("http://example.org/"));
  EXPECT_EQ(lookups, 0);
}

TEST(Guard, SaysTheSameOfUnknownAndForbiddenHosts) {
  const auto nobody = [](const std::string&) -> Result<std::vector<Address>> {
    return fail(Code::not_found, "unknown");
  };
  const auto unknown = guard_with({}, nobody).check("http://inner.example.org/");
  const auto empty = guard_with({}, fixed({})).check("http://inner.example.org/");
  const auto hidden = guard_with({}, fixed({"10.1.2.3"})).check("http://inner.example.org/");
  EXPECT_EQ(unknown.error().message, hidden.error().message);
  EXPECT_EQ(unknown.error().code, hidden.error().code);
  EXPECT_EQ(empty.error().message, hidden.error().message);
  EXPECT_EQ(hidden.error().message.find("10.1.2.3"), std::string::npos);
  EXPECT_NE(hidden.error().where.find("10.1.2.3"), std::string::npos);
}

TEST(Guard, SaysWhenALookUpMayWorkLater) {
  const auto down = [](const std::string&) -> Result<std::vector<Address>> {
    return fail(Code::unavailable, "later");
  };
  EXPECT_EQ(guard_with({}, down).check("http://example.org/").error().code, Code::unavailable);
}

TEST(Guard, AllowsExactlyItsExceptions) {
  const auto guard = guard_with({"mirror.lan", "build.lan:8080", "10.1.0.0/16", "192.168.7.7:9000",
                                 "[fd00::/8]:8443", "fc00:1::1"},
                                [](const std::string& host) -> Result<std::vector<Address>> {
                                  if (host == "mirror.lan")
                                    return addresses({"192.168.1.1", "::1"});
                                  if (host == "ten.lan") return addresses({"10.1.9.9"});
                                  return addresses({"192.168.2.2"});
                                });
  const std::map<std::string, bool> expected = {
      {"http://mirror.lan/", true},
      {"https://MIRROR.lan/", true},
      {"http://mirror.lan:8080/", false},
      {"http://build.lan:8080/", true},
      {"http://build.lan/", false},
      {"http://x.mirror.lan/", false},
      {"http://ten.lan/", true},
      {"http://10.1.255.255/", true},
      {"http://10.2.0.1/", false},
      {"http://10.1.0.1:9000/", false},
      {"http://192.168.7.7:9000/", true},
      {"http://192.168.7.7/", false},
      {"http://192.168.7.8:9000/", false},
      {"http://[fd12::1]:8443/", true},
      {"http://[fd12::1]/", false},
      {"http://[fc00:1::1]/", true},
      {"http://93.184.216.34:9000/", false},
      {"http://93.184.216.34/", true},
      {"http://[::ffff:10.1.0.1]/", false},
  };
  for (const auto& [url, allowed] : expected)
    EXPECT_EQ(guard.check(url).has_value(), allowed) << url;
}

TEST(Guard, RefusesExceptionsItCannotRead) {
  for (const char* text : {"", "a b", "host:", "host:0", "host:99999", "10.0.0.1/8", "10.0.0.0/33",
                           "[fd00::/8", "[fd00::/8]8080", "http://host", "host/path", "*.lan"}) {
    EXPECT_FALSE(Guard::create({.exceptions = {text}})) << text;
  }
  EXPECT_FALSE(Guard::create({.schemes = {"ftp"}}));
}

TEST(Guard, HoldsToItsSchemes) {
  const auto guard =
      Guard::create({.schemes = {"https"}, .exceptions = {}, .resolver = fixed({"93.184.216.34"})});
  EXPECT_TRUE(guard->check("https://example.org/"));
  EXPECT_EQ(guard->check("http://example.org/").error().code, Code::forbidden);
}

TEST(SystemResolver, KnowsThisHostAndNotTheReservedName) {
  const auto here = system_resolver()("localhost");
  ASSERT_TRUE(here);
  for (const auto& address : *here) EXPECT_EQ(special_purpose(address).empty(), false);
  EXPECT_FALSE(system_resolver()("no-such-host.invalid"));
}

}  // namespace
}  // namespace visor::fetch
