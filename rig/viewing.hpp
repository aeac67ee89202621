// What a viewer saw and heard, and what to think of it: pure arithmetic on observations, without libav* or a clock.
#pragma once

#include "rig/tone.hpp"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace troupe::bench {

using wall_clock = std::chrono::steady_clock;

/// One decoded picture, in the order of presentation.
struct frame_seen {
  std::optional<uint32_t> number; ///< its code, where it has one that can be read
  double seconds = 0;             ///< presentation time on the stream's own timeline
  wall_clock::time_point arrived; ///< when its first byte was there
  wall_clock::time_point decoded;
};

/// One decoded frame of sound.
struct sound_seen {
  double seconds = 0; ///< presentation time of its first sample
  uint32_t samples = 0;
  double level = 0; ///< root of the mean square over all channels, full scale 1
};

/// Raw observations of one viewing.
struct observations {
  std::string error; ///< why the source could not be opened, or broke; empty where all went well
  bool is_network = false;
  bool ended = false; ///< the source ended, or broke, before the viewer had enough
  int width = 0;      ///< of the latest picture, pixels
  int height = 0;
  std::string video_codec; ///< libavcodec's names; empty where no such stream came
  std::string audio_codec;
  int sample_rate = 0;
  int channels = 0;
  int channels_with_sound = 0;

  wall_clock::time_point started;
  std::optional<wall_clock::time_point> first_byte;
  wall_clock::time_point finished;
  uint64_t bytes = 0;

  std::vector<frame_seen> frames;
  uint64_t flat_frames = 0;   ///< of one brightness all over
  uint64_t frozen_frames = 0; ///< exactly like the one before
  std::vector<tone_marker> markers;
  std::vector<sound_seen> sounds;
  uint64_t audio_samples = 0; ///< per channel
  double audio_end_seconds = 0;
  double silent_seconds = 0;
  std::vector<double> audio_gaps; ///< seconds; negative where sound overlaps itself

  uint64_t decode_errors = 0;
  uint64_t corrupt_packets = 0; ///< flagged by the demuxer, for example after a lost transport packet
  uint64_t dts_violations =
    0; ///< decoding timestamps that do not grow within their stream, where the container has any
};

/// The least, the middle and the greatest of some values; zeros where there are none.
struct spread {
  double min = 0;
  double median = 0;
  double max = 0;
};

spread spread_of(std::vector<double> values);

/// Counts over one viewing. All times in milliseconds.
struct viewing {
  observations seen;

  // Pictures by their codes. A picture is missing when its number lies between those seen and never came.
  uint64_t coded = 0;
  uint64_t unreadable = 0;
  uint32_t first_number = 0;
  uint32_t last_number = 0;
  uint64_t missing = 0;
  uint64_t repeated = 0;
  uint64_t out_of_order = 0;
  uint64_t loops = 0; ///< times that the numbers began again at 0

  // Pictures by their timestamps.
  double frame_ms = 0;   ///< the usual distance
  uint64_t pts_gaps = 0; ///< distances of more than one and a half of that
  uint64_t pts_steps_back = 0;

  uint64_t audio_gaps = 0;
  double audio_gap_ms_max = 0;

  size_t offsets = 0;        ///< markers found in both picture and sound
  spread offset_ms;          ///< positive: sound later than its picture
  uint64_t pitch_errors = 0; ///< sound of another second than its picture's
  double end_skew_ms = 0;    ///< end of the sound less end of the pictures

  double first_byte_ms = 0;
  double first_frame_ms = 0;
  double arrival_gap_ms_max = 0; ///< the longest wait from one picture to the next
};

/// `loop_frames` is the number after which the source's codes start again at 0; where it is 0, a code of 0 after others
/// is taken for the loop, which then has to follow the last frame. Observations keep their order.
viewing summarise(observations seen, uint32_t loop_frames = 0);

/// What a viewing has to be.
struct expectations {
  bool video = true;
  bool audio = true;
  bool every_frame_once = true; ///< false where the rendition has another frame rate than its source
  double sync_ms = 40;
};

/// What is wrong with a viewing, one sentence each; empty where all is well. A source without codes is judged by
/// timestamps alone.
std::vector<std::string> problems(const viewing& result, const expectations& expected = {});

/// The counts as flat named figures, in the order of `viewing`.
std::vector<std::pair<std::string, double>> figures(const viewing& result);

} // namespace troupe::bench
