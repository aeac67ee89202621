#include "store/lost_answer.hpp"

#include "messages/job_states.hpp"

#include "store/reader.hpp"
#include "store/statement.hpp"

#include <string_view>
#include <variant>

namespace troupe::store {

namespace {

using result = expected<outcome>;

/// Looks for the traces of the operations, one after another.
class search {
public:
  search(soci::session& session, int64_t now_ms) : session_{session}, rows_{session}, at_{now_ms} {
    rows_.in(id_, "id").in(chunk_, "chunk").in(at_, "at").in(to_, "to").out(attempt_).out(number_).out(from_);
    rows_.prepare(
      "SELECT attempt, number, from_state FROM history WHERE job = (SELECT number FROM jobs WHERE id = :id) AND chunk = :chunk AND"
      " at_ms = :at AND to_state = :to ORDER BY number DESC LIMIT 1");
  }

  /// True once a trace of the batch was found.
  bool found() const noexcept {
    return found_;
  }

  result operator()(const submit_job& x) {
    if (has_row(x.id, history_entry::whole_job, to_string_view(job_state::queued)))
      return of(x.id, x.queue);
    if (!x.idempotency_key.empty())
      if (auto known = reader{session_}.find_by_key(x.idempotency_key)) {
        outcome result;
        result.id = known->id;
        result.attempt = known->attempt;
        result.existed = true;
        return result;
      }
    return refused(x.id);
  }

  result operator()(const move_job& x) {
    auto found = of_row(x.id, history_entry::whole_job, to_string_view(x.to));
    // True means only that a callback may be due: the callback sender looks into the store.
    if (found)
      found->callback = is_ended(x.to);
    return found;
  }

  result operator()(const move_chunk& x) {
    return of_row(x.id, x.number, to_string_view(x.to));
  }

  /// An operation that leaves no row was stored together with the others.
  template <class Operation>
  result operator()(const Operation& x) {
    outcome result;
    result.id = x.id;
    return result;
  }

private:
  outcome of(job_id id, job_queue queue) const {
    outcome result;
    result.id = id;
    result.history = number_;
    result.from = from_;
    result.queue = queue;
    return result;
  }

  bool has_row(job_id id, int64_t chunk, std::string_view to) {
    id_ = to_string(id);
    chunk_ = chunk;
    to_ = to;
    const bool here = rows_.run_one();
    found_ = found_ || here;
    return here;
  }

  result of_row(job_id id, int64_t chunk, std::string_view to) {
    if (!has_row(id, chunk, to))
      return refused(id);
    auto result = of(id, job_queue::normal);
    result.attempt = static_cast<uint32_t>(attempt_);
    return result;
  }

  static result refused(job_id id) {
    return tl::unexpected{error{error_kind::invalid_transition, "a change of the job " + to_string(id)
                                                                  + " was refused; its answer was lost with the"
                                                                    " connection to the store"}};
  }

  soci::session& session_;
  statement rows_;
  std::string id_;
  std::string to_;
  std::string from_;
  long long number_ = 0;
  long long chunk_ = 0;
  long long at_ = 0;
  long long attempt_ = 0;
  bool found_ = false;
};

} // namespace

std::optional<std::vector<result>> recall(soci::session& session, std::span<const operation> batch, int64_t now_ms) {
  search look{session, now_ms};
  std::vector<result> results;
  results.reserve(batch.size());
  for (const auto& op : batch)
    results.push_back(std::visit(look, op));
  if (!look.found())
    return {};
  return results;
}

} // namespace troupe::store
