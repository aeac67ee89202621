// Goal: the parameter sets of a stream are found wherever they are, and damage does no harm. Method: samples and
// records that are written here byte by byte, and cut at each length.
#include "packaging/parameter_sets.hpp"

#include <boost/test/unit_test.hpp>

#include <initializer_list>

using namespace troupe;

BOOST_AUTO_TEST_SUITE(parameter_sets_test)

namespace {

std::vector<std::byte> bytes(std::initializer_list<unsigned> values) {
  std::vector<std::byte> result;
  for (auto x : values)
    result.push_back(static_cast<std::byte>(x));
  return result;
}

const auto sps = bytes({0x67, 0x64, 0x00, 0x1f});
const auto pps = bytes({0x68, 0xee});
const auto hevc_vps = bytes({0x40, 0x01, 0x0c});
const auto hevc_sps = bytes({0x42, 0x01, 0x01});
const auto hevc_pps = bytes({0x44, 0x01, 0xc1});
const auto sequence = bytes({0x0a, 0x02, 0x11, 0x22});

const auto avcc = bytes({1, 0x64, 0, 0x1f, 0xff, 0xe1, 0, 4, 0x67, 0x64, 0x00, 0x1f, 1, 0, 2, 0x68, 0xee});
const auto hvcc = bytes({1,    1,    0x60, 0, 0,    0,    0xb0, 0,  0, 0, 0, 0, 93,   0xf0, 0,    0xfc,
                         0xfd, 0xf8, 0xf8, 0, 0,    0x0f, 3,    32, 0, 1, 0, 3, 0x40, 0x01, 0x0c, 33,
                         0,    1,    0,    3, 0x42, 0x01, 0x01, 34, 0, 1, 0, 3, 0x44, 0x01, 0xc1});
const auto av1c = bytes({0x81, 0x04, 0x0c, 0, 0x0a, 0x02, 0x11, 0x22});

} // namespace

BOOST_AUTO_TEST_CASE(sets_before_a_picture_are_found_and_those_behind_it_are_not) {
  auto h264 = bytes({0,    0, 0, 1, 0x09, 0xf0, 0, 0, 0, 1, 0x67, 0x64, 0x00, 0x1f, 0, 0,    1,   0x68,
                     0xee, 0, 0, 0, 1,    0x06, 5, 0, 0, 1, 0x65, 0x88, 0,    0,    1, 0x68, 0xff});
  BOOST_TEST((parameter_sets_in_sample("h264", h264) == parameter_sets{sps, pps}));
  auto hevc = bytes({0,    0, 1, 0x46, 1,    0x50, 0,    0, 1, 0x40, 0x01, 0x0c, 0, 0, 0, 1,    0x42, 0x01,
                     0x01, 0, 0, 1,    0x44, 0x01, 0xc1, 0, 0, 1,    0x26, 0x01, 0, 0, 1, 0x44, 1});
  BOOST_TEST((parameter_sets_in_sample("hevc", hevc) == parameter_sets{hevc_vps, hevc_sps, hevc_pps}));
  // A temporal delimiter, the sequence header, a frame.
  auto av1 = bytes({0x12, 0x00, 0x0a, 0x02, 0x11, 0x22, 0x32, 0x03, 1, 2, 3});
  BOOST_TEST((parameter_sets_in_sample("av1", av1) == parameter_sets{sequence}));
  BOOST_TEST(parameter_sets_in_sample("vp9", h264).empty());
}

BOOST_AUTO_TEST_CASE(records_and_samples_tell_the_same) {
  BOOST_TEST((parameter_sets_in_extradata("h264", avcc) == parameter_sets{sps, pps}));
  BOOST_TEST((parameter_sets_in_extradata("hevc", hvcc) == parameter_sets{hevc_vps, hevc_sps, hevc_pps}));
  BOOST_TEST((parameter_sets_in_extradata("av1", av1c) == parameter_sets{sequence}));
  for (const auto& [codec, record] : {std::pair{"h264", avcc}, {"hevc", hvcc}, {"av1", av1c}}) {
    auto sets = parameter_sets_in_extradata(codec, record);
    BOOST_TEST(is_complete(codec, sets));
    BOOST_TEST((parameter_sets_in_extradata(codec, to_extradata(codec, sets)) == sets));
  }
}

BOOST_AUTO_TEST_CASE(a_decoder_needs_one_set_of_each_kind) {
  BOOST_TEST(!is_complete("h264", {}));
  BOOST_TEST(!is_complete("h264", {sps}));
  BOOST_TEST(!is_complete("hevc", {hevc_sps, hevc_pps}));
  BOOST_TEST(!is_complete("av1", {}));
  BOOST_TEST(is_complete("vp9", {}));
}

BOOST_AUTO_TEST_CASE(a_record_that_ends_early_yields_the_sets_before) {
  for (const auto& [codec, record] : {std::pair{"h264", avcc}, {"hevc", hvcc}, {"av1", av1c}}) {
    auto all = parameter_sets_in_extradata(codec, record);
    for (size_t size = 0; size < record.size(); ++size) {
      auto found = parameter_sets_in_extradata(codec, std::span{record}.first(size));
      BOOST_TEST(found.size() < all.size());
      BOOST_TEST(std::equal(found.begin(), found.end(), all.begin()));
    }
  }
}

BOOST_AUTO_TEST_SUITE_END()
