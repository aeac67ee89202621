// Files that no muxer of libavformat writes by itself, and the ffmpeg program as maker and as judge.
#pragma once

#include "clip.hpp"
#include "make_stream.hpp"

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace troupe::av::test {

/// Runs ffmpeg with these arguments. Throws where it fails.
void ffmpeg(const std::string& arguments);

/// Arguments for so many seconds of a small moving picture at 25 a second, and of a tone.
std::string pictures_input(int seconds);
std::string tone_input(int seconds);

/// The times (ticks) of the pictures that ffmpeg decodes of the first video, as they are shown.
std::vector<int64_t> pictures_by_ffmpeg(const std::string& path);

/// One stream alone.
std::vector<stream> one(stream x);

/// An MP4 whose `moov` comes last, with another edit list for its only track: lengths and begins in the media, in
/// milliseconds.
std::string with_edits(const std::string& path, const std::string& name,
                       const std::vector<std::pair<uint32_t, uint32_t>>& edits);

/// A transport stream that says another stream type of its streams of one.
std::string with_stream_type(const std::string& path, const std::string& name, uint8_t from, uint8_t to);

/// Removes units of a type from an H.264 packet in Annex B.
void without_unit(AVPacket& packet, int type);

/// Adds a track with one picture of subtitles at `pts`.
void add_dvd_subtitle(clip& to, int64_t pts);

} // namespace troupe::av::test
