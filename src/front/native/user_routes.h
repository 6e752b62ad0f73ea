// Routes to accounts: /users.
//
// Contract: the native API's chapters "Routes" and "Authentication". Administrators only; who is
// one, the service decides.
#pragma once

#include "front/native/exchange.h"
#include "service/account_service.h"

namespace visor::front::native {

/// GET /users: by access key. `limit` and `marker` page; every other parameter is a filter on a
/// field.
async::Task<Result<http::Response>> list_users(service::AccountService& users, Exchange& exchange);
/// POST /users: the answer tells the secret.
async::Task<Result<http::Response>> post_user(service::AccountService& users, Exchange& exchange);
/// GET /users/{access_key}.
async::Task<Result<http::Response>> get_user(service::AccountService& users, Exchange& exchange);
/// PUT /users/{access_key}: with renew_secret the answer tells the new secret.
async::Task<Result<http::Response>> put_user(service::AccountService& users, Exchange& exchange);
/// DELETE /users/{access_key}.
async::Task<Result<http::Response>> delete_user(service::AccountService& users, Exchange& exchange);

}  // namespace visor::front::native
