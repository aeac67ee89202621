#include "telemetry/drm.hpp"

#include "telemetry/procfs.hpp"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <filesystem>

namespace troupe::telemetry {

namespace {

namespace fs = std::filesystem;

constexpr size_t cards_max = 64;
constexpr size_t processes_max = 20'000;
constexpr size_t files_max = 4096; ///< of one process
constexpr size_t engines_max = 32; ///< of one client
constexpr uint32_t intel = 0x8086;
constexpr uint32_t amd = 0x1002;

std::string_view trimmed(std::string_view x) {
  auto blank = [](char c) { return std::isspace(static_cast<unsigned char>(c)) != 0; };
  while (!x.empty() && blank(x.front()))
    x.remove_prefix(1);
  while (!x.empty() && blank(x.back()))
    x.remove_suffix(1);
  return x;
}

std::optional<uint64_t> number_in(std::string_view text, int base = 10) {
  text = trimmed(text);
  if (base == 16 && text.starts_with("0x"))
    text.remove_prefix(2);
  uint64_t result = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), result, base);
  return error == std::errc{} && end != text.data() ? std::optional{result} : std::nullopt;
}

/// Names in a folder that `wanted` accepts, sorted; none if it cannot be read.
template <class F>
std::vector<std::string> names_in(const std::string& folder, size_t limit, F&& wanted) {
  std::vector<std::string> result;
  std::error_code error;
  for (fs::directory_iterator i{folder, error}, end; !error && i != end && result.size() < limit; i.increment(error))
    if (auto name = i->path().filename().string(); wanted(name))
      result.push_back(std::move(name));
  std::sort(result.begin(), result.end());
  return result;
}

bool is_number(std::string_view x) {
  return !x.empty() && std::all_of(x.begin(), x.end(), [](unsigned char c) { return std::isdigit(c) != 0; });
}

/// Engines used only by media work: i915 and xe call them video; amdgpu names them by their function.
bool is_media(std::string_view engine) {
  return engine == "video" || engine == "vcs" || engine.starts_with("enc") || engine.starts_with("dec")
         || engine == "vcn" || engine == "jpeg";
}

bool encodes(std::string_view engine) {
  return is_media(engine) && !engine.starts_with("dec") && engine != "jpeg";
}

bool decodes(std::string_view engine) {
  return is_media(engine) && !engine.starts_with("enc");
}

bool computes(std::string_view engine) {
  return engine == "render" || engine == "rcs" || engine == "gfx" || engine == "compute" || engine == "ccs";
}

struct number_range {
  uint32_t from, to;
  std::string_view name;
};

/// PCI numbers as grouped in the kernel's include/drm/intel/pciids.h. A number outside these ranges is an older GPU.
constexpr number_range intel_cards[] = {
  {0x5690, 0x56bf, "Intel Arc (DG2)"},
  {0x56c0, 0x56c2, "Intel Data Center GPU Flex"},
  {0x0bd0, 0x0bdf, "Intel Data Center GPU Max"},
  {0xe200, 0xe2ff, "Intel Arc (Battlemage)"},
  {0x4905, 0x4909, "Intel Xe (DG1)"},
  {0x9a40, 0x9aff, "Intel Xe (Tiger Lake)"},
  {0x4c80, 0x4c9f, "Intel UHD (Rocket Lake)"},
  {0x4600, 0x46ff, "Intel UHD (Alder Lake)"},
  {0xa700, 0xa7ff, "Intel UHD (Raptor Lake)"},
  {0x7d40, 0x7d6f, "Intel graphics (Meteor Lake)"},
  {0x6400, 0x64ff, "Intel graphics (Lunar Lake)"},
  {0x8a50, 0x8aff, "Intel graphics (Ice Lake)"},
  {0x3e90, 0x3eff, "Intel UHD (Coffee Lake)"},
  {0x9b00, 0x9bff, "Intel UHD (Comet Lake)"},
  {0x5900, 0x59ff, "Intel HD (Kaby Lake)"},
  {0x1900, 0x19ff, "Intel HD (Skylake)"},
  {0x1600, 0x163f, "Intel HD (Broadwell)"},
  {0x0400, 0x0dff, "Intel HD (Haswell)"},
};

