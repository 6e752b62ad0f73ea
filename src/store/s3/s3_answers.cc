#include "store/s3/s3_answers.h"

#include <algorithm>
#include <array>

#include "base/encoding.h"
#include "document/value.h"
#include "document/xml.h"

namespace visor::store {
namespace {

using document::Value;

constexpr document::Limits kLimits{.depth = 16, .bytes = 4 << 20, .values = 50'000};

constexpr std::array<std::string_view, 8> kPassing = {
    "SlowDown",         "InternalError",        "ServiceUnavailable", "RequestTimeout",
    "OperationAborted", "RequestLimitExceeded", "Throttling",         "BadDigest"};

std::unexpected<Error> malformed(const char* what) {
  return fail(Code::unavailable, "the object store's answer cannot be understood", what);
}

/// The members of the root element, if it is the one expected.
Result<Value> read_root(const std::string& body, const char* name) {
  auto document = document::parse_xml(body, kLimits);
  if (!document) return malformed(name);
  Value* const root = document->find(name);
  if (root == nullptr) return malformed(name);
  return std::move(*root);
}

std::string text_of(const Value& value, std::string_view name) {
  const std::string* const text = value.text(name);
  return text == nullptr ? std::string() : std::string(trim(*text));
}

/// Calls `take` with each element `name` of `root`, of which there may be none, one or many, until
/// it says that it doesn't understand one.
template <class Take>
bool each_of(const Value& root, std::string_view name, Take take) {
  const Value* const found = root.find(name);
  if (found == nullptr) return true;
  const auto* const entries = found->as_array();
  return entries == nullptr ? take(*found) : std::ranges::all_of(*entries, take);
}

/// A text from elsewhere, fit for a sentence of ours.
std::string shown(std::string_view text) {
  std::string result;
  for (const char c : text.substr(0, 200)) {
    result.push_back(c >= 0x20 && c < 0x7f ? c : '?');
  }
  return result;
}

}  // namespace

bool S3Refusal::passes() const {
  if (std::ranges::find(kPassing, code) != kPassing.end()) return true;
  return status == 500 || status == 502 || status == 503 || status == 504 || status == 429 ||
         status == 408;
}

S3Refusal read_refusal(const fetch::ResponseHead& head, std::string_view body) {
  S3Refusal refusal;
  // A success with an error in it is what S3 says of a failure that came late.
  refusal.status = head.status < 300 ? 500 : head.status;
  refusal.region = head.field("x-amz-bucket-region").value_or("");
  refusal.server_time = head.field("date").value_or("");
  auto document = document::parse_xml(body, kLimits);
  if (!document) return refusal;
  const Value* const error = document->find("Error");
  if (error == nullptr) return refusal;
  refusal.code = text_of(*error, "Code");
  refusal.message = text_of(*error, "Message");
  if (refusal.region.empty()) refusal.region = text_of(*error, "Region");
  if (const auto time = text_of(*error, "ServerTime"); !time.empty()) refusal.server_time = time;
  return refusal;
}

bool is_error_document(std::string_view body) {
  if (body.find("<Error") == std::string_view::npos) return false;
  auto document = document::parse_xml(body, kLimits);
  return document && document->find("Error") != nullptr;
}

Error explain(const S3Refusal& refusal, const std::string& bucket, const std::string& region,
              Time now, std::string what) {
  const std::string& code = refusal.code;
  const int status = refusal.status;
  what += " status=" + std::to_string(status) + " code=" + shown(code) + " (" +
          shown(refusal.message) + ")";
  const auto error = [&what](Code kind, std::string message, Retry retry = Retry::never) {
    return Error{kind, std::move(message), what, retry};
  };
  if (code == "NoSuchBucket") {
    return error(Code::unavailable, "the object store has no bucket \"" + bucket + "\"");
  }
  if (code == "RequestTimeTooSkewed") {
    return error(Code::unavailable,
                 "the clocks of this server and of the object store differ too much: it is " +
                     format_iso_time(now) + " here and " + shown(refusal.server_time) + " there");
  }
  if (!refusal.region.empty() && refusal.region != region &&
      (status == 301 || status == 400 || status == 307)) {
    return error(Code::unavailable, "the bucket \"" + bucket + "\" lies in the region " +
                                        shown(refusal.region) + ", not in " + region +
                                        ": set the store's region");
  }
  if (code == "SignatureDoesNotMatch") {
    return error(Code::unavailable,
                 "the object store does not accept this server's signature: check the store's "
                 "secret key, its region and its signature version");
  }
  if (code == "InvalidAccessKeyId") {
    return error(Code::unavailable, "the object store does not know this server's access key");
  }
  if (code == "ExpiredToken" || code == "InvalidToken" || code == "TokenRefreshRequired") {
    return error(Code::unavailable,
                 "the object store does not take this server's session token: temporary "
                 "credentials have an end, after which the server needs new ones");
  }
  if (status == 401 || status == 403) {
    return error(Code::unavailable, "the object store denies this server access to the bucket \"" +
                                        bucket + "\": check the access key and what it may do");
  }
  if (status == 507 || code == "QuotaExceeded" || code == "XMinioStorageFull" ||
      code == "InsufficientStorage") {
    return error(Code::no_space, "the object store has no room left");
  }
  if (code == "EntityTooLarge" || status == 413) {
    return error(Code::too_large, "the object store takes no object of this size");
  }
  if (code == "BadDigest") {
    return error(Code::corrupt, "the data changed on its way to the object store");
  }
  if (status == 404) return error(Code::not_found, "the image data is not in the store");
  if (status == 412) {
    return error(Code::precondition, "the data has changed since it was registered");
  }
  if (status == 501) {
    return error(Code::unavailable, "the object store does not know a request that is needed");
  }
  if (status >= 300 && status < 400) {
    return error(Code::unavailable,
                 "the object store redirects elsewhere, which is not followed: give the store's "
                 "final address");
  }
  if (refusal.passes()) {
    return error(Code::unavailable, "the object store cannot do this now", Retry::exhausted);
  }
  return error(Code::unavailable, "the object store refuses a request with status " +
                                      std::to_string(status) +
                                      (code.empty() ? std::string() : " (" + shown(code) + ")"));
}

Result<S3Page> read_page(const std::string& body) {
  auto root = read_root(body, "ListBucketResult");
  if (!root) return pass(root);
  S3Page page;
  page.truncated = text_of(*root, "IsTruncated") == "true";
  page.version_2 = root->find("KeyCount") != nullptr;
  const bool understood = each_of(*root, "Contents", [&page](const Value& entry) {
    const std::string* const name = entry.text("Key");
    if (name != nullptr) page.names.push_back(*name);
    return name != nullptr;
  });
  if (!understood) return malformed("ListBucketResult");
  return page;
}

Result<S3UploadPage> read_upload_page(const std::string& body) {
  auto root = read_root(body, "ListMultipartUploadsResult");
  if (!root) return pass(root);
  S3UploadPage page;
  page.truncated = text_of(*root, "IsTruncated") == "true";
  page.next_object = text_of(*root, "NextKeyMarker");
  page.next_id = text_of(*root, "NextUploadIdMarker");
  const bool understood = each_of(*root, "Upload", [&page](const Value& entry) {
    S3UploadUnderWay upload{text_of(entry, "Key"), text_of(entry, "UploadId"),
                            parse_iso_time(text_of(entry, "Initiated"))};
    const bool whole = !upload.object.empty() && !upload.id.empty();
    page.uploads.push_back(std::move(upload));
    return whole;
  });
  if (!understood) return malformed("ListMultipartUploadsResult");
  return page;
}

Result<std::string> read_upload_id(const std::string& body) {
  auto root = read_root(body, "InitiateMultipartUploadResult");
  if (!root) return pass(root);
  auto id = text_of(*root, "UploadId");
  if (id.empty()) return malformed("InitiateMultipartUploadResult");
  return id;
}

std::string read_completed_tag(const std::string& body) {
  auto root = read_root(body, "CompleteMultipartUploadResult");
  return root ? text_of(*root, "ETag") : std::string();
}

std::string write_completion(const std::map<unsigned, std::string>& tags) {
  std::string text = "<CompleteMultipartUpload>";
  for (const auto& [number, tag] : tags) {
    text += "<Part><PartNumber>" + std::to_string(number) + "</PartNumber><ETag>";
    for (const char c : tag) {
      switch (c) {
        case '&':
          text += "&amp;";
          break;
        case '<':
          text += "&lt;";
          break;
        case '"':
          text += "&quot;";
          break;
        default:
          text.push_back(c);
      }
    }
    text += "</ETag></Part>";
  }
  return text + "</CompleteMultipartUpload>";
}

std::string_view unquoted(std::string_view tag) {
  if (tag.size() >= 2 && tag.front() == '"' && tag.back() == '"') {
    return tag.substr(1, tag.size() - 2);
  }
  return tag;
}

bool is_md5(std::string_view tag) { return tag.size() == 32 && from_hex(tag).has_value(); }

}  // namespace visor::store
