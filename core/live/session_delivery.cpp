// The path of samples through a session: from the source's blocks to the attempts, and from the attempts to the
// clients.
#include "core/live/part_of.hpp"
#include "core/live/session.hpp"

#include <algorithm>
#include <cassert>
#include <utility>

namespace troupe::core {

namespace {

/// Output that an attempt may have under way before a group of pictures closes: far more than any encoder's reordering
/// needs.
constexpr uint64_t held_bytes_max = 32 * 1024 * 1024;

/// If the held-back output of a move is not due after this time, the source has stopped, and the output is delivered
/// anyway.
constexpr milliseconds tail_max{3000};

/// The samples of the tracks that the plan keeps.
sample_block kept_of(const sample_block& block, const variant_plan& plan) {
  return part_of(block, [&](const sample& s) {
    return s.track < plan.actions.size() && plan.actions[s.track] != track_action::drop;
  });
}

bool keeps_all(const variant_plan& plan) {
  return std::find(plan.actions.begin(), plan.actions.end(), track_action::drop) == plan.actions.end();
}

/// The kept samples, renumbered; the block itself if they are all, and have the same numbers. If no pictures are kept,
/// clients join at the first audio sample of a block, because the source's random-access points may be at pictures.
sample_block selected(const sample_block& block, const variant_plan& plan, bool pictures) {
  auto first_dropped = std::find(plan.actions.begin(), plan.actions.end(), track_action::drop);
  auto kept = std::none_of(first_dropped, plan.actions.end(), [](track_action x) { return x != track_action::drop; })
                ? first_dropped - plan.actions.begin()
                : 0;
  if (std::all_of(block.samples.begin(), block.samples.end(), [&](const sample& s) { return s.track < kept; }))
    return block;
  auto result = kept_of(block, plan);
  for (auto& s : result.samples) {
    auto end = plan.actions.begin() + s.track;
    s.track = static_cast<uint16_t>(
      std::count_if(plan.actions.begin(), end, [](track_action a) { return a != track_action::drop; }));
  }
  if (!pictures && !result.samples.empty() && (result.samples.front().flags & sample::key) != 0)
    result.samples.front().flags |= sample::random_access;
  return result;
}

/// Splits the block into pieces that each end with a sample of this track; the last piece has the rest.
std::vector<sample_block> split_after(uint16_t track, const sample_block& block) {
  std::vector<sample_block> result(1);
  size_t from = 0;
  size_t to = 0;
  auto close = [&] {
    auto data = block.bytes.span().subspan(from, to - from);
    result.back().bytes = shared_bytes{shared_bytes::container(data.begin(), data.end())};
    from = to;
  };
  for (size_t i = 0; i < block.samples.size(); ++i) {
    auto& s = block.samples[i];
    result.back().samples.push_back(s);
    to += s.size;
    if (s.track == track && i + 1 < block.samples.size()) {
      close();
      result.emplace_back();
    }
  }
  close();
  return result;
}

} // namespace

// -- events -------------------------------------------------------------------

void session::on(const format_change& x, time_point now) {
  if (probe_ && probe_->id == x.attempt)
    return;
  if (ingest_ && ingest_->id == x.attempt) {
    not_carried_ = x.not_carried;
    tracks_announced(x.format, now);
    return;
  }
  if (auto p = find(x.attempt); p.at != nullptr)
    p.at->output = x.format;
}

void session::on(const sample_batch& x, time_point now) {
  if (probe_ && probe_->id == x.attempt) {
    // The first URL works again. Its timeline must continue this one, so it is reopened.
    effects_.stop(probe_->id, {});
    probe_.reset();
    effects_.stop(ingest_->id, {});
    ingest_->url = 0;
    ++source_restarts_;
    start_ingest(now);
    return;
  }
  if (ingest_ && ingest_->id == x.attempt) {
    if (x.sequence <= ingest_->received)
      effects_.acknowledge({x.attempt, ingest_->received});
    else if (x.sequence > ingest_->received + 1)
      ingest_over("samples of the source were lost on the way", {}, now);
    else
      take_source(x, now);
    return;
  }
  if (auto p = find(x.attempt); p.at != nullptr)
    take_output(p, x, now);
}

void session::on(const batch_ack& x, time_point now) {
  auto in = feed_of(x.attempt);
  if (!in || !in->credit.acknowledge(x.sequence))
    return;
  while (in->unanswered.size() > in->credit.sent() - in->credit.acknowledged())
    in->unanswered.pop_front();
  in->watch.answered(in->credit.pending(), now);
  pump(in, now);
}

void session::on(const stream_end& x, time_point now) {
  if (probe_ && probe_->id == x.attempt) {
    effects_.stop(x.attempt, {});
    probe_.reset();
    return;
  }
  if (ingest_ && ingest_->id == x.attempt) {
    if (x.reason.empty())
      source_ended(now);
    else
      ingest_over(x.reason, {}, now);
    return;
  }
  auto p = find(x.attempt);
  if (p.at == nullptr)
    return;
  auto& v = *p.of;
  auto is_current = v.current && p.at == &*v.current;
  if (x.device_failed && !p.at->worker.seat.gpu.empty())
    return device_refused(v, *p.at, x.reason, now);
  if (!x.reason.empty() || !is_current || !p.at->finishing) {
    lose(v, *p.at, failover_reason::failed, {x.reason.empty() ? "the transcoder ended by itself" : x.reason},
         x.terminal, now);
    return;
  }
  if (p.at->last_batch && p.at->in->credit.acknowledged() < *p.at->last_batch) {
    lose(v, *p.at, failover_reason::failed, {"the transcoder ended before it had taken everything"}, false, now);
    return;
  }
  // All of its output is here, whether its last sample is marked `closed` or not.
  deliver_held(v, *v.current, now);
  auto tracks_changed = v.current->until <= v.tracks_since;
  effects_.stop(v.current->id, {});
  v.current.reset();
  if (v.next && v.change_at) {
    release_tail(v, false, now);
    flush(v, now);
  } else if (ingest_ && ingest_->ended && !tracks_changed) {
    remove(v, ec::source_failed, "the source has ended");
    if (variants_.empty())
      fail_everything(ec::none, {});
  } else {
    if (!v.changing)
      v.changing = tracks_changed ? failover_reason::source : failover_reason::lost;
    again(v, now);
  }
}

void session::on(attempt_id number, const work_statistics& x, time_point now) {
  if (ingest_ && ingest_->id == number) {
    ingest_->work = x;
    if (x.samples_out > 0)
      source_shift_ = x.source_shift;
    ingest_->heard = now;
  } else if (auto p = find(number); p.at != nullptr && p.of->current && p.at == &*p.of->current) {
    p.of->work = x;
  }
}

void session::down(attempt_id number, const std::string& why, time_point now) {
  if (probe_ && probe_->id == number) {
    effects_.stop(number, {});
    probe_.reset();
  } else if (ingest_ && ingest_->id == number) {
    ingest_over(why, {why}, now);
  } else if (auto p = find(number); p.at != nullptr) {
    lose(*p.of, *p.at, failover_reason::lost, {why, true}, false, now);
  }
}

// -- to the attempts -------------------------------------------------------------

void session::pump(variant& v, time_point now) {
  if (!v.begun)
    return;
  if (v.plan.passthrough()) {
    pass_through(v, now);
    return;
  }
  if (v.parked && !v.waiting.empty() && buffer_.join_point_from(v.tracks_since)) {
    again(v, now);
    return;
  }
  if (v.next)
    pump(v.next->in, now);
  if (v.current)
    pump(v.current->in, now);
}

void session::pump(std::shared_ptr<feed> in, time_point now) {
  auto fed = fed_by(*in);
  if (fed.empty() || !all_run(*in) || (!in->cursor && !find_beginning(*in, fed)))
    return;
  if (*in->cursor < buffer_.first()) {
    for (auto& number : numbers_of(fed))
      if (auto p = find(number); p.at != nullptr)
        lose(*p.of, *p.at, failover_reason::slow, {"it fell behind by more than the source buffer holds"}, false, now);
    return;
  }
  assert(*in->cursor <= buffer_.end());
  for (;;) {
    std::erase_if(fed, [this](const place& p) { return has_all(*p.at); });
    if (fed.empty() || *in->cursor >= buffer_.end() || !in->credit.open())
      return;
    auto number = (*in->cursor)++;
    auto& block = buffer_.at(number);
    assert(!block.samples.empty());
    in->announce = in->announce || block.is_absence();
    if (block.is_absence() && !has_slate(*fed.front().of))
      continue;
    if (in->credit.sent() == 0) {
      in->began = number;
      in->began_at = block.samples.front();
    }
    for (auto& [of, at] : fed) {
      count_leading(*of, *at, block);
      if (of->origin.dts == no_timestamp)
        of->origin = {block.samples.front().pts, block.samples.front().dts};
      if (number < of->fed_to)
        of->replayed_bytes += block.bytes.size();
      of->fed_to = std::max(of->fed_to, number + 1);
    }
    in->watch.sent(now);
    // Pictures are most of a source. Whoever makes only sound gets none; one batch stands for each block all the same.
    // An absence stands on the leading track, but concerns all.
    auto encodes_video = std::any_of(fed.begin(), fed.end(), [](auto& p) { return p.of->plan.encodes_video; });
    auto& plan = fed.front().of->plan;
    auto whole = block.is_absence() || fed.size() > 1 || encodes_video || keeps_all(plan);
    auto batch = whole ? block : kept_of(block, plan);
    if (!block.is_absence() && std::exchange(in->announce, false) && encodes_video)
      batch = with_splices(std::move(batch), number);
    in->unanswered.push_back(number);
    effects_.send({in->id, in->credit.send(batch.bytes.size()), std::move(batch)});
  }
}

/// True if the attempt gets no more source blocks. It is told so once.
bool session::has_all(attempt& a) {
  auto cursor = *a.in->cursor;
  if (cursor < a.until && !(ingest_ && ingest_->ended && cursor >= buffer_.end()))
    return false;
  if (!a.last_batch) {
    a.last_batch = a.in->credit.sent();
    a.finishing = true;
    effects_.finish(a.id);
  }
  return true;
}

void session::pass_through(variant& v, time_point now) {
  assert(v.plan.passthrough());
  if (v.cursor && *v.cursor < buffer_.first())
    v.cursor.reset();
  if (!v.cursor)
    v.cursor = v.flowing ? buffer_.join_point() : fresh_start(v);
  if (!v.cursor || *v.cursor >= buffer_.end())
    return;
  if (v.origin.dts == no_timestamp)
    v.origin = {buffer_.at(*v.cursor).samples.front().pts, buffer_.at(*v.cursor).samples.front().dts};
  if (!std::exchange(v.opened, true))
    open_output(v);
  auto pictures = v.output.tracks.at(leading_track(v.output)).kind == track_kind::video;
  while (*v.cursor < buffer_.end())
    if (auto& block = buffer_.at((*v.cursor)++); !block.is_absence())
      deliver(v, selected(block, v.plan, pictures), now);
}

// -- to the clients --------------------------------------------------------------

void session::take_output(place p, const sample_batch& x, time_point now) {
  auto& v = *p.of;
  auto& a = *p.at;
  if (x.sequence <= a.received) {
    effects_.acknowledge({x.attempt, a.received});
    return;
  }
  if (x.sequence > a.received + 1) {
    lose(v, a, failover_reason::failed, {"output was lost on the way"}, false, now);
    return;
  }
  ++a.received;
  effects_.acknowledge({x.attempt, x.sequence});
  if (x.block.samples.empty())
    return;
  a.held_bytes += x.block.bytes.size();
  a.held.push_back(x.block);
  if (a.held_bytes > held_bytes_max) {
    lose(v, a, failover_reason::failed, {"no group of its pictures closes"}, false, now);
    return;
  }
  flush(v, now);
}

/// Gives clients the completed output, from the attempt whose turn it is.
void session::flush(variant& v, time_point now) {
  if (v.current && v.current->closed()) {
    if (v.next && v.next_for == variant::purpose::hedge) {
      if (std::exchange(v.current->in->alarmed, false))
        v.current->in->watch.forgive(now);
      drop_next(v, {}, now);
    }
    deliver_held(v, *v.current, now);
    return;
  }
  if (!v.next || !v.next->closed())
    return;
  if (v.next_for == variant::purpose::hedge) {
    change_over(v, failover_reason::stalled, now);
    deliver_held(v, *v.current, now);
  } else if (v.change_at && !v.current && v.tail.empty()) {
    v.changing = failover_reason::drain;
    promote(v);
    deliver_held(v, *v.current, now);
  }
}

void session::deliver_held(variant& v, attempt& a, time_point now) {
  assert(v.current && &a == &*v.current); // only the current attempt delivers
  auto blocks = std::exchange(a.held, {});
  a.held_bytes = 0;
  // Clients join at a random-access point. Audio before the first one is of no use, and another attempt makes it again.
  while (!v.flowing && !blocks.empty() && !blocks.front().starts_with_random_access())
    blocks.pop_front();
  if (blocks.empty())
    return;
  // Missing samples count as lost only when later output is there: until then another attempt may still make them.
  for (auto& block : blocks)
    for (auto& s : block.samples)
      if (s.track < a.missing.size())
        v.lost(std::exchange(a.missing[s.track], {}));
  if (v.change_at) {
    for (auto& block : blocks)
      for (auto& piece : split_after(leading_track(v.output), block))
        v.tail.push_back(std::move(piece));
    release_tail(v, false, now);
    return;
  }
  v.output = a.output;
  if (v.told != all_tracks(v))
    open_output(v);
  a.delivered = true;
  for (auto& block : blocks)
    deliver(v, block, now);
  v.lag = source_dts_ - v.newest_dts();
}

/// In a move, the old attempt's last output comes too early. Releases it with the same lag behind the source as the
/// output before it.
void session::release_tail(variant& v, bool all, time_point now) {
  all = all || now - v.change_since >= tail_max;
  while (!v.tail.empty() && (all || v.tail.front().samples.back().dts <= source_dts_ - v.lag)) {
    assert(!v.tail.front().samples.empty());
    auto block = std::move(v.tail.front());
    v.tail.pop_front();
    deliver(v, block, now);
  }
}

void session::deliver(variant& v, const sample_block& block, time_point now) {
  if (block.samples.empty())
    return;
  auto joinable = block.starts_with_random_access();
  auto lifted = block;
  for (auto& s : lifted.samples) {
    s.flags &= static_cast<uint8_t>(~sample::closed);
    if (s.track >= v.ends.size())
      v.ends.resize(s.track + size_t{1});
    auto& end = v.ends[s.track];
    // A new attempt's encoder may begin its decoding times a little before the end of the previous attempt.
    if (s.dts <= end.dts)
      s.dts = end.dts + 1;
    end.dts = s.dts;
    end.pts = std::max(end.pts, s.pts);
  }
  if (v.changing) {
    v.last_gap = std::chrono::duration_cast<milliseconds>(now - v.last_output);
    v.last_failover = to_string(*v.changing);
    ++v.failovers;
    effects_.failed_over(v.target.name, *v.changing, v.last_gap, v.replayed_bytes - v.replayed_reported);
    v.replayed_reported = v.replayed_bytes;
    v.changing.reset();
  }
  v.last_output = now;
  v.tries = 0;
  if (v.places.size() == v.output.tracks.size())
    for (auto& s : lifted.samples)
      if (s.track < v.places.size())
        s.track = v.places[s.track];
  effects_.deliver(v.target.name, lifted);
  carry(v, lifted.samples.back().dts);
  if (v.flowing || !joinable)
    return;
  v.flowing = true;
  for (auto& w : std::exchange(v.waiting, {}))
    effects_.answer(w.id, v.target.name);
}

} // namespace troupe::core
