// The store of jobs as a simulated coordinator sees it: rows that allow only the transitions of
// messages/job_states.hpp, and batches that are stored whole or not at all.
//
// It is also the referee of all writes: it knows who asks for a transition, and what a transition must never undo.
#pragma once

#include "test/sim/clockwork.hpp"
#include "test/sim/job_plants.hpp"

#include "core/jobs/file_job.hpp"
#include "core/jobs/job_book.hpp"

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace troupe::sim {

/// A state of a later version of the program.
inline constexpr auto strange_state = static_cast<job_state>(77);

struct store_op {
  enum class kind : uint8_t { submit, move, plan, forget_plan, chunk, remove };

  kind what = kind::move;
  job_id id;
  bool by_person = false;
  job_state to = job_state::queued;
  std::optional<job_state> from = {};
  std::optional<uint32_t> attempt = {}; ///< of the job, or of the chunk
  std::optional<uint32_t> failures = {};
  std::optional<uint32_t> life = {}; ///< of a chunk's transition: the attempt of the job
  uint32_t number = 0;               ///< of the chunk
  chunk_state chunk_to = chunk_state::waiting;
  std::string path = {};
  chunk_done result = {};
  std::vector<core::file_chunk> chunks = {};
  int64_t at_ms = 0;
};

struct stored_chunk {
  core::file_chunk plan;
  chunk_state state = chunk_state::waiting;
  uint32_t attempt = 0;
};

struct stored_job {
  core::job_row row;
  std::vector<stored_chunk> chunks;
  time_point since{}; ///< when it got its present state

  /// The row as a reader has it.
  core::job_row read() const;
};

class job_store {
public:
  /// The attempt, or nothing if the operation was refused.
  using result = std::optional<uint32_t>;

  job_store(world& w, plant bug) : world_(w), bug_(bug) {}

  /// Stores all of them.
  std::vector<result> apply(const std::vector<store_op>& batch);

  /// Remembers the results of the batch that was sent at that time.
  void remember(int64_t at_ms, const std::vector<result>& results);

  /// The results of the batch that was sent at that time; null if it was not stored.
  const std::vector<result>* recall(int64_t at_ms) const;

  const stored_job* find(job_id id) const;

  /// Puts the job into a state that only a later version of the program knows.
  void make_strange(job_id id);

  const std::map<job_id, stored_job>& all() const noexcept {
    return jobs_;
  }

  bool out = false;         ///< the store does not work
  std::set<job_id> removed; ///< jobs that users removed

private:
  result run(const store_op& x);
  result move(stored_job& job, const store_op& x);
  result move_chunk(stored_job& job, const store_op& x);
  bool fits(std::optional<uint32_t> said, uint32_t current, bool fenced) const;

  world& world_;
  plant bug_;
  std::map<job_id, stored_job> jobs_;
  std::map<int64_t, std::vector<result>> batches_;
  int64_t next_number_ = 1;
};

} // namespace troupe::sim
