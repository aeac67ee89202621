#include "actors/jobs/job_store_actors.hpp"

#include "actors/common/actor_of.hpp"
#include "actors/jobs/store_error.hpp"
#include "store/limits.hpp"

#include <condition_variable>
#include <memory>
#include <mutex>
#include <set>
#include <utility>

namespace troupe {

namespace {

/// The most rows of history in one answer.
constexpr size_t replay_rows = 500;

/// The stores that writers of this process use now.
class writers_at_work {
public:
  void add(const std::string& url) {
    std::lock_guard guard{mutex_};
    urls_.insert(url);
  }

  void remove(const std::string& url) {
    {
      std::lock_guard guard{mutex_};
      urls_.extract(url);
    }
    changed_.notify_all();
  }

  bool await_none(const std::string& url, std::chrono::milliseconds timeout) {
    std::unique_lock lock{mutex_};
    return changed_.wait_for(lock, timeout, [&] { return !urls_.contains(url); });
  }

private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::multiset<std::string> urls_;
};

writers_at_work& at_work() {
  static writers_at_work all;
  return all;
}

/// Registers a writer in that list, for the life of the object.
class writer_place {
public:
  explicit writer_place(std::string url) : url_(std::move(url)) {
    at_work().add(url_);
  }

  writer_place(const writer_place&) = delete;
  writer_place& operator=(const writer_place&) = delete;

  ~writer_place() {
    at_work().remove(url_);
  }

private:
  std::string url_;
};

struct job_writer_state {
  using interface = job_writer_actor;

  static inline const char* name = "job_writer";

  job_writer_state(interface::pointer self, std::shared_ptr<store::job_store> from, std::shared_ptr<writer_place> place)
    : self(self), place(std::move(place)), store(std::move(*from)) {}

  interface::behavior_type make_behavior() {
    return {
      [this](store_batch& x) { return write_batch(store, x); },
      [this](stop_atom) { self->quit(); },
    };
  }

  interface::pointer self;
  std::shared_ptr<writer_place> place; ///< until the store is closed
  store::job_store store;
};

struct job_reader_state {
  using interface = job_reader_actor;

  static inline const char* name = "job_reader";

  job_reader_state(interface::pointer self, store::settings from) : self(self), from(std::move(from)) {
    this->from.checked = true;
  }

  interface::behavior_type make_behavior() {
    return {
      [this](jobs_atom, const job_question& x) -> caf::result<job_listing> {
        if (auto failed = connect())
          return failed;
        return list(x);
      },
      [this](job_atom, job_id id) -> caf::result<job_details> {
        if (auto failed = connect())
          return failed;
        return show(id);
      },
      [this](const std::vector<job_id>& ids) -> caf::result<loaded_jobs> {
        if (auto failed = connect())
          return failed;
        auto jobs = store->load(ids);
        if (!jobs)
          return to_error(jobs.error());
        return loaded_jobs{std::move(*jobs)};
      },
      [this](const job_replay_question& x) -> caf::result<job_replay> {
        if (auto failed = connect())
          return failed;
        return x.id ? replay_one(*x.id, x.after) : replay_all(x.after.value_or(0));
      },
      [this](const job_log_question& x) -> caf::result<job_log> {
        if (auto failed = connect())
          return failed;
        return log_of(x);
      },
      [this](const callbacks_question& x) -> caf::result<callback_list> {
        if (auto failed = connect())
          return failed;
        auto found = store->open_callbacks(x.rows);
        if (!found)
          return to_error(found.error());
        return callback_list{std::move(*found)};
      },
      [this](stop_atom) { self->quit(); },
    };
  }

  caf::error connect() {
    if (store)
      return {};
    auto opened = store::job_store::open(from);
    if (!opened)
      return to_error(opened.error());
    store.emplace(std::move(*opened));
    return {};
  }

  caf::result<job_listing> list(const job_question& x) {
    auto page = store->list(x.filter, x.after, x.rows);
    if (!page)
      return to_error(page.error());
    job_listing result;
    result.next = page->next;
    for (auto& row : page->rows)
      result.rows.push_back({std::move(row), {}});
    return result;
  }

