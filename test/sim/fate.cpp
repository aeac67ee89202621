// The faults of a simulated world.
#include "test/sim/cluster.hpp"

namespace troupe::sim {

namespace {

/// Kinds of faults; a world has some of them.
enum : uint32_t {
  kills = 1,
  hangs = 2,
  slowness = 4,
  crashes = 8,
  partitions = 16,
  cuts = 32,
  lost_messages = 64,
  late_messages = 128,
  source_losses = 256,
  drains = 512,
  refusals = 1024,
  restarts = 2048,
  source_changes = 4096,
  all_kinds = 8191,
};

} // namespace

void cluster::schedule_fate() {
  // Half of the worlds have few kinds of faults, so that each kind also happens alone.
  kinds_ = 0;
  if (world_.chance.chance(0.5))
    kinds_ = all_kinds;
  for (int i = 0; i < 2; ++i)
    kinds_ |= 1U << world_.chance.below(13);
  rage_ = static_cast<double>(world_.chance.between(5, 80)) / 100;
  if ((kinds_ & lost_messages) != 0) {
    world_.net.lost = static_cast<double>(world_.chance.between(0, 30)) / 10'000;
    world_.net.twice = static_cast<double>(world_.chance.between(0, 100)) / 10'000;
  }
  if ((kinds_ & late_messages) != 0) {
    world_.net.late = static_cast<double>(world_.chance.between(1, 100)) / 1000;
    world_.net.late_max = world_.chance.between(duration{10ms}, duration{400ms});
  }
  world_.net.unnoticed = world_.chance.between(duration{0}, duration{6s});
  if ((kinds_ & refusals) != 0)
    for (auto& m : machines_)
      m.mood->start_fails = world_.chance.chance(0.4) ? 0.5 : 0;
  world_.after(world_.chance.between(duration{500ms}, duration{8s}), [this] { strike(); });
}

void cluster::strike() {
  if (!faults_)
    return;
  auto mean = duration{static_cast<int64_t>(1e9 / rage_)};
  world_.after(world_.chance.between(duration{1ms}, mean * 2), [this] { strike(); });
  if ((kinds_ & restarts) != 0 && world_.chance.chance(0.1)) {
    strike_coordinator();
    return;
  }
  switch (world_.chance.below(4)) {
  case 0:
  case 1:
    strike_task();
    break;
  case 2:
    world_.chance.chance(0.6) ? strike_machine() : strike_network();
    break;
  default:
    world_.chance.chance(0.5) ? strike_source() : strike_network();
    break;
  }
}

std::vector<process_ptr> cluster::working_processes(bool ingest) const {
  std::vector<process_ptr> result;
  auto add = [&](const host_ptr& h) {
    for (auto& p : h->processes())
      if (p->works() && p->alive())
        result.push_back(p);
  };
  if (ingest)
    add(ingest_host_);
  else
    for (auto& m : machines_)
      add(m.it);
  return result;
}

/// Makes a process hang for a while, or until somebody kills it.
void cluster::hang_on(const process_ptr& p) {
  if (world_.chance.chance(0.7))
    world_.after(world_.chance.between(duration{200ms}, duration{15s}), [p] { p->hang(false); });
  else
    count("hangs for ever");
}

void cluster::strike_task() {
  auto tasks = working_processes(false);
  if (tasks.empty())
    return;
  auto& p = world_.chance.pick(tasks);
  switch (world_.chance.below(4)) {
  case 0:
    if ((kinds_ & kills) == 0)
      return;
    world_.trace("task ", to_string(p->id), " is killed");
    count("task killed");
    p->kill();
    break;
  case 1: {
    if ((kinds_ & hangs) == 0)
      return;
    world_.trace("task ", to_string(p->id), " hangs");
    count("task hangs");
    p->hang(true);
    hang_on(p);
    break;
  }
  case 2: {
    if ((kinds_ & slowness) == 0)
      return;
    world_.trace("task ", to_string(p->id), " is slow");
    count("task slow");
    p->slow_down(static_cast<double>(world_.chance.between(3, 40)));
    world_.after(world_.chance.between(duration{2s}, duration{25s}), [p] { p->slow_down(1); });
    break;
  }
  default:
    if ((kinds_ & cuts) == 0)
      return;
    world_.trace("task ", to_string(p->id), " loses its connection");
    count("connection cut");
    p->link->cut();
    break;
  }
}

void cluster::strike_machine() {
  auto& m = world_.chance.pick(machines_);
  switch (world_.chance.below(4)) {
  case 0:
  case 1:
    if ((kinds_ & crashes) == 0 || !m.it->alive())
      return;
    if (world_.chance.chance(0.3)) {
      world_.trace(m.name, ": the daemon dies");
      count("daemon dies");
      m.it->daemon_dies();
    } else {
      world_.trace(m.name, " crashes");
      count("machine crashes");
      m.it->crash(world_.chance.chance(0.5));
    }
    if (m.it->partitioned())
      m.it->heal();
    bring_up(m, world_.chance.between(duration{500ms}, duration{12s}));
    break;
  case 2: {
    if ((kinds_ & slowness) == 0)
      return;
    world_.trace(m.name, " is slow");
    count("machine slow");
    m.mood->slowness = static_cast<double>(world_.chance.between(3, 30));
    world_.after(world_.chance.between(duration{2s}, duration{20s}), [mood = m.mood] { mood->slowness = 1; });
    break;
  }
  default:
    if ((kinds_ & drains) == 0)
      return;
    count("drain");
    set_draining(m.name, true);
    world_.after(world_.chance.between(duration{3s}, duration{15s}),
                 [this, name = m.name] { set_draining(name, false); });
    break;
  }
}

void cluster::strike_network() {
  auto& m = world_.chance.pick(machines_);
  if ((kinds_ & partitions) == 0 || !m.it->alive() || m.it->partitioned())
    return;
  world_.trace(m.name, " is cut off");
  count("partition");
  m.it->partition(world_.chance.between(duration{1s}, duration{8s}));
  world_.after(world_.chance.between(duration{100ms}, duration{12s}), [this, it = m.it] {
    if (!it->partitioned())
      return;
    world_.trace(it->name, " is back");
    it->heal();
  });
}

void cluster::strike_source() {
  auto which = std::next(sources_.begin(), static_cast<int64_t>(world_.chance.below(sources_.size())));
  if ((kinds_ & source_changes) != 0 && world_.chance.chance(0.3)) {
    // The new form always has sound, so that a source may gain a track, but loses none.
    auto form = static_cast<source_form>(world_.chance.below(4));
    world_.trace("the source of ", which->first, " has tracks of form ", static_cast<int>(form));
    count("source changes");
    which->second.form = form;
    return;
  }
  if ((kinds_ & source_losses) == 0)
    return;
  auto pulls = working_processes(true);
  if (!pulls.empty() && world_.chance.chance(0.7)) {
    auto& p = world_.chance.pick(pulls);
    switch (world_.chance.below(3)) {
    case 0:
      world_.trace("ingest ", to_string(p->id), " is killed");
      count("ingest killed");
      p->kill();
      return;
    case 1:
      world_.trace("ingest ", to_string(p->id), " hangs");
      count("ingest hangs");
      p->hang(true);
      hang_on(p);
      return;
    default:
      world_.trace("ingest ", to_string(p->id), " loses its source");
      count("source lost");
      p->source_ends("the source closed the connection");
      return;
    }
  }
  world_.trace("the source of ", which->first, " is away");
  count("source away");
  which->second.away = true;
  world_.after(world_.chance.between(duration{500ms}, duration{10s}), [s = &which->second] { s->away = false; });
}

void cluster::strike_coordinator() {
  if (registry_ == nullptr)
    return;
  world_.trace("the coordinator dies");
  count("coordinator restarts");
  coordinator_dies();
  world_.after(world_.chance.between(duration{100ms}, duration{6s}), [this] {
    world_.trace("the coordinator is back");
    start_coordinator();
  });
}

void cluster::set_draining(const std::string& name, bool draining) {
  if (registry_ != nullptr)
    registry_->set_draining(name, draining);
}

void cluster::rest() {
  world_.trace("fate rests");
  world_.net = {};
  for (auto& [name, s] : sources_)
    s.away = false;
  for (auto& m : machines_) {
    m.mood->slowness = 1;
    m.mood->start_fails = 0;
    if (m.it->partitioned())
      m.it->heal();
    // A worker that is away just now is not known to the registry: the operator asks again.
    m.it->draining = false;
    for (auto again : {0s, 3s, 8s, 14s})
      world_.after(again, [this, name = m.name] { set_draining(name, false); });
    for (auto& p : m.it->processes())
      p->slow_down(1);
  }
}

} // namespace troupe::sim
