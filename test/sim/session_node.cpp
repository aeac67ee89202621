// A session of a simulated coordinator: what actors/live/session.cpp does between messages and decisions, watched by
// referees.
#include "test/sim/control.hpp"

namespace troupe::sim {

namespace {

/// See actors/live/session.cpp.
constexpr duration start_timeout = 5s;

/// The most attempts of one session: with more, their numbers would overlap with those of the next session.
constexpr uint64_t attempts_per_session = uint64_t{1} << 24;

} // namespace

session_node::session_node(world& w, core::session_config config, session_id id, channel source,
                           registry_node& registry, audience& viewers, std::map<std::string, source_world>& sources,
                           std::function<void(const std::string&, const std::string&)> on_quarantine)
  : id(id),
    channel_name(source.name),
    world_(w),
    config_(config),
    registry_(registry),
    viewers_(viewers),
    sources_(sources),
    on_quarantine_(std::move(on_quarantine)),
    core_(config, id, std::move(source), *this, w.now(), w.unix_ms()) {}

// -- messages -------------------------------------------------------------------

void session_node::event(const std::function<void()>& what) {
  if (over_)
    return;
  what();
  check();
  if (!core_.finished())
    return;
  over_ = true;
  world_.trace("session ", to_string(id), " is over");
  if (!open_.empty())
    fail("session ", to_string(id), " is over and has not closed ", open_.begin()->first);
  if (!waiting_.empty())
    fail("session ", to_string(id), " is over and has not answered request ", *waiting_.begin());
  for (auto& [number, a] : attempts_)
    if (a.held)
      fail("session ", to_string(id), " is over and has not stopped attempt ", to_string(number));
  on_over();
}

void session_node::vanish() {
  over_ = true;
  on_over = nullptr;
  attempts_.clear();
  open_.clear();
  waiting_.clear();
}

void session_node::watch(const profile& target, core::ticket x) {
  profiles_[target.name] = target;
  waiting_.insert(x);
  event([&] { core_.watch(target, x, world_.now()); });
}

void session_node::leased(attempt_id number, const lease& held, const process_ptr& task) {
  if (over_)
    return; // the registry has taken everything back that was this session's
  auto& a = attempts_[number];
  a.held = held;
  a.task = task;
  if (!task->link->usable(side::coordinator))
    world_.soon([me = shared_from_this(), task = held.task] { me->task_down(task); });
  event([&] { core_.leased(number, held, world_.now()); });
}

void session_node::lease_failed(attempt_id number, ec code, const std::string& why) {
  attempts_.erase(number);
  event([&] { core_.lease_failed(number, code, why, world_.now()); });
}

void session_node::task_down(task_id task) {
  for (auto& [number, a] : attempts_)
    if (a.held && a.held->task == task) {
      world_.trace("attempt ", to_string(number), ": its task is gone");
      event([&, number = number] { core_.down(number, "the task process is gone", world_.now()); });
      return;
    }
}

void session_node::move(lease_id lease) {
  event([&] { core_.move(lease, world_.now()); });
}

void session_node::tick() {
  event([&] { core_.tick(world_.now()); });
  if (!over_)
    check_limits();
}

void session_node::on(const sample_batch& x) {
  auto i = attempts_.find(x.attempt);
  if (over_ || i == attempts_.end()) {
    event([&] { core_.on(x, world_.now()); });
    return;
  }
  auto& a = i->second;
  a.received = std::max(a.received, x.sequence);
  if (!a.ingest) {
    event([&] { core_.on(x, world_.now()); });
    return;
  }
  auto before = core_.status().samples_in;
  source_.offer(x.block);
  largest_block_ = std::max(largest_block_, x.block.bytes.size());
  event([&] {
    core_.on(x, world_.now());
    auto taken = core_.status().samples_in - before;
    if (taken == x.block.samples.size() && taken > 0)
      source_.accepted();
    else
      source_.refused();
  });
}

void session_node::on(const format_change& x) {
  if (auto i = attempts_.find(x.attempt); i != attempts_.end() && i->second.ingest)
    announced_.push_back(x.format);
  event([&] { core_.on(x, world_.now()); });
}

void session_node::on(const batch_ack& x) {
  if (auto i = attempts_.find(x.attempt); i != attempts_.end()) {
    auto& a = i->second;
    for (auto b = a.bytes.begin(); b != a.bytes.end() && b->first <= x.sequence; b = a.bytes.erase(b))
      a.in_flight -= b->second;
  }
  event([&] { core_.on(x, world_.now()); });
}

void session_node::on(attempt_id number, const work_statistics& x) {
  event([&] { core_.on(number, x, world_.now()); });
}

// -- tasks ----------------------------------------------------------------------

session_node::attempt& session_node::working(attempt_id number, const char* what) {
  auto i = attempts_.find(number);
  if (i == attempts_.end())
    fail("session ", to_string(id), " ", what, " attempt ", to_string(number), ", which ",
         stopped_.contains(number) ? "it has stopped" : "it never had");
  return i->second;
}

attempt_id session_node::next_attempt() {
  return attempt_id{id.value * attempts_per_session + ++attempts_made_};
}

void session_node::request_lease(const lease_request& x) {
  auto& a = attempts_[x.label.attempt];
  a.ingest = x.label.kind == work_kind::ingest;
  world_.trace("session ", to_string(id), " ", channel_name, "/", x.label.profile, " asks for a ",
               to_string(x.label.kind), " task for attempt ", to_string(x.label.attempt));
  world_.soon([me = shared_from_this(), x] {
    if (!me->over_)
      me->registry_.request(x, me);
  });
}

template <class Work>
void session_node::start_on_task(const Work& work,
                                 std::function<void(process&, std::function<void(start_answer)>)> begin) {
  auto number = work.attempt;
  auto& a = working(number, "starts");
  if (!a.held)
    fail("session ", to_string(id), " starts attempt ", to_string(number), " without a lease");
  auto answered = std::make_shared<bool>(false);
  auto me = shared_from_this();
  auto task = a.task;
  auto failed = [me, number, answered](const std::string& why, bool terminal, bool process_failed) {
    if (!std::exchange(*answered, true) && me->attempts_.contains(number))
      me->event([&] { me->core_.start_failed(number, {why, process_failed}, terminal, me->world_.now()); });
  };
  auto answer = [me, number, answered, failed, task](start_answer x) {
    if (!x.why.empty()) {
      failed(x.why, x.terminal, false);
      return;
    }
    if (std::exchange(*answered, true))
      return;
    auto i = me->attempts_.find(number);
    if (i == me->attempts_.end()) {
      task->link->send(side::remote, [task] { task->on_stop(); });
      return;
    }
    i->second.started = true;
    me->event([&] { me->core_.started(number, me->world_.now()); });
  };
  task->link->send(side::remote, [task, begin, answer] { begin(*task, answer); });
  world_.after(start_timeout, [failed] { failed("the task does not answer", false, true); });
}

void session_node::start(const ingest_work& x) {
  world_.trace("attempt ", to_string(x.attempt), " pulls from ", x.resume_from == no_timestamp ? 0 : x.resume_from);
  start_on_task(x, [x, source = &sources_.at(channel_name)](process& p, std::function<void(start_answer)> answer) {
    p.start(x, *source, std::move(answer));
  });
}

void session_node::start(const transcode_work& x) {
  if (world_.tracing()) {
    std::string spans;
    for (auto& s : x.spans)
      spans += " " + std::to_string(s.from_pts);
    world_.trace("attempt ", to_string(x.attempt), " starts, windows from", spans.empty() ? " the beginning" : spans);
  }
  start_on_task(x, [x](process& p, std::function<void(start_answer)> answer) { p.start(x, std::move(answer)); });
}

void session_node::send(const sample_batch& x) {
  auto& a = working(x.attempt, "feeds");
  if (!a.started)
    fail("attempt ", to_string(x.attempt), " is fed before it runs");
  if (x.sequence != a.sent + 1)
    fail("attempt ", to_string(x.attempt), ": batch ", x.sequence, " follows batch ", a.sent);
  auto bytes = x.block.bytes.size();
  if (a.in_flight >= config_.credit_bytes)
    fail("attempt ", to_string(x.attempt), " is sent ", bytes, " bytes beyond ", a.in_flight, " in flight");
  if (x.sequence == 1)
    world_.trace("attempt ", to_string(x.attempt), " is fed from ", x.block.samples.front().pts);
  a.sent = x.sequence;
  a.in_flight += bytes;
  a.bytes[x.sequence] = bytes;
  a.task->link->send(
    side::remote, [task = a.task, x] { task->on(x); }, true);
}

void session_node::acknowledge(const batch_ack& x) {
  auto i = attempts_.find(x.attempt);
  if (i == attempts_.end())
    fail("attempt ", to_string(x.attempt), ", which is not known, is acknowledged");
  auto& a = i->second;
  if (x.sequence > a.received)
    fail("attempt ", to_string(x.attempt), ": batch ", x.sequence, " is acknowledged, ", a.received, " came");
  if (a.started)
    a.task->link->send(
      side::remote, [task = a.task, x] { task->on(x); }, true);
}

void session_node::finish(attempt_id number) {
  auto& a = working(number, "finishes");
  world_.trace("attempt ", to_string(number), " is to finish");
  a.task->link->send(
    side::remote, [task = a.task] { task->on_finish(); }, true);
}

void session_node::finish(attempt_id number, int64_t to_pts) {
  auto& a = working(number, "finishes");
  world_.trace("attempt ", to_string(number), " is to finish at ", to_pts);
  a.task->link->send(
    side::remote, [task = a.task, to_pts] { task->on_finish(to_pts); }, true);
}

void session_node::stop(attempt_id number, const lease_end& how) {
  auto i = attempts_.find(number);
  if (i == attempts_.end() || !i->second.held)
    return; // the lease is on its way: `core::session::leased` will stop it, because the attempt is unknown
  world_.trace("attempt ", to_string(number), " is stopped: ", how.reason);
  auto a = std::move(i->second);
  attempts_.erase(i);
  stopped_.insert(number);
  if (a.started)
    a.task->link->send(
      side::remote, [task = a.task] { task->on_stop(); }, true);
  world_.soon([me = shared_from_this(), lease = a.held->id, how] { me->registry_.release(lease, how); });
}

// -- outputs ----------------------------------------------------------------------

void session_node::open_output(const std::string& profile, const stream_format& format, const core::output_form&) {
  world_.trace(channel_name, "/", profile, " is open");
  auto fits = [&](const stream_format& source) {
    auto plan = core::plan_variant(source, profiles_.at(profile));
    return core::passthrough_format(source, plan).tracks.size() == format.tracks.size();
  };
  if (std::none_of(announced_.begin(), announced_.end(), fits))
    fail(channel_name, "/", profile, " is opened with ", format.tracks.size(), " tracks");
  auto plan = core::plan_variant(format_of(source_form::usual), profiles_.at(profile));
  open_.try_emplace(profile, channel_name + "/" + profile, source_, plan);
}

void session_node::deliver(const std::string& profile, const sample_block& block) {
  auto i = open_.find(profile);
  if (i == open_.end())
    fail(channel_name, "/", profile, " gets samples and is not open");
  i->second.delivered(block);
  world_.note(static_cast<uint64_t>(block.samples.front().pts) ^ static_cast<uint64_t>(world_.unix_ms()) << 32);
}

void session_node::close_output(const std::string& profile, const std::string& reason) {
  world_.trace(channel_name, "/", profile, " is closed: ", reason);
  open_.erase(profile);
  viewers_.closed(channel_name, profile, reason);
}

void session_node::failed_over(const std::string& profile, core::failover_reason why, milliseconds gap,
                               uint64_t replayed_bytes) {
  world_.trace(channel_name, "/", profile, " goes on elsewhere: ", core::to_string(why), ", after ", gap.count(),
               " ms, ", replayed_bytes, " bytes again");
}

void session_node::quarantine(const std::string& profile, const std::string& why) {
  world_.trace(channel_name, "/", profile, " is quarantined: ", why);
  on_quarantine_(profile, why);
}

uint32_t session_node::clients(const std::string& profile) {
  return viewers_.clients(channel_name, profile);
}

void session_node::answer(core::ticket x, const std::string& profile) {
  if (waiting_.erase(x) == 0)
    fail("request ", x, " is answered twice");
  if (!open_.contains(profile) || open_.at(profile).frames() == 0)
    fail("request ", x, " is answered before ", channel_name, "/", profile, " has anything");
  viewers_.answered(x);
}

void session_node::refuse(core::ticket x, ec, const std::string& why) {
  if (waiting_.erase(x) == 0)
    fail("request ", x, " is refused after it was answered: ", why);
  world_.trace("request ", x, " for ", channel_name, " is refused: ", why);
  viewers_.refused(x, why);
}

// -- checks -----------------------------------------------------------------------

void session_node::check() {
  for (auto& [name, r] : open_) {
    if (!r.has_hole())
      continue;
    for (auto& v : core_.status().variants)
      if (v.profile == name)
        r.check({v.frames_lost, v.sound_lost});
  }
}

void session_node::check_limits() const {
  auto s = core_.status();
  auto& limits = config_.buffer;
  if (s.buffered_bytes > limits.bytes_max + largest_block_)
    fail("session ", to_string(id), " buffers ", s.buffered_bytes, " bytes of ", limits.bytes_max);
  if (s.buffered_ms > limits.duration_max.count() + 1000)
    fail("session ", to_string(id), " buffers ", s.buffered_ms, " ms of ", limits.duration_max.count());
  if (waiting_.size() > config_.watchers_max * profiles_.size())
    fail("session ", to_string(id), " lets ", waiting_.size(), " requests wait");
}

void session_node::check_settled() const {
  for (auto& v : core_.status().variants)
    if (auto i = open_.find(v.profile); i != open_.end())
      i->second.check_settled({v.frames_lost, v.sound_lost});
}

std::optional<int64_t> session_node::behind(const std::string& profile) const {
  auto i = open_.find(profile);
  if (i == open_.end() || i->second.frames() == 0)
    return std::nullopt;
  auto behind = source_.newest(0) - i->second.complete_to(track_kind::video);
  if (source_.newest(1) == no_timestamp)
    return behind;
  auto sound = i->second.complete_to(track_kind::audio);
  return sound == no_timestamp ? std::nullopt : std::optional{std::max(behind, source_.newest(1) - sound)};
}

uint64_t session_node::frames(const std::string& profile) const {
  auto i = open_.find(profile);
  return i == open_.end() ? 0 : i->second.frames();
}

} // namespace troupe::sim
