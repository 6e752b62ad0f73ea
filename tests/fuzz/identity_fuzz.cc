// What the identity interface and Keystone's answers bring: a token's text that is read is the one
// that its content is written as; a login, an application credential and Keystone's word on a token
// are read or refused with a sentence that is safe to show. The first byte says which of them.
#include <cstdint>
#include <string>
#include <string_view>

#include "auth/keystone_token.h"
#include "auth/token_text.h"
#include "base/encoding.h"
#include "front/identity/login_request.h"
#include "head_of_lines.h"

namespace {

using namespace visor;
using fuzz::require;

void require_sentence(const Error& error) {
  require(!error.message.empty() && error.message.size() < 4096);
  require(valid_utf8(error.message));
}

void read_token_text(std::string_view text) {
  const auto read = auth::read_token(text);
  if (!read) return;
  const Secret key("a key");
  const std::string written = auth::write_token(read->token, key);
  const auto again = auth::read_token(written);
  require(again && again->token == read->token);
  require(again->seal == auth::token_seal(again->sealed, key));
}

void read_login(std::string_view text) {
  const auto login = front::identity::read_login(text);
  if (!login) return require_sentence(login.error());
  require(front::identity::claimed_by(*login).size() <= text.size());
}

void read_credential(std::string_view text) {
  const auto wanted = front::identity::read_credential(text);
  if (!wanted) return require_sentence(wanted.error());
  require(wanted->credential.id.empty() && wanted->credential.account.empty());
}

void read_keystone(std::string_view text) {
  const auto token = auth::read_keystone_token(text);
  if (!token) return require_sentence(token.error());
  const auto who = auth::principal_of(*token, {});
  if (!who) return require_sentence(who.error());
  require(!who->anonymous());
  require(!(who->administrator && who->read_only));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data + 1), size - 1);
  switch (data[0]) {
    case 't':
      read_token_text(text);
      break;
    case 'l':
      read_login(text);
      break;
    case 'c':
      read_credential(text);
      break;
    default:
      read_keystone(text);
  }
  return 0;
}
