#include "packaging/transport_order.hpp"

#include <algorithm>
#include <iterator>
#include <limits>
#include <utility>

namespace troupe {

void transport_order::add(item x) {
  if (!x.tracks) {
    auto dts = x.block.samples.front().dts;
    (x.joins ? newest_sound_ : newest_) = dts;
    if (!x.joins && !first_)
      first_ = dts;
  }
  auto is_video = [](const track_format& t) { return t.kind == track_kind::video; };
  // Sound is not joined to sound.
  auto complete = x.joins || (x.tracks && std::ranges::none_of(x.tracks->tracks, is_video));
  begun_ = begun_ || complete || (first_ && newest_ - *first_ >= first_wait_max);
  (x.joins ? sound_ : own_).push_back(std::move(x));
}

/// Takes the sound up to this DTS, and other tracks as soon as they are the first that wait.
void transport_order::take_sound(int64_t until, std::vector<item>& to) {
  for (; !sound_.empty(); sound_.pop_front()) {
    auto& next = sound_.front();
    if (!next.tracks && next.block.samples.front().dts > until)
      return;
    to.push_back(std::move(next));
  }
}

std::vector<transport_order::item> transport_order::take_due() {
  std::vector<item> result;
  if (!begun_)
    return result;
  for (; !own_.empty(); own_.pop_front()) {
    auto& next = own_.front();
    if (!next.tracks)
      taken_ = next.block.samples.front().dts;
    take_sound(taken_.value_or(no_timestamp), result);
    result.push_back(std::move(next));
  }
  take_sound(std::max(taken_.value_or(no_timestamp), newest_sound_ - sound_wait_max), result);
  return result;
}

std::vector<transport_order::item> transport_order::take_all() {
  begun_ = true;
  auto result = take_due();
  take_sound(std::numeric_limits<int64_t>::max(), result);
  return result;
}

} // namespace troupe
