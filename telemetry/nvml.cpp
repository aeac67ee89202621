#include "telemetry/nvml.hpp"

#include "telemetry/nvml_abi.hpp"

#include <dlfcn.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <cstring>
#include <sstream>
#include <utility>

namespace troupe::telemetry {

using namespace nvml_abi;

namespace {

constexpr unsigned cards_max = 64;
constexpr unsigned sessions_max = 512;
constexpr double milliwatts = 1000;

/// A C string in a buffer that a driver filled, even if it is not terminated.
template <size_t N>
std::string text_of(const std::array<char, N>& buffer) {
  return {buffer.data(), ::strnlen(buffer.data(), N)};
}

/// The GPUs that remain after a list as in CUDA_VISIBLE_DEVICES: numbers, or beginnings of UUIDs, up to the first
/// invalid entry. All of them without a list.
std::vector<gpu_measurement> visible(std::vector<gpu_measurement> cards, const std::optional<std::string>& list) {
  if (!list)
    return cards;
  std::vector<bool> named(cards.size());
  std::istringstream words{*list};
  for (std::string word; std::getline(words, word, ',');) {
    std::erase(word, ' ');
    auto is_named = [&word](const gpu_measurement& x) {
      return x.card.device == "cuda:" + word || (word.starts_with("GPU-") && x.card.uuid.starts_with(word));
    };
    auto at = std::find_if(cards.begin(), cards.end(), is_named);
    if (at == cards.end())
      break;
    named[static_cast<size_t>(at - cards.begin())] = true;
  }
  size_t i = 0;
  std::erase_if(cards, [&](const gpu_measurement&) { return !named[i++]; });
  return cards;
}

} // namespace

/// The library and the functions that we call. Functions that an older library lacks are null.
struct nvml::functions {
  void* handle = nullptr;
  bool started = false;

  status (*init)() = nullptr;
  status (*shutdown)() = nullptr;
  const char* (*error_text)(status) = nullptr;
  status (*driver_version)(char*, unsigned) = nullptr;
  status (*count)(unsigned*) = nullptr;
  status (*device_at)(unsigned, device*) = nullptr;
  status (*name)(device, char*, unsigned) = nullptr;
  status (*uuid)(device, char*, unsigned) = nullptr;
  status (*pci)(device, pci_info*) = nullptr;
  status (*rates)(device, utilization*) = nullptr;
  status (*encoder_rate)(device, unsigned*, unsigned*) = nullptr;
  status (*decoder_rate)(device, unsigned*, unsigned*) = nullptr;
  status (*encoder_stats)(device, unsigned*, unsigned*, unsigned*) = nullptr;
  status (*encoder_sessions)(device, unsigned*, encoder_session*) = nullptr;
  status (*memory_info)(device, memory*) = nullptr;
  status (*temperature)(device, unsigned, unsigned*) = nullptr;
  status (*power)(device, unsigned*) = nullptr;

  functions() = default;
  functions(const functions&) = delete;
  functions& operator=(const functions&) = delete;

  ~functions() {
    if (started && shutdown != nullptr)
      shutdown();
    if (handle != nullptr)
      ::dlclose(handle);
  }

  template <class Function>
  void find(Function& f, const char* symbol) {
    f = reinterpret_cast<Function>(::dlsym(handle, symbol));
  }

  void find_all() {
    find(init, "nvmlInit_v2");
    find(shutdown, "nvmlShutdown");
    find(error_text, "nvmlErrorString");
    find(driver_version, "nvmlSystemGetDriverVersion");
    find(count, "nvmlDeviceGetCount_v2");
    find(device_at, "nvmlDeviceGetHandleByIndex_v2");
    find(name, "nvmlDeviceGetName");
    find(uuid, "nvmlDeviceGetUUID");
    find(pci, "nvmlDeviceGetPciInfo_v3");
    find(rates, "nvmlDeviceGetUtilizationRates");
    find(encoder_rate, "nvmlDeviceGetEncoderUtilization");
    find(decoder_rate, "nvmlDeviceGetDecoderUtilization");
    find(encoder_stats, "nvmlDeviceGetEncoderStats");
    find(encoder_sessions, "nvmlDeviceGetEncoderSessions");
    find(memory_info, "nvmlDeviceGetMemoryInfo");
    find(temperature, "nvmlDeviceGetTemperature");
    find(power, "nvmlDeviceGetPowerUsage");
  }

  std::string text(status code) const {
    auto* words = error_text != nullptr ? error_text(code) : nullptr;
    return words != nullptr ? words : "error " + std::to_string(code);
  }

