// Goal: one command transcodes a file on this machine without a running node. It leaves only the result, however it
// ends. A result made in chunks is neither larger nor worse than one made in one piece.
// Method: caf-ctl --local as a real process, its children seen through /proc. Only libavformat reads the result. The
// ffmpeg program measures size and similarity for one source, encoded by it in one piece and by caf-ctl in four.
#include "rig/chunked_run.hpp"
#include "test/cluster/job_cluster.hpp"

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <string>
#include <vector>

#include <signal.h>
#include <unistd.h>

using namespace troupe::test;
namespace bench = troupe::bench;
namespace fs = std::filesystem;

namespace local_test {
namespace {

struct fixture {
  temporary_folder folder;
  std::string source = media("job-20.mkv", sample_of(20));
  std::string result = folder.path("result.mp4");

  process ctl(std::vector<std::string> settings) const {
    std::vector<std::string> arguments{"transcode", source, "-o", result, "--local"};
    arguments.insert(arguments.end(), settings.begin(), settings.end());
    return process{TROUPE_BINARY_DIR "/bin/caf-ctl", arguments, folder.path("ctl.log")};
  }

  /// A run that takes long enough to be interrupted.
  process slow_ctl() const {
    return ctl({"--video-encoder=libx264", "--preset=veryslow", "--crf=18", "--height=720", "--chunk-seconds=5"});
  }

