#include "test/sim/host.hpp"

namespace troupe::sim {

namespace {

constexpr duration heartbeat_interval = 1s;
constexpr duration registration_timeout = 5s;
constexpr duration reconnect_delay = 250ms;
constexpr duration reconnect_max_delay = 4s;

/// From the request to end to the kill; see config/defaults.hpp.
constexpr duration stop_timeout = 2s;

/// Processes that one host may run, living or ending.
constexpr size_t processes_max = 64;

} // namespace

host::host(world& w, worker_id life, std::string name, uint32_t slots, front_door& door, task_sink& sink,
           std::shared_ptr<machine_mood> mood)
  : life(life),
    name(std::move(name)),
    slots(slots),
    mood(std::move(mood)),
    world_(w),
    door_(door),
    sink_(sink),
    delay_(reconnect_delay) {}

// -- the coordinator ----------------------------------------------------------

void host::start() {
  if (alive_)
    connect();
}

void host::connect() {
  auto of = ++connection_;
  auto me = shared_from_this();
  link = std::make_shared<connection>(world_);
  link->on_down(side::remote, [this, of] { disconnected(of); });
  if (partitioned_)
    link->hold(patience_);
  registration x;
  x.worker = life;
  x.name = name;
  x.version = "1";
  x.slots = slots;
  x.draining = draining;
  for (auto codec : {"h264", "aac"})
    x.can.encoders.push_back({codec, codec, {}, {}, true, {}, 0});
  for (auto codec : {"mpeg2video", "mp2"})
    x.can.decoders.push_back({codec, codec, {}, {}, true, {}, 0});
  link->send(side::coordinator, [me, of, x, at = link] {
    auto refused = me->door_.on_registration(x, me);
    at->send(side::remote, [me, of, refused] {
      if (of != me->connection_ || !me->alive_)
        return;
      if (!refused.empty()) {
        me->disconnected(of);
        return;
      }
      me->registered_ = true;
      me->delay_ = reconnect_delay;
      me->sequence_ = 0;
      me->beat(of);
    });
  });
  world_.after(registration_timeout, [me, of] {
    if (of == me->connection_ && !me->registered_)
      me->disconnected(of);
  });
}

void host::disconnected(uint64_t of) {
  if (of != connection_ || !alive_)
    return;
  ++connection_;
  registered_ = false;
  wanted_ = 0;
  link->close(side::remote);
  auto wait = delay_ + world_.chance.between(duration{0}, delay_ / 2);
  delay_ = std::min(delay_ * 2, reconnect_max_delay);
  world_.after(wait, [me = shared_from_this()] { me->start(); });
}

void host::beat(uint64_t of) {
  if (of != connection_ || !alive_)
    return;
  heartbeat x;
  x.worker = life;
  x.sequence = ++sequence_;
  for (auto& [id, e] : processes_) {
    auto& t = x.tasks.emplace_back();
    t.task = id;
    t.kind = e.assigned ? "transcode" : "warm";
  }
  link->send(
    side::coordinator,
    [me = shared_from_this(), of, x, at = link] {
      if (!me->door_.on_heartbeat(x))
        at->send(side::remote, [me, of] { me->disconnected(of); });
    },
    true);
  world_.after(heartbeat_interval, [me = shared_from_this(), of] { me->beat(of); });
}

// -- processes ----------------------------------------------------------------

void host::on_want(uint32_t processes) {
  wanted_ = processes;
  start_missing();
}

void host::on_assign(task_id task, std::function<void(std::string)> answer) {
  auto i = processes_.find(task);
  if (!alive_ || i == processes_.end() || i->second.assigned || i->second.ending) {
    answer("the host has no such process to give");
    return;
  }
  i->second.assigned = true;
  start_missing();
  answer({});
}

void host::on_end(task_id task) {
  if (auto i = processes_.find(task); i != processes_.end() && alive_)
    terminate(i->second);
}

void host::terminate(entry& e) {
  if (e.ending)
    return;
  e.ending = true;
  // A hanging process ignores the request to end, but the kill ends any process.
  auto wait = e.it->hanging() ? stop_timeout : world_.chance.between(duration{100us}, duration{50ms});
  world_.after(wait, [it = e.it] { it->kill(); });
  start_missing();
}

void host::start_missing() {
  if (!alive_)
    return;
  uint32_t waiting = starting_;
  for (auto& [id, e] : processes_)
    waiting += !e.assigned && !e.ending ? 1 : 0;
  for (; waiting < wanted_ && processes_.size() + starting_ < processes_max; ++waiting) {
    ++starting_;
    auto takes =
      std::chrono::duration_cast<duration>(world_.chance.between(duration{30ms}, duration{300ms}) * mood->slowness);
    world_.after(takes, [me = shared_from_this()] {
      --me->starting_;
      if (me->alive_)
        me->start_one();
    });
  }
}

void host::start_one() {
  task_id id{world_.chance.next() | 1};
  auto me = shared_from_this();
  auto it = std::make_shared<process>(world_, id, sink_, mood);
  processes_[id].it = it;
  if (partitioned_)
    it->link->hold(patience_);
  it->on_exit = [this, id] {
    auto unused = !processes_[id].assigned && !processes_[id].ending;
    processes_.erase(id);
    // The process ended before it got work: wait before the next one is started.
    if (unused)
      world_.after(200ms, [me = shared_from_this()] { me->start_missing(); });
    else
      start_missing();
  };
  it->link->on_down(side::remote, [who = std::weak_ptr{it}] {
    if (auto left = who.lock())
      left->orphaned();
  });
  it->link->send(side::coordinator, [me, it] {
    if (!me->door_.on_join(it->id, me->life, it))
      it->link->send(side::remote, [it] { it->kill(); });
  });
}

std::vector<process_ptr> host::processes() const {
  std::vector<process_ptr> result;
  for (auto& [id, e] : processes_)
    result.push_back(e.it);
  return result;
}

// -- faults -------------------------------------------------------------------

void host::crash(bool silently) {
  alive_ = false;
  auto at = link;
  if (at && silently)
    at->cut();
  else if (at)
    at->close(side::remote);
  for (auto& p : processes()) {
    p->on_exit = nullptr;
    if (silently)
      p->link->cut();
    p->kill();
  }
  processes_.clear();
}

void host::daemon_dies() {
  alive_ = false;
  if (link)
    link->close(side::remote);
}

void host::partition(duration patience) {
  partitioned_ = true;
  patience_ = patience;
  if (link)
    link->hold(patience);
  for (auto& p : processes())
    p->link->hold(patience);
}

void host::heal() {
  partitioned_ = false;
  if (link)
    link->release();
  for (auto& p : processes())
    p->link->release();
}

} // namespace troupe::sim
