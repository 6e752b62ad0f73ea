#include "app/access_log.h"

#include <array>
#include <charconv>
#include <chrono>
#include <string_view>

#include "base/log.h"

namespace visor::app {
namespace {

using Digits = std::array<char, 24>;

template <class Number>
std::string_view text_of(Number number, Digits& digits) {
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), number).ptr;
  return {digits.data(), end};
}

}  // namespace

void log_request(const http::RequestRecord& record) {
  if (!log::enabled(log::Level::info)) return;
  const auto micros = std::chrono::duration_cast<std::chrono::microseconds>(record.duration);
  Digits status;
  Digits in;
  Digits out;
  Digits us;
  log::write_soon(log::Level::info, "request",
                  {{"method", record.method},
                   {"path", record.path},
                   {"status", text_of(record.status, status)},
                   {"in", text_of(record.bytes_in, in)},
                   {"out", text_of(record.bytes_out, out)},
                   {"us", text_of(micros.count(), us)},
                   {"peer", record.peer},
                   {"user", record.user},
                   {"id", record.id},
                   {"complete", record.complete ? "yes" : "no"}});
}

}  // namespace visor::app
