// The session's side of a rendition in MPEG-TS, which the sound of its ladder joins.
#include "packaging/rendition.hpp"

#include <algorithm>
#include <utility>

namespace troupe {

av::expected<void> rendition_output::set_sound(const stream_format& format, clock::time_point now) {
  order_.add({.joins = true, .tracks = format});
  auto done = write_transport(order_.take_due(), now);
  publish();
  return done;
}

av::expected<void> rendition_output::write_sound(const sample_block& block, clock::time_point now) {
  order_.add({.joins = true, .block = block});
  auto done = write_transport(order_.take_due(), now);
  publish();
  return done;
}

av::expected<void> rendition_output::write_transport(std::vector<transport_order::item> items, clock::time_point now) {
  for (auto& x : items) {
    if (x.joins && x.tracks) {
      // Players expect neither new tracks nor fewer in the middle of a run.
      auto sounds = std::ranges::count(x.tracks->tracks, track_kind::audio, &track_format::kind);
      if (std::exchange(sounds_, sounds) != sounds && transport_number_)
        (void)shared_->group_->interrupt(*transport_number_);
    }
    auto done = x.tracks ? (x.joins ? ts_.set_sound(*x.tracks) : ts_.set_format(*x.tracks, x.discontinuity))
                         : (x.joins ? ts_.write_sound(x.block, now) : ts_.write(x.block, now));
    if (!done)
      return done;
  }
  take_transport(false);
  return {};
}

void rendition_output::take_transport(bool all) {
  for (auto& x : ts_.take_pieces(all)) {
    if (x.number) {
      auto last = std::exchange(transport_number_, x.number);
      if (auto& group = shared_->group_)
        x.discontinuity = group->is_interrupted(last.value_or(*x.number - 1), *x.number);
    }
    news_.push_back({.track = transport_track,
                     .number = x.number,
                     .start = x.start,
                     .discontinuity = x.discontinuity,
                     .part = std::move(x.part)});
  }
}

} // namespace troupe
