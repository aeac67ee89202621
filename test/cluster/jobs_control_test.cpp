// Goal: a user's commands to a job take effect at once, and so do the job's limits.
// Method: a coordinator and two workers as real processes; the resources of their tasks are read from /proc and from
// the kernel's control groups.
#include "test/cluster/job_cluster.hpp"

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <sstream>
#include <string_view>

#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

using namespace troupe::test;
namespace fs = std::filesystem;

BOOST_AUTO_TEST_SUITE(jobs_control_test)

namespace {

const std::vector<std::string> two{"one", "two"};

/// Processor time that these processes have used so far, in ticks.
uint64_t ticks_of(const std::vector<pid_t>& pids) {
  uint64_t result = 0;
  for (auto pid : pids) {
    std::istringstream fields{read_file("/proc/" + std::to_string(pid) + "/stat")};
    std::string word;
    for (int field = 1; fields >> word; ++field)
      if (field == 14 || field == 15)
        result += std::stoull(word);
  }
  return result;
}

/// Whether a daemon of another test has made the group.
bool is_foreign(const std::string& group) {
  auto pid = static_cast<pid_t>(std::atoi(group.c_str() + std::string_view{"troupe."}.size()));
  auto ours = descendants(::getpid());
  return ::kill(pid, 0) == 0 && std::none_of(ours.begin(), ours.end(), [&](auto& x) { return x.pid == pid; });
}

/// Groups that daemons of this test left, or still have.
size_t groups() {
  size_t result = 0;
  std::error_code ignored;
  std::istringstream lines{read_file("/proc/self/cgroup")};
  for (std::string line; std::getline(lines, line);) {
    auto first = line.find(':');
    auto second = line.find(':', first + 1);
    auto controller = line.substr(first + 1, second - first - 1);
    auto folder = "/sys/fs/cgroup/" + (controller.empty() ? "" : controller + "/") + line.substr(second + 1);
    for (auto& entry : fs::directory_iterator{folder, ignored})
      if (auto name = entry.path().filename().string(); name.starts_with("troupe.") && !is_foreign(name))
        ++result;
  }
  return result;
}

} // namespace

