// JOB: one file job under way. The decisions are `core::file_job`; this actor translates: it asks the coordinator for leases, hands work to tasks, and
// has the queue write down what has come of it.
//
// - A task dies: the core decides; the part is tried elsewhere.
// - The registry dies: requests for leases fail and are made again; tasks at work go on.
// - The queue dies: the job ends, and with it its leases; the next queue begins it anew with what is finished.
// - The coordinator dies: the job ends.
// - The job is cancelled, or is completed: its leases are given back, its tasks ended; when they are gone, the work folder is removed.
// - The job is paused, or fails: the same, but the work folder stays for the actor that goes on with it.
#pragma once

#include "actors/jobs/job_desk.hpp"
#include "actors/jobs/job_views.hpp"
#include "actors/jobs/jobs_actor.hpp"
#include "core/jobs/file_job.hpp"
#include "messages/actors.hpp"

#include <caf/actor_system.hpp>
#include <caf/typed_response_promise.hpp>

#include <tl/expected.hpp>

#include <chrono>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

namespace troupe {

/// How a queue takes what its jobs have to say.
using job_journal_actor = caf::typed_actor<caf::result<void>(job_writes), caf::result<void>(job_report)>;

using job_actor = file_client_actor::extend<
  // Somebody cancelled the job: end it.
  caf::result<void>(stop_atom),
  // Somebody paused the job: end all work, keep what is finished.
  caf::result<void>(pause_atom),
  // The lease's slot is needed for live work.
  caf::result<void>(give_back_atom, lease_id),
  // A task that an earlier life gave its work to offers what it has in hand.
  caf::result<void>(task_join, file_work, orphan_actor),
  // The lease's worker is to be left; file work stays to its end.
  caf::result<void>(move_atom, lease_id),
  // INTERNAL: the clock.
  caf::result<void>(tick_atom)>;

struct job_begin {
  job_id id;
  uint32_t attempt = 1;
  std::string name;
  file_order order;
  std::string folder;
  std::vector<store::chunk> chunks;
  std::shared_ptr<job_desk> desk = {}; ///< its place at it
  std::chrono::milliseconds waited{0}; ///< since it was submitted
  uint64_t turn = 0;                   ///< see `lease_request`
};

struct job_actor_state : core::file_job_effects {
  using interface = job_actor;

  static inline const char* name = "job";

  job_actor_state(interface::pointer self, core::file_job_config config, job_begin begin, job_journal_actor queue,
                  leases_actor coordinator);

  interface::behavior_type make_behavior();

  // -- core::file_job_effects -------------------------------------------------

  /// The assembly waits until all that the job has said is durable: what it publishes must not be forgotten.
  void lease(attempt_id attempt, const lease_request& x) override;
  void start(const file_work& x) override;
  void attach(attempt_id attempt) override;
  void device_failed(attempt_id attempt, const std::string& why) override;
  void stop(attempt_id attempt, const lease_end& how) override;
  void planned(const std::vector<core::file_chunk>& chunks) override;
  void chunk_began(uint32_t number, const troupe::lease& held) override;
  void chunk_ended(uint32_t number, const std::string& path, const chunk_done& x) override;
  void chunk_waits(uint32_t number, uint32_t failures, const std::string& why) override;
  void chunk_spoiled(uint32_t number, const std::string& why) override;
  void completed(const file_published& x) override;
  void failed(failure_kind kind, const std::string& why) override;

private:
  struct attempt {
    troupe::lease held;
    task_actor task;          ///< null when it is gone
    orphan_actor orphan;      ///< the same, of an earlier life
    file_worker_actor worker; ///< of such a one: its host may not know it
    std::string part;         ///< what it works at, for the log
    bool confirmed = false;   ///< the registry knows that its encoder is open
  };

  struct orphan_offer {
    task_join who;
    file_work work;
    orphan_actor task;
    caf::typed_response_promise<void> answer;
    std::chrono::steady_clock::time_point since;
    bool asked = false; ///< for its lease
  };

  void consider_orphans();
  /// The attempt's encoder is open: its session on a GPU is counted for certain from now on.
  void confirm(attempt_id number, attempt& x);
  void warn_of_seat(const attempt& x);
  /// Takes the orphan over with its lease, or lets it go.
  void adopt(orphan_offer& x, const troupe::lease& held);
  void ask_for(attempt_id attempt, const lease_request& x);
  void written();
  /// Answers when the attempt's lease is over.
  void take(const file_result& x, caf::typed_response_promise<void> answer);
  /// What the probe found, with what the cluster can do by now.
  void plan_with(const file_result& x, caf::typed_response_promise<void> answer);
  void note(std::string level, std::string part, std::string text, int64_t at_ms = 0);
  void take_log(attempt_id from, const std::vector<file_log_line>& lines);
  void write(store::operation x);
  /// Whether the message at hand is of the process that works at the attempt. A number alone can be guessed.
  bool comes_from_its_task(attempt_id x) const;
  /// The attempt's task is gone: what its host saw of it says why.
  void task_gone(attempt_id number, attempt& x);

  /// The store's state `running`, before anything that needs it.
  void ensure_running(const std::string& why);
  /// Lets time pass.
  void advance() {
    job_.tick(std::chrono::steady_clock::now());
    send_writes();
  }
  void send_writes();
  void report();
  void end();

  /// Quits once no task of the job is left, and cleans up.
  void leave();

  interface::pointer self_;
  job_begin begin_;
  job_journal_actor queue_;
  leases_actor coordinator_;
  uint32_t disk_warn_;
  core::milliseconds head_start_;
  core::file_job job_;
  std::unordered_map<attempt_id, attempt> attempts_;
  std::unordered_set<caf::actor_addr> leaving_; ///< tasks that were released and are not gone yet
  std::map<uint32_t, uint32_t> chunk_attempts_; ///< the store's numbers
  std::optional<std::pair<attempt_id, caf::typed_response_promise<void>>>
    answering_; ///< the result that is being taken
  std::vector<orphan_offer> orphans_;
  const orphan_offer* adopted_ = nullptr; ///< while the core takes it over
  troupe::lease adopted_lease_;
  std::vector<store::operation> writes_;
  size_t unwritten_ = 0; ///< lots of operations that the queue has, and that are not durable yet
  std::optional<std::pair<attempt_id, lease_request>> assembly_; ///< waits for those
  std::vector<store::log_line> log_;
  size_t log_lines_ = 0; ///< of libraries, so far
  std::optional<std::chrono::steady_clock::time_point> over_since_;
  bool keeps_folder_ = false; ///< somebody will go on with what is in it
  bool planned_before_ = false;
  bool running_ = false;
};

/// What the queue has its job actors made by.
class job_factory {
public:
  virtual ~job_factory() = default;

  /// The actor, or why the job cannot be begun. Touches the disk: not for a scheduled actor.
  virtual tl::expected<job_actor, std::string> make(caf::actor_system& system, job_begin begin, job_journal_actor queue,
                                                    leases_actor coordinator) const = 0;
};

/// Jobs that are worked at: each gets its folder, and an actor of this header. `files` may be null.
std::shared_ptr<const job_factory> usual_jobs(core::file_job_config config, std::shared_ptr<transfer::desk> files);

job_actor spawn_job(caf::actor_system& system, core::file_job_config config, job_begin begin, job_journal_actor queue,
                    leases_actor coordinator, std::shared_ptr<transfer::desk> desk);

} // namespace troupe
