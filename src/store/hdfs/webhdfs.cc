#include "store/hdfs/webhdfs.h"

#include <algorithm>
#include <array>
#include <utility>

#include "base/encoding.h"

namespace visor::store::webhdfs {
namespace {

constexpr std::size_t kLongestTrail = 300;

struct Meaning {
  std::string_view exception;
  Code code;
  Next next;
  std::string_view message;
};

constexpr std::string_view kNoRoom =
    "HDFS has no room left in the store's folder: its quota is used up";
constexpr std::string_view kDenied =
    "HDFS does not let this server do that: its permissions forbid it";
constexpr std::string_view kUnknown = "HDFS does not accept this server's credentials";
constexpr std::string_view kNoProxy =
    "HDFS does not let its gateway speak for this server's user: hadoop.proxyuser says who may";
constexpr std::string_view kCannot = "this version of HDFS cannot do that";
constexpr std::string_view kSafe = "HDFS is in safe mode and changes nothing at the moment";

constexpr std::array<Meaning, 20> kMeanings = {{
    {"StandbyException", Code::unavailable, Next::other_namenode,
     "no namenode of HDFS is active at the moment"},
    {"ObserverRetryOnActiveException", Code::unavailable, Next::other_namenode,
     "no namenode of HDFS is active at the moment"},
    {"SafeModeException", Code::unavailable, Next::wait, kSafe},
    {"RetriableException", Code::unavailable, Next::wait,
     "HDFS is starting and asks to try again later"},
    {"FileNotFoundException", Code::not_found, Next::give_up, "HDFS has no such file"},
    {"AccessControlException", Code::unavailable, Next::give_up, kDenied},
    {"AuthorizationException", Code::unavailable, Next::give_up, kDenied},
    {"SecurityException", Code::unavailable, Next::give_up, kUnknown},
    {"AuthenticationException", Code::unavailable, Next::give_up, kUnknown},
    {"InvalidToken", Code::unavailable, Next::give_up, kUnknown},
    {"NSQuotaExceededException", Code::no_space, Next::give_up, kNoRoom},
    {"DSQuotaExceededException", Code::no_space, Next::give_up, kNoRoom},
    {"QuotaByStorageTypeExceededException", Code::no_space, Next::give_up, kNoRoom},
    {"QuotaExceededException", Code::no_space, Next::give_up, kNoRoom},
    {"FSLimitException", Code::no_space, Next::give_up,
     "HDFS takes no more files in the store's folder"},
    {"MaxDirectoryItemsExceededException", Code::no_space, Next::give_up,
     "HDFS takes no more files in the store's folder"},
    {"FileAlreadyExistsException", Code::conflict, Next::give_up, "HDFS has that file already"},
    {"ParentNotDirectoryException", Code::unavailable, Next::give_up,
     "a part of the store's folder is a file in HDFS"},
    {"UnsupportedOperationException", Code::unsupported, Next::give_up, kCannot},
    {"IllegalArgumentException", Code::unavailable, Next::give_up,
     "HDFS does not understand this server's request"},
}};

/// Datanodes put what a namenode told them into the text of an IOException of their own.
const Meaning* meaning_of(std::string_view exception, std::string_view text) {
  for (const auto& meaning : kMeanings) {
    if (exception == meaning.exception) return &meaning;
  }
  if (exception != "IOException" && exception != "RemoteException") return nullptr;
  for (const auto& meaning : kMeanings) {
    if (meaning.exception != "FileNotFoundException" && text.contains(meaning.exception)) {
      return &meaning;
    }
  }
  return nullptr;
}

std::string trail_of(int status, std::string_view exception, std::string_view text,
                     std::string_view operation) {
  std::string trail = "hdfs." + std::string(operation) + " status=" + std::to_string(status);
  if (!exception.empty()) trail += " " + std::string(exception);
  text = text.substr(0, std::min(text.find('\n'), kLongestTrail));
  if (!text.empty()) trail += " " + std::string(text);
  return trail;
}

FileStatus read_status(const document::Value& value) {
  FileStatus status;
  if (const auto* name = value.text("pathSuffix")) status.name = *name;
  const auto* type = value.text("type");
  status.is_file = type != nullptr && *type == "FILE";
  const auto length = value.integer("length").value_or(0);
  status.length = length > 0 ? static_cast<std::uint64_t>(length) : 0;
  status.file_id = value.integer("fileId").value_or(0);
  status.modified = value.integer("modificationTime").value_or(0);
  return status;
}

}  // namespace

std::string FileStatus::version() const {
  return std::to_string(file_id) + "-" + std::to_string(modified) + "-" + std::to_string(length);
}

Refusal refusal_of(int status, const document::Value& document, std::string_view operation) {
  const auto* remote = document.find("RemoteException");
  const auto* name = remote != nullptr ? remote->text("exception") : nullptr;
  const auto* words = remote != nullptr ? remote->text("message") : nullptr;
  const std::string_view exception = name != nullptr ? *name : std::string_view();
  const std::string_view text = words != nullptr ? *words : std::string_view();
  auto trail = trail_of(status, exception, text, operation);
  auto refuse = [&trail](Code code, std::string_view message, Next next) {
    Error error = fail(code, std::string(message), std::move(trail)).error();
    // It is this server that was refused, not who asked it: somebody has to change the
    // configuration.
    if (message == kDenied || message == kUnknown || message == kNoProxy) {
      error.retry = Retry::never;
    }
    return Refusal{std::move(error), next};
  };
  // How namenodes and HttpFS say that they don't know an operation.
  if ((exception == "IllegalArgumentException" || exception == "QueryParamException") &&
      text.contains(operation)) {
    return refuse(Code::unsupported, kCannot, Next::give_up);
  }
  if (text.contains("is not allowed to impersonate")) {
    return refuse(Code::unavailable, kNoProxy, Next::give_up);
  }
  if (const auto* meaning = meaning_of(exception, text)) {
    return refuse(meaning->code, meaning->message, meaning->next);
  }
  if (text.contains("could only be written to")) {
    return refuse(Code::unavailable,
                  "HDFS has no datanode that can take the data: they are full or down",
                  Next::give_up);
  }
  if (status == 401) return refuse(Code::unavailable, kUnknown, Next::give_up);
  if (status == 403 && exception.empty()) return refuse(Code::unavailable, kDenied, Next::give_up);
  if (status == 404 && exception.empty()) {
    return refuse(Code::unavailable, "what answers in the place of HDFS knows no WebHDFS",
                  Next::give_up);
  }
  const bool passing = status == 429 || status == 502 || status == 503 || status == 504;
  return refuse(Code::unavailable,
                "HDFS answers with status " + std::to_string(status) + ", not with what was asked",
                passing ? Next::other_namenode : Next::give_up);
}

std::optional<FileStatus> file_status_of(const document::Value& document) {
  const auto* status = document.find("FileStatus");
  if (status == nullptr || status->text("type") == nullptr || !status->integer("length")) {
    return std::nullopt;
  }
  return read_status(*status);
}

std::optional<std::vector<FileStatus>> entries_of(const document::Value& document) {
  const auto* statuses = document.find("FileStatuses");
  const auto* list = statuses != nullptr ? statuses->find("FileStatus") : nullptr;
  if (list == nullptr || list->as_array() == nullptr) return std::nullopt;
  std::vector<FileStatus> entries;
  for (const auto& entry : *list->as_array()) entries.push_back(read_status(entry));
  return entries;
}

std::optional<Page> page_of(const document::Value& document) {
  const auto* listing = document.find("DirectoryListing");
  const auto* partial = listing != nullptr ? listing->find("partialListing") : nullptr;
  const auto remaining = listing != nullptr ? listing->integer("remainingEntries") : std::nullopt;
  if (partial == nullptr || !remaining) return std::nullopt;
  auto entries = entries_of(*partial);
  if (!entries) return std::nullopt;
  return Page{std::move(*entries), *remaining > 0};
}

std::optional<bool> boolean_of(const document::Value& document) {
  return document.boolean("boolean");
}

std::optional<FileChecksum> checksum_of(const document::Value& document) {
  const auto* checksum = document.find("FileChecksum");
  const auto* algorithm = checksum != nullptr ? checksum->text("algorithm") : nullptr;
  const auto* bytes = checksum != nullptr ? checksum->text("bytes") : nullptr;
  if (algorithm == nullptr || bytes == nullptr) return std::nullopt;
  return FileChecksum{*algorithm, to_lower(*bytes)};
}

std::string host_of(std::string_view url) {
  const auto scheme = url.find("://");
  if (scheme == std::string_view::npos) return {};
  auto rest = url.substr(scheme + 3);
  rest = rest.substr(0, rest.find_first_of("/?#"));
  if (rest.starts_with('[')) return std::string(rest.substr(0, rest.find(']') + 1));
  return std::string(rest.substr(0, rest.find(':')));
}

}  // namespace visor::store::webhdfs
