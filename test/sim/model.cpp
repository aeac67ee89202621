#include "test/sim/model.hpp"

#include "test/sim/source.hpp"

#include <algorithm>

namespace troupe::sim {

using core::track_action;

transcode_model::transcode_model(const transcode_work& work, encoder_habits habits)
  : habits_(habits), reorder_(work.target.video.b_frames > 0), open_start_(work.spans.empty()) {
  auto plan = core::plan_variant(work.source, work.target);
  for (size_t i = 0; i < work.source.tracks.size(); ++i) {
    lane l;
    l.action = plan.actions[i];
    l.kind = work.source.tracks[i].kind;
    if (!open_start_)
      l.span = work.spans.at(i);
    if (l.action != track_action::drop) {
      l.number = static_cast<uint16_t>(output_.tracks.size());
      output_.tracks.push_back(work.source.tracks[i]);
      if (l.action == track_action::encode)
        output_.tracks.back().codec = l.kind == track_kind::video ? "h264" : "aac";
    } else {
      l.done = true;
    }
    lanes_.push_back(std::move(l));
  }
}

void transcode_model::begin(const sample& x) {
  begun_ = true;
  for (auto& l : lanes_)
    if (l.span.from_pts == no_timestamp)
      l.span.from_pts = l.action == track_action::copy && l.kind == track_kind::video ? x.dts : x.pts;
}

void transcode_model::feed(const sample_block& block) {
  if (finished_)
    return;
  for (auto& s : block.samples) {
    if (!begun_ && s.is_random_access())
      begin(s);
    if (begun_ && s.track < lanes_.size())
      feed(lanes_[s.track], s);
  }
  merge();
}

void transcode_model::feed(lane& l, const sample& x) {
  if (l.done)
    return;
  if (l.action == track_action::copy)
    copy(l, x);
  else if (l.kind == track_kind::video)
    decode(l, x);
  else if (x.pts >= l.span.to_pts)
    end(l);
  else
    to_encoder(l, x);
  if (!l.done)
    l.passed = std::max(l.passed, x.dts - static_cast<int64_t>(l.frames.size() + l.decoded.size() + 2) * picture_ticks);
}

void transcode_model::copy(lane& l, const sample& x) {
  if (x.dts >= l.span.to_pts) {
    end(l);
    return;
  }
  if (x.dts < l.span.from_pts)
    return;
  auto s = x;
  s.track = l.number;
  s.flags |= sample::closed;
  l.out.push_back(s);
}

void transcode_model::decode(lane& l, const sample& x) {
  auto key = (x.flags & sample::key) != 0;
  if ((x.flags & sample::discontinuity) != 0) {
    flush_decoder(l);
    l.started = false;
  }
  if (!l.started && !key)
    return;
  if (!l.started) {
    l.started = true;
    l.first_key = x.pts;
  }
  if (x.pts < l.first_key)
    return; // the pictures that it refers to were not fed
  l.decoded.emplace(x.pts, x);
  // Later pictures are decoded, and so shown, after this one's decoding time: earlier times are complete.
  while (!l.decoded.empty() && l.decoded.begin()->first <= x.dts && !l.done) {
    auto first = l.decoded.begin()->second;
    l.decoded.erase(l.decoded.begin());
    to_encoder(l, first);
  }
}

void transcode_model::flush_decoder(lane& l) {
  for (auto& [pts, x] : std::exchange(l.decoded, {}))
    if (!l.done)
      to_encoder(l, x);
}

void transcode_model::to_encoder(lane& l, const sample& x) {
  if (x.pts < l.span.from_pts)
    return;
  if (x.pts >= l.span.to_pts) {
    end(l);
    return;
  }
  l.frames.push_back(x);
  if (l.kind == track_kind::video && reorder_)
    l.times.push_back(x.pts);
  encode(l, false);
}

void transcode_model::encode(lane& l, bool flush) {
  if (l.kind != track_kind::video) {
    for (; l.frames.size() > (flush ? 0 : habits_.sound_delay); l.frames.pop_front())
      emit(l, l.frames.front(), false, true);
    return;
  }
  auto kept = flush ? 0 : habits_.lookahead;
  while (l.frames.size() > kept) {
    auto first = l.frames.front();
    auto key = l.since_key == 0 || l.since_key >= habits_.group;
    if (key)
      l.since_key = 0;
    auto in_group = !key && reorder_ && l.since_key + 3 <= habits_.group;
    if (in_group && l.frames.size() < kept + 3 && !flush)
      return; // the next anchor picture has not arrived
    if (in_group && l.frames.size() >= 3) {
      emit(l, l.frames[2], false, false);
      emit(l, l.frames[0], false, false);
      emit(l, l.frames[1], false, true);
      l.frames.erase(l.frames.begin(), l.frames.begin() + 3);
      l.since_key += 3;
      continue;
    }
    emit(l, first, key, true);
    l.frames.pop_front();
    ++l.since_key;
  }
}

void transcode_model::emit(lane& l, sample x, bool key, bool closed) {
  if (l.kind == track_kind::video) {
    // Decoding times are the presentation times in order, one picture later if pictures are reordered.
    x.flags = key ? sample::random_access | sample::key : 0;
    if (reorder_ && l.times_used) {
      x.dts = l.times.front();
      l.times.pop_front();
    } else if (reorder_) {
      x.dts = l.times.front() - picture_ticks;
      l.times_used = true;
    } else {
      x.dts = x.pts;
    }
  } else {
    x.flags = sample::key;
    x.dts = x.pts;
  }
  x.track = l.number;
  x.flags |= closed ? sample::closed : 0;
  l.out.push_back(x);
}

void transcode_model::end(lane& l) {
  if (l.done)
    return;
  flush_decoder(l);
  if (l.action == track_action::encode)
    encode(l, true);
  l.done = true;
}

void transcode_model::finish() {
  if (finished_)
    return;
  for (auto& l : lanes_)
    end(l);
  merge();
}

void transcode_model::finish_at(int64_t to_pts) {
  for (auto& l : lanes_)
    l.span.to_pts = std::min(l.span.to_pts, to_pts);
}

void transcode_model::merge() {
  for (;;) {
    lane* next = nullptr;
    for (auto& l : lanes_)
      if (!l.out.empty() && (next == nullptr || l.out.front().dts < next->out.front().dts))
        next = &l;
    if (next == nullptr)
      break;
    auto dts = next->out.front().dts;
    auto waits = [&](const lane& l) { return !l.done && l.out.empty() && l.passed < dts; };
    if (habits_.sorted && std::any_of(lanes_.begin(), lanes_.end(), waits))
      break;
    auto s = next->out.front();
    next->out.pop_front();
    if (next->kind == track_kind::video)
      closed_ = (s.flags & sample::closed) != 0;
    else if (!closed_)
      s.flags &= static_cast<uint8_t>(~sample::closed);
    append(blocks_, s, s.is_random_access());
  }
  finished_ = std::all_of(lanes_.begin(), lanes_.end(), [](const lane& l) { return l.done && l.out.empty(); });
}

std::vector<sample_block> transcode_model::take() {
  fill(blocks_);
  return std::exchange(blocks_, {});
}

} // namespace troupe::sim
