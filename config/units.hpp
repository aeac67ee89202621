// Values in the form that users write: durations, sizes and rates with their units, endpoints, fractions. Each is read
// completely or refused, and each is written so that it reads back to the same value.
#pragma once

#include "config/config.hpp"

#include <tl/expected.hpp>

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

namespace troupe::config {

/// The expected form of a value, as the end of a sentence: "a duration such as 5s, 250ms or 1m30s".
using complaint = std::string;

/// "250ms", "5s", "1m30s", "2h", "1.5s", "0". A number without a unit is refused, because it is ambiguous.
tl::expected<std::chrono::milliseconds, complaint> parse_duration(std::string_view text);
std::string format_duration(std::chrono::milliseconds x);

/// Bytes: "65536", "64KiB", "64MiB", "1GiB", "16kB", "1MB".
tl::expected<int64_t, complaint> parse_size(std::string_view text);
std::string format_size(int64_t bytes);

/// bit/s: "2500k", "2.5M", "128000", "2500kbit/s".
tl::expected<int64_t, complaint> parse_rate(std::string_view text);
std::string format_rate(int64_t bits_per_second);

/// A whole number in decimal.
tl::expected<int64_t, complaint> parse_integer(std::string_view text);

/// A finite number in decimal.
tl::expected<double, complaint> parse_number(std::string_view text);
std::string format_number(double x);

/// "true", "false", "yes", "no", "on", "off".
tl::expected<bool, complaint> parse_bool(std::string_view text);

/// "host:port", "[::1]:9090", ":9090" (all interfaces).
tl::expected<endpoint, complaint> parse_endpoint(std::string_view text);

/// A frame rate: "25", "29.97", "30000/1001". The NTSC rates in decimal become their exact fractions.
tl::expected<rational, complaint> parse_frame_rate(std::string_view text);
std::string format_frame_rate(rational x);

} // namespace troupe::config
