// Kernel files with any content: the first byte chooses the file, the rest is its text. Values must be finite, and no
// part may be larger than its total.
#include "telemetry/procfs.hpp"

#include "test/fuzz/fuzz.hpp"

#include <cmath>

using namespace troupe::telemetry;
using troupe::fuzz::require;

namespace {

bool is_amount(double value) {
  return std::isfinite(value) && value >= 0;
}

void check_cpu(std::string_view text) {
  auto table = procfs::parse_cpu(text);
  require(table.cores.size() <= procfs::cores_max, "the number of cores is bounded");
  for (auto& core : table.cores)
    require(core.times.busy <= core.times.total, "busy time is part of all time");
}

void check_load(std::string_view text) {
  auto load = procfs::parse_load(text);
  require(is_amount(load.one) && is_amount(load.five) && is_amount(load.fifteen), "a load is a finite amount");
}

void check_memory(std::string_view text) {
  auto table = procfs::parse_memory(text);
  require(table.available <= table.total && table.swap_free <= table.swap_total, "parts stay within their wholes");
}

void check_network(std::string_view text) {
  auto interfaces = procfs::parse_network(text);
  require(interfaces.size() <= procfs::interfaces_max, "the number of interfaces is bounded");
  for (auto& entry : interfaces)
    require(!entry.name.empty() && entry.name != "lo", "an interface has a name and is not loopback");
}

void check_pressure(std::string_view text) {
  auto x = procfs::parse_pressure(text);
  for (auto value : {x.avg10, x.avg60, x.avg300})
    require(is_amount(value) && value <= 100, "a share of time is a percentage");
}

} // namespace

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0)
    return 0;
  auto text = troupe::fuzz::text_of(data + 1, size - 1);
  switch (data[0] % 7) {
  case 0:
    check_cpu(text);
    break;
  case 1:
    check_load(text);
    break;
  case 2:
    check_memory(text);
    break;
  case 3:
    check_network(text);
    break;
  case 4:
    check_pressure(text);
    break;
  case 5:
    require(is_amount(procfs::parse_uptime(text)), "an uptime is a finite amount");
    break;
  default:
    procfs::parse_process(text);
  }
  return 0;
}
