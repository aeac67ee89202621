// Real databases for tests: SQLite in a temporary folder, and PostgreSQL as the distribution installs it, as a server
// of the test's own on a socket in a temporary folder. If PostgreSQL is not installed, its half is skipped, and the
// test says so.
#pragma once

#include "store/store.hpp"
#include "test/support/cluster.hpp"

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace troupe::test {

/// The databases that a data test case runs on: "sqlite", and "postgresql" if it is installed.
const std::vector<std::string>& database_kinds();

/// Ends the PostgreSQL server at once, as a crash does; and starts it again.
void stop_database_server();
void start_database_server();

/// An empty database, removed with the object.
class scratch_database {
public:
  explicit scratch_database(const std::string& kind);

  const std::string& url() const noexcept {
    return url_;
  }

  bool is_sqlite() const noexcept {
    return sqlite_;
  }

  store::settings settings() const;

  store::job_store open() const;

  /// The whole number that a query gives, asked over a connection of its own.
  long long ask(const std::string& query) const;

  /// Executes a statement over a connection of its own.
  void tell(const std::string& statement) const;

private:
  bool sqlite_;
  std::string url_;
  temporary_folder folder_;
};

inline constexpr int64_t test_time_ms = 1'700'000'000'000;

/// The id of the test's n-th job.
inline job_id nth(uint64_t n) {
  return {0x0123'4567'89ab'cdef, n};
}

/// The outcome of an operation. If the operation fails, so does the test.
store::outcome must(store::job_store& on, const store::operation& op, int64_t now_ms = test_time_ms);

/// Why an operation was refused. If it was not refused, the test fails.
store::error must_fail(store::job_store& on, const store::operation& op);

/// A job as `submit_job` takes it.
store::submit_job a_job(uint64_t n);

/// A transition made by the job's current attempt.
store::move_job a_move(store::job_store& on, job_id id, job_state to);

/// Moves a new job into a state, through the transitions that the table allows.
void bring(store::job_store& on, job_id id, job_state to);

/// All of a job's history.
std::vector<store::history_entry> history_of(store::job_store& on, job_id id);

/// Fails the test unless the stored counts match the jobs, each job's state is that of its last row of history, and
/// each history is without a gap.
void check_consistent(const scratch_database& database);

} // namespace troupe::test
