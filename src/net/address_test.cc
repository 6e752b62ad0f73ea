#include "net/address.h"

#include <gtest/gtest.h>

#include <array>

#include "net/connection_caps.h"

namespace visor::net {
namespace {

TEST(ParseAddress, ReadsWhatPeopleWrite) {
  const auto text = [](const char* address) {
    const auto parsed = parse_address(address);
    return parsed ? parsed->text() : "error";
  };
  EXPECT_EQ(text("127.0.0.1:4568"), "127.0.0.1:4568");
  EXPECT_EQ(text("[::1]:80"), "[::1]:80");
  EXPECT_EQ(text("[2001:db8::1]:0"), "[2001:db8::1]:0");
  EXPECT_EQ(text("*:65535"), "0.0.0.0:65535");
  EXPECT_EQ(text(":80"), "0.0.0.0:80");
  EXPECT_EQ(text("localhost:80"), "127.0.0.1:80");
  for (const char* wrong :
       {"", "127.0.0.1", "127.0.0.1:", "127.0.0.1:x", "127.0.0.1:65536", "127.0.0.1:-1", "::1:80",
        "[::1]", "[::1:80", "[127.0.0.1]:80", "[]:80"}) {
    EXPECT_EQ(text(wrong), "error") << wrong;
  }
}

TEST(ParseAddress, SaysWhatIsWrong) {
  EXPECT_EQ(parse_address("here").error().message,
            "\"here\" is no address to listen on; write it as address:port, for example "
            "127.0.0.1:4568, [::1]:4568 or *:4568");
}

TEST(Address, KnowsLoopbackAndShowsMappedAddressesAsIPv4) {
  EXPECT_TRUE(parse_address("127.8.0.1:1")->loopback());
  EXPECT_TRUE(parse_address("[::1]:1")->loopback());
  EXPECT_TRUE(parse_address("[::ffff:127.0.0.1]:1")->loopback());
  EXPECT_FALSE(parse_address("10.0.0.1:1")->loopback());
  EXPECT_FALSE(parse_address("[::2]:1")->loopback());
  EXPECT_EQ(parse_address("[::ffff:10.1.2.3]:1")->host_text(), "10.1.2.3");
  EXPECT_EQ(parse_address("[::ffff:10.1.2.3]:1")->host_key(),
            parse_address("10.1.2.3:9")->host_key());
}

TEST(ConnectionCaps, CountInAllAndByAddress) {
  using Refusal = ConnectionCaps::Refusal;
  ConnectionCaps caps({3, 2, false});
  const Address one = *parse_address("10.0.0.1:1");
  const Address two = *parse_address("10.0.0.2:1");
  std::array<ConnectionCaps::Permit, 4> permits;
  EXPECT_EQ(caps.admit(one, false, permits[0]), Refusal::none);
  EXPECT_EQ(caps.admit(one, false, permits[1]), Refusal::none);
  EXPECT_EQ(caps.admit(one, false, permits[2]), Refusal::per_address);
  EXPECT_EQ(caps.connections(), 2U);
  EXPECT_EQ(caps.admit(two, false, permits[2]), Refusal::none);
  EXPECT_EQ(caps.admit(two, false, permits[3]), Refusal::total);
  EXPECT_EQ(caps.admit(two, true, permits[3]), Refusal::none);
  EXPECT_EQ(caps.connections(), 4U);
  permits[0] = {};
  permits[3] = {};
  EXPECT_EQ(caps.connections(), 2U);
  EXPECT_EQ(caps.admit(one, false, permits[0]), Refusal::none);
}

TEST(ConnectionCaps, LeaveLoopbackOutOfTheCountByAddress) {
  ConnectionCaps caps({10, 1, false});
  const Address local = *parse_address("127.0.0.1:1");
  std::array<ConnectionCaps::Permit, 2> permits;
  EXPECT_EQ(caps.admit(local, false, permits[0]), ConnectionCaps::Refusal::none);
  EXPECT_EQ(caps.admit(local, false, permits[1]), ConnectionCaps::Refusal::none);
}

}  // namespace
}  // namespace visor::net
