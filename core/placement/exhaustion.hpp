// What a profile's encoder stands for on the whole cluster, and what happens when none of it is free.
//
// The ladder is NVENC, Quick Sync, VA-API, what else is hardware, software. A profile that names a codec takes the first rung that has room. One that names an
// encoder wants that one; where all of its sessions are in use, its policy decides: wait for one, go on to the other rungs, or say no.
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

/// The codec that an encoder makes, as its name tells: "h264" of "h264_nvenc", "libx264" and "h264". Empty for a name that is none of the ladder's.
std::string_view codec_of(std::string_view encoder);

/// Whether the name is that of an encoder in hardware.
bool is_hardware_encoder(std::string_view encoder);

/// The rungs to try, best first. An error where nothing can ever serve the wish: software only, and software never; a fallback of another codec.
tl::expected<std::vector<rung>, std::string> rungs_of(const encoder_wish& x);

/// The warning for who gets `taken` instead of what was asked for.
std::string fallback_warning(const encoder_wish& x, const rung& taken);

} // namespace troupe::core
