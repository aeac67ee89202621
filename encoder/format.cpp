// A format comes first from the track's parameters, then from the first frame.
#include "encoder/format.hpp"

extern "C" {
#include <libavutil/hwcontext.h>
#include <libavutil/pixdesc.h>
}

#include <utility>

namespace troupe::av {

namespace {

template <class T>
T first_known(T first, T second, T unknown) {
  return first != unknown ? first : second;
}

template <class T>
std::optional<T> side_data(const AVFrame& frame, AVFrameSideDataType type) {
  auto* found = av_frame_get_side_data(&frame, type);
  return found != nullptr ? std::optional{*reinterpret_cast<const T*>(found->data)} : std::nullopt;
}

bool is_known(AVRational x) {
  return x.num > 0 && x.den > 0;
}

} // namespace

video_format video_format_of(const track& source, const AVFrame* first) {
  auto& p = *source.parameters;
  video_format result;
  result.width = p.width;
  result.height = p.height;
  result.pixel_format = static_cast<AVPixelFormat>(p.format);
  result.sample_aspect = p.sample_aspect_ratio;
  result.frame_rate = source.frame_rate;
  result.range = p.color_range;
  result.primaries = p.color_primaries;
  result.transfer = p.color_trc;
  result.matrix = p.color_space;
  result.chroma = p.chroma_location;
  result.interlaced = p.field_order > AV_FIELD_PROGRESSIVE;
  if (first != nullptr) {
    if (result.width <= 0 || result.height <= 0) {
      result.width = first->width;
      result.height = first->height;
    }
    result.pixel_format = first_known(result.pixel_format, pixel_layout(*first), AV_PIX_FMT_NONE);
    if (!is_known(result.sample_aspect))
      result.sample_aspect = first->sample_aspect_ratio;
    result.range = first_known(result.range, first->color_range, AVCOL_RANGE_UNSPECIFIED);
    result.primaries = first_known(result.primaries, first->color_primaries, AVCOL_PRI_UNSPECIFIED);
    result.transfer = first_known(result.transfer, first->color_trc, AVCOL_TRC_UNSPECIFIED);
    result.matrix = first_known(result.matrix, first->colorspace, AVCOL_SPC_UNSPECIFIED);
    result.chroma = first_known(result.chroma, first->chroma_location, AVCHROMA_LOC_UNSPECIFIED);
    result.mastering = side_data<AVMasteringDisplayMetadata>(*first, AV_FRAME_DATA_MASTERING_DISPLAY_METADATA);
    result.light = side_data<AVContentLightMetadata>(*first, AV_FRAME_DATA_CONTENT_LIGHT_LEVEL);
    result.interlaced = result.interlaced || (p.field_order == AV_FIELD_UNKNOWN && first->interlaced_frame != 0);
  }
  if (!is_known(result.sample_aspect))
    result.sample_aspect = {0, 1};
  if (!is_known(result.frame_rate))
    result.frame_rate = {0, 1};
  result.pixel_format = without_j(result.pixel_format, result.range);
  return result;
}

audio_format audio_format_of(const track& source, const AVFrame* first) {
  auto& p = *source.parameters;
  audio_format result;
  result.sample_format = static_cast<AVSampleFormat>(p.format);
  result.sample_rate = p.sample_rate;
  result.layout = plain_layout(p.ch_layout);
  if (first != nullptr) {
    result.sample_format =
      first_known(result.sample_format, static_cast<AVSampleFormat>(first->format), AV_SAMPLE_FMT_NONE);
    result.sample_rate = first_known(result.sample_rate, first->sample_rate, 0);
    if (result.layout.nb_channels <= 0)
      result.layout = plain_layout(first->ch_layout);
  }
  return result;
}

video_format turned(video_format x, orientation by) noexcept {
  if (by.swaps_sides()) {
    std::swap(x.width, x.height);
    if (is_known(x.sample_aspect))
      x.sample_aspect = av_inv_q(x.sample_aspect);
  }
  return x;
}

bool has_alpha(AVPixelFormat format) noexcept {
  const auto* x = av_pix_fmt_desc_get(format);
  return x != nullptr && (x->flags & AV_PIX_FMT_FLAG_ALPHA) != 0;
}

AVPixelFormat pixel_layout(const AVFrame& frame) noexcept {
  if (frame.hw_frames_ctx == nullptr)
    return static_cast<AVPixelFormat>(frame.format);
  return reinterpret_cast<const AVHWFramesContext*>(frame.hw_frames_ctx->data)->sw_format;
}

bool is_complete(const video_format& x) noexcept {
  return x.width > 0 && x.height > 0 && x.pixel_format != AV_PIX_FMT_NONE;
}

bool is_complete(const audio_format& x) noexcept {
  return x.sample_format != AV_SAMPLE_FMT_NONE && x.sample_rate > 0 && x.layout.nb_channels > 0
         && x.layout.nb_channels <= channels_max;
}

AVChannelLayout plain_layout(const AVChannelLayout& layout) noexcept {
  AVChannelLayout result{};
  if (layout.order == AV_CHANNEL_ORDER_NATIVE) {
    result.order = layout.order;
    result.nb_channels = layout.nb_channels;
    result.u.mask = layout.u.mask;
  } else if (layout.nb_channels > 0) {
    av_channel_layout_default(&result, layout.nb_channels);
  }
  return result;
}

std::string to_string(const AVChannelLayout& layout) {
  char text[128] = {};
  if (av_channel_layout_describe(&layout, text, sizeof text) < 0)
    return "unknown";
  return text;
}

AVPixelFormat without_j(AVPixelFormat format, AVColorRange& range) noexcept {
  auto plain = format;
  switch (format) {
  case AV_PIX_FMT_YUVJ411P:
    plain = AV_PIX_FMT_YUV411P;
    break;
  case AV_PIX_FMT_YUVJ420P:
    plain = AV_PIX_FMT_YUV420P;
    break;
  case AV_PIX_FMT_YUVJ422P:
    plain = AV_PIX_FMT_YUV422P;
    break;
  case AV_PIX_FMT_YUVJ440P:
    plain = AV_PIX_FMT_YUV440P;
    break;
  case AV_PIX_FMT_YUVJ444P:
    plain = AV_PIX_FMT_YUV444P;
    break;
  default:
    return format;
  }
  range = AVCOL_RANGE_JPEG;
  return plain;
}

void relabel_full_range(AVFrame& frame) noexcept {
  frame.format = without_j(static_cast<AVPixelFormat>(frame.format), frame.color_range);
}

} // namespace troupe::av
