#include "sign/signing_keys.h"

#include <gtest/gtest.h>

#include <string>
#include <thread>
#include <vector>

namespace visor::sign {
namespace {

const Secret kSecret("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY");

CredentialScope scope_of(int day) { return {std::to_string(20260301 + day), "us-east-1", "visor"}; }

TEST(SigningKeys, AreThoseThatAreDerivedAnew) {
  const SigningKeys keys(kSecret);
  for (const int day : {0, 1, 0, 2, 3, 4, 5, 0, 5}) {
    EXPECT_EQ(*keys.key(scope_of(day)), signing_key(kSecret, scope_of(day))) << day;
  }
}

TEST(SigningKeys, AreRememberedForTheScopesInUse) {
  const SigningKeys keys(kSecret);
  const auto first = keys.key(scope_of(0));
  EXPECT_EQ(keys.key(scope_of(0)), first);
  keys.key(scope_of(1));
  EXPECT_EQ(keys.key(scope_of(0)), first);
}

TEST(SigningKeys, DifferInEachPartOfTheScope) {
  const SigningKeys keys(kSecret);
  const CredentialScope scope = scope_of(0);
  const auto key = keys.key(scope);
  EXPECT_FALSE(*keys.key({scope.date, "eu-west-1", scope.service}) == *key);
  EXPECT_FALSE(*keys.key({scope.date, scope.region, "s3"}) == *key);
}

TEST(SigningKeys, ServeManyThreads) {
  const SigningKeys keys(kSecret);
  std::vector<std::jthread> threads;
  for (int thread = 0; thread < 4; ++thread) {
    threads.emplace_back([&keys, thread] {
      for (int i = 0; i < 100; ++i) {
        const CredentialScope scope = scope_of((thread + i) % 6);
        EXPECT_EQ(*keys.key(scope), signing_key(kSecret, scope));
      }
    });
  }
}

}  // namespace
}  // namespace visor::sign
