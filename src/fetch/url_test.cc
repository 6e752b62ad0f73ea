#include "fetch/url.h"

#include <gtest/gtest.h>

#include "fetch/address.h"
#include "fetch/punycode.h"

namespace visor::fetch {
namespace {

TEST(Url, IsReadIntoCanonicalParts) {
  const auto url = parse_url("HTTP://Example.ORG:8080/a//b/../c?x=/y?z");
  ASSERT_TRUE(url);
  EXPECT_EQ(url->scheme, "http");
  EXPECT_EQ(url->host, "example.org");
  EXPECT_EQ(url->port, 8080);
  EXPECT_EQ(url->target, "/a//b/../c?x=/y?z");
  EXPECT_EQ(url->text(), "http://example.org:8080/a//b/../c?x=/y?z");
  EXPECT_EQ(parse_url("https://h:443?q")->text(), "https://h/?q");
  EXPECT_EQ(parse_url("http://[2001:DB8:0:0::1]:81")->text(), "http://[2001:db8::1]:81/");
}

TEST(Url, IsReadAgainAsItself) {
  for (const char* text :
       {"http://h/", "https://a.b-c.d:1/x?y", "http://1.2.3.4/", "http://[::1]:9/%41"}) {
    const auto url = parse_url(text);
    ASSERT_TRUE(url) << text;
    EXPECT_EQ(url->text(), text);
  }
}

TEST(Url, HasABoundedLength) {
  EXPECT_TRUE(parse_url("http://h/" + std::string(8000, 'a')));
  EXPECT_FALSE(parse_url("http://h/" + std::string(8192, 'a')));
  EXPECT_FALSE(parse_url("http://" + std::string(64, 'a') + "/"));
  std::string host;
  for (int i = 0; i < 52; ++i) host += "aaaa.";
  EXPECT_FALSE(parse_url("http://" + host + "org/"));
}

TEST(Reference, IsResolvedAgainstItsBase) {
  const auto base = *parse_url("http://a:8080/b/c/d?q");
  const std::pair<const char*, const char*> cases[] = {
      // After RFC 3986, section 5.4.
      {"g", "http://a:8080/b/c/g"},
      {"./g", "http://a:8080/b/c/g"},
      {"g/", "http://a:8080/b/c/g/"},
      {"/g", "http://a:8080/g"},
      {"//g", "http://g/"},
      {"?y", "http://a:8080/b/c/d?y"},
      {"g?y", "http://a:8080/b/c/g?y"},
      {"#s", "http://a:8080/b/c/d?q"},
      {"", "http://a:8080/b/c/d?q"},
      {".", "http://a:8080/b/c/"},
      {"..", "http://a:8080/b/"},
      {"../g", "http://a:8080/b/g"},
      {"../../g", "http://a:8080/g"},
      {"../../../g", "http://a:8080/g"},
      {"/./g", "http://a:8080/g"},
      {"/../g", "http://a:8080/g"},
      {"g.", "http://a:8080/b/c/g."},
      {"..g", "http://a:8080/b/c/..g"},
      {"./g/.", "http://a:8080/b/c/g/"},
      {"g/./h", "http://a:8080/b/c/g/h"},
      {"g/../h", "http://a:8080/b/c/h"},
      {"g?y/../x", "http://a:8080/b/c/g?y/../x"},
      {"https://other/x#f", "https://other/x"},
  };
  for (const auto& [reference, expected] : cases) {
    const auto url = resolve_reference(base, reference);
    ASSERT_TRUE(url) << reference;
    EXPECT_EQ(url->text(), expected) << reference;
  }
}

TEST(Reference, IsRefusedWhereAUrlWouldBe) {
  const auto base = *parse_url("http://a/");
  for (const char* reference : {"file:///etc/passwd", "//user@b/", "http:x", "mailto:a", "/a b",
                                "/a\nb", "//127.1/", "\\\\b\\c", "javascript:x"}) {
    EXPECT_FALSE(resolve_reference(base, reference)) << reference;
  }
}

TEST(Punycode, IsCheckedBySamples) {
  for (const char* sound :
       {"mnchen-3ya", "fiqs8s", "bcher-kva", "80ak6aa92e", "egbpdaj6bu4bxfgehfvwxn"}) {
    EXPECT_TRUE(valid_punycode(sound)) << sound;
  }
  for (const char* unsound : {"", "-", "9", "a-", "-a", "99999999", "a-.", "mnchen-"}) {
    EXPECT_FALSE(valid_punycode(unsound)) << unsound;
  }
}

TEST(AddressBlock, ContainsByPrefix) {
  const auto block = *AddressBlock::parse("172.16.0.0/12");
  EXPECT_TRUE(block.contains(*Address::parse("172.31.255.255")));
  EXPECT_FALSE(block.contains(*Address::parse("172.32.0.0")));
  EXPECT_FALSE(block.contains(*Address::parse("::1")));
  EXPECT_TRUE(AddressBlock::parse("0.0.0.0/0")->contains(*Address::parse("8.8.8.8")));
  EXPECT_FALSE(AddressBlock::parse("172.16.0.1/12"));
  EXPECT_FALSE(AddressBlock::parse("172.16.0.0/"));
  EXPECT_FALSE(AddressBlock::parse("::/129"));
}

}  // namespace
}  // namespace visor::fetch
