// The queue of jobs among dummies, on virtual time. The store is a real one; the test decides when a batch is written
// and when a question is answered, so that users' commands, answers and deaths come in the orders that are hardest to
// handle.
#include "actors/common/actor_of.hpp"
#include "actors/jobs/job_queue.hpp"
#include "job_dummies.hpp"
#include "rig/scratch_folder.hpp"

#include <boost/test/unit_test.hpp>

using namespace troupe;

namespace job_queue_test {
namespace {

struct fixture : virtual_time {
  bench::scratch_folder folder;
  dummy_leases coordinator{*this};
  dummy_storage storage;
  std::shared_ptr<dummy_jobs> jobs = std::make_shared<dummy_jobs>(*this);
  job_queue_state::interface queue;

  fixture() {
    job_queue_config x;
    x.store_url = folder.path("jobs.db");
    x.work_folder = folder.path("work");
    x.factory = jobs;
    x.storage = [this](caf::actor_system&, store::job_store from, const std::string&) {
      return storage.open(*this, std::move(from));
    };
    queue = keep(system.spawn<actor_of<job_queue_state>>(std::move(x), coordinator.actor));
    settle();
  }

  ~fixture() {
    end();
  }

  // -- the store ------------------------------------------------------------------

  enum class fate { stored, lost, refused };

  /// Lets the oldest batch through to the store.
  void batch(fate how = fate::stored) {
    settle();
    BOOST_REQUIRE(!storage.batches.empty());
    within(storage.actors.writer, [this, how] {
      auto x = std::move(storage.batches.front());
      storage.batches.erase(storage.batches.begin());
      store_results result;
      if (how != fate::refused)
        result = write_batch(*storage.store, x.what);
      if (how != fate::stored)
        result = {store::error{store::error_kind::disk_full, "full"}, {}};
      x.answer.deliver(std::move(result));
    });
    settle();
  }

  /// The present answer of the store to the oldest question; `read` delivers it.
  loaded_jobs found() {
    settle();
    BOOST_REQUIRE(!storage.questions.empty());
    return {storage.store->load(storage.questions.front().ids).value()};
  }

  void read(loaded_jobs x) {
    within(storage.actors.jobs, [this, x]() mutable {
      auto question = std::move(storage.questions.front());
      storage.questions.erase(storage.questions.begin());
      question.answer.deliver(std::move(x));
    });
    settle();
  }

  void read() {
    read(found());
  }

  /// Lets batches and questions through until there are none.
  void all() {
    settle();
    while (!storage.batches.empty() || !storage.questions.empty())
      storage.batches.empty() ? read() : batch();
  }

  job_state state(job_id id) {
    return storage.store->find(id).value().state;
  }

  // -- people and jobs --------------------------------------------------------------

  auto submit() {
    job_submission x;
    x.name = "film";
    x.order.input = "/in.mkv";
    x.order.output = folder.path("out.mp4");
    return ask_of<job_submitted>(*this, queue, submit_atom_v, x);
  }

  /// A job that is durable, and not read yet.
  job_id queued() {
    auto answer = submit();
    batch();
    BOOST_REQUIRE(answer->value.has_value());
    return std::get<0>(*answer->value).id;
  }

  /// A job that is at work.
  job_id running() {
    auto id = queued();
    all();
    BOOST_REQUIRE(!jobs->made.empty());
    says(job_state::running);
    all();
    BOOST_REQUIRE((state(id) == job_state::running));
    return id;
  }

  /// The job's actor asks the queue to write this transition.
  std::shared_ptr<job_answer<>> says(job_state to) {
    auto& job = *jobs->made.back();
    store::move_job x;
    x.id = job.begin.id;
    x.to = to;
    x.attempt = job.begin.attempt;
    return ask_of(*this, job.queue, job_writes{job.begin.id, job.begin.attempt, {x}});
  }
};

} // namespace
} // namespace job_queue_test

BOOST_FIXTURE_TEST_SUITE(job_queue_test, fixture)

BOOST_AUTO_TEST_CASE(a_persons_pause_that_was_not_read_yet_is_not_undone) {
  auto id = queued();
  auto old = found();
  auto paused = ask_of(*this, queue, pause_atom_v, id);
  batch();
  BOOST_TEST(paused->value.has_value());
  read(old); // the old row says that the job waits
  BOOST_REQUIRE(jobs->made.size() == 1u);
  all();
  BOOST_TEST((state(id) == job_state::paused));
  BOOST_TEST(jobs->made[0]->paused > 0);
}

BOOST_AUTO_TEST_CASE(a_persons_pause_behind_a_running_row_halts_the_job) {
  auto id = queued();
  read();
  auto paused = ask_of(*this, queue, pause_atom_v, id); // while the transition to "assigned" is being written
  batch();
  BOOST_TEST(!paused->came());
  says(job_state::running);
  batch();
  BOOST_TEST(paused->value.has_value());
  all();
  BOOST_TEST((state(id) == job_state::paused));
  BOOST_TEST(jobs->made[0]->paused > 0);
}

