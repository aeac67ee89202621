// Durable jobs: what must outlive every process is here, in SQLite (a file) or PostgreSQL (a server), through the same code and SQL.
//
// One thread owns a store and its calls block, for at most the timeouts of its settings. Writing takes batches: a batch is one
// transaction, so a hundred clients cost one wait for the disk, and each operation has a result of its own. When `apply`
// returns results, they are durable. When it returns an error, nothing of the batch is stored; with one exception: a connection that
// breaks while the server commits leaves open what became of it. The batch may then be given again: a submission that was stored says
// `existed`, a transition that was made says so in its error, and none is made twice.
//
// After a transient error the store goes on by itself: the next call connects anew. It never waits to try again; that is for
// the caller, who knows the clock.
#pragma once

#include "store/error.hpp"
#include "store/migrations.hpp"
#include "store/operation.hpp"
#include "store/record.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace troupe::store {

/// What SQLite waits for before a batch counts as stored. PostgreSQL has its own setting, `synchronous_commit`.
enum class durability : uint8_t {
  power_loss,    ///< the disk has it (synchronous = FULL)
  process_crash, ///< the kernel has it (synchronous = NORMAL): the last moments before a loss of power may be missing
};

struct settings {
  /// A path, `sqlite:PATH`, or `postgresql://user@host/database`.
  std::string url;
  durability durable = durability::power_loss;
  bool checked = false; ///< another connection of this process found file and schema good: nothing is looked at again
  std::chrono::milliseconds busy_timeout{5'000};       ///< for another process that writes
  std::chrono::milliseconds connect_timeout{5'000};    ///< PostgreSQL; whole seconds, at least 2
  std::chrono::milliseconds statement_timeout{30'000}; ///< PostgreSQL
};

/// Where a list goes on: behind the last row of the page before.
struct page_cursor {
  int64_t first = 0;
  int64_t second = 0;

  bool operator==(const page_cursor&) const = default;
};

template <class T>
struct page {
  std::vector<T> rows;
  std::optional<page_cursor> next;      ///< nothing: this is the end
  std::vector<std::string> unread = {}; ///< of open jobs: which this program cannot read, and why
};

/// Which jobs a list shows. All that is given must hold.
struct job_filter {
  std::vector<job_state> states; ///< any of them; empty: all
  std::optional<job_queue> queue;
  std::string text; ///< part of the name, capitals (of ASCII) like small letters; or a whole job id
  std::optional<int64_t> submitted_from_ms; ///< inclusive
  std::optional<int64_t> submitted_to_ms;   ///< exclusive
};

class job_store {
public:
  /// Opens or makes the database, checks that it is whole, and brings its schema up to date, in one transaction.
  /// Fails with `not_a_store` for a damaged or foreign file and with `too_new` where a newer program was here.
  static expected<job_store> open(settings from, std::span<const migration> steps = migrations());

  job_store(job_store&&) noexcept;
  job_store& operator=(job_store&&) noexcept;
  ~job_store();

  /// Does all operations in order, in one transaction, at the time `now_ms`. One result for each; one that fails changes nothing
  /// and leaves the others alone.
  expected<std::vector<expected<outcome>>> apply(std::span<const operation> batch, int64_t now_ms);

  /// `apply` with one.
  expected<outcome> apply(const operation& one, int64_t now_ms);

  /// For who gave a batch to `apply` and got a transient error: what became of it. Its results where it was stored after all, nothing where it was
  /// not. `now_ms` is that of the lost call; no two batches may have the same. A submission or transition is known by its row of history, so a
  /// batch without either says nothing, and may be applied again without harm.
  expected<std::optional<std::vector<expected<outcome>>>> recall(std::span<const operation> batch, int64_t now_ms);

  /// `not_found` where there is none.
  expected<job> find(job_id id);
  expected<job> find_by_key(const std::string& idempotency_key);

  /// Newest first.
  expected<page<job_summary>> list(const job_filter& filter, std::optional<page_cursor> after, size_t rows);

  /// What a restart needs: the jobs that have not ended, with their chunks, by priority and then first come, first served. A page ends early when it
  /// is large, so only `next` tells the end. One that another version of this program wrote and this one cannot read hides no other.
  expected<page<open_job>> open_jobs(std::optional<page_cursor> after, size_t rows);

  /// Those of these jobs that exist, whole, with their chunks, in no order. At most `limits::page_rows` of them.
  expected<std::vector<open_job>> load(std::span<const job_id> ids);

  /// In order of their numbers.
  expected<page<chunk>> chunks(job_id id, std::optional<page_cursor> after, size_t rows);

  /// Oldest first.
  expected<page<history_entry>> history(job_id id, std::optional<page_cursor> after, size_t rows);

  /// The transitions of all jobs (not of their chunks) behind that row of history, oldest first.
  expected<page<history_of_job>> transitions(int64_t after, size_t rows);

  /// What the job said, oldest first.
  expected<page<log_line>> log(job_id id, std::optional<page_cursor> after, size_t rows);

  /// Ends of jobs that still have to be told to a callback URL, those first that are due first.
  expected<std::vector<callback>> open_callbacks(size_t rows);

  /// What became of a job's callbacks, newest first.
  expected<std::vector<callback>> callbacks_of(job_id id);

  /// Queues and states that have jobs.
  expected<std::vector<state_count>> counts();

private:
  class impl;

  explicit job_store(std::unique_ptr<impl> x);

  std::unique_ptr<impl> impl_;
};

} // namespace troupe::store
