// HTTP/1.1 on the wire (RFC 9112): the head of a request and the framing of chunked bodies. No I/O,
// no clock.
//
// Strict where leniency lets two servers in a row see different requests: what is not exactly what
// the RFC allows is refused, so that nothing can be smuggled past a proxy in front.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "http/limits.h"
#include "http/message.h"

namespace visor::http {

/// Why a head was refused.
struct HeadFailure {
  int status = 0;           ///< 400, 414, 417, 431, 501 or 505
  std::string_view reason;  ///< a sentence for the client; static storage
};

/// Parses one request head. The outcome depends on the bytes alone, never on how they were split.
class HeadParser {
 public:
  explicit HeadParser(const Limits& limits) : limits_(limits) {}

  enum class Outcome { incomplete, complete, failed };

  /// `bytes` is everything that has arrived since the end of the previous request, with what
  /// earlier calls were given at its start. On `complete`, `head` holds the request and the body
  /// begins at `consumed()`.
  Outcome parse(std::string_view bytes, RequestHead& head);

  std::size_t consumed() const { return scanned_; }
  const HeadFailure& failure() const { return failure_; }

 private:
  Outcome fail(int status, std::string_view reason);
  Outcome parse_complete(std::string_view bytes, RequestHead& head);
  Outcome parse_request_line(std::string_view line, RequestHead& head);
  Outcome parse_target(RequestHead& head, std::string_view& authority);
  Outcome parse_fields(std::string_view lines, RequestHead& head, std::string_view authority);

  const Limits& limits_;
  std::size_t scanned_ = 0;     // the start of the first line that is not complete yet
  std::size_t request_at_ = 0;  // behind an empty line before the request, if there was one
  bool has_request_line_ = false;
  HeadFailure failure_;
};

/// Reads a head that is refused for its size to its end, to tell whose it is, and keeps little of
/// it: the beginning of each line.
class HeadSkimmer {
 public:
  explicit HeadSkimmer(const Limits& limits) : limits_(limits) {}

  /// The next bytes of the head; the first ones begin it.
  void feed(std::string_view bytes);
  /// Whether the head ended, or became so long that the rest does not matter.
  bool finished() const { return finished_; }
  std::string_view text() const { return text_; }

 private:
  const Limits& limits_;
  std::string text_;
  std::size_t seen_ = 0;
  std::size_t line_bytes_ = 0;  // of the current line, without a CR at its start
  bool has_line_ = false;
  bool finished_ = false;
};

/// Fills `head` with what can be made out of bytes that are no complete and valid head: the method,
/// and the fields that are whole. Enough to choose the words of a refusal; never to act on.
void make_out_head(std::string_view bytes, const Limits& limits, RequestHead& head);

/// Takes the framing off a chunked body. The trailer section is checked and dropped.
class ChunkDecoder {
 public:
  /// Reads framing up to the next data, the end of the body, or the end of `bytes`; gives how many
  /// bytes that were. After it, `data_left()` bytes of data follow, or `finished()`, or more
  /// framing is needed. Nothing if the framing is malformed.
  std::optional<std::size_t> read_framing(std::string_view bytes);

  /// Bytes of the current chunk that the caller still has to take.
  std::uint64_t data_left() const { return data_left_; }
  /// The caller took `count` bytes of data, at most data_left().
  void take(std::uint64_t count) { data_left_ -= count; }
  bool finished() const { return state_ == State::finished; }

 private:
  enum class State : std::uint8_t {
    size,
    extension,
    size_newline,
    data,
    data_newline,
    line_start,
    trailer_name,
    trailer_value,
    trailer_newline,
    end_newline,
    finished
  };
  bool step(unsigned char c);
  bool begin_data();

  State state_ = State::size;
  std::uint64_t data_left_ = 0;
  std::uint64_t size_ = 0;
  std::uint32_t digits_ = 0;
  std::uint32_t extension_bytes_ = 0;  // of this chunk
  std::uint32_t trailer_bytes_ = 0;
};

/// Whether `text` is a token (RFC 9110, 5.6.2) and has at least one character.
bool is_token(std::string_view text);
/// Whether `text` has no control character but the tab (RFC 9110, 5.5).
bool is_field_value(std::string_view text);

}  // namespace visor::http
