// The observations of a viewer, and their evaluation: pure arithmetic, without libav* or a clock.
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
  std::optional<uint32_t> number; ///< its code, if it has a readable one
  double seconds = 0;             ///< presentation time on the stream's own timeline
  wall_clock::time_point arrived; ///< when its first byte arrived
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
  std::string error; ///< why the source could not be opened, or broke; empty if all went well
  bool is_network = false;
  bool ended = false; ///< the source ended, or broke, before the viewer had enough
  int width = 0;      ///< of the latest picture, pixels
  int height = 0;
  std::string video_codec; ///< libavcodec's names; empty if no such stream came
  std::string audio_codec;
  int sample_rate = 0;
  int channels = 0;
  int channels_with_sound = 0;

  wall_clock::time_point started;
  std::optional<wall_clock::time_point> first_byte;
  wall_clock::time_point finished;
  uint64_t bytes = 0;

  std::vector<frame_seen> frames;
  uint64_t flat_frames = 0;   ///< frames of uniform brightness
  uint64_t frozen_frames = 0; ///< frames identical to the one before
  std::vector<tone_marker> markers;
  std::vector<sound_seen> sounds;
  uint64_t audio_samples = 0; ///< per channel
  double audio_end_seconds = 0;
  double silent_seconds = 0;
  std::vector<double> audio_gaps; ///< seconds; negative if sound overlaps itself

  uint64_t decode_errors = 0;
  uint64_t corrupt_packets = 0; ///< flagged by the demuxer, for example after a lost transport packet
  uint64_t dts_violations = 0;  ///< DTS that do not grow within their stream, if the container has DTS
};

/// The least, the middle and the greatest of some values; zeros if there are none.
struct spread {
  double min = 0;
  double median = 0;
  double max = 0;
};

spread spread_of(std::vector<double> values);

/// Counts over one viewing. All times in milliseconds.
struct viewing {
  observations seen;

  // Pictures by their codes. A picture is missing if its number lies between two seen numbers, but never came.
  uint64_t coded = 0;
  uint64_t unreadable = 0;
  uint32_t first_number = 0;
  uint32_t last_number = 0;
  uint64_t missing = 0;
  uint64_t repeated = 0;
  uint64_t out_of_order = 0;
  uint64_t loops = 0; ///< times that the numbers restarted at 0

  // Pictures by their timestamps.
  double frame_ms = 0;   ///< the usual interval
  uint64_t pts_gaps = 0; ///< intervals longer than one and a half times that
  uint64_t pts_steps_back = 0;

  uint64_t audio_gaps = 0;
  double audio_gap_ms_max = 0;

  size_t offsets = 0;        ///< markers found in both picture and sound
  spread offset_ms;          ///< positive: sound is later than its picture
  uint64_t pitch_errors = 0; ///< sound that belongs to another second than its picture
  double end_skew_ms = 0;    ///< end of the sound less end of the pictures

  double first_byte_ms = 0;
  double first_frame_ms = 0;
  double arrival_gap_ms_max = 0; ///< the longest time between two pictures
};

/// `loop_frames` is the number at which the source's codes restart at 0. If it is 0, a code of 0 after a code above 1
/// counts as a restart; the code before it is taken as last. Observations keep their order.
viewing summarise(observations seen, uint32_t loop_frames = 0);

/// The requirements for a viewing.
struct expectations {
  bool video = true;
  bool audio = true;
  bool every_frame_once = true; ///< false if the rendition has another frame rate than its source
  double sync_ms = 40;
};

/// The faults of a viewing, one sentence each; empty if there are none. A source without codes is judged by timestamps
/// alone.
std::vector<std::string> problems(const viewing& result, const expectations& expected = {});

/// The counts as a flat list of named figures, in the order of `viewing`.
std::vector<std::pair<std::string, double>> figures(const viewing& result);

} // namespace troupe::bench
