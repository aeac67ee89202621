// The start time of a process distinguishes two processes with the same pid.
#include "telemetry/process.hpp"

#include "telemetry/procfs.hpp"

#include <algorithm>
#include <limits>

#include <unistd.h>

namespace troupe::telemetry {

namespace {

/// sysconf(3), or `otherwise` if the system does not tell.
long system_value(int name, long otherwise) {
  auto value = ::sysconf(name);
  return value > 0 ? value : otherwise;
}

} // namespace

process_probe::process_probe(std::string proc_root)
  : proc_root_{std::move(proc_root)},
    ticks_per_second_{static_cast<double>(system_value(_SC_CLK_TCK, 100))},
    page_bytes_{static_cast<uint64_t>(system_value(_SC_PAGESIZE, 4096))} {}

std::vector<process_statistics> process_probe::measure(std::span<const int64_t> pids, time_point now) {
  auto uptime_s = procfs::parse_uptime(procfs::read_file(proc_root_ + "/uptime"));
  std::map<int64_t, memory> known;
  std::vector<process_statistics> result;
  result.reserve(pids.size());
  for (auto pid : pids)
    result.push_back(measure_one(pid, now, uptime_s, known));
  known_ = std::move(known);
  return result;
}

process_statistics process_probe::measure_one(int64_t pid, time_point now, double uptime_s,
                                              std::map<int64_t, memory>& known) const {
  process_statistics result;
  result.pid = pid;
  auto times = procfs::parse_process(procfs::read_file(proc_root_ + '/' + std::to_string(pid) + "/stat"));
  if (!times.valid)
    return result;
  if (times.resident_pages <= std::numeric_limits<uint64_t>::max() / page_bytes_)
    result.memory_bytes = times.resident_pages * page_bytes_;
  auto running_s = std::clamp(uptime_s - static_cast<double>(times.start_ticks) / ticks_per_second_, 0.0, 1e15);
  result.running_ms = static_cast<uint64_t>(running_s * 1000);

  memory next{times.start_ticks, times.cpu_ticks, now, 0};
  auto before = known_.find(pid);
  if (before != known_.end() && before->second.start_ticks == times.start_ticks) {
    auto elapsed_s = std::chrono::duration<double>(now - before->second.at).count();
    auto ticks = times.cpu_ticks - std::min(before->second.cpu_ticks, times.cpu_ticks);
    if (elapsed_s > 0)
      next.cpu_percent = 100.0 * static_cast<double>(ticks) / ticks_per_second_ / elapsed_s;
    else
      next = before->second;
  } else if (running_s > 0) {
    next.cpu_percent = 100.0 * static_cast<double>(times.cpu_ticks) / ticks_per_second_ / running_s;
  }
  result.cpu_percent = next.cpu_percent;
  known.insert_or_assign(pid, next);
  return result;
}

} // namespace troupe::telemetry
