// The functions of libcurl that this folder calls, loaded when they are asked for. Private to this
// folder.
#pragma once

#include <curl/curl.h>

#include <chrono>
#include <mutex>
#include <optional>
#include <string>

#include "base/error.h"

namespace visor::fetch {

/// Each as <curl/curl.h> declares it, without the `curl_` of its name.
struct CurlLibrary {
  decltype(&::curl_easy_cleanup) easy_cleanup;
  decltype(&::curl_easy_getinfo) easy_getinfo;
  decltype(&::curl_easy_init) easy_init;
  decltype(&::curl_easy_pause) easy_pause;
  decltype(&::curl_easy_setopt) easy_setopt;
  decltype(&::curl_easy_strerror) easy_strerror;
  decltype(&::curl_global_init) global_init;
  decltype(&::curl_multi_add_handle) multi_add_handle;
  decltype(&::curl_multi_cleanup) multi_cleanup;
  decltype(&::curl_multi_info_read) multi_info_read;
  decltype(&::curl_multi_init) multi_init;
  decltype(&::curl_multi_perform) multi_perform;
  decltype(&::curl_multi_poll) multi_poll;
  decltype(&::curl_multi_remove_handle) multi_remove_handle;
  decltype(&::curl_multi_setopt) multi_setopt;
  decltype(&::curl_multi_strerror) multi_strerror;
  decltype(&::curl_multi_wakeup) multi_wakeup;
  decltype(&::curl_slist_append) slist_append;
  decltype(&::curl_slist_free_all) slist_free_all;
};

/// Loads a library once and never unloads it. Thread-safe.
class CurlLoader {
 public:
  /// `name` as dlopen takes it. What could not be loaded is tried again when `pause` is over, so
  /// that a library that is installed later needs no restart and one that is not is not looked for
  /// with each request.
  CurlLoader(std::string name, std::chrono::milliseconds pause);

  /// The library, set up; lives as long as the loader. The first call takes milliseconds, or as
  /// long as the disk needs. `unavailable`: it is not there, is not what it should be, or could not
  /// be set up.
  Result<const CurlLibrary*> get();

 private:
  const std::string name_;
  const std::chrono::milliseconds pause_;
  std::mutex mutex_;
  std::optional<Result<CurlLibrary>> outcome_;
  std::chrono::steady_clock::time_point next_attempt_;
};

/// The one libcurl of the process, as `CurlLoader::get`.
Result<const CurlLibrary*> curl_library();

}  // namespace visor::fetch
