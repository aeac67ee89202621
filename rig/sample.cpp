// Two streams, each with a source, an encoder and a clock; the one that is behind makes its next frame.
#include "rig/sample.hpp"

#include "encoder/format_ptr.hpp"
#include "rig/frame_code.hpp"
#include "rig/tone.hpp"

extern "C" {
#include <libavutil/channel_layout.h>
}

#include <algorithm>
#include <cmath>
#include <memory>

namespace troupe::bench {

namespace {

using av::errc;
using av::fail;

/// An encoder and its stream in the output.
struct coder {
  av::codec_context_ptr context;
  AVStream* stream = nullptr;

  /// Null flushes.
  av::expected<void> encode(AVFormatContext& output, const AVFrame* frame) const {
    auto packet = av::make_packet();
    if (auto code = avcodec_send_frame(context.get(), frame); code < 0)
      return fail(errc::encoder, "encode a sample frame", code);
    for (;;) {
      auto code = avcodec_receive_packet(context.get(), packet.get());
      if (code == AVERROR(EAGAIN) || code == AVERROR_EOF)
        return {};
      if (code < 0)
        return fail(errc::encoder, "encode a sample frame", code);
      packet->stream_index = stream->index;
      if (packet->duration == 0 && context->codec_type == AVMEDIA_TYPE_VIDEO)
        packet->duration = 1;
      av_packet_rescale_ts(packet.get(), context->time_base, stream->time_base);
      if (code = av_interleaved_write_frame(&output, packet.get()); code < 0)
        return fail(errc::io, "write a sample packet", code);
    }
  }
};

/// Opens the encoder with its options, all of which it must support, and adds its stream.
av::expected<void> open_coder(coder& self, const AVCodec* codec, AVDictionary* given, AVFormatContext& output) {
  if ((output.oformat->flags & AVFMT_GLOBALHEADER) != 0)
    self.context->flags |= AV_CODEC_FLAG_GLOBAL_HEADER;
  // Encoders log their statistics at level info; only their errors matter here.
  self.context->log_level_offset = AV_LOG_INFO - AV_LOG_ERROR;
  auto code = avcodec_open2(self.context.get(), codec, &given);
  std::string unknown;
  if (auto* entry = av_dict_get(given, "", nullptr, AV_DICT_IGNORE_SUFFIX))
    unknown = entry->key;
  av_dict_free(&given);
  if (code < 0)
    return fail(errc::unsupported, "open the encoder " + std::string{codec->name}, code);
  if (!unknown.empty())
    return fail(errc::option, "open the encoder " + std::string{codec->name} + ": it has no option " + unknown);
  self.stream = avformat_new_stream(&output, nullptr);
  if (self.stream == nullptr)
    return fail(errc::io, "add a stream to the sample", AVERROR(ENOMEM));
  self.stream->time_base = self.context->time_base;
  self.stream->avg_frame_rate = self.context->framerate;
  self.stream->sample_aspect_ratio = self.context->sample_aspect_ratio;
  code = avcodec_parameters_from_context(self.stream->codecpar, self.context.get());
  if (code < 0)
    return fail(errc::encoder, "describe the sample's stream", code);
  return {};
}

AVDictionary* video_dictionary(const std::string& encoder, const sample_options& options) {
  AVDictionary* result = nullptr;
  if (encoder == "libx264" || encoder == "libx265")
    av_dict_set(&result, "preset", options.video_preset.c_str(), 0);
  // x264 makes closed GOPs and x265 open ones, by default. B-frames have fixed places, not adaptive ones, so that every
  // sample has reordered frames.
  if (encoder == "libx264") {
    av_dict_set(&result, "sc_threshold", "0", 0);
    av_dict_set(&result, "b_strategy", "0", 0);
  }
  if (encoder == "libx265")
    av_dict_set(&result, "x265-params", "scenecut=0:b-adapt=0:log-level=error", 0);
  if (encoder == "libsvtav1")
    av_dict_set(&result, "preset", "10", 0);
  return result;
}

av::expected<coder> open_video(const sample_options& options, AVFormatContext& output) {
  auto* codec = avcodec_find_encoder_by_name(options.video_encoder.c_str());
  if (codec == nullptr || codec->type != AVMEDIA_TYPE_VIDEO)
    return fail(errc::unsupported, "find the video encoder " + options.video_encoder + ": libavcodec has none");
  coder result{av::codec_context_ptr{av::checked(avcodec_alloc_context3(codec))}};
  auto& context = *result.context;
  context.width = options.width;
  context.height = options.height;
  context.pix_fmt = AV_PIX_FMT_YUV420P;
  context.sample_aspect_ratio = options.sample_aspect;
  context.framerate = options.frame_rate;
  context.time_base = av_inv_q(options.frame_rate);
  context.gop_size = options.gop_frames > 0 ? options.gop_frames : frames_per_marker(options.frame_rate);
  if (options.video_encoder != "libsvtav1")
    context.max_b_frames = options.b_frames;
  auto pixels_per_second = options.width * options.height * av_q2d(options.frame_rate);
  // A tenth of a bit per pixel is typical for H.264 broadcasts; MPEG-2 needs three times that.
  auto bits_per_pixel = codec->id == AV_CODEC_ID_MPEG2VIDEO ? 0.3 : 0.1;
  context.bit_rate =
    options.video_bit_rate > 0 ? options.video_bit_rate : static_cast<int64_t>(bits_per_pixel * pixels_per_second);
  context.color_range = AVCOL_RANGE_MPEG;
  auto high = options.height >= 720;
  context.colorspace = high ? AVCOL_SPC_BT709 : AVCOL_SPC_SMPTE170M;
  context.color_primaries = high ? AVCOL_PRI_BT709 : AVCOL_PRI_SMPTE170M;
  context.color_trc = high ? AVCOL_TRC_BT709 : AVCOL_TRC_SMPTE170M;
  if (codec->id == AV_CODEC_ID_MPEG2VIDEO) {
    context.rc_max_rate = context.bit_rate * 3 / 2;
    context.rc_buffer_size = static_cast<int>(std::min<int64_t>(context.bit_rate, 9'000'000));
  }
  if (options.picture.interlaced) {
    context.flags |= AV_CODEC_FLAG_INTERLACED_DCT | AV_CODEC_FLAG_INTERLACED_ME;
    context.field_order = AV_FIELD_TT;
  }
  if (auto opened = open_coder(result, codec, video_dictionary(options.video_encoder, options), output); !opened)
    return tl::unexpected{opened.error()};
  return result;
}

av::expected<coder> open_audio(const sample_options& options, AVFormatContext& output) {
  auto* codec = avcodec_find_encoder_by_name(options.audio_encoder.c_str());
  if (codec == nullptr || codec->type != AVMEDIA_TYPE_AUDIO || codec->sample_fmts == nullptr)
    return fail(errc::unsupported, "find the audio encoder " + options.audio_encoder + ": libavcodec has none");
  coder result{av::codec_context_ptr{av::checked(avcodec_alloc_context3(codec))}};
  auto& context = *result.context;
  context.sample_rate = options.sample_rate;
  context.sample_fmt = codec->sample_fmts[0];
  context.time_base = AVRational{1, options.sample_rate};
  context.bit_rate = options.audio_bit_rate;
  av_channel_layout_default(&context.ch_layout, 2);
  if (auto opened = open_coder(result, codec, nullptr, output); !opened)
    return tl::unexpected{opened.error()};
  return result;
}

class picture_track {
public:
  static av::expected<picture_track> open(const sample_options& options, AVFormatContext& output) {
    auto opened = open_video(options, output);
    if (!opened)
      return tl::unexpected{opened.error()};
    return picture_track{options, std::move(*opened)};
  }

