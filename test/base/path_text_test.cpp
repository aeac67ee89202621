// Goal: every possible file name survives the way to text and back, and the text is valid for JSON and databases.
// Method: names with each possible byte.
#include "base/path_text.hpp"
#include "base/utf8.hpp"

#include <boost/test/unit_test.hpp>

#include <string>

using namespace troupe::base;

BOOST_AUTO_TEST_SUITE(path_text_test)

BOOST_AUTO_TEST_CASE(a_path_of_any_bytes_comes_back_from_its_text) {
  for (int byte = 1; byte < 256; ++byte) {
    auto path = "/srv/a" + std::string(1, static_cast<char>(byte)) + "b%41 \xc3\xa4.mp4";
    auto text = to_path_text(path);
    BOOST_TEST(is_plain_text(text));
    BOOST_TEST(from_path_text(text).value() == path);
  }
}

BOOST_AUTO_TEST_CASE(what_is_text_already_stays_as_it_is) {
  for (const std::string x :
       {"/srv/film.mp4", "/srv/\xe3\x81\x82 \"x\"\\ %20.mp4", "http://host/x", "upload:1", "relative\t"}) {
    BOOST_TEST(to_path_text(x) == x);
    BOOST_TEST(from_path_text(x).value() == x);
  }
  BOOST_TEST(to_path_text("/caf\xe9.mp4") == "file:///caf%E9.mp4");
  BOOST_TEST(to_path_text("/a\tb") == "file:///a%09b");
}

BOOST_AUTO_TEST_CASE(a_file_url_is_a_path_and_a_wrong_one_is_none) {
  BOOST_TEST(from_path_text("file:///a%20b.mp4").value() == "/a b.mp4");
  BOOST_TEST(from_path_text("file://localhost/a").value() == "/a");
  for (const std::string x : {"file://", "file://host/a", "file:///a%", "file:///a%4", "file:///a%zz", "file:///a%00"})
    BOOST_TEST(!from_path_text(x).has_value());
}

BOOST_AUTO_TEST_SUITE_END()
