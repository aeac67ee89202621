// What a file contains, and where it can be cut: found in one pass over its packets, without decoding.
#pragma once

#include "encoder/source/demuxer.hpp"
#include "encoder/source/late_stream.hpp"
#include "encoder/work_control.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace troupe::av {

enum class stream_kind { video, audio, subtitle, attachment, picture, data };

/// A random-access point of the video.
struct access_point {
  int64_t pts = 0;
  int64_t dts = 0;
  uint64_t pictures_before = 0; ///< pictures shown before `pts`, counted from the first that can be decoded
};

struct source_stream {
  int stream = -1; ///< libavformat's number, as in a `stream_plan`
  stream_kind kind = stream_kind::data;
  std::string codec;    ///< libavcodec's name
  std::string language; ///< `track::language`
  int disposition = 0;  ///< AV_DISPOSITION_* flags
  std::map<std::string, std::string> metadata;
  bool readable = false; ///< video or audio that a window can be made of: the best video, and the audio of its program
  codec_parameters_ptr parameters;
  AVRational frame_rate{0, 1};
  bool late = false;          ///< opening the source does not show it: see `late_stream`
  bool variable_rate = false; ///< pictures are not evenly spaced
  int rotation = 0;           ///< degrees clockwise by which a player turns the picture
  // only of readable streams; ticks on the source's timeline
  uint64_t packets = 0; ///< for video: pictures that can be shown
  uint64_t bytes = 0;
  int64_t first_pts = no_pts; ///< of the first picture that can be decoded, or of the first sample that is played
  int64_t last_pts = no_pts;
  int64_t end_pts = no_pts;
  /// Video: the grid of its pictures, without the container's rounding. All times in this struct are on this grid, and
  /// so are those of a demuxer that gets it as an option.
  std::optional<frame_grid> grid{};
  uint64_t gaps = 0;     ///< places where pictures of an even rate are missing
  int64_t gap_ticks = 0; ///< the length of all gaps
};

struct source_chapter {
  int64_t begin = 0; ///< ticks on the source's timeline
  int64_t end = 0;
  std::map<std::string, std::string> metadata;
};

struct source_index {
  std::string format; ///< libavformat's name
  int64_t bytes = -1; ///< of the file, -1 if unknown
  std::vector<source_stream> streams;
  std::vector<source_chapter> chapters;
  std::map<std::string, std::string> metadata;
  int video = -1; ///< index in `streams` of the readable video
  std::vector<access_point> access_points;
  int64_t origin = 0; ///< the earliest picture or sound: the result's zero
  int64_t end = 0;    ///< the latest end of a picture or sound
  /// Times do not depend on earlier packets: any process finds the same ones wherever it begins to read. Tested, not
  /// assumed.
  bool exact = false;
  /// Each packet is one picture: pictures may be counted before and after an encode.
  bool countable = false;
  uint64_t corrupt_packets = 0;
  uint64_t dropped_packets = 0; ///< see `source_counters`; also leading pictures that cannot be decoded
  int64_t announced = no_pts;   ///< the duration in the container's header, in ticks; `no_pts` if it has none
  std::string complaint;        ///< errors that libavformat logged during the read

  /// The late streams, which every later opener of the source has to know.
  std::vector<late_stream> late_streams() const;

  const source_stream* video_stream() const noexcept {
    return video >= 0 ? &streams[static_cast<size_t>(video)] : nullptr;
  }

  /// Pictures in `[from, to)`; both must be access points or outside of the video. Nothing if they cannot be counted.
  std::optional<uint64_t> pictures_in(int64_t from, int64_t to) const noexcept;
};

/// The most pictures or packets of a file: 26 hours at 120 a second, 200 hours at 15.
inline constexpr size_t index_packets_max = 12'000'000;

/// Reads the file once. `errc::limit` if it is too long, `errc::media` if nothing can be read.
expected<source_index> index_source(const source_options& options, const work_control& control);

} // namespace troupe::av
