// Compares only the parameters of both streams.
#include "encoder/source/stream_changes.hpp"

#include "encoder/channel_layouts.hpp"
#include "encoder/format.hpp"
#include "encoder/track.hpp"

extern "C" {
#include <libavutil/dict.h>
#include <libavutil/pixdesc.h>
}

#include <algorithm>
#include <string_view>

namespace troupe::av {

namespace {

bool is_vpx(AVCodecID x) {
  return x == AV_CODEC_ID_VP8 || x == AV_CODEC_ID_VP9;
}

/// Transparency of VP8 and VP9 is a second picture next to the packet; only WebM and Matroska can store it.
bool holds_alpha(container into, AVCodecID codec) {
  return !is_vpx(codec) || into == container::mkv || into == container::webm;
}

std::string alpha_loss(const AVStream& from, const AVStream& made, container into, bool copied) {
  auto codec = made.codecpar->codec_id;
  if (!has_alpha(from))
    return {};
  auto encoded = copied || has_alpha(made);
  if (encoded && holds_alpha(into, codec))
    return {};
  std::string name{avcodec_get_name(codec)};
  return "the transparency of the picture is lost: "
         + (encoded ? std::string{container_name(into)} + " does not hold that of " + name + "; mkv or webm holds it"
                    : name + " as it is encoded here has none; prores_ks in mov or vp9 in webm keeps it");
}

std::string layout_loss(const AVCodecParameters& from, const AVCodecParameters& made) {
  auto before = plain_layout(from.ch_layout);
  auto after = plain_layout(made.ch_layout);
  if (before.nb_channels <= 0)
    return {};
  switch (change_of(before, after)) {
  case layout_change::none:
    break;
  case layout_change::widened:
    return "the sound is " + to_string(after) + " instead of " + to_string(before)
           + ", with channels that are silent: " + avcodec_get_name(made.codec_id) + " has no such layout";
  case layout_change::mixed:
    return "the sound is mixed from " + to_string(before) + " to " + to_string(after);
  }
  return {};
}

/// True if a container's sample aspect contradicts the codec's, which is square if unset.
bool differs(AVRational container, AVRational codec) {
  return container.num > 0 && av_cmp_q(container, codec.num > 0 ? codec : AVRational{1, 1}) != 0;
}

} // namespace

bool has_alpha(const AVStream& x) {
  const auto* mode = av_dict_get(x.metadata, "alpha_mode", nullptr, 0);
  if (is_vpx(x.codecpar->codec_id) && mode != nullptr && std::string_view{mode->value} == "1")
    return true;
  const auto* format = av_pix_fmt_desc_get(static_cast<AVPixelFormat>(x.codecpar->format));
  return format != nullptr && (format->flags & (AV_PIX_FMT_FLAG_ALPHA | AV_PIX_FMT_FLAG_PAL)) == AV_PIX_FMT_FLAG_ALPHA;
}

std::vector<std::string> changes_of(const AVStream& from, const AVStream& made, container into, bool copied) {
  std::vector<std::string> result;
  if (copied && into == container::mpegts && differs(from.sample_aspect_ratio, from.codecpar->sample_aspect_ratio))
    result.emplace_back("the shape of the picture is lost: mpegts has only the codec's, which is another one; mp4 "
                        "and mkv hold it, and an encode keeps it");
  if (from.codecpar->codec_type == AVMEDIA_TYPE_VIDEO)
    result.push_back(alpha_loss(from, made, into, copied));
  else if (!copied)
    result.push_back(layout_loss(*from.codecpar, *made.codecpar));
  result.push_back(language_loss(from.metadata, into));
  std::erase(result, std::string{});
  return result;
}

std::string language_loss(const AVDictionary* words, container into) {
  auto language = language_in(words);
  auto any = into == container::mkv || into == container::webm;
  if (any || language.empty() || language.size() == 3)
    return {};
  return "the language " + language + " is lost: " + container_name(into)
         + " only has codes of three letters; mkv holds it";
}

} // namespace troupe::av
