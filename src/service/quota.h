// Quotas: hard limits of what an account may store.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "async/task.h"
#include "base/error.h"

namespace visor::service {

/// Limits of one account; nothing: unlimited.
struct Quota {
  std::optional<std::uint64_t> bytes;
  std::optional<std::uint64_t> images;
};

/// Tells the limits of an account. Thread-safe.
class QuotaLimits {
 public:
  virtual ~QuotaLimits() = default;
  virtual async::Task<Result<Quota>> of(std::string account) const = 0;
};

/// The same limits for every account.
class FixedQuota final : public QuotaLimits {
 public:
  explicit FixedQuota(Quota quota) : quota_(quota) {}
  async::Task<Result<Quota>> of(std::string) const override { co_return quota_; }

 private:
  Quota quota_;
};

/// The catalogue's counters of what an account holds, uploads under way included.
std::string bytes_counter(const std::string& account);
std::string images_counter(const std::string& account);
/// A limit as the catalogue's counters take it.
std::optional<std::int64_t> as_limit(std::optional<std::uint64_t> limit);

}  // namespace visor::service
