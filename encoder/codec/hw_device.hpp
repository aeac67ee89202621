// GPUs as libav* uses them: a name, a device context, a pool of pictures in GPU memory.
//
// The names are those of the worker's probes. NVIDIA GPUs are "cuda:N", where N counts in the order of PCI addresses
// (for that, processes run with CUDA_DEVICE_ORDER=PCI_BUS_ID). All others are named by their render node,
// "/dev/dri/renderD128".
#pragma once

#include "encoder/av_ptr.hpp"
#include "encoder/error.hpp"

extern "C" {
#include <libavutil/hwcontext.h>
}

#include <string>
#include <string_view>

namespace troupe::av {

/// The device type of a name; none if it has neither form.
AVHWDeviceType device_type_of(std::string_view name);

/// Opens a device; an empty name opens the first of the type. `errc::device` if it does not open, or is of another
/// type. Quick Sync takes a render node.
expected<buffer_ptr> open_device(AVHWDeviceType type, const std::string& name);

/// A pool of pictures in the device's memory with the pixel layout `software`.
expected<buffer_ptr> make_device_frames(AVBufferRef& device, AVPixelFormat hardware, AVPixelFormat software, int width,
                                        int height);

/// Makes an encoder that would choose a device itself open on the device `name`. Call it before the encoder opens; an
/// empty name leaves the choice to libav*.
expected<void> set_encoder_device(AVCodecContext& context, const std::string& name);

/// The device type of an encoder or decoder for pictures in `format`; none if it does not take such pictures.
AVHWDeviceType device_type_for(const AVCodec& codec, AVPixelFormat format);

/// The hardware pixel format that a decoder produces on a type of device; none if it cannot.
AVPixelFormat decoded_format_on(const AVCodec& decoder, AVHWDeviceType type);

} // namespace troupe::av
