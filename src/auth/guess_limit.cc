#include "auth/guess_limit.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace visor::auth {
namespace {

// The longest that is worth telling apart; nobody has such a name.
constexpr std::size_t kLongestName = 256;

/// What one client can hardly change: all of an IPv4 address, the network part of an IPv6 one.
std::string_view network_of(std::string_view address) {
  // An IPv4 client of a socket that takes both is one of IPv4.
  if (!address.contains(':') || address.starts_with("::ffff:")) return address;
  std::size_t end = 0;
  for (int group = 0; group < 4; ++group) {
    const std::size_t colon = address.find(':', end);
    if (colon == std::string_view::npos) return address;
    end = colon + 1;
    // Zeros that are not written stand for all that is left.
    if (address.substr(end).starts_with(':')) return address.substr(0, end);
  }
  return address.substr(0, end);
}

std::string key_of(std::string_view account, std::string_view address) {
  std::string key(network_of(address));
  key += '\n';
  key += account.substr(0, kLongestName);
  return key;
}

}  // namespace

GuessLimit::GuessLimit(Options options, const Clock& clock) : options_(options), clock_(clock) {}

GuessLimit::GuessLimit(const Clock& clock) : GuessLimit(Options{}, clock) {}

Result<void> GuessLimit::admit(std::string_view account, std::string_view address) {
  const Time now = clock_.now();
  const std::scoped_lock lock(mutex_);
  if (!closed(key_of(account, address), now) && !closed(key_of({}, address), now)) return {};
  return fail(Code::rate_limited,
              "there were too many wrong passwords from this address; try again in some minutes");
}

void GuessLimit::wrong(std::string_view account, std::string_view address) {
  const Time now = clock_.now();
  const std::scoped_lock lock(mutex_);
  count(key_of(account, address), options_.free_by_account, now);
  count(key_of({}, address), options_.free_by_address, now);
}

void GuessLimit::right(std::string_view account, std::string_view address) {
  const std::scoped_lock lock(mutex_);
  guesses_.erase(key_of(account, address));
}

void GuessLimit::count(const std::string& key, unsigned free, Time now) {
  if (guesses_.size() >= options_.most_entries && !guesses_.contains(key)) make_room(now);
  Guesses& guesses = guesses_[key];
  if (now - guesses.last > options_.memory) guesses = {};
  guesses.last = now;
  if (++guesses.wrong <= free) return;
  // Ten doublings are more than any pause asked for.
  const unsigned doublings = std::min(guesses.wrong - free - 1, 20u);
  const std::chrono::seconds pause =
      std::min(options_.first_pause * (std::int64_t{1} << doublings), options_.longest_pause);
  guesses.closed_until = now + pause;
}

bool GuessLimit::closed(const std::string& key, Time now) const {
  const auto found = guesses_.find(key);
  // A clock that went back does not close anything for longer than the longest pause.
  return found != guesses_.end() && now < found->second.closed_until &&
         found->second.closed_until - now <= options_.longest_pause;
}

void GuessLimit::make_room(Time now) {
  std::erase_if(guesses_, [&](const auto& entry) {
    return now - entry.second.last > options_.memory || now < entry.second.last;
  });
  if (guesses_.size() < options_.most_entries) return;
  // A flood from everywhere: an eighth goes, the oldest, so that this is rare.
  std::vector<Time> times;
  times.reserve(guesses_.size());
  for (const auto& [key, guesses] : guesses_) times.push_back(guesses.last);
  const auto nth = times.begin() + static_cast<std::ptrdiff_t>(times.size() / 8);
  std::ranges::nth_element(times, nth);
  const Time oldest_kept = *nth;
  std::erase_if(guesses_, [&](const auto& entry) { return entry.second.last <= oldest_kept; });
}

}  // namespace visor::auth
