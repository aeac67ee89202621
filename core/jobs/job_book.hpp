// The state of all file jobs in memory, called the book: which jobs wait, which are being read from the store, which
// run, and what to do after each stored row.
//
// Events come in, effects go out; the queue's actor translates. The store is authoritative: the book writes a change to
// the store and learns from the row that it reads whether the change was made. A `job_way` is a transition to be
// written. A user's command has priority over the book's own transitions. So each transition of the book names the
// state from which it was decided. If a command has changed that state meanwhile, the store refuses the transition, and
// the book reads the job again.
//
// - A job whose turn has come is read, then started at once; its transition to `assigned` is written with the next
//   batch. If the store refuses that transition, a user has paused or cancelled the job meanwhile, and its actor is
//   halted.
// - If a job's actor dies before the job has ended, the job starts again, a few times; finished parts are kept.
// - After a restart of the coordinator, a job that was running waits for its turn again. Its tasks from before the
//   restart (orphans) wait for the job.
// - While the store does not work, no job starts.
// - A job in a state that this program does not know is not changed, but reported.
#pragma once

#include "core/jobs/config.hpp"
#include "core/jobs/job_order.hpp"
#include "messages/job.hpp"

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace troupe::core {

/// A job as the store has it, as far as the book needs it.
struct job_row {
  job_id id;
  int64_t number = 0; ///< order of submission
  job_state state = job_state::queued;
  job_queue queue = job_queue::normal;
  job_priority priority = job_priority::medium;
  int64_t submitted_ms = 0; ///< milliseconds since 1970
  int64_t ended_ms = 0;
  uint32_t attempt = 0;
  uint32_t failures = 0;
  std::vector<uint32_t> leased = {}; ///< numbers of the chunks that a task has, or had
};

/// The reason for a transition. It decides what follows once the transition is written.
enum class job_step : uint8_t { take_up, assign, give_up, begin_again, cancel, pause, queue_again };

/// A transition from the table `job_transitions`, to be written to the store.
struct job_way {
  job_step step = job_step::assign;
  job_row of; ///< the row on which it was decided; for a user's command only the id
  job_state to = job_state::queued;
  std::optional<job_state> from;   ///< written only if the job is in this state
  std::optional<uint32_t> attempt; ///< written only if the job has this attempt
  std::string why;
  std::optional<uint32_t> failures;
  std::optional<failure_kind> failure;
  std::optional<std::string> error;
};

/// What the book wants done. Implementations of these methods must not call the book.
class job_book_effects {
public:
  virtual ~job_book_effects() = default;

  // -- the store; changes are written in the order of the calls --------------------

  /// Write it; answered by `written` once it is durable or refused.
  virtual void write(const job_way& x) = 0;
  /// Write that this leased chunk waits again, for the job's attempt in the row `of`. No answer is needed.
  virtual void chunk_waits(const job_row& of, uint32_t number) = 0;
  /// Read these jobs with all their data; answered by `loaded` or `not_loaded`.
  virtual void load(const std::vector<job_id>& ids) = 0;
  /// Read the job once all earlier changes are durable or refused; answered by `looked` or `not_looked`.
  virtual void look(job_id id) = 0;

  // -- running jobs ---------------------------------------------------------------

  /// Run the job with this attempt number, until `ended`. Called only from within `loaded`. Returns why the job cannot
  /// be started; empty if it is started.
  virtual std::optional<std::string> begin(const job_row& x, uint32_t attempt, uint64_t turn) = 0;
  /// Stop all work on the job; finished parts are kept.
  virtual void halt(job_id id) = 0;
  /// Stop all work on the job; nothing is kept.
  virtual void end(job_id id) = 0;
  /// Call `start_due` after all events that have arrived are passed to the book, so that jobs which arrive together are
  /// read together.
  virtual void wake() = 0;

  // -- orphans, by the numbers given to `offer` -------------------------------------

  virtual void hand_over(uint64_t orphan, job_id to) = 0;
  virtual void turn_away(uint64_t orphan, const std::string& why) = 0;

  // -- folders ----------------------------------------------------------------------

  /// The job failed at `failed_ms`: its folder is kept for some time after that.
  virtual void keep_folder(job_id id, int64_t failed_ms) = 0;
  /// The job continues and needs its folder: it must not be removed.
  virtual void use_folder(job_id id) = 0;
  virtual void drop_folder(job_id id) = 0;

  /// The job is in a state that this program does not know.
  virtual void left_alone(const job_row& x) = 0;
};

class job_book {
public:
  job_book(job_book_config config, job_book_effects& effects)
    : config_(config), effects_(effects), order_(config.order) {}

  // -- users' commands: the caller writes them, then calls `written` ----------------

  static job_way cancel(job_id id);
  static job_way pause(job_id id);
  static job_way resume(job_id id);
  static job_way retry(job_id id);

  /// A new job is durable. The book sets its number and state.
  void submitted(job_row x);
  /// A job that had ended was removed from the store.
  void removed(job_id id);

  // -- the store ----------------------------------------------------------------------

  /// A job that the coordinator finds when it starts. To be followed by `start_due`.
  void recover(const job_row& x);
  /// The transition is durable, and the job now has this attempt; or it was refused (null). Users' refused commands
  /// need not be reported.
  void written(const job_way& x, std::optional<uint32_t> attempt);
  /// The result of `load`, in any order. Jobs that it lacks no longer exist.
  void loaded(const std::vector<job_id>& asked, const std::vector<job_row>& found);
  void not_loaded(const std::vector<job_id>& asked);
  /// The result of `look`; null if the job no longer exists.
  void looked(job_id id, const job_row* found);
  void not_looked(job_id id);
  /// The job was changed in the store without a call of `written`: read it again.
  void look_at(job_id id);
  /// The store has failed, or works again.
  void store_works(bool works);

  // -- running jobs ---------------------------------------------------------------------

  /// True if this attempt of the job runs now. Messages of all other attempts are ignored.
  bool hears(job_id id, uint32_t attempt) const;
  /// The job reports that it has ended.
  void said_end(job_id id, job_state how);
  /// The end reported by `said_end` was refused by the store, because a user's command came first.
  void end_refused(job_id id);
  /// The job's actor is gone, and all its messages have been passed to the book.
  void ended(job_id id, uint32_t attempt, int64_t now_ms);

  /// A task from before a restart still works for this job, and offers its work. Each offer has its own number.
  void offer(uint64_t orphan, job_id id);

  /// Starts the jobs whose turn has come.
  void start_due();
  /// The clock; a few times a second.
  void tick();

  // -- views ------------------------------------------------------------------------------

  size_t waiting() const noexcept {
    return order_.size();
  }

  size_t at_work() const noexcept {
    return running_.size();
  }

private:
  struct running {
    bool alive = false; ///< its actor runs; otherwise the book waits for an answer of the store
    uint32_t attempt = 0;
    bool over = false;   ///< it reported its end
    bool failed = false; ///< it reported that it failed
  };

  struct orphan {
    uint64_t number = 0;
    job_id of;
  };

  running* alive(job_id id);
  /// True if the job has not ended, as far as the book knows.
  bool is_open(job_id id) const;
  void enqueue(const job_row& x);
  void assign(const job_row& x);
  void settle(const job_row& x);
  void begin_again(const job_row& x);
  /// Removes the job from the waiting and the running jobs.
  void leave(job_id id);
  void forget_dead(job_id id, uint32_t attempt);
  void drop_orphans();

  job_book_config config_;
  job_book_effects& effects_;
  job_order order_;
  std::map<job_id, running> running_;
  std::set<job_id> loading_;         ///< jobs whose turn has come, while they are read
  std::set<job_id> unsettled_;       ///< jobs to read again with the next tick
  std::map<job_id, uint32_t> looks_; ///< unanswered calls of `look`, by job
  std::vector<orphan> orphans_;
  bool works_ = true;       ///< the store works
  int64_t next_number_ = 1; ///< for the next submitted job
};

} // namespace troupe::core
