// A task's counter that falls (because a worker reports nonsense) adds nothing.
#include "telemetry/transfer_totals.hpp"

#include <algorithm>
#include <cmath>
#include <string_view>

namespace troupe::telemetry {

namespace {

uint64_t growth(uint64_t before, uint64_t after) {
  return after > before ? after - before : 0;
}

} // namespace

double transfer_totals::totals::latency_quantile_s(double share) const {
  if (latencies_s.empty())
    return 0;
  std::vector<double> sorted{latencies_s.begin(), latencies_s.end()};
  auto rank = std::ceil(std::clamp(share, 0.0, 1.0) * static_cast<double>(sorted.size()));
  auto at = sorted.begin() + static_cast<std::ptrdiff_t>(std::max(rank, 1.0)) - 1;
  std::ranges::nth_element(sorted, at);
  return *at;
}

void transfer_totals::observe(const std::vector<daemon_status>& daemons, const std::vector<session_status>& sessions) {
  std::map<worker_id, entry> next;
  for (auto& daemon : daemons) {
    auto [at, fresh] = next.try_emplace(daemon.id);
    if (!fresh)
      continue;
    auto& known = workers_[daemon.id];
    auto& sum = at->second.sum;
    sum = std::move(known.sum);
    for (auto& task : daemon.tasks) {
      auto& before = known.tasks[task.task];
      sum.samples_in += growth(before.samples_in, task.work.samples_in);
      sum.samples_out += growth(before.samples_out, task.work.samples_out);
      sum.bytes_in += growth(before.bytes_in, task.work.bytes_in);
      sum.bytes_out += growth(before.bytes_out, task.work.bytes_out);
      before = task.work;
      at->second.tasks.insert_or_assign(task.task, task.work);
    }
  }
  workers_ = std::move(next);
  observe_latencies(daemons, sessions);
}

void transfer_totals::observe_latencies(const std::vector<daemon_status>& daemons,
                                        const std::vector<session_status>& sessions) {
  std::map<std::string_view, worker_id> by_name;
  for (auto& daemon : daemons)
    if (daemon.state != health::gone)
      by_name.emplace(daemon.name, daemon.id);
  for (auto& session : sessions) {
    for (auto& variant : session.variants) {
      auto worker = by_name.find(variant.worker);
      if (worker == by_name.end() || variant.mode != "transcode" || variant.state != "running" || variant.lag_ms < 0)
        continue;
      auto latency_s = static_cast<double>(variant.lag_ms) / 1000;
      auto& sum = workers_[worker->second].sum;
      ++sum.latency_count;
      sum.latency_sum_s += latency_s;
      sum.latencies_s.push_back(latency_s);
      if (sum.latencies_s.size() > latencies_max)
        sum.latencies_s.pop_front();
    }
  }
}

const transfer_totals::totals& transfer_totals::of(worker_id worker) const {
  static const totals none;
  auto known = workers_.find(worker);
  return known == workers_.end() ? none : known->second.sum;
}

} // namespace troupe::telemetry
