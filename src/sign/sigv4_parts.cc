#include "sign/sigv4_parts.h"

#include <array>
#include <utility>

#include "base/encoding.h"
#include "sign/sigv4_canonical.h"

namespace visor::sign {
namespace {

// Texts percent-decoded: those with nothing to decode as they are, the others in `room`, which is
// at least as long as all of them and so stays where it is.
class Decoding {
 public:
  explicit Decoding(std::string& room) : room_(room) {}

  std::optional<std::string_view> operator()(std::string_view text) {
    if (text.find('%') == std::string_view::npos) return text;
    const auto decoded = percent_decode(text);
    if (!decoded) return std::nullopt;
    const std::size_t start = room_.size();
    room_ += *decoded;
    return std::string_view(room_).substr(start);
  }

 private:
  std::string& room_;
};

}  // namespace

std::unexpected<Error> malformed(std::string reason) {
  return fail(Code::unauthenticated, "The AWS signature cannot be read: " + std::move(reason) + ".",
              "sign.sigv4");
}

Result<Parts> parse_authorization(std::string_view authorization) {
  Parts parts;
  std::optional<Error> mistake;
  each_piece(authorization.substr(kSigV4Algorithm.size()), ',', [&](std::string_view item) {
    const std::string_view text = trim(item);
    const auto equals = text.find('=');
    const std::string_view name = text.substr(0, equals);
    std::optional<std::string_view>* slot = name == "Credential"      ? &parts.credential
                                            : name == "SignedHeaders" ? &parts.signed_headers
                                            : name == "Signature"     ? &parts.signature
                                                                      : nullptr;
    if (equals == std::string_view::npos) {
      mistake = malformed("a part of it has no '='").error();
    } else if (slot == nullptr) {
      mistake = malformed("it may have Credential, SignedHeaders and Signature, and nothing else")
                    .error();
    } else if (slot->has_value()) {
      mistake = malformed(std::string(name) + " stands there twice").error();
    } else {
      *slot = text.substr(equals + 1);
    }
    return !mistake;
  });
  if (mistake) return std::unexpected(std::move(*mistake));
  return parts;
}

Result<Parts> parse_query(std::string_view query, std::string& room) {
  Parts parts;
  const std::array<std::pair<std::string_view, std::optional<std::string_view>*>, 7> slots{{
      {"X-Amz-Credential", &parts.credential},
      {"X-Amz-SignedHeaders", &parts.signed_headers},
      {"X-Amz-Signature", &parts.signature},
      {"X-Amz-Algorithm", &parts.algorithm},
      {"X-Amz-Date", &parts.date},
      {"X-Amz-Expires", &parts.expires},
      {"X-Amz-Content-Sha256", &parts.content_sha256},
  }};
  room.reserve(query.size());
  Decoding decode(room);
  const char* const broken = "the query has a '%' without two hex digits behind it";
  std::optional<Error> mistake;
  each_piece(query, '&', [&](std::string_view pair) {
    const auto equals = pair.find('=');
    const auto name = decode(pair.substr(0, equals));
    if (!name) mistake = malformed(broken).error();
    if (!name || !name->starts_with(kParameterPrefix)) return !mistake;
    if (*name == "X-Amz-Security-Token") parts.token = true;
    for (const auto& [known, slot] : slots) {
      if (*name != known) continue;
      if (slot->has_value()) {
        mistake = malformed(std::string(*name) + " stands there twice").error();
        return false;
      }
      const auto value =
          decode(equals == std::string_view::npos ? std::string_view{} : pair.substr(equals + 1));
      if (!value) {
        mistake = malformed(broken).error();
        return false;
      }
      *slot = *value;
    }
    return true;
  });
  if (mistake) return std::unexpected(std::move(*mistake));
  return parts;
}

}  // namespace visor::sign
