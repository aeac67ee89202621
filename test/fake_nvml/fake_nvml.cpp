// A driver's management library that simulates the machine of a scenario file, named by the environment variable
// FAKE_GPUS (TROUPE_FAKE_NVML in programs that read no configuration). Built as libnvidia-ml.so.1; the product's loader
// finds it through LD_LIBRARY_PATH. See scenario.hpp for the file.
#include "telemetry/nvml_abi.hpp"
#include "test/fake_nvml/scenario.hpp"

#include <cstdlib>
#include <cstring>
#include <sstream>
#include <string>

using namespace troupe::telemetry::nvml_abi;
using troupe::test::card;
using troupe::test::scenario;

namespace {

scenario read_scenario() {
  auto* path = std::getenv("FAKE_GPUS");
  if (path == nullptr)
    path = std::getenv("TROUPE_FAKE_NVML");
  auto result = troupe::test::read_scenario(path != nullptr ? path : "");
  std::erase_if(result.cards, [](const card& c) { return !c.node.empty(); });
  return result;
}

/// A handle is the card's number, counted from 1, cast to a pointer.
device handle_of(unsigned index) {
  return reinterpret_cast<device>(static_cast<size_t>(index) + 1);
}

status copy(const std::string& from, char* to, unsigned size) {
  if (from.size() >= size)
    return insufficient_size;
  std::memcpy(to, from.c_str(), from.size() + 1);
  return success;
}

template <class F>
status with_card(device handle, const char* what, F&& f) {
  auto all = read_scenario();
  auto index = reinterpret_cast<size_t>(handle) - 1;
  if (index >= all.cards.size())
    return invalid_argument;
  auto& c = all.cards[index];
  if (c.fails != success)
    return c.fails;
  return c.absent.contains(what) ? not_supported : f(c);
}

} // namespace

#define FAKE_EXPORT extern "C" __attribute__((visibility("default")))

FAKE_EXPORT status nvmlInit_v2() {
  return read_scenario().init;
}

FAKE_EXPORT status nvmlShutdown() {
  return success;
}

FAKE_EXPORT const char* nvmlErrorString(status code) {
  switch (code) {
  case success:
    return "Success";
  case not_supported:
    return "Not Supported";
  case driver_not_loaded:
    return "Driver Not Loaded";
  case gpu_is_lost:
    return "GPU is lost";
  default:
    return "Unknown Error";
  }
}

FAKE_EXPORT status nvmlSystemGetDriverVersion(char* text, unsigned size) {
  return copy(read_scenario().driver, text, size);
}

FAKE_EXPORT status nvmlDeviceGetCount_v2(unsigned* count) {
  *count = static_cast<unsigned>(read_scenario().cards.size());
  return success;
}

FAKE_EXPORT status nvmlDeviceGetHandleByIndex_v2(unsigned index, device* handle) {
  auto all = read_scenario();
  if (index >= all.cards.size())
    return invalid_argument;
  *handle = handle_of(index);
  return all.cards[index].fails == gpu_is_lost ? gpu_is_lost : success;
}

FAKE_EXPORT status nvmlDeviceGetName(device d, char* text, unsigned size) {
  return with_card(d, "name", [&](card& c) { return copy(c.name, text, size); });
}

FAKE_EXPORT status nvmlDeviceGetUUID(device d, char* text, unsigned size) {
  return with_card(d, "uuid", [&](card& c) { return copy(c.uuid, text, size); });
}

FAKE_EXPORT status nvmlDeviceGetPciInfo_v3(device d, pci_info* info) {
  return with_card(d, "pci", [&](card& c) {
    *info = {};
    info->device_and_vendor = c.number << 16 | 0x10de;
    return copy(c.pci, info->bus_id, sizeof info->bus_id);
  });
}

FAKE_EXPORT status nvmlDeviceGetUtilizationRates(device d, utilization* rates) {
  return with_card(d, "utilisation", [&](card& c) {
    *rates = {c.utilisation, 0};
    return success;
  });
}

FAKE_EXPORT status nvmlDeviceGetEncoderUtilization(device d, unsigned* percent, unsigned* period_us) {
  return with_card(d, "encoder", [&](card& c) {
    *percent = c.encoder;
    *period_us = 167'000;
    return success;
  });
}

FAKE_EXPORT status nvmlDeviceGetDecoderUtilization(device d, unsigned* percent, unsigned* period_us) {
  return with_card(d, "decoder", [&](card& c) {
    *percent = c.decoder;
    *period_us = 167'000;
    return success;
  });
}

FAKE_EXPORT status nvmlDeviceGetEncoderStats(device d, unsigned* sessions, unsigned* fps, unsigned* latency) {
  return with_card(d, "sessions", [&](card& c) {
    *sessions = static_cast<unsigned>(c.sessions.size()) + c.anonymous;
    *fps = *latency = 0;
    return success;
  });
}

FAKE_EXPORT status nvmlDeviceGetEncoderSessions(device d, unsigned* count, encoder_session* infos) {
  return with_card(d, "sessions", [&](card& c) {
    if (c.anonymous > 0)
      return static_cast<status>(not_supported);
    auto found = static_cast<unsigned>(c.sessions.size());
    auto fits = found <= *count;
    *count = found;
    if (!fits)
      return static_cast<status>(insufficient_size);
    for (unsigned i = 0; i < found; ++i)
      infos[i] = {i, c.sessions[i], 0, 0, 1920, 1080, 25, 0};
    return static_cast<status>(success);
  });
}

FAKE_EXPORT status nvmlDeviceGetMemoryInfo(device d, memory* bytes) {
  return with_card(d, "memory", [&](card& c) {
    constexpr unsigned long long mega = 1'000'000;
    *bytes = {c.memory_total_mb * mega, (c.memory_total_mb - c.memory_used_mb) * mega, c.memory_used_mb * mega};
    return success;
  });
}

FAKE_EXPORT status nvmlDeviceGetTemperature(device d, unsigned sensor, unsigned* celsius) {
  return with_card(d, "temperature", [&](card& c) {
    *celsius = c.temperature;
    return sensor == temperature_of_gpu ? static_cast<status>(success) : static_cast<status>(invalid_argument);
  });
}

FAKE_EXPORT status nvmlDeviceGetPowerUsage(device d, unsigned* milliwatts) {
  return with_card(d, "power", [&](card& c) {
    *milliwatts = c.power;
    return success;
  });
}
