// A figure of a command. A measurement without its spread says nothing about the next one, so each measured figure NAME
// has NAME_min and NAME_max, which only this file makes. Only counts have no spread.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace troupe::bench {

struct figure {
  /// What `NAME_min` and `NAME_max` say.
  struct range {
    double min = 0;
    double max = 0;
  };

  std::string name;
  double value = 0;            ///< not a number if nothing was measured
  std::optional<range> spread; ///< of a measurement
  bool is_single = false;      ///< measured once: the spread is unknown, not narrow

  /// What is printed: NAME, NAME_min and NAME_max, or NAME alone.
  std::vector<std::pair<std::string, double>> lines() const;
};

/// A measurement: the median of `samples`, and the least and the greatest of them.
figure measured(std::string name, const std::vector<double>& samples);

/// A percentile: the value that `share` of all samples do not exceed. The samples are in the order of time. The spread
/// is that of the same percentile within each fifth of them, or of the samples if there are fewer than five.
figure percentile(std::string name, const std::vector<double>& samples, double share);

/// A count, or something else that has no spread.
figure counted(std::string name, double value);

} // namespace troupe::bench
