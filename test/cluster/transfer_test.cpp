// Goal: a file job needs no shared folder: source, chunks and result travel over HTTP. Whatever dies or lies on the
// way, the result is exact and no partial file remains.
// Method: a coordinator that lets workers use none of its paths (`jobs.transfer: http`), with workers and tasks as real
// processes. Orders go through caf-ctl, which in some cases uploads its file and fetches the result. Workers and the
// coordinator are killed during transfers. Only libavformat reads the result: every picture, once, at its time.
#include "test/cluster/job_cluster.hpp"

#include <boost/test/unit_test.hpp>

#include <filesystem>
#include <fstream>
#include <optional>
#include <string>
#include <vector>

using namespace troupe::test;
namespace fs = std::filesystem;

BOOST_AUTO_TEST_SUITE(transfer_test)

namespace {

struct fixture : job_cluster {
  explicit fixture(const std::string& transfer = "http", const std::string& worker_program = node_program())
    : job_cluster{{.flags = {"--jobs.transfer=" + transfer, "--jobs.keep_failed=0s"},
                   .worker_program = worker_program,
                   .seconds = 10}} {
    c.start({"one", "two"}, 1);
  }

  /// caf-ctl that transcodes in chunks of two seconds.
  process order(std::vector<std::string> settings) const {
    settings.insert(settings.begin(), {"--video-encoder=libx264", "--chunk-seconds=2"});
    return transcode(settings);
  }

  /// Checks that no file is left at the coordinator, beside the result or at any worker.
  void check_nothing_is_left(const std::string& id) const {
    job_cluster::check_nothing_is_left(id);
    for (auto name : {"one", "two"})
      c.wait_until("the worker's own folder has no file", [&] { return names(std::string{name} + "/work").empty(); });
  }

