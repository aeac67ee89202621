#include "core/jobs/file_job.hpp"

#include <algorithm>
#include <cassert>
#include <limits>
#include <utility>

namespace troupe::core {

namespace {

constexpr auto measured_span = std::chrono::seconds{5};
constexpr size_t placements_kept = 16;

} // namespace

std::string_view to_string(file_phase x) {
  constexpr std::string_view names[] = {"probing", "encoding", "assembling", "ended"};
  assert(static_cast<size_t>(x) < std::size(names));
  return names[static_cast<size_t>(x)];
}

file_job::file_job(file_job_config config, file_job_begin begin, file_job_effects& effects)
  : config_(config), begin_(std::move(begin)), effects_(effects) {
  auto& probe = parts_.emplace_back();
  probe.kind = work_kind::probe;
}

// -- events -------------------------------------------------------------------

void file_job::begin(time_point now) {
  assert(!began_ && phase_ == file_phase::probing);
  began_ = now;
  pump(now);
}

void file_job::granted(attempt_id attempt, const lease& x, time_point now) {
  auto* p = find(attempt);
  if (ended() || p == nullptr || p->state != part_state::leasing) {
    effects_.stop(attempt, {});
    return;
  }
  if (p->is_chunk() && p->chunk.kind == chunk_kind::video && !x.seat.encoder.empty()) {
    if (encoder_.empty())
      encoder_ = x.seat.encoder;
    if (encoder_ != x.seat.encoder) { // this lease was requested before the job's encoder was known
      effects_.stop(attempt, {});
      p->state = part_state::waiting;
      p->attempt = {};
      return pump(now);
    }
  }
  p->state = part_state::running;
  p->held = x;
  p->heard = p->moved = now;
  p->progress = {};
  auto part_name = p->is_chunk() ? "chunk " + std::to_string(p->chunk.number) : std::string{troupe::to_string(p->kind)};
  placements_.push_back({std::move(part_name), x});
  if (placements_.size() > placements_kept)
    placements_.pop_front();
  if (p->is_chunk()) {
    p->chunk.path = path_of(*p);
    say_at_work("its first chunk has begun");
    say().chunk_began(p->chunk.number, x);
  }
  effects_.start(work_of(*p));
  pump(now);
}

void file_job::not_granted(attempt_id attempt, time_point now, bool encoder_gone) {
  auto* p = find(attempt);
  if (ended() || p == nullptr || p->state != part_state::leasing)
    return;
  p->state = part_state::waiting;
  p->attempt = {};
  p->not_before = now + config_.retry_first;
  if (encoder_gone && !encoder_.empty() && p->wanted_encoder == encoder_)
    lose_encoder(*p, now);
}

void file_job::on(const file_progress& x, time_point now) {
  auto* p = find(x.attempt);
  if (p == nullptr || p->state != part_state::running)
    return;
  p->heard = now;
  if (x.frames != p->progress.frames || x.bytes != p->progress.bytes || x.done != p->progress.done)
    p->moved = now;
  p->progress = x;
  if (x.frames > 0)
    note_first_frame(*p, now);
  check_limits(now);
}

void file_job::on(const file_result& x, time_point now) {
  auto* p = find(x.attempt);
  if (p == nullptr || p->state != part_state::running)
    return;
  if (auto* why = std::get_if<file_failure>(&x.outcome))
    return broke(*p, *why, now);
  auto* probed = std::get_if<source_summary>(&x.outcome);
  auto* chunk = std::get_if<chunk_done>(&x.outcome);
  auto* published = std::get_if<file_published>(&x.outcome);
  if ((probed != nullptr) != (p->kind == work_kind::probe) || (chunk != nullptr) != p->is_chunk())
    return broke(*p, {false, false, "the task answered something else than it was asked"}, now);
  if (chunk != nullptr && p->pictures && chunk->sought && chunk->frames != *p->pictures)
    return broke(
      *p,
      {false, false,
       "the chunk has " + std::to_string(chunk->frames) + " pictures instead of " + std::to_string(*p->pictures)},
      now);
  p->state = part_state::done;
  p->made_by = p->held.worker;
  deaths_in_a_row_ = 0;
  deadly_with_.clear();
  release(*p, {});
  if (probed != nullptr) {
    if (phase_ == file_phase::probing)
      plan(*probed, now);
    else
      examined(*probed, now);
  } else if (chunk != nullptr) {
    p->chunk.done = true;
    p->chunk.result = *chunk;
    note_first_frame(*p, now);
    say().chunk_ended(p->chunk.number, p->chunk.path, *chunk);
    check_limits(now);
    assemble_if_done(now);
  } else {
    assert(published != nullptr && phase_ == file_phase::assembling);
    phase_ = file_phase::ended;
    auto result = *published;
    note_converted(result.notes);
    note_source(result.notes);
    say().completed(result);
    return;
  }
  pump(now);
}

void file_job::down(attempt_id attempt, const std::string& why, time_point now, bool out_of_memory) {
  if (auto* p = find(attempt); p != nullptr && p->state == part_state::running)
    lost(*p, {why, !out_of_memory}, now, out_of_memory); // its own limit killed it: not the worker's fault
}

void file_job::give_back(lease_id x, time_point now) {
  for (auto& p : parts_)
    if (p.is_chunk() && p.state == part_state::running && p.held.id == x) {
      ++given_back_;
      release(p, {});
      wait_again(p, "given back: its slot is needed for live work");
      pump(now);
      return;
    }
}

void file_job::tick(time_point now) {
  for (auto& p : parts_) {
    if (p.state != part_state::running || ended())
      continue;
    if (now - p.heard > config_.silence_max)
      lost(p, {"the task said nothing for " + std::to_string(config_.silence_max.count()) + " ms", true}, now);
    else if (now - p.moved > config_.stall_max)
      // With a URL, the task may be waiting for a slow server, which is not the worker's fault.
      lost(p,
           {"the task made no progress for " + std::to_string(config_.stall_max.count()) + " ms",
            begin_.order.input.find("://") == std::string::npos},
           now);
  }
  check_limits(now);
  measured_.push_back({now, frames_made(), share_done()});
  while (measured_.size() > 2 && now - measured_.front().at > measured_span)
    measured_.pop_front();
  pump(now);
}

void file_job::cancel() {
  stop_all();
}

void file_job::stored(time_point now) {
  gate_.stored();
  if (gate_.open())
    pump(now);
}

void file_job::say_at_work(const std::string& why) {
  if (!std::exchange(at_work_, true))
    say().at_work(why);
}

// -- leases -------------------------------------------------------------------

file_job::part* file_job::find(attempt_id attempt) {
  if (!attempt)
    return nullptr;
  auto i = std::find_if(parts_.begin(), parts_.end(), [attempt](const part& p) { return p.attempt == attempt; });
  return i == parts_.end() ? nullptr : &*i;
}

void file_job::pump(time_point now) {
  if (ended())
    return;
  auto asked = static_cast<size_t>(
    std::count_if(parts_.begin(), parts_.end(), [](const part& p) { return p.state == part_state::leasing; }));
  for (auto& p : parts_) {
    if (asked >= config_.requests_max)
      return;
    if (p.state != part_state::waiting || now < p.not_before)
      continue;
    // The assembly publishes: before it starts, everything must be durable.
    if (p.kind == work_kind::assemble && !gate_.open())
      continue;
    if (std::exchange(p.awaited, false))
      say().chunk_waits(p.chunk.number, p.failures, "its task did not come back");
    assert(!p.attempt);
    p.state = part_state::leasing;
    p.attempt = attempt_id{next_attempt_++};
    ++asked;
    p.wanted_encoder = encoder_;
    effects_.lease(p.attempt, request_of(p));
  }
}

uint32_t file_job::threads_of_chunk() const {
  auto open = static_cast<uint32_t>(std::count_if(parts_.begin(), parts_.end(), [](const part& p) {
    return p.is_chunk() && p.chunk.kind == chunk_kind::video && p.state != part_state::done;
  }));
  auto beside = std::min({open, capacity_.slots, capacity_.cores});
  // A chunk that runs alone may use all cores.
  if (beside <= 1)
    return 0;
  return capacity_.cores / beside;
}

// -- ends of tries ------------------------------------------------------------

void file_job::release(part& x, const lease_end& how) {
  assert(x.attempt && (x.state == part_state::running || x.state == part_state::done));
  effects_.stop(x.attempt, how);
  if (x.state == part_state::running)
    x.state = part_state::waiting;
  x.attempt = {};
  x.held = {};
}

void file_job::note_first_frame(const part& x, time_point now) {
  auto pictures = std::any_of(parts_.begin(), parts_.end(),
                              [](const part& p) { return p.is_chunk() && p.chunk.kind == chunk_kind::video; });
  if (!first_frame_ && x.is_chunk() && (!pictures || x.chunk.kind == chunk_kind::video))
    first_frame_ = now;
  else
    return;
  // Parts that waited for the first picture may start now.
  for (auto& p : parts_)
    if (p.state == part_state::waiting && !p.awaited && p.failures == 0)
      p.not_before = std::min(p.not_before, now);
  pump(now);
}

void file_job::check_limits(time_point now) {
  auto& limits = begin_.order.limits;
  if (ended())
    return;
  if (limits.time.count() > 0 && began_ && now - *began_ > limits.time)
    fail(failure_kind::terminal, "out of time: it was given " + std::to_string(limits.time.count())
                                   + " ms; what is finished is kept for a retry");
  else if (auto bytes = bytes_made(); limits.disk_bytes > 0 && bytes > limits.disk_bytes)
    fail(failure_kind::terminal, "its files have " + std::to_string(bytes) + " bytes, more than its limit of "
                                   + std::to_string(limits.disk_bytes) + " bytes");
}

void file_job::fail(failure_kind kind, const std::string& why) {
  assert(!ended()); // a job ends once
  stop_all();
  say().failed(kind, why);
}

void file_job::stop_all() {
  phase_ = file_phase::ended;
  for (auto& p : parts_)
    if (p.state == part_state::running)
      release(p, {});
}

} // namespace troupe::core
