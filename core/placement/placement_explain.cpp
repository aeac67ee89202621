// Explains to users why a request goes where it goes: searches the same index for reasons.
#include "core/placement/placement.hpp"

namespace troupe::core {

bool placement::could_take(worker_id id, const placement_request& x) const {
  auto w = workers_.find(id);
  auto want = translate(x);
  if (w == workers_.end() || !want.possible || w->second.condition.ready == readiness::none
      || (w->second.condition.ready == readiness::last_resort && !x.last_resort)
      || (x.elsewhere && x.is_refused_by(id)))
    return false;
  auto result = false;
  each_path(w->second, [&](path_number n) {
    auto& c = classes_[paths_[n].in_class];
    for (size_t i = 0; i < x.rungs.size(); ++i)
      result = result
               || (want.known[i] && paths_[n].condition.room && serves(c, want, x.probe, x.rungs[i])
                   && std::binary_search(c.own.begin(), c.own.end(), want.encoders[i]));
  });
  return result;
}

std::string placement::structural_objection(const path& p, const placement_request& x) const {
  auto& w = *p.of;
  auto& c = classes_[p.in_class];
  if (w.condition.ready == readiness::none)
    return "takes no work now";
  if (w.condition.ready == readiness::last_resort && !x.last_resort)
    return "is avoided after failures";
  if (x.elsewhere && x.is_refused_by(p.of->offer.id))
    return "is the worker that the work must leave";
  if (!has_slot(w, c.slot))
    return c.slot == slot_kind::cpu ? "has no free slot (" + std::to_string(w.slots_total) + " in use)"
                                    : "has no free " + std::string{to_string(c.slot)} + " slot";
  return {};
}

std::vector<candidate> placement::explain(const placement_request& x, const gpu_tracker& gpus) {
  std::vector<candidate> result, blocked;
  auto want = translate(x);
  auto chosen = choose(x);
  auto is_chosen = [&](const path& p) { return chosen && chosen->worker == p.of->offer.id && chosen->gpu == p.gpu; };
  auto add = [&](std::vector<candidate>& to, const path& p, std::string why) {
    if (to.size() < config_.reasons_max)
      to.push_back({p.of->offer.id, p.of->offer.name, p.gpu, device_of(p).name, std::move(why)});
  };
  for (size_t i = 0; i < x.rungs.size() && want.possible; ++i) {
    auto classes = classes_with_.find(want.encoders[i]);
    if (!want.known[i] || classes == classes_with_.end())
      continue;
    for (auto number : classes->second) {
      auto& c = classes_[number];
      if (!serves(c, want, x.probe, x.rungs[i]))
        continue;
      size_t listed = 0;
      c.ready.visit([&](const rank_key& key) {
        auto& p = paths_[key.path];
        if (is_chosen(p))
          result.insert(result.begin(), candidate{p.of->offer.id, p.of->offer.name, p.gpu, device_of(p).name, {}});
        else if (auto why = structural_objection(p, x); !why.empty())
          add(blocked, p, why);
        else
          add(result, p,
              x.is_refused_by(p.of->offer.id) ? "failed at this work before" : "ranks behind the one that was taken");
        return ++listed > config_.reasons_max;
      });
      for (size_t k = 0; k < c.all.size() && blocked.size() < config_.reasons_max; ++k) {
        auto& p = paths_[c.all[k]];
        if (where_[c.all[k]] != ready_order::nowhere)
          continue;
        auto why = structural_objection(p, x);
        if (why.empty() && p.gpu)
          why = gpus.objection(p.of->offer.id, p.gpu, {});
        add(blocked, p, why.empty() ? "has no room" : why);
      }
    }
  }
  for (auto& b : blocked)
    if (result.size() < config_.reasons_max)
      result.push_back(std::move(b));
  return result;
}

} // namespace troupe::core
