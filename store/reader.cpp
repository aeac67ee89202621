#include "store/reader.hpp"

#include "messages/job_states.hpp"
#include "store/limits.hpp"
#include "store/rows.hpp"
#include "store/text.hpp"

#include <algorithm>
#include <limits>
#include <map>

namespace troupe::store {

namespace {

/// Rough size in memory of a stored chunk and its file name.
constexpr long long chunk_bytes = 512;

/// Columns of a job in a SELECT, and the variables that receive them.
struct job_columns {
  static constexpr auto summary =
    "number, id, state, previous_state, queue, priority, submitted_ms, started_ms, ended_ms,"
    " attempt, failures, progress_ppm, failure, worker, name, error";
  static constexpr auto rest = ", idempotency_key, callback_url, request, result";

  std::string id, state, previous_state, queue, failure, worker, name, error, key, url, request, result;
  long long number = 0, priority = 0, submitted = 0, started = 0, ended = 0;
  long long attempt = 0, failures = 0, progress = 0;

  void bind_summary(statement& s) {
    s.out(number)
      .out(id)
      .out(state)
      .out(previous_state)
      .out(queue)
      .out(priority)
      .out(submitted)
      .out(started)
      .out(ended);
    s.out(attempt).out(failures).out(progress).out(failure).out(worker).out(name).out(error);
  }

  void bind_rest(statement& s) {
    s.out(key).out(url).out(request).out(result);
  }

  void read(job_summary& x) const {
    x.id = id_of(id);
    x.number = number;
    x.name = name;
    x.state = word<job_state>(state);
    x.previous_state = word<job_state>(previous_state);
    if (priority < 0 || priority > static_cast<long long>(job_priority::batch))
      throw unreadable{"the stored priority " + std::to_string(priority) + " is not known to this program"};
    x.priority = static_cast<job_priority>(priority);
    x.queue = word<job_queue>(queue);
    x.submitted_ms = submitted;
    x.started_ms = started;
    x.ended_ms = ended;
    x.attempt = static_cast<uint32_t>(attempt);
    x.failures = static_cast<uint32_t>(failures);
    x.progress_ppm = static_cast<uint32_t>(progress);
    x.worker = worker;
    x.failure = word<failure_kind>(failure);
    x.error = error;
  }

  job read_whole() {
    job x;
    read(x);
    x.idempotency_key = key;
    x.callback_url = url;
    x.request = std::move(request);
    x.result = std::move(result);
    return x;
  }
};

/// The same for a chunk.
struct chunk_columns {
  static constexpr auto all =
    "job, number, kind, from_pts, to_pts, state, attempt, failures, worker, file, bytes, sha256,"
    " frames, first_pts, last_pts";

  std::string kind, state, worker, file, sha256;
  long long job = 0, number = 0, from_pts = 0, to_pts = 0, attempt = 0, failures = 0;
  long long bytes = 0, frames = 0, first_pts = 0, last_pts = 0;

  void bind(statement& s) {
    s.out(job).out(number).out(kind).out(from_pts).out(to_pts).out(state).out(attempt).out(failures).out(worker);
    s.out(file).out(bytes).out(sha256).out(frames).out(first_pts).out(last_pts);
  }

