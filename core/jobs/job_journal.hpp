// What a coordinator wants written about its jobs, in order: while the store writes one batch, the next one is
// collected. So operations that arrive during one wait for the disk share the next wait. A caller that needs no answer
// never waits.
//
// While the store fails (disk full, server away), the coordinator's own operations are kept and tried again; clients'
// are refused with the reason. A batch whose answer was lost may have been stored: it is looked up before it is written
// again, so that nothing is done twice. A client's operation that was refused, but turns out to be stored, is reported.
//
// `Operation` and `Answer` are the store's. An `Answer` is true if its operation is durable; otherwise it says why not.
#pragma once

#include <algorithm>
#include <cassert>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <iterator>
#include <optional>
#include <utility>
#include <vector>

namespace troupe::core {

template <class Operation>
struct job_batch {
  struct item {
    Operation what;
    bool dropped = false; ///< its client was told that it failed: do not write it, unless it is already stored
  };

  std::vector<item> items;
  int64_t at_ms = 0;  ///< unique for each batch
  bool again = false; ///< it failed before, but may have been stored
};

template <class Operation, class Answer>
class job_journal_effects {
public:
  virtual ~job_journal_effects() = default;

  /// Have it stored; answered by `stored`, `lost` or `broken`. There is one at a time.
  virtual void send_batch(job_batch<Operation> x) = 0;
  /// The operation is durable or refused. The actor that wrote it gets this answer.
  virtual void answered(const Operation& what, const Answer& how, int64_t at_ms) = 0;
  /// A client's operation was refused, but is stored nevertheless.
  virtual void surprised(const Operation& what) = 0;
};

template <class Operation, class Answer>
class job_journal {
public:
  using batch = job_batch<Operation>;
  using effects = job_journal_effects<Operation, Answer>;
  using written = std::function<void(const Answer&)>;

  /// Large enough that many operations share a wait for the disk, small enough that nobody waits long for the others.
  static constexpr size_t usual_batch_max = 1'000;

  explicit job_journal(effects& x, size_t batch_max = usual_batch_max) : effects_(x), batch_max_(batch_max) {}

  /// `then` is called once, when the operation is durable or refused; it may be empty. Times are milliseconds since
  /// 1970.
  void write(Operation what, int64_t now_ms, written then = {}) {
    add({std::move(what), std::move(then)}, now_ms);
  }

  /// The same for a client's request: refused at once while the store fails.
  void write_for_client(Operation what, int64_t now_ms, written then) {
    if (outage_)
      return then(*outage_);
    add({std::move(what), std::move(then), true}, now_ms);
  }

  /// Calls `then` when all operations so far are durable or refused; perhaps at once.
  void after(std::function<void()> then) {
    if (finished_ == added_)
      return then();
    barriers_.emplace_back(added_, std::move(then));
  }

  /// The latest batch is stored, with these answers. `recalled`: its first sending, whose answer was lost, had already
  /// stored it.
  void stored(const std::vector<Answer>& answers, bool recalled, int64_t now_ms) {
    assert(in_flight_ && answers.size() == under_way_.size());
    outage_.reset();
    finish(answers, recalled);
    // Cleared only here, so that all operations that these answers cause share the next batch.
    in_flight_ = false;
    pump(now_ms);
  }

  /// The latest batch may be stored or not: the store is out of order, or its answer was lost.
  void lost(const Answer& why);

  /// The store will never work again; the latest batch is refused.
  void broken(const Answer& why) {
    finish(std::vector<Answer>(under_way_.size(), why), false);
    in_flight_ = false;
  }

  /// Tries a lost batch again. Call it from time to time.
  void retry() {
    if (outage_ && !in_flight_)
      send(true);
  }

  /// The operations that were not sent yet, as a last batch; empty if there are none, or if the store fails.
  std::optional<batch> rest(int64_t now_ms) {
    if (outage_ || collected_.empty())
      return {};
    batch result{{}, next_time(now_ms), false};
    for (auto& x : std::exchange(collected_, {}))
      result.items.push_back({std::move(x.what), false});
    return result;
  }

  /// Why nothing can be written now.
  const std::optional<Answer>& outage() const noexcept {
    return outage_;
  }

  /// Operations that are not durable yet.
  size_t size() const noexcept {
    return collected_.size() + under_way_.size();
  }

private:
  struct item {
    Operation what;
    written then;
    bool of_client = false;
    bool dropped = false;
  };

  void add(item x, int64_t now_ms) {
    collected_.push_back(std::move(x));
    ++added_;
    pump(now_ms);
  }

  void pump(int64_t now_ms) {
    if (in_flight_ || outage_ || collected_.empty())
      return;
    auto end = collected_.begin() + static_cast<std::ptrdiff_t>(std::min(collected_.size(), batch_max_));
    under_way_.assign(std::make_move_iterator(collected_.begin()), std::make_move_iterator(end));
    collected_.erase(collected_.begin(), end);
    next_time(now_ms);
    send(false);
  }

  /// A unique time for the next batch, although the clock may stand still or go back.
  int64_t next_time(int64_t now_ms) {
    return batch_time_ms_ = std::max(batch_time_ms_ + 1, now_ms);
  }

  void send(bool again) {
    batch result{{}, batch_time_ms_, again};
    for (auto& x : under_way_)
      result.items.push_back({x.what, x.dropped});
    in_flight_ = true;
    effects_.send_batch(std::move(result));
  }

  void finish(const std::vector<Answer>& answers, bool recalled);

  effects& effects_;
  size_t batch_max_;
  std::deque<item> collected_;
  std::vector<item> under_way_;
  int64_t batch_time_ms_ = 0; ///< of the latest batch
  bool in_flight_ = false;
  std::optional<Answer> outage_;
  uint64_t added_ = 0;
  uint64_t finished_ = 0;
  std::deque<std::pair<uint64_t, std::function<void()>>> barriers_; ///< each with how many operations must finish first
};

template <class Operation, class Answer>
void job_journal<Operation, Answer>::finish(const std::vector<Answer>& answers, bool recalled) {
  auto items = std::exchange(under_way_, {});
  finished_ += items.size();
  for (size_t i = 0; i < items.size(); ++i) {
    auto& x = items[i];
    if (x.dropped) {
      if (recalled && answers[i])
        effects_.surprised(x.what);
      continue;
    }
    effects_.answered(x.what, answers[i], batch_time_ms_);
    if (x.then)
      x.then(answers[i]);
  }
  while (!barriers_.empty() && barriers_.front().first <= finished_) {
    auto then = std::move(barriers_.front().second);
    barriers_.pop_front();
    then();
  }
}

template <class Operation, class Answer>
void job_journal<Operation, Answer>::lost(const Answer& why) {
  assert(in_flight_);
  in_flight_ = false;
  outage_ = why;
  // Clients are told now that their operations failed, so these must not be stored later.
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
  // Barriers that waited for the removed operations wait for the remaining ones.
  for (auto& [at, then] : barriers_)
    at = std::min(at, added_);
  for (auto& then : refused)
    then(why);
}

} // namespace troupe::core
