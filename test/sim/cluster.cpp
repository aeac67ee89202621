#include "test/sim/cluster.hpp"

namespace troupe::sim {

namespace {

constexpr duration faults_last = 30s;

/// Within this time after the last fault everything must work again: the longest wait is that of a lease, a watchdog
/// and a back-off, one after the other.
constexpr duration recovery_within = 40s;

/// Clients of a stream that works are behind the source by less than this.
constexpr int64_t well_behind = 6 * ticks_per_second;

/// Within this time after the last viewer has left, everything must be removed.
constexpr duration goodbye_within = 30s;

constexpr duration tick_interval = 100ms;

constexpr auto away = "the coordinator is away";

profile make_profile(const std::string& name, const std::string& video, const std::string& audio, int32_t b_frames) {
  profile x;
  x.name = name;
  x.video.codec = video;
  x.video.b_frames = b_frames;
  x.audio.codec = audio;
  return x;
}

} // namespace

cluster::cluster(uint64_t seed, bool trace) : world_(seed, trace), config_(make_config()) {
  start_coordinator();
  make_machines();
  make_channels();
}

// -- building ---------------------------------------------------------------------

control_config cluster::make_config() {
  control_config x;
  x.workers.version = "1";
  x.session.idle_timeout = 3s;
  x.session.credit_bytes = static_cast<uint64_t>(world_.chance.between(2'000, 20'000));
  x.session.buffer.duration_max = std::chrono::seconds{world_.chance.between(6, 30)};
  x.session.buffer.bytes_max = static_cast<uint64_t>(world_.chance.between(20'000, 120'000));
  x.session.read_timeout = 3s;
  x.session.source_timeout = 60s;
  x.session.failover_timeout = 20s;
  x.session.slate = slate_kind::none; // the referee finds each output picture in the source
  x.workers.breaker.back_off = 2s;
  x.workers.breaker.max_back_off = 8s;
  x.workers.breaker.well_after = 5s;
  return x;
}

void cluster::make_machines() {
  for (int64_t i = 0, n = world_.chance.between(2, 5); i < n; ++i) {
    machine m;
    m.name = "w" + std::to_string(i);
    m.slots = static_cast<uint32_t>(world_.chance.between(1, 4));
    m.mood = std::make_shared<machine_mood>();
    m.mood->picture_cost = world_.chance.between(duration{500us}, duration{8ms});
    m.mood->habits.lookahead = world_.chance.below(6);
    m.mood->habits.sound_delay = world_.chance.below(4);
    m.mood->habits.group = world_.chance.between(20, 60);
    m.mood->habits.sorted = world_.chance.chance(0.7);
    machines_.push_back(m);
    bring_up(machines_.back(), world_.chance.between(duration{0}, duration{200ms}));
  }
}

void cluster::make_channels() {
  for (auto& p : {make_profile("same", "copy", "copy", -1), make_profile("plain", "h264", "aac", 0),
                  make_profile("reordered", "h264", "aac", 2), make_profile("sound", "copy", "aac", -1),
                  make_profile("pictures", "h264", "copy", 0), make_profile("both", "h264", "copy", 2)})
    profiles_[p.name] = p;
  std::vector<std::string> names;
  for (auto& [name, p] : profiles_)
    names.push_back(name);
  for (int64_t i = 0, n = world_.chance.between(1, 3); i < n; ++i) {
    auto name = "c" + std::to_string(i);
    channels_[name] = {name, {}, {"http://one/" + name, "http://two/" + name}, false};
    auto& source = sources_[name];
    source.shape.reordered = world_.chance.chance(0.3);
    source.shape.group = source.shape.reordered ? 3 * world_.chance.between(8, 16) : world_.chance.between(25, 50);
    source.shape.sound_late = world_.chance.between(-40, 60) * ticks_per_second / 100;
    source.form = world_.chance.chance(0.1) ? source_form::silent : source_form::usual;
    source.first_dts = world_.chance.between(0, int64_t{1} << 33);
    world_.trace(name, ": groups of ", source.shape.group, source.shape.reordered ? ", reordered" : "", ", sound ",
                 source.shape.sound_late, " ticks late");
    auto first = world_.chance.below(names.size());
    for (int64_t k = 0, renditions = world_.chance.between(1, 2); k < renditions; ++k)
      viewings_.push_back({name, names[(first + static_cast<uint64_t>(k)) % names.size()], 0, 0, 0, {}});
  }
}

void cluster::bring_up(machine& m, duration after) {
  m.it = std::make_shared<host>(world_, worker_id{world_.chance.next() | 1}, m.name, m.slots, *this, *this, m.mood);
  lives_.push_back(m.it);
  world_.after(after, [it = m.it] { it->start(); });
}

// -- viewers ----------------------------------------------------------------------

void cluster::viewers_come_and_go() {
  if (leaving_)
    return;
  auto& v = viewings_[world_.chance.below(viewings_.size())];
  auto which = static_cast<size_t>(&v - viewings_.data());
  if (faults_ && v.wanted > 0 && world_.chance.chance(0.3)) {
    --v.wanted;
    if (v.attached > v.wanted)
      --v.attached;
  } else if (v.wanted < 3) {
    ++v.wanted;
    ask(which);
  }
  if (faults_)
    world_.after(world_.chance.between(duration{200ms}, duration{6s}), [this] { viewers_come_and_go(); });
}

void cluster::ask(size_t which) {
  auto& v = viewings_[which];
  if (leaving_ || v.attached + v.asking >= v.wanted)
    return;
  auto q = quarantined_.find({v.channel, v.profile});
  if (q != quarantined_.end() && world_.now() < q->second) {
    v.refusal = "quarantined";
    retry(which);
    return;
  }
  if (registry_ == nullptr) {
    v.refusal = away;
    retry(which);
    return;
  }
  std::shared_ptr<session_node> at;
  for (auto& [id, s] : sessions_)
    if (s->channel_name == v.channel)
      at = s;
  if (!at) {
    session_id id{next_session_++};
    at =
      std::make_shared<session_node>(world_, config_.session, id, channels_.at(v.channel), *registry_, *this, sources_,
                                     [this, name = v.channel](const std::string& profile, const std::string&) {
                                       count("quarantined");
                                       quarantined_[{name, profile}] = world_.now() + config_.quarantine_for;
                                     });
    at->on_over = [this, id, registry = registry_] {
      sessions_.erase(id);
      world_.soon([id, registry] { registry->owner_lost(id); });
    };
    sessions_[id] = at;
  }
  ++v.asking;
  auto ticket = next_ticket_++;
  asked_[ticket] = which;
  at->watch(profiles_.at(v.profile), ticket);
}

void cluster::retry(size_t which) {
  world_.after(world_.chance.between(duration{300ms}, duration{1500ms}), [this, which] { ask(which); });
}

void cluster::answered(core::ticket x) {
  auto& v = viewings_[asked_.at(x)];
  asked_.erase(x);
  --v.asking;
  if (v.attached < v.wanted)
    ++v.attached;
}

void cluster::refused(core::ticket x, const std::string& why) {
  auto which = asked_.at(x);
  asked_.erase(x);
  auto& v = viewings_[which];
  --v.asking;
  v.refusal = why;
  if (why.empty())
    fail("a viewer of ", v.channel, "/", v.profile, " was refused without a reason");
  retry(which);
}

void cluster::closed(const std::string& channel, const std::string& profile, const std::string& why) {
  for (size_t i = 0; i < viewings_.size(); ++i) {
    auto& v = viewings_[i];
    if (v.channel != channel || v.profile != profile)
      continue;
    if (v.attached > 0 && why.empty())
      fail(channel, "/", profile, " was closed under ", v.attached, " viewers without a reason");
    if (v.attached > 0)
      count("closed under viewers");
    for (auto n = std::exchange(v.attached, 0); n > 0; --n)
      retry(i);
  }
}

uint32_t cluster::clients(const std::string& channel, const std::string& profile) {
  for (auto& v : viewings_)
    if (v.channel == channel && v.profile == profile)
      return v.attached;
  return 0;
}

// -- messages for sessions ----------------------------------------------------------

std::shared_ptr<session_node> cluster::find(session_id id) const {
  auto i = sessions_.find(id);
  return i == sessions_.end() ? nullptr : i->second;
}

void cluster::on(session_id to, const format_change& x) {
  if (auto s = find(to))
    s->on(x);
}

void cluster::on(session_id to, const sample_batch& x) {
  if (auto s = find(to))
    s->on(x);
}

void cluster::on(session_id to, const batch_ack& x) {
  if (auto s = find(to))
    s->on(x);
}

void cluster::on(session_id to, const stream_end& x) {
  world_.trace("attempt ", to_string(x.attempt), " ends: ", x.reason);
  if (auto s = find(to))
    s->on(x);
}

void cluster::on(session_id to, attempt_id attempt, const work_statistics& x) {
  if (auto s = find(to))
    s->on(attempt, x);
}

// -- the coordinator's lives ----------------------------------------------------------

void cluster::start_coordinator() {
  registries_.push_back(std::make_unique<registry_node>(world_, config_));
  registry_ = registries_.back().get();
  ingest_host_ = std::make_shared<host>(world_, worker_id{world_.chance.next() | 1}, "coordinator", 0, *this, *this,
                                        std::make_shared<machine_mood>());
  lives_.push_back(ingest_host_);
  registry_->set_ingest_host(ingest_host_);
}

/// Its process ends: sessions, leases and what it knew are gone, and everybody's connection breaks.
void cluster::coordinator_dies() {
  for (auto& [id, s] : std::exchange(sessions_, {}))
    s->vanish();
  next_session_ = 1;
  quarantined_.clear();
  asked_.clear();
  for (size_t i = 0; i < viewings_.size(); ++i) {
    auto& v = viewings_[i];
    for (auto n = std::exchange(v.attached, 0) + std::exchange(v.asking, 0); n > 0; --n)
      retry(i);
  }
  ingest_host_->daemon_dies();
  for (auto& h : lives_) {
    if (h->link)
      h->link->close(side::coordinator);
    for (auto& p : h->processes())
      p->link->close(side::coordinator);
  }
  registry_ = nullptr;
}

std::string cluster::on_registration(const registration& x, const host_ptr& from) {
  return registry_ == nullptr ? away : registry_->on_registration(x, from);
}

bool cluster::on_heartbeat(const heartbeat& x) {
  return registry_ != nullptr && registry_->on_heartbeat(x);
}

bool cluster::on_join(task_id task, worker_id of, const process_ptr& who) {
  return registry_ != nullptr && registry_->on_join(task, of, who);
}

// -- a life -------------------------------------------------------------------------

void cluster::tick() {
  if (registry_ != nullptr)
    registry_->tick();
  auto all = sessions_; // a session may end in its tick
  for (auto& [id, s] : all)
    s->tick();
  if (ticking_)
    world_.after(tick_interval, [this] { tick(); });
}

void cluster::run() {
  auto begin = world_.now();
  tick();
  viewers_come_and_go();
  schedule_fate();
  world_.run_until(begin + faults_last);
  faults_ = false;
  rest();
  for (size_t i = 0; i < viewings_.size(); ++i)
    if (viewings_[i].wanted == 0 && i == 0) {
      ++viewings_[i].wanted;
      ask(i);
    }
  auto bound = world_.now() + recovery_within;
  world_.run_until(bound);
  check_progress();
  world_.trace("everybody leaves");
  leaving_ = true;
  for (auto& v : viewings_)
    v.wanted = v.attached = 0;
  world_.run_until(world_.now() + goodbye_within);
  if (!sessions_.empty())
    fail("nobody watches, and session ", to_string(sessions_.begin()->first), " still runs");
  registry_->check_idle();
  auto at_work = working_processes(true);
  for (auto& p : working_processes(false))
    at_work.push_back(p);
  if (!at_work.empty())
    fail("nobody watches, and task ", to_string(at_work.front()->id), " still works");
  ticking_ = false;
  summary_.steps = world_.steps();
  summary_.fingerprint = world_.fingerprint();
}

void cluster::check_progress() {
  uint32_t slots = 0;
  for (auto& m : machines_)
    slots += m.slots;
  auto enough = slots >= viewings_.size();
  for (auto& v : viewings_) {
    if (v.wanted == 0)
      continue;
    if (v.attached < v.wanted) {
      if (enough)
        fail(v.wanted - v.attached, " of ", v.wanted, " viewers of ", v.channel, "/", v.profile,
             " see nothing long after the last fault; the latest was told: ", v.refusal);
      if (v.refusal.empty())
        fail("viewers of ", v.channel, "/", v.profile, " see nothing and were not told why");
      continue;
    }
    for (auto& [id, s] : sessions_) {
      if (s->channel_name != v.channel)
        continue;
      auto behind = s->behind(v.profile);
      if (enough && (!behind || *behind > well_behind))
        fail("long after the last fault viewers of ", v.channel, "/", v.profile, " are ",
             behind ? static_cast<double>(*behind) / ticks_per_second : -1.0, " s behind the source");
      s->check_settled();
      summary_.frames += s->frames(v.profile);
    }
  }
}

} // namespace troupe::sim
