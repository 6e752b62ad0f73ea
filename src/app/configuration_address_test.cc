#include "app/configuration_address.h"

#include <gtest/gtest.h>

#include <string>

namespace visor::app {
namespace {

TEST(ListenAddress, IsReadInAllItsForms) {
  for (const auto& [text, canonical] : {
           std::pair{"127.0.0.1:4568", "127.0.0.1:4568"},
           {"[::1]:4568", "[::1]:4568"},
           {"[0:0:0:0:0:0:0:1]:1", "[::1]:1"},
           {"[2001:DB8::1]:80", "[2001:db8::1]:80"},
           {"*:80", "0.0.0.0:80"},
           {":80", "0.0.0.0:80"},
           {"0.0.0.0:0", "0.0.0.0:0"},
           {"[::]:65535", "[::]:65535"},
           {"LocalHost:80", "localhost:80"},
           {"images.example.org.:80", "images.example.org.:80"},
           {"10-0-0-1.example.org:80", "10-0-0-1.example.org:80"},
       }) {
    const auto address = parse_listen_address(text);
    ASSERT_TRUE(address) << text << ": " << address.error().message;
    EXPECT_EQ(address->text(), canonical);
    EXPECT_EQ(parse_listen_address(address->text()), *address);
  }
}

TEST(ListenAddress, IsRefusedWithWhatIsWrong) {
  for (const auto& [text, reason] : {
           std::pair{"", "has no port"},
           {"4568", "has no port"},
           {"127.0.0.1", "has no port"},
           {"nowhere", "has no port"},
           {"[::1]", "has no port"},
           {"::1", "is an IPv6 address without brackets"},
           {"::1:4568", "is an IPv6 address without brackets"},
           {"[::1", "is not an address"},
           {"[::1]4568", "is not an address"},
           {"127.0.0.1:", "has no port between"},
           {"127.0.0.1:65536", "has no port between"},
           {"127.0.0.1:-1", "has no port between"},
           {"127.0.0.1:+1", "has no port between"},
           {"127.0.0.1:80x", "has no port between"},
           {"127.0.0.1: 80", "has no port between"},
           {"[127.0.0.1]:80", "has neither"},
           {"[]:80", "has neither"},
           {"[*]:80", "has neither"},
           {"1.2.3:80", "has neither"},
           {"1.2.3.256:80", "has neither"},
           {"1.2.3.4.5:80", "has neither"},
           {"0x7f000001:80", "has neither"},
           {"2130706433:80", "has neither"},
           {"a b:80", "has neither"},
           {"-a:80", "has neither"},
           {"a..b:80", "has neither"},
           {".:80", "has neither"},
           {"http://a:80", "is a URL"},
           {"[fe80::1%lo]:80", "has neither"},
       }) {
    const auto address = parse_listen_address(text);
    ASSERT_FALSE(address) << text;
    EXPECT_EQ(address.error().code, Code::invalid);
    EXPECT_TRUE(address.error().message.starts_with("'" + std::string(text) + "' " + reason))
        << text << ": " << address.error().message;
    EXPECT_TRUE(address.error().message.contains("127.0.0.1:4568"));
  }
  EXPECT_FALSE(parse_listen_address(std::string_view("127.0.0.1\0:80", 13)));
}

TEST(ListenAddress, OverlapsWithItselfAndWithAllAddressesOfItsKind) {
  const auto overlapping = [](const char* left, const char* right) {
    return overlap(*parse_listen_address(left), *parse_listen_address(right));
  };
  EXPECT_TRUE(overlapping("127.0.0.1:80", "127.0.0.1:80"));
  EXPECT_TRUE(overlapping("*:80", "127.0.0.1:80"));
  EXPECT_TRUE(overlapping("127.0.0.1:80", "*:80"));
  EXPECT_FALSE(overlapping("*:80", "127.0.0.1:81"));
  EXPECT_FALSE(overlapping("127.0.0.1:80", "127.0.0.2:80"));
  EXPECT_FALSE(overlapping("127.0.0.1:80", "[::1]:80"));
  EXPECT_FALSE(overlapping("127.0.0.1:0", "127.0.0.1:0"));
}

TEST(PublicAddress, IsReadAndWrittenOneWay) {
  for (const auto& [text, canonical] : {
           std::pair{"http://127.0.0.1:4568", "http://127.0.0.1:4568"},
           {"HTTPS://Images.Example.Org/", "https://images.example.org"},
           {"https://[::1]:8443/visor//", "https://[::1]:8443/visor"},
           {"https://[::1]", "https://[::1]"},
       }) {
    const auto address = parse_public_address(text);
    ASSERT_TRUE(address) << text << ": " << address.error().message;
    EXPECT_EQ(*address, canonical);
  }
}

TEST(PublicAddress, IsRefusedWithWhatIsWrong) {
  for (const char* text :
       {"", "example.org", "ftp://example.org", "http://", "http:///x", "http://a:0", "http://a:x",
        "http://user:secret@a", "http://a?b", "http://a/?b", "http://a#b", "http://a/b c",
        "http://::1", "http://[::1", "http://a:99999", "://a", "http://1.2.3"}) {
    const auto address = parse_public_address(text);
    ASSERT_FALSE(address) << text;
    EXPECT_TRUE(address.error().message.contains("write http://HOST:PORT")) << text;
    EXPECT_FALSE(address.error().message.contains("secret"));
  }
}

}  // namespace
}  // namespace visor::app