  /// Waits until a task is at work: a child of caf-ctl with many threads.
  static void wait_for_tasks(process& of) {
    auto end = clock::now() + scaled(milliseconds{20'000});
    auto at_work = [&of] {
      auto tasks = tasks_of(of.pid());
      return std::any_of(tasks.begin(), tasks.end(), [](auto& x) { return holdings_of(x.pid).threads > 7; });
    };
    while (!at_work()) {
      BOOST_REQUIRE_MESSAGE(clock::now() < end, "no task is at work in time");
      BOOST_REQUIRE_MESSAGE(!of.wait(milliseconds{20}), "it ended: " << of.output());
    }
  }

  /// Checks that no process is left, and no file except caf-ctl's log and, if expected, the result.
  void check_nothing_is_left(bool with_result) const {
    check_nothing_left(folder.path());
    std::vector<std::string> names;
    for (auto& entry : fs::directory_iterator{folder.path()})
      if (auto name = entry.path().filename().string(); name != "ctl.log")
        names.push_back(name);
    BOOST_TEST(names == (with_result ? std::vector<std::string>{"result.mp4"} : std::vector<std::string>{}),
               boost::test_tools::per_element());
  }
};

} // namespace
} // namespace local_test

BOOST_FIXTURE_TEST_SUITE(local_test, fixture)

BOOST_AUTO_TEST_CASE(a_file_is_transcoded_without_a_cluster_and_nothing_is_left) {
  auto x = ctl({"--video-encoder=libx264", "--preset=ultrafast", "--crf=23", "--audio-encoder=aac"});
  auto status = x.wait(scaled(job_limit));
  BOOST_REQUIRE_MESSAGE((status == 0), x.output());
  check_transcoded(result, 20);
  check_nothing_is_left(true);
}

BOOST_AUTO_TEST_CASE(files_have_any_name_that_a_file_system_takes) {
  auto latin = folder.path("caf\xe9");
  fs::create_directory(latin);
  fs::copy_file(source, latin + "/film\xe9\t.mkv");
  source = latin + "/film\xe9\t.mkv";
  for (auto& name :
       {std::string(251, 'x') + ".mkv", std::string{"a\tb\nc.mkv"}, std::string{"caf\xe9/r\xe9sum\xe9.mkv"}}) {
    result = folder.path(name);
    auto x = ctl({"--video-encoder=copy", "--audio-encoder=copy"});
    BOOST_TEST((x.wait(scaled(job_limit)) == 0), x.output());
    BOOST_TEST(fs::exists(result), name);
  }
}

BOOST_AUTO_TEST_CASE(what_cannot_be_done_says_so_and_leaves_nothing) {
  auto x = ctl({"--video-encoder=libnothing"});
  BOOST_TEST((x.wait(scaled(job_limit)) == 1));
  BOOST_TEST(says(x.output(), "libnothing"));
  check_nothing_is_left(false);
}

BOOST_AUTO_TEST_CASE(sound_that_the_container_does_not_hold_is_converted_and_said) {
  auto web = folder.path("result.webm");
  process x{TROUPE_BINARY_DIR "/bin/caf-ctl",
            {"transcode", source, "-o", web, "--local", "--video-encoder=libvpx-vp9", "--preset=8", "--height=90",
             "--audio-encoder=copy"},
            folder.path("ctl.log")};
  BOOST_REQUIRE_MESSAGE((x.wait(scaled(job_limit)) == 0), x.output());
  BOOST_TEST(says(x.output(), "opus instead of aac"));
  auto sound = bench::run_process(
    {"ffprobe", "-v", "error", "-select_streams", "a", "-show_entries", "stream=codec_name", "-of", "csv=p=0", web},
    scaled(job_limit));
  BOOST_TEST(sound.out == "opus\n");
}

BOOST_AUTO_TEST_CASE(pictures_that_the_container_does_not_hold_are_refused_before_any_work) {
  result = folder.path("result.webm");
  for (const auto* setting : {"--video-encoder=libx265", "--video-encoder=copy"}) {
    auto x = ctl({setting});
    BOOST_TEST((x.wait(scaled(job_limit)) == 1));
    BOOST_TEST(says(x.output(), "does not hold"), x.output());
    check_nothing_is_left(false);
  }
}

BOOST_AUTO_TEST_CASE(a_request_to_end_leaves_no_process_and_no_file) {
  for (auto number : {SIGTERM, SIGINT}) {
    auto x = slow_ctl();
    wait_for_tasks(x);
    x.signal(number);
    BOOST_TEST((x.wait(scaled(milliseconds{10'000})) == 128 + number));
    check_nothing_is_left(false);
  }
}

BOOST_AUTO_TEST_CASE(a_node_does_not_outlive_a_program_that_is_killed) {
  adopt_orphans();
  auto x = slow_ctl();
  wait_for_tasks(x);
  x.kill();
  check_nothing_left(folder.path());
  BOOST_TEST(!fs::exists(result));
  // The next run removes what this one could not remove itself, but nothing that belongs to another file.
  auto names = [&](const std::string& prefix) {
    return std::count_if(fs::directory_iterator{folder.path()}, {},
                         [&](auto& entry) { return entry.path().filename().string().starts_with(prefix); });
  };
  BOOST_TEST(names(".result.mp4.troupe-") == 1);
  for (auto& entry : fs::directory_iterator{folder.path()})
    if (entry.is_directory())
      fs::last_write_time(entry, fs::file_time_type::clock::now() - std::chrono::hours{1});
  fs::create_directory(folder.path(".other.mp4.troupe-aaaaaa"));
  auto next = ctl({"--video-encoder=libx264", "--preset=ultrafast", "--crf=23"});
  BOOST_TEST((next.wait(scaled(job_limit)) == 0), next.output());
  BOOST_TEST(names(".result.mp4.troupe-") == 0);
  BOOST_TEST(names(".other.mp4.troupe-") == 1);
}

BOOST_AUTO_TEST_CASE(pieces_are_neither_larger_nor_worse_than_one) {
  auto sample = sample_of(40);
  sample.picture.coded = false;
  auto long_source = media("local-long.mkv", sample);
  auto ours = folder.path("ours.mkv");
  auto theirs = folder.path("theirs.mkv");
  bench::chunked_settings with{"libx264", "veryfast", 23, 10};
  auto made = bench::run_process({std::string{TROUPE_BINARY_DIR} + "/bin/caf-ctl", "transcode", long_source, "-o", ours,
                                  "--local", "--video-encoder=libx264", "--preset=veryfast", "--crf=23",
                                  "--audio-encoder=aac", "--audio-bitrate=128k", "--chunk-seconds=10"},
                                 scaled(job_limit));
  BOOST_REQUIRE_MESSAGE(made.ok(), made.out);
  BOOST_REQUIRE(bench::encode_with_ffmpeg(long_source, theirs, with).ok());
  auto a = bench::look_at(ours, long_source);
  auto b = bench::look_at(theirs, long_source);
  BOOST_TEST_MESSAGE(a.kib << " KiB of " << b.kib << ", SSIM " << a.ssim << " of " << b.ssim);
  BOOST_TEST(a.frames == b.frames);
  BOOST_TEST(a.kib <= b.kib * 1.01);
  BOOST_TEST(a.ssim >= b.ssim - 0.001);
}

BOOST_AUTO_TEST_SUITE_END()
