#include "processes/enforcer.hpp"

#include "processes/process_limits.hpp"

#include <array>
#include <cstdio>

namespace troupe::limits {

namespace {

std::string number_text(double x) {
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%.10g", x);
  return text.data();
}

} // namespace

std::string size_text(uint64_t bytes) {
  constexpr std::array units{"B", "KiB", "MiB", "GiB", "TiB"};
  auto value = static_cast<double>(bytes);
  size_t unit = 0;
  for (; value >= 1024 && unit + 1 < units.size(); ++unit)
    value /= 1024;
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), value < 10 && value != static_cast<int>(value) ? "%.1f" : "%.0f", value);
  return std::string{text.data()} + " " + units[unit];
}

std::string enforcer::limit(pid_t pid, const std::string& name, const work_limits& x) {
  std::string said;
  auto in_groups = groups_.limit(pid, name, x);
  if (x.cpu_millis > 0)
    say(said, "cpu " + number_text(x.cpu_millis / 1000.0),
        in_groups.cpu.enforced ? in_groups.cpu : limit_processors(pid, x.cpu_millis, turn_++));
  if (x.memory_bytes > 0)
    say(said, "memory " + size_text(x.memory_bytes),
        in_groups.memory.enforced ? in_groups.memory : limit_memory(pid, x.memory_bytes));
  if (x.disk_bytes > 0)
    say(said, "disk " + size_text(x.disk_bytes), limit_file_size(pid, x.disk_bytes));
  if (x.nice > 0)
    say(said, "nice " + std::to_string(x.nice), set_nice(pid, x.nice));
  if (x.io_priority >= 0) {
    auto what = x.io_priority == work_limits::io_idle ? "idle" : "best-effort/" + std::to_string(x.io_priority);
    say(said, "ionice " + what, set_io_priority(pid, x.io_priority));
  }
  return said;
}

bool enforcer::ended(const std::string& name) {
  auto killed = groups_.out_of_memory(name);
  groups_.remove(name);
  groups_.sweep();
  return killed;
}

} // namespace troupe::limits
