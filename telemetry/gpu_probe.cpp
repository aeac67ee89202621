#include "telemetry/gpu_probe.hpp"

#include "telemetry/procfs.hpp"

#include <cctype>

namespace troupe::telemetry {

namespace {

constexpr size_t identity_length_max = 64;

} // namespace

gpu_report report_of(const gpu_measurement& x, const std::map<int64_t, lease_id>& leases) {
  gpu_report result{x.card, x.reading, std::nullopt, x.fault};
  if (!x.session_pids)
    return result;
  result.counted.emplace();
  for (auto pid : *x.session_pids)
    if (auto i = leases.find(pid); i != leases.end())
      result.counted->push_back(i->second);
  return result;
}

std::string machine_identity(const std::string& proc_root) {
  auto text = procfs::read_file(proc_root + "/sys/kernel/random/boot_id", identity_length_max);
  while (!text.empty() && std::isspace(static_cast<unsigned char>(text.back())) != 0)
    text.pop_back();
  return text;
}

std::string normal_pci(std::string_view address) {
  constexpr size_t long_domain = 8, short_domain = 4;
  std::string result;
  for (auto c : address.substr(0, identity_length_max))
    result += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  if (result.find(':') == long_domain && result.starts_with("0000"))
    result.erase(0, long_domain - short_domain);
  return result;
}

} // namespace troupe::telemetry
