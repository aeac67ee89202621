// What clients get besides the plan's tracks, and in which order: subtitles and splice information on their way from
// the source to the clients. They go beside the renditions: no transcode has them, so no change of task can lose them.
#include "core/live/session.hpp"

#include <algorithm>

namespace troupe::core {

namespace {

constexpr size_t aside_max = 4096;
constexpr uint64_t aside_bytes_max = 8 * 1024 * 1024;

/// How long (ticks) samples are kept for renditions that are behind, and how old one may be that a new client is told.
constexpr int64_t kept_for = 30 * ticks_per_second;
constexpr int64_t told_for = 5 * ticks_per_second;

int64_t end_of(const sample& x) {
  return std::max(x.dts, x.pts + x.duration);
}

} // namespace

stream_format session::all_tracks(const variant& v) const {
  auto result = v.output;
  auto places = places_of(v.plan);
  if (places.size() == v.output.tracks.size())
    for (size_t i = 0; i < places.size(); ++i)
      result.tracks[places[i]] = v.output.tracks[i];
  for (auto& x : v.plan.carried)
    result.tracks.push_back(x.format);
  return result;
}

void session::open_output(variant& v) {
  v.told = all_tracks(v);
  v.places = places_of(v.plan);
  effects_.open_output(v.target.name, v.told, form_of(v));
}

/// Keeps the samples of a source block that may be carried. Other tracks may be announced already; their numbers count
/// only once the source has changed.
void session::set_aside(const sample_block& block) {
  size_t offset = 0;
  for (auto& s : block.samples) {
    auto bytes = block.bytes.span().subspan(offset, s.size);
    offset += s.size;
    if (s.track >= source_->tracks.size())
      continue;
    auto& format = source_->tracks[s.track];
    if (format.kind == track_kind::video || format.kind == track_kind::audio
        || (next_source_ && (s.track >= next_source_->tracks.size() || next_source_->tracks[s.track] != format)))
      continue;
    aside_.push_back({s, shared_bytes{shared_bytes::container(bytes.begin(), bytes.end())}});
    aside_bytes_ += s.size;
  }
  while (!aside_.empty()
         && (aside_.size() > aside_max || aside_bytes_ > aside_bytes_max
             || end_of(aside_.front().what) < source_dts_ - kept_for)) {
    aside_bytes_ -= aside_.front().bytes.size();
    aside_.pop_front();
    ++aside_first_;
  }
}

/// Gives clients what came up to this decoding time of the rendition.
void session::carry(variant& v, int64_t dts) {
  if (v.outdated)
    return;
  v.aside = std::max(v.aside, aside_first_);
  for (; v.aside < aside_first_ + aside_.size(); ++v.aside) {
    auto& [what, bytes] = aside_[v.aside - aside_first_];
    if (what.dts > dts)
      return;
    auto i = std::find_if(v.plan.carried.begin(), v.plan.carried.end(),
                          [track = what.track](const carried_track& x) { return x.from == track; });
    if (i == v.plan.carried.end() || end_of(what) < dts - told_for)
      continue;
    sample_block block{{what}, bytes};
    block.samples.front().dts = dts;
    block.samples.front().track =
      static_cast<uint16_t>(v.output.tracks.size() + static_cast<size_t>(i - v.plan.carried.begin()));
    effects_.deliver(v.target.name, block);
  }
}

} // namespace troupe::core
