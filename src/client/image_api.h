// The OpenStack Image API v2 as a program uses it.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "client/token_source.h"
#include "client/transport.h"
#include "document/value.h"

namespace visor::client {

/// Some of the images that a query gives.
struct ImagePage {
  std::vector<document::Value> images;  ///< objects with an `id`
  std::optional<std::string> next;      ///< the query of the next page; nothing: there is none
};

/// One server that speaks the Image API v2: Glance, or VISOR. A token that isn't accepted is
/// renewed once. Failures hold the server's own sentence, without the markup that some put around
/// it. Ids are taken as they are. For one thread at a time; `tokens` is shared and must outlive it.
class ImageApi {
 public:
  ImageApi(Connection connection, TokenSource& tokens);

  /// The page that the query (percent-encoded) gives, as long as the server lets it be.
  Outcome<ImagePage> list(const std::string& query);
  Outcome<document::Value> show(const std::string& id);
  Outcome<document::Value> create(const document::Value& image);
  /// `operations`: a JSON patch (RFC 6902) as the media type openstack-images-v2.1-json-patch has
  /// it.
  Outcome<document::Value> change(const std::string& id, const document::Value& operations);
  Outcome<void> deactivate(const std::string& id);
  Outcome<void> reactivate(const std::string& id);

  /// The array of an image's members, each {"member_id", "status"}.
  Outcome<document::Value> members(const std::string& id);
  Outcome<void> add_member(const std::string& id, const std::string& member);
  Outcome<void> answer_for_member(const std::string& id, const std::string& member,
                                  const std::string& status);
  Outcome<void> remove_member(const std::string& id, const std::string& member);

  /// Sends data; no byte of it before the server gave leave, or took its time for that. A token
  /// that isn't accepted is renewed, and the failure says `later`.
  Outcome<void> upload(const std::string& id, BodySource& body);
  /// Receives data from byte `first` on; the answer's status tells whether the server kept to that
  /// (206) or sends all (200).
  Outcome<void> download(const std::string& id, std::uint64_t first, BodySink& sink);

  const Address& address() const { return transport_.connection().address; }

 private:
  Outcome<Answer> send(Request request, const document::Value* body, BodySink* sink,
                       std::string_view type = "application/json");
  Outcome<document::Value> ask(Request request, const document::Value* body = nullptr,
                               std::string_view type = "application/json");
  Outcome<void> tell(Request request, const document::Value* body = nullptr);

  Transport transport_;
  TokenSource& tokens_;
};

/// The sentence in an error's text, whatever markup is around it.
std::string plain_sentence(std::string_view markup);

}  // namespace visor::client
