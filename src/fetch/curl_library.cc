#include "fetch/curl_library.h"

#include <dlfcn.h>

#include <utility>

namespace visor::fetch {
namespace {

/// The interface that <curl/curl.h> declares has had this number since 2006.
constexpr const char* kLibraryName = "libcurl.so.4";
constexpr std::chrono::seconds kPause{10};

std::unexpected<Error> not_loaded(const std::string& name, const char* reason) {
  return fail(
      Code::unavailable,
      "the library for outbound requests could not be loaded: install libcurl (package libcurl4)",
      "fetch.load " + name + ": " + (reason != nullptr ? reason : "no reason given"));
}

Result<CurlLibrary> load(const std::string& name) {
  void* const library = ::dlopen(name.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) return not_loaded(name, ::dlerror());

  CurlLibrary curl{};
  const char* missing = nullptr;
  const auto find = [library, &missing]<class Function>(Function& function, const char* symbol) {
    function = reinterpret_cast<Function>(::dlsym(library, symbol));
    if (function == nullptr) missing = symbol;
  };
  find(curl.easy_cleanup, "curl_easy_cleanup");
  find(curl.easy_getinfo, "curl_easy_getinfo");
  find(curl.easy_init, "curl_easy_init");
  find(curl.easy_pause, "curl_easy_pause");
  find(curl.easy_setopt, "curl_easy_setopt");
  find(curl.easy_strerror, "curl_easy_strerror");
  find(curl.global_init, "curl_global_init");
  find(curl.multi_add_handle, "curl_multi_add_handle");
  find(curl.multi_cleanup, "curl_multi_cleanup");
  find(curl.multi_info_read, "curl_multi_info_read");
  find(curl.multi_init, "curl_multi_init");
  find(curl.multi_perform, "curl_multi_perform");
  find(curl.multi_poll, "curl_multi_poll");
  find(curl.multi_remove_handle, "curl_multi_remove_handle");
  find(curl.multi_setopt, "curl_multi_setopt");
  find(curl.multi_strerror, "curl_multi_strerror");
  find(curl.multi_wakeup, "curl_multi_wakeup");
  find(curl.slist_append, "curl_slist_append");
  find(curl.slist_free_all, "curl_slist_free_all");
  if (missing != nullptr) {
    return not_loaded(name, (std::string("it has no ") + missing).c_str());
  }
  if (const auto code = curl.global_init(CURL_GLOBAL_DEFAULT); code != CURLE_OK) {
    return fail(Code::unavailable, "the library for outbound requests could not be set up",
                "fetch.load " + name + ": " + curl.easy_strerror(code));
  }
  return curl;
}

}  // namespace

CurlLoader::CurlLoader(std::string name, std::chrono::milliseconds pause)
    : name_(std::move(name)), pause_(pause) {}

Result<const CurlLibrary*> CurlLoader::get() {
  const std::lock_guard lock(mutex_);
  const auto now = std::chrono::steady_clock::now();
  const bool due = !outcome_ || (!outcome_->has_value() && now >= next_attempt_);
  if (due) {
    outcome_.emplace(load(name_));
    next_attempt_ = now + pause_;
  }
  if (!outcome_->has_value()) return std::unexpected(outcome_->error());
  return &**outcome_;
}

Result<const CurlLibrary*> curl_library() {
  // Never destroyed: a body that is left to the end of the process still needs it.
  static CurlLoader& loader = *new CurlLoader(kLibraryName, kPause);
  return loader.get();
}

}  // namespace visor::fetch
