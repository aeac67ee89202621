// Goal: the death of a coordinator stops no encoding: tasks finish their chunks, and the next coordinator's job takes
// them over.
// Method: a coordinator and two workers as real processes, and a job whose chunks take many seconds each. The
// coordinator is killed while two chunks are being encoded. The test compares the processes before and after, the
// history's count of chunk starts, and the published file.
#include "test/cluster/job_cluster.hpp"

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <vector>

#include <signal.h>

using namespace troupe::test;

BOOST_AUTO_TEST_SUITE(orphans_test)

namespace {

constexpr auto order_limit = milliseconds{150'000};

struct fixture : job_cluster {
  std::string id;

  /// The source has two chunks of so many seconds.
  explicit fixture(uint32_t chunk_seconds = 3, std::vector<std::string> flags = {})
    : job_cluster{{.flags = std::move(flags), .seconds = 2 * chunk_seconds, .limit = order_limit}} {
    c.start({"one", "two"}, 1);
    // Each chunk takes an encoder some seconds: long enough to kill and restart the coordinator meanwhile.
    id = transcode_detached({"--video-encoder=libx264", "--preset=veryslow", "--crf=18", "--height=540",
                             "--chunk-seconds=" + std::to_string(chunk_seconds)});
  }

  /// The processes that encode chunks of video, by the chunks that the workers' heartbeats name.
  std::set<pid_t> encoders() const {
    std::set<pid_t> pids;
    for (auto& d : c.daemons())
      for (auto& x : list(d.get_object(), "tasks")) {
        auto pid = static_cast<pid_t>(count(object(x.get_object(), "process"), "pid"));
        if (text(x.get_object(), "kind") == "chunk" && text(x.get_object(), "profile") == "video"
            && holdings_of(pid).threads > 0)
          pids.insert(pid);
      }
    return pids;
  }

  std::set<pid_t> wait_for_encoders() const {
    std::set<pid_t> pids;
    c.wait_until(
      "two chunks are in the making", [&] { return (pids = encoders()).size() == 2; }, order_limit);
    // Well under way, not just begun.
    c.wait_until(
      "pictures are encoded", [&] { return count(object(job(id), "status"), "frames") > 20; }, order_limit);
    return pids;
  }

  /// How often each chunk of the job was begun.
  std::map<int64_t, int> begun() const {
    std::map<int64_t, int> times;
    for (auto& x : list(job(id), "history"))
      if (text(x.get_object(), "to") == "leased")
        ++times[count(x.get_object(), "chunk")];
    return times;
  }

  static bool alive(const std::set<pid_t>& pids) {
    return std::all_of(pids.begin(), pids.end(), [](pid_t pid) { return holdings_of(pid).threads > 0; });
  }
};

/// Workers that cannot use the coordinator's paths: source and chunks travel over connections, which break with the
/// coordinator.
struct apart : fixture {
  apart() : fixture{2, {"--jobs.transfer=http"}} {}
};

} // namespace

BOOST_FIXTURE_TEST_CASE(chunks_in_the_making_outlive_the_coordinator_and_are_not_begun_again, fixture) {
  auto before = wait_for_encoders();
  auto parts = list(job(id), "chunks").size();
  for (int n = 0; n < 2; ++n) {
    c.kill("coordinator");
    BOOST_TEST(alive(before));
    c.start_coordinator();
    c.wait_until("both go on for the job", [&] { return count(object(job(id), "status"), "chunks_running") == 2; });
    c.wait_until("their workers know them", [&] { return encoders() == before; });
  }
  wait_until_over(id, "completed");
  check_result();
  auto times = begun();
  BOOST_TEST(times.size() == parts);
  for (auto& [chunk, count] : times)
    BOOST_TEST(count == 1, "chunk " << chunk << " was begun " << count << " times");
  for (auto& x : list(job(id), "chunks"))
    BOOST_TEST(count(x.get_object(), "attempt") == 1);
}

BOOST_FIXTURE_TEST_CASE(a_task_that_died_with_the_coordinator_is_replaced_and_the_other_is_not, apart) {
  auto before = wait_for_encoders();
  c.kill("coordinator");
  ::kill(*before.begin(), SIGKILL);
  c.start_coordinator();
  wait_until_over(id, "completed");
  check_result();
  auto again = 0;
  for (auto& [chunk, count] : begun())
    again += count - 1;
  BOOST_TEST(again == 1);
}

BOOST_AUTO_TEST_SUITE_END()
