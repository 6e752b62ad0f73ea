// An S3 server for tests: one bucket in memory that checks signatures, with a place to put faults
// in.
#pragma once

#include <algorithm>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/digest.h"
#include "base/encoding.h"
#include "sign/sigv2_signer.h"
#include "sign/sigv4.h"
#include "support/scripted_server.h"
#include "support/temporary_signature.h"

namespace visor::testing_support {

struct FakeS3Request {
  std::string method, path, query, host, body;
  std::vector<std::pair<std::string, std::string>> fields;  ///< names as they came
  std::string object;                                       ///< decoded; empty: the bucket
  std::map<std::string, std::string> parameters;            ///< decoded

  std::string field(std::string_view name) const {
    for (const auto& [field_name, value] : fields) {
      if (equal_ignoring_case(field_name, name)) return value;
    }
    return {};
  }
  bool asks(const std::string& parameter) const { return parameters.contains(parameter); }
};

class FakeS3 {
 public:
  struct Rules {
    std::string bucket = "images";
    std::string base_path = {};
    bool virtual_host = false;
    bool version_2_signature = false;
    bool knows_list_v2 = true;
    bool knows_if_none_match = true;
    std::string access_key = "AKIDEXAMPLE";
    std::string secret = "a-secret-of-tests";
    std::string session_token = {};  ///< what the key is temporary with; empty: it is not
    std::size_t uploads_on_a_page = 1'000;
    Time now = *parse_iso_time("2026-03-14T15:09:26Z");
  };
  struct Object {
    std::string bytes, tag, mark;
  };
  /// What is sent instead of the server's own answer, as a whole HTTP message; "-" closes the
  /// connection. Called before (`done` is false) and after the request was carried out.
  using Fault = std::function<std::optional<std::string>(const FakeS3Request& request, bool done)>;

  FakeS3() : FakeS3(Rules{}) {}
  explicit FakeS3(Rules rules)
      : rules_(std::move(rules)),
        server_([this](ScriptedConnection& connection) { serve(connection); }) {}

  const Rules& rules() const { return rules_; }
  std::uint16_t port() const { return server_.port(); }
  void set_fault(Fault fault) {
    const std::lock_guard lock(mutex_);
    fault_ = std::move(fault);
  }
  std::map<std::string, Object> objects() const {
    const std::lock_guard lock(mutex_);
    return objects_;
  }
  void put(const std::string& name, std::string bytes) {
    const std::lock_guard lock(mutex_);
    objects_[name] = {bytes, "\"" + digest_hex(DigestAlgorithm::md5, bytes) + "\"", ""};
  }
  /// An upload that somebody began at a time.
  void begin_upload(const std::string& object, Time begun, const std::string& id) {
    const std::lock_guard lock(mutex_);
    uploads_[id] = {object, "", {}, begun};
  }
  std::vector<std::string> uploads() const {
    const std::lock_guard lock(mutex_);
    std::vector<std::string> ids;
    for (const auto& [id, upload] : uploads_) ids.push_back(id);
    return ids;
  }
  /// "METHOD object?query" of each request so far.
  std::vector<std::string> seen() const {
    const std::lock_guard lock(mutex_);
    return seen_;
  }
  std::size_t count(std::string_view beginning) const {
    const auto all = seen();
    return static_cast<std::size_t>(std::ranges::count_if(
        all, [beginning](const std::string& line) { return line.starts_with(beginning); }));
  }

  static std::string error(std::string_view status, std::string_view code,
                           std::string_view more = {}, std::string_view fields = {}) {
    return http_answer(status,
                       "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>" +
                           std::string(code) + "</Code><Message>of a test</Message>" +
                           std::string(more) + "</Error>",
                       fields);
  }

 private:
  struct Upload {
    std::string object, mark;
    std::map<unsigned, Object> parts;
    Time begun = {};
  };

  void serve(ScriptedConnection& connection) {
    while (true) {
      const auto head = connection.read_head();
      if (head.empty()) return;
      FakeS3Request request = parse(head);
      if (equal_ignoring_case(request.field("expect"), "100-continue") &&
          !connection.send("HTTP/1.1 100 Continue\r\n\r\n")) {
        return;
      }
      const auto length = request.field("content-length");
      const std::size_t size = length.empty() ? 0 : std::stoul(length);
      request.body = connection.read_body(size);
      if (request.body.size() != size) return;
      const auto text = answer(request);
      if (text == "-" || !connection.send(text)) return;
      // A message that ends before its announced length: the connection ends there, too.
      if (text.ends_with("(cut)")) return;
    }
  }

