// All bounds protect against wild times of a source: times are clamped before they are added.
#include "encoder/source/timeline_joint.hpp"

#include "encoder/source/demuxer.hpp"

#include <algorithm>
#include <utility>

namespace troupe::av {

namespace {

constexpr int64_t shift_max = int64_t{1} << 56;

/// MPEG-TS, and formats derived from it, count ticks in 33 bits: a source that has kept its timeline may show it minus
/// full turns.
constexpr int64_t turn = int64_t{1} << 33;

/// Marks a track; returns true if it was not marked before.
bool mark(std::vector<bool>& tracks, int index) {
  auto i = static_cast<size_t>(index);
  if (i >= tracks.size())
    tracks.resize(i + 1);
  auto is_new = !tracks[i];
  tracks[i] = true;
  return is_new;
}

} // namespace

timeline_joint::timeline_joint(int64_t resume_from)
  : resume_from_(resume_from == no_pts ? no_pts : std::clamp(resume_from, -shift_max, shift_max)),
    settled_(resume_from == no_pts) {
  // nop
}

void timeline_joint::add(AVPacket& packet, size_t tracks, std::optional<size_t> awaited) {
  auto copy = make_packet();
  av_packet_move_ref(copy.get(), &packet);
  if (!settled_) {
    mark(seen_, copy->stream_index);
    auto dts = std::clamp(copy->dts, -shift_max, shift_max);
    first_dts_ = first_dts_ == no_pts ? dts : std::min(first_dts_, dts);
    newest_dts_ = std::max(newest_dts_, dts);
    held_bytes_ += static_cast<size_t>(copy->size);
  }
  held_.push_back(std::move(copy));
  if (settled_)
    return;
  auto all_seen = static_cast<size_t>(std::count(seen_.begin(), seen_.end(), true)) >= tracks;
  auto waits = awaited && (*awaited >= seen_.size() || !seen_[*awaited]);
  if (all_seen || newest_dts_ - first_dts_ > (waits ? gap_max : wait_max) || held_.size() >= packets_max
      || held_bytes_ >= bytes_max)
    settle();
}

void timeline_joint::go_on(int64_t shift, std::vector<int64_t> passed) {
  settled_ = goes_on_ = true;
  shift_ = std::clamp(shift, -shift_max, shift_max);
  until_ = std::move(passed);
}

/// Repeated sound may be slightly off its old place, on another pull's grid. New sound is off by more than half a
/// frame.
bool timeline_joint::is_repeated(const AVPacket& packet) const {
  auto track = static_cast<size_t>(packet.stream_index);
  if (!goes_on_ || track >= until_.size())
    return packet.dts < resume_from_;
  return packet.dts <= until_[track] + std::clamp<int64_t>(packet.duration, 0, wait_max) / 2;
}

void timeline_joint::finish() {
  if (!settled_ && !held_.empty())
    settle();
}

void timeline_joint::settle() {
  settled_ = true;
  auto gap = (first_dts_ - resume_from_) % turn;
  if (gap < 0)
    gap += turn;
  shift_ = resume_from_ + (gap < gap_max ? gap : 0) - first_dts_;
}

bool timeline_joint::next(AVPacket& packet) {
  while (settled_ && !held_.empty()) {
    av_packet_unref(&packet);
    av_packet_move_ref(&packet, held_.front().get());
    held_.pop_front();
    if (resume_from_ == no_pts)
      return true;
    packet.dts = std::clamp(packet.dts, -shift_max, shift_max) + shift_;
    if (packet.pts != no_pts)
      packet.pts = std::clamp(packet.pts, -shift_max, shift_max) + shift_;
    if (is_repeated(packet))
      continue;
    auto first = passed_.empty();
    if (mark(passed_, packet.stream_index) && (first || !goes_on_))
      packet.flags |= goes_on_ ? packet_flag_continues : packet_flag_discontinuity;
    return true;
  }
  av_packet_unref(&packet);
  return false;
}

} // namespace troupe::av
