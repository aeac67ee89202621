#include "actors/live/block_builder.hpp"

#include <algorithm>

namespace troupe {

namespace {

constexpr int64_t audio_mark_interval = ticks_per_second / 2;

} // namespace

void block_builder::set_tracks(const std::vector<av::track>& tracks) {
  video_.clear();
  for (auto& t : tracks)
    video_.push_back(t.parameters->codec_type == AVMEDIA_TYPE_VIDEO);
  has_video_ = std::find(video_.begin(), video_.end(), true) != video_.end();
}

void block_builder::add(const AVPacket& packet) {
  auto track = static_cast<size_t>(packet.stream_index);
  auto key = (packet.flags & AV_PKT_FLAG_KEY) != 0;
  auto joinable = key && track < video_.size() && video_[track];
  auto due = marked_pts_ == no_timestamp || packet.pts - marked_pts_ >= audio_mark_interval;
  if (!has_video_ && key && due) {
    joinable = true;
    marked_pts_ = packet.pts;
  }
  auto closed = (packet.flags & av::packet_flag_closed) != 0;
  auto opens = !closed && !samples_.empty() && (samples_.back().flags & sample::closed) != 0;
  if (joinable || opens || bytes_.size() + static_cast<size_t>(packet.size) > bytes_max)
    flush();
  sample s;
  s.track = static_cast<uint16_t>(packet.stream_index);
  s.flags = static_cast<uint8_t>((joinable ? sample::random_access : 0) | (key ? sample::key : 0)
                                 | (closed ? sample::closed : 0));
  if ((packet.flags & av::packet_flag_discontinuity) != 0)
    s.flags |= sample::discontinuity;
  if ((packet.flags & AV_PKT_FLAG_DISCARD) != 0)
    s.flags |= sample::hidden;
  if ((packet.flags & av::packet_flag_continues) != 0)
    s.flags |= sample::continues;
  s.pts = packet.pts == av::no_pts ? no_timestamp : packet.pts;
  s.dts = packet.dts == av::no_pts ? no_timestamp : packet.dts;
  s.duration = static_cast<uint32_t>(std::max<int64_t>(0, packet.duration));
  s.size = static_cast<uint32_t>(packet.size);
  samples_.push_back(s);
  auto data = reinterpret_cast<const std::byte*>(packet.data);
  bytes_.insert(bytes_.end(), data, data + packet.size);
}

void block_builder::flush() {
  if (samples_.empty())
    return;
  sample_block block;
  block.samples.swap(samples_);
  block.bytes = shared_bytes{std::move(bytes_)};
  bytes_ = {};
  out_(std::move(block));
}

} // namespace troupe
