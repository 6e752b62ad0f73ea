// The documents that an S3 server answers with, and those it is sent. Private to this folder.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/error.h"
#include "fetch/response.h"

namespace visor::store {

/// What a server said instead of doing what it was asked.
struct S3Refusal {
  int status = 0;
  std::string code = {};  ///< "NoSuchKey"; empty if the answer names none
  std::string message = {};
  std::string region = {};  ///< the bucket's, if it is another than was asked
  std::string server_time = {};

  /// Whether the same request may succeed a little later.
  bool passes() const;
};

/// The refusal in an answer with a status over 299, or in the body of a 200 (which
/// CompleteMultipartUpload may have).
S3Refusal read_refusal(const fetch::ResponseHead& head, std::string_view body);
/// Whether the body of a success is an error document.
bool is_error_document(std::string_view body);

/// A refusal as an error with a sentence for people. `what` begins the trail; `now` is this
/// server's time.
Error explain(const S3Refusal& refusal, const std::string& bucket, const std::string& region,
              Time now, std::string what);

struct S3Page {
  std::vector<std::string> names;
  bool truncated = false;
  bool version_2 = false;  ///< as ListObjectsV2 answers
};
Result<S3Page> read_page(const std::string& body);

/// A multipart upload that was begun and neither completed nor aborted.
struct S3UploadUnderWay {
  std::string object;
  std::string id;
  std::optional<Time> begun = {};  ///< by the server's clock; nothing if it doesn't tell
};

struct S3UploadPage {
  std::vector<S3UploadUnderWay> uploads;
  bool truncated = false;
  std::string next_object = {};  ///< what the next page begins behind
  std::string next_id = {};
};
/// A page of ListMultipartUploads.
Result<S3UploadPage> read_upload_page(const std::string& body);

/// The upload's id from an InitiateMultipartUploadResult.
Result<std::string> read_upload_id(const std::string& body);

/// The ETag from a CompleteMultipartUploadResult; empty if there is none.
std::string read_completed_tag(const std::string& body);

/// The document that completes an upload: entity tags by part number.
std::string write_completion(const std::map<unsigned, std::string>& tags);

/// An ETag without its quotes.
std::string_view unquoted(std::string_view tag);
/// Whether an (unquoted) ETag has the form of an MD5 in hex.
bool is_md5(std::string_view tag);

}  // namespace visor::store
