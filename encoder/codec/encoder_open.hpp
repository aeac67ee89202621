// The one path on which every encoder is found, set up and opened.
//
// Order: `find_encoders`, `make_encoder_context`, the caller's own fields, the `set_...` functions, `open_encoder`, then `encode`.
#pragma once

#include "encoder/codec/encoder_table.hpp"
#include "encoder/error.hpp"
#include "encoder/settings.hpp"

#include <functional>
#include <map>
#include <string>
#include <vector>

namespace troupe::av {

/// The encoders that `name` stands for, best first: those of a codec, or the one of that name. `errc::option` where there is none of `type`.
expected<std::vector<const AVCodec*>> find_encoders(const std::string& name, AVMediaType type);

/// True for encoders that need a device: what they refuse is the device's doing, `errc::device`.
bool is_hardware(const AVCodec& encoder);

codec_context_ptr make_encoder_context(const AVCodec& encoder);

/// Sets one option by libav*'s name, the encoder's own before the general ones. Keys of `name=key` lists are given as "list:key".
/// `errc::option` where the encoder has no such option or refuses the value.
expected<void> set_option(AVCodecContext& context, std::string_view name, const std::string& value);

/// Sets the options of the encoder's family that hold whatever the settings are.
expected<void> set_fixed_options(AVCodecContext& context);

/// For encoders that make as many threads as the machine has cores, whatever libav* asks of them: so many, in words of their own; 0 is their choice.
/// Those that keep pictures back for threads and foresight get few of both where delay counts and a picture lasts long.
expected<void> set_threads(AVCodecContext& context, int threads, bool low_delay);

/// Sets `value`, if it is not empty, as what the encoder calls `option`. `what` is our name for it, for the error where it has none.
expected<void> set_family_option(AVCodecContext& context, std::string_view option, std::string_view what,
                                 const std::string& value);

/// Constant quality on the encoder's own scale.
expected<void> set_quality(AVCodecContext& context, double quality);

/// Sets the callers' further options, after the allow list.
expected<void> set_further_options(AVCodecContext& context, const std::map<std::string, std::string>& options);

/// Checks the names and keys of further options against the allow list alone.
expected<void> check_further_options(const std::map<std::string, std::string>& options);

/// Opens the encoder. What libav* logs becomes part of the error.
expected<void> open_encoder(AVCodecContext& context);

using on_encoded = std::function<expected<void>(AVPacket&)>;

/// Sends a frame (null: the end) and delivers the packets that are ready. `packet` is scratch space.
expected<void> encode(AVCodecContext& context, const AVFrame* frame, AVPacket& packet, const on_encoded& deliver);

} // namespace troupe::av
