// A file job on cards: all its chunks are of one encoder, a device that refuses costs no try, and the job says where its parts are. Tasks and leases are
// played by the test.
#include "actors/core/file_job.hpp"

#include <boost/test/unit_test.hpp>

#include <map>

using namespace troupe;
using namespace troupe::core;
using namespace std::chrono_literals;

namespace {

constexpr int64_t second = ticks_per_second;

struct recorder : file_job_effects {
  std::vector<std::pair<attempt_id, lease_request>> asked;
  std::map<attempt_id, file_work> started;
  std::map<attempt_id, std::string> stopped, refused;
  std::string failure;

  void lease(attempt_id attempt, const lease_request& x) override {
    asked.emplace_back(attempt, x);
  }
  void start(const file_work& x) override {
    started[x.attempt] = x;
  }
  void device_failed(attempt_id attempt, const std::string& why) override {
    refused[attempt] = why;
  }
  void stop(attempt_id attempt, const std::string& why) override {
    stopped[attempt] = why;
  }
  void planned(const std::vector<file_chunk>&) override {}
  void chunk_began(uint32_t, const troupe::lease&) override {}
  void chunk_ended(uint32_t, const std::string&, const chunk_done&) override {}
  void chunk_waits(uint32_t, uint32_t, const std::string&) override {}
  void chunk_spoiled(uint32_t, const std::string&) override {}
  void completed(const file_published&) override {}
  void failed(failure_kind, const std::string& why) override {
    failure = why;
  }
};

struct fixture {
  time_point now{1000s};
  recorder effects;
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
    source_summary x;
    x.identity = "a";
    x.end = 40 * second;
    x.exact = x.countable = true;
    x.streams = {{0, true, "h264", "", 1280, 720, 1000, 0, 40 * second}};
    for (int i = 0; i < 4; ++i)
      x.cuts.push_back({i * 10 * second, static_cast<uint64_t>(i) * 250});
    job.on(file_result{probe.first, x}, now);
  }

  std::pair<attempt_id, lease_request> take() {
    BOOST_REQUIRE(!effects.asked.empty());
    auto result = effects.asked.front();
    effects.asked.erase(effects.asked.begin());
    return result;
  }

  void grant(attempt_id attempt, const encoder_seat& seat) {
    job.granted(attempt, {lease_id{next_lease++}, task_id{1}, worker_id{1}, "w1", {}, seat}, now);
  }

  static encoder_seat card() {
    return {"h264_nvenc", "GPU-a", "cuda:0", 0, {}};
  }

  static encoder_seat software() {
    return {"libx264", {}, {}, -1, {}};
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
  while (!effects.asked.empty()) {
    auto next = take();
    if (next.second.video.encoder == "h264")
      continue; // asked for before
    BOOST_TEST(next.second.video.encoder == "h264_nvenc");
    BOOST_TEST((next.second.video.policy == exhaustion_policy::queue));
  }
}

BOOST_AUTO_TEST_CASE(a_device_that_refuses_is_told_and_another_encoder_may_begin) {
  auto first = take();
  effects.asked.clear();
  grant(first.first, card());
  refuse(first.first);
  BOOST_TEST(effects.refused.at(first.first) == "no encode device");
  BOOST_TEST(effects.stopped.at(first.first).empty()); // the worker is not to blame
  BOOST_TEST(effects.failure.empty());
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

BOOST_AUTO_TEST_SUITE_END()
