// Decoders run without frame threads: a picture comes out as soon as its own packets allow.
#include "rig/watcher.hpp"

#include "rig/frame_code.hpp"
#include "rig/luma.hpp"

#include <algorithm>
#include <cmath>
#include <string_view>

namespace troupe::bench {

namespace {

double level_of(const std::vector<std::vector<float>>& channels) {
  double sum = 0;
  double count = 0;
  for (auto& channel : channels) {
    for (auto x : channel)
      sum += static_cast<double>(x) * x;
    count += static_cast<double>(channel.size());
  }
  return count > 0 ? std::sqrt(sum / count) : 0;
}

} // namespace

bool stream_decoder::accept(const AVPacket& packet, const AVStream& stream, bool decode, observations& seen) {
  if (index_ < 0) {
    index_ = packet.stream_index;
    auto* codec = avcodec_find_decoder(stream.codecpar->codec_id);
    auto& name = stream.codecpar->codec_type == AVMEDIA_TYPE_VIDEO ? seen.video_codec : seen.audio_codec;
    name = avcodec_get_name(stream.codecpar->codec_id);
    if (decode) {
      context_.reset(codec == nullptr ? nullptr : avcodec_alloc_context3(codec));
      if (context_ != nullptr) {
        avcodec_parameters_to_context(context_.get(), stream.codecpar);
        context_->pkt_timebase = stream.time_base;
        context_->thread_count = 1;
      }
      if (context_ == nullptr || avcodec_open2(context_.get(), codec, nullptr) < 0) {
        context_.reset();
        seen.error = "open a decoder for " + name + ": libavcodec has none that works";
      }
    }
  }
  if (packet.stream_index != index_)
    return false;
  check_dts(packet, seen);
  return true;
}

void stream_decoder::check_dts(const AVPacket& packet, observations& seen) {
  auto dts = packet.dts;
  if (dts == AV_NOPTS_VALUE)
    return;
  if (last_dts_ != AV_NOPTS_VALUE && dts <= last_dts_)
    ++seen.dts_violations;
  last_dts_ = dts;
}

template <class Use>
void stream_decoder::decode(const AVPacket* packet, observations& seen, Use use) {
  if (context_ == nullptr)
    return;
  if (avcodec_send_packet(context_.get(), packet) < 0)
    ++seen.decode_errors;
  for (;;) {
    auto code = avcodec_receive_frame(context_.get(), frame_.get());
    if (code == AVERROR(EAGAIN) || code == AVERROR_EOF)
      return;
    if (code < 0) {
      ++seen.decode_errors;
      return;
    }
    if (frame_->decode_error_flags != 0 || (frame_->flags & AV_FRAME_FLAG_CORRUPT) != 0)
      ++seen.decode_errors;
    use(*frame_);
    av_frame_unref(frame_.get());
  }
}

void picture_watcher::take(const AVPacket& packet, const AVStream& stream, wall_clock::time_point arrived, bool decode,
                           observations& seen) {
  if (!decoder_.accept(packet, stream, decode, seen))
    return;
  time_base_ = stream.time_base;
  // Far more than any decoder holds. Keeps the map bounded for a stream with broken timestamps.
  constexpr size_t arrivals_max = 1'000;
  if (arrivals_.size() >= arrivals_max)
    arrivals_.clear();
  if (packet.pts != AV_NOPTS_VALUE)
    arrivals_[packet.pts] = arrived;
  decoder_.decode(&packet, seen, [&](const AVFrame& frame) { look(frame, seen); });
}

void picture_watcher::finish(observations& seen) {
  // If a viewing stops in mid-stream, pictures that are shown earlier may still be missing. So the pictures that the
  // decoder holds for reordering are requested only after the stream's end.
  if (seen.ended)
    decoder_.decode(nullptr, seen, [&](const AVFrame& frame) { look(frame, seen); });
}

void picture_watcher::look(const AVFrame& frame, observations& seen) {
  frame_seen entry;
  entry.decoded = wall_clock::now();
  entry.arrived = entry.decoded;
  entry.number = read_frame_code(frame);
  auto pts = frame.best_effort_timestamp;
  if (pts != AV_NOPTS_VALUE)
    entry.seconds = static_cast<double>(pts) * av_q2d(time_base_);
  else if (!seen.frames.empty())
    entry.seconds = seen.frames.back().seconds;
  if (auto found = arrivals_.find(pts); found != arrivals_.end()) {
    entry.arrived = found->second;
    arrivals_.erase(found);
  }
  seen.width = frame.width;
  seen.height = frame.height;
  seen.frames.push_back(entry);
  auto plane = luma_plane::of(frame);
  if (!plane)
    return;
  probe now{};
  double sum = 0;
  double squares = 0;
  for (size_t i = 0; i < now.size(); ++i) {
    auto x = static_cast<int>(i % points) * frame.width / points;
    auto y = frame.height / 2 + static_cast<int>(i / points) * frame.height / points;
    now[i] = plane->at(x, std::min(y, frame.height - 1));
    sum += now[i];
    squares += now[i] * now[i];
  }
  auto mean = sum / points / points * 2;
  // On a uniform plane, a deviation of half a step in 255 is coding noise.
  if (squares / points / points * 2 - mean * mean < 0.25 / 255 / 255)
    ++seen.flat_frames;
  if (has_before_ && now == before_)
    ++seen.frozen_frames;
  before_ = now;
  has_before_ = true;
}

void sound_watcher::take(const AVPacket& packet, const AVStream& stream, bool decode, observations& seen) {
  if (!decoder_.accept(packet, stream, decode, seen))
    return;
  time_base_ = stream.time_base;
  decoder_.decode(&packet, seen, [&](const AVFrame& frame) { hear(frame, seen); });
}

void sound_watcher::finish(observations& seen) {
  decoder_.decode(nullptr, seen, [&](const AVFrame& frame) { hear(frame, seen); });
  collect(seen);
}

void sound_watcher::collect(observations& seen) {
  if (reader_ == nullptr)
    return;
  auto& markers = reader_->markers();
  seen.markers.insert(seen.markers.end(), markers.begin(), markers.end());
  seen.silent_seconds += reader_->silent_seconds();
  seen.channels_with_sound = reader_->channels_with_sound();
  reader_.reset();
}

/// A new sample format, rate or layout in mid-stream starts a new reader.
bool sound_watcher::prepare(const AVFrame& frame, observations& seen) {
  if (frame.format == format_ && frame.sample_rate == rate_ && frame.ch_layout.nb_channels == channels_)
    return resampler_ != nullptr;
  collect(seen);
  format_ = frame.format;
  rate_ = frame.sample_rate;
  channels_ = frame.ch_layout.nb_channels;
  SwrContext* resampler = nullptr;
  auto layout = frame.ch_layout; // libswresample's signature lacks a const
  auto code = swr_alloc_set_opts2(&resampler, &layout, AV_SAMPLE_FMT_FLTP, rate_, &layout,
                                  static_cast<AVSampleFormat>(format_), rate_, 0, nullptr);
  resampler_.reset(resampler);
  if (code < 0 || rate_ < 8'000 || channels_ > 64 || swr_init(resampler) < 0) {
    resampler_.reset();
    ++seen.decode_errors;
    return false;
  }
  reader_ = std::make_unique<tone_reader>(rate_);
  samples_.resize(static_cast<size_t>(channels_));
  seen.sample_rate = rate_;
  seen.channels = channels_;
  return true;
}

void sound_watcher::hear(const AVFrame& frame, observations& seen) {
  if (frame.nb_samples <= 0 || !prepare(frame, seen))
    return;
  std::vector<uint8_t*> planes;
  for (auto& channel : samples_) {
    channel.resize(static_cast<size_t>(frame.nb_samples));
    planes.push_back(reinterpret_cast<uint8_t*>(channel.data()));
  }
  auto* from = const_cast<const uint8_t**>(frame.extended_data);
  if (swr_convert(resampler_.get(), planes.data(), frame.nb_samples, from, frame.nb_samples) < 0) {
    ++seen.decode_errors;
    return;
  }
  // Only more than a container's rounding is a gap: Matroska keeps whole milliseconds.
  constexpr double rounding_seconds = 0.003;
  auto seconds = frame.pts != AV_NOPTS_VALUE ? static_cast<double>(frame.pts) * av_q2d(time_base_) : next_seconds_;
  if (started_ && std::abs(seconds - next_seconds_) > rounding_seconds)
    seen.audio_gaps.push_back(seconds - next_seconds_);
  reader_->listen(seconds, samples_);
  started_ = true;
  next_seconds_ = seconds + static_cast<double>(frame.nb_samples) / rate_;
  seen.sounds.push_back({seconds, static_cast<uint32_t>(frame.nb_samples), level_of(samples_)});
  seen.audio_samples += static_cast<uint64_t>(frame.nb_samples);
  seen.audio_end_seconds = next_seconds_;
}

} // namespace troupe::bench
