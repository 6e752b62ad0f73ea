// An HDFS in memory for tests: namenodes and datanodes that speak as much of WebHDFS as the store
// does, and fail as a test says.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/digest.h"
#include "base/encoding.h"
#include "store/hdfs/hdfs_store.h"
#include "support/scripted_server.h"

namespace visor::store {

using testing_support::http_answer;
using testing_support::ScriptedConnection;
using testing_support::ScriptedServer;

inline std::string json_answer(const std::string& status, const std::string& text) {
  return http_answer(status, text, "Content-Type: application/json\r\n");
}
inline std::string exception_answer(const std::string& status, const std::string& exception,
                                    const std::string& message = "no") {
  return json_answer(status, R"({"RemoteException":{"exception":")" + exception +
                                 R"(","javaClassName":"x","message":")" + message + R"("}})");
}

/// A request to it.
struct HdfsRequest {
  std::string method;
  std::string path;
  std::map<std::string, std::string> query;
  std::string operation() const {
    const auto found = query.find("op");
    return found == query.end() ? "" : found->second;
  }

  static HdfsRequest parse(const std::string& head) {
    HdfsRequest request;
    const auto target_at = head.find(' ') + 1;
    request.method = head.substr(0, target_at - 1);
    std::string target = head.substr(target_at, head.find(' ', target_at) - target_at);
    const auto mark = target.find('?');
    std::string rest = mark == std::string::npos ? "" : target.substr(mark + 1);
    request.path = *percent_decode(std::string_view(target).substr(0, mark).substr(11));
    while (!rest.empty()) {
      const auto pair = rest.substr(0, rest.find('&'));
      rest.erase(0, pair.size() + 1);
      const auto equals = pair.find('=');
      request.query[pair.substr(0, equals)] =
          *percent_decode(std::string_view(pair).substr(equals + 1));
    }
    return request;
  }
};

class FakeHdfs {
 public:
  /// What a namenode answers instead of what is right; nothing: what is right.
  using Refuse = std::function<std::optional<std::string>(std::size_t node, const HdfsRequest&)>;
  /// Whether a datanode's connection was dealt with here; false: as is right. It is closed behind.
  using Disturb =
      std::function<bool(std::size_t node, const HdfsRequest&, ScriptedConnection& connection)>;

  explicit FakeHdfs(std::size_t namenodes = 1, std::size_t datanodes = 2) {
    folders_.insert("/images");
    for (std::size_t node = 0; node < datanodes; ++node) {
      datanodes_.push_back(std::make_unique<ScriptedServer>(
          [this, node](ScriptedConnection& connection) { serve_datanode(node, connection); }));
    }
    for (std::size_t node = 0; node < namenodes; ++node) {
      namenodes_.push_back(std::make_unique<ScriptedServer>(
          ScriptedServer::answering([this, node](const std::string& head) {
            return answer(node, HdfsRequest::parse(head));
          })));
    }
  }
  ~FakeHdfs() {
    // Their threads use what is below.
    namenodes_.clear();
    datanodes_.clear();
  }

  // To be set before the first request.
  Refuse refuse = [](std::size_t, const HdfsRequest&) { return std::nullopt; };
  Disturb disturb = [](std::size_t, const HdfsRequest&, ScriptedConnection&) { return false; };
  /// Of namenodes, by JSON instead of a redirect.
  bool plain_locations = true;
  bool knows_pages = true;              ///< LISTSTATUS_BATCH, as Hadoop 2.9 and newer do
  bool knows_overwriting = true;        ///< a rename onto a name that is taken; HttpFS does not
  std::string checksum_algorithm = {};  ///< empty: the right one
  std::string named_datanode = {};      ///< host:port that is named instead of a real one

  std::vector<std::string> namenodes() const { return authorities(namenodes_); }
  std::vector<std::string> datanodes() const { return authorities(datanodes_); }

