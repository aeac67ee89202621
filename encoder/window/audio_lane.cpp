// Audio: decode, place, convert, encode. The encoder gets some frames before the window, so that its first packet
// inside continues the end of the window before.
#include "encoder/codec/audio_encoder.hpp"
#include "encoder/codec/audio_filter.hpp"
#include "encoder/codec/decoder.hpp"
#include "encoder/source/demuxer.hpp"
#include "encoder/window/lane.hpp"

#include <algorithm>
#include <optional>

namespace troupe::av {

namespace {

/// Sound that the encoder gets before the window: longer than any lossy codec's memory (filter bank, psychoacoustics,
/// bit reservoir).
constexpr int64_t priming_ms = 100;
constexpr int64_t priming_frames_min = 3;

/// Time until the decoder's output is right, including the longest usual audio packet.
constexpr int64_t decoder_preroll_ms = 100;

constexpr int sample_rate_max = 768'000; ///< Hz

expected<void> validate(const audio_settings& x) {
  if (x.encoder.empty())
    return fail(errc::option, "no audio encoder is named");
  if (x.bit_rate < 0)
    return fail(errc::option, "the bit rate must not be negative");
  if (x.sample_rate < 0 || x.sample_rate > sample_rate_max)
    return fail(errc::option, "the sample rate must be 0 to 768000 Hz");
  if (auto found = find_encoders(x.encoder, AVMEDIA_TYPE_AUDIO); !found)
    return tl::unexpected{std::move(found.error())};
  return check_further_options(x.options);
}

class audio_lane : public lane, public audio_filter_sink {
public:
  audio_lane(const track& source, const audio_settings& settings, lane_context context, decoder dec)
    : source_(source.clone()), settings_(settings), context_(std::move(context)), decoder_(std::move(dec)) {
    // nop
  }

  const track* format() const override {
    return output_ ? &*output_ : nullptr;
  }

  expected<void> settle() override {
    return open_encoder(nullptr);
  }

  int64_t preroll() const override {
    return (audio_filter::gap_max_ms + priming_ms + decoder_preroll_ms) * time_base.den / 1000;
  }

  expected<void> send(const AVPacket& packet) override {
    if (complete_)
      return {};
    if ((packet.flags & packet_flag_discontinuity) != 0)
      ++context_.counters.discontinuities;
    auto corrupt = decoder_.corrupt();
    auto result = decoder_.decode(packet, [this](AVFrame& frame) { return on_decoded(frame); });
    corrupt = decoder_.corrupt() - corrupt;
    context_.counters.corrupt_packets += corrupt;
    if (context_.window.contains(packet.pts))
      context_.counters.damaged += corrupt;
    return result;
  }

  expected<void> fill(int64_t to_pts) override {
    if (complete_)
      return {};
    if (auto drained = decoder_.drain([this](AVFrame& frame) { return on_decoded(frame); }); !drained)
      return drained;
    if (!encoder_ && !is_complete(audio_format_of(source_, nullptr)))
      return {}; // not even silence can be encoded before the source's sound is known
    if (!encoder_)
      if (auto opened = open_encoder(nullptr); !opened)
        return opened;
    auto result = filter_->fill(to_pts, first_frame_);
    count();
    return result;
  }

  expected<void> finish() override {
    if (complete_)
      return {};
    if (auto drained = decoder_.drain([this](AVFrame& frame) { return on_decoded(frame); }); !drained)
      return drained;
    if (filter_)
      if (auto drained = filter_->drain(); !drained)
        return drained;
    auto result = drain_encoder();
    count();
    complete_ = true;
    return result;
  }

  bool complete() const override {
    return complete_;
  }

  int64_t newest() const override {
    return last_pts_;
  }

  void end_at(int64_t to_pts) override {
    context_.window.to_pts = std::min(context_.window.to_pts, to_pts);
  }

private:
  expected<void> on_decoded(AVFrame& frame) {
    ++context_.counters.frames_decoded;
    if (complete_ || frame.sample_rate > sample_rate_max)
      return {};
    if (!encoder_)
      if (auto opened = open_encoder(&frame); !opened)
        return opened;
    auto result = filter_->send(frame);
    count();
    // A damaged header can claim any layout. If other sound has been converted before, sound that cannot be is dropped.
    if (!result && result.error().code == errc::unsupported && last_pts_ != no_pts) {
      ++context_.counters.corrupt_packets;
      return {};
    }
    return result;
  }

