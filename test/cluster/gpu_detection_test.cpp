// What a worker finds out about its GPUs: its processes test each encoder on each GPU, record the driver's message if
// it refuses, and repeat the tests when a driver changes. Method: the GPUs are simulated; the tests read the worker's
// file of tested codecs.
#include "test/support/cluster.hpp"

#include <boost/json.hpp>
#include <boost/test/unit_test.hpp>

#include <cstdlib>
#include <filesystem>
#include <fstream>

using namespace troupe::test;
namespace json = boost::json;

namespace gpu_detection_test {
namespace {

constexpr milliseconds proving_limit{240'000};

struct fixture {
  temporary_folder folder;
  std::string cards = folder.path("cards");
  std::string found = folder.path("found.json");

  fixture() {
    play("550.54");
    ::setenv("FAKE_GPUS", cards.c_str(), 1);
    ::setenv("LD_LIBRARY_PATH", TROUPE_BINARY_DIR "/fake_nvml", 1);
  }

  ~fixture() {
    ::unsetenv("FAKE_GPUS");
    ::unsetenv("LD_LIBRARY_PATH");
  }

  void play(const std::string& driver) const {
    std::ofstream{cards} << "driver " << driver
                         << "\ncard\nname NVIDIA RTX A4000\nuuid GPU-a\nencoders h264_nvenc\ndecoders h264 hevc\n"
                            "card\nname NVIDIA H100 80GB HBM3\nuuid GPU-h\nabsent sessions\ndecoders h264\n"
                            "refuse OpenEncodeSessionEx failed: unsupported device (2)\n";
  }

  std::string key() const {
    return text(parsed(read_file(found)), "key");
  }

  json::object trial(const std::string& name, bool encoder, const std::string& gpu) const {
    auto all = json::parse(read_file(found));
    for (auto& x : list(all.get_object(), "trials"))
      if (auto& t = x.get_object();
          text(t, "name") == name && t.at("encoder").get_bool() == encoder && text(t, "gpu") == gpu)
        return t;
    BOOST_FAIL("no trial of " << name << " on " << gpu);
    return {};
  }

  bool works(const std::string& name, bool encoder, const std::string& gpu) const {
    return trial(name, encoder, gpu).at("works").get_bool();
  }
};

} // namespace
} // namespace gpu_detection_test

BOOST_FIXTURE_TEST_SUITE(gpu_detection_test, fixture)

BOOST_AUTO_TEST_CASE(each_card_is_tried_and_what_was_found_is_kept_until_its_driver_changes) {
  cluster_settings settings;
  settings.worker_program = TROUPE_BINARY_DIR "/bin/faulty-node";
  cluster c{settings};
  c.start_coordinator();
  auto start = [&] { c.start_worker("w1", 2, {"--worker.capability_cache=" + found}); };
  auto has_found = [&](const std::string& driver) {
    c.wait_until(
      "what driver " + driver + " does is known",
      [&] { return key().find("cuda:1 is GPU-h with driver " + driver) != std::string::npos; }, proving_limit);
  };
  start();
  has_found("550.54");
  BOOST_TEST(works("h264_nvenc", true, "GPU-a"));
  BOOST_TEST(text(trial("h264_nvenc", true, "GPU-a"), "device") == "cuda:0");
  BOOST_TEST(!works("h264_nvenc", true, "GPU-h"));
  auto reason = text(trial("h264_nvenc", true, "GPU-h"), "reason");
  BOOST_TEST(reason.find("unsupported device (2)") != std::string::npos, reason);
  // A card that only decodes is worth having, too.
  BOOST_TEST(works("h264", false, "GPU-h"));
  BOOST_TEST(!works("hevc", false, "GPU-h"));
  BOOST_TEST(works("libx264", true, ""));
  BOOST_TEST(std::filesystem::is_empty(cards + ".sessions/GPU-a"));
  c.wait_until("the worker is registered", [&] { return !c.daemon("w1").empty(); });
  c.stop("w1");
  play("560.10");
  start();
  has_found("560.10");
}

BOOST_AUTO_TEST_SUITE_END()