  FakeS3Request parse(const std::string& head) const {
    FakeS3Request request;
    const auto line = head.substr(0, head.find("\r\n"));
    request.method = line.substr(0, line.find(' '));
    auto target = line.substr(request.method.size() + 1);
    target.erase(target.find(' '));
    const auto question = target.find('?');
    request.path = target.substr(0, question);
    if (question != std::string::npos) request.query = target.substr(question + 1);
    for (std::size_t at = head.find("\r\n") + 2; at < head.size();) {
      const auto end = head.find("\r\n", at);
      const auto text = head.substr(at, end - at);
      at = end + 2;
      const auto colon = text.find(':');
      if (colon == std::string::npos) continue;
      request.fields.emplace_back(text.substr(0, colon), trim(text.substr(colon + 1)));
    }
    request.host = request.field("host");
    for (std::size_t at = 0; at < request.query.size();) {
      const auto end = std::min(request.query.find('&', at), request.query.size());
      const auto pair = request.query.substr(at, end - at);
      at = end + 1;
      const auto equals = std::min(pair.find('='), pair.size());
      request.parameters[pair.substr(0, equals)] =
          equals < pair.size() ? percent_decode(pair.substr(equals + 1)).value_or("") : "";
    }
    const std::string root =
        rules_.base_path + (rules_.virtual_host ? std::string() : "/" + rules_.bucket) + "/";
    request.object = request.path.starts_with(root)
                         ? percent_decode(request.path.substr(root.size())).value_or("?")
                         : "?wrong path " + request.path;
    return request;
  }

  std::string answer(const FakeS3Request& request) {
    const std::lock_guard lock(mutex_);
    seen_.push_back(request.method + " " + request.object +
                    (request.query.empty() ? "" : "?" + request.query));
    if (fault_) {
      if (auto text = fault_(request, false)) return *text;
    }
    if (auto refusal = check(request)) return *refusal;
    auto text = carry_out(request);
    if (fault_) {
      if (auto other = fault_(request, true)) return *other;
    }
    return text;
  }

  std::optional<std::string> check(const FakeS3Request& request) const {
    if (request.object.starts_with("?")) return error("400 Bad Request", "InvalidURI");
    const std::string host = (rules_.virtual_host ? rules_.bucket + "." : std::string()) +
                             host_name + ":" + std::to_string(port());
    if (request.host != host) return error("400 Bad Request", "WrongHost " + request.host);
    const auto wrong = error("403 Forbidden", "SignatureDoesNotMatch");
    std::vector<sign::Header> headers;
    for (const auto& [name, value] : request.fields) headers.push_back({name, value});
    const sign::RequestHead head{request.method, request.path, request.query, headers, false};
    const auto in_query = request.parameters.find("X-Amz-Security-Token");
    const auto token = in_query == request.parameters.end() ? request.field("x-amz-security-token")
                                                            : in_query->second;
    if (token != rules_.session_token) return error("400 Bad Request", "InvalidToken");
    if (rules_.version_2_signature) {
      const auto expected = sign::sigv2_authorization(
          head, {rules_.access_key, Secret(rules_.secret)}, request.field("date"),
          rules_.virtual_host ? rules_.bucket : std::string());
      if (request.field("authorization") != expected) return wrong;
    } else if (!token.empty()) {
      if (!is_signed_with_token(head, rules_.access_key, rules_.secret)) return wrong;
    } else {
      sign::SigV4Rules sigv4;
      sigv4.service = "s3";
      sigv4.region = "us-east-1";
      sigv4.path_form = sign::PathForm::as_sent;
      sigv4.signed_prefixes = {"x-amz-"};
      auto claim = sign::read_sigv4(head, sigv4, rules_.now);
      if (!claim || claim->access_key != rules_.access_key) return wrong;
      const auto sha256 = digest_hex(DigestAlgorithm::sha256, request.body);
      const sign::BodyFacts facts{!request.body.empty(), request.body.size(), sha256};
      auto payload = sign::verify_sigv4(head, sigv4, *claim, facts, Secret(rules_.secret));
      if (!payload) return wrong;
      if (claim->payload != sha256 && !claim->presigned) return wrong;
    }
    const auto md5 = request.field("content-md5");
    const auto real = *from_hex(digest_hex(DigestAlgorithm::md5, request.body));
    if (!md5.empty() && md5 != to_base64(real)) return error("400 Bad Request", "BadDigest");
    return std::nullopt;
  }

