// Makes a track from libavformat's present knowledge of the stream.
#include "encoder/source/demuxer_track.hpp"

#include "encoder/source/source_tracks.hpp"
#include "encoder/source/stream_changes.hpp"

extern "C" {
#include <libavutil/channel_layout.h>
}

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>

namespace troupe::av {

namespace {

/// True for formats that store the presentation time of every packet.
bool has_all_times(const AVInputFormat& format) {
  std::string_view name{format.name};
  return name.find("mp4") != name.npos || name.find("matroska") != name.npos || name == "flv" || name == "live_flv";
}

timeline_track describe(const AVInputFormat& format, const AVStream& stream, const track& made) {
  const auto& p = *made.parameters;
  timeline_track result;
  result.audio = p.codec_type == AVMEDIA_TYPE_AUDIO;
  result.sample_rate = p.sample_rate;
  result.rounding = std::max<int64_t>(in_ticks(1, stream.time_base) / 2 + 1, 1);
  result.frame_rate = made.frame_rate;
  result.reorder_frames = p.video_delay;
  result.picture_order_step = p.codec_id == AV_CODEC_ID_H264 ? 2 : 1;
  result.order_times = std::string_view{format.name} == "avi";
  if (stream.pts_wrap_bits > 0 && stream.pts_wrap_bits < 48)
    result.wrap = in_ticks(int64_t{1} << stream.pts_wrap_bits, stream.time_base);
  return result;
}

} // namespace

bool goes_on(const AVCodecParameters& a, const AVCodecParameters& b) {
  if (a.codec_type != b.codec_type || a.codec_id != b.codec_id)
    return false;
  auto in_band =
    a.codec_id == AV_CODEC_ID_H264 || a.codec_id == AV_CODEC_ID_HEVC || a.codec_id == AV_CODEC_ID_MPEG2VIDEO;
  auto same_extradata =
    a.extradata_size == b.extradata_size && std::equal(a.extradata, a.extradata + a.extradata_size, b.extradata);
  if (a.codec_type == AVMEDIA_TYPE_VIDEO)
    return a.width == b.width && a.height == b.height && a.format == b.format && (in_band || same_extradata);
  return a.sample_rate == b.sample_rate && av_channel_layout_compare(&a.ch_layout, &b.ch_layout) == 0 && same_extradata;
}

timeline::limits limits_for(const source_context& source, bool keep_times) {
  timeline::limits result;
  result.keep_presentation = keep_times;
  // In a format with an index, times are reliable, however long a pause is.
  if (!source.may_jump())
    result.jump = result.start_spread = 24 * 3600 * int64_t{time_base.den};
  return result;
}

expected<opened_track> open_track(AVFormatContext& format, AVStream& stream, AVRational frame_rate) {
  track made;
  track_entry entry;
  entry.is_video = stream.codecpar->codec_type == AVMEDIA_TYPE_VIDEO;
  entry.base = stream.time_base;
  entry.codec = stream.codecpar->codec_id;
  if (entry.is_video) {
    if (entry.codec == AV_CODEC_ID_MPEG4)
      entry.unpacker.emplace(*stream.codecpar);
    auto normaliser = video_normaliser::open(*stream.codecpar, stream.time_base);
    if (!normaliser)
      return tl::unexpected{std::move(normaliser.error())};
    made.parameters = copy(normaliser->parameters());
    // Transparency is stored next to the coded picture; libavformat gives the format without it.
    if (auto& layout = made.parameters->format; has_alpha(stream) && layout == AV_PIX_FMT_YUV420P)
      layout = AV_PIX_FMT_YUVA420P;
    entry.normaliser = std::move(*normaliser);
    made.frame_rate = frame_rate;
    auto rate = av_guess_frame_rate(&format, &stream, nullptr);
    if (rate.num > 0 && rate.den > 0 && av_q2d(rate) <= 1000)
      made.frame_rate = rate;
    made.turn = orientation_of(stream);
    if (auto aspect = av_guess_sample_aspect_ratio(&format, &stream, nullptr); aspect.num > 0)
      made.parameters->sample_aspect_ratio = aspect;
    made.aspect_by_container = stream.sample_aspect_ratio.num > 0;
    if (missing_pts::is_needed(*format.iformat, *stream.codecpar))
      entry.lookahead.emplace(*format.iformat, entry.codec);
    if ((entry.codec == AV_CODEC_ID_H264 || entry.codec == AV_CODEC_ID_HEVC) && !has_all_times(*format.iformat))
      entry.parser.emplace(*made.parameters);
  } else {
    made.parameters = copy(*stream.codecpar);
    entry.parser.emplace(*made.parameters);
  }
  made.language = language_in(stream.metadata);
  made.stream = stream.index;
  auto described = describe(*format.iformat, stream, made);
  entry.wrap = described.wrap;
  return opened_track{std::move(made), std::move(entry), described};
}

} // namespace troupe::av
