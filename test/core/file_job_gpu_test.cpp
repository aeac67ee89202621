// A file job on GPUs: all its chunks use one encoder, a device that refuses costs no retry, and the job reports where
// its parts run. The test simulates tasks and leases.
#include "test/core/file_job_fixture.hpp"

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <optional>

using namespace troupe;
using namespace troupe::core;
using namespace std::chrono_literals;

namespace file_job_gpu_test {
namespace {

struct fixture {
  time_point now{1000s};
  file_job_recorder effects;
  file_job_begin given = [] {
    file_job_begin x;
    x.order.input = "/in.mkv";
    x.order.output = "/out.mp4";
    x.order.container = "mp4";
    x.order.video.codec = "h264";
    x.order.audio.codec = "none";
    x.order.chunk_duration = 10s;
    x.folder = "/work";
    return x;
  }();
  std::optional<file_job> life;
  uint64_t next_lease = 1;

  fixture() {
    begin();
  }

  /// Starts the job, and runs it until it requests leases for its chunks.
  void begin() {
    effects = {};
    file_job_config config;
    config.head_start = 0ms;
    life.emplace(config, given, effects);
    life->capacity({4, 4});
    life->begin(now);
    auto probe = take();
    grant(probe.first, {});
    auto x = source();
    x.streams.pop_back(); // without sound
    for (auto& c : given.chunks)
      if (c.done)
        x.whole_chunks.push_back(c.number);
    life->on(file_result{probe.first, x}, now);
  }

  /// Makes the next requested chunk: grants it the seat, and reports its result.
  void make_one(const encoder_seat& seat) {
    auto attempt = take().first;
    grant(attempt, seat);
    chunk_done x;
    x.frames = 250;
    life->on(file_result{attempt, x}, now);
  }

  /// Restarts the job, as the next coordinator does, from the chunks that were recorded.
  void begin_again() {
    given.chunks = effects.chunks;
    ++given.attempt;
    begin();
  }

  void no_worker_has_it(attempt_id attempt) {
    life->not_granted(attempt, now, true);
    life->tick(now += 2s);
  }

  std::pair<attempt_id, lease_request> take() {
    store_all(*life, now);
    BOOST_REQUIRE(!effects.unanswered.empty());
    auto attempt = effects.unanswered.front();
    effects.unanswered.erase(effects.unanswered.begin());
    return {attempt, effects.asked.at(attempt)};
  }

  void grant(attempt_id attempt, const encoder_seat& seat) {
    life->granted(attempt, {lease_id{next_lease++}, task_id{1}, worker_id{1}, "w1", {}, seat}, now);
  }

  static encoder_seat card() {
    return {"h264_nvenc", "GPU-a", "cuda:0", true, {}};
  }

  static encoder_seat software() {
    return {"libx264", {}, {}, false, {}};
  }

  void refuse(attempt_id attempt) {
    file_failure why{false, false, "no encode device"};
    why.device_failed = true;
    life->on(file_result{attempt, why}, now);
  }
};

} // namespace
} // namespace file_job_gpu_test

BOOST_FIXTURE_TEST_SUITE(file_job_gpu_test, fixture)

BOOST_AUTO_TEST_CASE(all_chunks_are_of_the_encoder_that_the_first_got) {
  auto first = take();
  BOOST_TEST(first.second.video.encoder == "h264");
  grant(first.first, card());
  auto& work = std::get<chunk_work>(effects.started.at(first.first).work);
  BOOST_TEST(work.seat.gpu == "GPU-a");
  // A lease that was requested before, for any encoder, is given back and requested again for this encoder.
  auto second = take();
  grant(second.first, software());
  BOOST_TEST(effects.stopped.contains(second.first));
  BOOST_TEST(!effects.started.contains(second.first));
  while (!effects.unanswered.empty()) {
    auto next = take();
    if (next.second.video.encoder == "h264")
      continue; // a request from before the first grant
    BOOST_TEST(next.second.video.encoder == "h264_nvenc");
    BOOST_TEST((next.second.video.policy == exhaustion_policy::queue));
  }
}

BOOST_AUTO_TEST_CASE(a_device_that_refuses_is_told_and_another_encoder_may_begin) {
  auto first = take();
  effects.unanswered.clear();
  grant(first.first, card());
  refuse(first.first);
  BOOST_TEST(effects.refused.at(first.first) == "no encode device");
  BOOST_TEST(effects.stopped.at(first.first).empty()); // the worker is not to blame
  BOOST_TEST(!effects.failure.has_value());
  auto again = take();
  BOOST_TEST(again.second.video.encoder == "h264");
  // The request names the worker that refused, so that another one is preferred.
  BOOST_TEST((again.second.refused_by == std::vector{worker_id{1}}));
  grant(again.first, software());
  BOOST_TEST(effects.started.contains(again.first));
}

