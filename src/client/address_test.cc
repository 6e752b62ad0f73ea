#include "client/address.h"

#include <gtest/gtest.h>

namespace visor::client {
namespace {

std::string url_of(std::string_view text, std::optional<std::uint16_t> port = {}) {
  const auto address = parse_address(text, port);
  return address ? address->url() : "refused: " + address.error().message;
}

TEST(Address, IsReadFromHostHostWithPortAndUrl) {
  EXPECT_EQ(url_of("images.example.org"), "http://images.example.org:4568");
  EXPECT_EQ(url_of("images.example.org:80"), "http://images.example.org:80");
  EXPECT_EQ(url_of("http://10.0.0.1:8080/"), "http://10.0.0.1:8080");
  EXPECT_EQ(url_of("https://images.example.org"), "https://images.example.org:443");
  EXPECT_EQ(url_of("http://images.example.org"), "http://images.example.org:4568");
  EXPECT_EQ(url_of("HTTPS://images.example.org/visor/"), "https://images.example.org:443/visor");
}

TEST(Address, TakesIpv6WithAndWithoutBrackets) {
  EXPECT_EQ(url_of("::1"), "http://[::1]:4568");
  EXPECT_EQ(url_of("[::1]:99"), "http://[::1]:99");
  EXPECT_EQ(url_of("https://[fe80::1]"), "https://[fe80::1]:443");
}

TEST(Address, APortInTheTextBeatsTheOneGivenBeside) {
  EXPECT_EQ(url_of("localhost", 9000), "http://localhost:9000");
  EXPECT_EQ(url_of("localhost:1", 9000), "http://localhost:1");
}

TEST(Address, LeavesTheSchemesOwnPortOutOfTheHostHeader) {
  EXPECT_EQ(parse_address("https://a")->host_header(), "a");
  EXPECT_EQ(parse_address("a:80")->host_header(), "a");
  EXPECT_EQ(parse_address("::1")->host_header(), "[::1]:4568");
}

TEST(Address, RefusesWhatIsNoAddressAndSaysWhatIs) {
  for (const char* text : {"", ":", "a:", "a:0", "a:65536", "a:x", "ftp://a", "http://", "[::1",
                           "[::1]x", "a b", "http://key:secret@a", "a/b?c", "a\nb"}) {
    const auto address = parse_address(text);
    EXPECT_FALSE(address) << text;
    if (!address) {
      EXPECT_EQ(address.error().code, Code::invalid);
    }
  }
}

TEST(Address, NeverRepeatsASecretThatWasPutIntoIt) {
  const auto address = parse_address("http://key:hunter2@host");
  ASSERT_FALSE(address);
  EXPECT_FALSE(address.error().message.contains("hunter2"));
}

TEST(Address, KnowsWhatIsOnThisMachine) {
  EXPECT_TRUE(parse_address("127.0.0.1")->loopback());
  EXPECT_TRUE(parse_address("localhost")->loopback());
  EXPECT_TRUE(parse_address("::1")->loopback());
  EXPECT_FALSE(parse_address("example.org")->loopback());
}

}  // namespace
}  // namespace visor::client
