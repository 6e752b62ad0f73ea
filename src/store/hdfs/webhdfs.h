// WebHDFS on the wire: what requests look like and what answers mean.
//
// Source: the "WebHDFS REST API" document of Apache Hadoop 3.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "document/value.h"

namespace visor::store::webhdfs {

/// What answers are read up to.
inline constexpr std::size_t kLargestAnswer = std::size_t{4} << 20;

/// And lists of whole folders, some hundred thousand names, from servers that give no pages.
inline constexpr std::size_t kLargestList = std::size_t{64} << 20;

/// What HDFS knows about a file or folder.
struct FileStatus {
  std::string name;  ///< the last part of its path in a list, empty for the one asked for
  bool is_file = false;
  std::uint64_t length = 0;
  std::int64_t file_id = 0;   ///< kept by a rename; 0 if the server doesn't tell (HttpFS)
  std::int64_t modified = 0;  ///< milliseconds since 1970; kept by a rename

  /// The same before and after a rename, another for another file.
  std::string version() const;
};

/// What to do about a refusal beside telling it.
enum class Next {
  give_up,
  other_namenode,  ///< this one is not the active one, or not there
  wait             ///< the same namenode can do it in a while
};

struct Refusal {
  Error error;
  Next next = Next::give_up;
};

/// What a status that is no success means; `document` is the answer's RemoteException, null if
/// there was none. The remote's own words go to the error's trail alone.
Refusal refusal_of(int status, const document::Value& document, std::string_view operation);

/// {"FileStatus": {…}}; nothing if it is none.
std::optional<FileStatus> file_status_of(const document::Value& document);

/// {"FileStatuses": {"FileStatus": […]}}, the answer of LISTSTATUS; nothing if it is none.
std::optional<std::vector<FileStatus>> entries_of(const document::Value& document);

/// A page of LISTSTATUS_BATCH.
struct Page {
  std::vector<FileStatus> entries;
  bool more = false;
};
std::optional<Page> page_of(const document::Value& document);

/// {"boolean": …}; nothing if it is none.
std::optional<bool> boolean_of(const document::Value& document);

struct FileChecksum {
  std::string algorithm;
  std::string bytes;  ///< lower-case hex
};
std::optional<FileChecksum> checksum_of(const document::Value& document);

/// The host of an http(s) URL, without its port, as the URL writes it.
std::string host_of(std::string_view url);

}  // namespace visor::store::webhdfs
