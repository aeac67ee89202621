// Sources for the encoder's tests, made in memory with libav*'s encoders, and decoders that show what a viewer gets.
#pragma once

#include "encoder/window/transcode.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace troupe::av::test {

/// Packets in decoding order, in ticks, of one track.
struct stream {
  track info;
  std::vector<packet_ptr> packets;
};

struct video_source {
  std::string encoder = "libx264";
  int width = 160;
  int height = 96;
  AVRational frame_rate{25, 1};
  int frames = 75;
  int gop = 20;
  int b_frames = 2;
  bool interlaced = false;
  int64_t first_pts = 900'000; ///< ticks
  uint32_t first_number = 0;   ///< drawn into the first picture; grows by one a picture
  AVPixelFormat pixel_format = AV_PIX_FMT_YUV420P;
  AVRational sample_aspect{1, 1};
  bool bt2020 = false;        ///< colour properties other than any default
  bool global_header = false; ///< parameter sets beside the packets, as MP4 and MKV want them
  std::map<std::string, std::string> options{};
};

/// Pictures with their number drawn into them over a moving background.
stream make_video(const video_source& source);

struct audio_source {
  std::string encoder = "mp2";
  int sample_rate = 48'000;
  int channels = 2;
  int64_t first_sample = 480'000; ///< index, counted from timeline zero, of the first sample
  int64_t samples = 144'000;
  int64_t bit_rate = 192'000;
  bool global_header = false;
};

/// A tone whose pitch glides, so that no two places sound the same.
stream make_audio(const audio_source& source);

/// All packets in the order of their DTS, `stream_index` set.
std::vector<packet_ptr> interleave(const std::vector<stream>& streams);

std::vector<track> tracks_of(const std::vector<stream>& streams);

/// A source: tracks, and their packets in the order of their DTS.
struct source {
  std::vector<track> tracks;
  std::vector<packet_ptr> packets;
};

template <class... Streams>
source make(Streams... streams) {
  std::vector<stream> all;
  (all.push_back(std::move(streams)), ...);
  return {tracks_of(all), interleave(all)};
}

/// The packets of `first` and then those of `second`, as one track.
stream join(stream first, stream second);

/// What a transcode made.
struct result : transcode_sink {
  void on_format(const std::vector<track>& formats) override;
  void on_packet(AVPacket& packet) override;

  /// The packets of one output track.
  std::vector<const AVPacket*> of(int output) const;

  int formats_announced = 0;
  std::vector<track> tracks;
  std::vector<packet_ptr> packets;
  transcode_counters counters;
};

/// The same window for every track.
std::vector<time_window> windows_of(const source& from, time_window window);

/// The packets that a caller should feed for windows with this `preroll_from`: those from the random-access point at or
/// before it.
std::vector<const AVPacket*> feed_for(const source& from, int64_t preroll_from);

/// Runs a window over a source, fed as a caller should, until it is complete. Throws `std::runtime_error` with the
/// error's text.
result run(const source& from, const std::vector<track_plan>& plan, time_window window = {});

/// The error that a plan for a source gives. Throws if there is none.
error refusal(const source& from, const std::vector<track_plan>& plan);

struct picture {
  int64_t pts = no_pts;
  std::optional<uint32_t> number;
  int width = 0;
  int height = 0;
  bool interlaced = false;
  AVPixelFormat pixel_format = AV_PIX_FMT_NONE;
  bool hdr = false;    ///< has the metadata of the mastering display and the light levels
  double top_luma = 0; ///< mean of the uppermost row, 8-bit formats
};

/// The pictures of a decoder that gets only these packets.
std::vector<picture> show(const track& info, const std::vector<const AVPacket*>& packets);

/// The decoded sound: the first channel, and the index of its first sample, from the first frame's PTS.
struct sound {
  int sample_rate = 0;
  int64_t first_sample = 0;
  std::vector<float> samples;
};

sound play(const track& info, const std::vector<const AVPacket*>& packets);

} // namespace troupe::av::test
