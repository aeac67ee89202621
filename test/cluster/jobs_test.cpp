// Goal: a file that is given to the cluster comes back transcoded, whole and in sync, whatever dies on the way; what is finished is not made again; and
// a job that is cancelled is gone at once.
// Method: a coordinator and two workers as real processes, a source of our own with numbers in its pictures and marks in its sound, orders through
// caf-ctl. Tasks and the coordinator are killed in mid-job, as the API shows that it goes on. The published file is read by libavformat alone.
#include "bench/viewer.hpp"
#include "test/cluster/media.hpp"
#include "test/support/cluster.hpp"

#include <boost/json/parse.hpp>
#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include <signal.h>
#include <unistd.h>

using namespace troupe::test;
namespace bench = troupe::bench;
namespace fs = std::filesystem;

namespace {

constexpr uint32_t pictures = 500;
constexpr auto job_limit = milliseconds{60'000};

bench::sample_options job_sample() {
  auto result = small_sample();
  result.seconds = 20;
  return result;
}

struct fixture {
  // Workers tell often what runs on them, so that a test finds a task before it ends.
  cluster c;
  std::string source = media("job.mkv", job_sample());
  std::string result = c.folder().path("result.mp4");

  explicit fixture(std::vector<cluster_channel> channels = {}, size_t workers = 2)
    : c{{std::move(channels), {"--cluster.heartbeat_interval=100ms", "--live.idle_timeout=1s"}, {}}} {
    std::vector<std::string> names{"one", "two"};
    names.resize(workers);
    c.start(names, 1);
  }

  std::string ctl_log() const {
    return c.folder().path("ctl.log");
  }

  /// caf-ctl with these arguments.
  process ctl(std::vector<std::string> arguments) const {
    arguments.push_back("--url=http://127.0.0.1:" + std::to_string(c.http_port()));
    return process{TROUPE_BINARY_DIR "/bin/caf-ctl", arguments, ctl_log()};
  }

  /// Orders a job of many chunks that takes some seconds, and returns its id.
  std::string order_slow_job() const {
    auto x = ctl({"transcode", source, "-o", result, "--video-encoder=libx264", "--preset=slow", "--crf=18",
                  "--height=400", "--chunk-seconds=2", "--detach"});
    BOOST_REQUIRE((x.wait(scaled(milliseconds{10'000})) == 0));
    auto said = x.output(); // of all that were asked so far
    return said.substr(said.size() - 33, 32);
  }

  boost::json::object job(const std::string& id) const {
    auto answer = c.get("/api/v1/jobs/" + id);
    return answer.status == 200 ? answer.json().as_object() : boost::json::object{};
  }

  /// The finished chunks: their checksums by their numbers.
  std::map<int64_t, std::string> finished(const std::string& id) const {
    std::map<int64_t, std::string> result;
    for (auto& x : list(job(id), "chunks"))
      if (text(x.get_object(), "state") == "done")
        result[number(x.get_object(), "number")] = text(x.get_object(), "sha256");
    return result;
  }

  void wait_for_chunks(const std::string& id, size_t count) const {
    c.wait_until(
      std::to_string(count) + " chunks are finished", [&] { return finished(id).size() >= count; }, job_limit);
  }

  void wait_until_over(const std::string& id, const std::string& state) const {
    auto over = [&] {
      auto now = text(job(id), "state");
      BOOST_REQUIRE_MESSAGE(now == state || (now != "failed" && now != "cancelled" && now != "completed"),
                            "the job is " << now << ": " << text(job(id), "error"));
      return now == state;
    };
    c.wait_until("the job is " + state, over, job_limit);
  }

  /// The processes that work at files.
  std::vector<pid_t> file_tasks() const {
    std::vector<pid_t> pids;
    for (auto& d : c.daemons())
      for (auto& x : list(d.get_object(), "tasks")) {
        auto kind = text(x.get_object(), "kind");
        auto pid = static_cast<pid_t>(number(object(x.get_object(), "process"), "pid"));
        if ((kind == "chunk" || kind == "probe" || kind == "assemble") && holdings_of(pid).threads > 0)
          pids.push_back(pid);
      }
    return pids;
  }

  /// The same, once there are some.
  std::vector<pid_t> wait_for_file_tasks() const {
    std::vector<pid_t> pids;
    c.wait_until("tasks work at the file", [&] { return !(pids = file_tasks()).empty(); });
    return pids;
  }

  /// Every picture once and in order, sound in sync, nothing that a decoder finds fault with.
  void check_result() const {
    bench::viewer_options options;
    options.url = result;
    options.duration = scaled(milliseconds{30'000});
    auto seen = bench::watch(options); // as fast as it can be read
    BOOST_TEST_MESSAGE(seen.seen.frames.size()
                       << " pictures, sound " << seen.offset_ms.min << " to " << seen.offset_ms.max << " ms later");
    for (auto& wrong : bench::problems(seen))
      BOOST_ERROR(wrong);
    BOOST_REQUIRE(seen.seen.frames.size() == pictures);
    for (uint32_t i = 0; i < pictures; ++i)
      BOOST_REQUIRE((seen.seen.frames[i].number == i));
    BOOST_TEST(seen.seen.decode_errors == 0u);
  }

  /// Nothing of the job is left beside its result.
  void check_nothing_is_left(const std::string& id) const {
    c.wait_until("the work folder is gone", [&] { return !fs::exists(c.folder().path("coordinator/jobs/" + id)); });
    for (auto& entry : fs::directory_iterator{c.folder().path()})
      BOOST_TEST(!entry.path().filename().string().starts_with(".result"));
  }

  size_t attempts(const std::string& id) const {
    size_t result = 0;
    for (auto& x : list(job(id), "chunks"))
      result += static_cast<size_t>(number(x.get_object(), "attempt"));
    return result;
  }
};

} // namespace

BOOST_AUTO_TEST_SUITE(jobs_test)

BOOST_FIXTURE_TEST_CASE(a_file_comes_back_transcoded_whole_and_in_sync, fixture) {
  auto x = ctl({"transcode", source, "-o", result, "--video-encoder=libx264", "--preset=ultrafast", "--crf=23",
                "--audio-encoder=aac", "--chunk-seconds=2"});
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
  auto x = ctl({"transcode", source, "-o", result});
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
  auto id = order_slow_job();
  wait_for_chunks(id, 3);
  auto before = finished(id);
  auto attempts_before = attempts(id);
  auto pids = wait_for_file_tasks();
  auto killed = clock::now();
  ::kill(pids[0], SIGKILL);
  c.wait_until("another task takes the chunk", [&] { return attempts(id) > attempts_before; });
  BOOST_TEST_MESSAGE("taken again after " << std::chrono::duration_cast<milliseconds>(clock::now() - killed).count()
                                          << " ms");
  wait_until_over(id, "completed");
  check_result();
  auto after = finished(id);
  for (auto& [number, sha256] : before)
    BOOST_TEST(after[number] == sha256);
  auto chunks = list(job(id), "chunks");
  BOOST_TEST(attempts(id) == chunks.size() + 1);
  check_nothing_is_left(id);
}

BOOST_FIXTURE_TEST_CASE(a_coordinator_that_comes_back_goes_on_with_what_is_finished, fixture) {
  auto id = order_slow_job();
  wait_for_chunks(id, 3);
  auto before = finished(id);
  c.kill("coordinator");
  c.start_coordinator();
  wait_until_over(id, "completed");
  check_result();
  auto after = finished(id);
  for (auto& [number, sha256] : before)
    BOOST_TEST(after[number] == sha256);
  for (auto& x : list(job(id), "chunks"))
    if (before.contains(number(x.get_object(), "number")))
      BOOST_TEST(number(x.get_object(), "attempt") == 1);
  check_nothing_is_left(id);
}

BOOST_FIXTURE_TEST_CASE(a_cancelled_jobs_processes_are_gone_within_a_second, fixture) {
  auto id = order_slow_job();
  wait_for_chunks(id, 1);
  auto pids = wait_for_file_tasks();
  auto since = clock::now();
  auto answer = http_request(c.http_port(), "POST", "/api/v1/jobs/" + id + "/cancel");
  BOOST_TEST(answer.status == 200);
  c.wait_until("its tasks are gone", [&] {
    return std::all_of(pids.begin(), pids.end(), [](pid_t pid) { return holdings_of(pid).threads == 0; });
  });
  auto took = std::chrono::duration_cast<milliseconds>(clock::now() - since);
  BOOST_TEST_MESSAGE("the last task was gone after " << took.count() << " ms");
  BOOST_TEST(took.count() < scaled(milliseconds{1'000}).count());
  BOOST_TEST(text(job(id), "state") == "cancelled");
  BOOST_TEST(!fs::exists(result));
  check_nothing_is_left(id);
}

BOOST_FIXTURE_TEST_CASE(a_paused_job_uses_no_processor_and_goes_on_where_it_was, fixture) {
  auto id = order_slow_job();
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
  auto after = finished(id);
  for (auto& [number, sha256] : before)
    BOOST_TEST(after[number] == sha256);
  check_nothing_is_left(id);
  BOOST_TEST(http_request(c.http_port(), "DELETE", "/api/v1/jobs/" + id).status == 204);
  BOOST_TEST(c.get("/api/v1/jobs/" + id).status == 404);
}

BOOST_AUTO_TEST_CASE(whatever_is_killed_at_random_the_job_ends_once_and_right) {
  auto wanted = std::getenv("TROUPE_LONG");
  auto rounds = wanted != nullptr && std::string{wanted} == "1" ? 20u : 2u;
  auto first =
    std::getenv("TROUPE_SEED") != nullptr ? static_cast<uint32_t>(std::atoi(std::getenv("TROUPE_SEED"))) : 1u;
  fixture f;
  for (auto seed = first; seed < first + rounds; ++seed) {
    BOOST_TEST_CONTEXT("seed " << seed) {
      std::mt19937 random{seed};
      fs::remove(f.result);
      auto id = f.order_slow_job();
      std::map<int64_t, std::string> before;
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
      auto after = f.finished(id);
      for (auto& [number, sha256] : before)
        BOOST_TEST(after[number] == sha256);
      f.check_nothing_is_left(id);
    }
  }
}

BOOST_AUTO_TEST_CASE(a_live_channel_gets_the_slot_of_a_chunk_and_both_come_out_whole) {
  fixture f{{{"a", media("h264.ts")}}, 1};
  auto id = f.order_slow_job();
  f.wait_for_chunks(id, 1);
  auto since = clock::now();
  auto stream = f.c.watch("a", "small");
  BOOST_TEST_MESSAGE("the channel came after " << std::chrono::duration_cast<milliseconds>(clock::now() - since).count()
                                               << " ms");
  auto status = object(f.job(id), "status");
  BOOST_TEST(number(status, "given_back") == 1);
  stream.close();
  f.wait_until_over(id, "completed");
  f.check_result();
}

BOOST_AUTO_TEST_SUITE_END()
