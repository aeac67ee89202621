// Differences of counters are never negative: a counter that falls (a recreated interface, a kernel's rounding) counts
// as unchanged.
#include "telemetry/machine.hpp"

#include <algorithm>

#include <sys/statvfs.h>
#include <sys/utsname.h>

namespace troupe::telemetry {

namespace {

uint64_t growth(uint64_t before, uint64_t after) {
  return after > before ? after - before : 0;
}

double percent(uint64_t part, uint64_t whole) {
  if (whole == 0)
    return 0;
  return std::min(100.0, 100.0 * static_cast<double>(part) / static_cast<double>(whole));
}

double busy_percent(const procfs::cpu_times& before, const procfs::cpu_times& after) {
  return percent(growth(before.busy, after.busy), growth(before.total, after.total));
}

} // namespace

machine_probe::machine_probe(std::string work_folder, std::string proc_root)
  : work_folder_{std::move(work_folder)}, proc_root_{std::move(proc_root)} {}

machine_statistics machine_probe::measure(time_point now) {
  machine_statistics result;
  utsname name{};
  if (::uname(&name) == 0) {
    result.hostname = name.nodename;
    result.os = std::string{name.sysname} + ' ' + name.release;
    result.arch = name.machine;
  }
  result.uptime_s = static_cast<uint64_t>(std::min(procfs::parse_uptime(read("uptime")), 1e15));
  auto load = procfs::parse_load(read("loadavg"));
  result.load_1m = load.one;
  result.load_5m = load.five;
  result.load_15m = load.fifteen;
  measure_cpu(result);
  measure_memory(result);
  measure_disk(result);
  measure_network(result, now);
  result.cpu_pressure = procfs::parse_pressure(read("pressure/cpu"));
  result.memory_pressure = procfs::parse_pressure(read("pressure/memory"));
  result.io_pressure = procfs::parse_pressure(read("pressure/io"));
  return result;
}

std::string machine_probe::read(const char* name) const {
  return procfs::read_file(proc_root_ + '/' + name);
}

void machine_probe::measure_cpu(machine_statistics& result) {
  auto table = procfs::parse_cpu(read("stat"));
  // If no tick of the kernel has passed, nothing has changed, and there is no difference to divide by.
  if (table != cpu_) {
    cpu_percent_ = busy_percent(cpu_.all, table.all);
    cpu_per_core_.assign(table.cores.size(), 0);
    for (size_t i = 0; i < table.cores.size(); ++i) {
      auto& core = table.cores[i];
      auto same = i < cpu_.cores.size() && cpu_.cores[i].number == core.number;
      // A core that was just switched on, or moved up in the list, has no earlier value until the next call.
      if (same || cpu_.cores.empty())
        cpu_per_core_[i] = busy_percent(same ? cpu_.cores[i].times : procfs::cpu_times{}, core.times);
    }
    cpu_ = std::move(table);
  }
  result.cpu_cores = static_cast<uint32_t>(cpu_.cores.size());
  result.cpu_percent = cpu_percent_;
  result.cpu_per_core = cpu_per_core_;
}

void machine_probe::measure_memory(machine_statistics& result) const {
  auto table = procfs::parse_memory(read("meminfo"));
  result.memory_total_bytes = table.total;
  result.memory_available_bytes = table.available;
  result.memory_used_bytes = table.total - table.available;
  result.memory_percent = percent(result.memory_used_bytes, result.memory_total_bytes);
  result.swap_total_bytes = table.swap_total;
  result.swap_used_bytes = table.swap_total - table.swap_free;
}

void machine_probe::measure_disk(machine_statistics& result) const {
  struct statvfs disk {};
  if (::statvfs(work_folder_.c_str(), &disk) != 0)
    return;
  uint64_t unit = disk.f_frsize;
  result.disk_total_bytes = disk.f_blocks * unit;
  result.disk_available_bytes = disk.f_bavail * unit;
  result.disk_used_bytes = growth(disk.f_bfree, disk.f_blocks) * unit;
  // Like df(1), relative to the space that users other than root can use, so that "full" is 100.
  result.disk_percent = percent(result.disk_used_bytes, result.disk_used_bytes + result.disk_available_bytes);
}

void machine_probe::measure_network(machine_statistics& result, time_point now) {
  auto interfaces = procfs::parse_network(read("net/dev"));
  uint64_t sent = 0;
  uint64_t received = 0;
  for (size_t i = 0; i < interfaces.size(); ++i) {
    auto& entry = interfaces[i];
    result.network_sent_bytes += entry.sent_bytes;
    result.network_received_bytes += entry.received_bytes;
    // Interfaces rarely change: the same index in the list is tried first.
    auto before = i < network_.size() && network_[i].name == entry.name
                    ? network_.begin() + static_cast<std::ptrdiff_t>(i)
                    : std::ranges::find(network_, entry.name, &procfs::interface_counters::name);
    if (before == network_.end())
      continue; // a new interface's earlier traffic does not count for this second
    sent += growth(before->sent_bytes, entry.sent_bytes);
    received += growth(before->received_bytes, entry.received_bytes);
  }
  auto elapsed = network_at_ ? std::chrono::duration<double>(now - *network_at_).count() : 0;
  if (!network_at_ || elapsed > 0) {
    send_rate_ = elapsed > 0 ? static_cast<double>(sent) / elapsed : 0;
    receive_rate_ = elapsed > 0 ? static_cast<double>(received) / elapsed : 0;
    network_ = std::move(interfaces);
    network_at_ = now;
  }
  result.network_send_rate = send_rate_;
  result.network_receive_rate = receive_rate_;
}

} // namespace troupe::telemetry
