// How an encoder is set to reach a profile.
#pragma once

#include "encoder/error.hpp"
#include "encoder/settings.hpp"
#include "messages/work.hpp"

#include <string>
#include <vector>

namespace troupe {

av::expected<av::video_settings> to_settings(const video_profile& x);
av::audio_settings to_settings(const audio_profile& x);

/// The same for the encoder and on the device that a lease names. What has no equivalent there is left out, and listed in `left_out`. A seat without an
/// encoder changes nothing.
av::expected<av::video_settings> to_settings(const video_profile& x, const encoder_seat& seat,
                                             std::vector<std::string>* left_out = nullptr);

} // namespace troupe
