// The writes of a simulated queue: one batch at a time is on its way to the store, while the next one is collected. It
// simulates actors/jobs/job_journal.cpp.
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
  /// `then` gets the result of the client's operation; during an outage it is refused at once.
  void write_for_client(store_op what, written then);
  /// Calls `then` when all writes so far are durable or refused.
  void after(std::function<void()> then);
  /// Sends a batch again if it is not known whether it was stored.
  void retry();
  /// Its owner is gone: the batch on its way and the collected operations may still be stored, but nobody gets the
  /// results.
  void orphan();
  /// Its process is gone: the batch on its way is stored at once, or never.
  void kill();

  /// After `orphan`: true once no batch is on its way.
  bool is_done() const noexcept {
    return on_its_way_ == 0;
  }

  bool outage() const noexcept {
    return outage_;
  }

  std::function<void(job_id)> surprised;
  std::function<void()> settled; ///< called when the results of a batch were reported, or the store has failed

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
  std::vector<std::pair<store_op, bool>> rest_; ///< operations left when the owner died
  uint64_t stamp_ = 0;                          ///< of the latest batch
  bool in_flight_ = false;
  int on_its_way_ = 0; ///< batches
  bool outage_ = false;
  bool again_ = false;    ///< the latest batch was sent before
  bool orphaned_ = false; ///< the owner is gone: no results are reported
  bool dead_ = false;     ///< the process is gone: nothing more is stored
  uint64_t added_ = 0;
  uint64_t finished_ = 0;
  std::deque<std::pair<uint64_t, std::function<void()>>> barriers_;
};

} // namespace troupe::sim
