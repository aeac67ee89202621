#include "core/live/session.hpp"

#include <algorithm>
#include <cassert>
#include <utility>

namespace troupe::core {

namespace {

/// How long until the next request for a worker if none was available. The request itself waits for the registry's
/// selection timeout.
constexpr milliseconds again_after{250};

slate_kind slate_of(const channel& x, const session_config& otherwise) {
  for (auto kind : {slate_kind::last, slate_kind::image, slate_kind::bars, slate_kind::none})
    if (x.slate == to_string(kind))
      return kind;
  return otherwise.slate;
}

} // namespace

session::session(session_config config, session_id id, channel source, session_effects& effects, time_point now,
                 int64_t unix_ms, const std::optional<continuation>& before)
  : config_(std::move(config)),
    id_(id),
    channel_(std::move(source)),
    effects_(effects),
    started_at_ms_(unix_ms),
    started_(now),
    buffer_(config_.buffer),
    slate_(slate_of(channel_, config_)),
    rhythm_(config_.slate_after) {
  if (before && before->reached(unix_ms) && slate_ != slate_kind::none)
    before_ = before;
}

// -- clients ------------------------------------------------------------------

void session::watch(const profile& target, ticket x, time_point now) {
  auto [i, added] = variants_.try_emplace(target.name, target, now);
  auto& v = i->second;
  if (auto ladder = ladder_of(target.name); !ladder.empty())
    ladders_[std::string{ladder}].failed.erase(target.name);
  v.idle_since.reset();
  if (v.flowing) {
    effects_.answer(x, target.name);
    return;
  }
  if (v.waiting.size() >= config_.watchers_max) {
    effects_.refuse(x, ec::limit, "too many clients wait for " + channel_.name + "/" + target.name);
    return;
  }
  v.waiting.push_back({x, now});
  if (!ingest_)
    start_ingest(now);
  else if (added && source_)
    begin(v, now);
  else
    pump(v, now);
}

void session::tick(time_point now) {
  tick_source(now);
  for (auto& name : variant_names())
    if (auto i = variants_.find(name); i != variants_.end())
      tick(i->second, now);
  // A task that waited for another rendition, which has left meanwhile, starts without it.
  for (auto& name : variant_names())
    if (auto i = variants_.find(name); i != variants_.end() && i->second.current && !i->second.current->in->cursor)
      pump(i->second, now);
  if (variants_.empty() && ingest_)
    fail_everything(ec::none, {});
  ask_together();
}

void session::tick(variant& v, time_point now) {
  auto patience = config_.patience(v.target.video);
  auto late = [&](const waiting_client& w) { return now - w.since >= patience; };
  for (auto& w : v.waiting)
    if (late(w)) {
      // An earlier failure says more than the fact that nothing came.
      auto& why = v.last_failure.empty() ? reason_ : v.last_failure;
      effects_.refuse(w.id, ec::timeout,
                      why.empty() ? "no bytes of " + channel_.name + "/" + v.target.name + " came in time" : why);
    }
  std::erase_if(v.waiting, late);
  auto why = silence(v, now);
  if (!why.empty() && v.silence.empty())
    effects_.notice(v.target.name, "clients get nothing: " + why);
  v.silence = std::move(why);
  if (!v.waiting.empty() || effects_.clients(v.target.name) > 0) {
    v.idle_since.reset();
  } else if (!v.idle_since) {
    v.idle_since = now;
  } else if (now - *v.idle_since >= config_.idle_timeout) {
    remove(v, ec::none, {});
    return;
  }
  if (v.begun && !v.plan.passthrough())
    watch_over(v, now);
}

/// Why the rendition's clients have received nothing for a while.
std::string session::silence(const variant& v, time_point now) const {
  if (now - v.last_output < config_.silence_after || (!v.flowing && v.waiting.empty()))
    return {};
  auto because = [&]() -> std::string {
    if (!source_)
      return "the source does not open";
    if (!ingest_ || ingest_->lost_since)
      return reason_.empty() ? "the source is away" : reason_;
    if (!v.flowing && !buffer_.join_point())
      return "the source has shown no random-access point yet";
    if (v.plan.passthrough())
      return "the source sends nothing";
    if (!v.current || v.current->state == attempt::phase::leasing)
      return v.last_failure.empty() ? "no worker takes it" : v.last_failure;
    if (!v.current->running())
      return "the transcoder does not start";
    if (v.current->in->credit.pending())
      return "the transcoder accepts no input";
    if (v.current->in->cursor && *v.current->in->cursor >= buffer_.end())
      return "the source sends nothing, or nothing that the transcoder can use";
    return "the transcoder makes no output from the source";
  };
  auto seconds = std::chrono::duration_cast<std::chrono::seconds>(now - v.last_output).count();
  return "nothing for " + std::to_string(seconds) + " s: " + because();
}

void session::shut_down(const std::string& reason) {
  fail_everything(ec::stopping, reason);
}

std::vector<std::string> session::variant_names() const {
  std::vector<std::string> result;
  for (auto& [name, v] : variants_)
    result.push_back(name);
  return result;
}

// -- variants and their leases ---------------------------------------------------

void session::plan(variant& v) {
  assert(source_);
  auto before = std::exchange(v.plan, plan_variant(*source_, v.target, config_.held));
  for (auto& note : v.plan.notes)
    if (std::find(before.notes.begin(), before.notes.end(), note) == before.notes.end())
      effects_.notice(v.target.name, note);
}

void session::begin(variant& v, time_point now) {
  plan(v);
  v.begun = true;
  v.tracks_since = tracks_since_;
  auto output = passthrough_format(*source_, v.plan);
  if (output.tracks.empty()) {
    remove(v, ec::encode_failed,
           "no track of the source of " + channel_.name + " is left in the profile " + v.target.name);
    return;
  }
  v.ends.resize(output.tracks.size());
  if (!v.plan.passthrough()) {
    again(v, now);
    return;
  }
  v.output = output;
  pass_through(v, now);
}

void session::request(variant& v, std::optional<attempt>& slot, bool elsewhere, time_point now) {
  assert(source_ && !slot); // an attempt that is replaced must be stopped first
  auto number = effects_.next_attempt();
  slot.emplace(number, std::make_shared<feed>(number, config_.credit_bytes, config_.stall), now);
  lease_request request;
  request.label = {work_kind::transcode, channel_.name, v.target.name, id_, slot->id};
  request.label.limits.memory_bytes =
    memory_limit(config_.memory, work_kind::transcode, pictures_of(*source_, v.target.video));
  request.encoders = v.plan.encoders;
  request.decoders = v.plan.decoders;
  request.refused_by = v.avoid;
  if (v.current && v.current->worker.worker)
    request.refused_by.push_back(v.current->worker.worker);
  request.elsewhere = elsewhere;
  request.last_resort = !elsewhere; // otherwise the waiting client would see nothing
  request.resumes = v.flowing && !elsewhere;
  request.input = channel_.name;
  if (v.plan.encodes_video)
    request.video = wish_of(encoding_of(v.target).video);
  if (may_share(v, &slot == &v.next, request))
    asking_.push_back(std::move(request));
  else
    effects_.request_lease(request);
}

/// Asks for a worker for a variant that has none.
void session::again(variant& v, time_point now) {
  v.again_at.reset();
  v.parked = false;
  if (v.outdated && !plan_anew(v, now))
    return;
  if (v.plan.passthrough()) {
    pass_through(v, now);
    if (ingest_ && ingest_->ended)
      remove(v, ec::source_failed, "the source has ended");
    return;
  }
  v.cursor.reset();
  ++v.tries;
  if (!v.flowing) {
    // No client has received anything: this attempt starts afresh.
    v.ends.assign(v.ends.size(), {});
    v.origin = {};
  }
  request(v, v.current, false, now);
}

/// Gives back the slot of a transcode that has nothing to do. The slot is requested again when there is a place to
/// begin at and a client waits.
void session::park(variant& v) {
  for (auto* slot : {&v.current, &v.next})
    if (*slot) {
      effects_.stop((*slot)->id, {});
      slot->reset();
    }
  v.again_at.reset();
  v.parked = true;
}

void session::leased(attempt_id number, const lease& x, time_point now) {
  for (auto* pull : {&ingest_, &probe_}) {
    if (!*pull || (*pull)->id != number)
      continue;
    assert((*pull)->state == attempt::phase::leasing && (*pull)->url < channel_.urls.size());
    (*pull)->state = attempt::phase::starting;
    (*pull)->heard = (*pull)->began = now;
    ingest_work work;
    work.attempt = number;
    work.session = id_;
    work.channel = channel_.name;
    work.url = channel_.urls[(*pull)->url];
    work.loop = channel_.loop;
    work.resume_from = source_end_ == no_timestamp ? no_timestamp : source_end_ - lift_.value_or(0);
    work.open_timeout = config_.open_timeout;
    work.read_timeout = config_.read_timeout;
    work.credit_bytes = config_.credit_bytes;
    work.first_byte_timeout = first_byte_timeout();
    work.known.assign(known_.begin(), known_.end());
    work.known_shift = source_shift_;
    work.passed = passed_;
    effects_.start(work);
    return;
  }
  take_lease(number, x, now);
}

void session::lease_failed(attempt_id number, ec code, const std::string& why, time_point now) {
  if (probe_ && probe_->id == number) {
    probe_.reset();
    return;
  }
  if (ingest_ && ingest_->id == number) {
    ingest_->id = {};
    if (source_)
      ingest_over(why, {}, now);
    else
      fail_everything(code, why);
    return;
  }
  if (is_left_to_others(number, now))
    return;
  auto p = find(number);
  if (p.at == nullptr)
    return;
  auto& v = *p.of;
  if (v.next && p.at == &*v.next) {
    v.next.reset();
    v.change_at.reset();
    v.next_not_before = now + config_.slow_after;
    return;
  }
  auto failure = v.last_failure.empty() ? why : v.last_failure + "; then: " + why;
  v.current.reset();
  if (!v.flowing && code == ec::no_worker && leave_out(v, why, now))
    return;
  if (!v.flowing || now - v.last_output >= config_.failover_timeout) {
    remove(v, code, failure);
    return;
  }
  v.again_at = now + again_after;
}

/// Drops the tracks that the container cannot hold and no worker can convert; the other tracks pass through. False if
/// no track remains, or if the profile itself asks for encoding.
bool session::leave_out(variant& v, const std::string& why, time_point now) {
  auto rest = v.plan;
  std::vector<std::string> notes;
  for (size_t i = 0; i < rest.actions.size(); ++i) {
    if (rest.actions[i] != track_action::encode)
      continue;
    auto& track = source_->tracks[i];
    if ((track.kind == track_kind::video ? v.target.video.codec : v.target.audio.codec) != "copy")
      return false;
    rest.actions[i] = track_action::drop;
    notes.push_back(std::string{to_string(track.kind)} + " " + track.codec
                    + " is left out: the container does not carry it, and it cannot be converted: " + why);
  }
  auto output = passthrough_format(*source_, rest);
  if (output.tracks.empty())
    return false;
  rest.encoders.clear();
  rest.decoders.clear();
  rest.encodes_video = false;
  rest.notes = std::move(notes);
  v.plan = std::move(rest);
  v.output = output;
  v.ends.assign(output.tracks.size(), {});
  for (auto& note : v.plan.notes)
    effects_.notice(v.target.name, note);
  v.opened = false;
  pass_through(v, now);
  return true;
}

void session::started(attempt_id number, time_point now) {
  for (auto* pull : {&ingest_, &probe_})
    if (*pull && (*pull)->id == number) {
      (*pull)->state = attempt::phase::running;
      (*pull)->heard = now;
      // Its first batches may have come before the news that it runs: only now can they be acknowledged.
      effects_.acknowledge({number, (*pull)->received});
      return;
    }
  auto p = find(number);
  if (p.at == nullptr)
    return;
  auto& v = *p.of;
  auto& a = *p.at;
  assert(a.state == attempt::phase::starting);
  auto moves = v.next && &a == &*v.next && v.change_at;
  if (moves && (newest_pts_ >= *v.change_at || !v.current || !v.current->running() || !v.current->delivered)) {
    drop_next(v, {}, now); // it started too late: the source has already passed `change_at`
    return;
  }
  a.state = attempt::phase::running;
  a.since = now;
  effects_.acknowledge({number, a.received});
  if (moves) {
    v.change_since = now;
    v.current->finishing = true;
    effects_.finish(v.current->id, *v.change_at);
  }
  pump(a.in, now);
}

void session::start_failed(attempt_id number, const lease_end& how, bool terminal, time_point now) {
  if (probe_ && probe_->id == number) {
    effects_.stop(number, how);
    probe_.reset();
  } else if (ingest_ && ingest_->id == number) {
    ingest_over(how.reason, how, now);
  } else if (auto p = find(number); p.at != nullptr) {
    lose(*p.of, *p.at, failover_reason::failed, how, terminal, now);
  }
}

void session::remove(variant& v, ec code, const std::string& why, const lease_end& how) {
  remove(variants_.find(v.target.name), code, why, how);
}

void session::remove(variants::iterator i, ec code, const std::string& why, const lease_end& how) {
  assert(i != variants_.end());
  auto node = variants_.extract(i);
  auto& v = node.mapped();
  release_tail(v, true, v.last_output);
  if (v.flowing && ingest_ && ingest_->ended)
    carry(v, std::max(v.newest_dts(), source_dts_)); // the source's last subtitles
  for (auto* slot : {&v.current, &v.next})
    if (*slot)
      effects_.stop((*slot)->id, how);
  for (auto& w : v.waiting)
    effects_.refuse(w.id, code == ec::none ? ec::stopping : code, why);
  effects_.close_output(node.key(), why);
  forget_ladder(node.key(), code == ec::none ? std::string{} : why);
}

void session::fail_everything(ec code, const std::string& why) {
  if (!why.empty())
    reason_ = why;
  while (!variants_.empty())
    remove(variants_.begin(), code, why, {});
  for (auto* pull : {&ingest_, &probe_}) {
    if (*pull && (*pull)->id)
      effects_.stop((*pull)->id, {});
    pull->reset();
  }
}

session::place session::find(attempt_id number) {
  if (number)
    for (auto& [name, v] : variants_)
      for (auto* slot : {&v.current, &v.next})
        if (*slot && (*slot)->id == number)
          return {&v, &**slot};
  return {};
}

void session::output_failed(const std::string& profile, const std::string& why) {
  if (auto i = variants_.find(profile); i != variants_.end())
    remove(i, ec::encode_failed, why, {});
}

output_form session::form_of(const variant& v) const {
  auto is_video = [](const track_format& x) { return x.kind == track_kind::video; };
  auto pictures = std::any_of(v.output.tracks.begin(), v.output.tracks.end(), is_video);
  output_form result;
  result.keyframe_interval = v.target.video.keyframe_interval;
  result.on_grid = (v.plan.encodes_video || !pictures) && result.keyframe_interval.count() > 0;
  result.clock = clock_.value_or(clock_map{0, started_at_ms_});
  if (auto ladder = ladder_of(v.target.name); !ladder.empty()) {
    result.from_pts = v.origin.pts;
    result.joins = v.joins;
    result.heard = variants_.contains(rendition_name(ladder, sound_name));
  }
  return result;
}

} // namespace troupe::core
