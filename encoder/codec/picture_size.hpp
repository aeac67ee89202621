// The size of the encoder's picture, and the shape of its samples.
#pragma once

#include "encoder/format.hpp"
#include "encoder/settings.hpp"

namespace troupe::av {

/// Sets the size of upright pictures; the pixel format must be set already. The display aspect stays the source's,
/// unless black bars fill the rest of the frame.
void choose_size(video_format& format, const video_settings& settings);

} // namespace troupe::av
