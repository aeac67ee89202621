// A libnvidia-ml.so.1 that plays the cards of a scenario file: what the real loader loads in tests.
//
// TROUPE_FAKE_NVML names the file. It is read anew by every call, so that a test changes the machine by writing it (to another name, then renamed). Lines:
//
//   driver 550.54.14         version of the driver
//   init 9                   what starting the library returns; 0 where it is missing
//   card                     begins a card, and all below is of it:
//   name NVIDIA GeForce RTX 4090
//   uuid GPU-1
//   pci 00000000:3B:00.0
//   device 2684              PCI number of the model, hexadecimal
//   utilisation 10           percent; so are encoder and decoder
//   memory 24000 1000        MB in all and in use
//   temperature 55           °C
//   power 120000             mW
//   session 4711             a process that holds an encode session; once for each session
//   anonymous 2              sessions whose processes the driver does not name: it then names none
//   fail 15                  what every call for this card returns
//   absent temperature       a value that this card does not have
//
// Sessions of test programs: each file in the folder <scenario>.sessions/<uuid> whose name begins with the number of a living process is one session.
#include "telemetry/nvml_abi.hpp"

#include <dirent.h>
#include <signal.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <set>
#include <sstream>
#include <string>
#include <vector>

using namespace troupe::telemetry::nvml_abi;

namespace {

struct card {
  std::string name = "NVIDIA Fake", uuid, pci = "00000000:01:00.0";
  unsigned number = 0;
  unsigned utilisation = 0, encoder = 0, decoder = 0, temperature = 40, power = 0, anonymous = 0;
  unsigned long long memory_total_mb = 0, memory_used_mb = 0;
  std::vector<unsigned> sessions;
  status fails = success;
  std::set<std::string> absent;
};

struct scenario {
  std::string driver = "550.00";
  status init = success;
  std::vector<card> cards;
};

void add_sessions_of_programs(card& c, const std::string& scenario_path) {
  auto* folder = ::opendir((scenario_path + ".sessions/" + c.uuid).c_str());
  if (folder == nullptr)
    return;
  while (auto* entry = ::readdir(folder)) {
    auto pid = std::atoi(entry->d_name);
    if (pid > 0 && (::kill(pid, 0) == 0 || errno != ESRCH))
      c.sessions.push_back(static_cast<unsigned>(pid));
  }
  ::closedir(folder);
}

void read_card_line(card& c, const std::string& word, std::istringstream& line) {
  auto rest = [&line] {
    std::string text;
    std::getline(line >> std::ws, text);
    return text;
  };
  unsigned number = 0;
  if (word == "name")
    c.name = rest();
  else if (word == "uuid")
    c.uuid = rest();
  else if (word == "pci")
    c.pci = rest();
  else if (word == "device")
    line >> std::hex >> c.number;
  else if (word == "utilisation")
    line >> c.utilisation;
  else if (word == "encoder")
    line >> c.encoder;
  else if (word == "decoder")
    line >> c.decoder;
  else if (word == "memory")
    line >> c.memory_total_mb >> c.memory_used_mb;
  else if (word == "temperature")
    line >> c.temperature;
  else if (word == "power")
    line >> c.power;
  else if (word == "session" && line >> number)
    c.sessions.push_back(number);
  else if (word == "anonymous")
    line >> c.anonymous;
  else if (word == "fail")
    line >> c.fails;
  else if (word == "absent")
    c.absent.insert(rest());
}

scenario read_scenario() {
  scenario result;
  auto* path = std::getenv("TROUPE_FAKE_NVML");
  std::ifstream file{path != nullptr ? path : ""};
  for (std::string text; std::getline(file, text);) {
    std::istringstream line{text};
    std::string word;
    if (!(line >> word) || word[0] == '#')
      continue;
    if (word == "card")
      result.cards.emplace_back();
    else if (word == "driver")
      line >> result.driver;
    else if (word == "init")
      line >> result.init;
    else if (!result.cards.empty())
      read_card_line(result.cards.back(), word, line);
  }
  for (auto& c : result.cards)
    add_sessions_of_programs(c, path);
  return result;
}

/// A handle is the card's number from 1 on, in the disguise of a pointer.
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
