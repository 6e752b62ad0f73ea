// Byte ranges (RFC 9110, 14) and conditional requests (RFC 9110, 13).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "http/message.h"

namespace visor::http {

struct ResolvedRange {
  std::uint64_t offset = 0;
  std::uint64_t length = 0;
};

enum class RangeOutcome {
  whole,    ///< no range, one that is to be ignored (malformed, another unit, several ranges): 200
  partial,  ///< 206
  unsatisfiable,  ///< 416
};

/// Resolves a Range value against a size. Suffix ranges and an end past the last byte are cut to
/// what there is. Several ranges are ignored, as RFC 9110 allows: nothing can be amplified by
/// overlaps.
RangeOutcome resolve_range(std::optional<std::string_view> range, std::uint64_t size,
                           ResolvedRange& resolved);

/// `bytes 0-9/100` and, for 416, `bytes */100`.
std::string content_range(const ResolvedRange& range, std::uint64_t size);
std::string unsatisfied_content_range(std::uint64_t size);

/// What is being asked for, as the preconditions see it. `etag` with its quotes.
struct Validators {
  std::string etag;
  std::optional<Time> last_modified;
};

enum class Condition { proceed, not_modified, failed };

/// If-Match, If-None-Match, If-Modified-Since and If-Unmodified-Since in the order of RFC
/// 9110, 13.2.2 (GET and HEAD give not_modified, others failed).
Condition evaluate_conditions(const RequestHead& head, const Validators& validators);

/// Whether a Range may be honoured under the request's If-Range (true without one).
bool range_applies(const RequestHead& head, const Validators& validators);

}  // namespace visor::http
