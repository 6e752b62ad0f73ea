// Thousands of requests that are nearly right: none may pass.
#include <gtest/gtest.h>

#include <functional>
#include <set>

#include "base/digest.h"
#include "base/encoding.h"
#include "sign/sigv4.h"
#include "sign/sigv4_signer.h"
#include "sign/testdata/signed_request.h"
#include "sign/visor_scheme.h"

namespace visor::sign {
namespace {

const Secret kSecret{std::string(kExampleSecret)};
const Time kNow = *parse_basic_time("20260314T150926Z");

bool accepted_sigv4(SignedRequest request) {
  SigV4Rules rules;
  rules.unsigned_payload = UnsignedPayload::allowed;
  const RequestHead head = request.head();
  auto claim = read_sigv4(head, rules, kNow);
  if (!claim || claim->access_key != kExampleKey) return false;
  BodyFacts facts = request.facts();
  if (facts.has_body) facts.sha256 = digest_hex(DigestAlgorithm::sha256, request.body);
  return verify_sigv4(head, rules, *claim, facts, kSecret).has_value();
}

bool accepted_visor(SignedRequest request) {
  const RequestHead head = request.head();
  const auto authorization = head.single("authorization");
  if (!authorization || !*authorization) return false;
  const auto claim = parse_visor_authorization(**authorization);
  if (!claim || claim->access_key != kExampleKey) return false;
  if (!check_visor_date(head, kNow, kDefaultWindow)) return false;
  return verify_visor(head, request.facts().has_body, *claim, kSecret).has_value();
}

using Forgeries = std::vector<std::pair<std::string, SignedRequest>>;

void flip_each(const std::string& what, const SignedRequest& original,
               std::string& (*part)(SignedRequest&), std::size_t from, std::size_t count,
               Forgeries& out) {
  SignedRequest probe = original;
  const std::size_t end = std::min(part(probe).size(), from + count);
  for (std::size_t i = from; i < end; ++i) {
    for (const int bit : {0, 2, 5}) {
      SignedRequest forged = original;
      part(forged)[i] = static_cast<char>(part(forged)[i] ^ (1 << bit));
      // "%2F" as "%2f" is the same request in another spelling.
      if (percent_decode(part(forged)) == percent_decode(part(probe))) continue;
      out.emplace_back(what + " byte " + std::to_string(i), std::move(forged));
    }
  }
}

std::string& authorization_of(SignedRequest& request) { return request.header("Authorization"); }
std::string& query_of(SignedRequest& request) { return request.query; }
std::string& path_of(SignedRequest& request) { return request.path; }
std::string& body_of(SignedRequest& request) { return request.body; }

void change_head(const SignedRequest& original, Forgeries& out) {
  const auto add = [&](const char* what, const std::function<void(SignedRequest&)>& change) {
    SignedRequest forged = original;
    change(forged);
    out.emplace_back(what, std::move(forged));
  };
  add("another method", [](auto& one) { one.method = one.method == "GET" ? "DELETE" : "GET"; });
  add("a longer path", [](auto& one) { one.path += "/x"; });
  add("a path outside", [](auto& one) { one.path = "/users/root"; });
  add("a path with a NUL", [](auto& one) { one.path += '\0'; });
  add("an added attribute", [](auto& one) { one.header("x-image-meta-access") = "public"; });
  add("an attribute with underscores",
      [](auto& one) { one.header("x_image_meta_access") = "public"; });
  add("no headers", [](auto& one) { one.headers.clear(); });
  add("an empty authorization", [](auto& one) { one.header("Authorization") = ""; });
}

TEST(Forgery, NoBotocoreRequestWithAFlippedBitOrAnotherHeadIsAccepted) {
  Forgeries forgeries;
  for (const SignedRequest& original : botocore_requests()) {
    ASSERT_TRUE(accepted_sigv4(original)) << original.name;
    SignedRequest probe = original;
    const bool presigned = is_presigned(original.query);
    if (!presigned) flip_each("authorization", original, authorization_of, 0, 400, forgeries);
    flip_each("query", original, query_of, 0, 600, forgeries);
    flip_each("path", original, path_of, 0, 100, forgeries);
    flip_each("body", original, body_of, 0, 10, forgeries);
    change_head(original, forgeries);
    SignedRequest more = original;
    more.query += more.query.empty() ? "a=1" : "&a=1";
    forgeries.emplace_back("an added parameter", more);
    std::string& carrier = presigned ? probe.query : authorization_of(probe);
    const std::string whole = carrier;
    for (std::size_t cut = 1; cut < 70; ++cut) {
      carrier = whole.substr(0, whole.size() - cut);
      forgeries.emplace_back("cut by " + std::to_string(cut), probe);
    }
    carrier = whole + "0";
    forgeries.emplace_back("one digit more", probe);
    if (!presigned && original.header_count("X-Amz-Date") > 0) {
      SignedRequest later = original;
      later.header("X-Amz-Date") = "20260314T150927Z";
      forgeries.emplace_back("another second", later);
    }
    if (!presigned) {
      SignedRequest longer = original;
      longer.body += "more";
      forgeries.emplace_back("a longer body", longer);
    }
  }
  EXPECT_GT(forgeries.size(), 5000U);
  for (auto& [what, forged] : forgeries) {
    EXPECT_FALSE(accepted_sigv4(forged))
        << forged.name << ": " << what << "\n"
        << forged.method << " " << forged.path << "?" << forged.query;
  }
}

std::vector<SignedRequest> visor_requests() {
  std::vector<SignedRequest> requests{
      {"list", "GET", "/images", "", "", {}},
      {"register",
       "POST",
       "/images",
       "",
       "",
       {{"x-image-meta-name", "Debian 12"}, {"X-Image-Meta-Architecture", "x86_64"}}},
      {"upload",
       "PUT",
       "/images/1",
       "",
       "data",
       {{"Content-Type", "application/octet-stream"},
        {"Content-MD5", "jXd/OF09/siBXSD3SWAm3A=="}}}};
  for (SignedRequest& request : requests) {
    request.headers.emplace_back("Date", "Sat, 14 Mar 2026 15:09:26 GMT");
    auto value = sign_visor(request.head(), request.facts().has_body, kExampleKey, kSecret);
    EXPECT_TRUE(value);
    request.headers.emplace_back("Authorization", value.value_or(""));
  }
  return requests;
}

TEST(Forgery, NoVisorRequestWithAFlippedBitOrAnotherHeadIsAccepted) {
  Forgeries forgeries;
  for (const SignedRequest& original : visor_requests()) {
    ASSERT_TRUE(accepted_visor(original)) << original.name;
    flip_each("authorization", original, authorization_of, 0, 200, forgeries);
    flip_each("path", original, path_of, 0, 100, forgeries);
    change_head(original, forgeries);
    SignedRequest later = original;
    later.header("Date") = "Sat, 14 Mar 2026 15:09:27 GMT";
    forgeries.emplace_back("another second", later);
    SignedRequest old = original;
    old.header("Date") = "Sat, 14 Mar 2026 14:09:26 GMT";
    forgeries.emplace_back("another hour", old);
    SignedRequest typed = original;
    typed.header("Content-Type") = "text/plain";
    forgeries.emplace_back("another type", typed);
    SignedRequest digested = original;
    digested.header("Content-MD5") = "XUFAKrxLKna5cZ2REBfFkg==";
    forgeries.emplace_back("another Content-MD5", digested);
    SignedRequest cut = original;
    while (authorization_of(cut).size() > 1) {
      authorization_of(cut).pop_back();
      forgeries.emplace_back("cut", cut);
    }
  }
  EXPECT_GT(forgeries.size(), 500U);
  for (auto& [what, forged] : forgeries) {
    EXPECT_FALSE(accepted_visor(forged)) << forged.name << ": " << what;
  }
}

}  // namespace
}  // namespace visor::sign
