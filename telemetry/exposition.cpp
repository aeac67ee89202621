// prometheus-cpp writes and escapes; values that it does not check are checked before.
#include "telemetry/exposition.hpp"

#include <prometheus/text_serializer.h>

#include <cmath>
#include <limits>
#include <locale>
#include <sstream>

namespace troupe::telemetry {

namespace {

/// Length in bytes of the well-formed UTF-8 sequence that `text` starts with (table 3-7 of the Unicode Standard), or 0.
size_t utf8_length(std::string_view text) {
  auto byte = [text](size_t i) { return i < text.size() ? static_cast<unsigned char>(text[i]) : 0; };
  auto between = [byte](size_t i, int low, int high) { return byte(i) >= low && byte(i) <= high; };
  auto tail = [between](size_t i) { return between(i, 0x80, 0xBF); };
  int first = byte(0);
  if (first < 0x80)
    return 1;
  if (first >= 0xC2 && first <= 0xDF)
    return tail(1) ? 2 : 0;
  if (first >= 0xE0 && first <= 0xEF)
    return between(1, first == 0xE0 ? 0xA0 : 0x80, first == 0xED ? 0x9F : 0xBF) && tail(2) ? 3 : 0;
  if (first >= 0xF0 && first <= 0xF4)
    return between(1, first == 0xF0 ? 0x90 : 0x80, first == 0xF4 ? 0x8F : 0xBF) && tail(2) && tail(3) ? 4 : 0;
  return 0;
}

double finite(double value) {
  return std::isfinite(value) ? value : 0;
}

} // namespace

std::string label_value(std::string_view text) {
  std::string result;
  while (!text.empty()) {
    auto length = utf8_length(text);
    auto control = length == 1 && (static_cast<unsigned char>(text[0]) < 0x20 || text[0] == 0x7F);
    auto piece = length == 0 || control ? std::string_view{"?"} : text.substr(0, length);
    if (result.size() + piece.size() > label_bytes_max)
      break;
    result += piece;
    text.remove_prefix(length == 0 ? 1 : length);
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
