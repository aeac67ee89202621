// Durable jobs: the data that must outlive every process, in SQLite (a file) or PostgreSQL (a server), through the same
// code and SQL.
//
// One thread owns a store. Its calls block, at most for the timeouts of its settings. Writes come in batches. A batch
// is one transaction, so a hundred clients cost one wait for the disk, and each operation has its own result. When
// `apply` returns results, they are durable. When it returns an error, nothing of the batch is stored, with one
// exception: if the connection breaks while the server commits, the outcome is unknown. The batch may then be submitted
// again: a stored submission says `existed`, a transition already made says so in its error, and none is made twice.
//
// After a transient error the store recovers by itself: the next call opens a new connection. It never waits for a
// retry; that is up to the caller, who has the clock.
#pragma once

#include "config/waits.hpp"
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
  process_crash, ///< the kernel has it (synchronous = NORMAL): the last moments before a power loss may be missing
};

struct settings {
  /// A path, `sqlite:PATH`, or `postgresql://user@host/database`.
  std::string url;
  durability durable = durability::power_loss;
  bool checked = false; ///< another connection of this process has verified file and schema: skip all checks
  std::chrono::milliseconds busy_timeout = config::defaults::store_busy_wait; ///< for another process that writes
  std::chrono::milliseconds connect_timeout =
    config::defaults::store_connect_wait; ///< PostgreSQL; whole seconds, at least 2
  std::chrono::milliseconds statement_timeout = config::defaults::store_statement_wait; ///< PostgreSQL
};

/// Where a list continues: after the last row of the previous page.
struct page_cursor {
  int64_t first = 0;
  int64_t second = 0;

  bool operator==(const page_cursor&) const = default;
};

template <class T>
struct page {
  std::vector<T> rows;
  std::optional<page_cursor> next;      ///< empty: this is the end
  std::vector<std::string> unread = {}; ///< for open jobs: those that this program cannot read, and why
};

/// The filter of a list of jobs. All given conditions must hold.
struct job_filter {
  std::vector<job_state> states; ///< any of these; empty: all
  std::optional<job_queue> queue;
  std::string text;                         ///< part of the name, ignoring case (in ASCII); or a whole job id
  std::optional<int64_t> submitted_from_ms; ///< inclusive
  std::optional<int64_t> submitted_to_ms;   ///< exclusive
};

class job_store {
public:
  /// Opens or creates the database, checks that it is intact, and brings its schema up to date, in one transaction.
  /// Fails with `not_a_store` for a damaged or foreign file, and with `too_new` if a newer program changed the schema.
  static expected<job_store> open(settings from, std::span<const migration> steps = migrations());

  job_store(job_store&&) noexcept;
  job_store& operator=(job_store&&) noexcept;
  ~job_store();

  /// Executes all operations in order, in one transaction, at the time `now_ms`. Returns one result for each. An
  /// operation that fails changes nothing and does not affect the others.
  expected<std::vector<expected<outcome>>> apply(std::span<const operation> batch, int64_t now_ms);

  /// `apply` with one operation.
  expected<outcome> apply(const operation& one, int64_t now_ms);

  /// Finds out what happened to a batch for which `apply` returned a transient error. Returns the batch's results if it
  /// was stored after all, else empty. `now_ms` is that of the lost call; it must be unique for each batch. A batch is
  /// recognised by the rows of history of its submissions and transitions. A batch without such rows gives no answer,
  /// but can safely be applied again.
  expected<std::optional<std::vector<expected<outcome>>>> recall(std::span<const operation> batch, int64_t now_ms);

  /// `not_found` if there is none.
  expected<job> find(job_id id);
  expected<job> find_by_key(const std::string& idempotency_key);

  /// Newest first.
  expected<page<job_summary>> list(const job_filter& filter, std::optional<page_cursor> after, size_t rows);

  /// What a restart needs: the jobs that have not ended, with their chunks, by priority and then in order of
  /// submission. A large page ends early, so only `next` shows the end. A job that this program cannot read, because
  /// another version wrote it, does not hide the others.
  expected<page<open_job>> open_jobs(std::optional<page_cursor> after, size_t rows);

  /// The complete jobs among these ids, with their chunks, unordered. At most `limits::page_rows` of them.
  expected<std::vector<open_job>> load(std::span<const job_id> ids);

  /// In order of their numbers.
  expected<page<chunk>> chunks(job_id id, std::optional<page_cursor> after, size_t rows);

  /// Oldest first.
  expected<page<history_entry>> history(job_id id, std::optional<page_cursor> after, size_t rows);

  /// The transitions of all jobs (without those of their chunks) after that row of history, oldest first.
  expected<page<history_of_job>> transitions(int64_t after, size_t rows);

  /// The job's log, oldest first.
  expected<page<log_line>> log(job_id id, std::optional<page_cursor> after, size_t rows);

  /// Callbacks that are due or wait for a retry, the earliest due first.
  expected<std::vector<callback>> open_callbacks(size_t rows);

  /// The callbacks of a job and their results, newest first.
  expected<std::vector<callback>> callbacks_of(job_id id);

  /// The number of jobs for each queue and state that has any.
  expected<std::vector<state_count>> counts();

private:
  class impl;

  explicit job_store(std::unique_ptr<impl> x);

  std::unique_ptr<impl> impl_;
};

} // namespace troupe::store