BOOST_AUTO_TEST_CASE(its_status_says_where_its_parts_are) {
  auto first = take();
  grant(first.first, card());
  auto status = life->status();
  BOOST_REQUIRE(status.placements.size() == 2u);
  BOOST_TEST(status.placements[0].part == "probe");
  BOOST_TEST(status.placements[1].part.starts_with("chunk "));
  BOOST_TEST(status.placements[1].held.seat.gpu == "GPU-a");
}

BOOST_AUTO_TEST_CASE(a_card_that_works_and_fails_again_and_again_is_not_tried_for_ever) {
  for (auto tries = 0; tries < 20 && !effects.failure; ++tries) {
    // The other chunks wait, because no chunk has been made yet.
    auto first = take();
    grant(first.first, card());
    life->on(file_progress{first.first, 100, 1000, 0.5}, now += 1s);
    refuse(first.first);
    life->tick(now += 100s);
    // The retry prefers another worker.
    BOOST_TEST((effects.failure || std::any_of(effects.unanswered.begin(), effects.unanswered.end(), [&](auto x) {
                  return effects.asked.at(x).refused_by == std::vector{worker_id{1}};
                })));
  }
  BOOST_REQUIRE(effects.failure.has_value());
  BOOST_TEST((effects.failure->first == failure_kind::transient));
}

BOOST_AUTO_TEST_CASE(a_later_life_goes_on_with_the_encoder_of_what_it_keeps) {
  make_one(card());
  begin_again();
  BOOST_TEST(effects.spoiled.empty());
  while (!effects.unanswered.empty())
    BOOST_TEST(take().second.video.encoder == "h264_nvenc");
}

BOOST_AUTO_TEST_CASE(chunks_of_several_encoders_or_of_an_older_version_are_all_made_again) {
  make_one(card());
  begin_again();
  given.chunks.at(1).done = true;
  given.chunks.at(1).path = given.chunks.at(0).path;
  auto at = given.chunks.at(1).path.find("h264_nvenc");
  BOOST_REQUIRE(at != std::string::npos);
  given.chunks.at(1).path.replace(at, 10, "libx264");
  begin();
  BOOST_TEST((effects.spoiled == std::vector<uint32_t>{0, 1}));
  BOOST_TEST(take().second.video.encoder == "h264");
  for (auto& c : given.chunks)
    c.path = "/work/" + std::to_string(c.number) + "-1.1-a.chunk";
  begin();
  BOOST_TEST((effects.spoiled == std::vector<uint32_t>{0, 1}));
}

BOOST_AUTO_TEST_CASE(a_job_whose_encoder_is_gone_makes_all_again_with_the_next) {
  make_one(card());
  effects.unanswered.clear();
  life->tick(now += 2s);
  begin_again();
  auto waiting = take();
  BOOST_TEST(waiting.second.replaceable);
  no_worker_has_it(waiting.first);
  BOOST_TEST((effects.spoiled == std::vector<uint32_t>{0}));
  BOOST_TEST(!effects.failure.has_value());
  auto free = std::count_if(effects.unanswered.begin(), effects.unanswered.end(),
                            [this](auto x) { return effects.asked.at(x).video.encoder == "h264"; });
  BOOST_TEST(free > 0);
}

BOOST_AUTO_TEST_CASE(a_job_whose_encoder_is_gone_waits_or_fails_where_the_order_says_so) {
  given.order.video.on_busy = exhaustion_policy::queue;
  begin();
  make_one(card());
  begin_again();
  no_worker_has_it(take().first);
  BOOST_TEST(effects.spoiled.empty());
  BOOST_TEST(!effects.failure.has_value());
  given.order.video.on_busy = exhaustion_policy::reject;
  begin();
  no_worker_has_it(take().first);
  BOOST_REQUIRE(effects.failure.has_value());
  BOOST_TEST((effects.failure->first == failure_kind::transient));
  BOOST_TEST(effects.failure->second.find("h264_nvenc") != std::string::npos);
}

// The refusal of a lease may be on its way while somebody cancels the job.
BOOST_AUTO_TEST_CASE(a_cancelled_job_does_not_fail_because_its_encoder_is_gone) {
  given.order.video.on_busy = exhaustion_policy::reject;
  begin();
  make_one(card());
  begin_again();
  auto waiting = take();
  life->cancel();
  no_worker_has_it(waiting.first);
  BOOST_TEST(!effects.failure.has_value());
}

BOOST_AUTO_TEST_SUITE_END()
