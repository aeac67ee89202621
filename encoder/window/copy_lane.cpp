// Packets that pass unchanged. They belong to windows by their DTS, so that joined windows are the source's bit stream
// again.
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
    }
    pass(packet, dts);
    return {};
  }

  expected<void> fill(int64_t) override {
    return {}; // there is nothing to copy
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
