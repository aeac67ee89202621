// Goal: a file job returns its file transcoded, complete and in sync, whatever dies on the way. Finished parts are not
// made again, and a cancelled job is gone at once.
// Method: a coordinator and two workers as real processes, a source of our own with numbers in its pictures and marks
// in its sound, orders through caf-ctl. Tasks and the coordinator are killed in mid-job, when the API shows progress.
// Only libavformat reads the published file.
#include "test/cluster/job_cluster.hpp"
#include "test/support/environment.hpp"

#include <boost/json/parse.hpp>
#include <boost/test/unit_test.hpp>

#include <filesystem>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include <signal.h>
#include <unistd.h>

using namespace troupe::test;
namespace fs = std::filesystem;

BOOST_AUTO_TEST_SUITE(jobs_test)

namespace {

struct fixture : job_cluster {
  explicit fixture(std::vector<cluster_channel> channels = {}, std::vector<std::string> workers = {"one", "two"})
    : job_cluster{{.flags = {"--live.idle_timeout=1s"}, .channels = std::move(channels)}} {
    c.start(workers, 1);
  }
};

} // namespace

BOOST_FIXTURE_TEST_CASE(a_file_comes_back_transcoded_whole_and_in_sync, fixture) {
  auto x = transcode(
    {"--video-encoder=libx264", "--preset=ultrafast", "--crf=23", "--audio-encoder=aac", "--chunk-seconds=2"});
  auto status = x.wait(scaled(job_limit));
  BOOST_REQUIRE_MESSAGE((status == 0), x.output());
  BOOST_TEST_MESSAGE(x.output());
  check_result();
  auto id = x.output().substr(4, 32);
  BOOST_TEST(list(job(id), "chunks").size() == 11u);
  BOOST_TEST(attempts(id) == 11u);
  check_nothing_is_left(id);
  auto listed = ctl({"jobs", "list"});
  BOOST_TEST((listed.wait(scaled(milliseconds{5'000})) == 0));
  BOOST_TEST(listed.output().find(id) != std::string::npos);
}

BOOST_FIXTURE_TEST_CASE(a_file_that_is_there_already_is_not_replaced, fixture) {
  fs::copy_file(source, result);
  auto x = transcode({});
  BOOST_TEST((x.wait(scaled(milliseconds{20'000})) == 1));
  BOOST_TEST(x.output().find("exists already") != std::string::npos);
  BOOST_TEST(fs::file_size(result) == fs::file_size(source));
}

BOOST_FIXTURE_TEST_CASE(a_source_that_is_no_media_ends_the_job_with_the_reason, fixture) {
  auto x = ctl({"transcode", c.config_file(), "-o", result});
  BOOST_TEST((x.wait(scaled(milliseconds{20'000})) == 1));
  BOOST_TEST(x.output().find("failed") != std::string::npos);
  BOOST_TEST(!fs::exists(result));
}

BOOST_FIXTURE_TEST_CASE(a_killed_tasks_chunk_is_encoded_again_and_no_finished_one, fixture) {
  auto id = order(slow_order());
  wait_for_chunks(id, 3);
  auto before = finished(id);
  hit_chunk(id, SIGKILL, "killed by signal 9");
  wait_until_over(id, "completed");
  check_result();
  check_kept(before, id);
  auto chunks = list(job(id), "chunks");
  BOOST_TEST(attempts(id) == chunks.size() + 1);
  check_nothing_is_left(id);
}

BOOST_FIXTURE_TEST_CASE(a_coordinator_that_comes_back_goes_on_with_what_is_finished, fixture) {
  auto id = order(slow_order());
  wait_for_chunks(id, 3);
  auto before = finished(id);
  c.kill("coordinator");
  c.start_coordinator();
  wait_until_over(id, "completed");
  check_result();
  check_kept(before, id);
  for (auto& x : list(job(id), "chunks"))
    if (before.contains(count(x.get_object(), "number")))
      BOOST_TEST(count(x.get_object(), "attempt") == 1);
  check_nothing_is_left(id);
}

BOOST_FIXTURE_TEST_CASE(a_cancelled_jobs_processes_are_gone_within_a_second, fixture) {
  auto id = order(slow_order());
  wait_for_chunks(id, 1);
  auto pids = wait_for_file_tasks();
  auto since = clock::now();
  auto answer = http_request(c.http_port(), "POST", "/api/v1/jobs/" + id + "/cancel");
  BOOST_TEST(answer.status == 200);
  c.wait_until("its tasks are gone", [&] { return all_gone(pids); });
  auto took = ms_since(since);
  BOOST_TEST_MESSAGE("the last task was gone after " << took << " ms");
  BOOST_TEST(took < scaled(milliseconds{1'000}).count());
  BOOST_TEST(text(job(id), "state") == "cancelled");
  BOOST_TEST(!fs::exists(result));
  check_nothing_is_left(id);
}

BOOST_FIXTURE_TEST_CASE(a_paused_job_uses_no_processor_and_goes_on_where_it_was, fixture) {
  auto id = order(slow_order());
  wait_for_chunks(id, 2);
  BOOST_TEST(http_request(c.http_port(), "POST", "/api/v1/jobs/" + id + "/pause").status == 200);
  c.wait_until("nothing works at it", [&] { return file_tasks().empty(); });
  auto before = finished(id);
  BOOST_TEST(text(job(id), "state") == "paused");
  BOOST_TEST(http_request(c.http_port(), "POST", "/api/v1/jobs/" + id + "/pause").status == 409);
  BOOST_TEST(http_request(c.http_port(), "DELETE", "/api/v1/jobs/" + id).status == 409);
  BOOST_TEST(http_request(c.http_port(), "POST", "/api/v1/jobs/" + id + "/resume").status == 200);
  wait_until_over(id, "completed");
  check_result();
  check_kept(before, id);
  check_nothing_is_left(id);
  BOOST_TEST(http_request(c.http_port(), "DELETE", "/api/v1/jobs/" + id).status == 204);
  BOOST_TEST(c.get("/api/v1/jobs/" + id).status == 404);
}

BOOST_AUTO_TEST_CASE(whatever_is_killed_at_random_the_job_ends_once_and_right) {
  auto rounds = is_long() ? 20u : 2u;
  auto first = from_environment("TROUPE_SEED", 1);
  fixture f;
  for (auto seed = first; seed < first + rounds; ++seed) {
    BOOST_TEST_CONTEXT("seed " << seed) {
      std::mt19937 random{seed};
      fs::remove(f.result);
      auto id = f.order(f.slow_order());
      finished_chunks before;
      for (int kills = 0; kills < 4; ++kills) {
        auto moment = clock::now() + milliseconds{random() % 1'500};
        f.c.wait_until("its moment", [&] { return clock::now() >= moment; });
        before = f.finished(id);
        auto what = random() % 5;
        auto pids = f.file_tasks();
        if (what < 3 && !pids.empty()) {
          ::kill(pids[random() % pids.size()], SIGKILL);
        } else if (what == 3) {
          f.c.kill("one");
          f.c.start_worker("one", 1);
        } else {
          f.c.kill("coordinator");
          f.c.start_coordinator();
        }
      }
      f.wait_until_over(id, "completed");
      f.check_result();
      f.check_kept(before, id);
      f.check_nothing_is_left(id);
    }
  }
}

BOOST_AUTO_TEST_CASE(a_live_channel_gets_the_slot_of_a_chunk_and_both_come_out_whole) {
  fixture f{{{"a", media("h264.ts")}}, {"one"}};
  auto id = f.order(f.slow_order());
  f.wait_for_chunks(id, 1);
  auto since = clock::now();
  auto stream = f.c.watch("a", "small");
  BOOST_TEST_MESSAGE("the channel came after " << ms_since(since) << " ms");
  auto status = object(f.job(id), "status");
  BOOST_TEST(count(status, "given_back") == 1);
  stream.close();
  f.wait_until_over(id, "completed");
  f.check_result();
}

BOOST_AUTO_TEST_SUITE_END()