  double next_seconds() const {
    return place_ / av_q2d(options_->frame_rate);
  }

  bool done() const {
    return place_ >= frame_count(*options_);
  }

  av::expected<void> make(AVFormatContext& output) {
    auto place = place_++;
    auto number = options_->picture_at ? options_->picture_at(place) : std::optional{place};
    if (!number)
      return {};
    // The encoder may still hold the last frame's planes.
    av_frame_unref(frame_.get());
    frame_->format = AV_PIX_FMT_YUV420P;
    frame_->width = options_->width;
    frame_->height = options_->height;
    if (auto code = av_frame_get_buffer(frame_.get(), 0); code < 0)
      return fail(errc::limit, "allocate a sample frame", code);
    source_.draw(*frame_, *number);
    frame_->pts = place;
    frame_->sample_aspect_ratio = options_->sample_aspect;
    frame_->interlaced_frame = options_->picture.interlaced ? 1 : 0;
    frame_->top_field_first = frame_->interlaced_frame;
    return coder_.encode(output, frame_.get());
  }

  av::expected<void> finish(AVFormatContext& output) const {
    return coder_.encode(output, nullptr);
  }

private:
  picture_track(const sample_options& options, coder opened)
    : options_(&options), coder_(std::move(opened)), source_(options.width, options.height, options.picture) {}

