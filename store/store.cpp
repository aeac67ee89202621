#include "store/store.hpp"

#include "store/database.hpp"
#include "store/limits.hpp"
#include "store/lost_answer.hpp"
#include "store/reader.hpp"
#include "store/text.hpp"
#include "store/writer.hpp"

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

#include <soci/soci.h>

namespace troupe::store {

namespace {

using results = std::vector<expected<outcome>>;

tl::unexpected<error> invalid(std::string text) {
  return tl::unexpected{error{error_kind::invalid_argument, std::move(text)}};
}

tl::unexpected<error> no_job(const std::string& shown) {
  return tl::unexpected{error{error_kind::not_found, "there is no job " + shown}};
}

/// The error concerns one operation rather than the database: the others of its batch can continue.
bool is_own_fault(const error& x) {
  return x.kind == error_kind::constraint || x.kind == error_kind::invalid_argument;
}

} // namespace

class job_store::impl : public database {
public:
  using database::database;

  ~impl() override {
    disconnect();
  }

  expected<results> apply(std::span<const operation> batch, int64_t now_ms) {
    return guarded("write", [&]() -> expected<results> {
      // Savepoints take two more statements per operation and are rarely needed: an operation that fails has nearly
      // always written nothing.
      if (auto quick = try_quickly(batch, now_ms))
        return std::move(*quick);
      writer_.reset();
      return with_savepoints(batch, now_ms);
    });
  }

private:
  void forget() override {
    writer_.reset(); // its statements must go before the connection
  }

  writer& the_writer() {
    if (!writer_)
      writer_ = std::make_unique<writer>(session());
    return *writer_;
  }

  /// Empty if an operation failed after it had written: then everything is rolled back.
  std::optional<results> try_quickly(std::span<const operation> batch, int64_t now_ms) {
    auto& w = the_writer();
    w.forget_counts();
    transaction all{session(), on().kind};
    results done;
    done.reserve(batch.size());
    try {
      for (const auto& op : batch) {
        if (auto good = check(op); !good) {
          done.push_back(tl::unexpected{std::move(good.error())});
          continue;
        }
        done.push_back(w.run(op, now_ms));
        if (!done.back() && w.wrote())
          return {};
      }
    } catch (const soci::soci_error& thrown) {
      if (is_own_fault(translate(thrown, "write", on())))
        return {};
      throw;
    }
    w.write_counts();
    all.commit();
    return done;
  }

  results with_savepoints(std::span<const operation> batch, int64_t now_ms) {
    transaction all{session(), on().kind};
    results done;
    done.reserve(batch.size());
    for (const auto& op : batch) {
      if (auto good = check(op); !good)
        done.push_back(tl::unexpected{std::move(good.error())});
      else
        done.push_back(with_savepoint(op, now_ms));
    }
    the_writer().write_counts();
    all.commit();
    return done;
  }

  expected<outcome> with_savepoint(const operation& op, int64_t now_ms) {
    session() << "SAVEPOINT operation";
    expected<outcome> result;
    try {
      result = the_writer().run(op, now_ms);
    } catch (const soci::soci_error& thrown) {
      auto why = translate(thrown, "write", on());
      if (!is_own_fault(why))
        throw;
      result = tl::unexpected{std::move(why)};
    }
    if (!result)
      session() << "ROLLBACK TO SAVEPOINT operation";
    session() << "RELEASE SAVEPOINT operation";
    return result;
  }

