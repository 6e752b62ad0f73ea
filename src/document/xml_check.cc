#include "document/xml_check.h"

#include <array>
#include <cstdint>

#include "base/encoding.h"
#include "document/place.h"
#include "document/xml_rules.h"

namespace visor::document {
namespace {

bool white(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

class Checker {
 public:
  Checker(std::string_view text, const Limits& limits) : text_(text), limits_(limits) {}

  std::optional<XmlFault> run() {
    if (!check_characters()) return fault_;
    if (text_.starts_with("\xef\xbb\xbf")) at_ = 3;
    while (at_ < text_.size()) {
      if (!(text_[at_] == '<' ? markup() : character_data())) return fault_;
    }
    if (depth_ != 0 || roots_ == 0) refuse(text_.size(), "it ends too early");
    return fault_;
  }

 private:
  bool refuse(std::size_t offset, std::string reason) {
    fault_ = XmlFault{offset, std::move(reason), false};
    return false;
  }

  bool check_characters() {
    std::size_t offset = 0;
    while (offset < text_.size()) {
      const Utf8Character character = first_utf8_character(text_.substr(offset));
      if (!character.valid) return refuse(offset, "the bytes are not UTF-8");
      if (!is_xml_character(character.code)) {
        return refuse(offset,
                      "XML cannot hold this character (percent-encode the text and give "
                      "its element the attribute encoding=\"percent\")");
      }
      offset += character.length;
    }
    return true;
  }

  bool starts(std::string_view word) const { return text_.substr(at_).starts_with(word); }

  bool skip_past(std::string_view end, std::size_t from) {
    const std::size_t found = text_.find(end, from);
    if (found == std::string_view::npos) return refuse(text_.size(), "it ends too early");
    at_ = found + end.size();
    return true;
  }

  bool markup() {
    if (starts("<!--")) return skip_past("-->", at_ + 4);
    if (starts("<?")) return skip_past("?>", at_ + 2);
    if (starts("<![CDATA[")) {
      if (depth_ == 0) return refuse(at_, "there is text outside of the root element");
      return skip_past("]]>", at_ + 9);
    }
    if (starts("<!")) {
      return refuse(at_,
                    "document type declarations (DOCTYPE) and other declarations are not "
                    "accepted");
    }
    return starts("</") ? closing_tag() : opening_tag();
  }

  bool closing_tag() {
    if (depth_ == 0) return refuse(at_, "an element ends that never began");
    --depth_;
    return skip_past(">", at_);
  }

  bool opening_tag() {
    const std::size_t begin = at_;
    if (depth_ == 0 && roots_++ > 0) return refuse(begin, "a second root element begins");
    if (depth_ == limits_.depth) {
      return refuse(begin,
                    "it is nested more than " + std::to_string(limits_.depth) + " levels deep");
    }
    if (++elements_ > limits_.values) {
      refuse(begin, "it has too many elements");
      fault_->too_large = true;
      return false;
    }
    char quote = 0;
    for (++at_; at_ < text_.size(); ++at_) {
      const char c = text_[at_];
      if (c == '<') return refuse(at_, "a tag is not closed before this '<'");
      if (quote != 0) {
        if (c == quote) quote = 0;
        if (c == '&' && !reference()) return false;
      } else if (c == '"' || c == '\'') {
        quote = c;
      } else if (c == '>') {
        if (text_[at_ - 1] != '/') ++depth_;
        ++at_;
        return true;
      }
    }
    return refuse(text_.size(), "it ends too early");
  }

  bool character_data() {
    for (; at_ < text_.size() && text_[at_] != '<'; ++at_) {
      if (depth_ == 0 && !white(text_[at_])) {
        return refuse(at_, "there is text outside of the root element");
      }
      if (text_[at_] == '&' && !reference()) return false;
    }
    return true;
  }

  /// Checks the reference that begins here and stops at its semicolon.
  bool reference() {
    static constexpr std::array<std::string_view, 5> kNames = {"amp", "lt", "gt", "quot", "apos"};
    constexpr std::size_t kLongest = 16;
    const std::size_t end = text_.substr(0, at_ + kLongest).find(';', at_);
    if (end == std::string_view::npos) {
      return refuse(at_, "a '&' must be written as &amp; unless it begins a reference");
    }
    const std::string_view name = text_.substr(at_ + 1, end - at_ - 1);
    bool known = false;
    for (const std::string_view each : kNames) known = known || name == each;
    if (!known && !(name.starts_with('#') && valid_number(name.substr(1)))) {
      return refuse(at_, "the entity " + quote_for_message(name) + " is not known here");
    }
    at_ = end;
    return true;
  }

  static bool valid_number(std::string_view digits) {
    const bool hex = digits.starts_with('x');
    if (hex) digits.remove_prefix(1);
    if (digits.empty()) return false;
    std::uint32_t code = 0;
    for (const char c : digits) {
      std::uint32_t value = 0;
      if (c >= '0' && c <= '9') {
        value = static_cast<std::uint32_t>(c - '0');
      } else if (hex && c >= 'a' && c <= 'f') {
        value = static_cast<std::uint32_t>(c - 'a') + 10;
      } else if (hex && c >= 'A' && c <= 'F') {
        value = static_cast<std::uint32_t>(c - 'A') + 10;
      } else {
        return false;
      }
      code = code * (hex ? 16 : 10) + value;
      if (code > 0x10ffff) return false;
    }
    return is_xml_character(code);
  }

  std::string_view text_;
  const Limits& limits_;
  std::size_t at_ = 0;
  std::size_t depth_ = 0;
  std::size_t roots_ = 0;
  std::size_t elements_ = 0;
  std::optional<XmlFault> fault_;
};

}  // namespace

std::optional<XmlFault> check_xml(std::string_view text, const Limits& limits) {
  return Checker(text, limits).run();
}

}  // namespace visor::document
