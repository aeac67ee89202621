// A job's actor among dummies, on virtual time: leases, answers of the store, and deaths of tasks come in the orders
// that are hardest to handle. What is compared is what its tasks are told, and what it wants written.
#include "actors/jobs/job.hpp"
#include "job_dummies.hpp"
#include "rig/scratch_folder.hpp"
#include "test/core/file_job_fixture.hpp"

#include <boost/test/unit_test.hpp>

#include <filesystem>
#include <fstream>
#include <thread>

using namespace troupe;

namespace job_test {
namespace {

struct fixture : virtual_time {
  bench::scratch_folder folder;
  dummy_leases coordinator{*this};
  dummy_job_queue queue{*this};
  std::vector<std::unique_ptr<dummy_file_task>> tasks; ///< of the requests, in their order
  job_begin given;
  job_actor job;
  uint64_t next_lease = 1;

  fixture() {
    given.id = {1, 1};
    given.name = "film";
    given.order.input = "/in.mkv";
    given.order.output = folder.path("out.mp4");
    given.order.container = "mp4";
    given.order.video.codec = "libx264";
    given.order.audio.codec = "none";
    given.order.chunk_duration = 20s;
    given.folder = folder.path("work");
    std::filesystem::create_directory(given.folder);
    std::ofstream{given.folder + "/kept"} << "chunk";
    begin();
  }

  ~fixture() {
    end();
  }

  void begin() {
    job = keep(spawn_job(system, {}, given, queue.actor, coordinator.actor, nullptr));
    settle();
  }

  /// Answers the request for a lease with that number.
  dummy_file_task& grant(size_t number) {
    BOOST_REQUIRE(coordinator.requests.size() > number);
    tasks.resize(std::max(tasks.size(), number + 1));
    tasks[number] = std::make_unique<dummy_file_task>(*this);
    auto id = next_lease++;
    lease held{lease_id{id}, task_id{id}, worker_id{id}, "w" + std::to_string(id)};
    within(coordinator.actor, [this, number, held] {
      coordinator.requests[number].answer.deliver(held, task_actor{tasks[number]->actor});
    });
    settle();
    return *tasks[number];
  }

  /// The task's answer to its work; then it ends.
  template <class Outcome>
  auto answer(const dummy_file_task& from, Outcome x) {
    BOOST_REQUIRE(!from.works.empty());
    auto told = ask_of(*this, job, file_result{from.works.back().attempt, std::move(x), {}});
    kill(from.actor);
    settle();
    return told;
  }

  /// The store has all that the job wanted written.
  void store_all() {
    while (queue.answered < queue.lots.size())
      store_says({});
  }

  void store_says(const caf::error& x) {
    within(queue.actor, [this, x, at = queue.answered++] {
      auto& answer = queue.lots.at(at).answer;
      x ? answer.deliver(x) : answer.deliver();
    });
    settle();
  }

  /// The source is known: two chunks wait for leases.
  void plan() {
    probe();
    BOOST_REQUIRE(coordinator.requests.size() == 3u);
  }

  void probe() {
    auto seen = core::source();
    seen.streams.pop_back();
    answer(grant(0), seen);
    pass(100ms);
  }

  /// All chunks are finished and durable: the assembly waits for its lease.
  void finish_chunks() {
    plan();
    for (size_t number : {1, 2})
      answer(grant(number), finished());
    store_all();
    BOOST_REQUIRE(coordinator.requests.size() == 4u);
    BOOST_REQUIRE((coordinator.requests[3].what.label.kind == work_kind::assemble));
  }

  /// Restarts the job from its stored plan, with the chunk `leased` in work, and probes its source once more.
  void begin_again(uint32_t leased) {
    kill(job);
    settle();
    ++given.attempt;
    for (auto& lot : queue.lots)
      for (auto& x : lot.what.operations)
        if (auto* plan = std::get_if<store::add_chunks>(&x))
          for (auto& c : plan->chunks) {
            store::chunk known;
            static_cast<store::chunk_plan&>(known) = c;
            known.state = c.number == leased ? chunk_state::leased : chunk_state::waiting;
            given.chunks.push_back(known);
          }
    BOOST_REQUIRE(given.chunks.size() == 2u);
    coordinator.requests.clear();
    begin();
    probe();
  }