  expected<void> open_encoder(const AVFrame* first) {
    auto format = audio_format_of(source_, first);
    if (!is_complete(format))
      return fail(errc::media, "no sound could be decoded, and the source does not say what its sound is like");
    auto opened = audio_encoder::open(settings_, format);
    if (!opened)
      return tl::unexpected{std::move(opened.error())};
    encoder_ = std::move(*opened);
    filter_.emplace(encoder_->format(), encoder_->frame_size(), *this);
    first_frame_ = first_frame();
    output_ = encoder_->output();
    output_->language = source_.language;
    output_->stream = source_.stream;
    return {};
  }

  /// The number of the first frame that the encoder gets.
  int64_t first_frame() const {
    if (context_.window.from_pts == std::numeric_limits<int64_t>::min())
      return std::numeric_limits<int64_t>::min();
    auto size = encoder_->frame_size();
    auto rate = encoder_->format().sample_rate;
    auto k = av_rescale_q(context_.window.from_pts, time_base, AVRational{size, rate});
    while (encoder_->packet_pts(k) < context_.window.from_pts)
      ++k;
    while (encoder_->packet_pts(k - 1) >= context_.window.from_pts)
      --k;
    return k - std::max(priming_frames_min, av_rescale_rnd(priming_ms, rate, int64_t{1000} * size, AV_ROUND_UP));
  }

  expected<void> on_sound(int64_t k, AVFrame& frame) override {
    if (complete_ || k < first_frame_)
      return {};
    ++context_.counters.frames_encoded;
    heard_ = true;
    return encoder_->encode(frame, [this](AVPacket& packet) { return on_encoded(packet); });
  }

  /// Frames on both sides of a jump are unrelated: the encoder starts afresh, as in a window after the jump.
  expected<void> on_break() override {
    if (complete_ || !heard_)
      return {};
    ++context_.counters.discontinuities;
    if (auto drained = drain_encoder(); !drained)
      return drained;
    auto opened = encoder_->reopened();
    if (!opened)
      return tl::unexpected{std::move(opened.error())};
    encoder_ = std::move(*opened);
    heard_ = false;
    return {};
  }

  expected<void> drain_encoder() {
    if (!heard_ || complete_)
      return {};
    return encoder_->drain([this](AVPacket& packet) { return on_encoded(packet); });
  }

  expected<void> on_encoded(AVPacket& packet) {
    complete_ = complete_ || packet.pts >= context_.window.to_pts;
    // After a jump back to the start of the encoder's priming, a packet may be before the last one.
    if (!complete_ && packet.pts >= context_.window.from_pts && (last_pts_ == no_pts || packet.pts > last_pts_)) {
      last_pts_ = packet.pts;
      context_.output(packet);
    }
    return {};
  }

  void count() {
    if (!filter_)
      return;
    auto now = filter_->count();
    context_.counters.filled_samples += now.filled_samples - counted_.filled_samples;
    context_.counters.trimmed_samples += now.trimmed_samples - counted_.trimmed_samples;
    counted_ = now;
  }

  track source_;
  audio_settings settings_;
  lane_context context_;
  decoder decoder_;
  std::optional<audio_filter> filter_;
  audio_filter::counters counted_;
  std::optional<audio_encoder> encoder_;
  std::optional<track> output_;
  int64_t first_frame_ = std::numeric_limits<int64_t>::min();
  int64_t last_pts_ = no_pts;
  bool heard_ = false; ///< the encoder has received a frame since it was opened
  bool complete_ = false;
};

} // namespace

expected<std::unique_ptr<lane>> make_audio_lane(const track& source, const audio_settings& settings,
                                                lane_context context) {
  if (auto valid = validate(settings); !valid)
    return tl::unexpected{std::move(valid.error())};
  auto opened = decoder::open(source, {});
  if (!opened)
    return tl::unexpected{std::move(opened.error())};
  return std::make_unique<audio_lane>(source, settings, std::move(context), std::move(*opened));
}

} // namespace troupe::av
