// Finds the channel layouts that an encoder supports, and which of them are nearest to the source's layout.
//
// A channel goes to the channel of the same name in the other layout, or from side to back or back to side. If a layout
// has only one rear pair, side and back channels are the same loudspeakers, as in the two kinds of 5.1.
#pragma once

extern "C" {
#include <libavcodec/avcodec.h>
#include <libavutil/channel_layout.h>
}

#include <vector>

namespace troupe::av {

enum class layout_change {
  none,    ///< the same loudspeakers
  widened, ///< all of the source's loudspeakers, and more that stay silent
  mixed,   ///< some of the source's channels are mixed into others
};

/// How sound changes from layout `from` to `to`. Unless both are in native order, the result is `none` for equal
/// channel counts and `mixed` for different ones.
layout_change change_of(const AVChannelLayout& from, const AVChannelLayout& to) noexcept;

/// Where each channel goes: one row per channel of `to`, one column per channel of `from`. Empty if channels are mixed,
/// or if the layouts are equal.
std::vector<double> places_of(const AVChannelLayout& from, const AVChannelLayout& to);

/// The layouts that this encoder keeps unchanged. Empty if it takes any layout, or if this is unknown.
std::vector<AVChannelLayout> channel_layouts_of(const AVCodec& encoder);

/// Puts the layouts that keep the most channels of `source` first; of equals, the one with the fewest channels.
void sort_by_loss(std::vector<AVChannelLayout>& layouts, const AVChannelLayout& source);

} // namespace troupe::av
