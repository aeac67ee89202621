// A whole file job for tests: writes a source, cuts, encodes and assembles it. Then it reads the result as a player
// does, with nothing but libavformat and libavcodec.
#pragma once

#include "clip.hpp"
#include "encoder/chunks/assembler.hpp"
#include "encoder/chunks/chunk_encode.hpp"
#include "encoder/source/source_index.hpp"
#include "make_stream.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace troupe::av::test {

/// A `work_control` that never stops the work and ignores its progress.
const work_control& unwatched();

/// The streams as a clip, to be written with `write_file`.
clip as_clip(std::vector<stream> streams);

/// `write_file` into a file of this name, by its extension's muxer.
std::string write_source(const clip& from, const std::string& name, const change& edit = {});

/// Windows that cut the source at `count - 1` of its access points, as evenly as possible; fewer if it has fewer
/// points.
std::vector<time_window> cut(const source_index& index, size_t count);

struct job_settings {
  video_settings video;
  std::optional<audio_settings> audio; ///< the audio is copied if this is not set
  bool copy_video = false;
  size_t chunks = 1;
};

/// libx264, fast, with B frames.
video_settings usual_video(const std::string& encoder = "libx264");
audio_settings usual_audio(const std::string& encoder = "aac");

struct job_outcome {
  source_index index;
  std::vector<chunk_result> chunks; ///< the video's, then the sound's
  assembly_job assembly;
  assembly_result result;
};

/// Runs a whole job. Throws `std::runtime_error` with the error's text.
job_outcome run_job(const std::string& source, const std::string& output, const job_settings& settings);

/// A stream as a player decodes it.
struct played_stream {
  AVMediaType type = AVMEDIA_TYPE_UNKNOWN;
  codec_parameters_ptr parameters;
  std::map<std::string, std::string> metadata;
  int disposition = 0;
  uint64_t packets = 0;
  std::vector<picture> pictures;  ///< in the order shown; PTS in ticks
  int64_t first_sample = no_pts;  ///< index of the first played sample, from time zero
  std::vector<float> samples;     ///< the first channel
  std::vector<std::string> lines; ///< of subtitles: their text, with the time in milliseconds before it
  uint64_t errors = 0;            ///< packets refused, frames damaged, DTS that do not rise
};

struct played_file {
  std::vector<played_stream> streams;
  std::map<std::string, std::string> metadata;
  std::vector<std::pair<int64_t, std::string>> chapters; ///< begin in milliseconds, title

  const played_stream& of(AVMediaType type, size_t number = 0) const;
};

played_file play_file(const std::string& path);

/// Checks that the pictures carry the numbers `first`, `first + 1`, …, at the same distances as these times (ticks;
/// `slack` allows for the containers' rounding).
void check_pictures(const played_stream& shown, const std::vector<int64_t>& times, uint32_t first = 0,
                    int64_t slack = 0);

/// By how many samples the tone of `make_audio` is later than the pictures: 0 if both are as in the source, whose first
/// picture (the first one shown here) was at `first_pts` ticks and whose first sample was `first_sample`.
int64_t sound_lag(const played_file& result, int64_t first_pts, int64_t first_sample);

} // namespace troupe::av::test
