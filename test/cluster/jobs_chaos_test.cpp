// Goal: with a full disk, a changing source or a lying worker, nothing bad is published, no partial file remains, and
// the job reports what happened. Other work continues.
// Method: a coordinator and two workers as real processes on small memory disks, with sources that the test changes in
// mid-job, and with file workers that lie about their chunks. Only libavformat reads the published file.
#include "test/cluster/job_cluster.hpp"

#include <boost/test/data/monomorphic.hpp>
#include <boost/test/data/test_case.hpp>
#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include <signal.h>
#include <unistd.h>

using namespace troupe::test;
namespace fs = std::filesystem;

BOOST_AUTO_TEST_SUITE(jobs_chaos_test)

namespace {

/// Settings that ignore how full the disk is already, and that retry only once after an error.
const std::vector<std::string> impatient{"--jobs.disk_refuse=0", "--jobs.disk_warn=0", "--jobs.retries_max=1"};

const std::vector<std::string> two{"one", "two"};

/// True, with a message, if this machine does not let the test have its own disk.
bool is_missing(const small_disk& disk) {
  if (!disk)
    BOOST_TEST_MESSAGE("skipped: mounting a file system needs root");
  return !disk;
}

/// The faulty node's workers: the first lies, the second does not.
struct liars : job_cluster {
  liars(const char* lie, const std::string& transfer)
    : job_cluster{{.flags = {"--jobs.transfer=" + transfer},
                   .worker_program = TROUPE_BINARY_DIR "/bin/faulty-node",
                   .seconds = 6}} {
    c.start_coordinator();
    ::setenv("FAULTY_LIE", lie, 1);
    c.start_worker("one", 1);
    c.wait_until(
      "one is there", [&] { return !c.daemon("one").empty(); }, milliseconds{60'000});
    ::unsetenv("FAULTY_LIE");
  }

  /// The liar is the only worker until it has a chunk. Then an honest worker joins.
  std::string order_slowly() {
    auto id = order(slow_order());
    c.wait_until("the liar has a chunk", [this] { return !chunk_tasks().empty(); });
    c.start_worker("two", 1);
    return id;
  }

  /// The state in which the job ends.
  std::string end_of(const std::string& id) {
    std::string state;
    auto over = [&] {
      state = text(job(id), "state");
      return state == "completed" || state == "failed";
    };
    c.wait_until("the job is over", over, job_limit);
    BOOST_TEST_MESSAGE(state << ": " << error_of(id));
    return state;
  }

  ~liars() {
    ::unsetenv("FAULTY_LIE");
  }
};

} // namespace

// -- disks ----------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(a_full_work_folder_ends_the_job_with_the_reason) {
  job_cluster f{{.flags = {"--jobs.disk_refuse=0", "--jobs.disk_warn=0", "--jobs.retries_max=0"}}};
  small_disk disk{f.c.folder().path("work"), 300'000};
  if (is_missing(disk))
    return;
  f.c.start_coordinator({"--jobs.work_dir=" + f.c.folder().path("work")});
  f.c.start_worker("one", 1);
  auto id = f.order(f.slow_order());
  f.wait_until_over(id, "failed");
  BOOST_TEST_MESSAGE(f.error_of(id));
  BOOST_TEST(says(f.error_of(id), "No space left on device"));
  f.check_nothing_is_published();
  // A partial file is removed with the task that wrote it.
  for (auto& entry : fs::recursive_directory_iterator{f.c.folder().path("work")})
    BOOST_TEST(!entry.path().filename().string().starts_with("."));
}

BOOST_AUTO_TEST_CASE(a_disk_that_is_full_where_the_result_goes_ends_the_job_and_a_retry_makes_it) {
  job_cluster f{{.flags = impatient, .seconds = 10}};
  small_disk disk{f.c.folder().path("out"), 400'000};
  if (is_missing(disk))
    return;
  f.result = f.c.folder().path("out/result.mp4");
  f.c.start(two, 1);
  disk.fill();
  auto id = f.order(f.slow_order());
  f.wait_until_over(id, "failed");
  BOOST_TEST_MESSAGE(f.error_of(id));
  BOOST_TEST(says(f.error_of(id), "No space left on device"));
  f.check_nothing_is_published();
  auto before = f.finished(id);
  BOOST_TEST(before.size() == 6u);
  // A retry does not encode the finished chunks again.
  auto attempts = f.attempts(id);
  disk.free();
  disk.resize(64'000'000);
  BOOST_TEST(http_request(f.c.http_port(), "POST", "/api/v1/jobs/" + id + "/retry").status == 200);
  f.wait_until_over(id, "completed");
  f.check_result();
  BOOST_TEST(f.attempts(id) == attempts);
}

BOOST_AUTO_TEST_CASE(a_job_is_refused_where_its_disk_is_almost_full_and_warned_before) {
  job_cluster f;
  small_disk disk{f.c.folder().path("out"), 1'000'000};
  if (is_missing(disk))
    return;
  f.result = f.c.folder().path("out/result.mp4");
  f.c.start_coordinator();
  std::ofstream{f.c.folder().path("out/some")} << std::string(930'000, 'x');
  auto warned = f.submit(f.slow_order());
  BOOST_TEST(warned.status == 201);
  BOOST_TEST_MESSAGE(warned.body);
  BOOST_TEST(says(warned.body, "10 % are wanted"));
  disk.fill();
  auto refused = f.submit(f.slow_order(R"(, "name": "other")"));
  BOOST_TEST(refused.status == 503);
  BOOST_TEST(says(refused.body, "5 % are wanted"));
  BOOST_TEST(says(refused.body, "the job is not taken"));
}

BOOST_AUTO_TEST_CASE(a_part_is_not_begun_on_a_full_disk) {
  job_cluster f{{.flags = {"--jobs.retries_max=0", "--jobs.disk_refuse=50"}}};
  small_disk disk{f.c.folder().path("work"), 8'000'000};
  if (is_missing(disk))
    return;
  f.c.start_coordinator({"--jobs.work_dir=" + f.c.folder().path("work")});
  f.c.start_worker("one", 1);
  auto id = f.order(f.slow_order());
  std::ofstream{f.c.folder().path("work/some")} << std::string(5'000'000, 'x');
  f.wait_until_over(id, "failed");
  BOOST_TEST(says(f.error_of(id), "not begun: "));
  f.check_nothing_is_published();
}

BOOST_AUTO_TEST_CASE(a_store_without_room_loses_no_job_that_it_took) {
  job_cluster f{{.flags = impatient, .seconds = 10}};
  small_disk disk{f.c.folder().path("store"), 16'000'000};
  if (is_missing(disk))
    return;
  f.c.start_coordinator({"--jobs.store=" + f.c.folder().path("store/jobs.db")});
  f.c.start_worker("one", 1);
  auto id = f.order(f.slow_order());
  f.wait_for_chunks(id, 2);
  disk.fill();
  auto first = f.result;
  f.result = f.c.folder().path("other.mp4");
  auto other = f.submit(f.slow_order());
  BOOST_TEST_MESSAGE("with a full disk: " << other.status << " " << other.body);
  BOOST_TEST(other.status != 201);
  disk.free();
  f.result = first;
  f.wait_until_over(id, "completed");
  f.check_result();
}

// -- sources --------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(a_source_that_changes_in_mid_job_ends_it) {
  job_cluster f{{.seconds = 10}};
  f.c.start(two, 1);
  auto id = f.order(f.slow_order());
  f.wait_for_chunks(id, 1);
  std::ofstream{f.source, std::ios::app} << "more";
  f.wait_until_over(id, "failed");
  BOOST_TEST(says(f.error_of(id), "the source changed while the job was working on it"));
  f.check_nothing_is_published();
}

BOOST_AUTO_TEST_CASE(a_source_that_disappears_in_mid_job_ends_it) {
  job_cluster f{{.seconds = 10}};
  f.c.start(two, 1);
  auto id = f.order(f.slow_order());
  f.wait_for_chunks(id, 1);
  fs::remove(f.source);
  f.wait_until_over(id, "failed");
  BOOST_TEST(says(f.error_of(id), "the source disappeared while the job was working on it"));
  f.check_nothing_is_published();
}

BOOST_AUTO_TEST_CASE(a_source_that_is_cut_in_mid_job_ends_it) {
  job_cluster f{{.seconds = 10}};
  f.c.start(two, 1);
  auto id = f.order(f.slow_order());
  f.wait_for_chunks(id, 1);
  fs::resize_file(f.source, fs::file_size(f.source) / 2);
  f.wait_until_over(id, "failed");
  BOOST_TEST(says(f.error_of(id), "the source changed while the job was working on it"));
  f.check_nothing_is_published();
}

// -- workers that lie about files that they write or send -------------------------

const auto ways = boost::unit_test::data::make({"auto", "http"});

BOOST_DATA_TEST_CASE(a_wrong_checksum_is_found_and_the_chunk_made_again, ways, transfer) {
  liars f{"checksum", transfer};
  auto id = f.order_slowly();
  auto end = f.end_of(id);
  // The liar may get the same chunk again while the other worker is busy.
  if (end == "completed") {
    f.check_result();
  } else {
    auto why = f.error_of(id);
    BOOST_TEST((says(why, "not the file that was announced") || says(why, "the checksum is wrong")), why);
    f.check_nothing_is_published();
  }
  BOOST_TEST(says(f.history(id), "its file is not what its worker announced"));
}

BOOST_DATA_TEST_CASE(a_wrong_number_of_pictures_publishes_nothing_wrong, ways, transfer) {
  liars f{"frames", transfer};
  auto id = f.order_slowly();
  auto end = f.end_of(id);
  BOOST_TEST(says(f.history(id) + f.error_of(id), "pictures"));
  if (end == "completed")
    f.check_result();
  else
    f.check_nothing_is_published();
}

BOOST_DATA_TEST_CASE(a_result_in_the_name_of_another_attempt_changes_nothing, ways, transfer) {
  liars f{"attempt", transfer};
  auto id = f.order_slowly();
  f.wait_until_over(id, "completed");
  f.check_result();
  BOOST_TEST(f.attempts(id) == f.finished(id).size());
}

BOOST_AUTO_TEST_SUITE_END()
