// Which films are converted, and why the others are not.
#include "core/library/filters.hpp"

#include <boost/test/unit_test.hpp>

using namespace troupe::core;

BOOST_AUTO_TEST_SUITE(film_filters_test)

namespace {

constexpr int64_t day_ms = 86'400'000;

film_facts good_facts() {
  film_facts x;
  x.video = {"h264", picture_class::hd_1080, 1080, 8, false, 8'000'000};
  x.pixel_format = "yuv420p";
  x.width = 1920;
  return x;
}

bool says(const std::string& why, const char* word) {
  return why.find(word) != std::string::npos;
}

} // namespace

BOOST_AUTO_TEST_CASE(a_film_has_a_videos_name_and_lies_in_no_hidden_folder) {
  film_filters x;
  BOOST_TEST(is_film(x, "A.mkv"));
  BOOST_TEST(is_film(x, "Some/Folder/A.MP4"));
  BOOST_TEST(!is_film(x, "A.srt"));
  BOOST_TEST(!is_film(x, ".A.mkv"));
  BOOST_TEST(!is_film(x, "B/.hidden/A.mkv"));
  BOOST_TEST(!is_film(x, "A.trickplay/1.mp4"));
  x.exclude.emplace_back("*sample*");
  BOOST_TEST(!is_film(x, "B/A-Sample.mkv"));
}

BOOST_AUTO_TEST_CASE(a_pattern_is_bounded) {
  BOOST_TEST(fault_of(std::vector<std::string>{"*.mkv"}).empty());
  BOOST_TEST(!fault_of(std::vector<std::string>{""}).empty());
  BOOST_TEST(!fault_of(std::vector<std::string>{std::string(pattern_stars_max + 1, '*')}).empty());
  BOOST_TEST(!fault_of(std::vector<std::string>(patterns_max + 1, "x")).empty());
}

BOOST_AUTO_TEST_CASE(links_sizes_and_ages_are_reasons_to_skip) {
  film_filters x;
  x.bytes_min = 100;
  x.bytes_max = 1000;
  x.age_min_ms = 2 * day_ms;
  x.age_max_ms = 20 * day_ms;
  auto now = 100 * day_ms;
  film_entry good{"A.mkv", 500, now - 5 * day_ms, 1, false};
  BOOST_TEST(why_skipped(x, good, now) == "");
  auto with = [&](auto change) {
    auto entry = good;
    change(entry);
    return why_skipped(x, entry, now);
  };
  BOOST_TEST(says(with([](auto& y) { y.links = 2; }), "hardlinked"));
  BOOST_TEST(says(with([](auto& y) { y.is_link = true; }), "symbolic"));
  BOOST_TEST(says(with([](auto& y) { y.bytes = 0; }), "empty"));
  BOOST_TEST(says(with([](auto& y) { y.bytes = 99; }), "fewer"));
  BOOST_TEST(says(with([](auto& y) { y.bytes = 1001; }), "more"));
  BOOST_TEST(says(with([&](auto& y) { y.mtime_ms = now - day_ms; }), "has changed"));
  BOOST_TEST(says(with([&](auto& y) { y.mtime_ms = now - 30 * day_ms; }), "has not changed"));
}

BOOST_AUTO_TEST_CASE(what_a_result_could_not_keep_is_a_reason_to_skip) {
  film_filters x;
  BOOST_TEST(why_skipped(x, good_facts()) == "");
  auto with = [&](auto change) {
    auto facts = good_facts();
    change(facts);
    return why_skipped(x, facts);
  };
  BOOST_TEST(says(with([](auto& y) { y.video.codec.clear(); }), "no video"));
  BOOST_TEST(says(with([](auto& y) { y.video.codec = "av1"; }), "already"));
  BOOST_TEST(says(with([](auto& y) { y.dolby_vision = 5; }), "profile 5"));
  BOOST_TEST(says(with([](auto& y) { y.dolby_vision = 7, y.dolby_fallback = 6; }), "profile 7"));
  BOOST_TEST(with([](auto& y) { y.dolby_vision = 8, y.dolby_fallback = 1; }) == "");
  BOOST_TEST(with([](auto& y) { y.dolby_vision = 8, y.dolby_fallback = 4; }) == "");
  BOOST_TEST(says(with([](auto& y) { y.has_alpha = true; }), "transparent"));
  BOOST_TEST(says(with([](auto& y) { y.chroma_width_shift = 0; }), "colour"));
  BOOST_TEST(says(with([](auto& y) { y.video.depth = 12; }), "12 bits"));
  BOOST_TEST(says(with([](auto& y) { y.is_interlaced = true; }), "interlaced"));
  BOOST_TEST(says(with([](auto& y) { y.width = 1919; }), "1919x1080"));
  BOOST_TEST(says(with([](auto& y) {
                    y.uncarried = {"stream 3 would be lost", "b"};
                  }),
                  "stream 3 would be lost, and more"));
  x.deinterlaces = true;
  BOOST_TEST(with([](auto& y) { y.is_interlaced = true; }) == "");
}

BOOST_AUTO_TEST_SUITE_END()
