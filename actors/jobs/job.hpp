// JOB: one running file job. The decisions are in `core::file_job`; this actor translates. It asks the coordinator for
// leases, gives work to tasks, and has the queue store the results.
//
// - A task dies: the core decides; the part is tried elsewhere.
// - The registry dies: requests for leases fail and are repeated; running tasks continue.
// - The queue dies: the job ends, and with it its leases; the next queue starts it again with the finished parts.
// - The coordinator dies: the job ends.
// - The job is cancelled, or is completed: its leases are given back, its tasks ended; when they are gone, and the end
//   is durable, the work folder is removed.
// - The job is paused, or fails: the same, but the work folder stays for the actor that continues the job.
#pragma once

#include "actors/jobs/job_registration.hpp"
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

/// How a queue receives what its jobs report.
using job_journal_actor = caf::typed_actor<caf::result<void>(job_writes), caf::result<void>(job_report)>;

using job_actor = file_client_actor::extend<
  // A user cancelled the job: end it.
  caf::result<void>(stop_atom),
  // A user paused the job: end all work, keep the finished parts.
  caf::result<void>(pause_atom),
  // The lease's slot is needed for live work.
  caf::result<void>(give_back_atom, lease_id),
  // A task that got its work before a restart offers its unfinished work.
  caf::result<void>(task_join, file_work, orphan_actor),
  // Asks to leave the lease's worker; file work ignores it and stays to its end.
  caf::result<void>(move_atom, lease_id),
  // INTERNAL: a tick of the clock.
  caf::result<void>(tick_atom)>;

struct job_begin {
  job_id id;
  uint32_t attempt = 1;
  std::string name;
  file_order order;
  std::string folder;
  std::vector<store::chunk> chunks;
  std::shared_ptr<job_registration> files = {}; ///< its registration with `transfer::upload_registry`
  std::chrono::milliseconds waited{0};          ///< since submission
  uint64_t turn = 0;                            ///< see `lease_request`
};

struct job_actor_state : core::file_job_effects {
  using interface = job_actor;

  static inline const char* name = "job";

  job_actor_state(interface::pointer self, core::file_job_config config, job_begin begin, job_journal_actor queue,
                  leases_actor coordinator);

  interface::behavior_type make_behavior();

  // -- core::file_job_effects -------------------------------------------------

  void lease(attempt_id attempt, const lease_request& x) override;
  void start(const file_work& x) override;
  void attach(attempt_id attempt) override;
  void device_failed(attempt_id attempt, const std::string& why) override;
  void stop(attempt_id attempt, const lease_end& how) override;
  void at_work(const std::string& why) override;
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
    task_actor task;          ///< null when the task is gone
    orphan_actor orphan;      ///< the task, if it got its work before a restart
    file_worker_actor worker; ///< of that orphan, to stop it directly: its host may not know it
    std::string part;         ///< the part that it works on, for the log
    bool confirmed = false;   ///< the registry knows that its encoder is open
  };

  struct orphan_offer {
    task_join who;
    file_work work;
    orphan_actor task;
    caf::typed_response_promise<void> answer;
    std::chrono::steady_clock::time_point since;
    bool asked = false; ///< a lease was requested
  };

  void consider_orphans();
  /// The attempt's encoder is open: from now on its session on a GPU is counted for certain.
  void confirm(attempt_id number, attempt& x);
  void warn_of_seat(const attempt& x);
  /// Takes over the orphan with its lease, or releases the lease.
  void adopt(orphan_offer& x, const troupe::lease& held);
  /// Answers when the attempt's lease is over.
  void take(const file_result& x, caf::typed_response_promise<void> answer);
  /// Plans with what the probe found and what the cluster can do now.
  void plan_with(const file_result& x, caf::typed_response_promise<void> answer);
  void note(std::string level, std::string part, std::string text, int64_t at_ms = 0);
  void take_log(attempt_id from, const std::vector<file_log_line>& lines);
  void write(store::operation x);
  /// A chunk's transition; refused unless this is still the job's current attempt.
  store::move_chunk chunk_way(uint32_t number, chunk_state to, const std::string& why) const;
  /// True if the message being handled comes from the process that works on the attempt. The number alone is no proof,
  /// because it can be guessed.
  bool comes_from_its_task(attempt_id x) const;
  /// The attempt's task is gone; its host's report says why.
  void task_gone(attempt_id number, attempt& x);

  /// Tells the core the time.
  void advance();
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
  std::unordered_set<caf::actor_addr> leaving_; ///< released tasks that are not gone yet
  std::map<uint32_t, uint32_t> chunk_attempts_; ///< the attempt numbers of the store
  /// The result that is being processed.
  std::optional<std::pair<attempt_id, caf::typed_response_promise<void>>> answering_;
  std::vector<orphan_offer> orphans_;
  const orphan_offer* adopted_ = nullptr; ///< while the core takes it over
  troupe::lease adopted_lease_;
  std::vector<store::operation> writes_;
  std::vector<store::log_line> log_;
  size_t log_lines_ = 0; ///< lines from libraries so far
  std::optional<std::chrono::steady_clock::time_point> over_since_;
  bool keeps_folder_ = false; ///< another actor will continue with the files in it
  bool completed_ = false;
  bool planned_before_ = false;
};

/// How a queue creates its job actors.
class job_factory {
public:
  virtual ~job_factory() = default;

  /// The actor, or why the job cannot be started. Touches the disk: do not call it from a scheduled actor.
  virtual tl::expected<job_actor, std::string> make(caf::actor_system& system, job_begin begin, job_journal_actor queue,
                                                    leases_actor coordinator) const = 0;
};

/// Jobs that really run: each gets its folder, and the actor of this header. `files` may be null.
std::shared_ptr<const job_factory> usual_jobs(core::file_job_config config,
                                              std::shared_ptr<transfer::upload_registry> files);

job_actor spawn_job(caf::actor_system& system, core::file_job_config config, job_begin begin, job_journal_actor queue,
                    leases_actor coordinator, std::shared_ptr<transfer::upload_registry> uploads);

} // namespace troupe
