// The input is a chain of segments, each contiguous and of one format. All segments are placed on one output timeline.
#include "encoder/codec/audio_filter.hpp"

#include "encoder/channel_layouts.hpp"

extern "C" {
#include <libavutil/mathematics.h>
#include <libavutil/opt.h>
}

#include <algorithm>
#include <cassert>
#include <cstdlib>
#include <limits>
#include <new>
#include <utility>

namespace troupe::av {

namespace {

int64_t floor_to(int64_t x, int64_t multiple) {
  assert(multiple > 0);
  auto rest = x % multiple;
  return x - (rest < 0 ? rest + multiple : rest);
}

} // namespace

audio_filter::audio_filter(const audio_format& output, int frame_size, audio_filter_sink& sink)
  : output_(output),
    frame_size_(frame_size),
    sink_(sink),
    fifo_(checked(av_audio_fifo_alloc(output.sample_format, output.layout.nb_channels, 2 * frame_size))) {
  // nop
}

expected<void> audio_filter::send(const AVFrame& frame) {
  auto rate = frame.sample_rate;
  if (frame.nb_samples <= 0 || rate <= 0 || frame.ch_layout.nb_channels <= 0
      || frame.ch_layout.nb_channels > channels_max)
    return {};
  if (frame.pts == no_pts && !input_)
    return {};
  auto same = is_same_input(frame);
  auto index = frame.pts != no_pts ? av_rescale_q(frame.pts, time_base, AVRational{1, rate})
                                   : av_rescale(next_in_, rate, input_->sample_rate);
  if (!same || std::abs(index - next_in_) > rate * tolerance_ms / 1000) {
    if (auto ended = end_segment(); !ended)
      return ended;
    if (auto begun = begin_segment(frame, index); !begun)
      return begun;
  }
  next_in_ += frame.nb_samples;
  return convert(const_cast<const uint8_t**>(frame.extended_data), frame.nb_samples);
}

expected<void> audio_filter::drain() {
  if (auto ended = end_segment(); !ended)
    return ended;
  auto result = cut(true);
  end_.reset();
  return result;
}

expected<void> audio_filter::fill(int64_t to_pts, int64_t first) {
  if (auto ended = end_segment(); !ended)
    return ended;
  auto to = av_rescale_q_rnd(to_pts, time_base, AVRational{1, output_.sample_rate}, AV_ROUND_DOWN);
  auto from = first > std::numeric_limits<int64_t>::min() ? first * frame_size_ : floor_to(to, frame_size_);
  if (!end_ || (first > std::numeric_limits<int64_t>::min() && from > *end_)) {
    if (auto rest = cut(true); !rest)
      return rest;
    end_ = from;
  }
  returns_ = true;
  if (to <= *end_)
    return {};
  counters_.filled_samples += static_cast<uint64_t>(to - *end_);
  return append_silence(to - *end_);
}

bool audio_filter::is_same_input(const AVFrame& frame) const noexcept {
  auto layout = plain_layout(frame.ch_layout);
  return input_ && input_->format == frame.format && input_->sample_rate == frame.sample_rate
         && av_channel_layout_compare(&input_->layout, &layout) == 0;
}

expected<void> audio_filter::begin_segment(const AVFrame& frame, int64_t index) {
  input_ = input{frame.format, frame.sample_rate, plain_layout(frame.ch_layout)};
  SwrContext* context = nullptr;
  auto code =
    swr_alloc_set_opts2(&context, &output_.layout, output_.sample_format, output_.sample_rate, &input_->layout,
                        static_cast<AVSampleFormat>(input_->format), input_->sample_rate, 0, nullptr);
  resampler_.reset(context);
  // If the output has a channel for each input channel, none is mixed; the resampler's default could mix some.
  if (auto places = places_of(input_->layout, output_.layout); code >= 0 && !places.empty())
    code = swr_set_matrix(context, places.data(), input_->layout.nb_channels);
  if (code >= 0)
    code = swr_init(context);
  if (code < 0) {
    auto step = "convert sound from " + to_string(input_->layout) + " to " + to_string(output_.layout);
    resampler_.reset();
    input_.reset();
    return fail(errc::unsupported, step, code);
  }
  auto common = av_gcd(input_->sample_rate, output_.sample_rate);
  auto step_in = input_->sample_rate / common;
  auto step_out = output_.sample_rate / common;
  auto begin = floor_to(index, step_in);
  next_in_ = index;
  next_out_ = begin / step_in * step_out;
  lead_end_ = av_rescale_rnd(index, step_out, step_in, AV_ROUND_UP);
  if (index > begin)
    if (code = swr_inject_silence(context, static_cast<int>(index - begin)); code < 0)
      return fail(errc::encoder, "start the resampler", code);
  return {};
}

expected<void> audio_filter::end_segment() {
  if (!input_)
    return {};
  auto result = convert(nullptr, 0);
  resampler_.reset();
  input_.reset();
  return result;
}

expected<void> audio_filter::convert(const uint8_t** data, int samples) {
  assert(resampler_ && samples >= 0);
  auto room = swr_get_out_samples(resampler_.get(), samples);
  if (room <= 0)
    return {};
  reserve(converted_, room);
  auto made = swr_convert(resampler_.get(), converted_->extended_data, room, data, samples);
  if (made < 0)
    return fail(errc::encoder, "convert sound", made);
  auto index = next_out_;
  next_out_ += made;
  return place(index, made);
}

expected<void> audio_filter::place(int64_t index, int samples) {
  // The silence that aligned the segment is not sound: it must not replace existing samples, and does not fill a gap.
  auto skip = std::clamp<int64_t>(lead_end_ - index, 0, samples);
  if (skip == samples)
    return {};
  auto first = index + skip;
  auto gap_max = output_.sample_rate * (std::exchange(returns_, false) ? return_max_ms : gap_max_ms) / 1000;
  if (end_ && first - *end_ > gap_max) {
    if (auto ended = cut(true); !ended)
      return ended;
    if (auto broken = sink_.on_break(); !broken)
      return broken;
    end_.reset();
  }
  if (!end_) {
    end_ = floor_to(first, frame_size_);
    if (auto filled = append_silence(first - *end_); !filled)
      return filled;
  }
  if (first > *end_) {
    // A difference of one sample at a joint of segments is rounding: it is not counted as a gap or an overlap.
    if (first - *end_ > 1)
      counters_.filled_samples += static_cast<uint64_t>(first - *end_);
    if (auto filled = append_silence(first - *end_); !filled)
      return filled;
  }
  auto overlap = std::min<int64_t>(*end_ - first, samples - skip);
  if (overlap > 1)
    counters_.trimmed_samples += static_cast<uint64_t>(overlap);
  skip += overlap;
  if (skip == samples)
    return {};
  auto bytes = av_get_bytes_per_sample(output_.sample_format);
  auto planar = av_sample_fmt_is_planar(output_.sample_format) != 0;
  auto planes = planar ? output_.layout.nb_channels : 1;
  uint8_t* data[channels_max] = {};
  for (auto i = 0; i < planes; ++i)
    data[i] = converted_->extended_data[i] + skip * bytes * (planar ? 1 : output_.layout.nb_channels);
  return append(data, static_cast<int>(samples - skip));
}

expected<void> audio_filter::append(uint8_t** data, int samples) {
  assert(end_ && samples >= 0);
  if (av_audio_fifo_write(fifo_.get(), reinterpret_cast<void**>(data), samples) < samples)
    throw std::bad_alloc{};
  *end_ += samples;
  return cut(false);
}

expected<void> audio_filter::append_silence(int64_t samples) {
  while (samples > 0) {
    auto part = static_cast<int>(std::min<int64_t>(samples, frame_size_));
    reserve(silence_, frame_size_);
    av_samples_set_silence(silence_->extended_data, 0, part, output_.layout.nb_channels, output_.sample_format);
    if (auto appended = append(silence_->extended_data, part); !appended)
      return appended;
    samples -= part;
  }
  return {};
}

expected<void> audio_filter::cut(bool all) {
  for (;;) {
    auto held = av_audio_fifo_size(fifo_.get());
    if (held < frame_size_ && (!all || held == 0))
      return {};
    auto frame = make_frame();
    reserve(frame, std::min(held, frame_size_));
    frame->nb_samples =
      av_audio_fifo_read(fifo_.get(), reinterpret_cast<void**>(frame->extended_data), frame->nb_samples);
    assert(end_);
    frame->pts = *end_ - held;
    assert(frame->pts % frame_size_ == 0); // the encoder counts whole frames
    if (auto delivered = sink_.on_sound(frame->pts / frame_size_, *frame); !delivered)
      return delivered;
  }
}

void audio_filter::reserve(frame_ptr& frame, int samples) {
  if (frame->nb_samples >= samples)
    return;
  av_frame_unref(frame.get());
  frame->nb_samples = samples;
  frame->format = output_.sample_format;
  frame->sample_rate = output_.sample_rate;
  if (av_channel_layout_copy(&frame->ch_layout, &output_.layout) < 0 || av_frame_get_buffer(frame.get(), 0) < 0)
    throw std::bad_alloc{};
}

} // namespace troupe::av
