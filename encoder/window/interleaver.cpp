// Sound waits in one queue, in the order of its DTS.
#include "encoder/window/interleaver.hpp"

#include <algorithm>
#include <cassert>
#include <utility>

namespace troupe::av {

interleaver::interleaver(std::vector<bool> is_video, sink deliver) : deliver_(std::move(deliver)) {
  for (auto x : is_video)
    lanes_.push_back({x, false, no_pts, no_pts});
}

void interleaver::source_at(size_t output, int64_t dts) {
  assert(output < lanes_.size());
  if (dts == no_pts)
    return;
  lanes_[output].source_dts = std::max(lanes_[output].source_dts, dts);
  release();
}

void interleaver::add(AVPacket& packet) {
  assert(packet.stream_index >= 0 && static_cast<size_t>(packet.stream_index) < lanes_.size());
  if (started_) {
    route(packet);
    release();
    return;
  }
  auto copy = make_packet();
  held_bytes_ += static_cast<size_t>(packet.size);
  av_packet_move_ref(copy.get(), &packet);
  held_.push_back(std::move(copy));
}

void interleaver::end(size_t output) {
  assert(output < lanes_.size());
  if (std::exchange(lanes_[output].ended, true))
    return;
  release();
}

void interleaver::start() {
  assert(!started_);
  started_ = true;
  held_bytes_ = 0;
  for (auto held = std::exchange(held_, {}); auto& packet : held)
    route(*packet);
  release();
}

void interleaver::flush() {
  for (auto& packet : std::exchange(waiting_, {}))
    deliver_(*packet);
}

void interleaver::route(AVPacket& packet) {
  auto& from = lanes_[static_cast<size_t>(packet.stream_index)];
  if (from.is_video) {
    // Sound that belongs before this picture goes first.
    from.delivered_dts = packet.dts;
    release();
    deliver_(packet);
    return;
  }
  assert(packet.dts != no_pts); // there is no order without it
  auto copy = make_packet();
  av_packet_move_ref(copy.get(), &packet);
  auto later = [](int64_t dts, const packet_ptr& x) { return dts < x->dts; };
  auto at = std::upper_bound(waiting_.begin(), waiting_.end(), copy->dts, later);
  waiting_.insert(at, std::move(copy));
}

void interleaver::release() {
  if (!started_)
    return;
  while (!waiting_.empty() && is_due(*waiting_.front())) {
    auto packet = std::move(waiting_.front());
    waiting_.pop_front();
    deliver_(*packet);
  }
}

bool interleaver::is_due(const AVPacket& packet) const {
  auto newest = no_pts;
  for (const auto& x : lanes_)
    newest = std::max(newest, x.source_dts);
  if (newest == no_pts || newest - packet.dts > wait_max)
    return true;
  auto is_waited_for = [&](const lane_state& x) {
    if (!x.is_video || x.ended || (x.delivered_dts != no_pts && x.delivered_dts >= packet.dts))
      return false;
    auto source = x.source_dts != no_pts ? x.source_dts : packet.dts - source_lead_max;
    return newest - source <= source_lead_max;
  };
  return std::none_of(lanes_.begin(), lanes_.end(), is_waited_for);
}

} // namespace troupe::av
