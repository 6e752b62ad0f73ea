// Lines of the audit log. What is written about a stranger's texts is one line that is read back as
// what happened and carries its seal; a line from a stranger is read or refused, and has no seal.
#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>

#include "audit/event.h"
#include "base/encoding.h"
#include "head_of_lines.h"

namespace {

using namespace visor;
using fuzz::require;

const audit::Seal& seal() {
  static const audit::Seal instance{Secret{std::string("a key for the lines of this program")}};
  return instance;
}

// Whether a line holds the text as it is: characters that JSON lets pass and a terminal obeys are
// replaced.
bool kept(std::string_view text) {
  while (!text.empty()) {
    const Utf8Character character = first_utf8_character(text);
    if (!character.valid || (character.code >= 0x7f && character.code < 0xa0)) return false;
    text.remove_prefix(character.length);
  }
  return true;
}

void check_text(const std::string& told, const std::string& read, std::size_t longest) {
  const bool plain = told.size() <= longest && kept(told);
  require(!plain || told == read);
  require(valid_utf8(read));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (!text.contains('\n')) {
    (void)audit::read_line(text);
    require(!audit::sealed(text, seal()));
  }

  audit::Event event;
  std::string_view rest = text;
  for (std::string* part :
       {&event.detail, &event.account, &event.from, &event.image, &event.request, &event.subject}) {
    const std::size_t end = std::min(rest.find('\n'), rest.size());
    *part = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  event.verb = "image.update";
  event.outcome = size % 2 == 0 ? audit::Outcome::done : audit::Outcome::refused;
  event.of = size;
  const audit::Link previous{7, std::string(64, 'a')};
  const std::string line = audit::write_line(event, Time{}, previous, seal());
  require(!line.contains('\n') && valid_utf8(line));
  for (const char c : line) require(static_cast<unsigned char>(c) >= 0x20 && c != 0x7f);
  require(audit::sealed(line, seal()));
  const auto read = audit::read_line(line);
  require(read && read->sequence == 8 && read->previous == previous.hash);
  require(read->verb == event.verb && read->outcome == to_string(event.outcome));
  check_text(event.detail, read->detail, audit::kLongestDetail);
  check_text(event.account, read->account, audit::kLongestText);
  check_text(event.from, read->from, audit::kLongestText);
  check_text(event.image, read->image, audit::kLongestText);
  check_text(event.request, read->request, audit::kLongestText);
  check_text(event.subject, read->subject, audit::kLongestText);
  return 0;
}
