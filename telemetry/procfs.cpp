// Parsing by lines and words with std::from_chars: no locale, no allocation beyond the results, no exception.
#include "telemetry/procfs.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <limits>
#include <optional>

#include <fcntl.h>
#include <unistd.h>

namespace troupe::telemetry::procfs {

namespace {

constexpr std::string_view blanks = " \t\r";

/// Reads the first line of `text`, and removes it.
std::string_view next_line(std::string_view& text) {
  auto end = text.find('\n');
  auto line = text.substr(0, end);
  text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  return line;
}

/// Reads the first word of `line`, and removes it; empty at the end.
std::string_view next_word(std::string_view& line) {
  line.remove_prefix(std::min(line.find_first_not_of(blanks), line.size()));
  auto word = line.substr(0, line.find_first_of(blanks));
  line.remove_prefix(word.size());
  return word;
}

template <class Number>
std::optional<Number> whole_number(std::string_view word) {
  Number result{};
  auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), result);
  if (error != std::errc{} || end != word.data() + word.size())
    return std::nullopt;
  return result;
}

uint64_t integer(std::string_view word) {
  return whole_number<uint64_t>(word).value_or(0);
}

/// A finite number that is not negative, otherwise 0.
double real(std::string_view word) {
  auto value = whole_number<double>(word).value_or(0);
  return std::isfinite(value) && value > 0 ? value : 0;
}

uint64_t saturating_add(uint64_t a, uint64_t b) {
  auto sum = a + b;
  return sum < a ? std::numeric_limits<uint64_t>::max() : sum;
}

/// The columns user, nice, system, idle, iowait, irq, softirq, steal. The two guest columns after them are already part
/// of user and nice.
cpu_times parse_cpu_columns(std::string_view line) {
  constexpr size_t columns = 8;
  constexpr size_t idle = 3;
  constexpr size_t iowait = 4;
  cpu_times result;
  for (size_t i = 0; i < columns; ++i) {
    auto ticks = integer(next_word(line));
    result.total = saturating_add(result.total, ticks);
    if (i != idle && i != iowait)
      result.busy = saturating_add(result.busy, ticks);
  }
  return result;
}

uint64_t kibibytes(std::string_view word) {
  auto value = integer(word);
  return value > std::numeric_limits<uint64_t>::max() / 1024 ? 0 : value * 1024;
}

} // namespace

std::string read_file(const std::string& path, size_t limit) {
  int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
  if (fd < 0)
    return {};
  std::string result;
  std::array<char, 4096> buffer;
  while (result.size() < limit) {
    auto count = ::read(fd, buffer.data(), std::min(buffer.size(), limit - result.size()));
    if (count <= 0)
      break;
    result.append(buffer.data(), static_cast<size_t>(count));
  }
  ::close(fd);
  return result;
}

cpu_table parse_cpu(std::string_view text) {
  cpu_table result;
  while (!text.empty()) {
    auto line = next_line(text);
    auto name = next_word(line);
    if (!name.starts_with("cpu"))
      break; // the kernel writes the processors first, then a line of interrupts that can be long
    name.remove_prefix(3);
    if (name.empty())
      result.all = parse_cpu_columns(line);
    else if (auto number = whole_number<uint32_t>(name); number && result.cores.size() < cores_max)
      result.cores.push_back({*number, parse_cpu_columns(line)});
  }
  return result;
}

load_average parse_load(std::string_view text) {
  auto line = next_line(text);
  load_average result;
  result.one = real(next_word(line));
  result.five = real(next_word(line));
  result.fifteen = real(next_word(line));
  return result;
}

memory_table parse_memory(std::string_view text) {
  memory_table result;
  std::optional<uint64_t> available;
  uint64_t reclaimable = 0;
  while (!text.empty()) {
    auto line = next_line(text);
    auto key = next_word(line);
    auto bytes = kibibytes(next_word(line));
    if (key == "MemTotal:")
      result.total = bytes;
    else if (key == "MemAvailable:")
      available = bytes;
    else if (key == "MemFree:" || key == "Buffers:" || key == "Cached:")
      reclaimable = saturating_add(reclaimable, bytes);
    else if (key == "SwapTotal:")
      result.swap_total = bytes;
    else if (key == "SwapFree:")
      result.swap_free = bytes;
  }
  result.available = std::min(available.value_or(reclaimable), result.total);
  result.swap_free = std::min(result.swap_free, result.swap_total);
  return result;
}

std::vector<interface_counters> parse_network(std::string_view text) {
  constexpr size_t columns_between = 7; // packets, errors, … of the receiving side
  std::vector<interface_counters> result;
  while (!text.empty() && result.size() < interfaces_max) {
    auto line = next_line(text);
    auto colon = line.find(':');
    if (colon == std::string_view::npos)
      continue;
    auto before = line.substr(0, colon);
    auto name = next_word(before);
    line.remove_prefix(colon + 1);
    if (name.empty() || name == "lo")
      continue;
    interface_counters entry{std::string{name}, integer(next_word(line)), 0};
    for (size_t i = 0; i < columns_between; ++i)
      next_word(line);
    entry.sent_bytes = integer(next_word(line));
    result.push_back(std::move(entry));
  }
  return result;
}

pressure parse_pressure(std::string_view text) {
  pressure result;
  auto percent = [](std::string_view word) { return std::min(real(word), 100.0); };
  while (!text.empty()) {
    auto line = next_line(text);
    if (next_word(line) != "some")
      continue;
    for (auto word = next_word(line); !word.empty(); word = next_word(line)) {
      auto equals = std::min(word.find('='), word.size() - 1);
      auto key = word.substr(0, equals);
      auto value = word.substr(equals + 1);
      if (key == "avg10")
        result.avg10 = percent(value);
      else if (key == "avg60")
        result.avg60 = percent(value);
      else if (key == "avg300")
        result.avg300 = percent(value);
      else if (key == "total")
        result.total_us = integer(value);
    }
    break;
  }
  return result;
}

double parse_uptime(std::string_view text) {
  auto line = next_line(text);
  return real(next_word(line));
}

process_times parse_process(std::string_view text) {
  // A program chooses its own name, which may contain blanks and parentheses: the last parenthesis ends it.
  auto name_end = text.rfind(')');
  if (name_end == std::string_view::npos)
    return {};
  text.remove_prefix(name_end + 1);
  auto line = next_line(text);
  constexpr size_t first = 3; // number of the first column after the name, as proc(5) counts
  constexpr size_t utime = 14, stime = 15, starttime = 22, rss = 24;
  process_times result;
  for (size_t column = first; column <= rss; ++column) {
    auto word = next_word(line);
    if (word.empty())
      return {};
    if (column == utime || column == stime)
      result.cpu_ticks = saturating_add(result.cpu_ticks, integer(word));
    else if (column == starttime)
      result.start_ticks = integer(word);
    else if (column == rss)
      result.resident_pages = integer(word);
  }
  result.valid = true;
  return result;
}

} // namespace troupe::telemetry::procfs
