// What a profile asks of its video encoder, and what the registry grants: the encoder and the device that a task must
// use. A lease request carries an `encoder_wish`, and the lease an `encoder_seat`.
#pragma once

#include "messages/inspect.hpp"
#include "messages/limits.hpp"

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace troupe {

/// What happens if all sessions of the requested encoder are in use.
enum class exhaustion_policy : uint8_t {
  queue,    ///< waits for the requested encoder, up to the time limit
  fallback, ///< takes the next encoder of the ladder, with a warning
  reject    ///< fails at once
};

/// "queue", "fallback", "reject".
inline std::string_view to_string(exhaustion_policy x) {
  constexpr std::string_view names[] = {"queue", "fallback", "reject"};
  return names[static_cast<size_t>(x)];
}

template <class Inspector>
bool inspect(Inspector& f, exhaustion_policy& x) {
  return inspect_enum(f, x, exhaustion_policy::reject);
}

/// The part of a profile that selects its video encoder.
struct encoder_wish {
  /// An encoder ("h264_nvenc", "libx264"), or a codec ("h264": the best free encoder); empty: no video is encoded.
  std::string encoder;
  exhaustion_policy policy = exhaustion_policy::fallback;
  std::string fallback_encoder; ///< tried before the rest of the ladder; empty for the ladder's own order
  bool never_software = false;
  std::chrono::milliseconds queue_timeout{0}; ///< how long `queue` waits; 0: as configured for the cluster

  bool operator==(const encoder_wish&) const = default;
};

template <class Inspector>
bool inspect(Inspector& f, encoder_wish& x) {
  auto done = f.object(x).fields(
    f.field("encoder", x.encoder), f.field("policy", x.policy), f.field("fallback_encoder", x.fallback_encoder),
    f.field("never_software", x.never_software), f.field("queue_timeout", x.queue_timeout));
  return done && (!Inspector::is_loading || is_bounded(x.queue_timeout));
}

/// Where a task encodes. The registry makes the seat with a lease, and the task gets it with its work. The task opens
/// this encoder on this device and no other. Without an encoder the task encodes no video, or uses any encoder for the
/// profile's codec.
struct encoder_seat {
  std::string encoder;  ///< "h264_nvenc", "libx264"
  std::string gpu;      ///< `gpu_key` of the card; empty for software
  std::string device;   ///< as the worker's encoders name it: "cuda:0", "/dev/dri/renderD128"; empty for software
  bool decodes = false; ///< the lease also holds a session of the card's decoder
  std::string warning;  ///< set if the seat is not what was asked for; human-readable

  bool operator==(const encoder_seat&) const = default;
};

template <class Inspector>
bool inspect(Inspector& f, encoder_seat& x) {
  return f.object(x).fields(f.field("encoder", x.encoder), f.field("gpu", x.gpu), f.field("device", x.device),
                            f.field("decodes", x.decodes), f.field("warning", x.warning));
}

/// A place that was considered for a piece of work.
struct placement_candidate {
  std::string worker;  ///< its name
  std::string device;  ///< name of the device on the worker; empty for software
  std::string gpu;     ///< `gpu_key` of the card
  std::string why_not; ///< empty for the place that was taken

  bool operator==(const placement_candidate&) const = default;
};

template <class Inspector>
bool inspect(Inspector& f, placement_candidate& x) {
  return f.object(x).fields(f.field("worker", x.worker), f.field("device", x.device), f.field("gpu", x.gpu),
                            f.field("why_not", x.why_not));
}

} // namespace troupe
