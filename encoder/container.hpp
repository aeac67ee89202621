// What each output container can hold, and how it names codecs.
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

/// Finds a container by its name ("mp4", "mkv", "ts") or by the extension of a path.
std::optional<container> container_of(std::string_view name_or_path);

/// True for extensions of audio-only files: "m4a", "mka", "weba".
bool is_for_sound(std::string_view name_or_path);

/// All names that `container_of` knows, separated by commas.
std::string container_extensions();

/// The usual name: "mp4", "mov", "mkv", "webm", "ts".
const char* container_name(container x);

/// The name of libavformat's muxer.
const char* muxer_name(container x);

/// True if the container can hold packets of this codec in a way that players understand.
bool holds(container into, AVCodecID codec);

/// "; mkv or ts holds it": the other containers that hold the codec; empty if there are none.
std::string others_that_hold(container but, AVCodecID codec);

/// The container's tag for pictures of this codec and profile; 0 if the muxer chooses the tag. MOV and Matroska have a
/// tag for each profile of ProRes.
uint32_t tag_of(AVCodecID codec, int profile);

/// The inverse: the profile for a codec and tag, or `otherwise` if the tag is unknown.
int profile_of(AVCodecID codec, uint32_t tag, int otherwise);

/// The codec of the container's text subtitles, `AV_CODEC_ID_NONE` if it has none.
AVCodecID text_subtitle_of(container into);

/// True for text subtitles, which can be converted into each other.
bool is_text_subtitle(AVCodecID codec);

/// True if the container holds attachments, such as fonts.
bool holds_attachments(container into);

/// True if the container holds a cover: MP4 as a picture, MKV as an attachment. MOV does not, because libavformat
/// leaves covers out of it.
bool holds_cover(container into);

/// True if parameter sets belong in the packets, not in the container's header.
bool wants_headers_in_band(container into);

/// The usual target codec for pictures if the container does not hold the source's codec.
const char* usual_video_codec(container into);

/// The usual target codec for sound if the container does not hold the source's codec.
const char* usual_audio_codec(container into);

} // namespace troupe::av
