// What a file is, and where it can be cut: one pass over its packets, nothing decoded.
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
  uint64_t pictures_before = 0; ///< shown before `pts`, counted from the first that can be decoded
};

struct source_stream {
  int stream = -1; ///< libavformat's number: what a `stream_plan` names
  stream_kind kind = stream_kind::data;
  std::string codec;    ///< libavcodec's name
  std::string language; ///< `track::language`
  int disposition = 0;  ///< AV_DISPOSITION_* flags
  std::map<std::string, std::string> metadata;
  bool readable = false; ///< video or audio that a window can be made of: the best video, and the audio of its program
  codec_parameters_ptr parameters;
  AVRational frame_rate{0, 1};
  bool late = false;          ///< opening the source does not show it yet: see `late_stream`
  bool variable_rate = false; ///< pictures are not evenly spaced
  int rotation = 0;           ///< degrees clockwise that a player turns the picture by
  // of the readable ones, ticks on the source's timeline
  uint64_t packets = 0; ///< for video: pictures that can be shown
  uint64_t bytes = 0;
  int64_t first_pts = no_pts; ///< of the first picture that can be decoded, of the first sample that is played
  int64_t last_pts = no_pts;
  int64_t end_pts = no_pts;
  /// Video: where its pictures are, without the container's rounding. All times here, and those of a demuxer that is given it, are on it.
  std::optional<frame_grid> grid{};
  uint64_t gaps = 0;     ///< places where pictures that come evenly else stay away
  int64_t gap_ticks = 0; ///< of all of them
};

struct source_chapter {
  int64_t begin = 0; ///< ticks on the source's timeline
  int64_t end = 0;
  std::map<std::string, std::string> metadata;
};

struct source_index {
  std::string format; ///< libavformat's name
  int64_t bytes = -1; ///< of the file, -1 where unknown
  std::vector<source_stream> streams;
  std::vector<source_chapter> chapters;
  std::map<std::string, std::string> metadata;
  int video = -1; ///< place in `streams` of the video that can be read
  std::vector<access_point> access_points;
  int64_t origin = 0; ///< the earliest picture or sound: the result's zero
  int64_t end = 0;    ///< the latest end
  /// The times need no memory: any process finds the same ones wherever it begins to read. Tried out, not only believed.
  bool exact = false;
  /// A picture is a packet: pictures may be counted before and after.
  bool countable = false;
  uint64_t corrupt_packets = 0;
  uint64_t dropped_packets = 0; ///< see `source_counters`; and leading pictures that cannot be decoded
  int64_t announced = no_pts; ///< ticks that the container's header says the source has; `no_pts` where it says nothing
  std::string complaint;      ///< what libavformat found wrong while it read

  /// Those that whoever opens the source has to be told of.
  std::vector<late_stream> late_streams() const;

  const source_stream* video_stream() const noexcept {
    return video >= 0 ? &streams[static_cast<size_t>(video)] : nullptr;
  }

  /// Pictures in `[from, to)`, both of them access points or outside of the video; nothing where they cannot be counted.
  std::optional<uint64_t> pictures_in(int64_t from, int64_t to) const noexcept;
};

/// No file has more pictures or packets that count: 26 hours at 120 a second, 200 hours at 15.
inline constexpr size_t index_packets_max = 12'000'000;

/// Reads the file once. `errc::limit` where it is too long, `errc::media` where nothing can be read.
expected<source_index> index_source(const source_options& options, const work_control& control);

} // namespace troupe::av
