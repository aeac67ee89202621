// Log lines and results of callbacks: rows about jobs that change no state.
#include "store/limits.hpp"
#include "store/writer.hpp"

namespace troupe::store {

namespace {

// Numbers after those of the statements in writer.cpp that exist once.
enum : uint32_t { insert_log = 1U << 8, update_callback };

} // namespace

expected<outcome> writer::run(const add_log& x) {
  v_.id = to_string(x.id);
  auto& insert = cached(insert_log, [this](statement& s) {
    s.in(v_.id, "id").in(v_.now, "at").in(v_.level, "level").in(v_.part, "part").in(v_.line, "line");
    s.prepare(
      "INSERT INTO logs (job, at_ms, level, part, line) SELECT number, CAST(:at AS BIGINT), CAST(:level AS TEXT),"
      " CAST(:part AS TEXT), CAST(:line AS TEXT) FROM jobs WHERE id = :id AND"
      " (SELECT count(*) FROM logs WHERE logs.job = jobs.number) < "
      + std::to_string(limits::log_lines_per_job));
  });
  const auto now = v_.now;
  for (const auto& line : x.lines) {
    v_.now = line.at_ms > 0 ? line.at_ms : now;
    v_.level = line.level;
    v_.part = line.part;
    v_.line = line.text;
    insert.run_one();
    wrote_ = true;
  }
  v_.now = now;
  v_.attempt = 0;
  return outcome_of(x.id);
}

expected<outcome> writer::run(const edit_callback& x) {
  v_.delivery = x.delivery;
  v_.failures = x.tries;
  v_.not_before = x.not_before_ms;
  v_.progress = x.done ? v_.now : 0;
  v_.why = x.note;
  auto& edit = cached(update_callback, [this](statement& s) {
    s.in(v_.failures, "tries").in(v_.not_before, "not_before").in(v_.progress, "done").in(v_.why, "note");
    s.in(v_.delivery, "delivery").out(v_.job);
    s.prepare("UPDATE callbacks SET tries = :tries, not_before_ms = :not_before, done_ms = :done, note = :note"
              " WHERE delivery = :delivery AND done_ms = 0 RETURNING job");
  });
  v_.attempt = 0;
  if (!edit.run_one())
    return tl::unexpected{
      error{error_kind::not_found, "no end " + std::to_string(x.delivery) + " of the job " + to_string(x.id)
                                     + " waits for its callback: it was delivered, or the job was removed"}};
  wrote_ = true;
  return outcome_of(x.id);
}

} // namespace troupe::store
