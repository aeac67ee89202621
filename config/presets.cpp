// The table. The H.264 rates are usual for such pictures on the platforms below. HEVC has 0.6 of these rates, VP9 0.65,
// AV1 0.5: about what these codecs need for the same visual quality.
#include "config/presets.hpp"

#include <algorithm>
#include <array>
#include <iterator>
#include <vector>

namespace troupe::config {

namespace {

struct row {
  std::string_view name;
  std::string_view about;
  int32_t width;
  int32_t height;
  int32_t fps;
  std::string_view codec;
  int64_t kbit_s;       ///< video
  int64_t audio_kbit_s; ///< stereo
};

constexpr std::array rows{
  // General use: size, rate, codec.
  row{"4K60-h264", "3840x2160 at 60, H.264", 3840, 2160, 60, "h264", 20'000, 192},
  row{"4K60-h265", "3840x2160 at 60, HEVC", 3840, 2160, 60, "hevc", 12'000, 192},
  row{"4K30-h264", "3840x2160 at 30, H.264", 3840, 2160, 30, "h264", 13'000, 192},
  row{"4K30-h265", "3840x2160 at 30, HEVC", 3840, 2160, 30, "hevc", 8'000, 192},
  row{"1080p60-h264", "1920x1080 at 60, H.264", 1920, 1080, 60, "h264", 6'000, 160},
  row{"1080p60-h265", "1920x1080 at 60, HEVC", 1920, 1080, 60, "hevc", 3'600, 160},
  row{"1080p30-h264", "1920x1080 at 30, H.264", 1920, 1080, 30, "h264", 4'500, 160},
  row{"1080p30-h265", "1920x1080 at 30, HEVC", 1920, 1080, 30, "hevc", 2'700, 160},
  row{"720p60-h264", "1280x720 at 60, H.264", 1280, 720, 60, "h264", 3'500, 128},
  row{"720p60-h265", "1280x720 at 60, HEVC", 1280, 720, 60, "hevc", 2'100, 128},
  row{"720p30-h264", "1280x720 at 30, H.264", 1280, 720, 30, "h264", 2'500, 128},
  row{"720p30-h265", "1280x720 at 30, HEVC", 1280, 720, 30, "hevc", 1'500, 128},
  row{"480p60-h264", "854x480 at 60, H.264", 854, 480, 60, "h264", 1'600, 96},
  row{"480p30-h264", "854x480 at 30, H.264", 854, 480, 30, "h264", 1'000, 96},
  row{"480p30-h265", "854x480 at 30, HEVC", 854, 480, 30, "hevc", 600, 96},
  row{"1080p60-vp9", "1920x1080 at 60, VP9", 1920, 1080, 60, "vp9", 3'900, 160},
  row{"720p30-vp9", "1280x720 at 30, VP9", 1280, 720, 30, "vp9", 1'600, 128},
  row{"480p30-av1", "854x480 at 30, AV1", 854, 480, 30, "av1", 500, 96},
  // Recommendations of platforms.
  row{"twitch-1080p60", "Twitch, 1080p at 60", 1920, 1080, 60, "h264", 6'000, 160},
  row{"youtube-4K60", "YouTube, 4K at 60", 3840, 2160, 60, "h264", 20'000, 192},
  row{"youtube-4K30", "YouTube, 4K at 30", 3840, 2160, 30, "h264", 13'000, 192},
  row{"youtube-1440p60", "YouTube, 1440p at 60", 2560, 1440, 60, "h264", 12'000, 192},
  row{"zoom-720p30", "Zoom, 720p at 30", 1280, 720, 30, "h264", 1'500, 96},
  row{"zoom-720p30-high", "Zoom, 720p at 30, for much motion", 1280, 720, 30, "h264", 2'500, 96},
  row{"facebook-1080p30", "Facebook, 1080p at 30", 1920, 1080, 30, "h264", 4'000, 128},
  row{"linkedin-1080p30", "LinkedIn, 1080p at 30", 1920, 1080, 30, "h264", 5'000, 128},
  // A ladder for adaptive streaming: keyframes every two seconds in all of its steps.
  row{"ladder-1080p", "upper step of an adaptive ladder", 1920, 1080, 30, "h264", 5'000, 128},
  row{"ladder-720p", "middle step of an adaptive ladder", 1280, 720, 30, "h264", 2'500, 128},
  row{"ladder-480p", "lower step of an adaptive ladder", 854, 480, 30, "h264", 1'000, 96},
};

preset make(const row& x) {
  preset result;
  result.name = x.name;
  result.about = x.about;
  auto web = x.codec == "vp9" || x.codec == "av1";
  result.container = web ? "webm" : "mp4";
  auto& video = result.video;
  video.codec = x.codec;
  video.width = x.width;
  video.height = x.height;
  video.frame_rate = {x.fps, 1};
  video.pixel_format = "yuv420p";
  video.bit_rate = x.kbit_s * 1000;
  video.keyframe_interval = std::chrono::seconds{2};
  if (x.codec == "h264") {
    video.preset = "medium";
    video.profile = "high";
  } else if (x.codec == "hevc") {
    video.preset = "fast";
    video.profile = "main";
  } else if (x.codec == "vp9") {
    video.preset = "4";
  } else {
    video.preset = "8";
  }
  auto& audio = result.audio;
  audio.codec = web ? "opus" : "aac";
  audio.bit_rate = x.audio_kbit_s * 1000;
  audio.sample_rate = 48'000;
  audio.channel_layout = "stereo";
  return result;
}

} // namespace

std::span<const preset> presets() {
  static const auto table = [] {
    std::vector<preset> all;
    all.reserve(std::size(rows));
    for (auto& x : rows)
      all.push_back(make(x));
    return all;
  }();
  return table;
}

const preset* find_preset(std::string_view name) {
  auto all = presets();
  auto i = std::find_if(all.begin(), all.end(), [&](auto& x) { return x.name == name; });
  return i == all.end() ? nullptr : &*i;
}

} // namespace troupe::config
