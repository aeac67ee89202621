// The tables of quality: the documents' values, and which row decides.
#include "core/library/quality.hpp"

#include <boost/test/unit_test.hpp>

using namespace troupe::core;

BOOST_AUTO_TEST_SUITE(quality_test)

BOOST_AUTO_TEST_CASE(a_wide_film_counts_as_what_it_was_cropped_from) {
  BOOST_TEST((class_of(1920, 1080) == picture_class::hd_1080));
  BOOST_TEST((class_of(1920, 800) == picture_class::hd_1080));
  BOOST_TEST((class_of(3840, 1600) == picture_class::uhd));
  BOOST_TEST((class_of(1440, 1080) == picture_class::hd_1080)); // 4:3
  BOOST_TEST((class_of(1280, 720) == picture_class::hd_720));
  BOOST_TEST((class_of(720, 576) == picture_class::sd));
  BOOST_TEST((class_of(2560, 1440) == picture_class::qhd_1440));
  BOOST_TEST((class_of(0, -1) == picture_class::sd));
}

BOOST_AUTO_TEST_CASE(the_default_table_is_that_of_the_documents) {
  auto table = default_quality();
  BOOST_TEST(fault_of(table) == "");
  BOOST_TEST(table.crf_for({"h264", picture_class::sd, 576, 8, false, 0}) == 28);
  BOOST_TEST(table.crf_for({"h264", picture_class::hd_1080, 1080, 8, false, 0}) == 24);
  BOOST_TEST(table.crf_for({"hevc", picture_class::uhd, 2160, 8, false, 0}) == 22);
  BOOST_TEST(table.crf_for({"av1", picture_class::hd_720, 720, 8, false, 0}) == 33);
  BOOST_TEST(table.crf_for({"hevc", picture_class::uhd, 2160, 10, false, 0}) == 21);
  BOOST_TEST(table.crf_for({"hevc", picture_class::uhd, 2160, 10, true, 0}) == 20);
  BOOST_TEST(table.crf_for({"mpeg2video", picture_class::hd_1080, 1080, 8, false, 0}) == 24);
}

BOOST_AUTO_TEST_CASE(the_row_that_names_most_decides_and_of_bit_rates_the_nearest) {
  quality_table table;
  table.rows = {{{}, picture_class::hd_1080, {}, {}, {}, 30},
                {"h264", picture_class::hd_1080, {}, {}, {}, 28},
                {"h264", picture_class::hd_1080, {}, {}, 2'000'000, 27},
                {"h264", picture_class::hd_1080, {}, {}, 8'000'000, 23}};
  table.otherwise = 40;
  auto crf = [&](const char* codec, int64_t bit_rate) {
    return table.crf_for({codec, picture_class::hd_1080, 1080, 8, false, bit_rate});
  };
  BOOST_TEST(crf("vp9", 0) == 30);
  BOOST_TEST(crf("h264", 0) == 28); // without a bit rate, no row with one fits
  BOOST_TEST(crf("h264", 1'000'000) == 27);
  BOOST_TEST(crf("h264", 3'999'000) == 27);
  BOOST_TEST(crf("h264", 4'001'000) == 23);
  BOOST_TEST(crf("h264", 50'000'000) == 23);
  BOOST_TEST(table.crf_for({"h264", picture_class::sd, 480, 8, false, 0}) == 40);
}

BOOST_AUTO_TEST_CASE(a_table_is_bounded) {
  quality_table table;
  table.otherwise = 64;
  BOOST_TEST(fault_of(table) != "");
  table.otherwise = 30;
  table.rows = {{{}, {}, {}, {}, 0, 30}};
  BOOST_TEST(fault_of(table) != "");
  table.rows.assign(quality_rows_max + 1, {});
  BOOST_TEST(fault_of(table) != "");
}

BOOST_AUTO_TEST_CASE(opus_gets_more_bits_for_more_channels) {
  BOOST_TEST(default_opus_bit_rate(1) == 64'000);
  BOOST_TEST(default_opus_bit_rate(2) == 96'000);
  BOOST_TEST(default_opus_bit_rate(6) == 256'000);
  BOOST_TEST(default_opus_bit_rate(7) == 288'000);
  BOOST_TEST(default_opus_bit_rate(8) == 320'000);
  BOOST_TEST(default_opus_bit_rate(16) == 640'000);
  BOOST_TEST(default_opus_bit_rate(0) == 64'000);
}

BOOST_AUTO_TEST_SUITE_END()
