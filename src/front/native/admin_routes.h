// Routes to what a running server does: /requests and /jobs.
//
// Contract: the native API's chapter "Routes". Administrators only.
#pragma once

#include "front/native/exchange.h"
#include "http/live_requests.h"
#include "service/jobs.h"

namespace visor::front::native {

/// GET /requests: all that are under way, the oldest first, this one among them.
async::Task<Result<http::Response>> list_requests(http::LiveRequests& requests, Exchange& exchange);
/// DELETE /requests/{id}: ends its connection.
async::Task<Result<http::Response>> cancel_request(http::LiveRequests& requests,
                                                   Exchange& exchange);
/// GET /jobs: the work in the background.
async::Task<Result<http::Response>> list_jobs(const service::Jobs& jobs, Exchange& exchange);

}  // namespace visor::front::native
