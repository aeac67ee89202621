// Throws on any failure: a test that cannot make its source is meaningless.
#include "make_stream.hpp"

#include "encoder/codec/decoder.hpp"
#include "encoder/format.hpp"
#include "encoder/log.hpp"
#include "rig/frame_code.hpp"

extern "C" {
#include <libavutil/mathematics.h>
#include <libavutil/opt.h>
}

#include <algorithm>
#include <cmath>
#include <numbers>
#include <numeric>
#include <stdexcept>

namespace troupe::av::test {

namespace {

void check(int code, const char* step) {
  if (code < 0)
    throw std::runtime_error(std::string{step} + ": " + av_text(code));
}

template <class T>
T value_or_throw(expected<T> x) {
  if (!x)
    throw std::runtime_error(x.error().what);
  return std::move(*x);
}

codec_context_ptr make_context(const std::string& name) {
  quiet_logs();
  auto* codec = avcodec_find_encoder_by_name(name.c_str());
  if (codec == nullptr)
    throw std::runtime_error("no encoder " + name);
  codec_context_ptr context{checked(avcodec_alloc_context3(codec))};
  if (name == "libx264")
    check(av_opt_set(context->priv_data, "preset", "ultrafast", 0), "preset");
  if (name == "libx265") {
    check(av_opt_set(context->priv_data, "preset", "ultrafast", 0), "preset");
    check(av_opt_set(context->priv_data, "x265-params", "log-level=none", 0), "log-level");
  }
  return context;
}

/// Sends a frame or the end, and keeps what comes out.
void encode(AVCodecContext& context, const AVFrame* frame, std::vector<packet_ptr>& packets) {
  check(avcodec_send_frame(&context, frame), "encode a source");
  for (;;) {
    auto packet = make_packet();
    auto code = avcodec_receive_packet(&context, packet.get());
    if (code == AVERROR(EAGAIN) || code == AVERROR_EOF)
      return;
    check(code, "encode a source");
    packets.push_back(std::move(packet));
  }
}

stream finish(AVCodecContext& context, std::vector<packet_ptr> packets, AVRational frame_rate) {
  stream result;
  result.info.parameters = make_codec_parameters();
  check(avcodec_parameters_from_context(result.info.parameters.get(), &context), "describe a source");
  result.info.frame_rate = frame_rate;
  result.packets = std::move(packets);
  return result;
}

frame_ptr draw(const video_source& source, int n) {
  auto frame = make_frame();
  frame->width = source.width;
  frame->height = source.height;
  frame->format = AV_PIX_FMT_YUV420P;
  check(av_frame_get_buffer(frame.get(), 0), "allocate a picture");
  for (auto y = 0; y < source.height; ++y)
    for (auto x = 0; x < source.width; ++x)
      frame->data[0][y * frame->linesize[0] + x] = static_cast<uint8_t>(64 + (x + y + 3 * n) % 128);
  for (auto plane : {1, 2})
    for (auto y = 0; y < source.height / 2; ++y)
      for (auto x = 0; x < source.width / 2; ++x)
        frame->data[plane][y * frame->linesize[plane] + x] = static_cast<uint8_t>(96 + (x + plane * n) % 64);
  bench::draw_frame_code(*frame, source.first_number + static_cast<uint32_t>(n));
  return frame;
}

} // namespace

stream make_video(const video_source& source) {
  auto context = make_context(source.encoder);
  context->width = source.width;
  context->height = source.height;
  context->pix_fmt = source.pixel_format;
  context->time_base = av_inv_q(source.frame_rate);
  context->framerate = source.frame_rate;
  context->gop_size = source.gop;
  context->max_b_frames = source.b_frames;
  context->sample_aspect_ratio = source.sample_aspect;
  context->thread_count = 1;
  if (source.encoder == "mpeg2video")
    context->bit_rate = 4'000'000;
  if (source.global_header)
    context->flags |= AV_CODEC_FLAG_GLOBAL_HEADER;
  if (source.interlaced) {
    context->flags |= AV_CODEC_FLAG_INTERLACED_DCT | AV_CODEC_FLAG_INTERLACED_ME;
    context->field_order = AV_FIELD_TT;
  }
  if (source.bt2020) {
    context->color_primaries = AVCOL_PRI_BT2020;
    context->color_trc = AVCOL_TRC_SMPTE2084;
    context->colorspace = AVCOL_SPC_BT2020_NCL;
    context->color_range = AVCOL_RANGE_MPEG;
  }
  for (const auto& [name, value] : source.options)
    check(av_opt_set(context.get(), name.c_str(), value.c_str(), AV_OPT_SEARCH_CHILDREN), name.c_str());
  check(avcodec_open2(context.get(), nullptr, nullptr), "open a source's encoder");
  std::vector<packet_ptr> packets;
  for (auto n = 0; n < source.frames; ++n) {
    auto frame = draw(source, n);
    frame->pts = n;
    frame->interlaced_frame = source.interlaced ? 1 : 0;
    frame->top_field_first = frame->interlaced_frame;
    encode(*context, frame.get(), packets);
  }
  encode(*context, nullptr, packets);
  for (auto& packet : packets) {
    packet->pts = source.first_pts + av_rescale_q(packet->pts, context->time_base, time_base);
    packet->dts = source.first_pts + av_rescale_q(packet->dts, context->time_base, time_base);
    packet->duration = av_rescale_q(1, context->time_base, time_base);
  }
  return finish(*context, std::move(packets), source.frame_rate);
}

stream make_audio(const audio_source& source) {
  auto context = make_context(source.encoder);
  context->sample_rate = source.sample_rate;
  context->sample_fmt = context->codec->sample_fmts[0];
  context->bit_rate = source.bit_rate;
  context->time_base = {1, source.sample_rate};
  av_channel_layout_default(&context->ch_layout, source.channels);
  if (source.global_header)
    context->flags |= AV_CODEC_FLAG_GLOBAL_HEADER;
  check(avcodec_open2(context.get(), nullptr, nullptr), "open a source's encoder");
  auto size = context->frame_size > 0 ? context->frame_size : 1024;
  std::vector<packet_ptr> packets;
  auto phase = 0.0;
  for (int64_t at = 0; at + size <= source.samples; at += size) {
    auto frame = make_frame();
    frame->nb_samples = size;
    frame->format = context->sample_fmt;
    frame->sample_rate = source.sample_rate;
    check(av_channel_layout_copy(&frame->ch_layout, &context->ch_layout), "allocate sound");
    check(av_frame_get_buffer(frame.get(), 0), "allocate sound");
    auto planar = av_sample_fmt_is_planar(context->sample_fmt) != 0;
    for (auto i = 0; i < size; ++i) {
      phase += 2 * std::numbers::pi * (300 + 0.01 * static_cast<double>(at + i)) / source.sample_rate;
      auto x = 0.4 * std::sin(phase);
      for (auto channel = 0; channel < source.channels; ++channel) {
        auto* plane = frame->extended_data[planar ? channel : 0];
        auto place = planar ? i : i * source.channels + channel;
        if (av_get_packed_sample_fmt(context->sample_fmt) == AV_SAMPLE_FMT_FLT)
          reinterpret_cast<float*>(plane)[place] = static_cast<float>(x);
        else if (av_get_packed_sample_fmt(context->sample_fmt) == AV_SAMPLE_FMT_S16)
          reinterpret_cast<int16_t*>(plane)[place] = static_cast<int16_t>(std::lround(x * 32'767));
        else
          throw std::runtime_error("no tone in this sample format");
      }
    }
    frame->pts = at;
    encode(*context, frame.get(), packets);
  }
  encode(*context, nullptr, packets);
  auto ticks = [&](int64_t sample) {
    return av_rescale_q(source.first_sample + sample, AVRational{1, source.sample_rate}, time_base);
  };
  for (auto& packet : packets) {
    auto end = ticks(packet->pts + size);
    packet->pts = packet->dts = ticks(packet->pts);
    packet->duration = end - packet->pts;
  }
  return finish(*context, std::move(packets), {0, 1});
}

std::vector<packet_ptr> interleave(const std::vector<stream>& streams) {
  std::vector<packet_ptr> packets;
  for (size_t i = 0; i < streams.size(); ++i)
    for (const auto& packet : streams[i].packets) {
      packets.emplace_back(checked(av_packet_clone(packet.get())));
      packets.back()->stream_index = static_cast<int>(i);
    }
  std::stable_sort(packets.begin(), packets.end(), [](const auto& x, const auto& y) { return x->dts < y->dts; });
  return packets;
}

std::vector<track> tracks_of(const std::vector<stream>& streams) {
  std::vector<track> tracks;
  for (const auto& x : streams)
    tracks.push_back(x.info.clone());
  return tracks;
}

void result::on_format(const std::vector<track>& formats) {
  ++formats_announced;
  tracks = clone(formats);
}

void result::on_packet(AVPacket& packet) {
  auto kept = make_packet();
  av_packet_move_ref(kept.get(), &packet);
  packets.push_back(std::move(kept));
}

std::vector<const AVPacket*> result::of(int output) const {
  std::vector<const AVPacket*> found;
  for (const auto& x : packets)
    if (x->stream_index == output)
      found.push_back(x.get());
  return found;
}

stream join(stream first, stream second) {
  for (auto& packet : second.packets)
    first.packets.push_back(std::move(packet));
  return first;
}

std::vector<time_window> windows_of(const source& from, time_window window) {
  return std::vector<time_window>(from.tracks.size(), window);
}

std::vector<const AVPacket*> feed_for(const source& from, int64_t preroll_from) {
  auto is_video = [&from](const AVPacket& x) {
    return from.tracks[static_cast<size_t>(x.stream_index)].parameters->codec_type == AVMEDIA_TYPE_VIDEO;
  };
  size_t join_point = 0;
  for (size_t i = 0; i < from.packets.size(); ++i) {
    auto& x = *from.packets[i];
    if (is_video(x) && (x.flags & AV_PKT_FLAG_KEY) != 0 && x.pts <= preroll_from)
      join_point = i;
  }
  std::vector<const AVPacket*> result;
  for (size_t i = 0; i < from.packets.size(); ++i) {
    auto& x = *from.packets[i];
    if (is_video(x) ? i >= join_point : x.pts >= preroll_from)
      result.push_back(&x);
  }
  return result;
}

result run(const source& from, const std::vector<track_plan>& plan, time_window window) {
  result made;
  auto work = value_or_throw(transcode::open(from.tracks, plan, windows_of(from, window), made));
  for (auto* x : feed_for(from, work.preroll_from())) {
    if (work.complete())
      break;
    if (auto sent = work.send(*x); !sent)
      throw std::runtime_error(sent.error().what);
  }
  if (auto finished = work.finish(); !finished)
    throw std::runtime_error(finished.error().what);
  made.counters = work.counters();
  return made;
}

error refusal(const source& from, const std::vector<track_plan>& plan) {
  result made;
  auto work = transcode::open(from.tracks, plan, {}, made);
  if (!work)
    return work.error();
  for (const auto& packet : from.packets)
    if (auto sent = work->send(*packet); !sent)
      return sent.error();
  if (auto finished = work->finish(); !finished)
    return finished.error();
  throw std::runtime_error("nothing was refused");
}

std::vector<picture> show(const track& info, const std::vector<const AVPacket*>& packets) {
  std::vector<picture> pictures;
  auto decode = value_or_throw(decoder::open(info, {1, false}));
  auto keep = [&](AVFrame& x) -> expected<void> {
    auto top = std::accumulate(x.data[0], x.data[0] + x.width, 0.0) / x.width;
    auto has = [&x](AVFrameSideDataType type) { return av_frame_get_side_data(&x, type) != nullptr; };
    auto hdr = has(AV_FRAME_DATA_MASTERING_DISPLAY_METADATA) && has(AV_FRAME_DATA_CONTENT_LIGHT_LEVEL);
    pictures.push_back({x.pts, bench::read_frame_code(x), x.width, x.height, x.interlaced_frame != 0,
                        static_cast<AVPixelFormat>(x.format), hdr, top});
    return {};
  };
  for (auto* packet : packets)
    if (auto decoded = decode.decode(*packet, keep); !decoded)
      throw std::runtime_error(decoded.error().what);
  if (auto drained = decode.drain(keep); !drained)
    throw std::runtime_error(drained.error().what);
  if (decode.corrupt() != 0)
    throw std::runtime_error("a viewer meets " + std::to_string(decode.corrupt()) + " decode errors");
  return pictures;
}

sound play(const track& info, const std::vector<const AVPacket*>& packets) {
  sound heard;
  auto decode = value_or_throw(decoder::open(info, {}));
  auto keep = [&](AVFrame& x) -> expected<void> {
    if (heard.sample_rate == 0) {
      heard.sample_rate = x.sample_rate;
      heard.first_sample = av_rescale_q(x.pts, time_base, AVRational{1, x.sample_rate});
    }
    // A listener hears a gap as silence.
    auto at = av_rescale_q(x.pts, time_base, AVRational{1, x.sample_rate}) - heard.first_sample;
    if (at > static_cast<int64_t>(heard.samples.size()) + 2)
      heard.samples.resize(static_cast<size_t>(at));
    auto planar = av_sample_fmt_is_planar(static_cast<AVSampleFormat>(x.format)) != 0;
    auto step = planar ? 1 : x.ch_layout.nb_channels;
    auto packed = av_get_packed_sample_fmt(static_cast<AVSampleFormat>(x.format));
    for (auto i = 0; i < x.nb_samples; ++i)
      heard.samples.push_back(packed == AV_SAMPLE_FMT_FLT
                                ? reinterpret_cast<const float*>(x.extended_data[0])[i * step]
                                : static_cast<float>(reinterpret_cast<const int16_t*>(x.extended_data[0])[i * step])
                                    / 32'768);
    return {};
  };
  for (auto* packet : packets)
    if (auto decoded = decode.decode(*packet, keep); !decoded)
      throw std::runtime_error(decoded.error().what);
  if (auto drained = decode.drain(keep); !drained)
    throw std::runtime_error(drained.error().what);
  return heard;
}

} // namespace troupe::av::test
