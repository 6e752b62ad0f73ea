// The access log: one line a request.
#pragma once

#include "http/session.h"

namespace visor::app {

/// Logs a request that is over, at level info. To be called from the server's http::OnDone; takes
/// well under a microsecond with a log::Writer and never waits for the log's file.
void log_request(const http::RequestRecord& record);

}  // namespace visor::app
