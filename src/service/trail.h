// Private to this folder: what the audit log is told of one verb.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <utility>

#include "async/task.h"
#include "audit/log.h"
#include "base/error.h"
#include "base/principal.h"
#include "image/attributes.h"
#include "image/image.h"

namespace visor::service {

/// One verb of one caller, from its first change to its end. `log` may be null: nobody is told
/// then. For one coroutine; the log outlives it.
class Trail {
 public:
  Trail(audit::Log* log, const Principal& who, std::string verb);
  Trail(audit::Log* log, audit::Event event) : log_(log), event_(std::move(event)) {}

  /// What else is to be told of it.
  audit::Event& event() { return event_; }
  /// The image that it is done to, as it is now.
  void tell(const image::Image& image);

  /// Says that the verb begins to change something, so that no change is made that could not be
  /// told. To be called before the first one; further calls do nothing. `no_space`, `unavailable`.
  Result<void> begin();
  /// The `not_found` that follows stands for what the caller may not know.
  void hide() { hidden_ = true; }

  /// Says how the verb ended, and waits until it is certain that somebody who looks for it will
  /// find it. An error that is returned takes the place of a success.
  template <class T>
  async::Task<Result<T>> close(Result<T> result) {
    if (!result) {
      fail(result.error());
      co_return result;
    }
    Result<void> told = co_await done();
    if (!told) co_return pass(told);
    co_return result;
  }
  /// The same for an error alone; for verbs that change nothing, of which only refusals are told.
  void fail(const Error& error);

 private:
  async::Task<Result<void>> done();
  void append(audit::Outcome outcome);

  audit::Log* log_;
  audit::Event event_;
  std::uint64_t begun_ = 0;  ///< the sequence number of the line that says so
  bool hidden_ = false;
};

/// The names of the attributes that edits change, for an event's detail; access with its value.
std::string names_of(std::span<const image::Edit> edits);

}  // namespace visor::service
