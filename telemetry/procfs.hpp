// The text files of Linux's /proc as numbers: one pure function per file, text in, plain values out.
//
// The files count as untrusted input. A missing line, a word in place of a number, a number that does not fit, "nan",
// or a file cut in mid-line gives 0 for that field and never an error. The formats are those of proc(5) and of the
// kernel's Documentation/accounting/psi.rst.
#pragma once

#include "messages/daemon.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace troupe::telemetry::procfs {

/// The first `limit` bytes of a file, or nothing if it cannot be read. Never blocks on a FIFO.
std::string read_file(const std::string& path, size_t limit = size_t{1} << 18);

/// Clock ticks that a processor spent since boot. Waiting for I/O counts as idle; guest time is part of `busy`.
struct cpu_times {
  uint64_t busy = 0;
  uint64_t total = 0;

  bool operator==(const cpu_times&) const = default;
};

struct core_times {
  uint32_t number = 0; ///< the kernel's number; cores that are switched off leave a gap
  cpu_times times;

  bool operator==(const core_times&) const = default;
};

struct cpu_table {
  cpu_times all;
  std::vector<core_times> cores; ///< at most `cores_max`

  bool operator==(const cpu_table&) const = default;
};

inline constexpr size_t cores_max = 4096;

/// /proc/stat
cpu_table parse_cpu(std::string_view text);

struct load_average {
  double one = 0;
  double five = 0;
  double fifteen = 0;

  bool operator==(const load_average&) const = default;
};

/// /proc/loadavg
load_average parse_load(std::string_view text);

/// Bytes. `available` is the memory available without swapping; it is estimated if a kernel does not report it.
struct memory_table {
  uint64_t total = 0;
  uint64_t available = 0;
  uint64_t swap_total = 0;
  uint64_t swap_free = 0;

  bool operator==(const memory_table&) const = default;
};

/// /proc/meminfo
memory_table parse_memory(std::string_view text);

struct interface_counters {
  std::string name;
  uint64_t received_bytes = 0;
  uint64_t sent_bytes = 0;

  bool operator==(const interface_counters&) const = default;
};

inline constexpr size_t interfaces_max = 1024;

/// /proc/net/dev without the loopback interface, at most `interfaces_max`.
std::vector<interface_counters> parse_network(std::string_view text);

/// /proc/pressure/{cpu,memory,io}: the line "some", percentages cut to 0..100.
pressure parse_pressure(std::string_view text);

/// /proc/uptime: seconds since boot.
double parse_uptime(std::string_view text);

struct process_times {
  bool valid = false;       ///< false if the text is not that of a process
  uint64_t cpu_ticks = 0;   ///< user and system time of all threads
  uint64_t start_ticks = 0; ///< after boot
  uint64_t resident_pages = 0;

  bool operator==(const process_times&) const = default;
};

/// /proc/<pid>/stat
process_times parse_process(std::string_view text);

} // namespace troupe::telemetry::procfs
