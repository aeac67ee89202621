// Encoders of simulated GPUs take the product's whole path: full set-up, refusal as by a driver, translation along the
// ladder, proof per GPU. Method: a scenario file says what the GPUs do; the sessions are its files, also those of
// processes that have died.
#include "encoder/codec/capability.hpp"
#include "encoder/codec/preset_translation.hpp"
#include "encoder/window/transcode.hpp"
#include "test/fake_gpu/fake_gpu.hpp"

#include "clip.hpp"
#include "make_stream.hpp"

#include <boost/test/unit_test.hpp>

#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

using namespace troupe::av;

namespace fake_gpu_test {
namespace {

video_settings settings(const std::string& encoder = "h264_nvenc", const std::string& device = "cuda:0") {
  video_settings x;
  x.encoder = encoder;
  x.device = device;
  return x;
}

bool says(const std::string& text, const std::string& words) {
  return text.find(words) != std::string::npos;
}

struct fixture {
  std::string path = test::temporary("cards");
  troupe::test::fake_gpus engine{path};

  fixture() {
    play("");
  }

  ~fixture() {
    std::filesystem::remove_all(path + ".sessions");
  }

  void play(const std::string& more, const std::string& limit = "2") {
    std::ofstream{path} << "card\nuuid GPU-a\nencoders h264_nvenc hevc_nvenc\ndecoders h264\nlimit " << limit << "\n"
                        << more;
  }

  size_t sessions(const std::string& uuid) const {
    std::error_code gone;
    auto files = std::filesystem::directory_iterator{path + ".sessions/" + uuid, gone};
    return gone ? 0 : static_cast<size_t>(std::distance(begin(files), end(files)));
  }

  expected<std::unique_ptr<picture_encoder>> open(const video_settings& x,
                                                  AVPixelFormat pixels = AV_PIX_FMT_YUV420P) const {
    video_format source;
    source.width = 320;
    source.height = 180;
    source.pixel_format = pixels;
    source.frame_rate = {25, 1};
    return engine.open_encoder(x, source, {});
  }

  std::string refusal(const video_settings& x) const {
    auto opened = open(x);
    BOOST_REQUIRE(!opened);
    BOOST_TEST((opened.error().code == errc::device), opened.error().what);
    BOOST_TEST(!opened.error().terminal());
    return opened.error().what;
  }
};

} // namespace
} // namespace fake_gpu_test

BOOST_FIXTURE_TEST_SUITE(fake_gpu_test, fixture)

BOOST_AUTO_TEST_CASE(a_session_is_held_while_the_encoder_is_open_and_the_limit_holds) {
  {
    auto first = open(settings()), second = open(settings("hevc_nvenc"));
    BOOST_REQUIRE_MESSAGE(first.has_value(), (first ? "" : first.error().what));
    BOOST_REQUIRE_MESSAGE(second.has_value(), (second ? "" : second.error().what));
    BOOST_TEST(sessions("GPU-a") == 2u);
    auto moved = std::move(*first);
    BOOST_TEST(sessions("GPU-a") == 2u);
    BOOST_TEST(says(refusal(settings()), "OpenEncodeSessionEx failed: out of memory"));
  }
  BOOST_TEST(sessions("GPU-a") == 0u);
  BOOST_TEST(open(settings()).has_value());
}

BOOST_AUTO_TEST_CASE(sessions_of_other_programs_count_and_those_of_the_dead_do_not) {
  play("anonymous 1\n");
  {
    auto first = open(settings());
    BOOST_TEST(first.has_value());
    BOOST_TEST(says(refusal(settings()), "out of memory"));
  }
  play("");
  // A process that dies with its encoder open leaves its file behind. It stays a zombie until the end of the test.
  int ready[2];
  BOOST_REQUIRE(::pipe(ready) == 0);
  auto child = ::fork();
  if (child == 0) {
    auto session = engine.open_session("h264_nvenc", "cuda:0");
    auto other = engine.open_session("h264_nvenc", "cuda:0");
    ::_exit(session && other ? 0 : 1);
  }
  siginfo_t info{};
  BOOST_REQUIRE(::waitid(P_PID, static_cast<id_t>(child), &info, WEXITED | WNOWAIT) == 0);
  BOOST_TEST(info.si_status == 0);
  ::close(ready[0]);
  ::close(ready[1]);
  BOOST_TEST(sessions("GPU-a") == 2u);
  BOOST_TEST(open(settings()).has_value());
  ::waitpid(child, nullptr, 0);
}

BOOST_AUTO_TEST_CASE(the_encoder_opens_on_the_card_that_is_named) {
  play(
    "card\nuuid GPU-b\nencoders h264_nvenc\ncard\nuuid GPU-c\nnode /dev/dri/renderD129\nencoders h264_vaapi h264_qsv\n");
  auto second = open(settings("h264_nvenc", "cuda:1"));
  BOOST_REQUIRE(second.has_value());
  BOOST_TEST(sessions("GPU-a") == 0u);
  BOOST_TEST(sessions("GPU-b") == 1u);
  auto third = open(settings("h264_vaapi", "/dev/dri/renderD129"));
  BOOST_REQUIRE_MESSAGE(third.has_value(), (third ? "" : third.error().what));
  BOOST_TEST(sessions("GPU-c") == 1u);
  BOOST_TEST(says(refusal(settings("h264_nvenc", "cuda:7")), "no such device"));
  BOOST_TEST(says(refusal(settings("h264_nvenc", "/dev/dri/renderD129")), "No capable devices found"));
}

