#include "store/writer.hpp"

#include "messages/job_states.hpp"
#include "store/text.hpp"

#include <type_traits>

namespace troupe::store {

namespace {

// Numbers of the statements that exist once. The numbers for job and chunk moves are computed from state and changes.
enum : uint32_t { insert_job, find_known, insert_history, hold_job, insert_chunk, delete_chunks, delete_job, find_job };
enum : uint32_t {
  find_chunk = find_job + 1,
  add_count,
  insert_callback,
  edits = 1U << 16,
  job_moves = 2U << 16,
  chunk_moves = 4U << 20
};

std::string quoted(std::string_view word) {
  return "'" + std::string{word} + "'";
}

/// The SQL condition under which a row may go to the state `to`. The table must allow this from the row's `state`.
/// :attempt must be the row's `attempt`, or -1 (none given) if the transition is not fenced.
template <class State>
std::string may_go(State to) {
  std::string from;
  std::string fenced;
  for (const auto& way : transitions_of<State>()) {
    if (way.to != to)
      continue;
    from += (from.empty() ? "" : ", ") + quoted(to_string_view(way.from));
    if (way.fenced)
      fenced += (fenced.empty() ? "" : ", ") + quoted(to_string_view(way.from));
  }
  auto result = "state IN (" + from + ") AND (attempt = :attempt OR (CAST(:attempt AS BIGINT) < 0";
  if (!fenced.empty())
    result += " AND state NOT IN (" + fenced + ")";
  return result + "))";
}

/// The members that are set in `x`, as bits; they identify the statement that writes exactly these.
uint32_t mask(const job_changes& x) {
  return (x.failures ? 1U : 0) | (x.progress_ppm ? 2U : 0) | (x.priority ? 4U : 0) | (x.failure ? 8U : 0)
         | (x.error ? 16U : 0) | (x.result ? 32U : 0);
}

int64_t fence(std::optional<uint32_t> attempt) {
  return attempt ? static_cast<int64_t>(*attempt) : -1;
}

/// Binds the members of `v` that are set in `x`, and returns their part of SET, with a comma before each item.
template <class Variables>
std::string bind_changes(statement& to, const Variables& v, const job_changes& x) {
  std::string result;
  auto add = [&](bool set, const char* column, const auto& variable) {
    if (!set)
      return;
    to.in(variable, column);
    result.append(", ").append(column).append(" = :").append(column);
  };
  add(x.failures.has_value(), "failures", v.failures);
  add(x.progress_ppm.has_value(), "progress_ppm", v.progress);
  add(x.priority.has_value(), "priority", v.priority);
  add(x.failure.has_value(), "failure", v.failure);
  add(x.error.has_value(), "error", v.error);
  add(x.result.has_value(), "result", v.result);
  return result;
}

tl::unexpected<error> refuse(error_kind kind, std::string text) {
  return tl::unexpected{error{kind, std::move(text)}};
}

tl::unexpected<error> unknown(job_id id) {
  return refuse(error_kind::not_found, "there is no job " + to_string(id));
}

tl::unexpected<error> stale(const std::string& what, int64_t current, std::optional<uint32_t> said) {
  if (!said)
    return refuse(error_kind::stale_attempt,
                  what + " makes this transition only for its current attempt, and no attempt was given");
  return refuse(error_kind::stale_attempt, what + " is at attempt " + std::to_string(current) + "; what attempt "
                                             + std::to_string(*said) + " sends is refused");
}

} // namespace

writer::writer(soci::session& session) : session_{session} {}

expected<outcome> writer::run(const operation& x, int64_t now_ms) {
  wrote_ = false;
  v_.now = now_ms;
  return std::visit([this](const auto& op) { return run(op); }, x);
}

expected<outcome> writer::run(const submit_job& x) {
  v_.id = to_string(x.id);
  v_.name = x.name;
  v_.search_name = lower(x.name);
  v_.queue = to_string_view(x.queue);
  v_.priority = static_cast<long long>(x.priority);
  v_.key = x.idempotency_key;
  v_.url = x.callback_url;
  v_.request = x.request;
  auto& insert = cached(insert_job, [this](statement& s) {
    s.in(v_.id, "id").in(v_.queue, "queue").in(v_.priority, "priority").in(v_.now, "now").in(v_.name, "name");
    s.in(v_.search_name, "search").in(v_.key, "key").in(v_.url, "url").in(v_.request, "request").out(v_.job);
    s.prepare(
      "INSERT INTO jobs (id, state, previous_state, queue, priority, submitted_ms, name, search_name,"
      " idempotency_key, callback_url, request) VALUES (:id, 'queued', 'queued', :queue, :priority, :now, :name,"
      " :search, :key, :url, :request) ON CONFLICT DO NOTHING RETURNING number");
  });
  if (!insert.run_one())
    return known_job(x);
  wrote_ = true;
  v_.attempt = 0;
  write_history(history_entry::whole_job, "", to_string_view(job_state::queued), "submitted", x.node);
  count(to_string_view(job_state::queued), 1);
  return outcome{x.id, 0, false, v_.history, {}, x.queue, false};
}

expected<outcome> writer::known_job(const submit_job& x) {
  auto& find = cached(find_known, [this](statement& s) {
    s.in(v_.id, "id").in(v_.key, "key").in(v_.request, "request").out(v_.state).out(v_.attempt).out(v_.same);
    s.prepare(
      "SELECT id, attempt, CASE WHEN request = :request THEN 1 ELSE 0 END FROM jobs WHERE id = :id"
      " OR (idempotency_key <> '' AND idempotency_key = :key) ORDER BY CASE WHEN id = :id THEN 0 ELSE 1 END LIMIT 1");
  });
  const bool found = find.run_one();
  const auto id = found ? parse_job_id(v_.state) : std::nullopt;
  if (!id)
    return refuse(error_kind::constraint,
                  "cannot store the job " + to_string(x.id) + ": it contradicts the stored data");
  if (v_.same == 0)
    return refuse(error_kind::constraint,
                  "the "
                    + std::string{*id == x.id ? "job id " + to_string(x.id) : "idempotency key " + x.idempotency_key}
                    + " was used for another request, by the job " + to_string(*id) + ": use another one");
  return outcome{*id, static_cast<uint32_t>(v_.attempt), true, 0, {}, x.queue, false};
}

void writer::load(const job_changes& x) {
  v_.failures = x.failures.value_or(0);
  v_.progress = x.progress_ppm.value_or(0);
  v_.priority = static_cast<long long>(x.priority.value_or(job_priority::medium));
  v_.failure = to_string_view(x.failure.value_or(failure_kind::none));
  v_.error = x.error.value_or(std::string{});
  v_.result = x.result.value_or(std::string{});
}

statement& writer::moving_job(job_state to, const job_changes& changes) {
  return cached(job_moves | static_cast<uint32_t>(to) << 8 | mask(changes), [&](statement& s) {
    // The right-hand sides see the old row.
    std::string sql = "UPDATE jobs SET previous_state = state, state = " + quoted(to_string_view(to));
    if (to == job_state::assigned) {
      sql += ", attempt = attempt + 1, worker = :node";
      s.in(v_.node, "node");
    }
    if (to == job_state::running) {
      sql += ", started_ms = CASE WHEN started_ms = 0 THEN CAST(:now AS BIGINT) ELSE started_ms END";
      s.in(v_.now, "now");
    }
    if (to == job_state::queued)
      sql += ", worker = '', ended_ms = 0";
    if (is_ended(to)) {
      sql += ", ended_ms = :now";
      s.in(v_.now, "now");
    }
    sql += bind_changes(s, v_, changes);
    s.in(v_.id, "id").in(v_.from, "from").in(v_.attempt, "attempt");
    s.out(v_.job).out(v_.queue).out(v_.state).out(v_.attempt).out(v_.calls);
    s.prepare(sql + " WHERE id = :id AND (CAST(:from AS TEXT) = '' OR state = :from) AND " + may_go(to)
              + " RETURNING number, queue, previous_state, attempt, CASE WHEN callback_url = '' THEN 0 ELSE 1 END");
  });
}

expected<outcome> writer::run(const move_job& x) {
  v_.id = to_string(x.id);
  v_.from = x.from ? to_string_view(*x.from) : std::string_view{};
  v_.attempt = fence(x.attempt);
  v_.node = x.node;
  load(x.changes);
  if (!moving_job(x.to, x.changes).run_one())
    return refused(x);
  wrote_ = true;
  outcome result{x.id, static_cast<uint32_t>(v_.attempt), false, 0, v_.state, {}, false};
  result.queue = parse_job_enum<job_queue>(v_.queue).value_or(job_queue::normal);
  result.callback = is_ended(x.to) && v_.calls != 0;
  write_history(history_entry::whole_job, result.from, to_string_view(x.to), x.why, x.node);
  result.history = v_.history;
  count(result.from, -1);
  count(to_string_view(x.to), 1);
  if (result.callback)
    cached(insert_callback, [this](statement& s) {
      s.in(v_.history, "delivery").in(v_.job, "job").in(v_.now, "now");
      s.prepare("INSERT INTO callbacks (delivery, job, ended_ms) VALUES (:delivery, :job, :now)");
    }).run_one();
  return result;
}

expected<outcome> writer::run(const edit_job& x) {
  const auto bits = mask(x.changes);
  if (bits == 0)
    return refuse(error_kind::invalid_argument, "an edit of the job " + to_string(x.id) + " without a change");
  v_.id = to_string(x.id);
  v_.attempt = fence(x.attempt);
  load(x.changes);
  auto& edit = cached(edits | bits, [&](statement& s) {
    const auto set = bind_changes(s, v_, x.changes).substr(2);
    s.in(v_.id, "id").in(v_.attempt, "attempt").out(v_.attempt);
    s.prepare("UPDATE jobs SET " + set
              + " WHERE id = :id AND ended_ms = 0 AND (attempt = :attempt OR"
                " CAST(:attempt AS BIGINT) < 0) RETURNING attempt");
  });
  if (!edit.run_one())
    return refused(x.id, "be changed", x.attempt);
  wrote_ = true;
  return outcome_of(x.id);
}

bool writer::hold(job_id id, std::optional<uint32_t> attempt) {
  v_.id = to_string(id);
  v_.attempt = fence(attempt);
  return cached(hold_job,
                [this](statement& s) {
                  s.in(v_.id, "id").in(v_.attempt, "attempt").out(v_.job).out(v_.attempt);
                  s.prepare(
                    "UPDATE jobs SET attempt = attempt WHERE id = :id AND ended_ms = 0 AND (attempt = :attempt OR"
                    " CAST(:attempt AS BIGINT) < 0) RETURNING number, attempt");
                })
    .run_one();
}

expected<outcome> writer::run(const add_chunks& x) {
  if (!hold(x.id, x.attempt))
    return refused(x.id, "be given a plan", x.attempt);
  auto& insert = cached(insert_chunk, [this](statement& s) {
    s.in(v_.job, "job").in(v_.chunk, "number").in(v_.kind, "kind").in(v_.from_pts, "from").in(v_.to_pts, "to");
    s.out(v_.chunk);
    s.prepare(
      "INSERT INTO chunks (job, number, kind, from_pts, to_pts, state, previous_state) VALUES (:job, :number, :kind,"
      " :from, :to, 'waiting', 'waiting') ON CONFLICT DO NOTHING RETURNING number");
  });
  for (const auto& chunk : x.chunks) {
    v_.chunk = chunk.number;
    v_.kind = to_string_view(chunk.kind);
    v_.from_pts = chunk.from_pts;
    v_.to_pts = chunk.to_pts;
    if (!insert.run_one())
      return refuse(error_kind::constraint, "the job " + to_string(x.id) + " has a chunk "
                                              + std::to_string(chunk.number) + " already: remove the old plan first");
    wrote_ = true;
  }
  return outcome_of(x.id);
}

statement& writer::moving_chunk(chunk_state to, bool with_failures) {
  return cached(chunk_moves | static_cast<uint32_t>(to) << 1 | (with_failures ? 1U : 0U), [&](statement& s) {
    std::string sql = "UPDATE chunks SET previous_state = state, state = " + quoted(to_string_view(to));
    if (to == chunk_state::leased) {
      sql += ", attempt = attempt + 1, worker = :node";
      s.in(v_.node, "node");
    }
    if (to == chunk_state::done) {
      sql += ", file = :file, bytes = :bytes, sha256 = :sha256, frames = :frames, first_pts = :first, last_pts = :last";
      s.in(v_.file, "file").in(v_.bytes, "bytes").in(v_.sha256, "sha256").in(v_.frames, "frames");
      s.in(v_.first_pts, "first").in(v_.last_pts, "last");
    }
    if (to == chunk_state::waiting)
      sql += ", file = '', bytes = 0, sha256 = '', frames = 0, first_pts = 0, last_pts = 0";
    if (with_failures) {
      sql += ", failures = :failures";
      s.in(v_.failures, "failures");
    }
    s.in(v_.id, "id").in(v_.chunk, "number").in(v_.attempt, "attempt").in(v_.life, "life");
    s.out(v_.job).out(v_.state).out(v_.attempt);
    s.prepare(sql
              + " WHERE job = (SELECT number FROM jobs WHERE id = :id AND ended_ms = 0 AND (attempt = :life OR"
                " CAST(:life AS BIGINT) < 0)) AND number = :number AND "
              + may_go(to) + " RETURNING job, previous_state, attempt");
  });
}

expected<outcome> writer::run(const move_chunk& x) {
  v_.id = to_string(x.id);
  v_.chunk = x.number;
  v_.attempt = fence(x.attempt);
  v_.life = fence(x.life);
  v_.node = x.node;
  v_.failures = x.failures.value_or(0);
  const auto result = x.result.value_or(chunk_result{});
  v_.file = result.file;
  v_.bytes = static_cast<long long>(result.bytes);
  v_.sha256 = result.sha256;
  v_.frames = static_cast<long long>(result.frames);
  v_.first_pts = result.first_pts;
  v_.last_pts = result.last_pts;
  if (!moving_chunk(x.to, x.failures.has_value()).run_one())
    return refused(x);
  wrote_ = true;
  outcome moved{x.id, static_cast<uint32_t>(v_.attempt), false, 0, v_.state, {}, false};
  write_history(x.number, moved.from, to_string_view(x.to), x.why, x.node);
  moved.history = v_.history;
  return moved;
}

expected<outcome> writer::run(const remove_chunks& x) {
  if (!hold(x.id, x.attempt))
    return refused(x.id, "lose its plan", x.attempt);
  cached(delete_chunks, [this](statement& s) {
    s.in(v_.job, "job").prepare("DELETE FROM chunks WHERE job = :job");
  }).run_one();
  wrote_ = true;
  return outcome_of(x.id);
}

expected<outcome> writer::run(const remove_job& x) {
  v_.id = to_string(x.id);
  auto& remove = cached(delete_job, [this](statement& s) {
    s.in(v_.id, "id").out(v_.queue).out(v_.state);
    s.prepare("DELETE FROM jobs WHERE id = :id AND ended_ms > 0 RETURNING queue, state");
  });
  if (!remove.run_one()) {
    auto why = refused(x.id, "be removed", {});
    if (why.value().kind == error_kind::not_found)
      return why;
    return refuse(error_kind::invalid_transition,
                  "the job " + v_.id + " is " + v_.state + " and cannot be removed: cancel it first");
  }
  wrote_ = true;
  count(v_.state, -1);
  v_.attempt = 0;
  return outcome_of(x.id);
}

outcome writer::outcome_of(job_id id) const {
  outcome result;
  result.id = id;
  result.attempt = static_cast<uint32_t>(v_.attempt);
  return result;
}

void writer::write_history(int64_t chunk, std::string_view from, std::string_view to, const std::string& why,
                           const std::string& node) {
  v_.chunk = chunk;
  v_.from = from;
  v_.to = to;
  v_.why = why;
  v_.node = node;
  cached(insert_history, [this](statement& s) {
    s.in(v_.job, "job").in(v_.chunk, "chunk").in(v_.now, "now").in(v_.from, "from").in(v_.to, "to");
    s.in(v_.why, "why").in(v_.node, "node").in(v_.attempt, "attempt").out(v_.history);
    s.prepare("INSERT INTO history (job, chunk, at_ms, from_state, to_state, why, node, attempt)"
              " VALUES (:job, :chunk, :now, :from, :to, :why, :node, :attempt) RETURNING number");
  }).run_one();
}

void writer::count(std::string_view state, int64_t jobs) {
  // Keys point to the enumerators' names, which are static.
  if (const auto known = parse_job_enum<job_state>(state))
    moved_[{v_.queue, to_string_view(*known)}] += jobs;
}

void writer::write_counts() {
  for (const auto& [key, jobs] : moved_) {
    if (jobs == 0)
      continue;
    v_.queue = key.first;
    v_.to = key.second;
    v_.jobs = jobs;
    cached(add_count, [this](statement& s) {
      s.in(v_.queue, "queue").in(v_.to, "state").in(v_.jobs, "jobs");
      s.prepare("INSERT INTO job_counts (queue, state, jobs) VALUES (:queue, :state, :jobs)"
                " ON CONFLICT (queue, state) DO UPDATE SET jobs = job_counts.jobs + excluded.jobs");
    }).run_one();
  }
  moved_.clear();
}

tl::unexpected<error> writer::refused(job_id id, std::string_view tried, std::optional<uint32_t> attempt) {
  v_.id = to_string(id);
  auto& find = cached(find_job, [this](statement& s) {
    s.in(v_.id, "id").out(v_.state).out(v_.attempt).out(v_.ended);
    s.prepare("SELECT state, attempt, ended_ms FROM jobs WHERE id = :id");
  });
  if (!find.run_one())
    return unknown(id);
  if (v_.ended == 0 && attempt && v_.attempt != fence(attempt))
    return stale("the job " + v_.id, v_.attempt, attempt);
  return refuse(error_kind::invalid_transition,
                "the job " + v_.id + " is " + v_.state + " and cannot " + std::string{tried});
}

tl::unexpected<error> writer::refused(const move_job& x) {
  auto why = refused(x.id, "be moved", {});
  if (why.value().kind == error_kind::not_found)
    return why;
  const auto state = parse_job_enum<job_state>(v_.state);
  const auto to = std::string{to_string_view(x.to)};
  if (x.from && state != x.from)
    return refuse(error_kind::invalid_transition,
                  "the job " + v_.id + " cannot go from " + to_string(*x.from) + " to " + to + ": it is " + v_.state);
  if (!state || !find_transition(*state, x.to))
    return refuse(error_kind::invalid_transition, "the job " + v_.id + " cannot go from " + v_.state + " to " + to);
  return stale("the job " + v_.id, v_.attempt, x.attempt);
}

tl::unexpected<error> writer::refused(const move_chunk& x) {
  auto why = refused(x.id, "have its chunks moved", x.life);
  if (why.value().kind != error_kind::invalid_transition || v_.ended != 0)
    return why;
  v_.chunk = x.number;
  auto& find = cached(find_chunk, [this](statement& s) {
    s.in(v_.id, "id").in(v_.chunk, "number").out(v_.state).out(v_.attempt);
    s.prepare(
      "SELECT state, attempt FROM chunks WHERE job = (SELECT number FROM jobs WHERE id = :id) AND number = :number");
  });
  const auto shown = "chunk " + std::to_string(x.number) + " of the job " + v_.id;
  if (!find.run_one())
    return refuse(error_kind::not_found, "there is no " + shown);
  const auto state = parse_job_enum<chunk_state>(v_.state);
  if (!state || !find_transition(*state, x.to))
    return refuse(error_kind::invalid_transition,
                  shown + " cannot go from " + v_.state + " to " + std::string{to_string_view(x.to)});
  return stale(shown, v_.attempt, x.attempt);
}

} // namespace troupe::store
