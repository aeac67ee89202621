// A job of a simulated coordinator: does the same as actors/jobs/job.cpp and job_orphans.cpp.
#include "test/sim/job_node.hpp"

#include <algorithm>

namespace troupe::sim {

namespace {

constexpr duration journal_interval = 200ms;
constexpr duration leave_timeout = 5s;
constexpr duration worker_wait = 5s;

/// A lease must be returned to the lease table within this time.
constexpr duration release_within = 10s;

core::file_job_config config() {
  core::file_job_config x;
  x.retries_max = 6;
  x.deaths_max = 8;
  x.stall_max = milliseconds{30'000};
  return x;
}

} // namespace

job_node::job_node(job_world& w, const std::shared_ptr<job_queue_node>& queue, core::file_job_begin begin,
                   std::map<uint32_t, uint32_t> chunk_attempts, job_id id)
  : id(id),
    attempt(begin.attempt),
    owner(w.next_owner++),
    since(w.clock().now()),
    world_(w),
    queue_(queue),
    registry_(w.registry),
    job_(config(), begin, *this),
    chunk_attempts_(std::move(chunk_attempts)),
    planned_before_(!begin.chunks.empty()) {
  for (auto& c : begin.chunks)
    paths_[c.number] = c.path;
}

void job_node::begin() {
  job_.capacity({3, 3});
  job_.begin(world_.clock().now());
  send_writes();
  tick();
}

void job_node::tick() {
  if (gone_)
    return;
  send(world_.clock(), journal_interval, shared_from_this(), [](job_node& x) { x.tick(); });
  if (over_since_)
    return leave();
  consider_orphans();
  job_.tick(world_.clock().now());
  send_writes();
}

// -- messages ---------------------------------------------------------------------

void job_node::granted(attempt_id a, const troupe::lease& held, const job_task_ptr& task) {
  attempts_[a] = {held, task};
  job_.granted(a, held, world_.clock().now());
  // If the task was gone before this message came, its connection reports that at once.
  if (!task->alive)
    task_down(task);
  send_writes();
}

void job_node::not_granted(attempt_id a, bool encoder_gone) {
  job_.not_granted(a, world_.clock().now(), encoder_gone);
  send_writes();
}

void job_node::on(const file_progress& x, const job_task_ptr& from) {
  auto i = attempts_.find(x.attempt);
  if (i == attempts_.end() || i->second.task != from)
    return;
  job_.on(x, world_.clock().now());
}

void job_node::on(const file_result& x, const job_task_ptr& from) {
  auto i = attempts_.find(x.attempt);
  if (i == attempts_.end() || i->second.task != from)
    return;
  job_.on(x, world_.clock().now());
  send_writes();
}

void job_node::task_down(const job_task_ptr& t) {
  leaving_.erase(t->id);
  std::erase_if(orphans_, [&](auto& o) { return o.task == t; });
  for (auto& [a, x] : attempts_)
    if (x.task == t) {
      auto which = a;
      job_.down(which, "the task process is gone", world_.clock().now());
      return send_writes();
    }
}

void job_node::halt() {
  keeps_folder_ = true;
  end();
}

void job_node::end() {
  job_.cancel();
  if (!over_since_)
    over_since_ = world_.clock().now();
  leave();
}

void job_node::give_back(lease_id x) {
  job_.give_back(x, world_.clock().now());
  send_writes();
}

void job_node::stored() {
  job_.stored(world_.clock().now());
  send_writes();
}

void job_node::refused() {
  keeps_folder_ = true;
  end();
}

// -- orphans -------------------------------------------------------------------------

void job_node::offer(const job_task_ptr& t, std::function<void(bool)> answer) {
  orphans_.push_back({t, std::move(answer), world_.clock().now()});
  consider_orphans();
}

void job_node::consider_orphans() {
  if (!job_.planned())
    return;
  auto now = world_.clock().now();
  for (auto i = orphans_.begin(); i != orphans_.end();) {
    auto* work = std::get_if<chunk_work>(&i->task->work->work);
    if (work == nullptr || !i->task->alive || !job_.awaits(*work, now)) {
      i->answer(false);
      i = orphans_.erase(i);
      continue;
    }
    auto registry = registry_.lock();
    if (registry && !std::exchange(i->asked, true)) {
      lease_request wanted;
      wanted.label.kind = work_kind::chunk;
      wanted.last_resort = now - i->since > worker_wait;
      auto answer = [weak = weak_from_this(), t = i->task](const troupe::lease* held) {
        auto me = weak.lock();
        if (!me || me->gone_)
          return;
        auto o = std::find_if(me->orphans_.begin(), me->orphans_.end(), [&](auto& x) { return x.task == t; });
        if (o == me->orphans_.end()) {
          if (auto r = me->registry_.lock(); r && held != nullptr)
            r->release(held->id, {});
        } else if (held == nullptr) {
          o->asked = false; // its machine may still register
        } else {
          auto x = std::move(*o);
          me->orphans_.erase(o);
          me->adopt(std::move(x), *held);
        }
      };
      send(world_.clock(), at_once, registry,
           [t = i->task, wanted, me = shared_from_this(), answer](job_registry& r) { r.adopt(t, wanted, me, answer); });
    }
    ++i;
  }
}

void job_node::adopt(orphan x, const troupe::lease& held) {
  adopted_ = {held, x.task};
  auto a = job_.take_over(std::get<chunk_work>(x.task->work->work), held, world_.clock().now());
  adopted_.reset();
  x.answer(a.has_value());
  if (a)
    world_.count("orphans taken over");
  else if (auto r = registry_.lock())
    r->release(held.id, {});
  if (a && !x.task->alive)
    task_down(x.task);
}

void job_node::attach(attempt_id a) {
  attempts_[a] = *adopted_;
  auto number = std::get<chunk_work>(adopted_->task->work->work).number;
  paths_[number] = std::get<chunk_work>(adopted_->task->work->work).destination;
  world_.clock().after(1ms, [&w = world_, t = adopted_->task, a, me = weak_from_this()] {
    if (auto x = me.lock())
      w.attach(t, a, x);
  });
}

// -- core::file_job_effects ------------------------------------------------------------

void job_node::lease(attempt_id, const lease_request& x) {
  if (auto r = registry_.lock())
    send(world_.clock(), at_once, r, [x, me = weak_from_this()](job_registry& to) {
      if (auto owner = me.lock())
        to.request(x, owner);
    });
}

void job_node::start(const file_work& x) {
  world_.check_not_stopped(id, "work is begun for it");
  if (auto* chunk = std::get_if<chunk_work>(&x.work)) {
    world_.check_encode(*this, *chunk);
    world_.count("chunks begun");
    paths_[chunk->number] = chunk->destination;
  } else if (auto* last = std::get_if<assemble_work>(&x.work)) {
    world_.check_assembly(id, *last);
  }
  auto work = x;
  work.job = id;
  world_.clock().after(1ms, [&w = world_, t = attempts_.at(x.attempt).task, work, me = weak_from_this()] {
    if (auto client = me.lock())
      w.start_work(t, work, client);
  });
}

void job_node::device_failed(attempt_id a, const std::string& why) {
  auto i = attempts_.find(a);
  if (auto r = registry_.lock(); r && i != attempts_.end())
    send(world_.clock(), at_once, r,
         [lease = i->second.held.id, why](job_registry& to) { to.device_failed(lease, why); });
}

void job_node::stop(attempt_id a, const lease_end& how) {
  auto i = attempts_.find(a);
  auto r = registry_.lock();
  if (i == attempts_.end() || !r)
    return;
  if (i->second.task->alive)
    leaving_.insert(i->second.task->id);
  auto held = i->second.held.id;
  attempts_.erase(i);
  send(world_.clock(), release_within, r, [held](job_registry& to) {
    if (to.has(held))
      fail("the lease ", to_string(held), " is still given long after its use");
  });
  if (world_.bug() != plant::kept_lease)
    send(world_.clock(), at_once, r, [held, how](job_registry& to) { to.release(held, how); });
}

store_op job_node::move_to(job_state to) const {
  return {.what = store_op::kind::move, .id = id, .to = to, .attempt = attempt};
}

store_op job_node::chunk_to(uint32_t number, chunk_state to) const {
  return {.what = store_op::kind::chunk, .id = id, .life = attempt, .number = number, .chunk_to = to};
}

void job_node::at_work(const std::string&) {
  writes_.push_back(move_to(job_state::running));
}

void job_node::planned(const std::vector<core::file_chunk>& chunks) {
  for (auto& [number, path] : paths_)
    if (!path.empty())
      world_.check_spoiled(id, path);
  if (planned_before_)
    writes_.push_back({.what = store_op::kind::forget_plan, .id = id, .attempt = attempt});
  chunk_attempts_.clear();
  writes_.push_back({.what = store_op::kind::plan, .id = id, .attempt = attempt, .chunks = chunks});
}

void job_node::chunk_began(uint32_t number, const troupe::lease&) {
  ++chunk_attempts_[number];
  writes_.push_back(chunk_to(number, chunk_state::leased));
}

void job_node::chunk_ended(uint32_t number, const std::string& path, const chunk_done& x) {
  auto op = chunk_to(number, chunk_state::done);
  op.attempt = chunk_attempts_[number];
  op.path = path;
  op.result = x;
  paths_[number] = path;
  world_.count("chunks ended");
  if (world_.bug() != plant::unwritten_chunk)
    writes_.push_back(op);
}

void job_node::chunk_waits(uint32_t number, uint32_t, const std::string&) {
  writes_.push_back(chunk_to(number, chunk_state::waiting));
}

void job_node::chunk_spoiled(uint32_t number, const std::string&) {
  world_.check_spoiled(id, paths_[number]);
  spoiled.insert(paths_[number]);
  writes_.push_back(chunk_to(number, chunk_state::waiting));
}

void job_node::completed(const file_published&) {
  writes_.push_back(move_to(job_state::completed));
  completed_ = world_.bug() != plant::early_clean_up;
  over_since_ = world_.clock().now();
}

void job_node::failed(failure_kind, const std::string& why) {
  world_.clock().trace("job ", id.low, " fails: ", why);
  world_.provoke(id, 0.5);
  writes_.push_back(move_to(job_state::failed));
  keeps_folder_ = true;
  over_since_ = world_.clock().now();
}

// -- implementation -----------------------------------------------------------------------

void job_node::send_writes() {
  auto queue = queue_.lock();
  if (!writes_.empty() && queue) {
    job_.handed_over();
    send(world_.clock(), at_once, queue,
         [me = shared_from_this(), ops = std::exchange(writes_, {})](job_queue_node& to) { to.take(me, ops); });
    if (world_.bug() == plant::early_publication)
      send(world_.clock(), at_once, shared_from_this(), [](job_node& x) { x.stored(); });
  }
  if (over_since_)
    leave();
}

void job_node::leave() {
  if (gone_ || (!leaving_.empty() && world_.clock().now() - *over_since_ < leave_timeout))
    return;
  if (completed_ && !keeps_folder_ && !job_.all_stored())
    return;
  if (!keeps_folder_)
    world_.drop_folder(id);
  quit();
}

void job_node::quit() {
  gone_ = true;
  send(world_.clock(), at_once, shared_from_this(), [](job_node& x) { x.world_.job_gone(x.shared_from_this()); });
}

void job_node::vanish() {
  gone_ = true;
  for (auto& o : std::exchange(orphans_, {}))
    o.answer(false);
}

} // namespace troupe::sim