BOOST_AUTO_TEST_CASE(a_driver_that_refuses_is_heard) {
  play("refuse OpenEncodeSessionEx failed: unsupported device (2)\n");
  BOOST_TEST(says(refusal(settings()), "unsupported device (2)"));
  play("fail 15\n");
  BOOST_TEST(says(refusal(settings()), "GPU is lost"));
  BOOST_TEST(sessions("GPU-a") == 0u);
}

BOOST_AUTO_TEST_CASE(settings_that_the_encoder_itself_refuses_take_no_session) {
  auto x = settings();
  x.preset = "veryslow indeed";
  auto opened = open(x);
  BOOST_REQUIRE(!opened);
  BOOST_TEST((opened.error().code == errc::option));
  BOOST_TEST(says(opened.error().what, "h264_nvenc"), opened.error().what);
  BOOST_TEST(!std::filesystem::exists(path + ".sessions"));
}

BOOST_AUTO_TEST_CASE(ten_bits_stay_ten_where_the_chip_has_them) {
  auto h264 = open(settings("h264_nvenc"), AV_PIX_FMT_YUV420P10LE);
  BOOST_REQUIRE_MESSAGE(h264.has_value(), (h264 ? "" : h264.error().what));
  BOOST_TEST((*h264)->format().pixel_format == AV_PIX_FMT_YUV420P);
  auto hevc = open(settings("hevc_nvenc"), AV_PIX_FMT_YUV420P10LE);
  BOOST_REQUIRE_MESSAGE(hevc.has_value(), (hevc ? "" : hevc.error().what));
  BOOST_TEST((*hevc)->format().pixel_format == AV_PIX_FMT_YUV420P10LE);
}

BOOST_AUTO_TEST_CASE(a_profile_of_software_is_served_by_each_family_of_the_ladder) {
  play("card\nuuid GPU-c\nnode /dev/dri/renderD128\nencoders h264_vaapi h264_qsv\n");
  auto profile = settings("libx264", "");
  profile.preset = "medium";
  profile.crf = 23;
  profile.tune = "zerolatency";
  profile.profile = "main";
  profile.level = "4.1";
  for (auto& [encoder, device] : std::map<std::string, std::string>{
         {"h264_nvenc", "cuda:0"}, {"h264_qsv", "/dev/dri/renderD128"}, {"h264_vaapi", "/dev/dri/renderD128"}}) {
    auto translated = translate_settings(profile, encoder);
    BOOST_REQUIRE(translated.has_value());
    translated->settings.device = device;
    auto opened = open(translated->settings);
    BOOST_TEST(opened.has_value(), encoder << ": " << (opened ? "" : opened.error().what));
  }
}

BOOST_AUTO_TEST_CASE(a_window_takes_its_codecs_from_its_engine) {
  auto from = test::make(test::make_video({.frames = 30}));
  auto x = settings();
  x.decode_device = "cuda:0";
  test::result made;
  auto work = transcode::open(from.tracks, {x}, {}, made, engine);
  BOOST_REQUIRE_MESSAGE(work.has_value(), (work ? "" : work.error().what));
  for (auto& packet : from.packets)
    BOOST_REQUIRE(work->send(*packet).has_value());
  BOOST_TEST(sessions("GPU-a") == 1u);
  BOOST_TEST(work->finish().has_value());
  BOOST_TEST(work->counters().packets_out == 30u);
  BOOST_TEST(work->counters().corrupt_packets == 0u);
  play("refuse no such thing\n");
  test::result none;
  auto other = transcode::open(from.tracks, {x}, {}, none, engine);
  BOOST_REQUIRE(other.has_value());
  auto sent = expected<void>{};
  for (auto& packet : from.packets)
    if (sent)
      sent = other->send(*packet);
  BOOST_REQUIRE(!sent);
  BOOST_TEST(says(sent.error().what, "no such thing"), sent.error().what);
}

BOOST_AUTO_TEST_CASE(each_card_is_proven_by_itself_and_its_refusal_is_the_reason) {
  play(
    "card\nuuid GPU-b\nname NVIDIA H100\ndecoders h264 hevc\nrefuse OpenEncodeSessionEx failed: unsupported device (2)\n");
  std::vector<trial_device> cards{{"cuda:0", "GPU-a"}, {"cuda:1", "GPU-b"}};
  auto trials = list_trials(cards);
  auto tried = [&](const std::string& name, bool encoder, const std::string& gpu) {
    auto at = std::find_if(trials.begin(), trials.end(),
                           [&](auto& x) { return x.name == name && x.encoder == encoder && x.gpu == gpu; });
    BOOST_REQUIRE_MESSAGE(at != trials.end(), name << " on " << gpu);
    return run_trial(*at, engine);
  };
  auto works = tried("h264_nvenc", true, "GPU-a");
  BOOST_TEST(works.works, works.reason);
  BOOST_TEST(works.device == "cuda:0");
  auto refused = tried("h264_nvenc", true, "GPU-b");
  BOOST_TEST(!refused.works);
  BOOST_TEST(says(refused.reason, "unsupported device (2)"), refused.reason);
  BOOST_TEST(tried("h264", false, "GPU-b").works);
  BOOST_TEST(tried("hevc", false, "GPU-b").works);
  BOOST_TEST(!tried("hevc", false, "GPU-a").works);
  BOOST_TEST(sessions("GPU-a") == 0u);
  // An encoder that no card here supports is listed once, with the reason.
  BOOST_TEST(std::count_if(trials.begin(), trials.end(), [](auto& x) { return x.name == "h264_vaapi"; }) == 1);
  BOOST_TEST(std::count_if(trials.begin(), trials.end(), [](auto& x) { return x.name == "hevc_nvenc"; }) == 2);
}

BOOST_AUTO_TEST_SUITE_END()
