// S3 stores over servers of tests. For the tests of src/store/s3.
#pragma once

#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "async/executor.h"
#include "store/s3/part_memory.h"
#include "store/s3/s3_bucket.h"
#include "store/s3/s3_store.h"
#include "support/fake_s3.h"

namespace visor::store {

using testing_support::FakeS3;
using testing_support::FakeS3Request;

/// Options that reach `server`, with a clock that stands and no long pauses.
inline S3Options options_for(const FakeS3& server, std::string_view dialect = "s3") {
  static const ManualClock clock(server.rules().now);
  S3Options options = *s3_dialect(dialect);
  options.tls = false;
  options.host = server.host_name;
  options.port = server.port();
  options.bucket = server.rules().bucket;
  options.access_key = server.rules().access_key;
  options.secret_key = Secret(server.rules().secret);
  options.first_pause = std::chrono::milliseconds(1);
  options.connect_timeout = std::chrono::milliseconds(60'000);
  options.answer_timeout = std::chrono::milliseconds(120'000);
  options.rate_period = std::chrono::milliseconds(120'000);
  options.part_size = std::uint64_t{5} << 20;
  options.clock = &clock;
  options.resolver = [](const std::string&) -> Result<std::vector<fetch::Address>> {
    return std::vector<fetch::Address>{*fetch::Address::parse("127.0.0.1")};
  };
  return options;
}

inline std::unique_ptr<S3Store> store_for(S3Options options) {
  auto store = S3Store::create(std::move(options));
  return store ? std::move(*store) : nullptr;
}

}  // namespace visor::store
