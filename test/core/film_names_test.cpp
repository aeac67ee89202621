// Names beside a film.
#include "core/library/names.hpp"

#include <boost/test/unit_test.hpp>

using namespace troupe::core;

BOOST_AUTO_TEST_SUITE(film_names_test)

BOOST_AUTO_TEST_CASE(a_result_keeps_its_films_name_and_at_most_changes_the_extension) {
  BOOST_TEST(result_path("/films/A (2001).mkv", "mkv") == "/films/A (2001).mkv");
  BOOST_TEST(result_path("/films/A (2001).MKV", "mkv") == "/films/A (2001).MKV");
  BOOST_TEST(result_path("/films/A. B.avi", "mkv") == "/films/A. B.mkv");
}

BOOST_AUTO_TEST_CASE(a_kept_original_is_hidden_and_has_a_name_of_its_own) {
  auto name = kept_path("/films/A.mkv", "", 7);
  BOOST_TEST(name == "/films/.A.mkv.7.original");
  BOOST_TEST(kept_path("/films/A.mkv", "/kept", 7) == "/kept/.A.mkv.7.original");
  BOOST_TEST(is_own_name(".A.mkv.7.original"));
  BOOST_TEST(is_own_name(".A.mkv.job-1.part"));
  BOOST_TEST(!is_own_name("A.mkv"));
  BOOST_TEST(!is_own_name("A.original"));
  BOOST_TEST(kept_path("/films/" + std::string(240, 'x') + ".mkv", "", 7).size() < 255);
}

BOOST_AUTO_TEST_CASE(companions_continue_the_stem_with_a_dot) {
  std::vector<std::string> names{"A.mkv", "A.en.srt", "A.nfo", "A-poster.jpg", "AB.srt", ".A.mkv.7.original"};
  BOOST_TEST(companions_of("A.mkv", names) == (std::vector<std::string>{"A.en.srt", "A.nfo"}),
             boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(a_name_that_differs_in_case_alone_is_in_the_way) {
  BOOST_TEST(!clash_of("F.avi", "F.mkv", {"F.avi", "F.srt"}));
  BOOST_TEST(clash_of("F.avi", "F.mkv", {"F.avi", "f.MKV"}).value() == "f.MKV");
  BOOST_TEST(!clash_of("F.mkv", "F.mkv", {"F.mkv"}));
  BOOST_TEST(clash_of("F.MP4", "F.MP4", {"F.MP4", "f.mp4"}).value() == "f.mp4");
}

BOOST_AUTO_TEST_SUITE_END()
