// The writer of the store of a simulated coordinator: actors/jobs/job_store_actors.cpp, and the way to it and back.
#pragma once

#include "test/sim/job_store.hpp"

#include "core/jobs/job_journal.hpp"

#include <deque>
#include <functional>
#include <memory>
#include <utility>

namespace troupe::sim {

using job_batch = core::job_batch<store_op>;

class job_writer_node : public std::enable_shared_from_this<job_writer_node> {
public:
  struct answer {
    bool failed = false;
    bool recalled = false;
    std::vector<job_store::result> results = {};
  };

  job_writer_node(world& w, job_store& store, plant bug) : world_(w), store_(store), bug_(bug) {}

  /// Stores one batch after the other. `then` gets the results, or learns that the answer was lost: the batch
  /// may then be stored or not.
  void write(job_batch x, std::function<void(const answer&)> then);

  /// The writer's process has died. The first waiting batch is stored at once, or never.
  void kill();

  /// Nothing is on its way any more.
  bool is_done() const noexcept {
    return waiting_.empty();
  }

private:
  void next();
  answer store(const job_batch& x);

  world& world_;
  job_store& store_;
  plant bug_;
  std::deque<std::pair<job_batch, std::function<void(const answer&)>>> waiting_; ///< the first one is being stored
};

} // namespace troupe::sim