  std::string carry_out(const FakeS3Request& request) {
    const auto& [method, object] = std::pair(request.method, request.object);
    if (object.empty() && method == "GET" && request.asks("uploads")) return list_uploads(request);
    if (object.empty() && method == "GET") return list(request);
    if (method == "POST" && request.asks("uploads")) return begin(request);
    if (request.asks("uploadId")) return in_upload(request);
    if (method == "PUT") {
      if (auto refusal = refuse_existing(request)) return *refusal;
      const auto tag = "\"" + digest_hex(DigestAlgorithm::md5, request.body) + "\"";
      objects_[object] = {request.body, tag, request.field("x-amz-meta-visor-write")};
      return http_answer("200 OK", "", "ETag: " + tag + "\r\n");
    }
    if (method == "DELETE") {
      objects_.erase(object);
      return "HTTP/1.1 204 No Content\r\n\r\n";
    }
    if (method == "GET" || method == "HEAD") return read(request);
    return error("501 Not Implemented", "NotImplemented");
  }

  std::optional<std::string> refuse_existing(const FakeS3Request& request) const {
    if (request.field("if-none-match").empty()) return std::nullopt;
    if (!rules_.knows_if_none_match) return error("501 Not Implemented", "NotImplemented");
    if (!objects_.contains(request.object)) return std::nullopt;
    return error("412 Precondition Failed", "PreconditionFailed");
  }

  std::string read(const FakeS3Request& request) const {
    const bool head_only = request.method == "HEAD";
    const auto found = objects_.find(request.object);
    if (found == objects_.end()) {
      return head_only ? "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"
                       : error("404 Not Found", "NoSuchKey");
    }
    const auto& [bytes, tag, mark] = found->second;
    const auto match = request.field("if-match");
    if (!match.empty() && match != tag) {
      return error("412 Precondition Failed", "PreconditionFailed");
    }
    std::string fields = "ETag: " + tag + "\r\n";
    if (!mark.empty()) fields += "x-amz-meta-visor-write: " + mark + "\r\n";
    const auto range = request.field("range");
    if (head_only) {
      return "HTTP/1.1 200 OK\r\n" + fields + "Content-Length: " + std::to_string(bytes.size()) +
             "\r\n\r\n";
    }
    if (range.empty()) return http_answer("200 OK", bytes, fields);
    const auto dash = range.find('-');
    const std::size_t first = std::stoull(range.substr(6, dash - 6));
    if (first >= bytes.size()) return error("416 Range", "InvalidRange");
    const auto last_text = range.substr(dash + 1);
    const std::size_t last = last_text.empty()
                                 ? bytes.size() - 1
                                 : std::min<std::size_t>(std::stoull(last_text), bytes.size() - 1);
    fields += "Content-Range: bytes " + std::to_string(first) + "-" + std::to_string(last) + "/" +
              std::to_string(bytes.size()) + "\r\n";
    return http_answer("206 Partial Content", bytes.substr(first, last - first + 1), fields);
  }

  std::string list(const FakeS3Request& request) const {
    const auto parameter = [&request](const char* name) {
      const auto found = request.parameters.find(name);
      return found == request.parameters.end() ? std::string() : found->second;
    };
    const bool version_2 = rules_.knows_list_v2 && parameter("list-type") == "2";
    const auto after = parameter(version_2 ? "start-after" : "marker");
    const std::size_t limit = std::stoul("0" + parameter("max-keys"));
    std::string entries;
    std::size_t listed = 0;
    bool truncated = false;
    for (const auto& [name, object] : objects_) {
      if (name <= after || !name.starts_with(parameter("prefix"))) continue;
      truncated = listed == limit;
      if (truncated) break;
      ++listed;
      entries += "<Contents><Key>" + name + "</Key><Size>" + std::to_string(object.bytes.size()) +
                 "</Size></Contents>";
    }
    return http_answer(
        "200 OK",
        "<?xml version=\"1.0\"?><ListBucketResult "
        "xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><Name>" +
            rules_.bucket + "</Name><IsTruncated>" + (truncated ? "true" : "false") +
            "</IsTruncated>" +
            (version_2 ? "<KeyCount>" + std::to_string(listed) + "</KeyCount>" : std::string()) +
            entries + "</ListBucketResult>");
  }