BOOST_AUTO_TEST_CASE(a_killed_process_is_noticed_and_its_chunk_given_away_within_a_second) {
  job_cluster f;
  f.c.start(two, 1);
  auto id = f.order(f.slow_order());
  f.wait_for_chunks(id, 2);
  auto hit = f.hit_chunk(id, SIGKILL, "killed by signal 9");
  f.c.wait_until("another task has a chunk", [&] { return f.attempts(id) > hit.attempts; });
  BOOST_TEST_MESSAGE("given away after " << ms_since(hit.at) << " ms");
  BOOST_TEST(ms_since(hit.at) < scaled(milliseconds{1'000}).count());
  f.wait_until_over(id, "completed");
  f.check_result();
}

BOOST_AUTO_TEST_CASE(a_cancelled_jobs_last_process_is_gone_within_a_second) {
  job_cluster f{{.seconds = 10}};
  f.c.start(two, 1);
  auto id = f.order(f.slow_order());
  f.wait_for_chunks(id, 1);
  auto pids = f.wait_for_file_tasks();
  auto since = clock::now();
  BOOST_TEST(http_request(f.c.http_port(), "POST", "/api/v1/jobs/" + id + "/cancel").status == 200);
  f.c.wait_until("its tasks are gone", [&] { return all_gone(pids); });
  BOOST_TEST_MESSAGE("the last task was gone after " << ms_since(since) << " ms");
  BOOST_TEST(ms_since(since) < scaled(milliseconds{1'000}).count());
  f.check_nothing_is_published();
}

BOOST_AUTO_TEST_CASE(a_paused_job_uses_no_processor_within_a_second_and_encodes_nothing_again_that_was_finished) {
  job_cluster f{{.seconds = 10}};
  f.c.start(two, 1);
  auto id = f.order(f.slow_order());
  f.wait_for_chunks(id, 2);
  auto pids = f.wait_for_file_tasks();
  auto since = clock::now();
  BOOST_TEST(http_request(f.c.http_port(), "POST", "/api/v1/jobs/" + id + "/pause").status == 200);
  f.c.wait_until("its tasks use nothing", [&] { return all_gone(pids) || ticks_of(pids) == 0; });
  BOOST_TEST_MESSAGE("quiet after " << ms_since(since) << " ms");
  BOOST_TEST(ms_since(since) < scaled(milliseconds{1'000}).count());
  f.c.wait_until("nothing works at it", [&] { return f.file_tasks().empty(); });
  auto before = f.finished(id);
  auto attempts = f.attempts(id);
  BOOST_TEST(http_request(f.c.http_port(), "POST", "/api/v1/jobs/" + id + "/resume").status == 200);
  f.wait_until_over(id, "completed");
  f.check_result();
  f.check_kept(before, id);
  BOOST_TEST(f.attempts(id) == attempts + f.finished(id).size() - before.size());
}

BOOST_AUTO_TEST_CASE(a_stopped_task_is_replaced_and_killed_in_the_end) {
  job_cluster f{{.flags = {"--jobs.silence_max=1s", "--jobs.stop_timeout=500ms"}}};
  f.c.start(two, 1);
  auto id = f.order(f.slow_order());
  f.wait_for_chunks(id, 1);
  // SIGTERM does not reach a stopped process, SIGKILL does.
  auto task = f.hit_chunk(id, SIGSTOP, "the task said nothing for 1000 ms").task;
  f.c.wait_until("it is gone", [&] { return all_gone({task}); });
  f.wait_until_over(id, "completed");
  f.check_result();
}

// -- limits ---------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(limits_are_enforced_on_each_task_and_its_record_says_how) {
  job_cluster f{{.seconds = 10}};
  f.c.start(two, 1);
  auto id = f.order(f.slow_order(
    R"(, "limits": {"cpu": 1, "memory": "2GiB", "disk": "1GiB", "time": "10m", "nice": 11, "ionice": "idle"})"));
  f.wait_for_chunks(id, 1);
  for (auto pid : f.wait_for_file_tasks()) {
    auto nice = ::getpriority(PRIO_PROCESS, static_cast<id_t>(pid));
    BOOST_TEST((nice == 11 || holdings_of(pid).threads == 0));
  }
  f.wait_until_over(id, "completed");
  f.check_result();
  auto history = f.history(id);
  BOOST_TEST_MESSAGE(history.substr(0, 2000));
  for (auto words : {"limits: cpu 1 by ", "memory 2 GiB by ", "disk 1 GiB by rlimit of file size", "nice 11 by nice",
                     "ionice idle by ioprio"})
    BOOST_TEST(says(history, words));
  BOOST_TEST(!says(history, "not enforced"));
  f.c.wait_until("no group is left", [] { return groups() == 0; });
}

BOOST_AUTO_TEST_CASE(a_job_that_needs_more_memory_than_its_limit_says_so) {
  job_cluster f{{.flags = {"--jobs.retries_max=3"}, .seconds = 10}};
  f.c.start(two, 1);
  auto id = f.order(f.slow_order(R"(, "limits": {"memory": "16MiB"})"));
  f.wait_until_over(id, "failed");
  BOOST_TEST_MESSAGE(f.error_of(id));
  auto all = f.history(id) + f.error_of(id);
  // Without control groups, the allocation fails instead.
  BOOST_TEST((says(all, "needs more memory than its limit") || says(all, "memory")));
  f.check_nothing_is_published();
  f.c.wait_until("no group is left", [] { return groups() == 0; });
}

BOOST_AUTO_TEST_CASE(a_task_without_a_limit_of_its_order_has_that_of_its_work_and_an_error_names_the_key) {
  job_cluster f{{.flags = {"--jobs.retries_max=1", "--task.encode_memory_percent=1"}, .seconds = 10}};
  f.c.start(two, 1);
  auto id = f.order(f.slow_order());
  f.wait_until_over(id, "failed");
  BOOST_TEST(says(f.error_of(id), "task.encode_memory_percent"), f.error_of(id));
  BOOST_TEST(says(f.history(id), "limits: memory 3"), f.history(id));
  f.check_nothing_is_published();
  f.c.wait_until("no group is left", [] { return groups() == 0; });
}

BOOST_AUTO_TEST_CASE(a_task_that_reads_a_live_source_has_a_memory_limit) {
  {
    cluster c{{{{"a", media("h264.ts")}}, {"--live.idle_timeout=1s"}, {}}};
    c.start({"one"}, 1);
    { auto client = c.watch("a", "small", 100'000); }
    auto log = c.node("coordinator").output();
    auto line = log.find("a task process is limited");
    BOOST_REQUIRE_MESSAGE(line != std::string::npos, log);
    BOOST_TEST(says(log.substr(line, log.find('\n', line) - line), "memory 2 GiB by "), log);
    c.wait_until("nobody is served", [&] { return c.sessions().empty(); });
  }
  BOOST_TEST(groups() == 0);
}

BOOST_AUTO_TEST_CASE(groups_of_a_killed_worker_are_removed_by_the_next) {
  job_cluster f{{.seconds = 10}};
  f.c.start({"one"}, 1);
  auto id = f.order(f.slow_order(R"(, "limits": {"cpu": 1, "memory": "2GiB"})"));
  f.wait_for_chunks(id, 1);
  auto tasks = f.wait_for_file_tasks();
  f.c.kill("one");
  for (auto pid : tasks)
    ::kill(pid, SIGKILL);
  f.c.start_worker("one", 1);
  f.wait_until_over(id, "completed");
  f.check_result();
  f.c.wait_until("no group is left", [] { return groups() == 0; });
}

BOOST_AUTO_TEST_CASE(a_job_that_is_out_of_time_ends_and_a_retry_goes_on_with_what_it_has) {
  job_cluster f;
  f.c.start(two, 1);
  // The limit is twice what this machine needs for the first chunk: enough for some chunks, too little for all.
  auto since = clock::now();
  auto measured = f.order(f.slow_order());
  f.wait_for_chunks(measured, 1);
  auto limit = std::to_string(2 * ms_since(since));
  BOOST_TEST(http_request(f.c.http_port(), "POST", "/api/v1/jobs/" + measured + "/cancel").status == 200);
  f.c.wait_until("its tasks are gone", [&] { return f.file_tasks().empty(); });
  auto id = f.order(f.slow_order(R"(, "limits": {"time": ")" + limit + R"(ms"})"));
  f.wait_until_over(id, "failed");
  BOOST_TEST(says(f.error_of(id), "out of time"));
  f.c.wait_until("its tasks are gone", [&] { return f.file_tasks().empty(); });
  auto before = f.finished(id);
  BOOST_TEST(!before.empty());
  for (int tries = 0; tries < 20 && text(f.job(id), "state") != "completed"; ++tries) {
    BOOST_REQUIRE(http_request(f.c.http_port(), "POST", "/api/v1/jobs/" + id + "/retry").status == 200);
    f.c.wait_until(
      "it is over",
      [&] {
        auto state = text(f.job(id), "state");
        return state == "completed" || state == "failed";
      },
      job_limit);
  }
  f.wait_until_over(id, "completed");
  f.check_result();
  f.check_kept(before, id);
}

BOOST_AUTO_TEST_CASE(a_job_whose_files_are_larger_than_its_limit_ends) {
  job_cluster f;
  f.c.start({"one"}, 1);
  auto id = f.order(f.slow_order(R"(, "limits": {"disk": "200kB"})"));
  f.wait_until_over(id, "failed");
  BOOST_TEST_MESSAGE(f.error_of(id));
  BOOST_TEST((says(f.error_of(id), "more than its limit") || says(f.error_of(id), "File too large")));
  f.check_nothing_is_published();
}

BOOST_AUTO_TEST_SUITE_END()
