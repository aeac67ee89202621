#include "actors/live/media.hpp"

#include "core/plan.hpp"
#include "encoder/container.hpp"
#include "encoder/source/demuxer.hpp"
#include "encoder/codec/encoder_ladder.hpp"

extern "C" {
#include <libavutil/channel_layout.h>
#include <libavutil/mem.h>
#include <libavutil/pixdesc.h>
#include <libavutil/samplefmt.h>
}

#include <algorithm>
#include <cstring>

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

constexpr int64_t audio_mark_interval = ticks_per_second / 2;

/// The codec of a codec's or an encoder's name, also of an encoder that is not here ("av1_nvenc"); none where the name says nothing.
AVCodecID codec_of(const std::string& name) {
  if (auto* x = avcodec_find_encoder_by_name(name.c_str()); x != nullptr)
    return x->id;
  for (auto& part : {name, name.substr(0, name.find('_'))})
    if (auto* x = avcodec_descriptor_get_by_name(part.c_str()); x != nullptr)
      return x->id;
  return AV_CODEC_ID_NONE;
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

av::expected<av::video_settings> to_settings(const video_profile& x) {
  av::video_settings s;
  s.encoder = x.codec;
  s.width = x.width;
  s.height = x.height;
  if (x.fit == "pad")
    s.fit = av::fit::pad;
  else if (x.fit == "stretch")
    s.fit = av::fit::stretch;
  else if (x.fit != "inside")
    return av::fail(av::errc::option, "fit is " + x.fit + "; allowed are inside, pad, stretch");
  s.frame_rate = from(x.frame_rate);
  s.pixel_format = x.pixel_format;
  if (x.deinterlace == "field")
    s.deinterlacing = av::deinterlace::field_rate;
  else if (x.deinterlace == "off")
    s.deinterlacing = av::deinterlace::off;
  else if (x.deinterlace != "auto")
    return av::fail(av::errc::option, "deinterlace is " + x.deinterlace + "; allowed are auto, field, off");
  s.bit_rate = x.bit_rate;
  s.max_bit_rate = x.max_bit_rate;
  s.crf = x.crf;
  s.preset = x.preset;
  s.tune = x.tune;
  s.profile = x.profile;
  s.level = x.level;
  s.keyframe_interval = x.keyframe_interval;
  s.b_frames = x.b_frames;
  s.options = x.options;
  return s;
}

av::audio_settings to_settings(const audio_profile& x) {
  av::audio_settings s;
  s.encoder = x.codec;
  s.bit_rate = x.bit_rate;
  s.sample_rate = x.sample_rate;
  s.channel_layout = x.channel_layout;
  s.options = x.options;
  return s;
}

av::expected<av::video_settings> to_settings(const video_profile& x, const encoder_seat& seat,
                                             std::vector<std::string>* left_out) {
  auto settings = to_settings(x);
  if (!settings || seat.encoder.empty())
    return settings;
  auto translated = av::translate_settings(*settings, seat.encoder);
  if (!translated)
    return tl::unexpected{translated.error()};
  if (left_out != nullptr)
    left_out->insert(left_out->end(), translated->left_out.begin(), translated->left_out.end());
  translated->settings.device = seat.device;
  // The card that encodes decodes, too, what it can: pictures then need not leave it.
  if (seat.decodes)
    translated->settings.decode_device = seat.device;
  return std::move(translated->settings);
}

av::expected<std::vector<av::track_plan>> to_plan(const stream_format& source, const profile& target,
                                                  const encoder_seat& seat, std::vector<std::string>* left_out) {
  auto plan = core::plan_variant(source, target, transport_holds);
  auto made = core::encoding_of(target);
  std::vector<av::track_plan> result;
  for (size_t i = 0; i < source.tracks.size(); ++i) {
    if (plan.actions[i] == core::track_action::drop) {
      result.emplace_back(av::drop_track{});
    } else if (plan.actions[i] == core::track_action::copy) {
      result.emplace_back(av::copy_track{});
    } else if (source.tracks[i].kind == track_kind::video) {
      auto s = to_settings(made.video, seat, left_out);
      if (!s)
        return tl::unexpected{s.error()};
      s->low_delay = true;
      result.emplace_back(std::move(*s));
    } else {
      result.emplace_back(to_settings(made.audio));
    }
  }
  return result;
}

bool transport_holds(const std::string& codec) {
  auto* x = avcodec_descriptor_get_by_name(codec.c_str());
  return x != nullptr && av::holds(av::container::mpegts, x->id);
}

std::string misfit(const profile& x) {
  for (auto& codec : {x.video.codec, x.audio.codec}) {
    auto id = codec == "copy" || codec == "none" ? AV_CODEC_ID_NONE : codec_of(codec);
    if (id != AV_CODEC_ID_NONE && !av::holds(av::container::mpegts, id))
      return "channels cannot be watched in the profile " + x.name + ": MPEG-TS does not carry " + avcodec_get_name(id)
             + "; file jobs can use it";
  }
  return {};
}

void block_builder::set_tracks(const std::vector<av::track>& tracks) {
  video_.clear();
  for (auto& t : tracks)
    video_.push_back(t.parameters->codec_type == AVMEDIA_TYPE_VIDEO);
  has_video_ = std::find(video_.begin(), video_.end(), true) != video_.end();
}

void block_builder::add(const AVPacket& packet) {
  auto track = static_cast<size_t>(packet.stream_index);
  auto key = (packet.flags & AV_PKT_FLAG_KEY) != 0;
  auto joinable = key && track < video_.size() && video_[track];
  auto due = marked_pts_ == no_timestamp || packet.pts - marked_pts_ >= audio_mark_interval;
  if (!has_video_ && key && due) {
    joinable = true;
    marked_pts_ = packet.pts;
  }
  auto closed = (packet.flags & av::packet_flag_closed) != 0;
  auto opens = !closed && !samples_.empty() && (samples_.back().flags & sample::closed) != 0;
  if (joinable || opens || bytes_.size() + static_cast<size_t>(packet.size) > bytes_max)
    flush();
  sample s;
  s.track = static_cast<uint16_t>(packet.stream_index);
  s.flags = static_cast<uint8_t>((joinable ? sample::random_access : 0) | (key ? sample::key : 0)
                                 | (closed ? sample::closed : 0));
  if ((packet.flags & av::packet_flag_discontinuity) != 0)
    s.flags |= sample::discontinuity;
  if ((packet.flags & AV_PKT_FLAG_DISCARD) != 0)
    s.flags |= sample::hidden;
  if ((packet.flags & av::packet_flag_continues) != 0)
    s.flags |= sample::continues;
  s.pts = packet.pts == av::no_pts ? no_timestamp : packet.pts;
  s.dts = packet.dts == av::no_pts ? no_timestamp : packet.dts;
  s.duration = static_cast<uint32_t>(std::max<int64_t>(0, packet.duration));
  s.size = static_cast<uint32_t>(packet.size);
  samples_.push_back(s);
  auto data = reinterpret_cast<const std::byte*>(packet.data);
  bytes_.insert(bytes_.end(), data, data + packet.size);
}

void block_builder::flush() {
  if (samples_.empty())
    return;
  sample_block block;
  block.samples.swap(samples_);
  block.bytes = shared_bytes{std::move(bytes_)};
  bytes_ = {};
  out_(std::move(block));
}

} // namespace troupe
