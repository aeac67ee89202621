// The one path on which every encoder is found, set up and opened.
//
// Order: `find_encoders`, `make_encoder_context`, the caller's own fields, the `set_...` functions, `open_encoder`,
// then `encode`.
#pragma once

#include "encoder/codec/encoder_table.hpp"
#include "encoder/error.hpp"
#include "encoder/settings.hpp"

#include <functional>
#include <map>
#include <string>
#include <vector>

namespace troupe::av {

/// The encoders that `name` stands for, best first: those of a codec, or the one with that name. `errc::option` if
/// there is none of `type`.
expected<std::vector<const AVCodec*>> find_encoders(const std::string& name, AVMediaType type);

/// True for encoders that need a device: if one refuses, the error is `errc::device`.
bool is_hardware(const AVCodec& encoder);

codec_context_ptr make_encoder_context(const AVCodec& encoder);

/// Sets one option by libav*'s name, the encoder's private options before the general ones. "list:key" sets a key
/// inside an option that is a `name=key` list. `errc::option` if the encoder has no such option or refuses the value.
expected<void> set_option(AVCodecContext& context, std::string_view name, const std::string& value);

/// Sets the options of the encoder's family that apply to all settings.
expected<void> set_fixed_options(AVCodecContext& context);

/// Sets the thread count of encoders that otherwise start one thread per core, whatever libav* asks for; 0 leaves the
/// choice to them. x264 holds pictures back for threads and lookahead: with `low_delay` and few pictures a second, it
/// gets few of both.
expected<void> set_threads(AVCodecContext& context, int threads, bool low_delay);

/// Sets `value`, unless it is empty, as the encoder's `option`. `what` is our name for it, used in the error if the
/// encoder has no such option.
expected<void> set_family_option(AVCodecContext& context, std::string_view option, std::string_view what,
                                 const std::string& value);

/// Constant quality on the encoder's own scale.
expected<void> set_quality(AVCodecContext& context, double quality);

/// Sets the caller's further options, after a check against the allow list.
expected<void> set_further_options(AVCodecContext& context, const std::map<std::string, std::string>& options);

/// Checks the names and keys of further options against the allow list.
expected<void> check_further_options(const std::map<std::string, std::string>& options);

/// Opens the encoder. libav*'s log becomes part of the error.
expected<void> open_encoder(AVCodecContext& context);

using on_encoded = std::function<expected<void>(AVPacket&)>;

/// Sends a frame (null: the end) and delivers the packets that are ready. `packet` is scratch space.
expected<void> encode(AVCodecContext& context, const AVFrame* frame, AVPacket& packet, const on_encoded& deliver);

} // namespace troupe::av
