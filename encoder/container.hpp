// What the containers of results can hold.
#pragma once

#include "encoder/error.hpp"

extern "C" {
#include <libavcodec/codec_id.h>
}

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace troupe::av {

enum class container { mp4, mov, mkv, webm, mpegts };

/// By name ("mp4", "mkv", "ts"), or by a path's extension.
std::optional<container> container_of(std::string_view name_or_path);

/// True for extensions of files that have sound alone: "m4a", "mka", "weba".
bool is_for_sound(std::string_view name_or_path);

/// All names that `container_of` knows, separated by commas.
std::string container_extensions();

/// As people call it: "mp4", "mov", "mkv", "webm", "ts".
const char* container_name(container x);

/// libavformat's muxer.
const char* muxer_name(container x);

/// True where packets of this codec can be put in, in a way that players understand.
bool holds(container into, AVCodecID codec);

/// "; mkv or ts holds it": the other containers that do; empty where there is none.
std::string others_that_hold(container but, AVCodecID codec);

/// What a container calls pictures of this codec and profile, where it is not to choose by itself; 0 where it is. MOV and Matroska have a name for each
/// profile of ProRes.
uint32_t tag_of(AVCodecID codec, int profile);

/// The other way.
int profile_of(AVCodecID codec, uint32_t tag, int otherwise);

/// The text subtitles of the container, `AV_CODEC_ID_NONE` where it has none.
AVCodecID text_subtitle_of(container into);

/// Subtitles that are text, which can be converted into one another.
bool is_text_subtitle(AVCodecID codec);

/// Fonts and the like.
bool holds_attachments(container into);

/// A cover picture: as a picture (MP4), as an attachment (MKV), or not at all: libavformat leaves it out of MOV.
bool holds_cover(container into);

/// Parameter sets are in the packets, not in the container's header.
bool wants_headers_in_band(container into);

/// The codec that pictures are usually converted to where the container does not hold what the source has.
const char* usual_video_codec(container into);

/// The codec that sound is usually converted to where the container does not hold what the source has.
const char* usual_audio_codec(container into);

} // namespace troupe::av
