// prometheus-cpp writes and escapes the text. Values that it does not check are made valid here before.
#include "telemetry/exposition.hpp"

#include "base/utf8.hpp"

#include <prometheus/text_serializer.h>

#include <cmath>
#include <limits>
#include <locale>
#include <sstream>

namespace troupe::telemetry {

namespace {

double finite(double value) {
  return std::isfinite(value) ? value : 0;
}

} // namespace

std::string label_value(std::string_view text) {
  std::string result;
  while (!text.empty()) {
    auto x = base::take_character(text);
    auto piece = x.what == base::character::kind::plain ? x.bytes : "?";
    if (result.size() + piece.size() > label_bytes_max)
      break;
    result += piece;
  }
  return result;
}

metric_family::metric_family(prometheus::MetricType type, std::string name, std::string help) {
  family_.type = type;
  family_.name = std::move(name);
  family_.help = std::move(help);
}

prometheus::ClientMetric* metric_family::series(const labels& of) {
  if (family_.metric.size() >= series_max)
    return nullptr;
  std::vector<std::string> values;
  values.reserve(of.size());
  for (auto& label : of)
    values.push_back(label_value(label.second));
  auto [entry, fresh] = seen_.insert(std::move(values));
  if (!fresh)
    return nullptr;
  auto& metric = family_.metric.emplace_back();
  for (size_t i = 0; i < of.size(); ++i)
    metric.label.push_back({std::string{of[i].first}, (*entry)[i]});
  return &metric;
}

metric_family& metric_family::add(const labels& of, double value) {
  if (auto* metric = series(of)) {
    if (family_.type == prometheus::MetricType::Counter)
      metric->counter.value = finite(value);
    else
      metric->gauge.value = finite(value);
  }
  return *this;
}

metric_family& metric_family::add(const labels& of, const distribution& value) {
  if (auto* metric = series(of)) {
    metric->summary.sample_count = value.count;
    metric->summary.sample_sum = finite(value.sum);
    for (auto& [quantile, at] : value.quantiles)
      metric->summary.quantile.push_back({quantile, finite(at)});
  }
  return *this;
}

metric_family& metric_family::add(const labels& of, const buckets& value) {
  if (auto* metric = series(of)) {
    auto& to = metric->histogram;
    uint64_t so_far = 0;
    for (auto& [bound, count] : value.upto)
      to.bucket.push_back({so_far += count, bound});
    to.sample_count = so_far + value.beyond;
    to.bucket.push_back({to.sample_count, std::numeric_limits<double>::infinity()});
    to.sample_sum = finite(value.sum);
  }
  return *this;
}

metric_family counter(std::string name, std::string help) {
  return {prometheus::MetricType::Counter, std::move(name), std::move(help)};
}

metric_family gauge(std::string name, std::string help) {
  return {prometheus::MetricType::Gauge, std::move(name), std::move(help)};
}

metric_family summary(std::string name, std::string help) {
  return {prometheus::MetricType::Summary, std::move(name), std::move(help)};
}

metric_family histogram(std::string name, std::string help) {
  return {prometheus::MetricType::Histogram, std::move(name), std::move(help)};
}

std::string to_text(const std::vector<metric_family>& families) {
  std::vector<prometheus::MetricFamily> filled;
  for (auto& family : families)
    if (!family.get().metric.empty())
      filled.push_back(family.get());
  std::ostringstream out;
  out.imbue(std::locale::classic());
  prometheus::TextSerializer{}.Serialize(out, filled);
  return std::move(out).str();
}

} // namespace troupe::telemetry
