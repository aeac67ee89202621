// A correct low-latency channel: its playlists and media as functions of time. Video ("v.m3u8") and audio ("a.m3u8")
// have segments of 2 s with five parts.
#pragma once

#include <array>
#include <cstdint>
#include <cstdio>
#include <string>

namespace troupe::bench::delivery {

inline constexpr uint64_t first_open = 100; ///< number of the segment that is open when the channel begins
inline constexpr uint64_t window = 10;
inline constexpr uint64_t parts = 5;
inline constexpr double part_s = 0.4;
inline constexpr double segment_s = 2;

template <class... Ts>
std::string print(const char* format, Ts... values) {
  std::array<char, 512> text{};
  std::snprintf(text.data(), text.size(), format, values...);
  return text.data();
}

/// How far a channel is: all segments before `number` are complete, and segment `number` has `part` parts so far.
struct position {
  uint64_t number = first_open;
  uint64_t part = 0;
};

inline constexpr auto multivariant_text = R"(#EXTM3U
#EXT-X-VERSION:9
#EXT-X-INDEPENDENT-SEGMENTS
#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="sound",NAME="English",LANGUAGE="en",DEFAULT=YES,CHANNELS="2",URI="a.m3u8"
#EXT-X-I-FRAME-STREAM-INF:BANDWIDTH=9000,CODECS="avc1.64001f",RESOLUTION=1280x720,URI="i.m3u8"
#EXT-X-STREAM-INF:BANDWIDTH=40000,AVERAGE-BANDWIDTH=36000,CODECS="avc1.64001f,mp4a.40.2",RESOLUTION=1280x720,FRAME-RATE=25.000,AUDIO="sound"
v.m3u8
)";

inline constexpr auto i_frames_text = "#EXTM3U\n#EXT-X-VERSION:6\n#EXT-X-TARGETDURATION:2\n#EXT-X-I-FRAMES-ONLY\n";

std::string playlist_text(bool video, position at, bool delta);

std::string part_bytes(bool video, uint64_t number, uint64_t part);

std::string segment_bytes(bool video, uint64_t number);

std::string part_name(bool video, uint64_t number, uint64_t part);

} // namespace troupe::bench::delivery
