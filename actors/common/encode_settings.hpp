// The encoder settings for a profile.
#pragma once

#include "encoder/error.hpp"
#include "encoder/settings.hpp"
#include "messages/work.hpp"

#include <string>
#include <vector>

namespace troupe {

av::expected<av::video_settings> to_settings(const video_profile& x);
av::audio_settings to_settings(const audio_profile& x);

/// Settings for the encoder and device that a lease names. Settings without an equivalent there are omitted, and listed
/// in `left_out`. A seat without an encoder changes nothing.
av::expected<av::video_settings> to_settings(const video_profile& x, const encoder_seat& seat,
                                             std::vector<std::string>* left_out = nullptr);

} // namespace troupe
