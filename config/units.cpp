#include "config/units.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <limits>
#include <span>

namespace troupe::config {

namespace {

struct unit {
  std::string_view name;
  double factor;
};

// A value is written in the first unit of a table that divides it evenly.
constexpr std::array<unit, 4> duration_units{{{"h", 3'600'000}, {"m", 60'000}, {"s", 1000}, {"ms", 1}}};

constexpr std::array<unit, 9> size_units{{{"GiB", 1073741824.0},
                                          {"MiB", 1048576.0},
                                          {"KiB", 1024.0},
                                          {"GB", 1e9},
                                          {"MB", 1e6},
                                          {"kB", 1e3},
                                          {"KB", 1e3},
                                          {"B", 1},
                                          {"", 1}}};

constexpr std::array<unit, 9> rate_units{{{"G", 1e9},
                                          {"M", 1e6},
                                          {"k", 1e3},
                                          {"K", 1e3},
                                          {"", 1},
                                          {"Gbit/s", 1e9},
                                          {"Mbit/s", 1e6},
                                          {"kbit/s", 1e3},
                                          {"bit/s", 1}}};

// Above this a double cannot represent every integer.
constexpr double exact_max = 9007199254740992.0;

bool is_number_character(char c) {
  return (c >= '0' && c <= '9') || c == '.';
}

/// Reads a non-negative decimal number from the front of `text`.
bool take_number(std::string_view& text, double& value) {
  const auto end = static_cast<size_t>(std::ranges::find_if_not(text, is_number_character) - text.begin());
  const auto [at, error] = std::from_chars(text.data(), text.data() + end, value, std::chars_format::fixed);
  if (end == 0 || error != std::errc{} || at != text.data() + end)
    return false;
  text.remove_prefix(end);
  return true;
}

/// Reads the name of a unit from the front of `text`: everything up to the next digit, without blanks before it.
std::string_view take_unit(std::string_view& text) {
  while (text.starts_with(' '))
    text.remove_prefix(1);
  const auto end = static_cast<size_t>(std::ranges::find_if(text, is_number_character) - text.begin());
  const auto name = text.substr(0, end);
  text.remove_prefix(end);
  return name;
}

const unit* find_unit(std::span<const unit> units, std::string_view name) {
  const auto found = std::ranges::find(units, name, &unit::name);
  return found == units.end() ? nullptr : &*found;
}

/// One number with one unit. A fraction that is not a whole number of base units ("1.0001KiB") is refused.
tl::expected<int64_t, complaint> parse_scaled(std::string_view text, std::span<const unit> units,
                                              std::string_view expected) {
  double number = 0;
  const unit* found = nullptr;
  if (take_number(text, number))
    found = find_unit(units, take_unit(text));
  if (found == nullptr || !text.empty())
    return tl::unexpected(complaint{expected});
  const auto value = number * found->factor;
  if (value > exact_max)
    return tl::unexpected(complaint{expected} + ", and not so large");
  if (value != std::floor(value))
    return tl::unexpected(complaint{expected} + ", and whole");
  return static_cast<int64_t>(value);
}

std::string format_scaled(int64_t value, std::span<const unit> units) {
  for (const auto& x : units) {
    const auto factor = static_cast<int64_t>(x.factor);
    if (value != 0 && value % factor == 0)
      return std::to_string(value / factor) + std::string{x.name};
  }
  return std::to_string(value);
}

} // namespace

tl::expected<std::chrono::milliseconds, complaint> parse_duration(std::string_view text) {
  constexpr std::string_view expected = "a duration with its unit, such as 250ms, 5s, 1m30s or 2h";
  if (text == "0")
    return std::chrono::milliseconds{0};
  double total = 0;
  double last_factor = exact_max;
  if (text.empty())
    return tl::unexpected(complaint{expected});
  while (!text.empty()) {
    double number = 0;
    if (!take_number(text, number))
      return tl::unexpected(complaint{expected});
    const auto* found = find_unit(duration_units, take_unit(text));
    if (found == nullptr || found->factor >= last_factor)
      return tl::unexpected(complaint{expected});
    last_factor = found->factor;
    total += number * found->factor;
  }
  if (total > exact_max)
    return tl::unexpected(complaint{expected} + ", and not so long");
  // 0.1s is not exactly 100 ms in binary, but near enough.
  constexpr double tolerance = 1e-6;
  if (std::abs(total - std::round(total)) > tolerance)
    return tl::unexpected(complaint{expected} + ", in whole milliseconds");
  return std::chrono::milliseconds{std::llround(total)};
}

std::string format_duration(std::chrono::milliseconds x) {
  if (x.count() == 0)
    return "0s";
  return format_scaled(x.count(), duration_units);
}

tl::expected<int64_t, complaint> parse_size(std::string_view text) {
  return parse_scaled(text, size_units, "a size in bytes, such as 65536, 64KiB or 64MiB");
}

std::string format_size(int64_t bytes) {
  return format_scaled(bytes, std::span{size_units}.first(3));
}

tl::expected<int64_t, complaint> parse_rate(std::string_view text) {
  return parse_scaled(text, rate_units, "a rate in bit/s, such as 128000, 2500k or 2.5M");
}

std::string format_rate(int64_t bits_per_second) {
  return format_scaled(bits_per_second, std::span{rate_units}.first(3));
}

tl::expected<int64_t, complaint> parse_integer(std::string_view text) {
  int64_t value = 0;
  const auto [at, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || error != std::errc{} || at != text.data() + text.size())
    return tl::unexpected(complaint{"a whole number"});
  return value;
}

tl::expected<double, complaint> parse_number(std::string_view text) {
  double value = 0;
  const auto [at, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || error != std::errc{} || at != text.data() + text.size() || !std::isfinite(value))
    return tl::unexpected(complaint{"a number"});
  return value;
}

std::string format_number(double x) {
  std::array<char, 64> buffer{};
  const auto [at, error] = std::to_chars(buffer.data(), buffer.data() + buffer.size(), x);
  return error == std::errc{} ? std::string{buffer.data(), at} : std::string{"0"};
}

tl::expected<bool, complaint> parse_bool(std::string_view text) {
  for (auto name : {"true", "True", "TRUE", "yes", "on"})
    if (text == name)
      return true;
  for (auto name : {"false", "False", "FALSE", "no", "off"})
    if (text == name)
      return false;
  return tl::unexpected(complaint{"true or false"});
}

tl::expected<endpoint, complaint> parse_endpoint(std::string_view text) {
  const auto refused = tl::unexpected(complaint{"an address and a port, such as 127.0.0.1:9090 or [::1]:9090"});
  const auto colon = text.rfind(':');
  if (colon == std::string_view::npos)
    return refused;
  auto host = text.substr(0, colon);
  const auto port = parse_integer(text.substr(colon + 1));
  if (!port || *port < 0 || *port > std::numeric_limits<uint16_t>::max())
    return tl::unexpected(complaint{refused.value() + ", with a port from 0 to 65535"});
  if (host.starts_with('[') && host.ends_with(']'))
    host = host.substr(1, host.size() - 2);
  else if (host.find(':') != std::string_view::npos)
    return refused;
  if (host.empty())
    host = "0.0.0.0";
  constexpr size_t host_bytes_max = 253; // of a DNS name
  const auto is_allowed = [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '.' || c == '-'
           || c == '_' || c == ':' || c == '%';
  };
  if (host.size() > host_bytes_max || !std::ranges::all_of(host, is_allowed))
    return refused;
  return endpoint{std::string{host}, static_cast<uint16_t>(*port)};
}

tl::expected<rational, complaint> parse_frame_rate(std::string_view text) {
  const auto refused = tl::unexpected(complaint{"a frame rate such as 25, 29.97 or 30000/1001"});
  constexpr int64_t term_max = 1'000'000;
  if (const auto slash = text.find('/'); slash != std::string_view::npos) {
    const auto num = parse_integer(text.substr(0, slash));
    const auto den = parse_integer(text.substr(slash + 1));
    if (!num || !den || *num < 0 || *num > term_max || *den < 1 || *den > term_max)
      return refused;
    return rational{static_cast<int32_t>(*num), static_cast<int32_t>(*den)};
  }
  const auto value = parse_number(text);
  if (!value || *value < 0 || *value > 1000)
    return refused;
  if (*value == std::floor(*value))
    return rational{static_cast<int32_t>(*value), 1};
  for (const int32_t nominal : {24, 30, 48, 60, 120})
    if (std::abs(*value - nominal * 1000 / 1001.0) < 0.005)
      return rational{nominal * 1000, 1001};
  const auto thousandths = std::round(*value * 1000);
  if (std::abs(*value * 1000 - thousandths) > 1e-6)
    return refused;
  return rational{static_cast<int32_t>(thousandths), 1000};
}

std::string format_frame_rate(rational x) {
  return x.den == 1 ? std::to_string(x.num) : std::to_string(x.num) + '/' + std::to_string(x.den);
}

} // namespace troupe::config
