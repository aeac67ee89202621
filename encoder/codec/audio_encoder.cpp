// Builds an encoder's context from the common audio settings.
#include "encoder/codec/audio_encoder.hpp"

#include "encoder/channel_layouts.hpp"

#include <algorithm>
#include <cassert>
#include <string_view>

namespace troupe::av {

namespace {

/// The frame size for encoders that take frames of any size.
constexpr int frame_size_free = 1024;

expected<int> choose_rate(const AVCodec& codec, int wanted, int source) {
  auto* list = codec.supported_samplerates;
  auto target = wanted > 0 ? wanted : source;
  if (list == nullptr)
    return target;
  auto best = 0;
  for (auto* x = list; *x != 0; ++x) {
    if (*x == target)
      return target;
    // The lowest rate above the target, otherwise the highest.
    if (best == 0 || (best < target ? *x > best : *x > target && *x < best))
      best = *x;
  }
  if (wanted > 0)
    return fail(errc::option, std::string{"the encoder "} + codec.name + " does not take " + std::to_string(wanted)
                                + " Hz; the nearest is " + std::to_string(best) + " Hz");
  return best;
}

AVSampleFormat choose_sample_format(const AVCodec& codec, AVSampleFormat source) {
  if (codec.sample_fmts == nullptr)
    return source;
  auto best = codec.sample_fmts[0];
  for (auto* x = codec.sample_fmts; *x != AV_SAMPLE_FMT_NONE; ++x) {
    if (*x == source)
      return source;
    if (av_get_packed_sample_fmt(*x) == av_get_packed_sample_fmt(source))
      return *x;
    if (av_get_bytes_per_sample(*x) > av_get_bytes_per_sample(best))
      best = *x;
  }
  return best;
}

/// The requested layout under the encoder's name for it.
expected<std::vector<AVChannelLayout>> check_layout(const AVCodec& codec, const std::string& wanted) {
  AVChannelLayout parsed{};
  if (wanted.size() > 64 || av_channel_layout_from_string(&parsed, wanted.c_str()) < 0)
    return fail(errc::option, "there is no channel layout \"" + wanted.substr(0, 64) + "\"");
  auto layout = plain_layout(parsed);
  av_channel_layout_uninit(&parsed);
  auto known = channel_layouts_of(codec);
  if (known.empty())
    return std::vector{layout};
  sort_by_loss(known, layout);
  if (change_of(layout, known.front()) != layout_change::none)
    return fail(errc::option, std::string{"the encoder "} + codec.name + " does not take the channel layout " + wanted
                                + "; the nearest is " + to_string(known.front()));
  return std::vector{known.front()};
}

/// The layouts to try, best first: an encoder may have a list, and may still refuse an unlisted layout when it opens.
expected<std::vector<AVChannelLayout>> choose_layouts(const AVCodec& codec, const std::string& wanted,
                                                      const AVChannelLayout& source) {
  if (!wanted.empty())
    return check_layout(codec, wanted);
  auto result = channel_layouts_of(codec);
  if (!result.empty()) {
    sort_by_loss(result, source);
    // FLAC can hold layouts that it has no name for, and some containers name them.
    if (codec.id == AV_CODEC_ID_FLAC && change_of(source, result.front()) == layout_change::mixed)
      result.insert(result.begin(), source);
    return result;
  }
  auto add = [&result](const AVChannelLayout& layout) {
    auto is_same = [&layout](const AVChannelLayout& x) { return av_channel_layout_compare(&x, &layout) == 0; };
    if (layout.nb_channels > 0 && std::none_of(result.begin(), result.end(), is_same))
      result.push_back(layout);
  };
  add(source);
  for (auto channels : {source.nb_channels, 6, 2, 1}) {
    AVChannelLayout layout{};
    av_channel_layout_default(&layout, channels);
    if (channels <= source.nb_channels)
      add(layout);
  }
  return result;
}

/// Sets what libavcodec leaves to its callers. Without a mapping family, Opus orders channels differently from libav*,
/// and states a wrong order. AAC's default bit rate does not depend on the number of channels.
expected<void> set_for_channels(AVCodecContext& context) {
  constexpr int64_t aac_bit_rate = 64'000; // bit/s and channel: libavcodec's default for two
  auto channels = context.ch_layout.nb_channels;
  if (std::string_view{context.codec->name} == "aac" && channels > 0)
    context.bit_rate = aac_bit_rate * channels;
  if (std::string_view{context.codec->name} == "libopus" && channels > 2)
    return set_option(context, "mapping_family", "1");
  return {};
}

} // namespace

audio_encoder::audio_encoder(codec_context_ptr context, const audio_settings& settings, const audio_format& format)
  : context_(std::move(context)), packet_(make_packet()), settings_(settings), format_(format) {
  auto any_size = (context_->codec->capabilities & AV_CODEC_CAP_VARIABLE_FRAME_SIZE) != 0;
  frame_size_ = any_size || context_->frame_size <= 0 ? frame_size_free : context_->frame_size;
}

expected<audio_encoder> audio_encoder::open(const audio_settings& settings, const audio_format& source) {
  auto codecs = find_encoders(settings.encoder, AVMEDIA_TYPE_AUDIO);
  if (!codecs)
    return tl::unexpected{std::move(codecs.error())};
  expected<audio_encoder> result = fail(errc::unsupported, "no encoder opened for " + settings.encoder);
  for (auto* codec : *codecs) {
    auto rate = choose_rate(*codec, settings.sample_rate, source.sample_rate);
    auto layouts = choose_layouts(*codec, settings.channel_layout, source.layout);
    if (!rate || !layouts)
      return tl::unexpected{!rate ? std::move(rate.error()) : std::move(layouts.error())};
    for (size_t i = 0; i < layouts->size(); ++i) {
      auto next = open(*codec, settings, {choose_sample_format(*codec, source.sample_format), *rate, (*layouts)[i]});
      if (next)
        return next;
      // If every layout is refused, the error is that of the first one, the best.
      if (i == 0)
        result = std::move(next);
    }
    if (result.error().code != errc::unsupported)
      break;
  }
  return result;
}

expected<audio_encoder> audio_encoder::open(const AVCodec& codec, const audio_settings& settings,
                                            const audio_format& format) {
  auto context = make_encoder_context(codec);
  assert(format.sample_rate > 0 && format.layout.nb_channels > 0);
  context->sample_fmt = format.sample_format;
  context->sample_rate = format.sample_rate;
  context->time_base = {1, format.sample_rate};
  context->thread_count = 1;
  if (av_channel_layout_copy(&context->ch_layout, &format.layout) < 0)
    throw std::bad_alloc{};
  if (auto set = set_for_channels(*context); !set)
    return tl::unexpected{std::move(set.error())};
  if (settings.bit_rate > 0)
    context->bit_rate = settings.bit_rate;
  if (!settings.in_band_headers)
    context->flags |= AV_CODEC_FLAG_GLOBAL_HEADER;
  if (auto set = set_fixed_options(*context); !set)
    return tl::unexpected{std::move(set.error())};
  if (auto set = set_further_options(*context, settings.options); !set)
    return tl::unexpected{std::move(set.error())};
  if (auto opened = open_encoder(*context); !opened)
    return tl::unexpected{std::move(opened.error())};
  return audio_encoder{std::move(context), settings, format};
}

expected<audio_encoder> audio_encoder::reopened() const {
  return open(*context_->codec, settings_, format_);
}

int audio_encoder::padding() const noexcept {
  return context_->initial_padding;
}

int64_t audio_encoder::packet_pts(int64_t k) const noexcept {
  return ticks(k * frame_size_ - padding());
}

track audio_encoder::output() const {
  track result;
  result.parameters = make_codec_parameters();
  if (avcodec_parameters_from_context(result.parameters.get(), context_.get()) < 0)
    throw std::bad_alloc{};
  return result;
}

expected<void> audio_encoder::encode(const AVFrame& frame, const on_encoded& deliver) {
  return send(&frame, deliver);
}

expected<void> audio_encoder::drain(const on_encoded& deliver) {
  return send(nullptr, deliver);
}

expected<void> audio_encoder::send(const AVFrame* frame, const on_encoded& deliver) {
  return av::encode(*context_, frame, *packet_, [this, &deliver](AVPacket& packet) {
    auto samples = packet.duration > 0 ? packet.duration : frame_size_;
    auto end = ticks(packet.pts + samples);
    packet.pts = packet.dts = ticks(packet.pts);
    packet.duration = end - packet.pts;
    packet.time_base = time_base;
    return deliver(packet);
  });
}

int64_t audio_encoder::ticks(int64_t samples) const noexcept {
  return av_rescale_q(samples, AVRational{1, format_.sample_rate}, time_base);
}

} // namespace troupe::av
