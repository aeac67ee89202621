#include "ctl/table.hpp"

#include "base/utf8.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <ctime>
#include <utility>

namespace troupe::ctl {

namespace {

size_t width_of(std::string_view text) {
  // Continuation bytes of a UTF-8 sequence take no column.
  return static_cast<size_t>(std::count_if(text.begin(), text.end(), [](char c) { return (c & 0xc0) != 0x80; }));
}

template <class... Ts>
std::string format(const char* pattern, Ts... xs) {
  std::array<char, 64> text{};
  std::snprintf(text.data(), text.size(), pattern, xs...);
  return text.data();
}

} // namespace

table::table(std::vector<column> columns) : columns_(std::move(columns)) {}

void table::add(std::vector<std::string> cells) {
  cells.resize(columns_.size());
  for (auto& c : cells)
    c = base::plain_text(c);
  rows_.push_back(std::move(cells));
}

std::string table::to_string() const {
  std::vector<size_t> widths;
  for (size_t i = 0; i < columns_.size(); ++i) {
    auto width = width_of(columns_[i].title);
    for (auto& row : rows_)
      width = std::max(width, width_of(row[i]));
    widths.push_back(width);
  }
  std::string result;
  auto line = [&](auto cell) {
    std::string text;
    for (size_t i = 0; i < columns_.size(); ++i) {
      const std::string& x = cell(i);
      auto padding = std::string(widths[i] - width_of(x), ' ');
      text += i == 0 ? "" : "  ";
      text += columns_[i].alignment == align::right ? padding + x : x + padding;
    }
    text.erase(text.find_last_not_of(' ') + 1);
    result += text + "\n";
  };
  line([this](size_t i) -> const std::string& { return columns_[i].title; });
  for (auto& row : rows_)
    line([&row](size_t i) -> const std::string& { return row[i]; });
  return result;
}

std::string bytes_text(double bytes) {
  constexpr std::array<const char*, 6> units{"B", "KiB", "MiB", "GiB", "TiB", "PiB"};
  size_t unit = 0;
  for (; bytes >= 1024 && unit + 1 < units.size(); ++unit)
    bytes /= 1024;
  return format(unit == 0 ? "%.0f %s" : "%.1f %s", bytes, units[unit]);
}

std::string number_text(double x) {
  return std::isfinite(x) ? format("%.1f", x) : "-";
}

std::string time_text(int64_t ms) {
  if (ms <= 0)
    return {};
  auto at = static_cast<std::time_t>(ms / 1000);
  std::tm parts{};
  ::localtime_r(&at, &parts);
  char text[32];
  std::strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S", &parts);
  return text;
}

std::string duration_text(int64_t seconds) {
  auto s = static_cast<long long>(std::max<int64_t>(seconds, 0));
  if (s < 60)
    return format("%llds", s);
  if (s < 3600)
    return format("%lldm%02llds", s / 60, s % 60);
  if (s < 86'400)
    return format("%lldh%02lldm", s / 3600, s / 60 % 60);
  return format("%lldd%02lldh", s / 86'400, s / 3600 % 24);
}

} // namespace troupe::ctl
