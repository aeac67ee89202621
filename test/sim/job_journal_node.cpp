#include "test/sim/job_journal_node.hpp"

#include <algorithm>

namespace troupe::sim {

void job_journal_node::write(store_op what, written then) {
  add({std::move(what), std::move(then)});
}

void job_journal_node::write_for_client(store_op what, written then) {
  if (outage_)
    return then({});
  add({std::move(what), std::move(then), true});
}

void job_journal_node::add(item x) {
  collected_.push_back(std::move(x));
  ++added_;
  pump();
}

void job_journal_node::after(std::function<void()> then) {
  if (finished_ == added_)
    return then();
  barriers_.emplace_back(added_, std::move(then));
}

void job_journal_node::pump() {
  if (in_flight_ || outage_ || collected_.empty())
    return;
  under_way_.assign(std::make_move_iterator(collected_.begin()), std::make_move_iterator(collected_.end()));
  collected_.clear();
  send(false);
}

void job_journal_node::send(bool again) {
  if (!again)
    stamp_ = ++stamps_;
  again_ = again;
  in_flight_ = true;
  ++on_its_way_;
  auto& chance = world_.chance;
  auto takes = chance.chance(0.05) ? chance.between(duration{50ms}, duration{2s}) : chance.between(duration{1ms}, 30ms);
  auto answered = !chance.chance(0.03);
  world_.after(takes, [me = shared_from_this(), stamp = stamp_, again, ops = under_way(), answered] {
    me->store(stamp, again, ops, answered);
  });
}

std::vector<std::pair<store_op, bool>> job_journal_node::under_way() const {
  std::vector<std::pair<store_op, bool>> ops;
  for (auto& x : under_way_)
    ops.emplace_back(x.what, x.dropped);
  return ops;
}

void job_journal_node::store(uint64_t stamp, bool again, std::vector<std::pair<store_op, bool>> ops, bool answered) {
  --on_its_way_;
  if (dead_)
    return;
  std::vector<job_store::result> results;
  auto failed = store_.out;
  auto* known = again && !failed ? store_.recall(stamp) : nullptr;
  if (known != nullptr) {
    results = *known;
  } else if (!failed) {
    // Operations that were dropped meanwhile are not done.
    std::vector<store_op> wanted;
    for (auto& [op, dropped] : ops)
      if (!dropped)
        wanted.push_back(op);
    auto made = store_.apply(wanted);
    auto next = made.begin();
    for (auto& [op, dropped] : ops)
      results.push_back(dropped ? job_store::result{} : *next++);
    store_.remember(stamp, results);
  }
  if (orphaned_) {
    in_flight_ = false;
    return store_rest();
  }
  // The batch may be stored although its answer is lost.
  world_.soon([me = shared_from_this(), bad = failed || !answered, recalled = known != nullptr, results] {
    me->done(bad, recalled, results);
  });
}

void job_journal_node::done(bool failed, bool recalled, const std::vector<job_store::result>& results) {
  if (orphaned_)
    return;
  if (failed) {
    world_.trace("a batch has no answer");
    in_flight_ = false;
    go_down();
    return settled();
  }
  outage_ = false;
  auto batch = std::exchange(under_way_, {});
  finished_ += batch.size();
  for (size_t i = 0; i < batch.size(); ++i) {
    auto& x = batch[i];
    if (x.dropped) {
      if (recalled && results[i])
        surprised(x.what.id);
    } else if (x.then) {
      x.then(results[i]);
    }
  }
  while (!barriers_.empty() && barriers_.front().first <= finished_) {
    auto then = std::move(barriers_.front().second);
    barriers_.pop_front();
    then();
  }
  in_flight_ = false;
  settled();
  pump();
}

void job_journal_node::go_down() {
  outage_ = true;
  std::vector<written> refused;
  for (auto& x : under_way_)
    if (x.of_client && !x.dropped) {
      x.dropped = true;
      refused.push_back(std::exchange(x.then, {}));
    }
  auto kept = std::stable_partition(collected_.begin(), collected_.end(), [](const item& x) { return !x.of_client; });
  for (auto i = kept; i != collected_.end(); ++i)
    refused.push_back(std::move(i->then));
  added_ -= static_cast<uint64_t>(collected_.end() - kept);
  collected_.erase(kept, collected_.end());
  for (auto& [at, then] : barriers_)
    at = std::min(at, added_);
  for (auto& then : refused)
    then({});
}

void job_journal_node::retry() {
  if (outage_ && !in_flight_)
    send(true);
}

void job_journal_node::kill() {
  if (in_flight_ && on_its_way_ > 0 && world_.chance.chance(0.5))
    store(stamp_, again_, under_way(), false);
  dead_ = true;
  orphan();
}

void job_journal_node::orphan() {
  orphaned_ = true;
  barriers_.clear();
  surprised = {};
  settled = {};
  for (auto& x : under_way_)
    x.then = {};
  if (!dead_ && !outage_)
    for (auto& x : collected_)
      rest_.emplace_back(x.what, false);
  collected_.clear();
  if (on_its_way_ == 0)
    store_rest();
}

void job_journal_node::store_rest() {
  if (rest_.empty())
    return;
  ++on_its_way_;
  world_.after(world_.chance.between(duration{1ms}, 30ms),
               [me = shared_from_this()] { me->store(++me->stamps_, false, std::exchange(me->rest_, {}), false); });
}

} // namespace troupe::sim
