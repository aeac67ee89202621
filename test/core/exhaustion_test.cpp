// The encoders that may replace a profile's encoder or codec: the rungs of its ladder, in order.
#include "core/placement/exhaustion.hpp"

#include <boost/test/unit_test.hpp>

using namespace troupe::core;

BOOST_AUTO_TEST_SUITE(exhaustion_test)

namespace {

std::vector<std::string> names(const encoder_wish& x) {
  std::vector<std::string> result;
  auto rungs = rungs_of(x).value();
  for (auto& r : rungs)
    result.push_back(r.encoder);
  return result;
}

using list = std::vector<std::string>;

} // namespace

BOOST_AUTO_TEST_CASE(a_codec_stands_for_its_whole_ladder_hardware_first) {
  auto rungs = rungs_of({"h264", exhaustion_policy::queue, {}, false}).value();
  BOOST_TEST(rungs.front().encoder == "h264_nvenc");
  BOOST_TEST(rungs[1].encoder == "h264_qsv");
  BOOST_TEST(rungs[2].encoder == "h264_vaapi");
  BOOST_TEST(rungs[rungs.size() - 2].encoder == "libx264");
  for (auto& r : rungs) {
    BOOST_TEST(r.hardware == !r.encoder.starts_with("lib"));
    BOOST_TEST(!r.fallback);
  }
  BOOST_TEST(
    (names({"h265", exhaustion_policy::queue, {}, false}) == names({"hevc", exhaustion_policy::queue, {}, false})));
}

BOOST_AUTO_TEST_CASE(an_encoder_stands_for_itself_unless_it_may_fall_back) {
  BOOST_TEST((names({"hevc_nvenc", exhaustion_policy::queue, {}, false}) == list{"hevc_nvenc"}));
  BOOST_TEST((names({"hevc_nvenc", exhaustion_policy::reject, {}, false}) == list{"hevc_nvenc"}));
  BOOST_TEST((names({"libx265", exhaustion_policy::fallback, {}, false}) == list{"libx265"}));
  auto rungs = rungs_of({"hevc_qsv", exhaustion_policy::fallback, {}, false}).value();
  BOOST_TEST(rungs[0].encoder == "hevc_qsv");
  BOOST_TEST(!rungs[0].fallback);
  BOOST_TEST(rungs[1].encoder == "hevc_nvenc");
  BOOST_TEST(rungs[1].fallback);
  BOOST_TEST(rungs.back().encoder == "libx265");
}

BOOST_AUTO_TEST_CASE(the_fallback_encoder_goes_before_the_rest_of_the_ladder) {
  auto all = names({"h264_nvenc", exhaustion_policy::fallback, "libx264", false});
  BOOST_TEST(all[1] == "libx264");
  BOOST_TEST(std::count(all.begin(), all.end(), "libx264") == 1);
  BOOST_TEST(!rungs_of({"h264_nvenc", exhaustion_policy::fallback, "libx265", false}));
}

BOOST_AUTO_TEST_CASE(never_software_leaves_hardware_alone) {
  for (auto& name : names({"av1", exhaustion_policy::fallback, {}, true}))
    BOOST_TEST(is_hardware_encoder(name), name);
  auto nothing = rungs_of({"libx264", exhaustion_policy::fallback, {}, true});
  BOOST_REQUIRE(!nothing);
  BOOST_TEST(nothing.error().find("never_software") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(encoders_are_known_by_their_names) {
  BOOST_TEST(codec_of("h264_vaapi") == "h264");
  BOOST_TEST(codec_of("mpeg2_qsv") == "mpeg2video");
  BOOST_TEST(codec_of("libvpx-vp9") == "vp9");
  BOOST_TEST(codec_of("h265") == "hevc");
  BOOST_TEST(codec_of("prores_ks") == "");
  BOOST_TEST((names({"prores_ks", exhaustion_policy::fallback, {}, false}) == list{"prores_ks"}));
  BOOST_TEST((names({"mpeg2video", exhaustion_policy::fallback, {}, false}) == list{"mpeg2video"}));
}

BOOST_AUTO_TEST_CASE(policies_have_names) {
  for (auto x : {exhaustion_policy::queue, exhaustion_policy::fallback, exhaustion_policy::reject})
    BOOST_TEST((exhaustion_policy_from(to_string(x)) == x));
  BOOST_TEST(!exhaustion_policy_from("wait"));
}

BOOST_AUTO_TEST_CASE(a_warning_names_both_encoders) {
  encoder_wish wish{"h264_nvenc", exhaustion_policy::fallback, {}, false};
  auto text = fallback_warning(wish, {"libx264", false, true});
  BOOST_TEST(text.find("h264_nvenc") != std::string::npos);
  BOOST_TEST(text.find("libx264") != std::string::npos);
}

BOOST_AUTO_TEST_SUITE_END()
