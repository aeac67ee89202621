// How the output of an encode is made. Every value is checked when a transcode opens; nothing is ignored.
#pragma once

#include "encoder/av_ptr.hpp"
#include "encoder/error.hpp"

#include <chrono>
#include <cstdint>
#include <limits>
#include <map>
#include <string>

namespace troupe::av {

enum class deinterlace { automatic, field_rate, off };

/// What becomes of a picture whose shape is not that of the width and height that are both set.
enum class fit {
  inside,  ///< as large as fits, with square samples: one side is shorter than was set
  pad,     ///< the same, and the rest is black
  stretch, ///< all of it, with samples that are not square: players show the picture's own shape
};

/// 0, negative and empty values stand for "as the source has it" or "the encoder's default".
struct video_settings {
  std::string encoder; ///< an encoder ("libx264") or a codec ("h264": the first encoder for it that opens)
  int width = 0;       ///< pixels; with one of width and height the other follows the display aspect, rounded to even
  int height = 0;
  av::fit fit = av::fit::inside;
  AVRational frame_rate{0, 1};
  std::string pixel_format;
  av::deinterlace deinterlacing = deinterlace::automatic;
  int64_t bit_rate = 0;     ///< bit/s
  int64_t max_bit_rate = 0; ///< bit/s over a buffer of one second
  double crf = -1;          ///< constant quality on the encoder's own scale (crf, cq, qp: whatever it calls it)
  std::string preset;
  std::string tune;
  std::string profile;
  std::string level;
  std::chrono::milliseconds keyframe_interval{0};
  int b_frames = -1;
  int threads = 0;        ///< of the decoder and of the encoder; 0 is libav*'s choice
  bool low_delay = false; ///< no frame threads in the decoder, few in the encoder: frames leave as soon as they can
  bool in_band_headers = true; ///< parameter sets before each random-access point, else in extradata (for MP4, MKV)
  std::string device;          ///< "cuda:1", "/dev/dri/renderD128": of an encoder in hardware; empty is libav*'s choice
  std::string decode_device;   ///< decodes there what it can, and scales; empty decodes in software
  /// Further encoder options; names beyond the allow list are `errc::option`.
  std::map<std::string, std::string> options;
};

struct audio_settings {
  std::string encoder; ///< an encoder ("libopus") or a codec ("aac")
  int64_t bit_rate = 0;
  int sample_rate = 0; ///< Hz; the nearest that the encoder knows is not chosen silently: unsupported is an error
  /// "stereo", "5.1"; where empty the source's, reduced to the nearest that the encoder knows.
  std::string channel_layout;
  bool in_band_headers = true;
  std::map<std::string, std::string> options;
};

/// Output frames with `from_pts <= pts < to_pts` (ticks of `time_base`), or copied packets with their DTS there: see encoder/window/transcode.hpp.
struct time_window {
  int64_t from_pts = std::numeric_limits<int64_t>::min();
  int64_t to_pts = std::numeric_limits<int64_t>::max();

  bool contains(int64_t pts) const noexcept {
    return from_pts <= pts && pts < to_pts;
  }
};

} // namespace troupe::av
