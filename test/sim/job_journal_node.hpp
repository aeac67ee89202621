// What a simulated queue wants written: one batch at a time is on its way to the store, the next one is collected. What
// actors/jobs/job_journal.cpp does.
#pragma once

#include "test/sim/job_store.hpp"

#include <deque>
#include <functional>
#include <memory>
#include <utility>
#include <vector>

namespace troupe::sim {

class job_journal_node : public std::enable_shared_from_this<job_journal_node> {
public:
  using written = std::function<void(job_store::result)>;

  job_journal_node(world& w, job_store& store, uint64_t& stamps) : world_(w), store_(store), stamps_(stamps) {}

  void write(store_op what, written then = {});
  /// `then` is told whether the client's operation was done; an outage refuses it at once.
  void write_for_client(store_op what, written then);
  /// When all that was written so far is durable or refused.
  void after(std::function<void()> then);
  /// Tries a batch again whose fate is not known.
  void retry();
  /// Its owner is gone: what is on its way may still be stored, and what was collected. Nobody is told.
  void orphan();
  /// Its process is gone. What is on its way is stored at once, or never.
  void kill();

  /// Nothing is on its way any more: of one whose owner is gone.
  bool is_done() const noexcept {
    return on_its_way_ == 0;
  }

  bool outage() const noexcept {
    return outage_;
  }

  std::function<void(job_id)> surprised;
  std::function<void()> settled; ///< a batch has been told of, or the store went out of order

private:
  struct item {
    store_op what;
    written then;
    bool of_client = false;
    bool dropped = false;
  };

  void add(item x);
  void pump();
  void send(bool again);
  std::vector<std::pair<store_op, bool>> under_way() const;
  void store(uint64_t stamp, bool again, std::vector<std::pair<store_op, bool>> ops, bool answered);
  void done(bool failed, bool recalled, const std::vector<job_store::result>& results);
  void go_down();
  void store_rest();

  world& world_;
  job_store& store_;
  uint64_t& stamps_;
  std::deque<item> collected_;
  std::vector<item> under_way_;
  std::vector<std::pair<store_op, bool>> rest_; ///< of one whose owner is gone
  uint64_t stamp_ = 0;                          ///< of the latest batch
  bool in_flight_ = false;
  int on_its_way_ = 0; ///< batches
  bool outage_ = false;
  bool again_ = false;    ///< the latest batch was sent before
  bool orphaned_ = false; ///< nobody hears of anything any more
  bool dead_ = false;     ///< and nothing is stored any more
  uint64_t added_ = 0;
  uint64_t finished_ = 0;
  std::deque<std::pair<uint64_t, std::function<void()>>> barriers_;
};

} // namespace troupe::sim
