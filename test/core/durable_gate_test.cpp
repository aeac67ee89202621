// No result is published before everything that its job reported is durable. The test plays the store: it confirms
// batches late, out of order or never. It checks when the job asks for the lease of its assembly.
#include "core/jobs/durable_gate.hpp"

#include "test/core/file_job_fixture.hpp"

#include <boost/test/unit_test.hpp>

using namespace troupe;
using namespace troupe::core;
using namespace std::chrono_literals;

namespace durable_gate_test {
namespace {

struct said_recorder : file_job_recorder {
  int at_work_said = 0;

  void at_work(const std::string&) override {
    ++at_work_said;
  }
};

struct fixture {
  time_point now{1000s};
  said_recorder effects;
  file_job_begin given;
  std::optional<file_job> job;
  std::vector<file_work> chunks;

  fixture() {
    given.order.input = "/in.mkv";
    given.order.output = "/out.mp4";
    given.order.container = "mp4";
    given.order.video.codec = "libx264";
    given.order.audio.codec = "none";
    given.order.chunk_duration = 20s;
    given.folder = "/work";
    begin();
  }

  /// Starts the job, with all of its chunks in work.
  void begin() {
    effects = {};
    chunks.clear();
    file_job_config config;
    config.head_start = 0ms;
    job.emplace(config, given, effects);
    job->begin(now);
    auto seen = source();
    seen.streams.pop_back();
    for (auto& c : given.chunks)
      seen.whole_chunks.push_back(c.number);
    job->on(file_result{grant().at(0).attempt, seen}, now);
    chunks = grant();
  }

  std::vector<file_work> grant() {
    std::vector<file_work> result;
    for (auto attempt : std::exchange(effects.unanswered, {})) {
      job->granted(attempt, {lease_id{attempt.value}, task_id{1}, worker_id{1}, "w1"}, now);
      result.push_back(effects.started.at(attempt));
    }
    return result;
  }

  void finish_chunks() {
    for (auto& x : chunks) {
      chunk_done done;
      done.frames = std::get<chunk_work>(x.work).pictures.value_or(0);
      job->on(file_result{x.attempt, done}, now);
    }
  }

  bool asks_for_assembly() {
    for (auto attempt : effects.unanswered)
      if (effects.asked.at(attempt).label.kind == work_kind::assemble)
        return true;
    return false;
  }
};

} // namespace
} // namespace durable_gate_test

BOOST_FIXTURE_TEST_SUITE(durable_gate_test, fixture)

BOOST_AUTO_TEST_CASE(a_gate_is_open_when_nothing_is_held_or_on_its_way) {
  durable_gate gate;
  BOOST_TEST(gate.open());
  gate.said();
  BOOST_TEST(!gate.open());
  gate.handed_over();
  gate.said();
  gate.handed_over();
  gate.stored();
  BOOST_TEST(!gate.open());
  gate.stored();
  BOOST_TEST(gate.open());
}

BOOST_AUTO_TEST_CASE(the_assembly_is_asked_for_only_when_all_that_was_said_is_durable) {
  BOOST_REQUIRE(chunks.size() == 2u);
  job->handed_over(); // sends the plan, and that the chunks have begun, to the store
  finish_chunks();
  BOOST_TEST(!asks_for_assembly());
  job->stored(now);
  BOOST_TEST(!asks_for_assembly()); // the ends of the chunks have not even been sent to the store
  job->handed_over();
  job->tick(now += 1s);
  BOOST_TEST(!asks_for_assembly());
  job->stored(now);
  BOOST_TEST(asks_for_assembly());
}

BOOST_AUTO_TEST_CASE(a_lot_whose_fate_is_not_known_keeps_the_result_unpublished) {
  job->handed_over(); // the store never confirms this
  finish_chunks();
  job->handed_over();
  job->stored(now);
  for (int i = 0; i < 100; ++i)
    job->tick(now += 1s);
  BOOST_TEST(!asks_for_assembly());
}

BOOST_AUTO_TEST_CASE(a_life_that_finds_all_chunks_says_that_it_is_at_work_before_it_publishes) {
  finish_chunks();
  given.chunks = effects.chunks;
  ++given.attempt;
  begin();
  BOOST_TEST(chunks.empty());
  BOOST_TEST(effects.at_work_said == 1);
  BOOST_TEST(!asks_for_assembly());
  store_all(*job, now);
  BOOST_TEST(asks_for_assembly());
}

BOOST_AUTO_TEST_CASE(a_job_is_not_done_with_its_files_before_its_end_is_durable) {
  finish_chunks();
  store_all(*job, now);
  job->on(file_result{grant().at(0).attempt, file_published{}}, now);
  BOOST_REQUIRE(effects.result.has_value());
  BOOST_TEST(!job->all_stored());
  store_all(*job, now);
  BOOST_TEST(job->all_stored());
}

BOOST_AUTO_TEST_CASE(a_job_says_once_that_it_is_at_work) {
  finish_chunks();
  BOOST_TEST(effects.at_work_said == 1);
}

BOOST_AUTO_TEST_SUITE_END()
