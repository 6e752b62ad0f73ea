// Private to this folder: a session's request, as its loop's thread may look at it.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

#include "http/live_requests.h"
#include "http/message.h"
#include "http/request_body.h"
#include "net/transport.h"

namespace visor::http {

/// The request that a session is busy with. Written by the session and read by others on the same
/// loop, so it needs no lock; it costs a request a few stores.
struct UnderWay {
  net::Transport* transport = nullptr;
  const RequestHead* head = nullptr;
  const std::string* id = nullptr;
  const Request* request = nullptr;   ///< while the handler works and the answer is sent
  const RequestBody* body = nullptr;  ///< as long as `request`
  std::chrono::steady_clock::time_point began{};
  std::uint64_t sent_before = 0;
  Stage stage = Stage::head;
  bool self_contained = false;
  bool head_complete = false;

  LiveRequest snapshot() const {
    LiveRequest shown;
    shown.id = *id;
    shown.peer = transport->peer_address();
    shown.stage = stage;
    shown.self_contained = self_contained;
    shown.age = std::chrono::steady_clock::now() - began;
    shown.bytes_out = transport->bytes_sent() - sent_before;
    if (!head_complete) return shown;
    shown.method = head->method;
    shown.target = without_secrets(head->target);
    shown.has_body = head->has_body();
    if (request == nullptr) return shown;
    shown.user = request->user;
    shown.bytes_in = body->bytes_read();
    if (stage == Stage::working && body->receiving()) shown.stage = Stage::body;
    return shown;
  }
};

}  // namespace visor::http
