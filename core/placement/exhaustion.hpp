// The encoders that a profile's wish stands for, and what happens if none of them is free.
//
// The ladder is NVENC, Quick Sync, VA-API, other hardware, software; each step is a rung. A profile that names a codec
// takes the first rung that has room. A profile that names an encoder wants that encoder. If all of its sessions are in
// use, the profile's policy decides: wait for one, take another rung, or refuse.
#pragma once

#include "core/placement/placement.hpp"
#include "messages/placement.hpp"

#include <tl/expected.hpp>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace troupe::core {

using troupe::encoder_wish;
using troupe::exhaustion_policy;

std::optional<exhaustion_policy> exhaustion_policy_from(std::string_view name);

/// The codec of an encoder, from its name: "h264" for "h264_nvenc", "libx264" and "h264". Empty if the ladder does not
/// have the name.
std::string_view codec_of(std::string_view encoder);

/// Whether this is the name of a hardware encoder.
bool is_hardware_encoder(std::string_view encoder);

/// The rungs to try, best first. An error if the wish can never be served: it names a software encoder and forbids
/// software, or its fallback is for another codec.
tl::expected<std::vector<rung>, std::string> rungs_of(const encoder_wish& x);

/// The warning for the user who gets `taken` instead of the requested encoder.
std::string fallback_warning(const encoder_wish& x, const rung& taken);

} // namespace troupe::core