  /// What lies in a folder and all below it, by name.
  std::vector<std::string> names(const std::string& folder) const {
    std::vector<std::string> found;
    std::error_code failed; // tasks that end take their folders with them
    for (fs::recursive_directory_iterator i{c.folder().path(folder), failed}, end; !failed && i != end;
         i.increment(failed))
      if (std::error_code ignored; i->is_regular_file(ignored))
        found.push_back(i->path().filename().string());
    return found;
  }
};

/// A program that runs a node in a mount namespace of its own, where the folder of the coordinator is empty, and so is
/// "mine". Nothing where that is not allowed.
std::optional<std::string> blind_worker(const std::string& path) {
  std::ofstream{path} << "#!/bin/sh\n"
                         "for x in \"$@\"; do\n"
                         "  case $x in --node.state_dir=*) all=$(dirname \"${x#*=}\");; esac\n"
                         "done\n"
                         "export all\n"
                         "mkdir -p \"$all/mine\"\n"
                         "exec unshare --mount sh -c 'mount -t tmpfs none \"$all/coordinator\" && "
                         "mount -t tmpfs none \"$all/mine\" && exec \"$0\" \"$@\"' "
                      << node_program() << " \"$@\"\n";
  fs::permissions(path, fs::perms::owner_all);
  process probe{"/usr/bin/unshare", {"--mount", "true"}, path + ".log"};
  if (probe.wait(milliseconds{5'000}) != 0)
    return {};
  return path;
}

} // namespace

BOOST_FIXTURE_TEST_CASE(source_chunks_and_result_travel_over_http, fixture) {
  auto x = order({"--preset=ultrafast", "--audio-encoder=aac"});
  auto status = x.wait(scaled(job_limit));
  BOOST_REQUIRE_MESSAGE((status == 0), x.output());
  BOOST_TEST_MESSAGE(x.output());
  check_result();
  check_nothing_is_left(x.output().substr(4, 32));
}

BOOST_FIXTURE_TEST_CASE(a_file_that_only_the_client_has_comes_back_transcoded, fixture) {
  auto x = order({"--preset=ultrafast", "--upload"});
  auto status = x.wait(scaled(job_limit));
  BOOST_REQUIRE_MESSAGE((status == 0), x.output());
  check_result();
  check_nothing_is_left(x.output().substr(4, 32));
  BOOST_TEST(names("coordinator/jobs").empty());
  // The result exists already, so a second order is refused.
  auto again = order({"--upload"});
  BOOST_TEST((again.wait(scaled(milliseconds{10'000})) == 1));
  BOOST_TEST(says(again.output(), "exists already"));
}

BOOST_FIXTURE_TEST_CASE(a_client_that_was_interrupted_goes_on_with_the_same_job, fixture) {
  auto x = order({"--preset=slow", "--crf=16", "--height=400", "--upload"});
  c.wait_until("the job is taken", [&] { return x.output().find("job ") != std::string::npos; });
  x.kill();
  auto again = order({"--preset=slow", "--crf=16", "--height=400", "--upload"});
  auto status = again.wait(scaled(job_limit));
  BOOST_REQUIRE_MESSAGE((status == 0), again.output());
  check_result();
  BOOST_TEST(list(c.get("/api/v1/jobs").json().as_object(), "jobs").size() == 1u);
}

BOOST_FIXTURE_TEST_CASE(a_worker_that_is_killed_in_mid_job_leaves_nothing_that_counts, fixture) {
  auto id = job_cluster::order(slow_order());
  wait_for_chunks(id, 1);
  c.kill("one");
  c.start_worker("one", 1);
  wait_until_over(id, "completed");
  check_result();
  check_nothing_is_left(id);
}

BOOST_FIXTURE_TEST_CASE(a_coordinator_that_comes_back_goes_on_with_what_it_was_sent, fixture) {
  auto id = job_cluster::order(slow_order());
  wait_for_chunks(id, 2);
  c.kill("coordinator");
  c.start_coordinator();
  wait_until_over(id, "completed");
  check_result();
  for (auto& x : list(job(id), "history"))
    BOOST_TEST(text(x.get_object(), "why").find("damaged") == std::string::npos);
  check_nothing_is_left(id);
}

BOOST_FIXTURE_TEST_CASE(a_source_that_changes_in_mid_job_ends_it_with_that_reason, fixture) {
  auto id = job_cluster::order(slow_order());
  wait_for_chunks(id, 1);
  std::ofstream{source, std::ios::app} << "more";
  wait_until_over(id, "failed");
  BOOST_TEST(says(error_of(id), "changed"));
  BOOST_TEST(!fs::exists(result));
  check_nothing_is_left(id);
}

BOOST_FIXTURE_TEST_CASE(a_result_that_is_there_already_is_not_replaced, fixture) {
  fs::copy_file(source, result);
  auto x = order({});
  BOOST_TEST((x.wait(scaled(milliseconds{20'000})) == 1));
  BOOST_TEST(says(x.output(), "exists already"));
  BOOST_TEST(fs::file_size(result) == fs::file_size(source));
}

BOOST_AUTO_TEST_CASE(workers_that_see_none_of_the_coordinators_files_make_the_same_of_them) {
  temporary_folder programs;
  auto program = blind_worker(programs.path("blind-node"));
  if (!program) {
    BOOST_TEST_MESSAGE("skipped: this user may make no mount namespaces");
    BOOST_TEST(true);
    return;
  }
  fixture f{"auto", *program};
  auto hidden = f.c.folder().path("mine/film.mkv");
  fs::copy_file(f.source, hidden);
  f.source = hidden;
  f.result = f.c.folder().path("mine/result.mp4");
  auto x = f.order({"--preset=ultrafast"});
  auto status = x.wait(scaled(job_limit));
  BOOST_REQUIRE_MESSAGE((status == 0), x.output());
  f.check_result();
  f.check_nothing_is_left(x.output().substr(4, 32));
}

BOOST_AUTO_TEST_CASE(workers_that_see_the_same_files_use_them_and_send_nothing) {
  fixture f{"auto"};
  auto x = f.order({"--preset=ultrafast"});
  auto status = x.wait(scaled(job_limit));
  BOOST_REQUIRE_MESSAGE((status == 0), x.output());
  f.check_result();
  f.check_nothing_is_left(x.output().substr(4, 32));
  for (auto name : {"one", "two"})
    BOOST_TEST(f.names(std::string{name} + "/work").empty());
}

BOOST_AUTO_TEST_SUITE_END()
