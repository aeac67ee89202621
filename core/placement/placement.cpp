#include "core/placement/placement.hpp"

#include <algorithm>
#include <cassert>
#include <utility>

namespace troupe::core {

namespace {

constexpr std::string_view slot_names[] = {"cpu", "gpu", "probe"};

bool includes(const std::vector<uint32_t>& all, const std::vector<uint32_t>& some) {
  return some.empty() || std::includes(all.begin(), all.end(), some.begin(), some.end());
}

size_t mix(size_t hash, const std::vector<uint32_t>& list) {
  for (auto x : list)
    hash = (hash ^ (x + 1)) * 0x100000001b3ULL;
  return hash * 0x100000001b3ULL;
}

} // namespace

std::string_view to_string(slot_kind x) {
  return slot_names[static_cast<size_t>(x)];
}

// -- names and classes --------------------------------------------------------

placement::name_number placement::number_of(const std::string& name) {
  auto [i, fresh] = name_numbers_.try_emplace(name, static_cast<name_number>(name_texts_.size()));
  if (fresh)
    name_texts_.push_back(name);
  return i->second;
}

placement::names placement::numbers_of(const std::vector<std::string>& list) {
  names result;
  for (auto& x : list)
    result.push_back(number_of(x));
  std::sort(result.begin(), result.end());
  result.erase(std::unique(result.begin(), result.end()), result.end());
  return result;
}

std::optional<placement::name_number> placement::find_name(const std::string& name) const {
  auto i = name_numbers_.find(name);
  return i == name_numbers_.end() ? std::nullopt : std::optional{i->second};
}

placement::wanted placement::translate(const placement_request& x) const {
  wanted result;
  for (auto& r : x.rungs) {
    auto number = find_name(r.encoder);
    result.known.push_back(number.has_value());
    result.encoders.push_back(number.value_or(0));
  }
  auto all = [&](const std::vector<std::string>& list, names& out) {
    for (auto& name : list) {
      auto number = find_name(name);
      result.possible = result.possible && number;
      out.push_back(number.value_or(0));
    }
    std::sort(out.begin(), out.end());
    out.erase(std::unique(out.begin(), out.end()), out.end());
  };
  all(x.also, result.also);
  all(x.decoders, result.decoders);
  return result;
}

uint32_t placement::class_for(offer_class&& x) {
  // Classes are compared name by name.
  for ([[maybe_unused]] auto* list : {&x.own, &x.companions, &x.decoders})
    assert(std::is_sorted(list->begin(), list->end()));
  auto hash = mix(mix(mix(static_cast<size_t>(x.slot), x.own), x.companions), x.decoders);
  auto& same_hash = classes_by_hash_[hash];
  for (auto i : same_hash)
    if (classes_[i].same_offer(x))
      return i;
  auto number = static_cast<uint32_t>(classes_.size());
  for (auto name : x.own)
    classes_with_[name].push_back(number);
  same_hash.push_back(number);
  classes_.push_back(std::move(x));
  return number;
}

// -- workers and their paths --------------------------------------------------

placement::path_number placement::add_path(worker& w, gpu_id gpu, offer_class&& offer) {
  path_number n;
  if (free_paths_.empty()) {
    n = static_cast<path_number>(paths_.size());
    paths_.emplace_back();
    where_.push_back(ready_order::nowhere);
  } else {
    n = free_paths_.back();
    free_paths_.pop_back();
  }
  auto& p = paths_[n];
  assert(p.of == nullptr && where_[n] == ready_order::nowhere);
  p = {};
  p.of = &w;
  p.gpu = gpu;
  p.condition.room = !gpu;
  p.in_class = class_for(std::move(offer));
  auto& all = classes_[p.in_class].all;
  p.place = static_cast<uint32_t>(all.size());
  all.push_back(n);
  p.next = std::exchange(w.paths, n);
  return n;
}

const worker_offer::device& placement::device_of(const path& p) const {
  static const worker_offer::device software;
  auto& devices = p.of->offer.devices;
  auto at =
    std::find_if(devices.begin(), devices.end(), [&p](const worker_offer::device& x) { return x.gpu == p.gpu; });
  return !p.gpu || at == devices.end() ? software : *at;
}

void placement::drop_path(path_number n) {
  auto& p = paths_[n];
  auto& c = classes_[p.in_class];
  assert(p.of != nullptr && p.place < c.all.size() && c.all[p.place] == n);
  if (where_[n] != ready_order::nowhere)
    c.ready.erase(n, where_);
  c.all[p.place] = c.all.back();
  paths_[c.all[p.place]].place = p.place;
  c.all.pop_back();
  p = {};
  free_paths_.push_back(n);
}

void placement::add(const worker_offer& x) {
  assert(x.id);
  auto& w = workers_[x.id];
  std::vector<std::pair<gpu_id, device_condition>> known;
  each_path(w, [&](path_number n) {
    if (paths_[n].gpu)
      known.emplace_back(paths_[n].gpu, paths_[n].condition);
    drop_path(n);
  });
  w.paths = no_path;
  w.offer = x;
  w.slots = x.slots;
  w.slots_total = x.slots_total;
  offer_class software;
  software.companions = numbers_of(x.encoders);
  software.decoders = numbers_of(x.decoders);
  auto probes = software;
  auto on_devices = software;
  software.own = software.companions;
  software.own.push_back(number_of({}));
  std::sort(software.own.begin(), software.own.end());
  probes.own = {number_of({})};
  probes.slot = slot_kind::probe;
  add_path(w, {}, std::move(software));
  add_path(w, {}, std::move(probes));
  for (auto& d : x.devices) {
    assert(d.gpu);
    auto offer = on_devices;
    offer.own = numbers_of(d.encoders);
    auto more = numbers_of(d.decoders);
    offer.decoders.insert(offer.decoders.end(), more.begin(), more.end());
    std::sort(offer.decoders.begin(), offer.decoders.end());
    offer.decoders.erase(std::unique(offer.decoders.begin(), offer.decoders.end()), offer.decoders.end());
    offer.slot = slot_kind::gpu;
    offer.hardware = true;
    auto n = add_path(w, d.gpu, std::move(offer));
    for (auto& [gpu, condition] : known)
      if (gpu == d.gpu)
        paths_[n].condition = condition;
  }
  touch(w);
}

void placement::remove(worker_id id) {
  auto i = workers_.find(id);
  if (i == workers_.end())
    return;
  each_path(i->second, [this](path_number n) { drop_path(n); });
  workers_.erase(i);
}

void placement::set(worker_id id, const worker_condition& x) {
  auto i = workers_.find(id);
  if (i == workers_.end() || i->second.condition == x)
    return;
  i->second.condition = x;
  touch(i->second);
}

void placement::set(worker_id id, gpu_id gpu, const device_condition& x) {
  auto i = workers_.find(id);
  if (i == workers_.end())
    return;
  each_path(i->second, [&](path_number n) {
    if (paths_[n].gpu == gpu && gpu && paths_[n].condition != x) {
      paths_[n].condition = x;
      touch(n);
    }
  });
}

void placement::take(const choice& x) {
  auto i = workers_.find(x.worker);
  if (i == workers_.end())
    return;
  auto& w = i->second;
  assert(static_cast<size_t>(x.slot) < slot_kinds);
  ++w.in_use[static_cast<size_t>(x.slot)];
  ++choices_;
  each_path(w, [&](path_number n) {
    if (paths_[n].gpu == x.gpu && classes_[paths_[n].in_class].slot == x.slot)
      paths_[n].chosen = choices_;
  });
  touch(w);
}

void placement::free(worker_id id, slot_kind slot) {
  auto i = workers_.find(id);
  if (i == workers_.end())
    return;
  auto& in_use = i->second.in_use[static_cast<size_t>(slot)];
  assert(in_use > 0);
  --in_use;
  touch(i->second);
}

bool placement::has_slot(const worker& w, slot_kind slot) const {
  auto at = static_cast<size_t>(slot);
  if (w.in_use[at] >= w.slots[at])
    return false;
  auto media = w.in_use[static_cast<size_t>(slot_kind::cpu)] + w.in_use[static_cast<size_t>(slot_kind::gpu)];
  return slot == slot_kind::probe || media < w.slots_total;
}

rank_key placement::rank_of(const worker& w, const path& p, path_number n) const {
  auto& c = classes_[p.in_class];
  auto media = w.in_use[static_cast<size_t>(slot_kind::cpu)] + w.in_use[static_cast<size_t>(slot_kind::gpu)];
  auto slots = c.slot == slot_kind::probe ? w.slots[static_cast<size_t>(slot_kind::probe)] : w.slots_total;
  auto used = c.slot == slot_kind::probe ? w.in_use[static_cast<size_t>(slot_kind::probe)] : media;
  auto load = slots == 0 ? 1.0 : static_cast<double>(used) / slots;
  auto of_device = c.hardware ? p.condition.session_load : w.condition.cpu_percent / 100;
  double first = 0, second = 0;
  switch (config_.rank) {
  case ranking::least_loaded:
    first = load;
    second = of_device;
    break;
  case ranking::round_robin:
    break;
  case ranking::capability_match:
    first = static_cast<double>(c.own.size() + c.companions.size());
    second = load;
    break;
  case ranking::gpu_aware:
    first = c.hardware ? of_device : load;
    second = c.hardware ? load : of_device;
    break;
  case ranking::weighted: {
    auto& k = config_.weights;
    auto& d = p.condition;
    first = c.hardware ? k.alpha * d.utilisation_percent + k.beta * d.temperature_celsius + k.gamma * d.jobs
                       : k.alpha * w.condition.cpu_percent + k.gamma * w.in_use[static_cast<size_t>(c.slot)];
    break;
  }
  }
  return {static_cast<float>(first), static_cast<float>(second), p.chosen, n, static_cast<uint8_t>(w.condition.ready)};
}

void placement::touch(path_number n) {
  if (!paths_[n].dirty)
    touched_.push_back(n);
  paths_[n].dirty = true;
}

void placement::touch(const worker& w) {
  each_path(w, [this](path_number n) { touch(n); });
}

void placement::refresh_touched() {
  for (auto n : touched_)
    if (paths_[n].dirty && paths_[n].of != nullptr)
      refresh(n);
  touched_.clear();
}

void placement::refresh(path_number n) {
  auto& p = paths_[n];
  p.dirty = false;
  assert(p.of != nullptr);
  auto& w = *p.of;
  auto& c = classes_[p.in_class];
  auto is_ready = where_[n] != ready_order::nowhere;
  if (w.condition.ready == readiness::none || !p.condition.room || !has_slot(w, c.slot)) {
    if (is_ready)
      c.ready.erase(n, where_);
    return;
  }
  auto key = rank_of(w, p, n);
  // A worker that is no longer a last resort serves requests that it did not serve before.
  if (!is_ready || key.tier < c.ready.at(where_[n]).tier)
    woken_classes_.insert(p.in_class);
  if (!is_ready || c.ready.at(where_[n]) != key)
    c.ready.put(key, where_);
}

// -- choices ------------------------------------------------------------------

bool placement::serves(const offer_class& c, const wanted& want, bool probe, const rung& on) const {
  if ((c.slot == slot_kind::probe) != probe || (!on.encoder.empty() && c.hardware != on.hardware))
    return false;
  return includes(c.companions, want.also) && includes(c.decoders, want.decoders);
}

std::optional<rank_key> placement::best_of(const offer_class& c, const placement_request& x, bool refused,
                                           readiness worst, worker_id only) const {
  std::optional<rank_key> result;
  c.ready.visit([&](const rank_key& key) {
    if (key.tier > static_cast<uint8_t>(worst))
      return true;
    auto worker = paths_[key.path].of->offer.id;
    if (x.is_refused_by(worker) != refused || (only && worker != only))
      return false;
    result = key;
    return true;
  });
  return result;
}

std::optional<choice> placement::choose(const placement_request& x, const wanted& want, bool refused,
                                        readiness worst) const {
  assert(want.known.size() == x.rungs.size() && want.encoders.size() == x.rungs.size());
  for (size_t i = 0; i < x.rungs.size(); ++i) {
    if (!want.known[i])
      continue;
    std::optional<rank_key> best;
    auto anywhere = false;
    auto classes = classes_with_.find(want.encoders[i]);
    if (classes == classes_with_.end())
      continue;
    for (auto number : classes->second) {
      auto& c = classes_[number];
      if (c.ready.empty() || !serves(c, want, x.probe, x.rungs[i]))
        continue;
      anywhere = anywhere || (x.only && best_of(c, x, refused, worst, {}));
      if (auto key = best_of(c, x, refused, worst, x.only); key && (!best || *key < *best))
        best = key;
    }
    if (anywhere && !best)
      return std::nullopt;
    if (best) {
      auto& p = paths_[best->path];
      auto& device = device_of(p);
      return choice{p.of->offer.id, p.gpu, device.name, classes_[p.in_class].slot, i, !device.decoders.empty()};
    }
  }
  return std::nullopt;
}

std::optional<choice> placement::choose(const placement_request& x) {
  refresh_touched();
  auto want = translate(x);
  if (!want.possible)
    return std::nullopt;
  // A worker that failed at this work is better than none; while clients wait, so is a worker that fails at any work.
  auto may_repeat = !x.elsewhere && !x.refused_by.empty();
  for (auto worst : {readiness::degraded, readiness::last_resort})
    for (auto refused : {false, true})
      if ((worst == readiness::degraded || x.last_resort) && (!refused || may_repeat))
        if (auto result = choose(x, want, refused, worst))
          return result;
  return std::nullopt;
}

bool placement::could_ever(const placement_request& x) const {
  auto want = translate(x);
  if (!want.possible)
    return false;
  for (size_t i = 0; i < x.rungs.size(); ++i)
    if (auto classes = classes_with_.find(want.encoders[i]); want.known[i] && classes != classes_with_.end())
      for (auto number : classes->second)
        if (!classes_[number].all.empty() && serves(classes_[number], want, x.probe, x.rungs[i]))
          return true;
  return false;
}

std::vector<std::string> placement::take_woken() {
  refresh_touched();
  names all;
  for (auto number : woken_classes_)
    all.insert(all.end(), classes_[number].own.begin(), classes_[number].own.end());
  woken_classes_.clear();
  std::sort(all.begin(), all.end());
  all.erase(std::unique(all.begin(), all.end()), all.end());
  std::vector<std::string> result;
  for (auto n : all)
    result.push_back(name_texts_[n]);
  return result;
}

} // namespace troupe::core
