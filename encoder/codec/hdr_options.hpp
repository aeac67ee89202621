// The mastering display and brightness of HDR, in the option format of each encoder.
#pragma once

#include "encoder/codec/encoder_open.hpp"
#include "encoder/format.hpp"

namespace troupe::av {

/// Sets the HDR metadata of `format` on an encoder that is not open yet, if the encoder supports them.
expected<void> set_hdr(AVCodecContext& context, const video_format& format);

} // namespace troupe::av
