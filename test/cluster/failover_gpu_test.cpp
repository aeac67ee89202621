// Goal: a rendition made by a GPU continues in software when the GPU, its driver or its worker fails, and no viewer
// loses anything.
// Method: caf-bench's failover measurement with a hardware profile. Stand-ins simulate the GPU; before each fault its
// driver begins or stops refusing sessions. Its decoder also fails by itself after some packets of each attempt.
// Sessions are counted while the stream is steady: that shows which encoder runs.
#include "test/cluster/failover.hpp"
#include "test/fake_nvml/scenario.hpp"

#include <boost/test/unit_test.hpp>

#include <cstdlib>
#include <fstream>
#include <vector>

using namespace troupe::test;
namespace bench = troupe::bench;

namespace failover_gpu_test {
namespace {

struct fixture {
  temporary_folder folder;
  std::string cards = folder.path("cards");

  fixture() {
    play(true);
    ::setenv("FAKE_GPUS", cards.c_str(), 1);
    ::setenv("LD_LIBRARY_PATH", TROUPE_BINARY_DIR "/fake_nvml", 1);
  }

  ~fixture() {
    ::unsetenv("FAKE_GPUS");
    ::unsetenv("LD_LIBRARY_PATH");
  }

  /// Replaces the scenario file by renaming a complete one, because the stand-ins may read it at any time.
  void play(bool works) const {
    std::ofstream{cards + ".new"} << "driver 550.54\ncard\nname NVIDIA RTX A4000\nuuid GPU-failover\n"
                                  << "encoders h264_nvenc\ndecoders h264\ndecoder-fails-after 40\n"
                                  << (works ? "" : "refuse OpenEncodeSessionEx failed: no encode device (1)\n");
    BOOST_REQUIRE(::rename((cards + ".new").c_str(), cards.c_str()) == 0);
  }

  size_t sessions() const {
    return read_scenario(cards).cards.at(0).sessions.size();
  }

  void run(bench::fault kind) {
    std::vector<size_t> held;
    auto how = small_plan(kind, 4);
    how.profile = "hardware";
    how.more_profiles =
      "  hardware:\n    video: {codec: h264_nvenc, preset: p1, bit_rate: 600k, keyframe_interval: 1s, "
      "b_frames: 0}\n    audio: {codec: aac, bit_rate: 96k}\n";
    how.worker_program = TROUPE_BINARY_DIR "/bin/faulty-node";
    how.capabilities = capability_file() + ".cards";
    how.before_fault = [&](int run) {
      held.push_back(sessions());
      play(run % 2 == 1);
    };
    auto result = measure(how);
    check_exact(result);
    BOOST_REQUIRE_EQUAL(held.size(), 4u);
    BOOST_TEST(held[0] == 1u);
    BOOST_TEST(held[1] == 0u);
    BOOST_TEST(sessions() == 0u);
  }
};

} // namespace
} // namespace failover_gpu_test

BOOST_FIXTURE_TEST_SUITE(failover_gpu_test, fixture)

BOOST_AUTO_TEST_CASE(nothing_is_lost_when_tasks_are_killed_and_their_card_refuses_others) {
  run(bench::fault::kill);
}

BOOST_AUTO_TEST_CASE(nothing_is_lost_when_workers_are_killed_and_the_card_refuses_others) {
  run(bench::fault::worker);
}

BOOST_AUTO_TEST_SUITE_END()
