// Compares channel masks. Side channels alone in one and back channels alone in the other count as the same.
#include "encoder/channel_layouts.hpp"

#include <algorithm>
#include <bit>
#include <span>
#include <string_view>
#include <tuple>
#include <utility>

namespace troupe::av {

namespace {

constexpr uint64_t sides = AV_CH_SIDE_LEFT | AV_CH_SIDE_RIGHT;
constexpr uint64_t backs = AV_CH_BACK_LEFT | AV_CH_BACK_RIGHT;

/// The layouts of Vorbis (specification I, section 4.3.9) and of Opus in mapping family 1 (RFC 7845, section 5.1.1.2).
constexpr uint64_t xiph_masks[] = {AV_CH_LAYOUT_MONO,
                                   AV_CH_LAYOUT_STEREO,
                                   AV_CH_LAYOUT_SURROUND,
                                   AV_CH_LAYOUT_QUAD,
                                   AV_CH_LAYOUT_5POINT0_BACK,
                                   AV_CH_LAYOUT_5POINT1_BACK,
                                   AV_CH_LAYOUT_5POINT1 | AV_CH_BACK_CENTER,
                                   AV_CH_LAYOUT_7POINT1};

/// The layouts of FLAC (RFC 9639, section 9.1.3), as libavcodec reads them.
constexpr uint64_t flac_masks[] = {AV_CH_LAYOUT_MONO,
                                   AV_CH_LAYOUT_STEREO,
                                   AV_CH_LAYOUT_SURROUND,
                                   AV_CH_LAYOUT_QUAD,
                                   AV_CH_LAYOUT_5POINT0,
                                   AV_CH_LAYOUT_5POINT1,
                                   AV_CH_LAYOUT_5POINT1 | AV_CH_BACK_CENTER,
                                   AV_CH_LAYOUT_7POINT1};

/// libavcodec 59's AAC encoder takes more layouts, but writes a description (PCE) for them that decoders read as
/// unnamed channels.
constexpr uint64_t aac_masks[] = {AV_CH_LAYOUT_MONO,   AV_CH_LAYOUT_STEREO,       AV_CH_LAYOUT_2POINT1,
                                  AV_CH_LAYOUT_2_1,    AV_CH_LAYOUT_SURROUND,     AV_CH_LAYOUT_4POINT0,
                                  AV_CH_LAYOUT_QUAD,   AV_CH_LAYOUT_5POINT0_BACK, AV_CH_LAYOUT_5POINT1_BACK,
                                  AV_CH_LAYOUT_7POINT1};

std::span<const uint64_t> masks_of(const AVCodec& encoder) {
  if (encoder.id == AV_CODEC_ID_OPUS || encoder.id == AV_CODEC_ID_VORBIS)
    return xiph_masks;
  if (encoder.id == AV_CODEC_ID_FLAC)
    return flac_masks;
  if (std::string_view{encoder.name} == "aac")
    return aac_masks;
  return {};
}

AVChannelLayout layout_of(uint64_t mask) {
  AVChannelLayout result{};
  av_channel_layout_from_mask(&result, mask);
  return result;
}

bool has_mask(const AVChannelLayout& x) noexcept {
  return x.order == AV_CHANNEL_ORDER_NATIVE;
}

/// `from` with the channel names that `to` has for its loudspeakers.
uint64_t renamed(uint64_t from, uint64_t to) noexcept {
  for (auto [have, other] : {std::pair{sides, backs}, std::pair{backs, sides}})
    if ((from & have) == have && (from & other) == 0 && (to & other) == other && (to & have) == 0)
      return (from & ~have) | other;
  return from;
}

/// The index in `from` of the channel that has the name `channel` in `to`; -1 if there is none.
int source_of(uint64_t from, uint64_t to, uint64_t channel) noexcept {
  auto names = renamed(from, to);
  // A renamed pair keeps left before right, but has another position among the other channels.
  auto own = (from & channel) != 0 ? channel : 0;
  if (own == 0 && (names & channel) != 0)
    own = (channel & sides) != 0 ? (channel == AV_CH_SIDE_LEFT ? AV_CH_BACK_LEFT : AV_CH_BACK_RIGHT)
                                 : (channel == AV_CH_BACK_LEFT ? AV_CH_SIDE_LEFT : AV_CH_SIDE_RIGHT);
  return own == 0 ? -1 : std::popcount(from & (own - 1));
}

} // namespace

layout_change change_of(const AVChannelLayout& from, const AVChannelLayout& to) noexcept {
  if (!has_mask(from) || !has_mask(to))
    return from.nb_channels == to.nb_channels ? layout_change::none : layout_change::mixed;
  auto names = renamed(from.u.mask, to.u.mask);
  if (names == to.u.mask)
    return layout_change::none;
  return (names & ~to.u.mask) == 0 ? layout_change::widened : layout_change::mixed;
}

std::vector<double> places_of(const AVChannelLayout& from, const AVChannelLayout& to) {
  if (!has_mask(from) || !has_mask(to) || from.u.mask == to.u.mask || change_of(from, to) == layout_change::mixed)
    return {};
  std::vector<double> result(static_cast<size_t>(from.nb_channels * to.nb_channels));
  auto row = 0;
  for (auto rest = to.u.mask; rest != 0; rest &= rest - 1, ++row)
    if (auto column = source_of(from.u.mask, to.u.mask, rest & (~rest + 1)); column >= 0)
      result[static_cast<size_t>(row) * static_cast<size_t>(from.nb_channels) + static_cast<size_t>(column)] = 1;
  return result;
}

std::vector<AVChannelLayout> channel_layouts_of(const AVCodec& encoder) {
  std::vector<AVChannelLayout> result;
  for (auto mask : masks_of(encoder))
    result.push_back(layout_of(mask));
  if (result.empty() && encoder.ch_layouts != nullptr)
    for (const auto* x = encoder.ch_layouts; x->nb_channels != 0; ++x)
      if (has_mask(*x))
        result.push_back(*x);
  return result;
}

void sort_by_loss(std::vector<AVChannelLayout>& layouts, const AVChannelLayout& source) {
  auto rank = [&source](const AVChannelLayout& x) {
    auto names = has_mask(source) ? renamed(source.u.mask, x.u.mask) : 0;
    auto kept = std::popcount(names & x.u.mask);
    return std::tuple{-kept, x.nb_channels, names != source.u.mask};
  };
  std::stable_sort(layouts.begin(), layouts.end(),
                   [&rank](const AVChannelLayout& a, const AVChannelLayout& b) { return rank(a) < rank(b); });
}

} // namespace troupe::av
