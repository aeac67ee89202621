// Makes the parts of the job from the probe's findings.
#include "base/mask_url.hpp"
#include "core/jobs/file_job.hpp"

#include <algorithm>
#include <cassert>
#include <limits>
#include <set>

namespace troupe::core {

namespace {

constexpr auto before_all = std::numeric_limits<int64_t>::min();
constexpr auto highest = std::numeric_limits<int64_t>::max();

} // namespace

bool keeps_pictures(const file_order& x) {
  return x.video.frame_rate.num == 0 && x.video.deinterlace != "field";
}

std::vector<file_job::part> file_job::plan_video(const source_stream_summary& x) {
  auto& order = begin_.order;
  chunk_request wanted;
  for (auto& cut : source_.cuts)
    wanted.points.push_back({cut.pts, cut.pictures_before});
  wanted.end = x.end_pts;
  wanted.pictures = source_.countable ? x.packets : 0;
  wanted.slots = std::clamp(capacity_.cores / usual_cores(order.video.codec), 1u, std::max(capacity_.slots, 1u));
  wanted.lengths = usual_chunk_lengths(order.video.codec);
  wanted.side_by_side = capacity_.slots;
  if (keeps_pictures(order) && order.video.keyframe_interval.count() == 0) {
    wanted.key_distance = usual_key_distance(order.video.codec);
    if (auto told = fitting_key_distance(order.video.codec, wanted.points, wanted.end, wanted.pictures); told > 0) {
      wanted.key_distance = told;
      auto ticks = (wanted.end - wanted.points.front().pts) * static_cast<int64_t>(told);
      key_interval_ = std::chrono::milliseconds{ticks / 90 / static_cast<int64_t>(wanted.pictures)};
    }
    // An encoder with a target bit rate needs some time to reach it, so its chunks must not be short.
    wanted.keys_are_dear = order.video.bit_rate == 0 && are_keys_dear(order.video.codec);
  }
  if (order.chunk_duration.count() > 0)
    wanted.target_ticks = order.chunk_duration.count() * ticks_per_second / 1000;
  if (order.chunk_frames > 0)
    wanted.target_pictures = order.chunk_frames;
  // A copy needs no cuts: it is read once, in order.
  if (order.video.codec == "copy" && wanted.points.size() > 1)
    wanted.points.resize(1);
  std::vector<part> result;
  for (auto& made : plan_chunks(wanted)) {
    auto& p = result.emplace_back();
    p.chunk.kind = chunk_kind::video;
    p.chunk.from = made.from;
    p.chunk.to = made.to;
    p.ticks = made.ticks;
    if (keeps_pictures(order) && order.video.codec != "copy")
      p.pictures = made.pictures;
  }
  return result;
}

void file_job::plan(const source_summary& x, time_point now) {
  assert(phase_ == file_phase::probing);
  source_ = x;
  auto& order = begin_.order;
  std::vector<part> parts;
  auto sound = false;
  for (auto& s : source_.streams) {
    if (s.video && order.video.codec == "copy" && !s.instead.empty())
      return fail(failure_kind::terminal, "stream " + std::to_string(s.stream) + " is " + s.codec + ", which "
                                            + order.container + " does not hold: choose a video encoder (" + s.instead
                                            + "), or another container");
    if (s.video && order.video.codec != "none" && parts.empty())
      parts = plan_video(s);
    sound = sound || (!s.video && order.audio.codec != "none");
  }
  if (sound) {
    auto& p = parts.emplace_back();
    p.chunk.kind = chunk_kind::audio;
    p.chunk.from = before_all;
    p.chunk.to = highest;
  }
  if (parts.empty())
    return fail(failure_kind::terminal, "nothing is left to make of " + base::mask_url(order.input)
                                          + ": it has no picture or sound that the order asks for");
  if (parts.size() > file_chunks_max)
    return fail(failure_kind::terminal, "the plan has more chunks than a job may have; ask for longer ones");
  for (size_t i = 0; i < parts.size(); ++i)
    parts[i].chunk.number = static_cast<uint32_t>(i);
  if (!adopt(parts, now)) {
    std::vector<file_chunk> chunks;
    chunks.reserve(parts.size());
    for (auto& p : parts)
      chunks.push_back(p.chunk);
    say().planned(chunks);
  }
  phase_ = file_phase::encoding;
  // The whole sound is one part. It starts early, so that the job does not have to wait for it at the end. Only the
  // first video chunk starts before it, because a user may be waiting for the first picture.
  if (sound && parts.size() > 2)
    std::rotate(parts.begin() + 1, parts.end() - 1, parts.end());
  give_head_start(parts, now);
  for (auto& p : parts)
    parts_.push_back(std::move(p));
  assemble_if_done(now);
}

void file_job::give_head_start(std::vector<part>& parts, time_point now) const {
  assert(!parts.empty());
  auto& first = parts.front();
  if (first.chunk.kind != chunk_kind::video || first.state != part_state::waiting || first.awaited)
    return;
  for (size_t i = 1; i < parts.size(); ++i)
    if (parts[i].state == part_state::waiting && !parts[i].awaited)
      parts[i].not_before = now + config_.head_start;
}

bool file_job::adopt(std::vector<part>& parts, time_point now) {
  auto& had = begin_.chunks;
  if (had.empty())
    return false;
  // The stored plan may have other cuts than a plan made now, which depends on the workers. But its cuts must be cut
  // points of this source.
  std::vector<part> kept;
  auto next = before_all;
  auto sounds = 0;
  for (auto& c : had) {
    auto& p = kept.emplace_back();
    p.chunk = c;
    p.chunk.done = false;
    if (c.number != kept.size() - 1)
      return false;
    if (c.kind == chunk_kind::audio) {
      ++sounds;
      continue;
    }
    auto from = std::find_if(source_.cuts.begin(), source_.cuts.end(), [&](auto& x) { return x.pts == c.from; });
    auto to = std::find_if(source_.cuts.begin(), source_.cuts.end(), [&](auto& x) { return x.pts == c.to; });
    if (c.from != next || sounds > 0 || (c.from != before_all && from == source_.cuts.end())
        || (c.to != highest && to == source_.cuts.end()))
      return false;
    auto video = std::find_if(source_.streams.begin(), source_.streams.end(), [](auto& s) { return s.video; });
    if (video == source_.streams.end())
      return false;
    auto first = source_.cuts.empty() ? source_.origin : source_.cuts.front().pts;
    p.ticks = (c.to == highest ? video->end_pts : c.to) - (c.from == before_all ? first : c.from);
    if (parts.front().pictures)
      p.pictures =
        (c.to == highest ? video->packets : to->pictures_before) - (c.from == before_all ? 0 : from->pictures_before);
    next = c.to;
  }
  auto video = parts.front().chunk.kind == chunk_kind::video;
  auto sound = parts.back().chunk.kind == chunk_kind::audio;
  if (sounds != (sound ? 1 : 0) || next != (video ? highest : before_all))
    return false;
  auto is_whole = [this](const file_chunk& c) {
    auto& whole = source_.whole_chunks;
    return c.done && std::find(whole.begin(), whole.end(), c.number) != whole.end();
  };
  std::set<std::string> encoders;
  for (auto& c : had)
    if (auto of = encoder_of(c.path); of && is_whole(c) && c.kind == chunk_kind::video)
      encoders.insert(*of);
  // All chunks must be from one encoder; otherwise all are made again.
  auto mixed = encoders.size() > 1;
  if (encoders.size() == 1 && *encoders.begin() != "none")
    encoder_ = *encoders.begin();
  for (size_t i = 0; i < kept.size(); ++i) {
    auto& p = kept[i];
    if (had[i].begun) {
      p.awaited = true;
      p.not_before = now + config_.orphan_wait;
    }
    if (!had[i].done)
      continue;
    auto whole = is_whole(had[i]);
    auto of_this = encoder_of(p.chunk.path).has_value();
    auto fits = p.chunk.kind != chunk_kind::video || !mixed;
    if (whole && of_this && fits) {
      p.state = part_state::done;
      p.chunk.done = true;
    } else {
      say().chunk_spoiled(p.chunk.number, !whole     ? "its file is missing or damaged"
                                          : !of_this ? "its file is of another source, or of an older version"
                                                     : "the chunks are of several encoders");
    }
  }
  parts = std::move(kept);
  return true;
}

file_job::part* file_job::find_awaited(const chunk_work& x) {
  auto i = std::find_if(parts_.begin(), parts_.end(), [&](const part& p) {
    return p.is_chunk() && p.awaited && p.state == part_state::waiting && p.chunk.number == x.number;
  });
  if (i == parts_.end() || ended())
    return nullptr;
  // The paths that the task reads and writes may differ from one attempt of the job to the next. Everything that
  // decides its output must be the same.
  auto wanted = chunk_work_of(*i);
  wanted.source = x.source;
  wanted.destination = x.destination;
  wanted.threads = x.threads;
  wanted.seat = x.seat;
  auto of = encoder_of(x.destination);
  auto ours = x.destination.starts_with(begin_.folder + "/") && of;
  auto fits = x.kind != chunk_kind::video || encoder_.empty() || of == encoder_;
  return wanted == x && ours && fits ? &*i : nullptr;
}

bool file_job::awaits(const chunk_work& x, time_point now) {
  auto* p = find_awaited(x);
  if (p != nullptr)
    p->not_before = now + config_.orphan_wait;
  return p != nullptr;
}

std::optional<attempt_id> file_job::take_over(const chunk_work& x, const lease& held, time_point now) {
  auto* p = find_awaited(x);
  if (p == nullptr)
    return {};
  assert(!p->attempt);
  p->awaited = false;
  p->state = part_state::running;
  p->attempt = attempt_id{next_attempt_++};
  p->held = held;
  if (encoder_.empty())
    encoder_ = x.seat.encoder;
  p->heard = p->moved = now;
  p->progress = {};
  p->chunk.path = x.destination;
  effects_.attach(p->attempt);
  return p->attempt;
}

bool file_job::examine_chunks(const file_failure& why, time_point now) {
  // A worker that reports a wrong checksum may do so again. A few examinations are enough to move the chunks to other
  // workers.
  if (examinations_ >= config_.retries_max)
    return false;
  ++examinations_;
  unexplained_ = why;
  // The assembly is tried again once all chunks are known to be good.
  auto assembly =
    std::find_if(parts_.begin(), parts_.end(), [](const part& p) { return p.kind == work_kind::assemble; });
  assert(assembly != parts_.end() && phase_ == file_phase::assembling);
  release(*assembly, {});
  parts_.erase(assembly);
  parts_.emplace_back().kind = work_kind::probe;
  ++retries_;
  pump(now);
  return true;
}

void file_job::examined(const source_summary& x, time_point now) {
  if (x.identity != source_.identity)
    return fail(failure_kind::terminal, "the source changed while the job was working on it: submit the job again");
  assert(unexplained_);
  auto spoiled = false;
  for (auto& p : parts_) {
    auto& whole = x.whole_chunks;
    if (!p.is_chunk() || std::find(whole.begin(), whole.end(), p.chunk.number) != whole.end())
      continue;
    spoiled = true;
    p.state = part_state::waiting;
    p.chunk.done = false;
    p.progress = {};
    ++p.failures;
    if (p.made_by)
      p.refused_by.push_back(p.made_by);
    say().chunk_spoiled(p.chunk.number, "its file is not what its worker announced");
  }
  // All chunks are good, so they did not cause the error: a terminal error is final.
  if (!spoiled && unexplained_->terminal)
    return fail(failure_kind::terminal, unexplained_->reason);
  phase_ = file_phase::encoding;
  assemble_if_done(now);
}

void file_job::assemble_if_done(time_point now) {
  if (phase_ != file_phase::encoding
      || std::any_of(parts_.begin(), parts_.end(), [](const part& p) { return p.state != part_state::done; }))
    return;
  phase_ = file_phase::assembling;
  say_at_work("its chunks are there already");
  // In `parts_` the video chunks are in the order of their windows. The sound may stand between them.
  parts_.emplace_back().kind = work_kind::assemble;
  pump(now);
}

} // namespace troupe::core
