// Goal: the names that sources give to languages are recognised as those that people and players use.
#include "base/language.hpp"

#include <boost/test/unit_test.hpp>

using namespace troupe::base;

BOOST_AUTO_TEST_SUITE(language_test)

BOOST_AUTO_TEST_CASE(codes_of_television_become_short_tags) {
  BOOST_TEST(language_tag("ger") == "de");
  BOOST_TEST(language_tag("deu") == "de");
  BOOST_TEST(language_tag("pt-BR") == "pt-BR");
  BOOST_TEST(language_tag("qaa") == "qaa");
  BOOST_TEST(language_tag("") == "");
}

BOOST_AUTO_TEST_CASE(a_language_includes_its_varieties) {
  BOOST_TEST(is_language("ger", "de"));
  BOOST_TEST(is_language("de", "deu"));
  BOOST_TEST(is_language("de-AT", "de"));
  BOOST_TEST(!is_language("de", "de-AT"));
  BOOST_TEST(!is_language("den", "de"));
  BOOST_TEST(!is_language("", "de"));
  BOOST_TEST(!is_language("de", ""));
}

BOOST_AUTO_TEST_SUITE_END()
