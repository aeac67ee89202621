// What HDR was made on and how bright it gets, in the words of each encoder.
#pragma once

#include "encoder/codec/encoder_open.hpp"
#include "encoder/format.hpp"

namespace troupe::av {

/// Tells an encoder that is not open yet, where it can say so.
expected<void> set_hdr(AVCodecContext& context, const video_format& format);

} // namespace troupe::av
