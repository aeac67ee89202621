// Writes measured values in the Prometheus text format (version 0.0.4).
//
// Label values come from configuration and from workers, so they are made safe here: valid UTF-8, no control
// characters, bounded length. A second series with the same labels is dropped, because one duplicate makes a scraper
// refuse the whole page. Numbers that are not finite become 0. A family holds a bounded number of series.
#pragma once

#include <prometheus/metric_family.h>

#include <cstddef>
#include <cstdint>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace troupe::telemetry {

/// A label's value is cut at a character boundary beyond this many bytes.
inline constexpr size_t label_bytes_max = 128;

/// Further series of one family are dropped beyond this number.
inline constexpr size_t series_max = 20'000;

/// A label's value in valid UTF-8 of at most `label_bytes_max` bytes; '?' replaces ill-formed bytes and control
/// characters.
std::string label_value(std::string_view text);

/// Names and values of one series' labels. Names are literals from our code.
using labels = std::vector<std::pair<std::string_view, std::string_view>>;

/// One metric with its series.
class metric_family {
public:
  metric_family(prometheus::MetricType type, std::string name, std::string help);

  /// Adds a series with one number: families of counters and gauges.
  metric_family& add(const labels& of, double value);

  struct distribution {
    uint64_t count = 0;
    double sum = 0;
    std::vector<std::pair<double, double>> quantiles; ///< quantile (0 to 1) and value
  };

  /// Adds a series of a summary.
  metric_family& add(const labels& of, const distribution& value);

  struct buckets {
    std::vector<std::pair<double, uint64_t>>
      upto;              ///< ascending upper bounds, each with the number of values above the previous bound
    uint64_t beyond = 0; ///< number of values above the last bound
    double sum = 0;
  };

  /// Adds a series of a histogram.
  metric_family& add(const labels& of, const buckets& value);

  const prometheus::MetricFamily& get() const noexcept {
    return family_;
  }

private:
  /// A new series with these labels; null if it exists already or there are too many.
  prometheus::ClientMetric* series(const labels& of);

  prometheus::MetricFamily family_;
  std::set<std::vector<std::string>> seen_;
};

metric_family counter(std::string name, std::string help);
metric_family gauge(std::string name, std::string help);
metric_family summary(std::string name, std::string help);
metric_family histogram(std::string name, std::string help);

/// Prometheus counts times in seconds.
inline double seconds(int64_t ms) {
  return static_cast<double>(ms) / 1000;
}

/// The families as text, without those that have no series.
std::string to_text(const std::vector<metric_family>& families);

} // namespace troupe::telemetry
