// Packets that pass as they are. Video belongs to windows by whole groups of pictures: a group is where its random-access point is.
#include "encoder/lane.hpp"

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
    auto pts = packet.pts != no_pts ? packet.pts : packet.dts;
    if (complete_ || pts == no_pts)
      return {};
    auto is_video = format_.parameters->codec_type == AVMEDIA_TYPE_VIDEO;
    if (!is_video || (packet.flags & AV_PKT_FLAG_KEY) != 0) {
      inside_ = context_.window.contains(pts);
      complete_ = pts >= context_.window.to_pts;
    }
    if (!inside_)
      return {};
    packet_ptr copy{checked(av_packet_clone(&packet))};
    // The sink is promised a DTS, and one that rises.
    if (copy->dts == no_pts)
      copy->dts = copy->pts;
    if (last_dts_ != no_pts && copy->dts <= last_dts_)
      copy->dts = last_dts_ + 1;
    last_dts_ = copy->dts;
    context_.output(*copy);
    return {};
  }

  expected<void> finish() override {
    complete_ = true;
    return {};
  }

  bool complete() const override {
    return complete_;
  }

private:
  track format_;
  lane_context context_;
  bool inside_ = false;
  bool complete_ = false;
  int64_t last_dts_ = no_pts;
};

} // namespace

std::unique_ptr<lane> make_copy_lane(const track& source, lane_context context) {
  return std::make_unique<copy_lane>(source, std::move(context));
}

} // namespace troupe::av