std::string hexadecimal(uint32_t x) {
  char text[16];
  auto [end, error] = std::to_chars(text, text + sizeof text, x, 16);
  return {text, end};
}

} // namespace

std::string intel_name(uint32_t number) {
  for (auto& x : intel_cards)
    if (number >= x.from && number <= x.to)
      return std::string{x.name};
  return "Intel graphics " + hexadecimal(number);
}

drm_client parse_fdinfo(std::string_view text) {
  drm_client result;
  constexpr std::string_view engine = "drm-engine-", capacity = "drm-engine-capacity-";
  while (!text.empty()) {
    auto line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(line.size() + 1, text.size()));
    auto colon = line.find(':');
    if (colon == std::string_view::npos)
      continue;
    auto key = trimmed(line.substr(0, colon)), value = trimmed(line.substr(colon + 1));
    if (key == "drm-pdev")
      result.pci = normal_pci(value);
    else if (key == "drm-driver")
      result.driver = value.substr(0, 32);
    else if (key == "drm-client-id")
      result.id = number_in(value).value_or(0);
    else if (key.starts_with(capacity) && result.engine_capacity.size() < engines_max)
      result.engine_capacity[std::string{key.substr(capacity.size())}] = number_in(value).value_or(1);
    else if (key.starts_with(engine) && result.engine_ns.size() < engines_max)
      result.engine_ns[std::string{key.substr(engine.size())}] = number_in(value).value_or(0);
  }
  return result;
}

drm_probe::drm_probe(std::string sys_root, std::string proc_root)
  : sys_root_(std::move(sys_root)), proc_root_(std::move(proc_root)), machine_(machine_identity(proc_root_)) {}

void drm_probe::read_sensors(const std::string& device, gpu_reading& reading) const {
  auto value = [](const std::string& path) { return number_in(procfs::read_file(path, 64)); };
  if (auto x = value(device + "/gpu_busy_percent"))
    reading.utilisation_percent = static_cast<double>(std::min<uint64_t>(*x, 100));
  reading.memory_total_bytes = value(device + "/mem_info_vram_total");
  reading.memory_used_bytes = value(device + "/mem_info_vram_used");
  constexpr double milli = 1e3, micro = 1e6;
  for (auto& name : names_in(device + "/hwmon", 8, [](auto& n) { return n.starts_with("hwmon"); })) {
    auto monitor = (fs::path{device} / "hwmon" / name).string();
    if (auto x = value(monitor + "/temp1_input"))
      reading.temperature_celsius = static_cast<double>(*x) / milli;
    for (auto* file : {"/power1_average", "/power1_input"})
      if (auto x = value(monitor + file); x && !reading.power_watts)
        reading.power_watts = static_cast<double>(*x) / micro;
  }
}

gpu_measurement drm_probe::describe(const std::string& card) const {
  gpu_measurement x;
  auto device = sys_root_ + "/class/drm/" + card + "/device";
  auto number = [&](const char* file) {
    return static_cast<uint32_t>(number_in(procfs::read_file(device + file, 64), 16).value_or(0));
  };
  auto vendor = number("/vendor");
  auto nodes = names_in(device + "/drm", 8, [](auto& n) { return n.starts_with("renderD"); });
  if ((vendor != intel && vendor != amd) || nodes.empty())
    return x;
  x.card.vendor = vendor == intel ? gpu_vendor::intel : gpu_vendor::amd;
  x.card.device = "/dev/dri/" + nodes.front();
  x.card.device_number = number("/device");
  x.card.machine = machine_;
  auto events = procfs::read_file(device + "/uevent", 4096);
  for (std::string_view rest = events; !rest.empty();) {
    auto line = rest.substr(0, rest.find('\n'));
    rest.remove_prefix(std::min(line.size() + 1, rest.size()));
    if (line.starts_with("PCI_SLOT_NAME="))
      x.card.pci = normal_pci(line.substr(line.find('=') + 1));
    else if (line.starts_with("DRIVER="))
      x.card.driver = line.substr(line.find('=') + 1).substr(0, 32);
  }
  auto product = procfs::read_file(device + "/product_name", 128);
  x.card.name = vendor == intel            ? intel_name(x.card.device_number)
                : trimmed(product).empty() ? "AMD " + hexadecimal(x.card.device_number)
                                           : std::string{trimmed(product)};
  if (x.card.pci.empty())
    x.fault = "the kernel does not report the GPU's address";
  read_sensors(device, x.reading);
  return x;
}

