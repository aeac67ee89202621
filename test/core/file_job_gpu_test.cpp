// A file job on cards: all its chunks are of one encoder, a device that refuses costs no try, and the job says where its parts are. Tasks and leases are
// played by the test.
#include "test/core/file_job_fixture.hpp"

#include <boost/test/unit_test.hpp>

using namespace troupe;
using namespace troupe::core;
using namespace std::chrono_literals;

namespace {

struct fixture {
  time_point now{1000s};
  file_job_recorder effects;
  file_job job{[] {
                 file_job_config x;
                 x.head_start = 0ms;
                 return x;
               }(),
               [] {
                 file_job_begin x;
                 x.order.input = "/in.mkv";
                 x.order.output = "/out.mp4";
                 x.order.container = "mp4";
                 x.order.video.codec = "h264";
                 x.order.audio.codec = "none";
                 x.order.chunk_duration = 10s;
                 x.folder = "/work";
                 return x;
               }(),
               effects};
  uint64_t next_lease = 1;

  /// Until the chunks are asked for.
  fixture() {
    job.capacity({4, 4});
    job.begin(now);
    auto probe = take();
    grant(probe.first, {});
    auto x = source();
    x.streams.pop_back(); // without sound
    job.on(file_result{probe.first, x}, now);
  }

  std::pair<attempt_id, lease_request> take() {
    BOOST_REQUIRE(!effects.unanswered.empty());
    auto attempt = effects.unanswered.front();
    effects.unanswered.erase(effects.unanswered.begin());
    return {attempt, effects.asked.at(attempt)};
  }

  void grant(attempt_id attempt, const encoder_seat& seat) {
    job.granted(attempt, {lease_id{next_lease++}, task_id{1}, worker_id{1}, "w1", {}, seat}, now);
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
    job.on(file_result{attempt, why}, now);
  }
};

} // namespace

BOOST_FIXTURE_TEST_SUITE(file_job_gpu_test, fixture)

BOOST_AUTO_TEST_CASE(all_chunks_are_of_the_encoder_that_the_first_got) {
  auto first = take();
  BOOST_TEST(first.second.video.encoder == "h264");
  grant(first.first, card());
  auto& work = std::get<chunk_work>(effects.started.at(first.first).work);
  BOOST_TEST(work.seat.gpu == "GPU-a");
  // One that was asked for before is given back, and asked for anew as what it has to be.
  auto second = take();
  grant(second.first, software());
  BOOST_TEST(effects.stopped.contains(second.first));
  BOOST_TEST(!effects.started.contains(second.first));
  while (!effects.unanswered.empty()) {
    auto next = take();
    if (next.second.video.encoder == "h264")
      continue; // asked for before
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
  grant(again.first, software());
  BOOST_TEST(effects.started.contains(again.first));
}

BOOST_AUTO_TEST_CASE(its_status_says_where_its_parts_are) {
  auto first = take();
  grant(first.first, card());
  auto status = job.status();
  BOOST_REQUIRE(status.placements.size() == 2u);
  BOOST_TEST(status.placements[0].part == "probe");
  BOOST_TEST(status.placements[1].part.starts_with("chunk "));
  BOOST_TEST(status.placements[1].held.seat.gpu == "GPU-a");
}

BOOST_AUTO_TEST_CASE(a_card_that_works_and_fails_again_and_again_is_not_tried_for_ever) {
  for (auto tries = 0; tries < 20 && !effects.failure; ++tries) {
    // The others wait: nothing is made yet.
    auto first = take();
    grant(first.first, card());
    job.on(file_progress{first.first, 100, 1000, 0.5}, now += 1s);
    refuse(first.first);
    job.tick(now += 100s);
    // Elsewhere, where there is another worker.
    BOOST_TEST((effects.failure || std::any_of(effects.unanswered.begin(), effects.unanswered.end(), [&](auto x) {
                  return effects.asked.at(x).refused_by == std::vector{worker_id{1}};
                })));
  }
  BOOST_REQUIRE(effects.failure.has_value());
  BOOST_TEST((effects.failure->first == failure_kind::transient));
}

BOOST_AUTO_TEST_SUITE_END()
