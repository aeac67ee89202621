// Which loudspeakers an encoder knows, and which of them are nearest to those of a source.
//
// A channel has its place in another layout under its own name, or under that of its neighbour: pairs at the sides and behind are the same
// loudspeakers where a layout has one pair alone, as the two kinds of 5.1 have.
#pragma once

extern "C" {
#include <libavcodec/avcodec.h>
#include <libavutil/channel_layout.h>
}

#include <vector>

namespace troupe::av {

enum class layout_change {
  none,    ///< the same loudspeakers
  widened, ///< all of them, and some more that are silent
  mixed,   ///< some of them are heard from others
};

/// What becomes of sound for `from` in `to`. Both are in native order; else it is `none` for as many channels, and `mixed` for others.
layout_change change_of(const AVChannelLayout& from, const AVChannelLayout& to) noexcept;

/// Where each channel goes, one row for each channel of `to` and one column for each of `from`, where none is mixed; empty where some are,
/// and where both are one.
std::vector<double> places_of(const AVChannelLayout& from, const AVChannelLayout& to);

/// The layouts that come out of this encoder as they went in; none where it takes any, or nobody knows.
std::vector<AVChannelLayout> channel_layouts_of(const AVCodec& encoder);

/// Orders layouts by what is left of sound for `source` in them: most channels kept first, then the fewest channels.
void sort_by_loss(std::vector<AVChannelLayout>& layouts, const AVChannelLayout& source);

} // namespace troupe::av
