// The settings of an encode. Every value is checked when a transcode opens; none is ignored.
#pragma once

#include "encoder/av_ptr.hpp"
#include "encoder/error.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <map>
#include <string>
#include <vector>

namespace troupe::av {

enum class deinterlace { automatic, field_rate, off };

/// What happens if width and height are both set and the picture has another shape.
enum class fit {
  inside,  ///< as large as fits, with square samples: one side is shorter than the setting
  pad,     ///< as `inside`, and black bars fill the rest
  stretch, ///< fills the whole size with samples that are not square: players show the picture's own shape
};

/// What `transcode::fill` shows.
struct slate_settings {
  enum class kind {
    last,  ///< the last picture of the source
    image, ///< a picture file, between black bars
    bars   ///< colour bars, with a title and the time of day
  };

  kind show = kind::last;
  std::vector<std::byte> image; ///< the file
  std::string title;
  int64_t unix_ms = 0; ///< Unix time at timestamp 0
};

/// 0, negative and empty values mean "as the source has it" or "the encoder's default".
struct video_settings {
  std::string encoder; ///< an encoder ("libx264") or a codec ("h264": the first encoder for it that opens)
  /// Pixels; if only one of width and height is set, the other follows the display aspect, rounded to even.
  int width = 0;
  int height = 0;
  av::fit fit = av::fit::inside;
  AVRational frame_rate{0, 1};
  std::string pixel_format;
  av::deinterlace deinterlacing = deinterlace::automatic;
  int64_t bit_rate = 0;     ///< bit/s
  int64_t max_bit_rate = 0; ///< bit/s over a buffer of one second
  double crf = -1;          ///< constant quality on the encoder's own scale (its crf, cq or qp)
  std::string preset;
  std::string tune;
  std::string profile;
  std::string level;
  /// With `low_delay`, random-access points are exactly at its multiples on the source's timeline (see `key_grid`);
  /// otherwise it is the longest distance between two of them.
  std::chrono::milliseconds keyframe_interval{0};
  int b_frames = -1;
  int threads = 0;        ///< of the decoder and of the encoder; 0: libav* chooses
  bool low_delay = false; ///< no frame threads in the decoder, few in the encoder: frames leave as soon as possible
  bool in_band_headers = true; ///< parameter sets before each random-access point; otherwise in extradata (MP4, MKV)
  std::string device;          ///< of a hardware encoder: "cuda:1", "/dev/dri/renderD128"; empty: libav* chooses
  std::string decode_device;   ///< decodes and scales there if possible; empty decodes in software
  slate_settings slate{};
  /// Further encoder options. A name that is not on the allow list is `errc::option`.
  std::map<std::string, std::string> options;
};

struct audio_settings {
  std::string encoder; ///< an encoder ("libopus") or a codec ("aac")
  int64_t bit_rate = 0;
  int sample_rate = 0; ///< Hz; an unsupported rate is an error, never silently replaced by the nearest
  /// "stereo", "5.1"; empty: the source's layout, reduced to the nearest that the encoder supports.
  std::string channel_layout;
  bool in_band_headers = true;
  std::map<std::string, std::string> options;
};

/// Output frames with `from_pts <= pts < to_pts` (ticks of `time_base`). For copied packets the DTS counts instead: see
/// encoder/window/transcode.hpp.
struct time_window {
  int64_t from_pts = std::numeric_limits<int64_t>::min();
  int64_t to_pts = std::numeric_limits<int64_t>::max();

  bool contains(int64_t pts) const noexcept {
    return from_pts <= pts && pts < to_pts;
  }
};

} // namespace troupe::av
