// The machines of the simulated jobs: their processes, the work of these, and the files that they leave.
#include "test/sim/job_node.hpp"

#include <algorithm>

namespace troupe::sim {

namespace {

constexpr duration machine_beat = 1s;
constexpr duration report_interval = 500ms;
constexpr duration look_interval = 300ms;
constexpr duration orphan_timeout = 60s;
constexpr uint64_t pictures_per_cut = 250;

} // namespace

job_machine* job_world::machine_of(worker_id id) {
  for (auto& m : machines)
    if (m.alive && m.id == id)
      return &m;
  return nullptr;
}

registration job_world::registration_of(const job_machine& m) const {
  registration x;
  x.worker = m.id;
  x.name = "w" + std::to_string(m.place);
  x.version = "1";
  x.slots = m.slots;
  x.can.cores = m.slots;
  x.can.encoders = {{"libx264", "h264", "video", "", true, "", 0}, {"aac", "aac", "audio", "", true, "", 0}};
  if (!m.has_card || !m.card_works)
    return x;
  gpu_report card;
  card.card.uuid = "card-" + std::to_string(m.place);
  card.card.device = "cuda:0";
  card.card.name = "Quadro RTX 4000";
  card.card.vendor = gpu_vendor::nvidia;
  card.card.for_gpu.encode = session_limit::of(2);
  x.gpus = {card};
  x.can.encoders.push_back({"h264_nvenc", "h264", "video", "cuda:0", true, "", 0, gpu_key(card.card)});
  return x;
}

void job_world::bring_up(job_machine& m) {
  m.id = worker_id{next_worker_++};
  m.alive = true;
  m.wanted = m.starting = 0;
  world_.trace("machine ", m.place, " is up as ", to_string(m.id));
  enter(m);
  beat(m.id);
}

void job_world::enter(job_machine& m) {
  if (registry)
    registry->add(registration_of(m));
}

void job_world::beat(worker_id id) {
  auto* m = machine_of(id);
  if (m == nullptr)
    return;
  world_.after(machine_beat, [this, id] { beat(id); });
  if (registry && !registry->beat(*m))
    enter(*m);
}

void job_world::take_down(job_machine& m) {
  if (!m.alive)
    return;
  world_.trace("machine ", m.place, " is gone");
  m.alive = false;
  for (auto& [id, t] : std::map{m.tasks})
    end_task(t, false);
  if (registry)
    send(world_, m.latency, registry, [id = m.id](job_registry& r) { r.host_down(id); });
}

void job_world::bring_up_processes(job_machine& m) {
  auto warm = static_cast<uint32_t>(
    std::count_if(m.tasks.begin(), m.tasks.end(), [](auto& kv) { return kv.second->kind == "warm"; }));
  for (; m.alive && warm + m.starting < m.wanted; ++m.starting)
    world_.after(world_.chance.between(duration{20ms}, 200ms), [this, place = m.place, host = m.id] {
      auto* at = machine_of(host);
      if (at == nullptr || at->starting == 0)
        return;
      --at->starting;
      auto t = std::make_shared<job_task>(job_task{task_id{next_task_++}, place, host});
      at->tasks[t->id] = t;
      if (!registry || !registry->joined(t))
        end_task(t, true);
    });
}

void job_world::end_task(job_task_ptr t, bool in_order) {
  if (!std::exchange(t->alive, false))
    return;
  auto& m = machines[t->machine];
  m.tasks.erase(t->id);
  bring_up_processes(m);
  world_.after(m.latency, [this, t, in_order] {
    for (auto& job : std::vector{jobs})
      job->task_down(t);
    if (registry) {
      registry->task_down(t->id, in_order);
      registry->process_gone(t->id);
    }
  });
}

// -- work ---------------------------------------------------------------------------------

void job_world::start_work(const job_task_ptr& t, const file_work& x, const std::shared_ptr<job_node>& client) {
  if (!t->alive)
    return;
  t->work = x;
  t->client = client;
  t->hangs = faults_ && world_.chance.chance(0.02);
  auto takes = std::holds_alternative<probe_work>(x.work)      ? world_.chance.between(duration{50ms}, 400ms)
               : std::holds_alternative<assemble_work>(x.work) ? world_.chance.between(duration{100ms}, 1s)
                                                               : world_.chance.between(duration{300ms}, 4s);
  world_.after(takes, [this, t] { finish_work(t); });
  report(t);
}

void job_world::report(const job_task_ptr& t) {
  if (!t->alive || t->hangs)
    return;
  world_.after(report_interval, [this, t] { report(t); });
  t->frames += 10;
  if (auto client = t->client.lock())
    send(world_, machines[t->machine].latency, client,
         [t, x = file_progress{t->work->attempt, t->frames, t->frames}](job_node& to) { to.on(x, t); });
}

decltype(file_result::outcome) job_world::outcome_of(const job_task_ptr& t) {
  auto& m = machines[t->machine];
  auto& work = t->work->work;
  auto fails = faults_ && world_.chance.chance(0.03);
  if (auto* probe = std::get_if<probe_work>(&work)) {
    if (fails)
      return file_failure{false, false, "the source is not there for the moment"};
    auto found = source_of(t->work->job);
    for (auto& c : probe->chunks)
      if (auto i = disk.find(c.path); i != disk.end() && i->second.whole)
        found.whole_chunks.push_back(c.number);
    return found;
  }
  if (auto* chunk = std::get_if<chunk_work>(&work)) {
    if (!chunk->seat.gpu.empty() && !m.card_works)
      return file_failure{false, false, "no such device", true};
    if (fails)
      return file_failure{world_.chance.chance(0.3), false, "the disk of the worker is full"};
    disk[chunk->destination] = {!faults_ || !world_.chance.chance(0.01), chunk->seat.encoder};
    chunk_done done{1000, std::string(64, 'a'), chunk->pictures.value_or(100)};
    done.sought = true;
    return done;
  }
  auto& last = std::get<assemble_work>(work);
  for (auto* part : {&last.video, &last.audio})
    for (auto& c : *part)
      if (auto i = disk.find(c.path); i == disk.end() || !i->second.whole)
        return file_failure{false, false, "a chunk is damaged"};
  check_publication(t->work->job);
  provoke(t->work->job, 0.2);
  return file_published{4000, 1000, 1000, 0, {}};
}

void job_world::finish_work(const job_task_ptr& t) {
  if (!t->alive || t->hangs)
    return;
  t->outcome = outcome_of(t);
  deliver(t);
}

void job_world::deliver(const job_task_ptr& t) {
  auto client = t->client.lock();
  if (!t->alive || !client || !t->outcome)
    return;
  t->delivering = true;
  auto latency = machines[t->machine].latency;
  send(world_, latency, client, [this, t, latency, x = file_result{t->work->attempt, *t->outcome}](job_node& to) {
    to.on(x, t);
    // The result is accepted and the lease is being returned: the task's work is done.
    world_.after(latency + 1ms, [this, t] { end_task(t, true); });
  });
}

void job_world::attach(const job_task_ptr& t, attempt_id attempt, const std::shared_ptr<job_node>& client) {
  if (!t->alive)
    return;
  t->work->attempt = attempt;
  t->client = client;
  t->orphaned = {};
  t->delivering = false;
  deliver(t);
}

void job_world::job_gone(const std::shared_ptr<job_node>& x) {
  if (std::erase(jobs, x) == 0)
    return;
  x->vanish();
  provoke(x->id, 0.3);
  client_lost(*x);
  send(world_, at_once, registry, [owner = x->owner](job_registry& r) { r.owner_lost(owner); });
  if (queue)
    send(world_, at_once, queue, [id = x->id, attempt = x->attempt](job_queue_node& q) { q.job_down(id, attempt); });
}

void job_world::client_lost(const job_node& x) {
  for (auto& m : machines)
    for (auto& [id, t] : std::map{m.tasks})
      if (auto client = t->client.lock(); client.get() == &x) {
        t->client.reset();
        t->delivering = false;
        if (!std::holds_alternative<chunk_work>(t->work->work))
          end_task(t, true);
      }
}

void job_world::look_for_coordinator(const job_task_ptr& t) {
  if (!t->alive || t->orphaned == time_point{})
    return;
  if (world_.now() - t->orphaned > orphan_timeout)
    return end_task(t, true);
  if (!queue) {
    world_.after(look_interval, [this, t] { look_for_coordinator(t); });
    return;
  }
  queue->take_in(t, [this, t](bool taken) {
    if (!taken)
      world_.after(machines[t->machine].latency, [this, t] { end_task(t, true); });
  });
}

// -- files --------------------------------------------------------------------------------------

source_summary job_world::source_of(job_id id) const {
  source_summary x;
  auto cuts = cuts_.at(id);
  auto length = static_cast<int64_t>(cuts) * 10 * ticks_per_second;
  x.identity = "a";
  x.end = length;
  x.exact = x.countable = true;
  x.streams = {{0, true, "h264", "", 1280, 720, cuts * pictures_per_cut, 0, length},
               {1, false, "aac", "eng", 0, 0, 1875, 0, length}};
  x.streams[0].even_rate = {25, 1};
  for (uint64_t i = 0; i < cuts; ++i)
    x.cuts.push_back({static_cast<int64_t>(i) * 10 * ticks_per_second, i * pictures_per_cut});
  return x;
}

file_order job_world::order_of(job_id id) const {
  file_order x;
  x.input = "/" + std::to_string(id.low) + ".mkv";
  x.output = "/" + std::to_string(id.low) + ".mp4";
  x.container = "mp4";
  x.video.codec = codecs_.at(id);
  x.video.on_busy = id.low % 2 == 0 ? exhaustion_policy::queue : exhaustion_policy::fallback;
  x.audio.codec = "aac";
  x.chunk_duration = 10s;
  return x;
}

std::string job_world::folder_of(job_id id) {
  return "/work/" + std::to_string(id.low);
}

void job_world::drop_folder(job_id id) {
  if (auto* job = store_.find(id); job != nullptr && job->row.ended_ms == 0)
    fail("the files of the job ", id.low, " are thrown away, which is ", to_string(job->row.state));
  auto folder = folder_of(id) + "/";
  std::erase_if(disk, [&](auto& kv) { return kv.first.starts_with(folder); });
}

} // namespace troupe::sim