drm_probe::clients drm_probe::look_at_processes() const {
  clients result;
  for (auto& pid : names_in(proc_root_, processes_max, is_number)) {
    auto folder = proc_root_ + "/" + pid;
    for (auto& file : names_in(folder + "/fd", files_max, is_number)) {
      // Only files of GPUs are read: a process may have thousands of others.
      std::error_code error;
      if (!fs::read_symlink(fs::path{folder} / "fd" / file, error).string().starts_with("/dev/dri/"))
        continue;
      auto used = parse_fdinfo(procfs::read_file(fs::path{folder} / "fdinfo" / file, 16'384));
      if (!used.pci.empty())
        result.try_emplace({used.pci, used.id}, client{used, static_cast<int64_t>(number_in(pid).value_or(0))});
    }
  }
  return result;
}

void drm_probe::add_use(gpu_measurement& x, const clients& current, double seconds) const {
  std::map<std::string, double> busy; // share of the time, by engine
  std::vector<int64_t> pids;
  for (auto& [key, c] : current) {
    if (key.pci != x.card.pci)
      continue;
    auto before = last_.find(key);
    auto at_work = false;
    for (auto& [engine, ns] : c.used.engine_ns) {
      uint64_t old = 0;
      if (before != last_.end())
        if (auto i = before->second.used.engine_ns.find(engine); i != before->second.used.engine_ns.end())
          old = i->second;
      if (ns <= old)
        continue;
      auto capacity = c.used.engine_capacity.find(engine);
      auto engines = capacity == c.used.engine_capacity.end() ? 1 : std::max<uint64_t>(1, capacity->second);
      busy[engine] += static_cast<double>(ns - old) / 1e9 / seconds / static_cast<double>(engines);
      at_work = at_work || encodes(engine);
    }
    if (at_work)
      pids.push_back(c.pid);
  }
  // The busiest engine of a kind determines the remaining capacity of that kind.
  auto most = [&busy](bool (*is_one)(std::string_view)) {
    double result = 0;
    for (auto& [engine, share] : busy)
      if (is_one(engine))
        result = std::max(result, share);
    return std::min(100.0, 100 * result);
  };
  auto& r = x.reading;
  r.encoder_percent = most(encodes);
  r.decoder_percent = most(decodes);
  if (!r.utilisation_percent)
    r.utilisation_percent = most(computes);
  r.encode_sessions = static_cast<uint32_t>(pids.size());
  x.session_pids = std::move(pids);
}

std::vector<gpu_measurement> drm_probe::measure(time_point now) {
  std::vector<gpu_measurement> result;
  for (auto& card : names_in(sys_root_ + "/class/drm", 1024, [](auto& name) {
         return name.starts_with("card") && is_number(std::string_view{name}.substr(4));
       }))
    if (auto x = describe(card); x.card.vendor != gpu_vendor::unknown && result.size() < cards_max)
      result.push_back(std::move(x));
  if (result.empty())
    return result;
  auto current = look_at_processes();
  auto seconds = last_at_ ? std::chrono::duration<double>(now - *last_at_).count() : 0;
  if (seconds > 0)
    for (auto& x : result)
      add_use(x, current, seconds);
  last_ = std::move(current);
  last_at_ = now;
  return result;
}

} // namespace troupe::telemetry
