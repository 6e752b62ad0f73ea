#include "store/hdfs/namenodes.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "async/byte_source.h"
#include "async/executor.h"
#include "base/encoding.h"
#include "base/log.h"
#include "base/random.h"
#include "document/json.h"

namespace visor::store::webhdfs {
namespace {

/// In lists of files there are more for each value.
constexpr std::size_t kBytesOfValue = 16;

constexpr const char* kListPage = "LISTSTATUS_BATCH";
constexpr const char* kListAll = "LISTSTATUS";

bool is_json(const fetch::ResponseHead& head) {
  return head.field("content-type").value_or("").starts_with("application/json");
}

bool is_redirect(int status) { return status == 301 || status == 302 || status == 307; }

/// The whole of an answer of at most `largest` bytes as a document; null if it is none.
async::Task<Result<document::Value>> read_document(fetch::Response& response, std::size_t largest) {
  auto text = co_await async::read_all(*response.body, largest);
  if (!text) co_return pass(text);
  if (text->empty() || !is_json(response.head)) co_return document::Value();
  document::Limits limits;
  limits.bytes = largest;
  limits.values = std::max(limits.values, largest / kBytesOfValue);
  auto parsed = document::parse_json(*text, limits);
  if (!parsed) {
    co_return fail(Code::unavailable, "HDFS answers with something that is no JSON",
                   "hdfs " + parsed.error().message);
  }
  co_return std::move(*parsed);
}

std::unexpected<Error> no_list(const std::string& operation) {
  return fail(Code::unavailable, "HDFS answers with something that is no list of files",
              "hdfs." + operation);
}

Error list_error(Error error) {
  if (error.code != Code::too_large) return error;
  return fail(Code::unavailable,
              "the store's folder has more files than this server takes in one list; namenodes of "
              "Hadoop 2.9 and newer give it in pages",
              std::move(error.where))
      .error();
}

/// Those with a name behind `after`, in the order of the names' bytes.
std::vector<FileStatus> behind(const std::string& after, std::vector<FileStatus> entries) {
  std::erase_if(entries, [&after](const FileStatus& entry) { return entry.name <= after; });
  std::ranges::sort(entries, {}, &FileStatus::name);
  return entries;
}

bool is_out_of_reach(const Error& error) {
  return error.code == Code::unavailable || error.code == Code::timeout;
}

}  // namespace

Namenodes::Namenodes(fetch::Fetcher& fetcher, Access access)
    : fetcher_(fetcher), access_(std::move(access)) {}

std::string Namenodes::url(std::size_t index, const std::string& path, const std::string& operation,
                           const std::string& parameters) const {
  std::string text = (access_.https ? "https://" : "http://") + access_.namenodes[index] +
                     "/webhdfs/v1" + percent_encode(path, "/") + "?op=" + operation + parameters;
  if (access_.token) {
    text += "&delegation=" + percent_encode(access_.token());
  } else if (!access_.user.empty()) {
    text += "&user.name=" + percent_encode(access_.user);
  }
  return text;
}

async::Task<std::expected<Answer, Refusal>> Namenodes::send(fetch::Call call,
                                                            std::string operation) {
  auto response = co_await fetcher_.call(std::move(call));
  if (!response) {
    const Next next = is_out_of_reach(response.error()) ? Next::other_namenode : Next::give_up;
    co_return std::unexpected(Refusal{std::move(response.error()), next});
  }
  fetch::Response& given = **response;
  const int status = given.head.status;
  Answer answer;
  if (is_redirect(status)) {
    const auto location = given.head.field("location");
    if (location) answer.location = std::string(*location);
  }
  if (status == 200 && !is_json(given.head)) {
    answer.data = std::move(*response);
    co_return answer;
  }
  const bool list = operation == kListAll || operation == kListPage;
  const std::size_t largest = list ? kLargestList : kLargestAnswer;
  auto document = co_await read_document(given, largest);
  if (!document) {
    const Next next =
        document.error().code == Code::too_large ? Next::give_up : Next::other_namenode;
    co_return std::unexpected(Refusal{std::move(document.error()), next});
  }
  if (status != 200 && status != 201 && !answer.location) {
    co_return std::unexpected(refusal_of(status, *document, operation));
  }
  if (const auto* location = document->text("Location")) answer.location = *location;
  answer.document = std::move(*document);
  co_return answer;
}

async::Task<std::expected<Answer, Refusal>> Namenodes::ask_one(std::size_t index,
                                                               std::string method, std::string path,
                                                               std::string operation,
                                                               std::string parameters) {
  fetch::Call call;
  call.method = std::move(method);
  call.url = url(index, path, operation, parameters);
  auto answer = co_await send(std::move(call), std::move(operation));
  if (!answer && answer.error().error.code == Code::forbidden &&
      answer.error().error.where.starts_with("guard")) {
    answer.error() = {fail(Code::unavailable, "the name of HDFS's namenode is unknown",
                           answer.error().error.where)
                          .error(),
                      Next::other_namenode};
  }
  co_return answer;
}

async::Task<Result<Answer>> Namenodes::ask(std::string method, std::string path,
                                           std::string operation, std::string parameters) {
  const std::size_t count = access_.namenodes.size();
  Error last;
  for (unsigned attempt = 0; attempt < std::max(1u, access_.attempts); ++attempt) {
    if (attempt > 0) co_await pause(attempt);
    const std::size_t first = current_;
    for (std::size_t step = 0; step < count; ++step) {
      const std::size_t index = (first + step) % count;
      auto answer = co_await ask_one(index, method, path, operation, parameters);
      if (answer) {
        current_ = index;
        co_return std::move(*answer);
      }
      if (answer.error().next == Next::give_up) {
        current_ = index;
        co_return std::unexpected(std::move(answer.error().error));
      }
      last = std::move(answer.error().error);
      if (answer.error().next == Next::wait) {
        current_ = index;
        break;
      }
    }
  }
  co_return std::unexpected(std::move(last));
}

async::Task<std::expected<Answer, Refusal>> Namenodes::follow(std::string location,
                                                              std::string operation) {
  fetch::Call call;
  call.url = location;
  auto answer = co_await send(std::move(call), std::move(operation));
  if (!answer) {
    answer.error().error = datanode_error(std::move(answer.error().error), location);
  }
  co_return answer;
}

async::Task<Result<document::Value>> Namenodes::ask_through(std::string method, std::string path,
                                                            std::string operation,
                                                            std::string parameters) {
  Excluded excluded;
  for (unsigned attempt = 0;; ++attempt) {
    if (attempt > 0) co_await pause(attempt);
    auto answer = co_await ask(method, path, operation, parameters + excluding(excluded));
    if (!answer) co_return pass(answer);
    if (!answer->location) co_return std::move(answer->document);
    const std::string host = host_of(*answer->location);
    auto second = co_await follow(std::move(*answer->location), operation);
    if (second) co_return std::move(second->document);
    if (second.error().next == Next::give_up || attempt + 1 >= access_.attempts) {
      co_return std::unexpected(std::move(second.error().error));
    }
    excluded.insert(host);
  }
}

async::Task<Result<FileStatus>> Namenodes::status(std::string path) {
  auto answer = co_await ask("GET", std::move(path), "GETFILESTATUS", "");
  if (!answer) co_return pass(answer);
  auto status = file_status_of(answer->document);
  if (!status) {
    co_return fail(Code::unavailable, "HDFS answers with something that is no file's status",
                   "hdfs.GETFILESTATUS");
  }
  co_return std::move(*status);
}

async::Task<Result<Page>> Namenodes::list(std::string folder, std::string after) {
  if (!knows_pages_) co_return co_await list_all(std::move(folder), std::move(after));
  const std::string parameters = after.empty() ? "" : "&startAfter=" + percent_encode(after);
  auto answer = co_await ask("GET", folder, kListPage, parameters);
  if (!answer && answer.error().code == Code::unsupported) {
    if (knows_pages_.exchange(false)) {
      log::info("this HDFS lists folders only as a whole", {{"why", answer.error().where}});
    }
    co_return co_await list_all(std::move(folder), std::move(after));
  }
  if (!answer) co_return std::unexpected(list_error(std::move(answer.error())));
  auto page = page_of(answer->document);
  if (!page) co_return no_list(kListPage);
  // HttpFS gives everything each time, whatever it is asked for.
  if (!page->more) page->entries = behind(after, std::move(page->entries));
  co_return std::move(*page);
}

async::Task<Result<Page>> Namenodes::list_all(std::string folder, std::string after) {
  auto answer = co_await ask("GET", std::move(folder), kListAll, "");
  if (!answer) co_return std::unexpected(list_error(std::move(answer.error())));
  auto all = entries_of(answer->document);
  if (!all) co_return no_list(kListAll);
  co_return Page{behind(after, std::move(*all)), false};
}

async::Task<void> Namenodes::pause(unsigned attempt) const {
  auto pause = access_.first_pause;
  for (unsigned doubled = 1; doubled < attempt && pause < access_.longest_pause; ++doubled) {
    pause *= 2;
  }
  pause = std::min(pause, access_.longest_pause);
  // At least half of it: whole clusters that restart need the time.
  const auto half = static_cast<std::uint64_t>(pause.count()) / 2;
  const std::string random = random_bytes(sizeof(std::uint64_t));
  std::uint64_t jitter = 0;
  std::memcpy(&jitter, random.data(), sizeof jitter);
  jitter %= half + 1;
  async::sleep_for nap{std::chrono::milliseconds(half + jitter)};
  co_await nap;
}

std::string excluding(const Excluded& hosts) {
  std::string text;
  for (const auto& host : hosts) text += (text.empty() ? "&excludedatanodes=" : ",") + host;
  return text;
}

async::Task<std::optional<Refusal>> refusal_in(std::unique_ptr<fetch::Response> response,
                                               std::string operation) {
  const int status = response->head.status;
  auto document = co_await read_document(*response, kLargestAnswer);
  if (status == 200 || status == 201) co_return std::nullopt;
  if (!document) co_return Refusal{std::move(document.error()), Next::other_namenode};
  co_return refusal_of(status, *document, operation);
}

Error datanode_error(Error error, const std::string& location) {
  if (!error.where.starts_with("guard") && !error.where.starts_with("url")) return error;
  return fail(Code::unavailable,
              "HDFS names a datanode that the configuration of this server does not allow; "
              "an administrator can add it to the store's 'datanodes'",
              "hdfs datanode=" + host_of(location) + " " + error.where)
      .error();
}

}  // namespace visor::store::webhdfs