  /// Lets the coordinator answer the adoption of an orphaned task with a lease for that task.
  void adopt(const dummy_file_task& task) {
    within(coordinator.actor, [this, task = task_actor{task.actor}] {
      coordinator.adoptions.at(0).answer.deliver(lease{lease_id{50}, task_id{9}, worker_id{9}, "w9"}, task);
    });
    settle();
  }

  static chunk_done finished() {
    chunk_done x;
    x.frames = 500;
    x.sha256 = std::string(64, '0');
    return x;
  }

  bool has_its_files() const {
    return std::filesystem::exists(given.folder + "/kept");
  }

  /// Waits until the job's files are deleted, on another thread; false if they are not.
  bool lets_its_files_go() {
    auto deadline = std::chrono::steady_clock::now() + 30s;
    while (has_its_files() && std::chrono::steady_clock::now() < deadline)
      std::this_thread::yield();
    return !has_its_files();
  }
};

} // namespace
} // namespace job_test

BOOST_FIXTURE_TEST_SUITE(job_test, fixture)

BOOST_AUTO_TEST_CASE(a_lease_that_comes_after_the_job_was_paused_is_given_back_unused) {
  plan();
  auto& at_work = grant(1);
  caf::anon_send(job, pause_atom_v);
  settle();
  BOOST_TEST(coordinator.has_released(lease_id{2}));
  BOOST_REQUIRE(!is_over(job)); // its task is still there
  auto& late = grant(2);
  BOOST_TEST(late.works.empty());
  BOOST_TEST(coordinator.has_released(lease_id{3}));
  kill(at_work.actor);
  kill(late.actor);
  pass(200ms);
  BOOST_TEST(is_over(job));
  BOOST_TEST(has_its_files());
}

BOOST_AUTO_TEST_CASE(an_answer_of_the_store_after_the_job_was_paused_begins_nothing) {
  plan();
  answer(grant(1), finished());
  auto& at_work = grant(2);
  caf::anon_send(job, pause_atom_v);
  settle();
  BOOST_REQUIRE(!is_over(job)); // its task is still there
  auto said = queue.lots.size();
  store_all();
  answer(at_work, finished());
  pass(200ms);
  BOOST_TEST(is_over(job));
  BOOST_TEST(coordinator.requests.size() == 3u);
  BOOST_TEST(queue.lots.size() == said);
}

BOOST_AUTO_TEST_CASE(the_assembly_is_asked_for_when_the_store_has_the_chunks_and_not_before) {
  plan();
  for (size_t number : {1, 2})
    answer(grant(number), finished());
  pass(5s);
  BOOST_TEST(coordinator.requests.size() == 3u);
  store_all();
  BOOST_REQUIRE(coordinator.requests.size() == 4u);
  BOOST_TEST((coordinator.requests[3].what.label.kind == work_kind::assemble));
}

