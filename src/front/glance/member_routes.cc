#include "front/glance/member_routes.h"

#include <string>
#include <utility>

#include "base/clock.h"

namespace visor::front::glance {
namespace {

using document::Value;

std::string time_text(Time time) {
  return format_iso_time(std::chrono::floor<std::chrono::seconds>(time));
}

Value member_document(const image::Image& image, const std::string& account) {
  const image::Member& member = image.members.at(account);
  Value document = Value::object();
  document.append("member_id", account)
      .append("image_id", image.id)
      .append("status", to_string(member.answer))
      .append("created_at", time_text(member.created_at))
      .append("updated_at", time_text(member.updated_at))
      .append("schema", "/v2/schemas/member");
  return document;
}

/// Whether the caller knows all members of an image; a member knows of itself only.
bool sees_all(const Exchange& exchange, const image::Image& image) {
  return exchange.who.account == image.owner || exchange.who.administrator;
}

/// The text of one member of the request's body.
async::Task<Result<std::string>> read_word(Exchange& exchange, const char* name) {
  Result<Value> body = co_await read_document(exchange);
  if (!body) co_return pass(body);
  const std::string* word = body->text(name);
  if (word == nullptr || word->empty()) {
    co_return fail(Code::invalid, std::string("the body is an object with the text ") + name);
  }
  co_return *word;
}

}  // namespace

async::Task<Result<http::Response>> create_member(service::ImageService& images,
                                                  Exchange& exchange) {
  Result<std::string> account = co_await read_word(exchange, "member");
  if (!account) co_return pass(account);
  Result<image::Image> image =
      co_await images.share(exchange.who, exchange.parameters[0], *account);
  if (!image) co_return pass(image);
  co_return document_answer(200, member_document(*image, *account));
}

async::Task<Result<http::Response>> list_members(service::ImageService& images,
                                                 Exchange& exchange) {
  Result<image::Image> image = co_await images.show(exchange.who, exchange.parameters[0]);
  if (!image) co_return pass(image);
  if (image->access != image::Access::members) {
    co_return fail(Code::forbidden, "Only shared images have members.");
  }
  Value members = Value::array();
  for (const auto& [account, member] : image->members) {
    if (sees_all(exchange, *image) || account == exchange.who.account) {
      members.push(member_document(*image, account));
    }
  }
  Value list = Value::object();
  list.append("members", std::move(members)).append("schema", "/v2/schemas/members");
  co_return document_answer(200, list);
}

async::Task<Result<http::Response>> show_member(service::ImageService& images, Exchange& exchange) {
  Result<image::Image> image = co_await images.show(exchange.who, exchange.parameters[0]);
  if (!image) co_return pass(image);
  const std::string& account = exchange.parameters[1];
  const bool known = image->members.contains(account) &&
                     (sees_all(exchange, *image) || account == exchange.who.account);
  if (!known) {
    co_return fail(Code::not_found, "the image is not shared with " + account.substr(0, 64));
  }
  co_return document_answer(200, member_document(*image, account));
}

async::Task<Result<http::Response>> update_member(service::ImageService& images,
                                                  Exchange& exchange) {
  Result<std::string> word = co_await read_word(exchange, "status");
  if (!word) co_return pass(word);
  const auto answer = image::parse_answer(*word);
  if (!answer) {
    co_return fail(Code::invalid, "a member's status is pending, accepted or rejected");
  }
  const std::string& account = exchange.parameters[1];
  Result<image::Image> image =
      co_await images.respond(exchange.who, exchange.parameters[0], account, *answer);
  if (!image) co_return pass(image);
  co_return document_answer(200, member_document(*image, account));
}

async::Task<Result<http::Response>> delete_member(service::ImageService& images,
                                                  Exchange& exchange) {
  Result<image::Image> image =
      co_await images.unshare(exchange.who, exchange.parameters[0], exchange.parameters[1]);
  if (!image) co_return pass(image);
  co_return empty_answer(204);
}

}  // namespace visor::front::glance
