// The commands `visord audit …`: looking at the audit log from outside of the server.
#pragma once

#include <string>
#include <vector>

#include "app/configuration.h"

namespace visor::app {

struct AuditQuestion {
  std::string path;               ///< a file or folder; empty: the configured folder
  std::vector<std::string> keys;  ///< files of further master keys
  std::string expected;           ///< SEQUENCE:HASH of a line that must be there; empty: none

  // What `show` leaves out: lines that are not like this.
  std::string since;    ///< a time (RFC 3339), or a duration: so long ago
  std::string account;  ///< that did it or that it was done to
  std::string image;
  std::string outcome;
  bool json = false;
};

/// Tells whether the log is whole and where it is not. Gives the exit status: 0 whole, 1 broken, 2
/// it could not be looked at.
int run_audit_verify(const Configuration& configuration, const AuditQuestion& question);

/// Prints the lines that were asked for, for people or as they are. Gives the exit status: 0, or 2
/// if the log could not be read or the question is wrong.
int run_audit_show(const Configuration& configuration, const AuditQuestion& question);

}  // namespace visor::app