  const sample_options* options_;
  coder coder_;
  picture_source source_;
  av::frame_ptr frame_ = av::make_frame();
  uint32_t place_ = 0;
};

class sound_track {
public:
  static av::expected<sound_track> open(const sample_options& options, AVFormatContext& output) {
    auto opened = open_audio(options, output);
    if (!opened)
      return tl::unexpected{opened.error()};
    sound_track result{options, std::move(*opened)};
    auto& context = *result.coder_.context;
    SwrContext* resampler = nullptr;
    auto code = swr_alloc_set_opts2(&resampler, &context.ch_layout, context.sample_fmt, context.sample_rate,
                                    &context.ch_layout, AV_SAMPLE_FMT_FLTP, context.sample_rate, 0, nullptr);
    result.resampler_.reset(resampler);
    if (code >= 0)
      code = swr_init(resampler);
    if (code < 0)
      return fail(errc::unsupported, "convert the sample's sound for " + options.audio_encoder, code);
    return result;
  }

  double next_seconds() const {
    return static_cast<double>(position_) / options_->sample_rate;
  }

  /// A last frame that ends after the picture would make a looped sample drift.
  bool done() const {
    auto end = frame_count(*options_) * options_->sample_rate / av_q2d(options_->frame_rate);
    return static_cast<double>(position_ + frame_size_) > end + 0.5;
  }

  av::expected<void> make(AVFormatContext& output) {
    std::vector<float> left(static_cast<size_t>(frame_size_));
    std::vector<float> right(left.size());
    source_.fill(left, right);
    av_frame_unref(frame_.get());
    auto& context = *coder_.context;
    frame_->format = context.sample_fmt;
    frame_->sample_rate = context.sample_rate;
    frame_->nb_samples = frame_size_;
    auto code = av_channel_layout_copy(&frame_->ch_layout, &context.ch_layout);
    if (code >= 0)
      code = av_frame_get_buffer(frame_.get(), 0);
    if (code >= 0) {
      const uint8_t* planes[] = {reinterpret_cast<uint8_t*>(left.data()), reinterpret_cast<uint8_t*>(right.data())};
      code = swr_convert(resampler_.get(), frame_->extended_data, frame_size_, planes, frame_size_);
    }
    if (code < 0)
      return fail(errc::limit, "make the sample's sound", code);
    frame_->pts = position_ + std::llround(options_->audio_shift_seconds * options_->sample_rate);
    position_ += frame_size_;
    return coder_.encode(output, frame_.get());
  }

  av::expected<void> finish(AVFormatContext& output) const {
    return coder_.encode(output, nullptr);
  }

private:
  sound_track(const sample_options& options, coder opened)
    : options_(&options),
      coder_(std::move(opened)),
      source_(options.sample_rate, options.frame_rate),
      frame_size_(coder_.context->frame_size > 0 ? coder_.context->frame_size : 1024) {}

