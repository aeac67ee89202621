// File jobs on virtual time: the product's book of jobs, its journal, its jobs and its lease table, and around them a
// store, machines with cards, and people.
//
// A life is one run from a seed. Coordinators, queues, job actors, machines, tasks and cards are lost at any moment;
// the store fails, or stores a batch but its answer is lost; users pause, resume, cancel, retry and remove jobs. The
// referee checks these promises; a broken one is a `violation`:
// - a user's pause or cancel is never undone, and work on such a job stops soon (job_store.cpp, `check_calm`);
// - no result is published before everything that its job reported is durable, and no result is published again that is
//   known to be complete (`check_publication`);
// - a chunk that is finished, durable and whole is not encoded again (`check_encode`);
// - no more jobs run than the limit allows, and no job runs twice at once; none starts while the store does not work,
//   or in an unknown state (`check_begin`);
// - no lease outlives its use, no orphan waits for a job that runs;
// - when the faults stop, every job that no user has paused ends, none is lost, and nothing is left behind.
#pragma once

#include "test/sim/job_plants.hpp"
#include "test/sim/job_store.hpp"

#include "core/cluster/lease_table.hpp"
#include "messages/file_work.hpp"

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace troupe::sim {

class job_node;
class job_queue_node;
class job_registry;
class job_writer_node;

/// A process on a machine, and what it does.
struct job_task {
  task_id id;
  size_t machine = 0;
  worker_id host;
  bool alive = true;
  std::string kind = "warm";
  std::optional<file_work> work = {};
  std::weak_ptr<job_node> client = {};
  std::optional<decltype(file_result::outcome)> outcome = {};
  bool delivering = false;
  bool hangs = false;
  uint64_t frames = 0;
  time_point orphaned{}; ///< when it lost its coordinator; zero if it has one
};

using job_task_ptr = std::shared_ptr<job_task>;

struct job_machine {
  size_t place = 0;
  worker_id id = {};
  uint32_t slots = 1;
  bool alive = false;
  bool has_card = false;
  bool card_works = true;
  uint32_t wanted = 0;
  uint32_t starting = 0;
  duration latency = 1ms;
  std::map<task_id, job_task_ptr> tasks = {};
};

struct chunk_file_state {
  bool whole = true;
  std::string encoder;
};

struct job_summary {
  uint64_t steps = 0;
  uint64_t fingerprint = 0;
  std::map<std::string, uint64_t> counts;
};

class job_world {
public:
  job_world(uint64_t seed, bool trace, plant bug);
  ~job_world();

  /// Runs a whole life. Throws a `violation`.
  void run();

  const job_summary& result() const noexcept {
    return summary_;
  }

  // -- what the parts share ------------------------------------------------------

  world& clock() noexcept {
    return world_;
  }

  plant bug() const noexcept {
    return bug_;
  }

  job_store& store() noexcept {
    return store_;
  }

  void count(const std::string& what) {
    ++summary_.counts[what];
  }

  /// The registry and the queue of the present coordinator; null while there is none.
  std::shared_ptr<job_registry> registry;
  std::shared_ptr<job_queue_node> queue;
  std::vector<std::shared_ptr<job_node>> jobs; ///< actors, of all lives of the queue

  uint64_t next_owner = 1;
  uint32_t running_max = 2;
  size_t batch_max = 1; ///< operations that are stored at once
  bool cards = false;   ///< machines have GPUs, whose encoders may be lost
  std::vector<job_machine> machines;
  std::map<std::string, chunk_file_state> disk; ///< chunk files
  std::set<job_id> confirmed;                   ///< jobs whose submission was confirmed to a user
  file_order order_of(job_id id) const;

  /// Simulates users that react to an event of the job with a command, or give a command at the same moment.
  void provoke(job_id id, double probability);

  // -- machines and tasks (job_machines.cpp) ---------------------------------------

  job_machine* machine_of(worker_id id);
  registration registration_of(const job_machine& m) const;
  void bring_up(job_machine& m);
  void take_down(job_machine& m);
  void enter(job_machine& m);
  void bring_up_processes(job_machine& m);
  void start_work(const job_task_ptr& t, const file_work& x, const std::shared_ptr<job_node>& client);
  void attach(const job_task_ptr& t, attempt_id attempt, const std::shared_ptr<job_node>& client);
  /// The process ends; `in_order` if it ended by itself.
  void end_task(job_task_ptr t, bool in_order);
  /// A job's actor has ended, or was killed.
  void job_gone(const std::shared_ptr<job_node>& x);
  source_summary source_of(job_id id) const;
  static std::string folder_of(job_id id);
  void drop_folder(job_id id);

  // -- the referee (job_referee.cpp) --------------------------------------------------

  void check_begin(job_id id, bool outage) const;
  void check_encode(const job_node& by, const chunk_work& x) const;
  void check_assembly(job_id id, const assemble_work& x) const;
  void check_publication(job_id id);
  void check_not_stopped(job_id id, const char* doing) const;
  void check_spoiled(job_id id, const std::string& path) const;
  void check_calm();
  bool all_ended() const;
  void check_end() const;
  /// Something happened after which the parts may disagree for a while: restarts the time limits of the checks.
  void shake() {
    calm_since_ = world_.now();
  }

private:
  void beat(worker_id id);
  void client_lost(const job_node& x);
  void report(const job_task_ptr& t);
  void finish_work(const job_task_ptr& t);
  decltype(file_result::outcome) outcome_of(const job_task_ptr& t);
  void deliver(const job_task_ptr& t);
  void look_for_coordinator(const job_task_ptr& t);
  job_task_ptr any_task();

  // -- faults and commands (job_world.cpp) ----------------------------------------------

  void start_coordinator();
  void kill_coordinator();
  void start_queue();
  void kill_queue();
  void tick();
  void people();
  void act(job_id id);
  void fault();
  void submit();
  job_id any_job();

  world world_;
  plant bug_;
  job_store store_;
  job_summary summary_;
  uint64_t next_job_ = 1;
  uint64_t next_worker_ = 1;
  uint64_t next_task_ = 1;
  uint64_t next_lease_ = 1;
  bool faults_ = true;
  time_point calm_since_{};
  std::map<uint64_t, time_point> stopped_since_;        ///< owners whose jobs are not to be at work any more
  std::vector<std::weak_ptr<job_writer_node>> writers_; ///< of queues that are gone
  std::map<job_id, size_t> cuts_;                       ///< of a job's source
  std::map<job_id, std::string> codecs_;
};

} // namespace troupe::sim
