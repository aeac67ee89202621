// Rows about jobs other than their state: transitions of all jobs, logs, callbacks.
#include "store/reader.hpp"
#include "store/rows.hpp"

namespace troupe::store {

page<history_of_job> reader::transitions(int64_t after, size_t rows) {
  const long long number = after;
  long long read_number = 0;
  long long at = 0;
  long long attempt = 0;
  std::string id;
  std::string queue;
  history_of_job read;
  statement s{session_};
  s.out(read_number).out(at).out(read.from).out(read.to).out(read.why).out(read.node).out(attempt).out(id).out(queue);
  s.in(number, "number");
  s.prepare("SELECT history.number, at_ms, from_state, to_state, why, node, history.attempt, id, queue FROM history"
            " JOIN jobs ON jobs.number = history.job WHERE history.number > :number AND chunk = -1"
            " ORDER BY history.number LIMIT "
            + std::to_string(rows + 1));
  page<history_of_job> result;
  s.run_all([&] {
    read.number = read_number;
    read.at_ms = at;
    read.attempt = static_cast<uint32_t>(attempt);
    read.id = id_of(id);
    read.queue = word<job_queue>(queue);
    result.rows.push_back(read);
  });
  cut(result, rows, [](const history_of_job& x) { return page_cursor{x.number, 0}; });
  return result;
}

std::optional<page<log_line>> reader::log(job_id id, std::optional<page_cursor> after, size_t rows) {
  const auto job = number_of(id);
  if (!job)
    return {};
  const long long number = after ? after->first : -1;
  long long read_number = 0;
  long long at = 0;
  log_line read;
  statement s{session_};
  s.out(read_number).out(at).out(read.level).out(read.part).out(read.text);
  s.in(*job, "job").in(number, "number");
  s.prepare("SELECT number, at_ms, level, part, line FROM logs WHERE job = :job AND number > :number"
            " ORDER BY number LIMIT "
            + std::to_string(rows + 1));
  page<log_line> result;
  s.run_all([&] {
    read.number = read_number;
    read.at_ms = at;
    result.rows.push_back(read);
  });
  cut(result, rows, [](const log_line& x) { return page_cursor{x.number, 0}; });
  return result;
}

std::vector<callback> reader::callbacks_where(const std::string& condition, const std::string& id) {
  std::string job;
  callback read;
  long long delivery = 0;
  long long ended = 0;
  long long tries = 0;
  long long not_before = 0;
  long long done = 0;
  statement s{session_};
  s.out(delivery).out(job).out(read.url).out(ended).out(tries).out(not_before).out(done).out(read.note);
  if (!id.empty())
    s.in(id, "id");
  s.prepare("SELECT delivery, id, callback_url, callbacks.ended_ms, tries, callbacks.not_before_ms, done_ms, note"
            " FROM callbacks JOIN jobs ON jobs.number = callbacks.job WHERE "
            + condition);
  std::vector<callback> result;
  s.run_all([&] {
    read.delivery = delivery;
    read.id = id_of(job);
    read.ended_ms = ended;
    read.tries = static_cast<uint32_t>(tries);
    read.not_before_ms = not_before;
    read.done_ms = done;
    result.push_back(read);
  });
  return result;
}

std::vector<callback> reader::open_callbacks(size_t rows) {
  return callbacks_where("done_ms = 0 ORDER BY callbacks.not_before_ms, delivery LIMIT " + std::to_string(rows), {});
}

std::vector<callback> reader::callbacks_of(job_id id) {
  return callbacks_where("id = :id ORDER BY delivery DESC LIMIT 100", to_string(id));
}

} // namespace troupe::store
