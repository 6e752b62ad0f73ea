// How the program ends, for scripts that look at it.
#pragma once

#include "client/failure.h"

namespace visor::command {

/// The exit statuses; documented in --help and in docs/guide/command-line.md.
enum class Exit : int {
  done = 0,
  failed = 1,
  usage = 2,
  not_found = 3,
  not_permitted = 4,
  conflict = 5,
  unreachable = 6,
};

inline Exit exit_of(const client::Failure& failure) {
  if (failure.unreachable) return Exit::unreachable;
  switch (failure.error.code) {
    case Code::not_found:
      return failure.status != 0 ? Exit::not_found : Exit::failed;
    case Code::unauthenticated:
    case Code::forbidden:
      return failure.status != 0 ? Exit::not_permitted : Exit::failed;
    case Code::conflict:
    case Code::precondition:
      return Exit::conflict;
    default:
      return Exit::failed;
  }
}

}  // namespace visor::command
