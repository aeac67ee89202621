// Columns of text for terminals.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace troupe::ctl {

/// Columns as wide as their widest cell, two spaces apart. Width is counted in code points.
class table {
public:
  enum class align : uint8_t { left, right };

  struct column {
    std::string title;
    align alignment = align::left;
  };

  explicit table(std::vector<column> columns);

  /// Appends a row; missing cells are empty, surplus cells are dropped.
  void add(std::vector<std::string> cells);

  bool empty() const noexcept {
    return rows_.empty();
  }

  /// The titles and the rows, one line each, without trailing blanks.
  std::string to_string() const;

private:
  std::vector<column> columns_;
  std::vector<std::vector<std::string>> rows_;
};

/// "512 B", "1.5 KiB", "3.0 GiB".
std::string bytes_text(double bytes);

/// With one decimal; "-" if it is not finite.
std::string number_text(double x);

/// Local time, "2026-11-03 17:05:09", from milliseconds since 1970; empty for 0 and less, which mean no time.
std::string time_text(int64_t ms);

/// "45s", "3m20s", "2h05m", "3d04h".
std::string duration_text(int64_t seconds);

} // namespace troupe::ctl