  std::string list_uploads(const FakeS3Request& request) const {
    const auto parameter = [&request](const char* name) {
      const auto found = request.parameters.find(name);
      return found == request.parameters.end() ? std::string() : found->second;
    };
    std::map<std::pair<std::string, std::string>, Time> all;
    for (const auto& [id, upload] : uploads_) all[{upload.object, id}] = upload.begun;
    const std::pair after{parameter("key-marker"), parameter("upload-id-marker")};
    std::string entries;
    std::string markers;
    std::size_t listed = 0;
    bool truncated = false;
    for (auto at = all.upper_bound(after); at != all.end(); ++at) {
      truncated = listed == rules_.uploads_on_a_page;
      if (truncated) break;
      ++listed;
      const auto& [object, id] = at->first;
      entries += "<Upload><Key>" + object + "</Key><UploadId>" + id + "</UploadId><Initiated>" +
                 format_iso_time(at->second) + "</Initiated></Upload>";
      markers = "<NextKeyMarker>" + object + "</NextKeyMarker><NextUploadIdMarker>" + id +
                "</NextUploadIdMarker>";
    }
    return http_answer("200 OK", "<ListMultipartUploadsResult><Bucket>" + rules_.bucket +
                                     "</Bucket>" + markers + "<IsTruncated>" +
                                     (truncated ? "true" : "false") + "</IsTruncated>" + entries +
                                     "</ListMultipartUploadsResult>");
  }

  std::string begin(const FakeS3Request& request) {
    const auto id = "upload+" + std::to_string(++upload_number_) + "/=";
    uploads_[id] = {request.object, request.field("x-amz-meta-visor-write"), {}, rules_.now};
    return http_answer("200 OK", "<InitiateMultipartUploadResult><UploadId>" + id +
                                     "</UploadId></InitiateMultipartUploadResult>");
  }

  std::string in_upload(const FakeS3Request& request) {
    const auto found = uploads_.find(request.parameters.at("uploadId"));
    if (found == uploads_.end()) return error("404 Not Found", "NoSuchUpload");
    Upload& upload = found->second;
    if (request.method == "DELETE") {
      uploads_.erase(found);
      return "HTTP/1.1 204 No Content\r\n\r\n";
    }
    if (request.method == "PUT") {
      const auto number = static_cast<unsigned>(std::stoul(request.parameters.at("partNumber")));
      const auto tag = "\"" + digest_hex(DigestAlgorithm::md5, request.body) + "\"";
      upload.parts[number] = {request.body, tag, ""};
      return http_answer("200 OK", "", "ETag: " + tag + "\r\n");
    }
    if (auto refusal = refuse_existing(request)) return *refusal;
    std::string bytes;
    std::string digests;
    unsigned expected = 0;
    for (const auto& [number, part] : upload.parts) {
      // What is listed is what is there, in order; all but the last have 5 MiB.
      auto tag = part.tag;
      tag.replace(tag.size() - 1, 1, "&quot;").replace(0, 1, "&quot;");
      const auto entry =
          "<PartNumber>" + std::to_string(number) + "</PartNumber><ETag>" + tag + "</ETag>";
      if (number != ++expected || request.body.find(entry) == std::string::npos) {
        return error("400 Bad Request", "InvalidPart");
      }
      if (number != upload.parts.size() && part.bytes.size() < (5u << 20)) {
        return error("400 Bad Request", "EntityTooSmall");
      }
      bytes += part.bytes;
      digests += *from_hex(part.tag.substr(1, 32));
    }
    const auto tag = "\"" + digest_hex(DigestAlgorithm::md5, digests) + "-" +
                     std::to_string(upload.parts.size()) + "\"";
    objects_[upload.object] = {std::move(bytes), tag, upload.mark};
    uploads_.erase(found);
    return http_answer("200 OK", "<CompleteMultipartUploadResult><ETag>" + tag +
                                     "</ETag></CompleteMultipartUploadResult>");
  }

 public:
  std::string host_name = "127.0.0.1";  ///< as the client names this server, without the bucket

 private:
  const Rules rules_;
  mutable std::mutex mutex_;
  Fault fault_;
  std::map<std::string, Object> objects_;
  std::map<std::string, Upload> uploads_;
  unsigned upload_number_ = 0;
  std::vector<std::string> seen_;
  ScriptedServer server_;
};

}  // namespace visor::testing_support
