// Asking HDFS: which namenode is active, what to try again, where the second step goes.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <expected>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "async/task.h"
#include "document/value.h"
#include "fetch/fetch.h"
#include "store/hdfs/webhdfs.h"

namespace visor::store::webhdfs {

/// Who is asked, as whom, and how patiently.
struct Access {
  /// host:port of each namenode's (or HttpFS's) web server; at least one.
  std::vector<std::string> namenodes;
  bool https = false;
  std::string user;  ///< sent as user.name unless there is a token; may be empty
  /// The delegation token at this moment; null: there is none. Called from several threads.
  std::function<std::string()> token = {};
  /// How often a request is tried that a namenode puts off, or that none of them answers.
  unsigned attempts = 10;
  /// Before the second attempt about this, doubled each time up to `longest_pause`.
  std::chrono::milliseconds first_pause{200};
  std::chrono::milliseconds longest_pause{5'000};
};

/// One answer of a namenode (or of the server that a namenode named).
struct Answer {
  document::Value document = {};        ///< null unless the answer is JSON
  std::optional<std::string> location;  ///< where the second step goes
  /// An answer that is no JSON, its body unread.
  std::unique_ptr<fetch::Response> data;
};

/// Hosts that answered badly and are not to be named again.
using Excluded = std::set<std::string>;

/// Thread-safe; calls are made on an executor's thread. Remembers which namenode answered last.
///
/// Errors: those of `refusal_of` and of the fetcher; `unavailable` if no namenode answers after all
/// attempts.
class Namenodes {
 public:
  /// `fetcher` outlives it.
  Namenodes(fetch::Fetcher& fetcher, Access access);

  /// Asks for `operation` ("LISTSTATUS", …) at `path` (absolute, not encoded). `parameters` is what
  /// follows in the query, encoded, each with '&' before it.
  async::Task<Result<Answer>> ask(std::string method, std::string path, std::string operation,
                                  std::string parameters);

  /// The same, and the second step behind it if a namenode names one: for operations whose answer
  /// is JSON.
  async::Task<Result<document::Value>> ask_through(std::string method, std::string path,
                                                   std::string operation, std::string parameters);

  async::Task<Result<FileStatus>> status(std::string path);

  /// What lies in a folder behind the name `after`, in ascending order of the names' bytes: a page
  /// of it, or all from a server that gives none (HttpFS). One that doesn't know the question
  /// (Hadoop before 2.9) is asked for pages only once.
  async::Task<Result<Page>> list(std::string folder, std::string after);

  /// The second step: a GET at the place that a namenode named.
  async::Task<std::expected<Answer, Refusal>> follow(std::string location, std::string operation);

  /// Waits before attempt `attempt` (1: the second one) for a random part of its pause.
  async::Task<void> pause(unsigned attempt) const;

  const Access& access() const { return access_; }
  fetch::Fetcher& fetcher() const { return fetcher_; }

 private:
  async::Task<std::expected<Answer, Refusal>> ask_one(std::size_t index, std::string method,
                                                      std::string path, std::string operation,
                                                      std::string parameters);
  async::Task<std::expected<Answer, Refusal>> send(fetch::Call call, std::string operation);
  async::Task<Result<Page>> list_all(std::string folder, std::string after);
  std::string url(std::size_t index, const std::string& path, const std::string& operation,
                  const std::string& parameters) const;

  fetch::Fetcher& fetcher_;
  const Access access_;
  std::atomic<std::size_t> current_ = 0;
  std::atomic<bool> knows_pages_ = true;
};

/// "&excludedatanodes=a,b", or nothing.
std::string excluding(const Excluded& hosts);

/// What a datanode's answer to the data means: reads a short answer to its end. Nothing if it was a
/// success.
async::Task<std::optional<Refusal>> refusal_in(std::unique_ptr<fetch::Response> response,
                                               std::string operation);

/// Of the second step: a host that the guard refuses is the configuration's matter, not the
/// caller's.
Error datanode_error(Error error, const std::string& location);

}  // namespace visor::store::webhdfs
