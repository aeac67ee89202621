// Files that no muxer of libavformat writes by itself. The ffmpeg program makes them, and decodes them for comparison.
#pragma once

#include "clip.hpp"
#include "make_stream.hpp"

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace troupe::av::test {

/// Runs ffmpeg with these arguments. Throws if it fails.
void ffmpeg(const std::string& arguments);

/// ffmpeg's arguments for an input of `seconds` seconds: small moving pictures at 25 a second, or a tone.
std::string pictures_input(int seconds);
std::string tone_input(int seconds);

/// The times (ticks) of the pictures that ffmpeg decodes from the first video stream, in presentation order.
std::vector<int64_t> pictures_by_ffmpeg(const std::string& path);

/// A list with this one stream.
std::vector<stream> one(stream x);

/// Copies an MP4 whose `moov` comes last, and replaces the edit list of its only track. Each edit is its length and its
/// start in the media, in milliseconds.
std::string with_edits(const std::string& path, const std::string& name,
                       const std::vector<std::pair<uint32_t, uint32_t>>& edits);

/// Copies a transport stream whose tables then state the stream type `to` instead of `from`.
std::string with_stream_type(const std::string& path, const std::string& name, uint8_t from, uint8_t to);

/// Removes the NAL units of one type from an H.264 packet in Annex B format.
void without_unit(AVPacket& packet, int type);

/// Adds a track with one subtitle picture at `pts`.
void add_dvd_subtitle(clip& to, int64_t pts);

} // namespace troupe::av::test
