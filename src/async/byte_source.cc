#include "async/byte_source.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

namespace visor::async {
namespace {

class TextSource final : public ByteSource {
 public:
  explicit TextSource(std::string text) : text_(std::move(text)) {}
  std::optional<std::uint64_t> size() const override { return text_.size(); }
  Task<Result<std::size_t>> read(std::span<std::byte> into) override {
    const std::size_t count = std::min(into.size(), text_.size() - position_);
    if (count > 0) std::memcpy(into.data(), text_.data() + position_, count);
    position_ += count;
    co_return count;
  }

 private:
  std::string text_;
  std::size_t position_ = 0;
};

}  // namespace

std::unique_ptr<ByteSource> text_source(std::string text) {
  return std::make_unique<TextSource>(std::move(text));
}

Task<Result<std::string>> read_all(ByteSource& source, std::size_t limit) {
  std::string text;
  const auto too_large = [limit] {
    return fail(Code::too_large,
                "the body is larger than the " + std::to_string(limit) + " bytes allowed here");
  };
  if (source.size() && *source.size() > limit) co_return too_large();
  std::array<std::byte, 8192> slice;
  while (true) {
    const std::span<std::byte> into(slice);
    Result<std::size_t> count = co_await source.read(into);
    if (!count) co_return pass(count);
    if (*count == 0) co_return text;
    if (text.size() + *count > limit) co_return too_large();
    text.append(reinterpret_cast<const char*>(slice.data()), *count);
  }
}

Task<Result<std::size_t>> read_full(ByteSource& source, std::span<std::byte> into) {
  std::size_t filled = 0;
  while (filled < into.size()) {
    const std::span<std::byte> rest = into.subspan(filled);
    Result<std::size_t> count = co_await source.read(rest);
    if (!count) co_return pass(count);
    if (*count == 0) break;
    filled += *count;
  }
  co_return filled;
}

}  // namespace visor::async