BOOST_AUTO_TEST_CASE(the_end_of_a_job_that_was_cancelled_before_it_is_refused) {
  auto id = running();
  auto cancelled = ask_of(*this, queue, cancel_atom_v, id);
  auto told = says(job_state::completed);
  all();
  BOOST_TEST(cancelled->value.has_value());
  BOOST_TEST((told->error == ec::conflict));
  BOOST_TEST((state(id) == job_state::cancelled));
  BOOST_TEST(jobs->made[0]->stopped == 1);
}

BOOST_AUTO_TEST_CASE(a_cancel_behind_the_end_of_a_job_is_refused) {
  auto id = running();
  auto told = says(job_state::completed);
  auto cancelled = ask_of(*this, queue, cancel_atom_v, id);
  all();
  BOOST_TEST(told->value.has_value());
  BOOST_TEST((cancelled->error == ec::conflict));
  BOOST_TEST((state(id) == job_state::completed));
}

BOOST_AUTO_TEST_CASE(the_last_words_of_a_job_are_heard_though_its_death_overtakes_them) {
  auto id = running();
  says(job_state::completed);
  kill(jobs->made[0]->actor);
  all();
  pass(1s);
  all();
  BOOST_TEST((state(id) == job_state::completed));
  BOOST_TEST(jobs->made.size() == 1u);
}

BOOST_AUTO_TEST_CASE(a_job_whose_actor_dies_without_a_word_begins_again) {
  auto id = running();
  kill(jobs->made[0]->actor);
  all();
  BOOST_REQUIRE(jobs->made.size() == 2u);
  BOOST_TEST(jobs->made[1]->begin.attempt == jobs->made[0]->begin.attempt + 1);
  BOOST_TEST((state(id) == job_state::assigned));
}

BOOST_AUTO_TEST_CASE(what_an_attempt_says_that_is_over_is_refused) {
  auto id = running();
  auto old = jobs->made[0]->begin;
  kill(jobs->made[0]->actor);
  all();
  store::move_job x;
  x.id = id;
  x.to = job_state::completed;
  x.attempt = old.attempt;
  auto told = ask_of(*this, jobs->made[0]->queue, job_writes{id, old.attempt, {x}});
  all();
  BOOST_TEST((told->error == ec::refused));
  BOOST_TEST((state(id) == job_state::assigned));
}

BOOST_AUTO_TEST_CASE(a_store_that_says_no_refuses_clients_at_once_and_no_job_begins) {
  auto id = queued();
  auto first = submit();
  batch(fate::refused);
  BOOST_TEST(bool{first->error});
  auto second = submit();
  BOOST_TEST(bool{second->error});
  read();
  BOOST_TEST(jobs->made.empty());
  pass(300ms); // a timer repeats the lost batch
  all();
  BOOST_REQUIRE(jobs->made.size() == 1u);
  BOOST_TEST((jobs->made[0]->begin.id == id));
  BOOST_TEST(storage.store->open_jobs({}, 10).value().rows.size() == 1u);
}

BOOST_AUTO_TEST_CASE(a_submission_whose_answer_was_lost_is_done_once) {
  auto first = submit();
  batch(fate::lost);
  BOOST_TEST(bool{first->error});
  pass(300ms);
  all();
  BOOST_TEST(storage.store->open_jobs({}, 10).value().rows.size() == 1u);
  BOOST_TEST(jobs->made.size() == 1u); // the job is stored, so it runs
}

BOOST_AUTO_TEST_CASE(what_a_queue_had_collected_when_it_died_is_written_after_the_batch_at_hand) {
  auto id = running();
  says(job_state::completed);
  submit();
  kill(queue);
  settle();
  BOOST_REQUIRE(storage.batches.size() == 2u);
  BOOST_TEST(storage.batches[0].what.at_ms < storage.batches[1].what.at_ms);
  for (auto& x : storage.batches)
    BOOST_TEST(!write_batch(*storage.store, x.what).failed.has_value());
  BOOST_TEST((state(id) == job_state::completed));
  BOOST_TEST(is_over(storage.actors.writer));
}

BOOST_AUTO_TEST_CASE(an_orphan_waits_for_its_job_and_is_turned_away_when_that_has_ended) {
  auto id = queued();
  dummy_file_task task{*this};
  file_work work;
  work.job = id;
  auto offered = ask_of(*this, queue, task_join{}, work, task.actor);
  BOOST_TEST(!offered->came());
  all();
  BOOST_TEST(offered->value.has_value());
  BOOST_TEST(jobs->made.at(0)->offers == 1);
  work.job = {7, 7};
  BOOST_TEST((ask_of(*this, queue, task_join{}, work, task.actor)->error == ec::refused));
}

BOOST_AUTO_TEST_SUITE_END()
