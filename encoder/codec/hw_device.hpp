// Graphics cards as libav* reaches them: by a name, as a device context, as a pool of pictures in their memory.
//
// Cards are named as the worker's probes name them: "cuda:N" for NVIDIA, N being the card's place in the order of PCI addresses (processes run with
// CUDA_DEVICE_ORDER=PCI_BUS_ID for that), and the render node, "/dev/dri/renderD128", for all others.
#pragma once

#include "encoder/av_ptr.hpp"
#include "encoder/error.hpp"

extern "C" {
#include <libavutil/hwcontext.h>
}

#include <string>
#include <string_view>

namespace troupe::av {

/// What a name stands for; none for any that is not of the two forms.
AVHWDeviceType device_type_of(std::string_view name);

/// Opens a device; the first one of the type where the name is empty. `errc::device` where it does not open, or is of another type. Quick Sync takes a
/// render node.
expected<buffer_ptr> open_device(AVHWDeviceType type, const std::string& name);

/// A pool of pictures in the device's memory, their pixels laid out as `software` says.
expected<buffer_ptr> make_device_frames(AVBufferRef& device, AVPixelFormat hardware, AVPixelFormat software, int width,
                                        int height);

/// Has an encoder that finds its device by itself open on this one. Before the encoder opens; an empty name leaves the choice to libav*.
expected<void> set_encoder_device(AVCodecContext& context, const std::string& name);

/// The device type of an encoder or decoder for pictures in `format`; none where it takes no such pictures.
AVHWDeviceType device_type_for(const AVCodec& codec, AVPixelFormat format);

/// The hardware pixel format that a decoder makes on a type of device; none where it cannot.
AVPixelFormat decoded_format_on(const AVCodec& decoder, AVHWDeviceType type);

} // namespace troupe::av
