// Goal: codecs reported as working do work, and the other codecs have a reason. Method: runs trials that every machine
// can run.
#include "encoder/codec/capability.hpp"

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <set>

namespace av = troupe::av;

BOOST_AUTO_TEST_SUITE(capability_test)

namespace {

const av::codec_trial& find(const std::vector<av::codec_trial>& trials, const std::string& name, bool encoder) {
  auto at = std::find_if(trials.begin(), trials.end(),
                         [&](const av::codec_trial& x) { return x.name == name && x.encoder == encoder; });
  BOOST_REQUIRE_MESSAGE(at != trials.end(), "no trial for " << name);
  return *at;
}

} // namespace

BOOST_AUTO_TEST_CASE(each_trial_is_listed_once_and_says_what_it_is_about) {
  std::set<std::pair<std::string, bool>> seen;
  for (const auto& x : av::list_trials()) {
    BOOST_TEST(!x.name.empty());
    BOOST_TEST(!x.codec.empty());
    BOOST_TEST((x.kind == "video" || x.kind == "audio"));
    BOOST_TEST(!x.works);
    BOOST_TEST(seen.emplace(x.name, x.encoder).second, x.name << " is listed twice");
  }
}

BOOST_AUTO_TEST_CASE(software_encoders_and_decoders_are_proven_by_a_round_trip) {
  auto trials = av::list_trials();
  for (auto* name : {"libx264", "libx265", "mpeg2video", "aac", "mp2", "libopus", "flac"}) {
    auto tried = av::run_trial(find(trials, name, true));
    BOOST_TEST(tried.works, name << ": " << tried.reason);
    BOOST_TEST((tried.fps > 0) == (tried.kind == "video"));
  }
  for (auto* name : {"h264", "hevc", "mpeg2video", "aac"}) {
    auto tried = av::run_trial(find(trials, name, false));
    BOOST_TEST(tried.works, name << ": " << tried.reason);
  }
}

BOOST_AUTO_TEST_CASE(every_decoder_that_a_stream_may_ask_for_is_tried) {
  auto trials = av::list_trials();
  for (auto* name : {"pcm_alaw", "pcm_mulaw", "pcm_s24le", "flv", "wmv2", "h263", "msmpeg4v2", "g726"}) {
    auto tried = av::run_trial(find(trials, name, false));
    BOOST_TEST(tried.works, name << ": " << tried.reason);
    BOOST_TEST(!tried.opened, name << " is decoded where an encoder makes a sample");
  }
  for (auto* codec : {"aac_latm", "vc1", "wmv3", "s302m", "mp1", "amr_nb", "msmpeg4v1", "alac"}) {
    auto at = std::find_if(trials.begin(), trials.end(),
                           [&](const av::codec_trial& x) { return !x.encoder && x.codec == codec; });
    BOOST_REQUIRE_MESSAGE(at != trials.end(), "no trial for " << codec);
    auto tried = av::run_trial(*at);
    BOOST_TEST(tried.works, codec << ": " << tried.reason);
  }
  BOOST_TEST(av::run_trial(find(trials, "aac_latm", false)).opened);
}

BOOST_AUTO_TEST_CASE(an_encoder_that_does_not_work_has_a_reason) {
  for (const auto& x : av::list_trials()) {
    // libavcodec loses a queue when a QSV session does not open, which leak checkers tell.
    if (x.device.empty() || x.name.ends_with("_qsv"))
      continue;
    auto tried = av::run_trial(x);
    BOOST_TEST(tried.works == tried.reason.empty(), x.name);
  }
}

BOOST_AUTO_TEST_CASE(a_codec_that_is_not_there_does_not_work) {
  auto tried = av::run_trial({"no_such_codec", "", "video", true, "", true, "", 1});
  BOOST_TEST(!tried.works);
  BOOST_TEST(!tried.reason.empty());
}

BOOST_AUTO_TEST_CASE(the_version_names_both_libraries) {
  auto version = av::libav_version();
  BOOST_TEST(version.find("libavcodec ") == 0u);
  BOOST_TEST(version.find(" libavformat ") != std::string::npos);
}

BOOST_AUTO_TEST_SUITE_END()
