// What happens to renditions if the source's tracks change. A rendition is transcoded again only if it is made from a
// track that has changed.
#include "core/live/session.hpp"
#include "core/live/splice_codec.hpp"

#include <algorithm>
#include <cassert>
#include <utility>

namespace troupe::core {

namespace {

/// True if what is made from track `i` of `a` can continue with track `i` of `b`. A bit rate may be libavformat's
/// estimate, which differs with each pull.
bool is_same(const stream_format& a, const stream_format& b, size_t i) {
  if (i >= a.tracks.size() || i >= b.tracks.size())
    return false;
  auto x = a.tracks[i];
  x.bit_rate = b.tracks[i].bit_rate;
  return x == b.tracks[i];
}

/// True if a transcoder may need the track. It puts random-access points at splices.
bool is_made_from(const stream_format& x, size_t i) {
  return i < x.tracks.size()
         && (x.tracks[i].kind == track_kind::video || x.tracks[i].kind == track_kind::audio
             || x.tracks[i].codec == splice_codec);
}

/// True if renditions with this plan need the track.
bool is_made_from(const variant_plan& plan, const stream_format& x, size_t i) {
  return i < x.tracks.size()
         && ((i < plan.actions.size() && plan.actions[i] != track_action::drop)
             || (plan.encodes_video && x.tracks[i].codec == splice_codec));
}

size_t longer(const stream_format& a, const stream_format& b) {
  return std::max(a.tracks.size(), b.tracks.size());
}

/// True if only tracks differ that go beside renditions.
bool differ_beside(const stream_format& a, const stream_format& b) {
  for (size_t i = 0; i < longer(a, b); ++i)
    if ((is_made_from(a, i) || is_made_from(b, i)) && !is_same(a, b, i))
      return false;
  return true;
}

bool differ(const stream_format& a, const stream_format& b) {
  for (size_t i = 0; i < longer(a, b); ++i)
    if (!is_same(a, b, i))
      return true;
  return false;
}

} // namespace

/// The ingest says which tracks its next samples have. Other pictures or sound count from the next random-access point
/// on, all else counts at once.
void session::tracks_announced(const stream_format& x, time_point now) {
  next_source_.reset();
  early_.clear(); // it has other tracks
  if (!source_) {
    source_ = x;
    continue_before(now);
    source_known(now);
  } else if (!differ_beside(*source_, x)) {
    next_source_ = x;
  } else if (differ(*source_, x)) {
    source_changed(x, now);
  }
}

/// A running source changes its tracks with the next block. Transcoders of tracks that change finish the old ones and
/// end; their successors are planned again.
void session::source_changed(const stream_format& x, time_point now) {
  auto before = *std::exchange(source_, x);
  auto beside = differ_beside(before, x);
  if (!beside)
    tracks_since_ = buffer_.end();
  renumber_aside(before);
  for (auto& name : variant_names()) {
    auto i = variants_.find(name);
    if (i == variants_.end() || !i->second.begun)
      continue;
    auto& v = i->second;
    if (beside && v.outdated)
      continue;
    if (!v.outdated && is_unaffected(v, before)) {
      follow(v);
      continue;
    }
    drop_next(v, {}, now);
    v.next_not_before = time_point::max(); // until there is a plan for it
    v.outdated = true;
    v.tracks_since = tracks_since_;
    if (v.parked)
      continue;
    if (v.current && v.current->running()) {
      v.current->until = std::min(v.current->until, v.tracks_since);
      pump(v.current->in, now);
    } else if (v.current) {
      effects_.stop(v.current->id, {});
      v.current.reset();
      v.again_at = now;
    } else if (!v.again_at) {
      again(v, now);
    }
  }
}

/// True if all tracks that the rendition is made from are as before, and it wants no new one.
bool session::is_unaffected(const variant& v, const stream_format& before) const {
  auto planned = plan_variant(*source_, v.target, config_.held);
  for (size_t i = 0; i < longer(before, *source_); ++i)
    if ((is_made_from(v.plan, before, i) || is_made_from(planned, *source_, i)) && !is_same(before, *source_, i))
      return false;
  return true;
}

/// The transcode of the rendition is not interrupted. Its subtitles and data are those of the new tracks.
void session::follow(variant& v) {
  auto planned = plan_variant(*source_, v.target, config_.held);
  v.plan.actions.resize(source_->tracks.size(), track_action::drop);
  v.plan.ranks = std::move(planned.ranks);
  v.plan.carried = std::move(planned.carried);
  if (!v.told.tracks.empty() && v.told != all_tracks(v))
    open_output(v);
}

/// Plans a rendition for the present tracks of the source. False if the rendition has none of them: then it is over.
/// Tracks that clients already have are matched by kind and by position within the kind.
bool session::plan_anew(variant& v, time_point now) {
  v.outdated = false;
  v.next_not_before = {};
  plan(v);
  auto output = passthrough_format(*source_, v.plan);
  if (output.tracks.empty()) {
    remove(v, ec::source_failed,
           "the source has changed, and none of its tracks is left in the profile " + v.target.name);
    return false;
  }
  std::vector<track_end> ends;
  std::map<track_kind, size_t> from;
  for (auto& t : output.tracks) {
    auto& k = from[t.kind];
    while (k < v.output.tracks.size() && v.output.tracks[k].kind != t.kind)
      ++k;
    ends.push_back(k < v.output.tracks.size() && k < v.ends.size() ? v.ends[k] : track_end{});
    ++k;
  }
  v.ends = std::move(ends);
  if (v.plan.passthrough()) {
    v.output = output;
    v.cursor = std::max(v.tracks_since, buffer_.first());
    // An attempt that died before it finished the old tracks leaves samples that can no longer be made.
    attempt rest{{}, std::make_shared<feed>(attempt_id{}, 0, watchdog_limits{}), now};
    rest.spans = spans_after(v);
    rest.in->cursor = v.cursor;
    count_missing(v, rest);
    for (auto& missing : rest.missing)
      v.lost(missing);
    v.opened = false;
  }
  return true;
}

} // namespace troupe::core
