#include "packaging/samples.hpp"

extern "C" {
#include <libavutil/channel_layout.h>
#include <libavutil/mem.h>
#include <libavutil/pixdesc.h>
#include <libavutil/samplefmt.h>
}

#include <cstring>
#include <utility>

namespace troupe {

namespace {

std::string text(const char* x) {
  return x == nullptr ? std::string{} : std::string{x};
}

rational to_rational(AVRational x) {
  return {x.num, x.den == 0 ? 1 : x.den};
}

AVRational from(rational x) {
  return {x.num, x.den};
}

constexpr std::pair<AVFieldOrder, const char*> field_orders[] = {{AV_FIELD_PROGRESSIVE, "progressive"},
                                                                 {AV_FIELD_TT, "tt"},
                                                                 {AV_FIELD_BB, "bb"},
                                                                 {AV_FIELD_TB, "tb"},
                                                                 {AV_FIELD_BT, "bt"}};

std::string field_order_name(AVFieldOrder x) {
  for (auto [value, name] : field_orders)
    if (value == x)
      return name;
  return {};
}

AVFieldOrder field_order_from(const std::string& name) {
  for (auto [value, known] : field_orders)
    if (known == name)
      return value;
  return AV_FIELD_UNKNOWN;
}

/// libav*'s `from_name` functions return a negative error for unknown names; `unspecified` is used then.
template <class Enum>
Enum named(int value, Enum unspecified) {
  return value < 0 ? unspecified : static_cast<Enum>(value);
}

std::string layout_name(const AVCodecParameters& p) {
  char name[64] = {};
  if (p.ch_layout.nb_channels == 0 || av_channel_layout_describe(&p.ch_layout, name, sizeof(name)) < 0)
    return {};
  return name;
}

} // namespace

track_format to_format(const av::track& x) {
  auto& p = *x.parameters;
  track_format f;
  f.kind = p.codec_type == AVMEDIA_TYPE_VIDEO      ? track_kind::video
           : p.codec_type == AVMEDIA_TYPE_AUDIO    ? track_kind::audio
           : p.codec_type == AVMEDIA_TYPE_SUBTITLE ? track_kind::subtitle
                                                   : track_kind::data;
  f.codec = avcodec_get_name(p.codec_id);
  f.codec_profile = p.profile;
  f.codec_level = p.level;
  f.codec_tag = p.codec_tag;
  auto extra = reinterpret_cast<const std::byte*>(p.extradata);
  if (p.extradata_size > 0)
    f.extradata = shared_bytes{shared_bytes::container{extra, extra + p.extradata_size}};
  f.bit_rate = p.bit_rate;
  f.language = x.language;
  f.block_bytes = p.block_align;
  f.coded_bits = p.bits_per_coded_sample;
  if (f.kind == track_kind::video) {
    f.width = p.width;
    f.height = p.height;
    f.sample_aspect = to_rational(p.sample_aspect_ratio);
    f.frame_rate = to_rational(x.frame_rate);
    f.pixel_format = text(av_get_pix_fmt_name(static_cast<AVPixelFormat>(p.format)));
    f.field_order = field_order_name(p.field_order);
    f.color_range = text(av_color_range_name(p.color_range));
    f.color_primaries = text(av_color_primaries_name(p.color_primaries));
    f.color_transfer = text(av_color_transfer_name(p.color_trc));
    f.color_space = text(av_color_space_name(p.color_space));
    f.chroma_location = text(av_chroma_location_name(p.chroma_location));
    f.reorder_frames = p.video_delay;
    f.turn = x.turn.bits;
    f.aspect_by_container = x.aspect_by_container;
  } else if (f.kind == track_kind::audio) {
    f.sample_rate = p.sample_rate;
    f.channel_layout = layout_name(p);
    f.sample_format = text(av_get_sample_fmt_name(static_cast<AVSampleFormat>(p.format)));
    f.frame_size = p.frame_size;
    f.initial_padding = p.initial_padding;
  }
  return f;
}

stream_format to_format(const std::vector<av::track>& tracks) {
  stream_format result;
  for (auto& t : tracks)
    result.tracks.push_back(to_format(t));
  return result;
}

av::track to_track(const track_format& f) {
  av::track result;
  result.parameters = av::make_codec_parameters();
  result.frame_rate = from(f.frame_rate);
  result.language = f.language;
  auto& p = *result.parameters;
  auto descriptor = avcodec_descriptor_get_by_name(f.codec.c_str());
  p.codec_id = descriptor == nullptr ? AV_CODEC_ID_NONE : descriptor->id;
  p.codec_type = f.kind == track_kind::video      ? AVMEDIA_TYPE_VIDEO
                 : f.kind == track_kind::audio    ? AVMEDIA_TYPE_AUDIO
                 : f.kind == track_kind::subtitle ? AVMEDIA_TYPE_SUBTITLE
                                                  : AVMEDIA_TYPE_DATA;
  p.profile = f.codec_profile;
  p.level = f.codec_level;
  p.codec_tag = f.codec_tag;
  p.bit_rate = f.bit_rate;
  p.block_align = f.block_bytes;
  p.bits_per_coded_sample = f.coded_bits;
  if (auto extra = f.extradata.span(); !extra.empty()) {
    p.extradata = static_cast<uint8_t*>(av::checked(av_mallocz(extra.size() + AV_INPUT_BUFFER_PADDING_SIZE)));
    std::memcpy(p.extradata, extra.data(), extra.size());
    p.extradata_size = static_cast<int>(extra.size());
  }
  if (f.kind == track_kind::video) {
    p.width = f.width;
    p.height = f.height;
    p.sample_aspect_ratio = from(f.sample_aspect);
    p.format = av_get_pix_fmt(f.pixel_format.c_str());
    p.field_order = field_order_from(f.field_order);
    p.color_range = named(av_color_range_from_name(f.color_range.c_str()), AVCOL_RANGE_UNSPECIFIED);
    p.color_primaries = named(av_color_primaries_from_name(f.color_primaries.c_str()), AVCOL_PRI_UNSPECIFIED);
    p.color_trc = named(av_color_transfer_from_name(f.color_transfer.c_str()), AVCOL_TRC_UNSPECIFIED);
    p.color_space = named(av_color_space_from_name(f.color_space.c_str()), AVCOL_SPC_UNSPECIFIED);
    p.chroma_location = named(av_chroma_location_from_name(f.chroma_location.c_str()), AVCHROMA_LOC_UNSPECIFIED);
    p.video_delay = f.reorder_frames;
    result.turn = {static_cast<uint8_t>(f.turn & 7)};
    result.aspect_by_container = f.aspect_by_container;
  } else if (f.kind == track_kind::audio) {
    p.sample_rate = f.sample_rate;
    p.format = av_get_sample_fmt(f.sample_format.c_str());
    p.frame_size = f.frame_size;
    p.initial_padding = f.initial_padding;
    if (!f.channel_layout.empty())
      (void)av_channel_layout_from_string(&p.ch_layout, f.channel_layout.c_str());
  }
  return result;
}

std::vector<av::track> to_tracks(const stream_format& x) {
  std::vector<av::track> result;
  for (auto& f : x.tracks)
    result.push_back(to_track(f));
  return result;
}

void borrow(AVPacket& packet, const sample& s, std::span<const std::byte> bytes) {
  av_packet_unref(&packet);
  packet.data = const_cast<uint8_t*>(reinterpret_cast<const uint8_t*>(bytes.data()));
  packet.size = static_cast<int>(bytes.size());
  packet.stream_index = s.track;
  packet.pts = s.pts == no_timestamp ? av::no_pts : s.pts;
  packet.dts = s.dts == no_timestamp ? av::no_pts : s.dts;
  packet.duration = s.duration;
  packet.time_base = av::time_base;
  packet.flags = 0;
  if ((s.flags & sample::key) != 0)
    packet.flags |= AV_PKT_FLAG_KEY;
  if ((s.flags & sample::discontinuity) != 0)
    packet.flags |= av::packet_flag_discontinuity;
  if ((s.flags & sample::hidden) != 0)
    packet.flags |= AV_PKT_FLAG_DISCARD;
}

} // namespace troupe
