// The image service as a program sees it: its verbs, over HTTP.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "client/download.h"
#include "client/failure.h"
#include "client/metadata.h"
#include "client/progress.h"
#include "client/session.h"
#include "document/value.h"

namespace visor::client {

/// Which images a list shows, and in which order.
struct ListOptions {
  bool detail = false;
  Attributes filters;                  ///< attribute=value, all of which must hold
  std::string sort;                    ///< an attribute; empty: the server's order
  std::string direction;               ///< "asc", "desc" or empty
  std::optional<std::uint64_t> limit;  ///< one page of so many; nothing: all of them
  std::string marker;                  ///< where a page begins, as the page before said in `next`
  bool everybody = false;              ///< an administrator asks for all tenants' images
};

/// What the server shall do with where bytes lie.
struct PlacementRequest {
  std::string kind;   ///< "copy", "move", "evict" or "scrub"
  std::string image;  ///< empty for a scrub
  std::string store;  ///< where bytes go to, or are read or dropped
  std::string from;   ///< of a move: the store that is left; empty: where reads begin
};

/// A client of the native API, for one thread at a time. Documents are returned as the server wrote
/// them. Failures carry the server's sentence and status.
class Client {
 public:
  explicit Client(Connection connection, std::optional<Credentials> credentials = {},
                  const Clock& clock = Clock::system());

  /// {"images": [...]}, with "next" if a limit left some out. Pages are put together when there is
  /// no limit.
  Outcome<document::Value> list(const ListOptions& options);
  /// All attributes, from HEAD.
  Outcome<Attributes> head(const std::string& id);
  /// The same as a document: {"image": {...}}.
  Outcome<document::Value> metadata(const std::string& id);
  /// The head of an image, to begin a download with.
  Outcome<AnswerHead> describe(const std::string& id);
  /// Fetches the data; see download.h.
  Outcome<Downloaded> get(const std::string& id, const AnswerHead& head, DownloadTarget& target,
                          Progress& progress, const Persistence& persistence = {});
  /// Registers an image, with its data if `data` is not null: {"image": {...}}.
  Outcome<document::Value> add(const Attributes& attributes, BodySource* data, Progress& progress);
  /// Changes attributes (an empty value undefines one), uploads data, or both.
  Outcome<document::Value> update(const std::string& id, const Attributes& attributes,
                                  BodySource* data, Progress& progress);
  /// Removes an image and its data; its last metadata comes back.
  Outcome<document::Value> remove(const std::string& id);
  /// Removed images that can be restored: {"images": [...]}, with deleted_at, deleted_by and
  /// restorable_until; `everybody`: an administrator asks for all tenants'.
  Outcome<document::Value> deleted(bool everybody);
  /// Gives a removed image back; `broken_links` in the answer names links that lead nowhere.
  Outcome<document::Value> restore(const std::string& id, bool everybody);
  /// Removes a removed image for good.
  Outcome<document::Value> purge(const std::string& id, bool everybody);
  /// The heartbeat: what the server says of itself, "OK" if all is well.
  Outcome<std::string> status();
  /// Whether the server answers that it serves (/healthz); a failure if it can't be reached or says
  /// no.
  Outcome<void> health();

  /// Accounts; administrators only. Documents: {"users": [...]} and {"user": {...}}.
  Outcome<document::Value> users();
  Outcome<document::Value> user(const std::string& access_key);
  Outcome<document::Value> add_user(const document::Value& user);
  Outcome<document::Value> update_user(const std::string& access_key, const document::Value& user);
  Outcome<document::Value> remove_user(const std::string& access_key);

  /// What the server is doing; administrators only. Documents: {"requests": [...]}, {"request":
  /// {...}} and {"jobs": [...]}.
  Outcome<document::Value> requests_under_way();
  Outcome<document::Value> cancel_request(const std::string& id);
  Outcome<document::Value> jobs();

  /// The stores, and where the bytes of everybody's images lie in them; administrators only.
  /// Documents: {"stores": [...]}, {"check": {...}} and {"copies": [...]}, the copy where reads
  /// begin first.
  Outcome<document::Value> stores();
  Outcome<document::Value> check_store(const std::string& name);
  Outcome<document::Value> copies(const std::string& id);
  /// Work on that, which the server does in the background: {"placement": {...}}.
  Outcome<document::Value> place(const PlacementRequest& wanted);
  Outcome<document::Value> placement(const std::string& id);
  Outcome<document::Value> cancel_placement(const std::string& id);
  /// The newest first: {"placements": [...]}, with "next" if `limit` left some out. `marker`: the
  /// `next` of the page before.
  Outcome<document::Value> placements(std::optional<std::uint64_t> limit,
                                      const std::string& marker = {});

  const Address& address() const { return session_.address(); }
  bool signs() const { return session_.signs(); }

 private:
  Outcome<document::Value> ask(Request request, std::string body = {});
  /// The same for what is everybody's.
  Outcome<document::Value> ask_for_all(Request request, std::string body = {});
  Outcome<document::Value> store(Request request, const Attributes& attributes, BodySource* data,
                                 Progress& progress);

  Session session_;
};

}  // namespace visor::client
