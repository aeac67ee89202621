// The format of decoded pictures and sound: the input of filters and encoders, and their output.
#pragma once

#include "encoder/track.hpp"

extern "C" {
#include <libavutil/channel_layout.h>
#include <libavutil/mastering_display_metadata.h>
#include <libavutil/pixfmt.h>
#include <libavutil/samplefmt.h>
}

#include <optional>
#include <string>

namespace troupe::av {

struct video_format {
  int width = 0;
  int height = 0;
  AVPixelFormat pixel_format = AV_PIX_FMT_NONE;
  AVRational sample_aspect{0, 1}; ///< 0/1 if unknown
  AVRational frame_rate{0, 1};    ///< frames a second, 0/1 if unknown
  AVColorRange range = AVCOL_RANGE_UNSPECIFIED;
  AVColorPrimaries primaries = AVCOL_PRI_UNSPECIFIED;
  AVColorTransferCharacteristic transfer = AVCOL_TRC_UNSPECIFIED;
  AVColorSpace matrix = AVCOL_SPC_UNSPECIFIED;
  AVChromaLocation chroma = AVCHROMA_LOC_UNSPECIFIED;
  bool interlaced = false;
  std::optional<AVMasteringDisplayMetadata> mastering; ///< only of HDR sources
  std::optional<AVContentLightMetadata> light;         ///< only of HDR sources
};

struct audio_format {
  AVSampleFormat sample_format = AV_SAMPLE_FMT_NONE;
  int sample_rate = 0;      ///< Hz
  AVChannelLayout layout{}; ///< in native order or unspecified: never owns memory
};

/// Takes the format from the track's parameters, and from the first frame if those lack a value. The parameters come
/// first because all windows of a source share them, and must agree on the output.
video_format video_format_of(const track& source, const AVFrame* first);
audio_format audio_format_of(const track& source, const AVFrame* first);

/// Sound with more channels than this is rejected: no encoder here supports as many.
inline constexpr int channels_max = 64;

/// The format of the same pictures after they are turned upright.
video_format turned(video_format x, orientation by) noexcept;

/// True if the format has everything that an encoder needs.
bool is_complete(const video_format& x) noexcept;
bool is_complete(const audio_format& x) noexcept;

/// The nearest layout that a channel mask describes: a custom order becomes the default layout with the same number of
/// channels.
AVChannelLayout plain_layout(const AVChannelLayout& layout) noexcept;

/// "5.1(side)".
std::string to_string(const AVChannelLayout& layout);

/// True if the pixels have an alpha channel.
bool has_alpha(AVPixelFormat format) noexcept;

/// The pixel layout of a frame, in main memory or on a device.
AVPixelFormat pixel_layout(const AVFrame& frame) noexcept;

/// The format without the "J" of old full-range names. Sets `range` if the name had one.
AVPixelFormat without_j(AVPixelFormat format, AVColorRange& range) noexcept;

/// Replaces the pixel format of a decoded full-range frame by its plain name.
void relabel_full_range(AVFrame& frame) noexcept;

} // namespace troupe::av
