#include "bench/figure.hpp"

#include "rig/loss_account.hpp"
#include "rig/viewing.hpp"

#include <algorithm>
#include <limits>

namespace troupe::bench {

namespace {

/// Into how many parts a run is divided to see how far a percentile varies.
constexpr size_t parts_max = 5;

figure with_spread(std::string name, double value, const std::vector<double>& samples) {
  if (samples.empty()) {
    // No measurement must never look like a zero.
    constexpr auto nothing = std::numeric_limits<double>::quiet_NaN();
    return {std::move(name), nothing, figure::range{nothing, nothing}, false};
  }
  auto [min, max] = std::minmax_element(samples.begin(), samples.end());
  return {std::move(name), value, figure::range{*min, *max}, samples.size() == 1};
}

} // namespace

std::vector<std::pair<std::string, double>> figure::lines() const {
  std::vector<std::pair<std::string, double>> result{{name, value}};
  if (spread) {
    result.emplace_back(name + "_min", spread->min);
    result.emplace_back(name + "_max", spread->max);
  }
  return result;
}

figure measured(std::string name, const std::vector<double>& samples) {
  return with_spread(std::move(name), spread_of(samples).median, samples);
}

figure percentile(std::string name, const std::vector<double>& samples, double share) {
  std::vector<double> parts;
  auto count = std::min(parts_max, samples.size());
  for (size_t i = 0; i < count; ++i) {
    auto from = samples.begin() + static_cast<std::ptrdiff_t>(i * samples.size() / count);
    auto to = samples.begin() + static_cast<std::ptrdiff_t>((i + 1) * samples.size() / count);
    parts.push_back(percentile_of({from, to}, share));
  }
  return with_spread(std::move(name), percentile_of(samples, share), parts);
}

figure counted(std::string name, double value) {
  return {std::move(name), value, std::nullopt, false};
}

} // namespace troupe::bench
