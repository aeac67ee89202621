// What the containers of results can hold.
#pragma once

#include "encoder/error.hpp"

extern "C" {
#include <libavcodec/codec_id.h>
}

#include <optional>
#include <string_view>

namespace troupe::av {

enum class container { mp4, mov, mkv, webm, mpegts };

/// By name ("mp4", "mkv", "ts"), or by a path's extension.
std::optional<container> container_of(std::string_view name_or_path);

/// libavformat's muxer.
const char* muxer_name(container x);

/// True where packets of this codec can be put in, in a way that players understand.
bool holds(container into, AVCodecID codec);

/// The text subtitles of the container, `AV_CODEC_ID_NONE` where it has none.
AVCodecID text_subtitle_of(container into);

/// Subtitles that are text, which can be converted into one another.
bool is_text_subtitle(AVCodecID codec);

/// Fonts and the like.
bool holds_attachments(container into);

/// A cover picture: as a picture (MP4, MOV), as an attachment (MKV), or not at all.
bool holds_cover(container into);

/// Parameter sets are in the packets, not in the container's header.
bool wants_headers_in_band(container into);

/// The codec that pictures are usually converted to where the container does not hold what the source has.
const char* usual_video_codec(container into);

/// The codec that sound is usually converted to where the container does not hold what the source has.
const char* usual_audio_codec(container into);

} // namespace troupe::av
