// A request that owns its texts, for tests.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "sign/request_head.h"

namespace visor::sign {

struct SignedRequest {
  std::string name;
  std::string method;
  std::string path;
  std::string query;
  std::string body;
  std::vector<std::pair<std::string, std::string>> headers;

  /// Views into this object: good until it changes.
  RequestHead head(bool secure = false) {
    views_.clear();
    for (const auto& [header, value] : headers) views_.push_back({header, value});
    return {method, path, query, views_, secure};
  }
  std::string& header(const std::string& wanted) {
    for (auto& [header, value] : headers) {
      if (header == wanted) return value;
    }
    return headers.emplace_back(wanted, "").second;
  }
  std::size_t header_count(const std::string& wanted) const {
    std::size_t count = 0;
    for (const auto& [header, value] : headers) count += header == wanted ? 1 : 0;
    return count;
  }
  BodyFacts facts() const { return {!body.empty(), body.size(), std::nullopt}; }

  std::vector<Header> views_{};
};

/// What Amazon's and botocore's vectors are signed with.
inline constexpr const char* kExampleKey = "AKIDEXAMPLE";
inline constexpr const char* kExampleSecret = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";

/// Requests that botocore signed, see make_vectors.py.
inline std::vector<SignedRequest> botocore_requests() {
  return {
#include "sign/testdata/vectors.inc"
  };
}

}  // namespace visor::sign
