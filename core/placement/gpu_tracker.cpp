#include "core/placement/gpu_tracker.hpp"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <cstdio>

namespace troupe::core {

namespace {

constexpr size_t reason_length_max = 256;
constexpr size_t ended_kept = 256;

/// Sets or clears a guard's flag by the measured value; a value that is not measured clears the flag.
void move_guard(bool& flag, const gpu_guard& guard, std::optional<double> value) {
  auto known = value && !std::isnan(*value);
  flag = known && *value >= (flag ? guard.from - guard.relief : guard.from);
}

std::optional<double> memory_percent(const gpu_reading& x) {
  if (!x.memory_used_bytes || !x.memory_total_bytes || *x.memory_total_bytes == 0)
    return std::nullopt;
  return 100.0 * static_cast<double>(*x.memory_used_bytes) / static_cast<double>(*x.memory_total_bytes);
}

std::string measured(const char* what, double value, const char* unit, const gpu_guard& guard) {
  char text[128];
  std::snprintf(text, sizeof text, "%s is at %.0f %s: no new work from %.0f until below %.0f", what, value, unit,
                guard.from, guard.from - guard.relief);
  return text;
}

} // namespace

gpu_id gpu_tracker::report(worker_id worker, const gpu_report& x, time_point now) {
  auto key = gpu_key(x.card);
  if (key.empty())
    return {};
  auto [known, fresh] = keys_.try_emplace(key, gpu_id{next_gpu_});
  auto id = known->second;
  auto& g = gpus_[id];
  if (fresh) {
    ++next_gpu_;
    g.view.id = id;
    g.view.key = key;
    g.view.card = x.card;
    g.view.guards = config_.guards;
  }
  auto [at, joined] = g.paths.try_emplace(worker);
  auto& p = at->second;
  auto limits_move = joined || p.for_gpu != x.card.for_gpu || p.for_worker != x.card.for_worker;
  p.device = x.card.device;
  p.for_gpu = x.card.for_gpu;
  p.for_worker = x.card.for_worker;
  p.fault = x.fault.substr(0, reason_length_max);
  cards_of_[worker].insert(id);
  if (g.view.card.driver != x.card.driver) {
    g.view.card.driver = x.card.driver;
    limits_move = true;
  }
  if (limits_move)
    set_limits(g);
  g.view.reading = x.reading;
  g.view.use_percent =
    static_cast<float>(x.reading.encoder_percent.value_or(x.reading.utilisation_percent.value_or(0)));
  g.view.celsius = static_cast<float>(x.reading.temperature_celsius.value_or(0));
  move_guard(g.view.busy, config_.guards.encoder_percent, x.reading.encoder_percent);
  move_guard(g.view.memory_full, config_.guards.memory_percent, memory_percent(x.reading));
  move_guard(g.view.hot, config_.guards.temperature_celsius, x.reading.temperature_celsius);
  reconcile(g, worker, x, now);
  tell(g);
  return id;
}

void gpu_tracker::reconcile(gpu& g, worker_id worker, const gpu_report& x, time_point now) {
  std::erase_if(g.ended_encodes, [&](const ended& e) { return now - e.at >= config_.settle_after; });
  if (!x.reading.encode_sessions)
    return;
  int64_t possible = 0, certain = 0;
  auto weigh = [&](lease_id lease, worker_id owner, bool settled) {
    if (owner == worker && x.counted) {
      auto named = std::find(x.counted->begin(), x.counted->end(), lease) != x.counted->end();
      possible += named ? 1 : 0;
      certain += named ? 1 : 0;
    } else {
      ++possible;
      certain += settled ? 1 : 0;
    }
  };
  for (auto lease : g.leases)
    if (auto& h = leases_.at(lease); h.need.encode)
      weigh(lease, h.worker, h.confirmed && now - h.confirmed_at >= config_.settle_after);
  for (auto& e : g.ended_encodes)
    weigh(e.lease, e.worker, false);
  assert(certain <= possible);
  auto counted = static_cast<int64_t>(*x.reading.encode_sessions);
  auto least = std::max<int64_t>(0, counted - possible);
  auto most = std::max<int64_t>(0, counted - certain);
  auto foreign = std::clamp<int64_t>(g.view.foreign_encode, least, most);
  add_used(g, foreign - g.view.foreign_encode);
  g.view.foreign_encode = static_cast<uint32_t>(foreign);
}

void gpu_tracker::add_used(gpu& g, int64_t change) {
  assert(g.shared == nullptr || static_cast<int64_t>(g.shared->used) + change >= 0);
  if (g.shared != nullptr)
    g.shared->used = static_cast<uint64_t>(static_cast<int64_t>(g.shared->used) + change);
}

void gpu_tracker::leave_pool(gpu& g) {
  if (g.shared == nullptr)
    return;
  assert(g.shared->members.contains(g.view.id));
  add_used(g, -static_cast<int64_t>(g.view.used_encode()));
  g.shared->members.erase(g.view.id);
  if (g.shared->members.empty())
    pools_.erase(g.view.machine_pool);
  g.shared = nullptr;
  g.view.machine_pool.clear();
}

void gpu_tracker::set_limits(gpu& g) {
  leave_pool(g);
  auto& limits = g.view.limits;
  limits = limits_from_table(g.view.card);
  // If workers configure one card differently, the strictest value counts.
  auto strictest = [&g](gpu_override path::*level) {
    gpu_override result;
    for (auto& [worker, p] : g.paths)
      for (auto value : {&gpu_override::encode, &gpu_override::decode})
        if (auto& x = (p.*level).*value; x && (!(result.*value) || *x < *(result.*value)))
          result.*value = x;
    return result;
  };
  auto apply = [&limits](const gpu_override& x, const char* where) {
    if (x.encode) {
      limits.encode = *x.encode;
      limits.encode_scope = limit_scope::gpu;
      limits.why = std::string{"set in the configuration "} + where;
    }
    if (x.decode)
      limits.decode = *x.decode;
  };
  apply(strictest(&path::for_worker), "of a worker");
  apply(strictest(&path::for_gpu), "of a worker for this card");
  if (auto i = config_.overrides.find(g.view.key); i != config_.overrides.end())
    apply(i->second, "of the coordinator for this card");
  if (limits.encode_scope != limit_scope::machine)
    return;
  g.view.machine_pool = (g.view.card.machine.empty() ? g.view.key : g.view.card.machine) + "/geforce";
  g.shared = &pools_[g.view.machine_pool];
  g.shared->limit = limits.encode;
  g.shared->members.insert(g.view.id);
  add_used(g, g.view.used_encode());
}

void gpu_tracker::worker_lost(worker_id worker, bool tasks_live, time_point now) {
  auto cards = cards_of_.extract(worker);
  if (cards.empty())
    return;
  for (auto id : cards.mapped()) {
    auto& g = gpus_.at(id);
    for (auto lease : std::vector<lease_id>{g.leases})
      if (!tasks_live && leases_.at(lease).worker == worker)
        give_back(lease, now);
    if (auto& p = g.paths.at(worker); p.marked)
      marks_.erase({p.until, worker, id});
    g.paths.erase(worker);
    if (!g.paths.empty())
      set_limits(g);
    tell(g);
    forget_if_unused(id);
  }
}

void gpu_tracker::forget_if_unused(gpu_id id) {
  auto i = gpus_.find(id);
  if (i == gpus_.end() || !i->second.paths.empty() || !i->second.leases.empty())
    return;
  auto pool = i->second.view.machine_pool;
  leave_pool(i->second);
  keys_.erase(i->second.view.key);
  gpus_.erase(i);
  // Foreign sessions on this card no longer count against the cards that share its limit.
  if (auto p = pools_.find(pool); p != pools_.end())
    for (auto other : p->second.members)
      effects_.changed(other);
}

const gpu_tracker::path* gpu_tracker::path_of(worker_id worker, gpu_id id) const {
  auto i = gpus_.find(id);
  if (i == gpus_.end())
    return nullptr;
  auto p = i->second.paths.find(worker);
  return p == i->second.paths.end() ? nullptr : &p->second;
}

bool gpu_tracker::sessions_left(const gpu& g, session_need need) const {
  auto& v = g.view;
  auto& limit = g.shared != nullptr ? g.shared->limit : v.limits.encode;
  auto used = g.shared != nullptr ? g.shared->used : v.used_encode();
  if (need.encode && !limit.allows_more_than(used))
    return false;
  return !need.decode || v.limits.decode.allows_more_than(v.ours_decode);
}

gpu_block gpu_tracker::block(worker_id worker, gpu_id id, session_need need) const {
  auto* p = path_of(worker, id);
  if (p == nullptr || !p->fault.empty())
    return gpu_block::fault;
  if (p->marked)
    return gpu_block::failed;
  auto& g = gpus_.at(id);
  auto& v = g.view;
  if ((need.encode && v.limits.encode.is_none()) || (need.decode && v.limits.decode.is_none()))
    return gpu_block::no_encoder;
  if (!sessions_left(g, need))
    return gpu_block::sessions;
  if (v.busy && need.encode)
    return gpu_block::busy;
  if (v.memory_full)
    return gpu_block::memory;
  return v.hot ? gpu_block::hot : gpu_block::none;
}

std::string gpu_tracker::sessions_text(const gpu& g) const {
  auto& v = g.view;
  auto used = std::to_string(v.ours_encode) + " of ours and " + std::to_string(v.foreign_encode) + " of other programs";
  if (g.shared == nullptr)
    return "has no free session: " + used + " are in use, its limit is " + to_string(v.limits.encode);
  auto& p = *g.shared;
  return "has no free session: " + used + " are in use on it, " + std::to_string(p.used)
         + " on all such cards of the machine, which share " + to_string(p.limit);
}

std::string gpu_tracker::objection(worker_id worker, gpu_id id, session_need need) const {
  auto reason = block(worker, id, need);
  auto* p = path_of(worker, id);
  if (p == nullptr)
    return "is not reported by this worker";
  auto& g = gpus_.at(id);
  auto& v = g.view;
  auto value = [](const std::optional<double>& x) { return x.value_or(0); };
  switch (reason) {
  case gpu_block::none:
    return {};
  case gpu_block::fault:
    return "cannot be used: " + p->fault;
  case gpu_block::failed:
    return "failed and is avoided for " + std::to_string(p->back_off.count() / 1000) + " s: " + p->failure;
  case gpu_block::no_encoder:
    return (v.limits.encode.is_none() ? "has no encoder: " : "has no decoder: ") + v.limits.why;
  case gpu_block::sessions:
    return sessions_text(g);
  case gpu_block::busy:
    return measured("the encoder", value(v.reading.encoder_percent), "%", v.guards.encoder_percent);
  case gpu_block::memory:
    return measured("the memory", value(memory_percent(v.reading)), "%", v.guards.memory_percent);
  case gpu_block::hot:
    return measured("the temperature", value(v.reading.temperature_celsius), "°C", v.guards.temperature_celsius);
  }
  return {};
}

bool gpu_tracker::promise(lease_id lease, worker_id worker, gpu_id id, session_need need, time_point now) {
  assert(lease && worker);
  if (leases_.contains(lease) || block(worker, id, need) != gpu_block::none)
    return false;
  auto& g = gpus_.at(id);
  leases_.emplace(lease, holding{worker, id, need, false, now, g.leases.size()});
  g.leases.push_back(lease);
  g.view.ours_encode += need.encode ? 1 : 0;
  g.view.ours_decode += need.decode ? 1 : 0;
  add_used(g, need.encode ? 1 : 0);
  tell(g);
  return true;
}

bool gpu_tracker::confirm(lease_id lease, time_point now) {
  auto i = leases_.find(lease);
  if (i == leases_.end())
    return false;
  auto& h = i->second;
  if (!h.confirmed) {
    h.confirmed = true;
    h.confirmed_at = now;
  }
  return true;
}

void gpu_tracker::worked(lease_id lease) {
  auto i = leases_.find(lease);
  if (i == leases_.end() || !i->second.confirmed)
    return;
  auto& g = gpus_.at(i->second.gpu);
  if (auto p = g.paths.find(i->second.worker); p != g.paths.end() && !p->second.marked)
    p->second.back_off = milliseconds{0};
}

void gpu_tracker::release(gpu& g, lease_id lease, const holding& h, time_point now) {
  assert(h.place < g.leases.size() && g.leases[h.place] == lease);
  g.leases[h.place] = g.leases.back();
  g.leases.pop_back();
  if (h.place < g.leases.size())
    leases_.at(g.leases[h.place]).place = h.place;
  if (h.need.encode) {
    assert(g.view.ours_encode > 0);
    --g.view.ours_encode;
    add_used(g, -1);
    g.ended_encodes.push_back({lease, h.worker, now});
    if (g.ended_encodes.size() > ended_kept)
      g.ended_encodes.pop_front();
  }
  if (h.need.decode) {
    assert(g.view.ours_decode > 0);
    --g.view.ours_decode;
  }
}

bool gpu_tracker::give_back(lease_id lease, time_point now) {
  auto i = leases_.find(lease);
  if (i == leases_.end())
    return false;
  auto h = i->second;
  leases_.erase(i);
  auto& g = gpus_.at(h.gpu);
  release(g, lease, h, now);
  tell(g);
  forget_if_unused(h.gpu);
  return true;
}

void gpu_tracker::failed(worker_id worker, gpu_id id, std::string reason, time_point now) {
  auto i = gpus_.find(id);
  if (i == gpus_.end())
    return;
  auto at = i->second.paths.find(worker);
  if (at == i->second.paths.end())
    return;
  auto& p = at->second;
  // Tasks that fail together count as one failure of the device.
  if (p.marked)
    return;
  p.back_off = p.back_off.count() == 0 ? config_.back_off : std::min(2 * p.back_off, config_.max_back_off);
  p.failure = reason.substr(0, reason_length_max);
  p.marked = true;
  p.until = now + p.back_off;
  marks_.insert({p.until, worker, id});
  effects_.changed(id);
}

void gpu_tracker::tick(time_point now) {
  while (!marks_.empty() && std::get<0>(*marks_.begin()) <= now) {
    auto [until, worker, id] = *marks_.begin();
    marks_.erase(marks_.begin());
    assert(gpus_.at(id).paths.at(worker).marked);
    gpus_.at(id).paths.at(worker).marked = false;
    effects_.changed(id);
  }
}

void gpu_tracker::tell(const gpu& g) {
  effects_.changed(g.view.id);
  // If cards share a limit, a session taken on one card is missing on the others, and one returned is available to
  // them.
  if (g.shared != nullptr)
    for (auto other : g.shared->members)
      if (other != g.view.id)
        effects_.changed(other);
}

const gpu_view* gpu_tracker::find(gpu_id id) const {
  auto i = gpus_.find(id);
  return i == gpus_.end() ? nullptr : &i->second.view;
}

const gpu_view* gpu_tracker::find(std::string_view key) const {
  auto i = keys_.find(std::string{key});
  return i == keys_.end() ? nullptr : find(i->second);
}

gpu_id gpu_tracker::device(worker_id worker, std::string_view name) const {
  if (auto i = cards_of_.find(worker); i != cards_of_.end())
    for (auto id : i->second)
      if (gpus_.at(id).paths.at(worker).device == name)
        return id;
  return {};
}

gpu_id gpu_tracker::gpu_of(lease_id lease) const {
  auto i = leases_.find(lease);
  return i == leases_.end() ? gpu_id{} : i->second.gpu;
}

double gpu_tracker::session_load(gpu_id id) const {
  auto i = gpus_.find(id);
  if (i == gpus_.end())
    return 1;
  auto& g = i->second;
  auto limit = g.shared != nullptr ? g.shared->limit : g.view.limits.encode;
  auto used = g.shared != nullptr ? g.shared->used : g.view.used_encode();
  auto count = limit.count();
  return !count ? 0.0 : *count == 0 ? 1.0 : static_cast<double>(used) / *count;
}

} // namespace troupe::core
