// How each track of a source is handled in a rendition, for the encoder library.
#pragma once

#include "encoder/error.hpp"
#include "encoder/window/transcode.hpp"
#include "messages/media.hpp"
#include "messages/work.hpp"

#include <string>
#include <vector>

namespace troupe {

/// How to treat each source track to reach the profile, on the device that a lease names. Settings of the profile
/// without an equivalent there are listed in `left_out`.
av::expected<std::vector<av::track_plan>> to_plan(const stream_format& source, const profile& target,
                                                  const encoder_seat& seat = {},
                                                  std::vector<std::string>* left_out = nullptr);

/// What such a plan's pictures show while the source is away.
av::slate_settings to_settings(const slate& x);

/// Why channels cannot be watched with a profile, whatever their sources are; empty if they can.
std::string misfit(const profile& x);

} // namespace troupe