  caf::result<job_details> show(job_id id) {
    auto job = store->find(id);
    if (!job)
      return to_error(job.error());
    job_details result;
    result.job = std::move(*job);
    if (auto page = store->chunks(id, {}, store::limits::page_rows))
      result.chunks = std::move(page->rows);
    if (auto page = store->history(id, {}, store::limits::page_rows))
      result.history = std::move(page->rows);
    if (!result.job.callback_url.empty())
      result.callbacks = store->callbacks_of(id).value_or(std::vector<store::callback>{});
    return result;
  }

  caf::result<job_replay> replay_all(int64_t after) {
    auto page = store->transitions(after, replay_rows);
    if (!page)
      return to_error(page.error());
    job_replay result;
    for (auto& row : page->rows) {
      job_event e;
      e.id = row.id;
      e.queue = row.queue;
      e.row = std::move(row);
      result.rows.push_back(std::move(e));
    }
    result.more = page->next.has_value();
    return result;
  }

  caf::result<job_replay> replay_one(job_id id, std::optional<int64_t> after) {
    auto job = store->find(id);
    if (!job)
      return to_error(job.error());
    job_replay result;
    result.job.emplace();
    result.job->job = std::move(*job);
    auto page =
      store->history(id, store::page_cursor{after.value_or(0), 0}, after ? replay_rows : store::limits::page_rows);
    if (!page)
      return to_error(page.error());
    // Without a number to start after, only the job's present state is wanted: skip to the last row.
    while (!after && page->next) {
      page = store->history(id, page->next, store::limits::page_rows);
      if (!page)
        return to_error(page.error());
    }
    for (auto& row : page->rows) {
      job_event e;
      e.id = id;
      e.queue = result.job->job.queue;
      e.row = std::move(row);
      result.rows.push_back(std::move(e));
    }
    result.more = page->next.has_value();
    return result;
  }

  caf::result<job_log> log_of(const job_log_question& x) {
    auto after = x.after ? std::optional{store::page_cursor{*x.after, 0}} : std::nullopt;
    auto page = store->log(x.id, after, x.rows);
    if (!page)
      return to_error(page.error());
    job_log result;
    result.lines = std::move(page->rows);
    if (page->next)
      result.next = page->next->first;
    return result;
  }

  interface::pointer self;
  store::settings from;
  std::optional<store::job_store> store;
};

} // namespace

store_results write_batch(store::job_store& to, store_batch& x) {
  store_results result;
  if (x.again) {
    std::vector<store::operation> all;
    for (auto& item : x.items)
      all.push_back(item.what);
    auto known = to.recall(all, x.at_ms);
    if (!known) {
      result.failed = std::move(known.error());
      return result;
    }
    if (*known) {
      result.recalled = true;
      result.results = std::move(**known);
      return result;
    }
  }
  std::vector<store::operation> wanted;
  for (auto& item : x.items)
    if (!item.dropped)
      wanted.push_back(std::move(item.what));
  auto done = to.apply(wanted, x.at_ms);
  if (!done) {
    result.failed = std::move(done.error());
    // The owner keeps the operations, and may send the batch again.
    return result;
  }
  auto next = done->begin();
  for (auto& item : x.items)
    result.results.push_back(item.dropped ? store::expected<store::outcome>{} : std::move(*next++));
  return result;
}

job_writer_actor spawn_job_writer(caf::actor_system& system, store::job_store from, const std::string& url) {
  return system.spawn<actor_of<job_writer_state>, caf::detached>(std::make_shared<store::job_store>(std::move(from)),
                                                                 std::make_shared<writer_place>(url));
}

bool await_writers(const std::string& url, std::chrono::milliseconds timeout) {
  return at_work().await_none(url, timeout);
}

job_reader_actor spawn_job_reader(caf::actor_system& system, store::settings from) {
  return system.spawn<actor_of<job_reader_state>, caf::detached>(std::move(from));
}

job_store_actors spawn_job_store_actors(caf::actor_system& system, store::job_store from, const std::string& url) {
  return {spawn_job_writer(system, std::move(from), url), spawn_job_reader(system, {url}),
          spawn_job_reader(system, {url})};
}

} // namespace troupe