  void describe(device d, gpu_measurement& x) const;
  void read(device d, gpu_measurement& x) const;
  void read_sessions(device d, gpu_measurement& x) const;
};

tl::expected<nvml, std::string> nvml::open(const std::string& library) {
  auto f = std::make_unique<functions>();
  f->handle = ::dlopen(library.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (f->handle == nullptr) {
    auto* why = ::dlerror();
    return tl::unexpected{"cannot load " + library + ": " + (why != nullptr ? why : "no reason given")};
  }
  f->find_all();
  if (f->init == nullptr || f->shutdown == nullptr || f->count == nullptr || f->device_at == nullptr
      || f->name == nullptr)
    return tl::unexpected{library + " is not a known NVML: it lacks functions that every version since 2012 has"};
  if (auto code = f->init(); code != success)
    return tl::unexpected{"cannot start " + library + ": " + f->text(code)};
  f->started = true;
  return nvml{std::move(f)};
}

nvml::nvml(std::unique_ptr<functions> library) : library_(std::move(library)) {
  if (const auto* list = std::getenv("CUDA_VISIBLE_DEVICES"); list != nullptr)
    visible_ = list;
}

nvml::nvml(nvml&&) noexcept = default;
nvml& nvml::operator=(nvml&&) noexcept = default;
nvml::~nvml() = default;

void nvml::functions::describe(device d, gpu_measurement& x) const {
  std::array<char, name_size> buffer{};
  if (auto code = name(d, buffer.data(), name_size); code == success)
    x.card.name = text_of(buffer);
  else
    x.fault = "cannot read the GPU's name: " + text(code);
  std::array<char, uuid_size> id{};
  if (uuid != nullptr && uuid(d, id.data(), uuid_size) == success)
    x.card.uuid = text_of(id);
  pci_info address{};
  if (pci != nullptr && pci(d, &address) == success) {
    x.card.pci = normal_pci({address.bus_id, ::strnlen(address.bus_id, sizeof address.bus_id)});
    x.card.device_number = address.device_and_vendor >> 16;
  }
}

void nvml::functions::read(device d, gpu_measurement& x) const {
  auto& r = x.reading;
  if (utilization rate{}; rates != nullptr && rates(d, &rate) == success)
    r.utilisation_percent = rate.gpu;
  unsigned value = 0, period_us = 0;
  if (encoder_rate != nullptr && encoder_rate(d, &value, &period_us) == success)
    r.encoder_percent = value;
  if (decoder_rate != nullptr && decoder_rate(d, &value, &period_us) == success)
    r.decoder_percent = value;
  if (memory bytes{}; memory_info != nullptr && memory_info(d, &bytes) == success) {
    r.memory_total_bytes = bytes.total;
    r.memory_used_bytes = bytes.used;
  }
  if (temperature != nullptr && temperature(d, temperature_of_gpu, &value) == success)
    r.temperature_celsius = value;
  if (power != nullptr && power(d, &value) == success)
    r.power_watts = value / milliwatts;
}

void nvml::functions::read_sessions(device d, gpu_measurement& x) const {
  // Both numbers from one call if possible, so that sessions and their processes belong to the same moment.
  std::array<encoder_session, sessions_max> sessions{};
  unsigned found = sessions_max;
  if (encoder_sessions != nullptr && encoder_sessions(d, &found, sessions.data()) == success && found <= sessions_max) {
    x.reading.encode_sessions = found;
    x.session_pids.emplace();
    for (unsigned i = 0; i < found; ++i)
      x.session_pids->push_back(sessions[i].pid);
    return;
  }
  unsigned counted = 0, fps = 0, latency = 0;
  if (encoder_stats != nullptr && encoder_stats(d, &counted, &fps, &latency) == success)
    x.reading.encode_sessions = counted;
}

std::vector<gpu_measurement> nvml::measure() const {
  auto& f = *library_;
  std::vector<gpu_measurement> result;
  unsigned cards = 0;
  if (f.count(&cards) != success)
    return result;
  std::array<char, version_size> version{};
  auto has_version = f.driver_version != nullptr && f.driver_version(version.data(), version_size) == success;
  auto machine = machine_identity();
  for (unsigned i = 0; i < std::min(cards, cards_max); ++i) {
    auto& x = result.emplace_back();
    x.card.vendor = gpu_vendor::nvidia;
    x.card.device = "cuda:" + std::to_string(i);
    x.card.machine = machine;
    x.card.driver = has_version ? text_of(version) : std::string{};
    device d = nullptr;
    if (auto code = f.device_at(i, &d); code != success) {
      x.fault = "cannot open GPU " + std::to_string(i) + ": " + f.text(code);
      continue;
    }
    f.describe(d, x);
    f.read(d, x);
    f.read_sessions(d, x);
  }
  return visible(std::move(result), visible_);
}

} // namespace troupe::telemetry
