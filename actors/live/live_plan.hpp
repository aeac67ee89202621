// What becomes of each track of a source in a rendition, for the encoder library.
#pragma once

#include "encoder/error.hpp"
#include "encoder/window/transcode.hpp"
#include "messages/media.hpp"
#include "messages/work.hpp"

#include <string>
#include <vector>

namespace troupe {

/// What to do with each source track to reach the profile, on the device that a lease names. What of the profile has no equivalent there is listed in
/// `left_out`.
av::expected<std::vector<av::track_plan>> to_plan(const stream_format& source, const profile& target,
                                                  const encoder_seat& seat = {},
                                                  std::vector<std::string>* left_out = nullptr);

/// Why channels cannot be watched in a profile, whatever their sources are; empty if they can.
std::string misfit(const profile& x);

} // namespace troupe
