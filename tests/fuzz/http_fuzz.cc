// A head and a chunked body mean the same however they are split, and what is accepted is what the
// framing allows.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "http/codec.h"

namespace {

using visor::http::ChunkDecoder;
using visor::http::Field;
using visor::http::HeadParser;
using visor::http::Limits;
using visor::http::RequestHead;
using Outcome = HeadParser::Outcome;

void require(bool condition) {
  if (!condition) std::abort();
}

// Where to cut next: the input itself decides.
class Cuts {
 public:
  explicit Cuts(std::string_view seed) : seed_(seed) {}
  std::size_t next() {
    if (seed_.empty()) return SIZE_MAX;
    const auto byte = static_cast<unsigned char>(seed_[position_++ % seed_.size()]);
    return 1 + byte % 61;
  }

 private:
  std::string_view seed_;
  std::size_t position_ = 0;
};

struct Read {
  Outcome outcome = Outcome::incomplete;
  int status = 0;
  std::size_t consumed = 0;
  friend bool operator==(const Read&, const Read&) = default;
};

Read read_head(std::string_view bytes, Cuts cuts, const Limits& limits, RequestHead& head) {
  HeadParser parser(limits);
  Read read;
  std::size_t size = 0;
  while (read.outcome == Outcome::incomplete && size < bytes.size()) {
    size += std::min(cuts.next(), bytes.size() - size);
    const std::vector<char> arrived(bytes.begin(),
                                    bytes.begin() + static_cast<std::ptrdiff_t>(size));
    read.outcome = parser.parse({arrived.data(), arrived.size()}, head);
  }
  if (read.outcome == Outcome::failed) read.status = parser.failure().status;
  if (read.outcome == Outcome::complete) read.consumed = parser.consumed();
  return read;
}

void check_head(const RequestHead& head, const Limits& limits) {
  require(!head.method.empty() && !head.path.empty());
  require(head.target.size() <= limits.uri_bytes && head.fields.size() <= limits.fields);
  require(!(head.chunked && head.content_length));
  require(head.minor_version == 0 || head.count("host") == 1);
  require(head.count("content-length") <= 1 && head.count("transfer-encoding") <= 1);
  const char* begin = head.storage.data();
  const char* end = begin + head.storage.size();
  for (const Field& field : head.fields) {
    require(visor::http::is_token(field.name) && visor::http::is_field_value(field.value));
    require(field.name.data() >= begin && field.value.data() + field.value.size() <= end);
  }
}

struct Body {
  bool failed = false;
  bool finished = false;
  std::string text;
  friend bool operator==(const Body&, const Body&) = default;
};

Body read_body(std::string_view bytes, Cuts cuts) {
  ChunkDecoder decoder;
  Body body;
  std::string pending;
  while (!bytes.empty() && !decoder.finished()) {
    const std::size_t size = std::min(cuts.next(), bytes.size());
    pending += bytes.substr(0, size);
    bytes.remove_prefix(size);
    std::size_t before = 0;
    do {
      before = pending.size();
      const auto used = decoder.read_framing(pending);
      if (!used) {
        body.failed = true;
        return body;
      }
      require(*used <= pending.size());
      pending.erase(0, *used);
      const auto data = std::min<std::uint64_t>(decoder.data_left(), pending.size());
      body.text += pending.substr(0, data);
      pending.erase(0, data);
      decoder.take(data);
    } while (!pending.empty() && pending.size() < before && !decoder.finished());
    require(pending.empty() || decoder.finished());
  }
  body.finished = decoder.finished();
  return body;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 8) return 0;
  // The first bytes say how to cut the others.
  const std::string_view all(reinterpret_cast<const char*>(data), size);
  const std::string_view seed = all.substr(0, 7);
  const std::string_view bytes = all.substr(7);
  Limits limits;
  limits.head_bytes = 2048;
  limits.uri_bytes = 256;
  limits.fields = 16;

  RequestHead whole;
  RequestHead cut;
  const Read at_once = read_head(bytes, Cuts({}), limits, whole);
  require(at_once == read_head(bytes, Cuts(seed), limits, cut));
  std::size_t body_at = 0;
  if (at_once.outcome == Outcome::complete) {
    check_head(whole, limits);
    require(whole.storage == cut.storage && whole.fields.size() == cut.fields.size());
    body_at = at_once.consumed;
  }
  const std::string_view rest = bytes.substr(body_at);
  const Body body = read_body(rest, Cuts({}));
  const Body body_cut = read_body(rest, Cuts(seed));
  require(body.failed == body_cut.failed);
  require(body.failed || body == body_cut);
  return 0;
}