  chunk read() const {
    chunk x;
    x.number = static_cast<uint32_t>(number);
    x.kind = word<chunk_kind>(kind);
    x.from_pts = from_pts;
    x.to_pts = to_pts;
    x.state = word<chunk_state>(state);
    x.attempt = static_cast<uint32_t>(attempt);
    x.failures = static_cast<uint32_t>(failures);
    x.worker = worker;
    x.result = {file, static_cast<uint64_t>(bytes), sha256, static_cast<uint64_t>(frames), first_pts, last_pts};
    return x;
  }
};

page_cursor key_of(const job_summary& x) {
  return {x.submitted_ms, x.number};
}

} // namespace

reader::reader(soci::session& session) : session_{session} {}

std::optional<job> reader::find_where(const std::string& condition, const std::string& value) {
  job_columns columns;
  statement s{session_};
  columns.bind_summary(s);
  columns.bind_rest(s);
  s.in(value, "value");
  s.prepare(std::string{"SELECT "} + job_columns::summary + job_columns::rest + " FROM jobs WHERE " + condition);
  if (!s.run_one())
    return {};
  return columns.read_whole();
}

std::optional<job> reader::find(job_id id) {
  return find_where("id = :value", to_string(id));
}

std::optional<job> reader::find_by_key(const std::string& key) {
  return find_where("idempotency_key <> '' AND idempotency_key = :value", key);
}

page<job_summary> reader::list(const job_filter& filter, std::optional<page_cursor> after, size_t rows) {
  statement s{session_};
  std::string where;
  auto also = [&where](const std::string& condition) { where += (where.empty() ? " WHERE " : " AND ") + condition; };
  std::string states;
  for (auto state : filter.states)
    states.append(states.empty() ? "'" : ", '").append(to_string_view(state)).append("'");
  if (!states.empty())
    also("state IN (" + states + ")");
  if (filter.queue)
    also("queue = '" + to_string(*filter.queue) + "'");
  const auto id = parse_job_id(filter.text) ? filter.text : std::string{};
  const auto pattern = contains_pattern(lower(filter.text));
  if (!id.empty()) {
    also("id = :id");
    s.in(id, "id");
  } else if (!filter.text.empty()) {
    also("search_name LIKE :pattern ESCAPE '\\'");
    s.in(pattern, "pattern");
  }
  const long long from = filter.submitted_from_ms.value_or(0);
  const long long to = filter.submitted_to_ms.value_or(0);
  if (filter.submitted_from_ms) {
    also("submitted_ms >= :from");
    s.in(from, "from");
  }
  if (filter.submitted_to_ms) {
    also("submitted_ms < :to");
    s.in(to, "to");
  }
  const long long time = after.value_or(page_cursor{}).first;
  const long long number = after.value_or(page_cursor{}).second;
  if (after) {
    also("(submitted_ms, number) < (:time, :number)");
    s.in(time, "time").in(number, "number");
  }
  job_columns columns;
  columns.bind_summary(s);
  s.prepare(std::string{"SELECT "} + job_columns::summary + " FROM jobs" + where
            + " ORDER BY submitted_ms DESC, number DESC LIMIT " + std::to_string(rows + 1));
  page<job_summary> result;
  s.run_all([&] { columns.read(result.rows.emplace_back()); });
  cut(result, rows, key_of);
  return result;
}

page<open_job> reader::open_jobs(std::optional<page_cursor> after, size_t rows) {
  // Read the sizes first: requests may be large, and a server sends its answer at once and in full.
  const page_cursor from = after.value_or(page_cursor{-1, 0});
  const long long first = from.first;
  const long long second = from.second;
  long long last_priority = first;
  long long last_number = second;
  size_t taken = 0;
  bool more = false;
  {
    long long priority = 0;
    long long number = 0;
    long long bytes = 0;
    long long total = 0;
    statement s{session_};
    s.out(priority).out(number).out(bytes).in(first, "priority").in(second, "number");
    s.prepare("SELECT priority, number, length(request) + length(result) + " + std::to_string(chunk_bytes)
              + " * (SELECT count(*) FROM chunks WHERE chunks.job = jobs.number) FROM jobs WHERE ended_ms = 0"
                " AND (priority, number) > (:priority, :number) ORDER BY priority, number LIMIT "
              + std::to_string(rows + 1));
    s.run_all([&] {
      more = more || taken == rows || (taken > 0 && total + bytes > static_cast<long long>(limits::page_bytes));
      if (more)
        return;
      total += bytes;
      ++taken;
      last_priority = priority;
      last_number = number;
    });
  }
  page<open_job> result;
  if (taken == 0)
    return result;
  if (more)
    result.next = page_cursor{last_priority, last_number};
  const std::string range = " FROM jobs WHERE ended_ms = 0 AND (priority, number) > (:priority, :number)"
                            " AND (priority, number) <= (:last_priority, :last_number)";
  auto bind_range = [&](statement& s) {
    s.in(first, "priority").in(second, "number").in(last_priority, "last_priority").in(last_number, "last_number");
  };
  std::map<long long, size_t> places;
  {
    job_columns columns;
    statement s{session_};
    columns.bind_summary(s);
    columns.bind_rest(s);
    bind_range(s);
    s.prepare(std::string{"SELECT "} + job_columns::summary + job_columns::rest + range + " ORDER BY priority, number");
    s.run_all([&] {
      open_job next;
      try {
        next.the_job = columns.read_whole();
      } catch (const unreadable& why) {
        result.unread.push_back("job " + columns.id + ": " + why.what());
        return;
      }
      places[columns.number] = result.rows.size();
      result.rows.push_back(std::move(next));
    });
  }
  chunk_columns columns;
  statement s{session_};
  columns.bind(s);
  bind_range(s);
  s.prepare(std::string{"SELECT "} + chunk_columns::all + " FROM chunks WHERE job IN (SELECT number" + range
            + ") ORDER BY job, number");
  s.run_all([&] {
    if (const auto place = places.find(columns.job); place != places.end())
      result.rows[place->second].chunks.push_back(columns.read());
  });
  return result;
}

std::vector<open_job> reader::load(std::span<const job_id> ids) {
  std::vector<open_job> result;
  std::string wanted;
  for (auto id : ids)
    wanted.append(wanted.empty() ? "'" : ", '").append(to_string(id)).append("'");
  if (wanted.empty())
    return result;
  std::map<long long, size_t> places;
  std::string numbers;
  {
    job_columns columns;
    statement s{session_};
    columns.bind_summary(s);
    columns.bind_rest(s);
    s.prepare(std::string{"SELECT "} + job_columns::summary + job_columns::rest + " FROM jobs WHERE id IN (" + wanted
              + ")");
    s.run_all([&] {
      places[columns.number] = result.size();
      // A job that has not been taken yet has no chunks.
      if (columns.attempt > 0)
        numbers.append(numbers.empty() ? "" : ", ").append(std::to_string(columns.number));
      result.emplace_back().the_job = columns.read_whole();
    });
  }
  if (numbers.empty())
    return result;
  chunk_columns columns;
  statement s{session_};
  columns.bind(s);
  s.prepare(std::string{"SELECT "} + chunk_columns::all + " FROM chunks WHERE job IN (" + numbers
            + ") ORDER BY job, number");
  s.run_all([&] { result[places.at(columns.job)].chunks.push_back(columns.read()); });
  return result;
}

std::optional<long long> reader::number_of(job_id id) {
  const auto text = to_string(id);
  long long result = 0;
  statement s{session_};
  s.in(text, "id").out(result).prepare("SELECT number FROM jobs WHERE id = :id");
  if (!s.run_one())
    return {};
  return result;
}

std::optional<page<chunk>> reader::chunks(job_id id, std::optional<page_cursor> after, size_t rows) {
  const auto job = number_of(id);
  if (!job)
    return {};
  const long long number = after ? after->first : -1;
  chunk_columns columns;
  statement s{session_};
  columns.bind(s);
  s.in(*job, "job").in(number, "number");
  s.prepare(std::string{"SELECT "} + chunk_columns::all
            + " FROM chunks WHERE job = :job AND number > :number ORDER BY number" + " LIMIT "
            + std::to_string(rows + 1));
  page<chunk> result;
  s.run_all([&] { result.rows.push_back(columns.read()); });
  cut(result, rows, [](const chunk& x) { return page_cursor{x.number, 0}; });
  return result;
}

std::optional<page<history_entry>> reader::history(job_id id, std::optional<page_cursor> after, size_t rows) {
  const auto job = number_of(id);
  if (!job)
    return {};
  const long long number = after ? after->first : -1;
  long long read_number = 0;
  long long chunk = 0;
  long long at = 0;
  long long attempt = 0;
  history_entry read;
  statement s{session_};
  s.out(read_number).out(chunk).out(at).out(read.from).out(read.to).out(read.why).out(read.node).out(attempt);
  s.in(*job, "job").in(number, "number");
  s.prepare("SELECT number, chunk, at_ms, from_state, to_state, why, node, attempt FROM history WHERE job = :job"
            " AND number > :number ORDER BY number LIMIT "
            + std::to_string(rows + 1));
  page<history_entry> result;
  s.run_all([&] {
    read.number = read_number;
    read.chunk = chunk;
    read.at_ms = at;
    read.attempt = static_cast<uint32_t>(attempt);
    result.rows.push_back(read);
  });
  cut(result, rows, [](const history_entry& x) { return page_cursor{x.number, 0}; });
  return result;
}

std::vector<state_count> reader::counts() {
  std::string queue;
  std::string state;
  long long jobs = 0;
  statement s{session_};
  s.out(queue).out(state).out(jobs).prepare("SELECT queue, state, jobs FROM job_counts WHERE jobs > 0");
  std::vector<state_count> result;
  s.run_all([&] { result.push_back({word<job_queue>(queue), word<job_state>(state), static_cast<uint64_t>(jobs)}); });
  std::ranges::sort(result, {}, [](const state_count& x) { return std::pair{x.queue, x.state}; });
  return result;
}

} // namespace troupe::store
