#include "actors/cluster/gpu_watch.hpp"

#include "actors/common/actor_of.hpp"
#include "telemetry/drm.hpp"
#include "telemetry/log.hpp"
#include "telemetry/nvml.hpp"

#include <caf/typed_event_based_actor.hpp>

#include <chrono>
#include <optional>

namespace troupe {

namespace {

constexpr auto look_for_driver = std::chrono::minutes{1};

struct gpu_watch_state {
  using interface = gpu_watch_actor;
  using time_point = std::chrono::steady_clock::time_point;

  static inline const char* name = "gpu_watch";

  gpu_watch_state(interface::pointer self, gpu_watch_config config) : self(self), config(std::move(config)) {}

  interface::behavior_type make_behavior() {
    return {[this](status_atom, const std::vector<task_statistics>& tasks) { return measure(tasks); }};
  }

  std::vector<gpu_report> measure(const std::vector<task_statistics>& tasks) {
    std::map<int64_t, lease_id> leases;
    for (auto& t : tasks)
      if (t.lease)
        leases.emplace(t.process.pid, t.lease);
    auto now = self->now();
    look_for_nvidia(now);
    std::vector<gpu_report> result;
    auto add = [&](const std::vector<telemetry::gpu_measurement>& cards) {
      for (auto& x : cards)
        result.push_back(configured(telemetry::report_of(x, leases)));
    };
    if (nvidia)
      add(nvidia->measure());
    add(others.measure(now));
    return result;
  }

  void look_for_nvidia(time_point now) {
    if (nvidia || now < look_again)
      return;
    look_again = now + look_for_driver;
    auto opened = telemetry::nvml::open();
    if (opened) {
      nvidia.emplace(std::move(*opened));
      return;
    }
    if (opened.error() != last_error)
      log::debug("no NVIDIA driver", {{"reason", opened.error()}});
    last_error = opened.error();
  }

  gpu_report configured(gpu_report x) const {
    x.card.for_worker = config.for_worker;
    for (auto& key : {x.card.uuid, x.card.pci})
      if (auto i = config.for_gpu.find(key); i != config.for_gpu.end())
        x.card.for_gpu = i->second;
    return x;
  }

  interface::pointer self;
  gpu_watch_config config;
  std::optional<telemetry::nvml> nvidia;
  telemetry::drm_probe others;
  time_point look_again;
  std::string last_error;
};

} // namespace

gpu_watch_actor spawn_gpu_watch(caf::actor_system& system, gpu_watch_config config) {
  return system.spawn<actor_of<gpu_watch_state>, caf::detached>(std::move(config));
}

} // namespace troupe
