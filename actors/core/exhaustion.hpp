// What a profile's encoder stands for on the whole cluster, and what happens when none of it is free.
//
// The ladder is NVENC, Quick Sync, VA-API, what else is hardware, software. A profile that names a codec takes the first rung that has room. One that names an
// encoder wants that one; where all of its sessions are in use, its policy decides: wait for one, go on to the other rungs, or say no.
#pragma once

#include "actors/core/placement.hpp"

#include <tl/expected.hpp>

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace troupe::core {

enum class exhaustion_policy : uint8_t {
  queue,    ///< waits for what was asked for, as long as it may
  fallback, ///< takes the next rung, with a warning
  reject    ///< an error at once
};

/// "queue", "fallback", "reject".
std::string_view to_string(exhaustion_policy x);
std::optional<exhaustion_policy> exhaustion_policy_from(std::string_view name);

/// What a profile says of its video encoder.
struct encoder_wish {
  std::string encoder; ///< an encoder ("h264_nvenc", "libx264") or a codec ("h264": the best that is free)
  exhaustion_policy policy = exhaustion_policy::fallback;
  std::string fallback_encoder; ///< goes before the rest of the ladder; empty for the ladder's own order
  bool never_software = false;

  bool operator==(const encoder_wish&) const = default;
};

/// The codec that an encoder makes, as its name tells: "h264" of "h264_nvenc", "libx264" and "h264". Empty for a name that is none of the ladder's.
std::string_view codec_of(std::string_view encoder);

/// Whether the name is that of an encoder in hardware.
bool is_hardware_encoder(std::string_view encoder);

/// The rungs to try, best first. An error where nothing can ever serve the wish: software only, and software never; a fallback of another codec.
tl::expected<std::vector<rung>, std::string> rungs_of(const encoder_wish& x);

/// The warning for who gets `taken` instead of what was asked for.
std::string fallback_warning(const encoder_wish& x, const rung& taken);

} // namespace troupe::core
