// Sizes and durations as people write them.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace visor {

inline constexpr std::uint64_t kKiB = 1024;
inline constexpr std::uint64_t kMiB = 1024 * kKiB;
inline constexpr std::uint64_t kGiB = 1024 * kMiB;
inline constexpr std::uint64_t kTiB = 1024 * kGiB;

/// "512", "512 B", "64 KiB", "10GiB", "1.5 TiB"; also KB/MB/GB/TB as powers of 1000 and K/M/G/T as
/// powers of 1024, the same with P and E, in any case. A fraction needs a unit and is rounded down
/// to whole bytes. Nothing for anything else, negative or over 2^63-1.
std::optional<std::uint64_t> parse_size(std::string_view text);
/// "1.5 GiB": at most four significant characters and a binary unit.
std::string format_size(std::uint64_t bytes);

/// "250ms", "30s", "15m", "12h", "7d". Nothing for anything else.
std::optional<std::chrono::milliseconds> parse_duration(std::string_view text);
/// "2h 05m", "3m 20s", "4.2s", "250ms".
std::string format_duration(std::chrono::milliseconds duration);

/// A whole number, digits only (no sign, no blank), or nothing.
std::optional<std::uint64_t> parse_unsigned(std::string_view text);

}  // namespace visor
