#include "core/cluster/worker_table.hpp"

#include "core/cluster/lease_translation.hpp"

#include <algorithm>
#include <cassert>
#include <cstdio>

namespace troupe::core {

namespace {

constexpr size_t ended_tasks_kept = 16;
constexpr size_t name_length_max = 128;
constexpr size_t gpus_max = 256;
constexpr size_t reasons_told = 16;        ///< reasons given in a refusal
constexpr int objections_looked_for = 256; ///< workers of a large cluster: a longer list would not be read

bool proves(const std::vector<codec_capability>& list, const std::string& wanted) {
  return std::any_of(list.begin(), list.end(),
                     [&](const codec_capability& c) { return c.works && (c.name == wanted || c.codec == wanted); });
}

/// What the encoder's test run reported, for each of its devices.
std::string why_filtered(const std::vector<codec_capability>& list, const std::string& name) {
  std::string result;
  for (auto& c : list)
    if (c.name == name && !c.works && !c.reason.empty() && result.size() < 512)
      result += (result.empty() ? ": " : ", ") + (c.device.empty() ? "" : "on " + c.device + ": ") + c.reason;
  return result;
}

std::string percent(double x) {
  char text[32];
  std::snprintf(text, sizeof(text), "%.0f %%", x);
  return text;
}

bool is_refused(const lease_request& x, worker_id id) {
  return std::find(x.refused_by.begin(), x.refused_by.end(), id) != x.refused_by.end();
}

/// The figures of a task: each of its outputs is made from the same input.
work_statistics together(const std::map<lease_id, work_statistics>& outputs) {
  work_statistics result;
  for (auto& [lease, x] : outputs) {
    result.samples_in = std::max(result.samples_in, x.samples_in);
    result.bytes_in = std::max(result.bytes_in, x.bytes_in);
    result.frames_decoded = std::max(result.frames_decoded, x.frames_decoded);
    result.corrupt_packets = std::max(result.corrupt_packets, x.corrupt_packets);
    result.discontinuities = std::max(result.discontinuities, x.discontinuities);
    result.source_shift = std::max(result.source_shift, x.source_shift);
    result.samples_out += x.samples_out;
    result.bytes_out += x.bytes_out;
    result.frames_encoded += x.frames_encoded;
    result.busy_ms += x.busy_ms;
    result.speed = outputs.size() == 1 || result.speed == 0 ? x.speed : std::min(result.speed, x.speed);
  }
  return result;
}

} // namespace

std::optional<worker_table::refusal> worker_table::add(const registration& x, time_point now, int64_t unix_ms) {
  if (x.version != config_.version)
    return refusal{ec::refused, "the worker is of version " + x.version.substr(0, name_length_max)
                                  + ", the coordinator of version " + config_.version + ": install the same on both"};
  if (x.gpus.size() > gpus_max)
    return refusal{ec::limit, "a worker has " + std::to_string(gpus_max) + " graphics cards at most"};
  if (x.name.empty() || x.name.size() > name_length_max || !x.worker)
    return refusal{ec::invalid_argument, "a worker needs a name of 1 to 128 bytes and an id"};
  for (auto& [id, other] : workers_)
    if (id != x.worker && other.status.name == x.name && other.status.state != health::gone) {
      if (now - other.last_heartbeat < config_.unhealthy_after)
        return refusal{ec::refused, "another worker named " + x.name
                                      + " is here and well: give this one another node.name, or stop the other"};
      lost(id, "replaced by a new worker of the same name", now);
    }
  std::erase_if(workers_, [&](const auto& kv) {
    return kv.second.status.state == health::gone && kv.second.status.name == x.name && kv.first != x.worker
           && kv.second.status.slots_used == 0;
  });
  if (!workers_.contains(x.worker) && workers_.size() >= config_.workers_max)
    return refusal{ec::limit, "this coordinator accepts no more workers"};
  note_time(now, unix_ms);
  auto [i, fresh] = workers_.try_emplace(x.worker, config_.breaker);
  auto& w = i->second;
  w.info = x;
  if (fresh) // decisions made here while its connection was broken override what the worker last heard
    w.draining = x.draining;
  w.last_heartbeat = now;
  auto& s = w.status;
  s.id = x.worker;
  s.name = x.name;
  s.version = x.version;
  s.registered_at_ms = unix_ms;
  s.last_heartbeat_at_ms = unix_ms;
  s.slots = x.slots;
  s.can = x.can;
  s.state = health::healthy;
  judge(w, now);
  return std::nullopt;
}

bool worker_table::beat(const heartbeat& x, time_point now, int64_t unix_ms) {
  auto i = workers_.find(x.worker);
  if (i == workers_.end() || i->second.status.state == health::gone)
    return false;
  note_time(now, unix_ms);
  auto& w = i->second;
  if (x.sequence > w.status.heartbeats + w.status.heartbeats_missed + 1)
    w.status.heartbeats_missed = x.sequence - 1 - w.status.heartbeats;
  ++w.status.heartbeats;
  w.last_heartbeat = now;
  w.status.last_heartbeat_at_ms = unix_ms;
  w.status.machine = x.machine;
  // What tasks say about their own work is reported separately; the host knows only the processes.
  auto known = std::move(w.status.tasks);
  w.status.tasks = x.tasks;
  for (auto& t : w.status.tasks)
    for (auto& k : known)
      if (k.task == t.task)
        t.work = k.work;
  std::erase_if(w.reports, [&](auto& r) {
    return std::none_of(x.tasks.begin(), x.tasks.end(), [&](auto& t) { return t.task == r.first; });
  });
  judge(w, now);
  return true;
}

void worker_table::lost(worker_id id, std::string reason, time_point now) {
  auto i = workers_.find(id);
  if (i == workers_.end() || i->second.status.state == health::gone)
    return;
  auto& w = i->second;
  w.status.state = health::gone;
  w.status.reason = std::move(reason);
  w.gone_at = now;
  note(w);
}

std::vector<worker_id> worker_table::tick(time_point now) {
  std::vector<worker_id> gone;
  for (auto& [id, w] : workers_) {
    if (w.status.state == health::gone)
      continue;
    if (now - w.last_heartbeat >= config_.gone_after) {
      lost(id, "no heartbeat for " + std::to_string(config_.gone_after.count()) + " ms", now);
      gone.push_back(id);
    } else {
      judge(w, now);
    }
  }
  std::erase_if(workers_, [&](const auto& kv) {
    return kv.second.status.state == health::gone && now - kv.second.gone_at >= config_.gone_kept_for;
  });
  return gone;
}

void worker_table::judge(worker& w, time_point now) {
  auto& s = w.status;
  if (s.state == health::gone)
    return;
  assert(w.last_heartbeat <= now);
  w.trust.tick(now);
  auto limit = config_.degraded_pressure_percent;
  auto set = [&s](health state, std::string reason) {
    s.state = state;
    s.reason = std::move(reason);
  };
  w.silent = now - w.last_heartbeat >= config_.unhealthy_after;
  if (w.silent)
    set(health::unhealthy, "no heartbeat for " + std::to_string(config_.unhealthy_after.count()) + " ms");
  else if (w.draining)
    set(health::draining, "takes no new work until it is resumed");
  else if (w.trust.state() == breaker_state::open)
    set(health::unhealthy, w.trust.reason());
  else if (now - w.last_heartbeat >= config_.degraded_after)
    set(health::degraded, "no heartbeat for " + std::to_string(config_.degraded_after.count()) + " ms");
  else if (w.trust.state() == breaker_state::half_open)
    set(health::degraded, "takes one task at a time, on trial: " + w.trust.reason());
  else if (w.trust.failures() >= config_.degraded_failures)
    set(health::degraded, std::to_string(w.trust.failures()) + " tasks died or hung lately");
  else if (s.machine.cpu_pressure.avg10 > limit)
    set(health::degraded, "CPU pressure is " + percent(s.machine.cpu_pressure.avg10));
  else if (s.machine.memory_pressure.avg10 > limit)
    set(health::degraded, "memory pressure is " + percent(s.machine.memory_pressure.avg10));
  else if (s.machine.io_pressure.avg10 > limit)
    set(health::degraded, "I/O pressure is " + percent(s.machine.io_pressure.avg10));
  else
    set(health::healthy, {});
  note(w);
}

worker_condition worker_table::condition_of(const worker& w) const {
  auto& s = w.status;
  if (s.state == health::gone || w.silent || w.draining)
    return {readiness::none, s.machine.cpu_percent};
  if (!w.trust.takes_work())
    return {readiness::last_resort, s.machine.cpu_percent};
  return {s.state == health::degraded ? readiness::degraded : readiness::good, s.machine.cpu_percent};
}

void worker_table::note(worker& w) {
  assert(w.status.id);
  auto is = condition_of(w);
  if (is == w.told)
    return;
  w.told = is;
  changed_.push_back(w.status.id);
}

const registration* worker_table::registered(worker_id id) const {
  auto i = workers_.find(id);
  return i == workers_.end() || i->second.status.state == health::gone ? nullptr : &i->second.info;
}

worker_condition worker_table::condition(worker_id id) const {
  auto i = workers_.find(id);
  return i == workers_.end() ? worker_condition{readiness::none, 0} : condition_of(i->second);
}

bool worker_table::set_draining(worker_id id, bool draining) {
  auto i = workers_.find(id);
  // A worker that is away may be resumed: it may come back.
  if (i == workers_.end() || (draining && i->second.status.state == health::gone))
    return false;
  if (i->second.draining && !draining)
    i->second.trust.reset();
  i->second.draining = draining;
  judge(i->second, i->second.last_heartbeat);
  return true;
}

bool worker_table::remove(worker_id id) {
  changed_.push_back(id);
  return workers_.erase(id) != 0;
}

std::string worker_table::objection(const worker& w, const lease_request& x, const std::vector<rung>& rungs) const {
  auto& s = w.status;
  if (s.state == health::gone || s.state == health::draining)
    return "is " + std::string{to_string(s.state)};
  if (w.silent)
    return "is unhealthy: " + s.reason;
  if (w.draining)
    return "is draining";
  if (w.trust.state() == breaker_state::open && !x.last_resort)
    return "is unhealthy: " + s.reason;
  if (!w.trust.takes_work() && !x.last_resort)
    return "has a task on trial after failures";
  if (x.elsewhere && is_refused(x, s.id))
    return "is the worker that the work must leave";
  auto is_proven = [&s](const rung& r) { return proves(s.can.encoders, r.encoder); };
  if (auto& wish = x.video; !wish.encoder.empty() && std::none_of(rungs.begin(), rungs.end(), is_proven))
    return "has no working encoder for " + wish.encoder + why_filtered(s.can.encoders, wish.encoder);
  for (auto& name : x.encoders)
    if (name != x.video.encoder && !proves(s.can.encoders, name))
      return "has no working encoder for " + name;
  for (auto& name : x.decoders)
    if (!proves(s.can.decoders, name) && !has_word(s.can.opened_decoders, name))
      return "has no working decoder for " + name;
  return {};
}

std::string worker_table::why_not(const lease_request& x) const {
  std::vector<placement_candidate> all;
  add_objections(x, all, reasons_told);
  std::string result;
  for (auto& c : all)
    result += (result.empty() ? "" : "; ") + c.worker + " " + c.why_not;
  return result;
}

void worker_table::add_objections(const lease_request& x, std::vector<placement_candidate>& to, size_t most) const {
  auto asked = placement_request_of(x);
  auto rungs = asked ? std::move(asked->rungs) : std::vector<rung>{};
  auto looked = 0;
  for (auto& [id, w] : workers_) {
    if (to.size() >= most || ++looked > objections_looked_for)
      return;
    auto& s = w.status;
    if (s.state == health::gone || std::any_of(to.begin(), to.end(), [&](auto& c) { return c.worker == s.name; }))
      continue;
    auto why = objection(w, x, rungs);
    if (why.empty() && s.slots_used >= s.slots)
      why = "has no free slot (" + std::to_string(s.slots) + " in use)";
    if (!why.empty())
      to.push_back({s.name, {}, {}, std::move(why)});
  }
}

void worker_table::take_slot(worker_id id, lease_id lease) {
  auto i = workers_.find(id);
  assert(i != workers_.end() && lease);
  ++i->second.status.slots_used;
  i->second.trust.chosen(lease);
  note(i->second);
}

void worker_table::free_slot(worker_id id, lease_id lease) {
  auto i = workers_.find(id);
  if (i == workers_.end())
    return; // the worker was removed while its task ended
  assert(i->second.status.slots_used > 0);
  --i->second.status.slots_used;
  i->second.trust.not_used(lease);
  note(i->second);
}

void worker_table::task_started(worker_id id, lease_id lease, time_point now) {
  if (auto i = workers_.find(id); i != workers_.end()) {
    i->second.trust.started(lease, now);
    note(i->second);
  }
}

void worker_table::task_ended(const task_end& x, worker_id id, lease_id lease, time_point now, bool process_failed,
                              std::string_view input, bool lives_on) {
  auto i = workers_.find(id);
  if (i == workers_.end())
    return;
  auto& w = i->second;
  ++(x.reason.empty() ? w.status.tasks_completed : w.status.tasks_failed);
  if (process_failed)
    w.trust.failed(lease, input, x.reason, now);
  else if (x.reason.empty())
    w.trust.ended_well(lease);
  w.status.ended.insert(w.status.ended.begin(), x);
  if (w.status.ended.size() > ended_tasks_kept)
    w.status.ended.pop_back();
  if (!lives_on)
    std::erase_if(w.status.tasks, [&](const task_statistics& t) { return t.task == x.task; });
  judge(w, now);
}

void worker_table::report(task_id task, lease_id lease, const work_statistics& x) {
  for (auto& [id, w] : workers_)
    for (auto& t : w.status.tasks)
      if (t.task == task) {
        auto& of_task = w.reports[task];
        of_task[lease] = x;
        t.work = together(of_task);
      }
}

std::optional<worker_id> worker_table::find(std::string_view name_or_id) const {
  std::optional<worker_id> gone;
  for (auto& [id, w] : workers_)
    if (w.status.name == name_or_id || to_string(id) == name_or_id) {
      if (w.status.state != health::gone)
        return id;
      gone = id;
    }
  return gone;
}

health worker_table::state(worker_id id) const {
  auto i = workers_.find(id);
  return i == workers_.end() ? health::gone : i->second.status.state;
}

bool worker_table::draining(worker_id id) const {
  auto i = workers_.find(id);
  return i != workers_.end() && i->second.draining;
}

void worker_table::note_time(time_point now, int64_t unix_ms) {
  unix_ms_at_zero_ = unix_ms - std::chrono::duration_cast<milliseconds>(now.time_since_epoch()).count();
}

int64_t worker_table::unix_ms_of(time_point x) const {
  return unix_ms_at_zero_ + std::chrono::duration_cast<milliseconds>(x.time_since_epoch()).count();
}

std::vector<daemon_status> worker_table::status() const {
  std::vector<daemon_status> result;
  result.reserve(workers_.size());
  for (auto& [id, w] : workers_) {
    auto& s = result.emplace_back(w.status);
    s.drained = w.draining && s.state != health::gone && s.slots_used == 0;
    s.breaker.state = to_string(w.trust.state());
    s.breaker.reason = w.trust.reason();
    s.breaker.failures = static_cast<uint32_t>(w.trust.failures());
    if (w.trust.state() == breaker_state::open)
      s.breaker.until_ms = unix_ms_of(w.trust.until());
  }
  std::sort(result.begin(), result.end(), [](const auto& a, const auto& b) {
    return std::tie(a.name, a.registered_at_ms) < std::tie(b.name, b.registered_at_ms);
  });
  return result;
}

} // namespace troupe::core
