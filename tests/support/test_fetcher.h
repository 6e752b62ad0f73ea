// Fetchers that tests of outbound requests use, and short ways to call them.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "async/executor.h"
#include "fetch/fetch.h"
#include "support/scripted_server.h"

namespace visor::fetch {

using async::run_until_done;
using std::chrono::milliseconds;
using testing_support::field_of;
using testing_support::http_answer;
using testing_support::ScriptedConnection;
using testing_support::ScriptedServer;

inline Fetcher::Options quick() {
  return {.connect_timeout = milliseconds(120'000),
          .first_byte_timeout = milliseconds(120'000),
          .expect_timeout = milliseconds(120'000),
          .first_pause = milliseconds(1)};
}

inline std::unique_ptr<Fetcher> fetcher_for(std::vector<std::string> exceptions,
                                            Fetcher::Options options = quick(),
                                            Resolver resolver = system_resolver()) {
  auto guard =
      Guard::create({.exceptions = std::move(exceptions), .resolver = std::move(resolver)});
  auto fetcher = Fetcher::create(std::move(options), std::move(*guard));
  return std::move(*fetcher);
}

inline std::unique_ptr<Fetcher> fetcher_for(const ScriptedServer& server,
                                            Fetcher::Options options = quick()) {
  return fetcher_for({server.authority()}, std::move(options));
}

inline Result<std::unique_ptr<Response>> get(Fetcher& fetcher, std::string url,
                                             std::optional<RequestedRange> range = {},
                                             Conditions conditions = {}) {
  return run_until_done(fetcher.get(std::move(url), range, std::move(conditions)));
}

inline Result<std::string> body_of(Response& response) {
  return run_until_done(async::read_all(*response.body, 64 << 20));
}

inline Result<std::string> fetch(Fetcher& fetcher, std::string url) {
  auto response = get(fetcher, std::move(url));
  if (!response) return pass(response);
  return body_of(**response);
}

inline ScriptedServer::Script always(std::string text) {
  return [text = std::move(text)](ScriptedConnection& connection) {
    connection.read_head();
    connection.send(text);
  };
}

}  // namespace visor::fetch
