// Requests made by hand, for tests of what reads them.
#pragma once

#include <algorithm>
#include <cctype>
#include <deque>
#include <initializer_list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "async/byte_source.h"
#include "http/message.h"

namespace visor::http {

/// A request without a socket: its head, and a body that tells whether anybody asked for it.
class TestRequest {
 public:
  using Fields = std::initializer_list<std::pair<std::string_view, std::string_view>>;

  TestRequest(std::string_view method, std::string_view target, Fields fields = {}) {
    head.method = keep(method);
    head.target = keep(target);
    const std::size_t question = std::min(head.target.find('?'), head.target.size());
    head.path = head.target.substr(0, question);
    head.query = head.target.substr(std::min(question + 1, head.target.size()));
    for (const auto& [name, value] : fields) with(name, value);
  }

  TestRequest& with(std::string_view name, std::string_view value) {
    head.fields.push_back({keep(name), keep(value)});
    return *this;
  }

  /// A body with its length.
  TestRequest& body(std::string text) {
    head.content_length = text.size();
    with("Content-Length", std::to_string(text.size()));
    source_.text = std::move(text);
    source_.known = true;
    return *this;
  }
  TestRequest& chunked(std::string text) {
    head.chunked = true;
    with("Transfer-Encoding", "chunked");
    source_.text = std::move(text);
    return *this;
  }
  /// A body that breaks off behind its text.
  TestRequest& breaking(std::string text) {
    chunked(std::move(text));
    source_.breaks = true;
    return *this;
  }
  /// Exchanges the body behind the head's back.
  void replace_body(std::string text) {
    head.content_length = text.size();
    source_.text = std::move(text);
    source_.known = true;
  }
  TestRequest& data(std::string text) {
    return with("Content-Type", "application/octet-stream").body(std::move(text));
  }

  Request request() {
    return {head, source_, "request-1", "192.0.2.7", "127.0.0.1:4568", false, {}};
  }
  const std::string& text() const { return source_.text; }
  bool body_was_read() const { return source_.was_read; }

  RequestHead head;

 private:
  struct Source : async::ByteSource {
    std::string text;
    std::size_t taken = 0;
    bool known = false;
    bool breaks = false;
    bool was_read = false;

    std::optional<std::uint64_t> size() const override {
      return known ? std::optional<std::uint64_t>(text.size()) : std::nullopt;
    }
    async::Task<Result<std::size_t>> read(std::span<std::byte> into) override {
      was_read = true;
      const std::size_t count = std::min(into.size(), text.size() - taken);
      std::copy_n(reinterpret_cast<const std::byte*>(text.data()) + taken, count, into.begin());
      taken += count;
      if (count == 0 && breaks) co_return fail(Code::cancelled, "the client went away");
      co_return count;
    }
  };

  std::string_view keep(std::string_view text) { return texts_.emplace_back(text); }

  std::deque<std::string> texts_;
  Source source_;
};

/// A response's header; empty if it is not there.
inline bool same_field(std::string_view left, std::string_view right) {
  return std::ranges::equal(left, right, [](unsigned char a, unsigned char b) {
    return std::tolower(a) == std::tolower(b);
  });
}

/// An answer's header, prepared or not; empty if there is none.
inline std::string header_of(const Response& response, std::string_view name) {
  for (const auto& [candidate, value] : response.fields) {
    if (same_field(candidate, name)) return value;
  }
  std::string_view lines = response.prepared ? response.prepared->fields : std::string_view();
  while (!lines.empty()) {
    const std::string_view line = lines.substr(0, lines.find("\r\n"));
    lines.remove_prefix(line.size() + 2);
    const std::size_t colon = line.find(": ");
    if (same_field(line.substr(0, colon), name)) return std::string(line.substr(colon + 2));
  }
  return {};
}

}  // namespace visor::http
