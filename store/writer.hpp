// The operations inside a transaction: each consists of one or a few prepared statements, whose conditions are the
// tables of messages/job_states.hpp.
#pragma once

#include "store/error.hpp"
#include "store/operation.hpp"
#include "store/statement.hpp"

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>

namespace troupe::store {

class writer {
public:
  /// `session` must outlive the writer.
  explicit writer(soci::session& session);

  /// Executes one operation at the time `now_ms`. Throws what SOCI throws. After an error, the caller must roll back if
  /// `wrote()` says that something was written.
  expected<outcome> run(const operation& x, int64_t now_ms);

  bool wrote() const noexcept {
    return wrote_;
  }

  /// Stores the changes to the counts since the last call. Must be the last statement of a transaction.
  void write_counts();

  /// After a roll-back: discards the changes to the counts.
  void forget_counts() {
    moved_.clear();
  }

private:
  expected<outcome> run(const submit_job& x);
  expected<outcome> run(const move_job& x);
  expected<outcome> run(const edit_job& x);
  expected<outcome> run(const add_chunks& x);
  expected<outcome> run(const move_chunk& x);
  expected<outcome> run(const remove_chunks& x);
  expected<outcome> run(const remove_job& x);
  expected<outcome> run(const add_log& x);
  expected<outcome> run(const edit_callback& x);
  outcome outcome_of(job_id id) const;

  expected<outcome> known_job(const submit_job& x);
  statement& moving_job(job_state to, const job_changes& changes);
  statement& moving_chunk(chunk_state to, bool with_failures);
  void write_history(int64_t chunk, std::string_view from, std::string_view to, const std::string& why,
                     const std::string& node);
  void count(std::string_view state, int64_t jobs);

  /// Locks a job that has not ended for this transaction, and finds its number. False: there is no such job, or the
  /// attempt is not its current one.
  bool hold(job_id id, std::optional<uint32_t> attempt);

  void load(const job_changes& x);

  /// Why an operation that needs an open job did not change this one.
  tl::unexpected<error> refused(job_id id, std::string_view tried, std::optional<uint32_t> attempt);
  tl::unexpected<error> refused(const move_job& x);
  tl::unexpected<error> refused(const move_chunk& x);

  /// The statement with this number; `make` prepares it the first time.
  template <class F>
  statement& cached(uint32_t number, F make);

  /// Parameters and columns of all statements: filled before a run, read after it.
  struct variables {
    std::string id, name, search_name, key, url, request, from, to, node, why, queue, state, kind;
    std::string failure, error, result, file, sha256, level, part, line;
    long long now = 0, job = 0, attempt = 0, priority = 0, failures = 0, not_before = 0, progress = 0;
    long long chunk = 0, from_pts = 0, to_pts = 0, bytes = 0, frames = 0, first_pts = 0, last_pts = 0;
    long long same = 0, ended = 0, jobs = 0, history = 0, calls = 0, delivery = 0;
    long long life = 0;
  };

  soci::session& session_;
  bool wrote_ = false;
  /// Changes to the numbers of jobs by queue and state, since they were last stored.
  std::map<std::pair<std::string, std::string_view>, int64_t> moved_;
  variables v_;
  std::unordered_map<uint32_t, std::unique_ptr<statement>> statements_;
};

template <class F>
statement& writer::cached(uint32_t number, F make) {
  auto& slot = statements_[number];
  if (!slot) {
    auto fresh = std::make_unique<statement>(session_);
    make(*fresh);
    slot = std::move(fresh);
  }
  return *slot;
}

} // namespace troupe::store