  std::vector<std::string> paths() const {
    const std::lock_guard lock(mutex_);
    std::vector<std::string> all;
    for (const auto& [path, file] : files_) all.push_back(path);
    return all;
  }
  void put(const std::string& path, std::string bytes, std::int64_t modified = 1'000) {
    const std::lock_guard lock(mutex_);
    files_[path] = {std::move(bytes), ++last_id_, modified, kBlock};
  }
  std::optional<std::string> bytes(const std::string& path) const {
    const std::lock_guard lock(mutex_);
    const auto found = files_.find(path);
    return found == files_.end() ? std::nullopt : std::optional(found->second.bytes);
  }
  void rename(const std::string& from, const std::string& to) {
    const std::lock_guard lock(mutex_);
    auto entry = files_.extract(from);
    entry.key() = to;
    files_.insert(std::move(entry));
  }
  void remove_folder(const std::string& path) {
    const std::lock_guard lock(mutex_);
    folders_.erase(path);
  }
  /// Operations that reached any namenode, each with the number of the namenode before it.
  std::vector<std::string> asked() const {
    const std::lock_guard lock(mutex_);
    return asked_;
  }
  std::size_t asked(std::string_view operation) const {
    std::size_t count = 0;
    for (const auto& each : asked()) count += each.substr(each.find(' ') + 1) == operation ? 1 : 0;
    return count;
  }
  /// The requests that reached datanodes.
  std::vector<std::pair<std::size_t, HdfsRequest>> served() const {
    const std::lock_guard lock(mutex_);
    return served_;
  }

 private:
  static constexpr std::uint64_t kBlock = 1 << 20;
  struct File {
    std::string bytes;
    std::int64_t id = 0;
    std::int64_t modified = 0;
    std::uint64_t block = kBlock;
  };

  static std::vector<std::string> authorities(
      const std::vector<std::unique_ptr<ScriptedServer>>& servers) {
    std::vector<std::string> all;
    for (const auto& server : servers) all.push_back(server->authority());
    return all;
  }

