// How large the picture is that an encoder makes, and what shape its samples have.
#pragma once

#include "encoder/format.hpp"
#include "encoder/settings.hpp"

namespace troupe::av {

/// Gives the format of upright pictures, whose pixel format is chosen, the size that is asked for. The display aspect stays the source's, unless what is
/// left of a frame is to be black.
void choose_size(video_format& format, const video_settings& settings);

} // namespace troupe::av