  const sample_options* options_;
  coder coder_;
  tone_source source_;
  av::resampler_ptr resampler_;
  av::frame_ptr frame_ = av::make_frame();
  int frame_size_;
  int64_t position_ = 0;
};

av::expected<void> check(const sample_options& options) {
  if (options.width < frame_code_width_min || options.height < frame_code_height_min || options.width > 7680
      || options.height > 4320 || options.width % 2 != 0 || options.height % 2 != 0)
    return fail(errc::option, "make a sample of " + std::to_string(options.width) + "x" + std::to_string(options.height)
                                + ": give even sizes from " + std::to_string(frame_code_width_min) + "x"
                                + std::to_string(frame_code_height_min) + " to 7680x4320");
  auto rate = options.frame_rate.den > 0 ? av_q2d(options.frame_rate) : 0;
  if (!(rate >= 1 && rate <= 240))
    return fail(errc::option, "make a sample: give a frame rate from 1 to 240");
  if (!(options.seconds > 0 && options.seconds <= 86'400))
    return fail(errc::option, "make a sample: give a length from above 0 to 86400 seconds");
  if (options.sample_rate < 8'000 || options.sample_rate > 192'000)
    return fail(errc::option, "make a sample: give a sample rate from 8000 to 192000 Hz");
  if (!(std::abs(options.audio_shift_seconds) <= 60))
    return fail(errc::option, "make a sample: give an audio shift of at most 60 seconds");
  if (options.video_encoder.empty() && options.audio_encoder.empty())
    return fail(errc::option, "make a sample: name a video or an audio encoder");
  return {};
}

av::expected<void> make_all(AVFormatContext& output, std::optional<picture_track>& picture,
                            std::optional<sound_track>& sound) {
  for (;;) {
    auto more_picture = picture && !picture->done();
    auto more_sound = sound && !sound->done();
    if (!more_picture && !more_sound)
      break;
    auto picture_next = more_picture && (!more_sound || picture->next_seconds() <= sound->next_seconds());
    if (auto made = picture_next ? picture->make(output) : sound->make(output); !made)
      return made;
  }
  if (picture) {
    if (auto flushed = picture->finish(output); !flushed)
      return flushed;
  }
  return sound ? sound->finish(output) : av::expected<void>{};
}

} // namespace

uint32_t frame_count(const sample_options& options) {
  auto interval = frames_per_marker(options.frame_rate);
  auto frames = options.seconds * av_q2d(options.frame_rate);
  // The tolerance keeps 10 seconds at 30000/1001 fps (299.7 frames) and 10.01 seconds (300 frames) at 300.
  return static_cast<uint32_t>(std::max(1.0, std::ceil(frames / interval - 1e-6))) * static_cast<uint32_t>(interval);
}

av::expected<void> write_sample(const std::string& path, const sample_options& options) {
  if (auto checked = check(options); !checked)
    return checked;
  av::output_context_ptr output;
  if (auto code = av::make_output(output, nullptr, path); code < 0)
    return fail(errc::option, "choose a container by the extension of " + path, code);
  std::optional<picture_track> picture;
  std::optional<sound_track> sound;
  if (!options.video_encoder.empty()) {
    auto opened = picture_track::open(options, *output);
    if (!opened)
      return tl::unexpected{opened.error()};
    picture.emplace(std::move(*opened));
  }
  if (!options.audio_encoder.empty()) {
    auto opened = sound_track::open(options, *output);
    if (!opened)
      return tl::unexpected{opened.error()};
    sound.emplace(std::move(*opened));
  }
  if ((output->oformat->flags & AVFMT_NOFILE) == 0) {
    if (auto code = av::open_file(*output); code < 0)
      return fail(errc::io, "create " + path, code);
  }
  output->output_ts_offset = static_cast<int64_t>(options.begin_seconds * AV_TIME_BASE);
  if (auto code = avformat_write_header(output.get(), nullptr); code < 0)
    return fail(errc::unsupported, "write the header of " + path, code);
  if (auto made = make_all(*output, picture, sound); !made)
    return made;
  if (auto code = av_write_trailer(output.get()); code < 0)
    return fail(errc::io, "finish " + path, code);
  if (output->pb != nullptr && (output->oformat->flags & AVFMT_NOFILE) == 0) {
    if (auto code = av::close_file(*output); code < 0)
      return fail(errc::io, "close " + path, code);
  }
  return {};
}

} // namespace troupe::bench
