#include "telemetry/gpu_metrics.hpp"

#include "messages/gpu.hpp"

#include <optional>

namespace troupe::telemetry {

namespace {

struct column {
  const char* name;
  const char* help;
  std::optional<double> (*value)(const gpu_status&); ///< nothing if the driver does not report it
};

std::optional<double> memory_percent(const gpu_reading& x) {
  if (!x.memory_used_bytes || x.memory_total_bytes.value_or(0) == 0)
    return std::nullopt;
  return 100.0 * static_cast<double>(*x.memory_used_bytes) / static_cast<double>(*x.memory_total_bytes);
}

/// A limit as a number; nothing if there is none.
std::optional<double> limit_of(const std::string& text) {
  auto limit = session_limit_from(text);
  if (!limit || limit->is_unlimited())
    return std::nullopt;
  return static_cast<double>(*limit->count());
}

constexpr column columns[] = {
  {"troupe_gpu_utilization_percent", "Use of the GPU's compute units, 0 to 100.",
   [](const gpu_status& x) { return x.reading.utilisation_percent; }},
  {"troupe_gpu_encoder_percent", "Use of the GPU's encoders, 0 to 100.",
   [](const gpu_status& x) { return x.reading.encoder_percent; }},
  {"troupe_gpu_decoder_percent", "Use of the GPU's decoders, 0 to 100.",
   [](const gpu_status& x) { return x.reading.decoder_percent; }},
  {"troupe_gpu_memory_percent", "Used share of the GPU's memory, 0 to 100.",
   [](const gpu_status& x) { return memory_percent(x.reading); }},
  {"troupe_gpu_temperature_celsius", "Temperature of the GPU.",
   [](const gpu_status& x) { return x.reading.temperature_celsius; }},
  {"troupe_gpu_power_watts", "Power that the GPU draws.", [](const gpu_status& x) { return x.reading.power_watts; }},
  {"troupe_gpu_encode_sessions", "Encode sessions that the cluster has reserved on the GPU, over all its workers.",
   [](const gpu_status& x) { return std::optional<double>{x.encode_sessions}; }},
  {"troupe_gpu_foreign_sessions", "Encode sessions of other programs on the GPU.",
   [](const gpu_status& x) { return std::optional<double>{x.foreign_sessions}; }},
  {"troupe_gpu_encode_sessions_max", "Encode sessions that the GPU may hold; missing if there is no limit.",
   [](const gpu_status& x) { return limit_of(x.encode_limit); }},
  {"troupe_gpu_blocked", "1 while the GPU takes no new encode session from the worker.",
   [](const gpu_status& x) { return std::optional<double>{x.blocked.empty() ? 0.0 : 1.0}; }},
};

} // namespace

std::vector<metric_family> gpu_families(const std::vector<daemon_status>& daemons) {
  std::vector<metric_family> result;
  for (auto& c : columns) {
    auto& family = result.emplace_back(gauge(c.name, c.help));
    for (auto& d : daemons) {
      auto id = to_string(d.id);
      for (size_t i = 0; i < d.gpus.size(); ++i) {
        auto& g = d.gpus[i];
        auto index = std::to_string(i);
        if (auto value = c.value(g))
          family.add({{"daemon_id", id}, {"gpu_index", index}, {"gpu", g.gpu}, {"gpu_name", g.name}}, *value);
      }
    }
  }
  return result;
}

} // namespace troupe::telemetry