  static std::string not_found() { return exception_answer("404 No", "FileNotFoundException"); }
  /// As Hadoop's namenodes say it.
  static std::string unknown_operation(const HdfsRequest& request) {
    return exception_answer("400 Bad", "IllegalArgumentException",
                            R"(Invalid value for webhdfs parameter \"op\": No enum constant )"
                            "org.apache.hadoop.hdfs.web.resources.GetOpParam.Op." +
                                request.operation());
  }
  static std::string boolean(bool value) {
    return json_answer("200 OK", value ? R"({"boolean":true})" : R"({"boolean":false})");
  }
  static std::string status(const std::string& name, const File& file) {
    return R"({"pathSuffix":")" + name + R"(","type":"FILE","length":)" +
           std::to_string(file.bytes.size()) + R"(,"fileId":)" + std::to_string(file.id) +
           R"(,"modificationTime":)" + std::to_string(file.modified) + "}";
  }
  static std::string folder_status(const std::string& name) {
    return R"({"pathSuffix":")" + name +
           R"(","type":"DIRECTORY","length":0,"fileId":1,"modificationTime":1})";
  }

  std::string answer(std::size_t node, const HdfsRequest& request) {
    const auto operation = request.operation();
    {
      const std::lock_guard lock(mutex_);
      asked_.push_back(std::to_string(node) + " " + operation);
    }
    if (auto refusal = refuse(node, request)) return *refusal;
    const std::lock_guard lock(mutex_);
    const auto found = files_.find(request.path);
    if (operation == "GETFILESTATUS") {
      if (folders_.contains(request.path)) {
        return json_answer("200 OK", R"({"FileStatus":)" + folder_status("") + "}");
      }
      if (found == files_.end()) return not_found();
      return json_answer("200 OK", R"({"FileStatus":)" + status("", found->second) + "}");
    }
    if (operation == "MKDIRS") return folders_.insert(request.path), boolean(true);
    if (operation == "DELETE") return boolean(files_.erase(request.path) > 0);
    if (operation == "RENAME") {
      const auto target = request.query.at("destination");
      const bool overwrites = knows_overwriting && request.query.contains("renameoptions");
      if (found == files_.end()) return boolean(false);
      if (files_.contains(target) && !overwrites) return boolean(false);
      files_.erase(target);
      auto entry = files_.extract(found);
      entry.key() = target;
      files_.insert(std::move(entry));
      // A rename with options is answered with nothing.
      return overwrites ? http_answer("200 OK", "") : boolean(true);
    }
    if (operation == "LISTSTATUS_BATCH" && knows_pages) return page(request);
    if (operation == "LISTSTATUS_BATCH") return unknown_operation(request);
    if (operation == "LISTSTATUS") return page(request);
    if (operation == "OPEN" || operation == "GETFILECHECKSUM") {
      if (found == files_.end()) return not_found();
      return send_on(request);
    }
    if (operation == "CREATE") return send_on(request);
    return exception_answer("400 Bad", "IllegalArgumentException");
  }

  std::string page(const HdfsRequest& request) const {
    if (!folders_.contains(request.path)) return not_found();
    const auto after = request.query.contains("startAfter") ? request.query.at("startAfter") : "";
    std::map<std::string, std::string> names;
    const std::string above = request.path + "/";
    auto add = [&](const std::string& path, const std::string& text) {
      const auto name = path.starts_with(above) ? path.substr(above.size()) : "";
      if (!name.empty() && !name.contains('/') && name > after) names[name] = text;
    };
    for (const auto& path : folders_) {
      add(path, folder_status(path.starts_with(above) ? path.substr(above.size()) : ""));
    }
    for (const auto& [path, file] : files_) {
      add(path, status(path.starts_with(above) ? path.substr(above.size()) : "", file));
    }
    const bool all = request.operation() == "LISTSTATUS";
    const std::size_t most = all ? names.size() : 3;
    std::string list;
    std::size_t count = 0;
    for (const auto& [name, text] : names) {
      if (++count > most) break;
      list += (list.empty() ? "" : ",") + text;
    }
    const std::string statuses = R"({"FileStatuses":{"FileStatus":[)" + list + "]}}";
    if (all) return json_answer("200 OK", statuses);
    const std::size_t left = names.size() > most ? names.size() - most : 0;
    return json_answer("200 OK", R"({"DirectoryListing":{"partialListing":)" + statuses +
                                     R"(,"remainingEntries":)" + std::to_string(left) + "}}");
  }

  std::string send_on(const HdfsRequest& request) {
    // By turns, so that whoever asks again meets another.
    auto node = named_datanode.empty() ? datanodes_[next_++ % datanodes_.size()]->authority()
                                       : named_datanode;
    std::string location = "http://" + node + "/webhdfs/v1" + percent_encode(request.path, "/");
    char mark = '?';
    for (const auto& [name, value] : request.query) {
      location += mark + name + "=" + percent_encode(value);
      mark = '&';
    }
    if (request.query.contains("noredirect") && plain_locations) {
      return json_answer("200 OK", R"({"Location":")" + location + R"("})");
    }
    return "HTTP/1.1 307 There\r\nContent-Length: 0\r\nLocation: " + location + "\r\n\r\n";
  }

  void serve_datanode(std::size_t node, ScriptedConnection& connection) {
    while (true) {
      const auto head = connection.read_head();
      if (head.empty()) return;
      const auto request = HdfsRequest::parse(head);
      {
        const std::lock_guard lock(mutex_);
        served_.emplace_back(node, request);
      }
      if (disturb(node, request, connection)) return;
      if (!connection.send(serve(request, connection))) return;
    }
  }

  std::string serve(const HdfsRequest& request, ScriptedConnection& connection) {
    if (request.operation() == "CREATE") {
      auto bytes = connection.read_chunked();
      const std::lock_guard lock(mutex_);
      files_[request.path] = {std::move(bytes), ++last_id_, ++last_id_,
                              std::stoull(request.query.at("blocksize"))};
      return http_answer("201 Created", "");
    }
    const std::lock_guard lock(mutex_);
    const auto found = files_.find(request.path);
    if (found == files_.end()) return not_found();
    const File& file = found->second;
    if (request.operation() == "OPEN") {
      const auto part = file.bytes.substr(std::stoull(request.query.at("offset")),
                                          std::stoull(request.query.at("length")));
      return http_answer("200 OK", part, "Content-Type: application/octet-stream\r\n");
    }
    return json_answer("200 OK", R"({"FileChecksum":{"algorithm":")" + algorithm_of(file) +
                                     R"(","bytes":")" + checksum_of(file) + R"(","length":28}})");
  }

  std::string algorithm_of(const File& file) const {
    if (!checksum_algorithm.empty()) return checksum_algorithm;
    const bool several = file.bytes.size() > file.block;
    return "MD5-of-" + std::to_string(several ? file.block / 512 : 0) + "MD5-of-512CRC32C";
  }
  /// Without a call of the store's own: what the suites compare must not be compared with itself.
  static std::string checksum_of(const File& file) {
    std::string blocks;
    for (std::size_t at = 0; at < file.bytes.size(); at += file.block) {
      const auto block = std::string_view(file.bytes).substr(at, file.block);
      std::string sums;
      for (std::size_t chunk = 0; chunk < block.size(); chunk += 512) {
        std::uint32_t sum = ~std::uint32_t{0};
        for (const char c : block.substr(chunk, 512)) {
          sum ^= static_cast<unsigned char>(c);
          for (int bit = 0; bit < 8; ++bit) sum = (sum >> 1) ^ ((sum & 1) != 0 ? 0x82f63b78u : 0u);
        }
        sum = ~sum;
        for (int shift = 24; shift >= 0; shift -= 8) sums += static_cast<char>(sum >> shift);
      }
      blocks += *from_hex(digest_hex(DigestAlgorithm::md5, sums));
    }
    std::size_t buffer = 32;
    while (buffer < blocks.size()) buffer *= 2;
    const bool several = file.bytes.size() > file.block;
    blocks.resize(buffer, '\0');
    std::string head(12, '\0');
    head[2] = 2;
    for (int place = 0; several && place < 8; ++place) {
      head[4 + static_cast<std::size_t>(place)] =
          static_cast<char>((file.block / 512) >> (8 * (7 - place)));
    }
    return to_hex(head) + digest_hex(DigestAlgorithm::md5, blocks);
  }

  mutable std::mutex mutex_;
  std::map<std::string, File> files_;
  std::set<std::string> folders_;
  std::vector<std::string> asked_;
  std::vector<std::pair<std::size_t, HdfsRequest>> served_;
  std::int64_t last_id_ = 100;
  std::size_t next_ = 0;
  std::vector<std::unique_ptr<ScriptedServer>> datanodes_;
  std::vector<std::unique_ptr<ScriptedServer>> namenodes_;
};

/// For a store in it that doesn't wait long, but for an answer as long as a busy machine needs.
inline HdfsStore::Options options_for(const FakeHdfs& hdfs) {
  HdfsStore::Options options;
  options.access.namenodes = hdfs.namenodes();
  options.access.user = "visor";
  options.access.attempts = 4;
  options.access.first_pause = std::chrono::milliseconds(1);
  options.access.longest_pause = std::chrono::milliseconds(2);
  options.datanodes = hdfs.datanodes();
  options.folder = "/images";
  options.block_size = 1 << 20;
  options.fetch.connect_timeout = std::chrono::milliseconds(120'000);
  options.fetch.first_byte_timeout = std::chrono::milliseconds(120'000);
  options.fetch.rate_period = std::chrono::milliseconds(120'000);
  return options;
}

}  // namespace visor::store
