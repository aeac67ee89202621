#include "test/sim/job_world.hpp"

#include "test/sim/job_node.hpp"

#include <algorithm>

namespace troupe::sim {

namespace {

constexpr duration invariants_interval = 500ms;

/// Within this time after the last fault, every job that no user has paused must have ended: pauses after errors are a
/// minute at most, and so is the wait for orphans.
constexpr duration recovery_within = 600s;

/// After this additional time nothing may be left.
constexpr duration goodbye_within = 60s;

} // namespace

job_world::job_world(uint64_t seed, bool trace, plant bug) : world_(seed, trace), bug_(bug), store_(world_, bug) {
  running_max = static_cast<uint32_t>(world_.chance.between(1, 3));
  batch_max = static_cast<size_t>(world_.chance.between(1, 20));
  cards = world_.chance.chance(0.4);
  for (size_t i = 0, n = static_cast<size_t>(world_.chance.between(1, 4)); i < n; ++i) {
    job_machine m;
    m.place = i;
    m.slots = static_cast<uint32_t>(world_.chance.between(1, 3));
    m.has_card = cards && (i == 0 || world_.chance.chance(0.5));
    m.latency = world_.chance.between(duration{1ms}, 8ms);
    machines.push_back(m);
  }
}

job_world::~job_world() = default;

void job_world::run() {
  auto left = [this](job_state state) {
    auto id = job_id{1, next_job_++};
    cuts_[id] = 1;
    codecs_[id] = "libx264";
    store_op op{.what = store_op::kind::submit, .id = id, .by_person = true};
    store_.apply({op});
    if (state == strange_state)
      store_.make_strange(id);
  };
  if (world_.chance.chance(0.3))
    left(strange_state);
  if (world_.chance.chance(0.3))
    left(job_state::queued);
  start_coordinator();
  for (auto& m : machines)
    world_.after(world_.chance.between(duration{0}, 500ms), [this, &m] { bring_up(m); });
  auto lasts = world_.chance.between(duration{20s}, 90s);
  for (int64_t i = 0, n = world_.chance.between(1, 12); i < n; ++i)
    world_.after(world_.chance.between(duration{0}, lasts / 2), [this] { submit(); });
  tick();
  people();
  fault();
  world_.run_until(world_.now() + lasts);
  faults_ = false;
  world_.trace("the faults are over");
  store_.out = false;
  while (!queue)
    world_.run_until(world_.now() + 100ms);
  for (auto& m : machines) {
    m.card_works = true;
    if (m.alive)
      enter(m);
    else
      bring_up(m);
  }
  // Half of the paused jobs are resumed.
  for (auto& [id, job] : store_.all())
    if (job.row.state == job_state::paused && world_.chance.chance(0.5))
      queue->ask(core::job_book::resume(id));
  auto deadline = world_.now() + recovery_within;
  while (world_.now() < deadline && !all_ended())
    world_.run_until(world_.now() + 1s);
  for (auto until = world_.now() + goodbye_within; world_.now() < until;) {
    world_.run_until(world_.now() + 1s);
    if (all_ended() && jobs.empty() && (!registry || registry->leases() == 0))
      break;
  }
  check_end();
  for (auto& [id, job] : store_.all()) {
    world_.note(id.low * 100 + static_cast<uint64_t>(job.row.state));
    count(job.row.state == strange_state ? "strange" : to_string(job.row.state));
  }
  summary_.steps = world_.steps();
  summary_.fingerprint = world_.fingerprint();
}

void job_world::tick() {
  check_calm();
  world_.after(invariants_interval, [this] { tick(); });
}

// -- the coordinator ------------------------------------------------------------------------

void job_world::start_coordinator() {
  registry = std::make_shared<job_registry>(*this, next_lease_);
  next_lease_ += 1'000'000;
  registry->tick();
  start_queue();
  for (auto& m : machines)
    world_.after(world_.chance.between(duration{50ms}, 1500ms), [this, id = m.id] {
      if (auto* at = machine_of(id))
        enter(*at);
    });
}

void job_world::start_queue() {
  if (!registry || queue)
    return;
  shake();
  // A queue that finds no store ends, and the next one tries again. A queue that finds a writer at work waits for it.
  std::erase_if(writers_, [](auto& x) { return x.expired() || x.lock()->is_done(); });
  auto awaits = !writers_.empty() && bug_ != plant::unawaited_writer && bug_ != plant::no_fence;
  if (store_.out || awaits)
    return world_.after(200ms, [this] { start_queue(); });
  queue = std::make_shared<job_queue_node>(*this);
  queue->start();
}

void job_world::kill_coordinator() {
  if (!registry)
    return;
  world_.trace("the coordinator dies");
  count("coordinators killed");
  if (queue)
    queue->writer()->kill();
  for (auto& x : std::exchange(writers_, {}))
    if (auto writer = x.lock())
      writer->kill();
  queue.reset();
  registry.reset();
  jobs.clear();
  for (auto& m : machines) {
    m.wanted = m.starting = 0;
    for (auto& [id, t] : std::map{m.tasks}) {
      if (!t->work || !std::holds_alternative<chunk_work>(t->work->work)) {
        end_task(t, true);
        continue;
      }
      t->client.reset();
      t->delivering = false;
      t->orphaned = world_.now();
      world_.after(60s, [this, t = t, since = t->orphaned] {
        if (t->orphaned == since)
          end_task(t, true);
      });
      world_.after(world_.chance.between(duration{20ms}, 300ms), [this, t = t] { look_for_coordinator(t); });
    }
  }
  // Another version of the program may change a job while there is no coordinator.
  if (!store_.all().empty() && world_.chance.chance(0.1))
    if (auto id = any_job(); store_.find(id)->row.state == job_state::queued)
      store_.make_strange(id);
  world_.after(world_.chance.between(duration{100ms}, 2s), [this] { start_coordinator(); });
}

void job_world::kill_queue() {
  if (!queue)
    return;
  world_.trace("the queue dies");
  count("queues killed");
  writers_.push_back(queue->writer());
  std::exchange(queue, nullptr)->vanish();
  // The queue's jobs end with it, and their leases too.
  for (auto& job : std::vector{jobs})
    job_gone(job);
  world_.after(world_.chance.between(duration{1ms}, 20ms), [this] { start_queue(); });
}

// -- people -----------------------------------------------------------------------------------

job_id job_world::any_job() {
  auto i = store_.all().begin();
  std::advance(i, static_cast<std::ptrdiff_t>(world_.chance.below(store_.all().size())));
  return i->first;
}

void job_world::submit() {
  auto id = job_id{1, next_job_++};
  cuts_[id] = static_cast<size_t>(world_.chance.between(1, 3));
  codecs_[id] = cards && world_.chance.chance(0.6) ? "h264_nvenc" : "libx264";
  if (queue)
    queue->submit(id);
}

void job_world::people() {
  if (!faults_)
    return;
  world_.after(world_.chance.between(duration{50ms}, 2s), [this] { people(); });
  if (queue && !store_.all().empty())
    act(any_job());
}

void job_world::act(job_id id) {
  auto* job = store_.find(id);
  if (!faults_ || !queue || job == nullptr || job->row.state == strange_state)
    return;
  auto which = world_.chance.below(100);
  if (which < 4)
    return queue->ask(core::job_book::cancel(id));
  if (which < 7)
    return queue->remove(id);
  // Mostly commands that make sense for the state that users see.
  auto state = world_.chance.chance(0.8) ? job->row.state : static_cast<job_state>(world_.chance.below(7));
  if (state == job_state::failed)
    return queue->ask(core::job_book::retry(id));
  if (state == job_state::paused)
    return queue->ask(core::job_book::resume(id));
  queue->ask(core::job_book::pause(id));
  if (world_.chance.chance(0.6)) // a quick change of mind
    world_.after(world_.chance.between(duration{0}, 80ms), [this, id] {
      if (faults_ && queue)
        queue->ask(core::job_book::resume(id));
    });
}

void job_world::provoke(job_id id, double probability) {
  if (faults_ && world_.chance.chance(probability))
    world_.after(world_.chance.between(duration{0}, 60ms), [this, id] { act(id); });
}

// -- faults -----------------------------------------------------------------------------------

job_task_ptr job_world::any_task() {
  std::vector<job_task_ptr> all;
  for (auto& m : machines)
    for (auto& [id, t] : m.tasks)
      all.push_back(t);
  return all.empty() ? nullptr : world_.chance.pick(all);
}

void job_world::fault() {
  if (!faults_)
    return;
  world_.after(world_.chance.between(duration{100ms}, 4s), [this] { fault(); });
  auto which = world_.chance.below(100);
  std::optional<job_id> concerned;
  if (which < 10) {
    kill_coordinator();
  } else if (which < 25) {
    kill_queue();
  } else if (which < 45) {
    if (jobs.empty())
      return;
    auto job = world_.chance.pick(jobs);
    world_.trace("the actor of the job ", job->id.low, " dies");
    count("job actors killed");
    concerned = job->id;
    job_gone(job);
  } else if (which < 53) {
    auto& m = world_.chance.pick(machines);
    take_down(m);
    world_.after(world_.chance.between(duration{500ms}, 6s), [this, &m] {
      if (!m.alive)
        bring_up(m);
    });
  } else if (which < 68) {
    if (auto t = any_task()) {
      if (t->work)
        concerned = t->work->job;
      end_task(t, false);
    }
  } else if (which < 80) {
    world_.trace("the store does not work");
    count("outages");
    store_.out = true;
    world_.after(world_.chance.between(duration{100ms}, 6s), [this] { store_.out = false; });
  } else if (which < 84) {
    if (!disk.empty()) {
      auto i = disk.begin();
      std::advance(i, static_cast<std::ptrdiff_t>(world_.chance.below(disk.size())));
      i->second.whole = false;
    }
  } else if (which < 92) {
    if (registry)
      registry->live_work(world_.chance.between(duration{500ms}, 4s));
  } else if (cards) {
    auto& m = world_.chance.pick(machines);
    m.card_works = !m.card_works;
    if (m.alive)
      enter(m);
  }
  // Users that watch the job react to it.
  if (concerned)
    provoke(*concerned, 0.5);
}

} // namespace troupe::sim
