// What a decoded picture or sound is like: the input of filters and encoders, and what they make of it.
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
  AVRational sample_aspect{0, 1}; ///< 0/1 where unknown
  AVRational frame_rate{0, 1};    ///< frames a second, 0/1 where unknown
  AVColorRange range = AVCOL_RANGE_UNSPECIFIED;
  AVColorPrimaries primaries = AVCOL_PRI_UNSPECIFIED;
  AVColorTransferCharacteristic transfer = AVCOL_TRC_UNSPECIFIED;
  AVColorSpace matrix = AVCOL_SPC_UNSPECIFIED;
  AVChromaLocation chroma = AVCHROMA_LOC_UNSPECIFIED;
  bool interlaced = false;
  std::optional<AVMasteringDisplayMetadata> mastering; ///< of HDR sources
  std::optional<AVContentLightMetadata> light;         ///< of HDR sources
};

struct audio_format {
  AVSampleFormat sample_format = AV_SAMPLE_FMT_NONE;
  int sample_rate = 0;      ///< Hz
  AVChannelLayout layout{}; ///< in native order or unspecified: never owns memory
};

/// What a track's parameters say, and where they are silent, what its first frame says. The parameters come first because all
/// windows of a source share them, and must agree on the output.
video_format video_format_of(const track& source, const AVFrame* first);
audio_format audio_format_of(const track& source, const AVFrame* first);

/// More channels than this are not taken: no encoder here knows as many.
inline constexpr int channels_max = 64;

/// The format of the same pictures, upright.
video_format turned(video_format x, orientation by) noexcept;

/// True where nothing that an encoder needs is missing.
bool is_complete(const video_format& x) noexcept;
bool is_complete(const audio_format& x) noexcept;

/// The nearest layout that is described by a mask: custom orders become the default for as many channels.
AVChannelLayout plain_layout(const AVChannelLayout& layout) noexcept;

/// "5.1(side)".
std::string to_string(const AVChannelLayout& layout);

/// True where pixels say how much of what is behind them shows.
bool has_alpha(AVPixelFormat format) noexcept;

/// How the pixels of a frame are laid out, wherever it lies.
AVPixelFormat pixel_layout(const AVFrame& frame) noexcept;

/// The format without the "J" that marks full range in old names; sets `range` for one that had it.
AVPixelFormat without_j(AVPixelFormat format, AVColorRange& range) noexcept;

/// Gives a decoded frame its format's plain name.
void relabel_full_range(AVFrame& frame) noexcept;

} // namespace troupe::av