BOOST_AUTO_TEST_CASE(an_assembly_whose_task_dies_before_it_says_that_it_published_is_done_again) {
  finish_chunks();
  auto& first = grant(3);
  kill(first.actor);
  settle();
  BOOST_REQUIRE(coordinator.exits.size() == 1u);
  answer(first, file_published{}); // its result arrives after the report of its death
  BOOST_TEST((queue.states() == std::vector{job_state::running}));
  pass(1'100ms); // its host does not say how it ended
  BOOST_REQUIRE(coordinator.requests.size() == 5u);
  BOOST_TEST((coordinator.requests[4].what.refused_by == std::vector{worker_id{4}}));
  auto& second = grant(4);
  BOOST_REQUIRE(second.works.size() == 1u);
  BOOST_TEST(std::get<assemble_work>(second.works[0].work).overwrite);
  answer(second, file_published{});
  BOOST_TEST((queue.states() == std::vector{job_state::running, job_state::completed}));
}

BOOST_AUTO_TEST_CASE(a_task_that_had_too_much_memory_is_not_held_against_its_worker) {
  plan();
  kill(grant(1).actor);
  pass(900ms); // its host is slow to answer
  BOOST_REQUIRE(coordinator.exits.size() == 1u);
  within(coordinator.actor, [this] { coordinator.exits[0].deliver(task_exit{"killed", true}); });
  settle();
  BOOST_REQUIRE(coordinator.released.size() == 2u);
  BOOST_TEST(!coordinator.released[1].second.process_failed);
}

BOOST_AUTO_TEST_CASE(the_files_of_a_completed_job_go_when_its_end_is_durable) {
  finish_chunks();
  answer(grant(3), file_published{});
  pass(10s);
  BOOST_TEST(!is_over(job));
  BOOST_TEST(has_its_files());
  store_all();
  pass(100ms);
  BOOST_TEST(is_over(job));
  BOOST_TEST(lets_its_files_go());
}

BOOST_AUTO_TEST_CASE(an_end_that_a_persons_word_overtook_leaves_the_files) {
  finish_chunks();
  answer(grant(3), file_published{});
  while (queue.answered + 1 < queue.lots.size())
    store_says({});
  store_says(caf::make_error(ec::conflict, "overtaken"));
  pass(100ms);
  BOOST_TEST(is_over(job));
  BOOST_TEST(has_its_files());
}

BOOST_AUTO_TEST_CASE(a_job_whose_writes_are_lost_neither_publishes_nor_throws_anything_away) {
  plan();
  for (size_t number : {1, 2})
    answer(grant(number), finished());
  while (queue.answered < queue.lots.size())
    store_says(caf::make_error(caf::sec::request_timeout));
  pass(5s);
  BOOST_TEST(coordinator.requests.size() == 3u);
  BOOST_TEST(!is_over(job));
  BOOST_TEST(has_its_files());
}

BOOST_AUTO_TEST_CASE(a_job_ends_with_its_queue) {
  plan();
  grant(1);
  kill(queue.actor);
  BOOST_TEST(is_over(job));
}

BOOST_AUTO_TEST_CASE(the_answer_of_a_task_is_given_when_its_lease_is_back) {
  plan();
  auto& task = grant(1);
  auto told = answer(task, finished());
  BOOST_TEST(coordinator.has_released(lease_id{2}));
  BOOST_TEST(told->value.has_value());
}

BOOST_AUTO_TEST_CASE(a_lease_for_a_task_of_an_earlier_life_is_used_however_late_it_comes) {
  plan();
  auto work = grant(1).works.at(0);
  begin_again(std::get<chunk_work>(work.work).number);
  dummy_file_task orphan{*this};
  auto taken = ask_of(*this, job, task_join{task_id{9}, worker_id{9}, {}}, work, orphan.actor);
  BOOST_REQUIRE(coordinator.adoptions.size() == 1u);
  pass(8s);
  BOOST_TEST(coordinator.adoptions.size() == 1u); // a second question would be refused: the process has a lease
  adopt(orphan);
  BOOST_TEST(taken->value.has_value());
  BOOST_TEST(bool{orphan.goes_on_as});
}

BOOST_AUTO_TEST_CASE(a_lease_for_a_task_of_an_earlier_life_that_died_is_given_back) {
  plan();
  auto work = grant(1).works.at(0);
  begin_again(std::get<chunk_work>(work.work).number);
  dummy_file_task orphan{*this};
  ask_of(*this, job, task_join{task_id{9}, worker_id{9}, {}}, work, orphan.actor);
  kill(orphan.actor);
  settle();
  adopt(orphan);
  BOOST_TEST(coordinator.has_released(lease_id{50}));
}

BOOST_AUTO_TEST_CASE(a_task_of_an_earlier_life_whose_chunk_is_not_wanted_is_turned_away) {
  plan();
  auto work = grant(1).works.at(0);
  std::get<chunk_work>(work.work).identity = "of another source";
  begin_again(std::get<chunk_work>(work.work).number);
  dummy_file_task orphan{*this};
  auto taken = ask_of(*this, job, task_join{task_id{9}, worker_id{9}, {}}, work, orphan.actor);
  BOOST_TEST((taken->error == ec::refused));
  BOOST_TEST(coordinator.adoptions.empty());
}

BOOST_AUTO_TEST_SUITE_END()
