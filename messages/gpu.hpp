// GPUs as workers see them: the cards, their measurements, and how many encode and decode sessions they allow. Sent
// with registrations and heartbeats.
//
// A card has one identity, however many workers see it: its UUID, else its PCI address on its machine. A value that the
// driver does not report is absent, never 0.
#pragma once

#include "messages/ids.hpp"
#include "messages/inspect.hpp"

#include <charconv>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace troupe {

enum class gpu_vendor : uint8_t { unknown, nvidia, intel, amd, apple };

inline std::string_view to_string(gpu_vendor x) {
  constexpr std::string_view names[] = {"unknown", "nvidia", "intel", "amd", "apple"};
  return names[static_cast<size_t>(x)];
}

template <class Inspector>
bool inspect(Inspector& f, gpu_vendor& x) {
  return inspect_enum(f, x, gpu_vendor::apple);
}

/// How many sessions of one kind a GPU allows. "None" means that the GPU has no such unit; "unlimited" is a separate
/// value.
class session_limit {
public:
  constexpr session_limit() = default;

  static constexpr session_limit none() {
    return session_limit{0};
  }

  static constexpr session_limit unlimited() {
    return session_limit{no_end};
  }

  static constexpr session_limit of(uint32_t sessions) {
    return session_limit{sessions};
  }

  constexpr bool is_none() const noexcept {
    return sessions_ == 0;
  }

  constexpr bool is_unlimited() const noexcept {
    return sessions_ == no_end;
  }

  /// Whether one more session fits if `used` sessions are open.
  constexpr bool allows_more_than(uint64_t used) const noexcept {
    return is_unlimited() || used < sessions_;
  }

  /// The number of sessions; empty if unlimited.
  constexpr std::optional<uint32_t> count() const noexcept {
    return is_unlimited() ? std::nullopt : std::optional{sessions_};
  }

  /// The stricter limit is the smaller one.
  constexpr auto operator<=>(const session_limit&) const = default;

  template <class Inspector>
  friend bool inspect(Inspector& f, session_limit& x) {
    auto get = [&x] { return x.sessions_; };
    auto set = [&x](uint32_t value) {
      x.sessions_ = value;
      return true;
    };
    return f.apply(get, set);
  }

private:
  static constexpr uint32_t no_end = std::numeric_limits<uint32_t>::max();

  constexpr explicit session_limit(uint32_t sessions) : sessions_(sessions) {}

  uint32_t sessions_ = 0;
};

/// "none", "unlimited", or the number.
inline std::string to_string(session_limit x) {
  if (x.is_none())
    return "none";
  return x.is_unlimited() ? "unlimited" : std::to_string(*x.count());
}

/// Parses the output of `to_string`.
inline std::optional<session_limit> session_limit_from(std::string_view text) {
  if (text == "none")
    return session_limit::none();
  if (text == "unlimited")
    return session_limit::unlimited();
  uint32_t sessions = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), sessions);
  if (error != std::errc{} || end != text.data() + text.size() || sessions == 0 || sessions > 1'000'000)
    return std::nullopt;
  return session_limit::of(sessions);
}

/// What an operator knows better than the table of models: each value that is set replaces the default.
struct gpu_override {
  std::optional<session_limit> encode;
  std::optional<session_limit> decode;

  bool operator==(const gpu_override&) const = default;
};

template <class Inspector>
bool inspect(Inspector& f, gpu_override& x) {
  return f.object(x).fields(f.field("encode", x.encode), f.field("decode", x.decode));
}

/// One GPU as one worker sees it. Constant for the life of the worker.
struct gpu_description {
  std::string uuid;    ///< from the driver; empty if it has none
  std::string pci;     ///< "0000:3b:00.0"
  std::string machine; ///< the same for all containers of one machine, different on every other machine
  std::string device;  ///< how encoders of this worker name it: "cuda:0", "/dev/dri/renderD128"
  std::string name;    ///< the model: "NVIDIA GeForce RTX 4090"
  std::string driver;  ///< version of the driver: "550.54.14"
  gpu_vendor vendor = gpu_vendor::unknown;
  uint32_t device_number = 0; ///< PCI device id, 0 if unknown
  gpu_override for_gpu;       ///< this worker's configuration for this card
  gpu_override for_worker;    ///< this worker's configuration for all its cards

  bool operator==(const gpu_description&) const = default;
};

template <class Inspector>
bool inspect(Inspector& f, gpu_description& x) {
  return f.object(x).fields(f.field("uuid", x.uuid), f.field("pci", x.pci), f.field("machine", x.machine),
                            f.field("device", x.device), f.field("name", x.name), f.field("driver", x.driver),
                            f.field("vendor", x.vendor), f.field("device_number", x.device_number),
                            f.field("for_gpu", x.for_gpu), f.field("for_worker", x.for_worker));
}

/// Identity of the physical card: equal for all workers that share it. Empty if the worker knows neither UUID nor
/// address.
inline std::string gpu_key(const gpu_description& x) {
  if (!x.uuid.empty())
    return x.uuid;
  return x.pci.empty() ? std::string{} : x.machine + "/" + x.pci;
}

/// The measurements of one GPU at one moment.
struct gpu_reading {
  std::optional<double> utilisation_percent; ///< 3D and compute units
  std::optional<double> encoder_percent;
  std::optional<double> decoder_percent;
  std::optional<uint64_t> memory_total_bytes;
  std::optional<uint64_t> memory_used_bytes;
  std::optional<double> temperature_celsius;
  std::optional<double> power_watts;
  std::optional<uint32_t> encode_sessions; ///< of all programs on the machine
  std::optional<uint32_t> decode_sessions;

  bool operator==(const gpu_reading&) const = default;
};

template <class Inspector>
bool inspect(Inspector& f, gpu_reading& x) {
  return f.object(x).fields(
    f.field("utilisation_percent", x.utilisation_percent), f.field("encoder_percent", x.encoder_percent),
    f.field("decoder_percent", x.decoder_percent), f.field("memory_total_bytes", x.memory_total_bytes),
    f.field("memory_used_bytes", x.memory_used_bytes), f.field("temperature_celsius", x.temperature_celsius),
    f.field("power_watts", x.power_watts), f.field("encode_sessions", x.encode_sessions),
    f.field("decode_sessions", x.decode_sessions));
}

/// One GPU in a heartbeat.
struct gpu_report {
  gpu_description card;
  gpu_reading reading;
  /// The leases of this worker whose encode sessions are included in `reading.encode_sessions`. Set if the driver names
  /// the processes that hold sessions.
  std::optional<std::vector<lease_id>> counted;
  std::string fault; ///< why the card cannot be used now, in its driver's words; empty if it can

  bool operator==(const gpu_report&) const = default;
};

template <class Inspector>
bool inspect(Inspector& f, gpu_report& x) {
  return f.object(x).fields(f.field("card", x.card), f.field("reading", x.reading), f.field("counted", x.counted),
                            f.field("fault", x.fault));
}

} // namespace troupe
