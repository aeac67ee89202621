// The book of all file jobs: which wait, which are being read, which are at work, and what a stored row means for each.
//
// Events come in, effects go out; the queue's actor translates. The store has the truth: whatever the book wants
// changed is written first, and a row that is read tells what has become of it. A person's word goes before the book's
// own: each way that the book writes names the state that it was decided on, so that one which was overtaken is
// refused, and the job is looked at again.
//
// - A job whose turn has come is read, then begun at once; the row that says so is written with the next batch. Where
//   that row is refused, somebody has paused or cancelled the job in between, and its actor is halted.
// - A job whose actor is gone without an end begins again, a few times; what it has finished is kept.
// - After a restart of the coordinator, a job that was at work waits for its turn again, and the tasks of its earlier
//   life (orphans) wait for it.
// - While the store is out of order no job begins.
// - A state that this program does not know is left alone, and said.
#pragma once

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

struct job_book_config {
  uint32_t running_max = 8;  ///< jobs at work at once
  uint32_t restarts_max = 3; ///< of a job whose actor dies
  job_order_config order = {};
};

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

/// Why a way is written. What follows it depends on that.
enum class job_step : uint8_t { take_up, assign, give_up, begin_again, cancel, pause, queue_again };

/// A way of `job_transitions` that is to be written.
struct job_way {
  job_step step = job_step::assign;
  job_row of; ///< as it was decided on; of a person's word only the id
  job_state to = job_state::queued;
  std::optional<job_state> from;   ///< only from there
  std::optional<uint32_t> attempt; ///< only that one
  std::string why;
  std::optional<uint32_t> failures;
  std::optional<failure_kind> failure;
  std::optional<std::string> error;
};

/// What the book wants done. Implementations must not call back into the book from within these.
class job_book_effects {
public:
  virtual ~job_book_effects() = default;

  // -- the store; what is said is written in the order in which it is said --------

  /// Write it; answered by `written` once it is durable or refused.
  virtual void write(const job_way& x) = 0;
  /// Write that this leased chunk waits again, in the attempt of the job that the row has. No answer is needed.
  virtual void chunk_waits(const job_row& of, uint32_t number) = 0;
  /// Read these jobs, whole; answered by `loaded` or `not_loaded`.
  virtual void load(const std::vector<job_id>& ids) = 0;
  /// Read the job when all that was said so far is durable or refused; answered by `looked` or `not_looked`.
  virtual void look(job_id id) = 0;

  // -- jobs at work ---------------------------------------------------------------

  /// Have the job worked at, as that attempt, until `ended`. Called from within `loaded` alone. Returns why it cannot
  /// be begun.
  virtual std::optional<std::string> begin(const job_row& x, uint32_t attempt, uint64_t turn) = 0;
  /// All work at the job is to end; what is finished is kept.
  virtual void halt(job_id id) = 0;
  /// The same, and nothing is kept.
  virtual void end(job_id id) = 0;
  /// Call `start_due` when all events at hand were told: jobs that come together are read together.
  virtual void wake() = 0;

  // -- orphans, by the numbers that they were offered under -------------------------

  virtual void hand_over(uint64_t orphan, job_id to) = 0;
  virtual void turn_away(uint64_t orphan, const std::string& why) = 0;

  // -- folders ----------------------------------------------------------------------

  /// A failed job's: it stays for a while after that time.
  virtual void keep_folder(job_id id, int64_t failed_ms) = 0;
  /// The job goes on: its folder is its own again.
  virtual void use_folder(job_id id) = 0;
  virtual void drop_folder(job_id id) = 0;

  /// The job is in a state that this program does not know.
  virtual void left_alone(const job_row& x) = 0;
};

class job_book {
public:
  job_book(job_book_config config, job_book_effects& effects)
    : config_(config), effects_(effects), order_(config.order) {}

  // -- what people ask for: written by the caller, then told to `written` -----------

  static job_way cancel(job_id id);
  static job_way pause(job_id id);
  static job_way resume(job_id id);
  static job_way retry(job_id id);

  /// A new job is durable. Its number and state are the book's to give.
  void submitted(job_row x);
  /// A job that had ended is forgotten.
  void removed(job_id id);

  // -- the store ----------------------------------------------------------------------

  /// A job that the coordinator finds when it starts. To be followed by `start_due`.
  void recover(const job_row& x);
  /// That way is durable as that attempt, or was refused. Of people's ways only the durable ones need be told.
  void written(const job_way& x, std::optional<uint32_t> attempt);
  /// What `load` has found, in any order. Jobs that are not among it are no more.
  void loaded(const std::vector<job_id>& asked, const std::vector<job_row>& found);
  void not_loaded(const std::vector<job_id>& asked);
  /// What `look` has found; null where the job is no more.
  void looked(job_id id, const job_row* found);
  void not_looked(job_id id);
  /// Something was written of the job that nobody was told of.
  void look_at(job_id id);
  /// The store is out of order, or works again.
  void store_works(bool works);

  // -- jobs at work ---------------------------------------------------------------------

  /// Whether that is the job's attempt at work: nobody else is listened to.
  bool hears(job_id id, uint32_t attempt) const;
  /// The job says that it ended.
  void said_end(job_id id, job_state how);
  /// What `said_end` told is not written: it was overtaken.
  void end_refused(job_id id);
  /// The job's actor is gone, and all that it said has been told.
  void ended(job_id id, uint32_t attempt, int64_t now_ms);

  /// A task of an earlier life of the job has work in hand. Each offer has a number of its own.
  void offer(uint64_t orphan, job_id id);

  /// Begins whose turn it is.
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
    bool alive = false; ///< its actor; else the store is being asked, or told, what is to become of the job
    uint32_t attempt = 0;
    bool over = false;   ///< it has said that it ended
    bool failed = false; ///< and how
  };

  struct orphan {
    uint64_t number = 0;
    job_id of;
  };

  running* alive(job_id id);
  /// Somebody waits for the job, or will: it has not ended as far as is known here.
  bool is_open(job_id id) const;
  void enqueue(const job_row& x);
  void assign(const job_row& x);
  void settle(const job_row& x);
  void begin_again(const job_row& x);
  /// Neither waits nor is at work.
  void leave(job_id id);
  void forget_dead(job_id id, uint32_t attempt);
  void drop_orphans();

  job_book_config config_;
  job_book_effects& effects_;
  job_order order_;
  std::map<job_id, running> running_;
  std::set<job_id> loading_;         ///< their turn has come; they are being read
  std::set<job_id> unsettled_;       ///< to be looked at with the next tick
  std::map<job_id, uint32_t> looks_; ///< how many looks at a job are under way
  std::vector<orphan> orphans_;
  bool works_ = true;       ///< the store
  int64_t next_number_ = 1; ///< of jobs, in the order of their submission
};

} // namespace troupe::core
