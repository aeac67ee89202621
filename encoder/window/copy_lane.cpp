// Packets that pass unchanged. They belong to windows by their DTS, so that joined windows are the source's bit stream
// again.
#include "encoder/codec/silent_packet.hpp"
#include "encoder/log.hpp"
#include "encoder/window/lane.hpp"

#include <algorithm>
#include <deque>
#include <limits>
#include <utility>

namespace troupe::av {

namespace {

class copy_lane : public lane {
public:
  copy_lane(const track& source, lane_context context) : format_(source.clone()), context_(std::move(context)) {
    // nop
  }

  const track* format() const override {
    return &format_;
  }

  expected<void> settle() override {
    return {};
  }

  int64_t preroll() const override {
    return 0;
  }

  expected<void> send(const AVPacket& packet) override {
    auto dts = packet.dts != no_pts ? packet.dts : packet.pts;
    if (complete_ || dts == no_pts)
      return {};
    if (format_.parameters->codec_type == AVMEDIA_TYPE_AUDIO) {
      if ((packet.flags & AV_PKT_FLAG_DISCARD) != 0) {
        hold(packet);
        return {};
      }
      heard_ = true;
      for (auto held = std::exchange(held_, {}); const auto& x : held)
        if (dts - x->dts <= priming_max)
          pass(*x, x->dts);
      if (silent_from_ != no_pts) {
        // The source is back: the silence lasts until its first sound.
        pass_silence(dts);
        if (silent_until_ != no_pts && dts < silent_until_ - packet.duration / 2)
          return {};
        silent_from_ = no_pts;
      }
      newest_.reset(checked(av_packet_clone(&packet)));
    }
    pass(packet, dts);
    return {};
  }

  /// Pictures keep their gap; sound becomes silent if such packets can be made.
  expected<void> fill(int64_t to_pts) override {
    if (complete_ || !newest_)
      return {};
    if (silent_from_ == no_pts) {
      silent_from_ = newest_->dts + newest_->duration;
      silent_until_ = no_pts;
      silent_packets_ = 0;
    }
    if (!silence_ && !std::exchange(silence_tried_, true)) {
      if (auto made = make_silent_packet(format_, *newest_))
        silence_ = std::move(*made);
      else
        work_log::say("copied sound stops while the source is away: " + made.error().what);
    }
    pass_silence(to_pts);
    return {};
  }

  expected<void> finish() override {
    complete_ = true;
    return {};
  }

  bool complete() const override {
    return complete_;
  }

  int64_t newest() const override {
    return last_dts_;
  }

  void end_at(int64_t to_pts) override {
    context_.window.to_pts = std::min(context_.window.to_pts, to_pts);
  }

private:
  /// The most sound (ticks) that a decoder needs before the first played sample.
  static constexpr int64_t priming_max = 9'000;

  /// Hidden sound is passed on only as far as a decoder needs it: a container that cannot hide it would play it.
  void hold(const AVPacket& packet) {
    if (heard_)
      return;
    held_.emplace_back(checked(av_packet_clone(&packet)));
    if (packet.dts - held_.front()->dts > priming_max)
      held_.pop_front();
  }

  /// Silence up to a time, in whole packets counted from the end of the source's sound.
  void pass_silence(int64_t to_pts) {
    auto rate = format_.parameters->sample_rate;
    auto samples = silence_ ? av_rescale_q(silence_->duration, time_base, {1, rate}) : 0;
    // What is before the window is not even counted through.
    if (samples > 0 && context_.window.from_pts > silent_from_)
      silent_packets_ = std::max(silent_packets_, av_rescale_rnd(context_.window.from_pts - silent_from_, rate,
                                                                 samples * time_base.den, AV_ROUND_DOWN));
    while (samples > 0 && !complete_) {
      auto dts = silent_from_ + av_rescale(silent_packets_ * samples, time_base.den, rate);
      if (dts + silence_->duration / 2 > to_pts)
        return;
      ++silent_packets_;
      silent_until_ = dts + silence_->duration;
      silence_->pts = silence_->dts = dts;
      pass(*silence_, dts);
    }
  }

  void pass(const AVPacket& packet, int64_t dts) {
    complete_ = dts >= context_.window.to_pts;
    if (!context_.window.contains(dts))
      return;
    // A window with a start continues the one before it; a window without one is the first.
    begun_ = begun_ || context_.window.from_pts != std::numeric_limits<int64_t>::min()
             || format_.parameters->codec_type != AVMEDIA_TYPE_VIDEO || (packet.flags & AV_PKT_FLAG_KEY) != 0;
    if (!begun_)
      return;
    packet_ptr copy{checked(av_packet_clone(&packet))};
    // The sink is promised a DTS, and a growing one.
    copy->dts = dts;
    copy->flags |= packet_flag_closed;
    if (last_dts_ != no_pts && copy->dts <= last_dts_)
      copy->dts = last_dts_ + 1;
    last_dts_ = copy->dts;
    context_.output(*copy);
  }

  track format_;
  lane_context context_;
  std::deque<packet_ptr> held_; ///< hidden sound before the first played sound
  packet_ptr newest_;           ///< of the source's sound
  packet_ptr silence_;          ///< repeated while the source is away
  bool silence_tried_ = false;
  int64_t silent_from_ = no_pts;  ///< where the silence begins, while it lasts
  int64_t silent_until_ = no_pts; ///< where its latest packet ends
  int64_t silent_packets_ = 0;
  bool heard_ = false;
  bool begun_ = false;
  bool complete_ = false;
  int64_t last_dts_ = no_pts;
};

} // namespace

std::unique_ptr<lane> make_copy_lane(const track& source, lane_context context) {
  return std::make_unique<copy_lane>(source, std::move(context));
}

} // namespace troupe::av
