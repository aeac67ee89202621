#include "test/sim/job_writer_node.hpp"

namespace troupe::sim {

void job_writer_node::write(job_batch x, std::function<void(const answer&)> then) {
  waiting_.emplace_back(std::move(x), std::move(then));
  if (waiting_.size() == 1)
    next();
}

void job_writer_node::next() {
  auto& chance = world_.chance;
  auto takes = chance.chance(0.05) ? chance.between(duration{50ms}, duration{2s}) : chance.between(duration{1ms}, 30ms);
  world_.after(takes, [me = shared_from_this()] {
    if (me->waiting_.empty())
      return;
    auto [batch, then] = std::move(me->waiting_.front());
    auto result = me->store(batch);
    // The batch may be stored although its answer is lost.
    if (me->world_.chance.chance(0.03))
      result = {.failed = true};
    me->world_.soon([then = std::move(then), result] { then(result); });
    me->waiting_.pop_front();
    if (!me->waiting_.empty())
      me->next();
  });
}

job_writer_node::answer job_writer_node::store(const job_batch& x) {
  if (store_.out)
    return {.failed = true};
  if (x.again && bug_ != plant::blind_retry)
    if (auto* known = store_.recall(x.at_ms))
      return {.recalled = true, .results = *known};
  std::vector<store_op> wanted;
  for (auto& item : x.items)
    if (!item.dropped)
      wanted.push_back(item.what);
  auto made = store_.apply(wanted);
  auto next = made.begin();
  answer result;
  for (auto& item : x.items)
    result.results.push_back(item.dropped ? job_store::result{} : *next++);
  store_.remember(x.at_ms, result.results);
  return result;
}

void job_writer_node::kill() {
  if (!waiting_.empty() && world_.chance.chance(0.5))
    store(waiting_.front().first);
  waiting_.clear();
}

} // namespace troupe::sim
