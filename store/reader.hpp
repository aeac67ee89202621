// Queries: single jobs, and pages that start after the key of the last row seen. So every page costs the same, wherever
// it is.
#pragma once

#include "store/statement.hpp"
#include "store/store.hpp"

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace troupe::store {

/// All functions throw what SOCI throws, and `unreadable`.
class reader {
public:
  explicit reader(soci::session& session);

  std::optional<job> find(job_id id);
  std::optional<job> find_by_key(const std::string& key);
  page<job_summary> list(const job_filter& filter, std::optional<page_cursor> after, size_t rows);
  page<open_job> open_jobs(std::optional<page_cursor> after, size_t rows);
  std::vector<open_job> load(std::span<const job_id> ids);
  std::optional<page<chunk>> chunks(job_id id, std::optional<page_cursor> after, size_t rows);
  std::optional<page<history_entry>> history(job_id id, std::optional<page_cursor> after, size_t rows);
  page<history_of_job> transitions(int64_t after, size_t rows);
  std::optional<page<log_line>> log(job_id id, std::optional<page_cursor> after, size_t rows);
  std::vector<callback> open_callbacks(size_t rows);
  std::vector<callback> callbacks_of(job_id id);
  std::vector<state_count> counts();

private:
  std::optional<job> find_where(const std::string& condition, const std::string& value);
  std::optional<long long> number_of(job_id id);
  std::vector<callback> callbacks_where(const std::string& condition, const std::string& id);

  soci::session& session_;
};

/// A stored word that this program does not know.
class unreadable : public std::runtime_error {
public:
  using runtime_error::runtime_error;
};

} // namespace troupe::store
