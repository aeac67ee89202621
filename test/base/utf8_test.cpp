// Goal: text from outside is taken apart into characters, controls and stray bytes, as table 3-7 of the Unicode
// standard says. Method: the borders of each row of the table, from both sides.
#include "base/utf8.hpp"

#include <boost/test/unit_test.hpp>

#include <string>

using namespace troupe::base;
using namespace std::literals;

BOOST_AUTO_TEST_SUITE(utf8_test)

BOOST_AUTO_TEST_CASE(every_well_formed_sequence_is_one_character) {
  for (auto x : {" ", "~", "\xc2\xa0", "\xdf\xbf", "\xe0\xa0\x80", "\xec\xbf\xbf", "\xed\x9f\xbf", "\xee\x80\x80",
                 "\xef\xbf\xbf", "\xf0\x90\x80\x80", "\xf3\xbf\xbf\xbf", "\xf4\x8f\xbf\xbf"}) {
    std::string_view text = x;
    auto first = take_character(text);
    BOOST_TEST((first.what == character::kind::plain));
    BOOST_TEST(first.bytes == x);
    BOOST_TEST(text.empty());
    BOOST_TEST(is_plain_text(x));
  }
}

BOOST_AUTO_TEST_CASE(overlong_forms_surrogates_and_parts_are_no_utf_8) {
  for (auto x : {"\x80", "\xbf", "\xc0\xaf", "\xc1\xbf", "\xc3", "\xc3(", "\xe0\x9f\xbf", "\xed\xa0\x80", "\xe2\x82",
                 "\xf0\x8f\xbf\xbf", "\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xf0\x9f\x8e", "\xf8", "\xff"}) {
    std::string_view text = x;
    BOOST_TEST(!is_utf8(text));
    auto first = take_character(text);
    BOOST_TEST((first.what == character::kind::ill_formed));
    BOOST_TEST(first.bytes.size() == 1u);
  }
}

BOOST_AUTO_TEST_CASE(control_characters_are_utf_8_but_not_plain) {
  for (auto x : {"\0"sv, "\n"sv, "\x1f"sv, "\x7f"sv, "\xc2\x80"sv, "\xc2\x9f"sv}) {
    BOOST_TEST(is_utf8(x));
    BOOST_TEST(!is_plain_text(x));
    BOOST_TEST(to_utf8(x) == x);
    BOOST_TEST(plain_text(x) == "?");
  }
}

BOOST_AUTO_TEST_CASE(each_stray_byte_is_one_question_mark) {
  BOOST_TEST(to_utf8("caf\xe9\n\xe3\x81\x82\xed\xa0\x80") == "caf?\n\xe3\x81\x82???");
  BOOST_TEST(plain_text("caf\xe9\n\xe3\x81\x82\xed\xa0\x80") == "caf??\xe3\x81\x82???");
}

BOOST_AUTO_TEST_CASE(a_cut_text_ends_with_a_whole_character) {
  const std::string text = "a\xc3\xa4\xf0\x9f\x8e\xac";
  BOOST_TEST(cut(text, 7) == text);
  for (size_t bytes_max : {3, 4, 5, 6})
    BOOST_TEST(cut(text, bytes_max) == "a\xc3\xa4");
  for (size_t bytes_max : {1, 2})
    BOOST_TEST(cut(text, bytes_max) == "a");
  BOOST_TEST(cut(text, 0).empty());
  BOOST_TEST(cut("\x80\x80", 1).empty());
}

BOOST_AUTO_TEST_SUITE_END()
