#include "front/glance/remote_image.h"

#include <algorithm>
#include <array>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <utility>

#include "document/json.h"
#include "fetch/fetch.h"
#include "front/glance/exchange.h"
#include "front/glance/image_edits.h"
#include "front/glance/location_edits.h"
#include "front/glance/words.h"

namespace visor::front::glance {
namespace {

using document::Value;

// Of the properties: what the machine, its disk and its licence need. The rest is its owner's
// there.
constexpr std::array<std::string_view, 5> kTaken = {"hw_", "trait:", "os_distro", "os_secure_boot",
                                                    "os_type"};

bool is_taken(std::string_view name) {
  return name == "disk_format" || name == "container_format" ||
         std::ranges::any_of(kTaken, [name](std::string_view known) {
           return known.back() == '_' || known.back() == ':' ? name.starts_with(known)
                                                             : name == known;
         });
}

/// The data, with the connection that it comes by.
class RemoteData final : public async::ByteSource {
 public:
  RemoteData(std::unique_ptr<fetch::Fetcher> fetcher, std::unique_ptr<fetch::Response> response)
      : fetcher_(std::move(fetcher)), response_(std::move(response)) {}

  std::optional<std::uint64_t> size() const override { return response_->body->size(); }
  async::Task<Result<std::size_t>> read(std::span<std::byte> into) override {
    return response_->body->read(into);
  }

 private:
  const std::unique_ptr<fetch::Fetcher> fetcher_;
  const std::unique_ptr<fetch::Response> response_;
};

Result<std::unique_ptr<fetch::Fetcher>> fetcher_for(const std::string& address,
                                                    const std::string& authorities) {
  auto url = fetch::parse_url(address);
  if (!url) return fail(Code::unavailable, "the catalogue has no usable URL for the service");
  fetch::Guard::Options rules;
  rules.exceptions = {url->authority()};
  rules.ports = {};
  auto guard = fetch::Guard::create(std::move(rules));
  if (!guard) return pass(guard);
  fetch::Fetcher::Options options;
  options.authorities_file = authorities;
  return fetch::Fetcher::create(std::move(options), std::move(*guard));
}

std::unexpected<Error> refused(int status) {
  const std::string where = "remote image service, status " + std::to_string(status);
  if (status == 404) return fail(Code::not_found, "the other service has no such image", where);
  if (status == 204)
    return fail(Code::conflict, "the other service has no data of the image", where);
  if (status == 401 || status == 403) {
    return fail(Code::forbidden, "the other service does not give you the image", where);
  }
  return fail(Code::unavailable, "the other service answers with status " + std::to_string(status),
              where);
}

std::unexpected<Error> no_image() {
  return fail(Code::corrupt, "the other service answers with what describes no image");
}

/// What is taken of an image's document.
Result<service::Brought> read_description(const Value& document) {
  if (!document.is_object()) return no_image();
  Value taken = Value::object();
  for (const document::Member& member : *document.as_object()) {
    if (is_taken(member.name)) taken.append(member.name, member.value);
  }
  auto edits = read_attributes(taken);
  if (!edits) return pass(edits);
  service::Brought brought;
  brought.edits = std::move(*edits);
  for (const image::Edit& edit : brought.edits) {
    if (edit.extra) continue;
    if (edit.name == *domain_name("disk_format")) brought.format = edit.value;
    if (edit.name == *domain_name("container_format")) brought.container = edit.value;
  }
  const Value* const size = document.find("size");
  const auto bytes = size == nullptr ? std::nullopt : size->as_integer();
  if (bytes && *bytes >= 0) brought.size = static_cast<std::uint64_t>(*bytes);
  Value told = Value::object();
  for (const char* name : {"checksum", "os_hash_algo", "os_hash_value"}) {
    const std::string* const text = document.text(name);
    if (text != nullptr) told.append(name, *text);
  }
  // An algorithm that is not known here can't be compared.
  auto digests = read_claim(Value::object({{"validation_data", std::move(told)}}));
  if (digests) brought.digests = std::move(*digests);
  return brought;
}

async::Task<Result<std::unique_ptr<fetch::Response>>> ask(fetch::Fetcher& fetcher, std::string url,
                                                          const Secret& token, std::string accept) {
  fetch::Call call;
  call.url = std::move(url);
  call.fields = {{"X-Auth-Token", std::string(token.reveal())}, {"Accept", std::move(accept)}};
  auto response = co_await fetcher.call(std::move(call));
  if (!response) co_return pass(response);
  if ((*response)->head.status != 200) co_return refused((*response)->head.status);
  co_return response;
}

}  // namespace

async::Task<Result<service::Brought>> open_remote_image(Remote remote, RemoteImage image) {
  Result<std::string> found =
      co_await remote.identities.find_service(image.token, std::move(image.service));
  if (!found) co_return pass(found);
  std::string address = std::move(*found);
  if (address.ends_with("/v2")) address.resize(address.size() - 3);
  auto opened = fetcher_for(address, remote.authorities_file);
  if (!opened) co_return pass(opened);
  fetch::Fetcher& fetcher = **opened;
  const std::string url = address + "/v2/images/" + image.id;
  Result<std::unique_ptr<fetch::Response>> described =
      co_await ask(fetcher, url, image.token, "application/json");
  if (!described) co_return pass(described);
  async::ByteSource& text = *(*described)->body;
  Result<std::string> body = co_await async::read_all(text, kLargestDocument);
  if (!body) co_return pass(body);
  auto document = document::parse_json(*body);
  if (!document) co_return no_image();
  auto brought = read_description(*document);
  if (!brought) co_return pass(brought);
  Result<std::unique_ptr<fetch::Response>> data =
      co_await ask(fetcher, url + "/file", image.token, "application/octet-stream");
  if (!data) co_return pass(data);
  brought->data = std::make_unique<RemoteData>(std::move(*opened), std::move(*data));
  co_return std::move(*brought);
}

}  // namespace visor::front::glance