  std::unique_ptr<writer> writer_;
};

expected<job_store> job_store::open(settings from, std::span<const migration> steps) {
  auto to = parse_target(from);
  if (!to)
    return tl::unexpected{std::move(to.error())};
  auto result = std::make_unique<impl>(std::move(from), std::move(*to));
  if (auto good = result->begin(steps); !good)
    return tl::unexpected{std::move(good.error())};
  return job_store{std::move(result)};
}

job_store::job_store(std::unique_ptr<impl> x) : impl_{std::move(x)} {}

job_store::job_store(job_store&&) noexcept = default;
job_store& job_store::operator=(job_store&&) noexcept = default;
job_store::~job_store() = default;

expected<results> job_store::apply(std::span<const operation> batch, int64_t now_ms) {
  if (batch.size() > limits::operations_per_batch)
    return invalid("a batch of " + std::to_string(batch.size()) + " operations; at most "
                   + std::to_string(limits::operations_per_batch) + " are taken at once");
  if (batch.empty())
    return results{};
  return impl_->apply(batch, now_ms);
}

expected<outcome> job_store::apply(const operation& one, int64_t now_ms) {
  auto done = apply(std::span{&one, 1}, now_ms);
  if (!done)
    return tl::unexpected{std::move(done.error())};
  return std::move(done->front());
}

expected<std::optional<results>> job_store::recall(std::span<const operation> batch, int64_t now_ms) {
  return impl_->guarded("look for a batch", [&]() -> expected<std::optional<results>> {
    return store::recall(impl_->session(), batch, now_ms);
  });
}

expected<job> job_store::find(job_id id) {
  return impl_->guarded("read a job", [&]() -> expected<job> {
    if (auto found = reader{impl_->session()}.find(id))
      return std::move(*found);
    return no_job(to_string(id));
  });
}

expected<job> job_store::find_by_key(const std::string& idempotency_key) {
  if (idempotency_key.empty() || !is_text(idempotency_key))
    return invalid("an idempotency key must be a text that is not empty");
  return impl_->guarded("read a job", [&]() -> expected<job> {
    if (auto found = reader{impl_->session()}.find_by_key(idempotency_key))
      return std::move(*found);
    return no_job("with the idempotency key " + idempotency_key);
  });
}

expected<page<job_summary>> job_store::list(const job_filter& filter, std::optional<page_cursor> after, size_t rows) {
  if (filter.text.size() > limits::search_bytes || !is_text(filter.text))
    return invalid("the search text is not valid text, or has more than " + std::to_string(limits::search_bytes)
                   + " bytes");
  return impl_->guarded("list jobs", [&]() -> expected<page<job_summary>> {
    return reader{impl_->session()}.list(filter, after, std::clamp<size_t>(rows, 1, limits::page_rows));
  });
}

expected<page<open_job>> job_store::open_jobs(std::optional<page_cursor> after, size_t rows) {
  return impl_->guarded("read the open jobs", [&]() -> expected<page<open_job>> {
    return reader{impl_->session()}.open_jobs(after, std::clamp<size_t>(rows, 1, limits::page_rows));
  });
}

expected<std::vector<open_job>> job_store::load(std::span<const job_id> ids) {
  if (ids.size() > limits::page_rows)
    return invalid("more jobs at once than a page has");
  return impl_->guarded("read jobs",
                        [&]() -> expected<std::vector<open_job>> { return reader{impl_->session()}.load(ids); });
}

expected<page<chunk>> job_store::chunks(job_id id, std::optional<page_cursor> after, size_t rows) {
  return impl_->guarded("read the chunks of a job", [&]() -> expected<page<chunk>> {
    if (auto found = reader{impl_->session()}.chunks(id, after, std::clamp<size_t>(rows, 1, limits::page_rows)))
      return std::move(*found);
    return no_job(to_string(id));
  });
}

expected<page<history_entry>> job_store::history(job_id id, std::optional<page_cursor> after, size_t rows) {
  return impl_->guarded("read the history of a job", [&]() -> expected<page<history_entry>> {
    if (auto found = reader{impl_->session()}.history(id, after, std::clamp<size_t>(rows, 1, limits::page_rows)))
      return std::move(*found);
    return no_job(to_string(id));
  });
}

expected<page<history_of_job>> job_store::transitions(int64_t after, size_t rows) {
  return impl_->guarded("read the history", [&]() -> expected<page<history_of_job>> {
    return reader{impl_->session()}.transitions(after, std::clamp<size_t>(rows, 1, limits::page_rows));
  });
}

expected<page<log_line>> job_store::log(job_id id, std::optional<page_cursor> after, size_t rows) {
  return impl_->guarded("read the log of a job", [&]() -> expected<page<log_line>> {
    if (auto found = reader{impl_->session()}.log(id, after, std::clamp<size_t>(rows, 1, limits::log_lines_per_job)))
      return std::move(*found);
    return no_job(to_string(id));
  });
}

expected<std::vector<callback>> job_store::open_callbacks(size_t rows) {
  return impl_->guarded("read the callbacks", [&]() -> expected<std::vector<callback>> {
    return reader{impl_->session()}.open_callbacks(std::clamp<size_t>(rows, 1, limits::page_rows));
  });
}

expected<std::vector<callback>> job_store::callbacks_of(job_id id) {
  return impl_->guarded("read the callbacks",
                        [&]() -> expected<std::vector<callback>> { return reader{impl_->session()}.callbacks_of(id); });
}

expected<std::vector<state_count>> job_store::counts() {
  return impl_->guarded("count jobs",
                        [&]() -> expected<std::vector<state_count>> { return reader{impl_->session()}.counts(); });
}

} // namespace troupe::store
