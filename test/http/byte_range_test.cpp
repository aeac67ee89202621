// Ranges from honest and other clients: each has one meaning, and none reaches beyond the file.
#include "http/byte_range.hpp"

#include <boost/test/unit_test.hpp>

using namespace troupe::http;

BOOST_AUTO_TEST_SUITE(byte_range_test)

namespace {

bool is_part(const wanted_range& x, uint64_t first, uint64_t size) {
  return x == wanted_range{range_kind::part, {first, size}};
}

bool is_whole(const wanted_range& x) {
  return x.kind == range_kind::whole;
}

bool is_nothing(const wanted_range& x) {
  return x.kind == range_kind::unsatisfiable;
}

} // namespace

BOOST_AUTO_TEST_CASE(a_range_is_cut_to_the_file) {
  BOOST_TEST(is_part(read_range("bytes=0-", 100), 0, 100));
  BOOST_TEST(is_part(read_range("bytes=0-0", 100), 0, 1));
  BOOST_TEST(is_part(read_range("bytes=10-19", 100), 10, 10));
  BOOST_TEST(is_part(read_range("bytes=90-1000", 100), 90, 10));
  BOOST_TEST(is_part(read_range("bytes=-1", 100), 99, 1));
  BOOST_TEST(is_part(read_range("bytes=-1000", 100), 0, 100));
  BOOST_TEST(is_part(read_range("bytes=5-99999999999999999999999999", 100), 5, 95));
}

BOOST_AUTO_TEST_CASE(a_range_behind_the_end_is_nothing) {
  BOOST_TEST(is_nothing(read_range("bytes=100-", 100)));
  BOOST_TEST(is_nothing(read_range("bytes=99999999999999999999999999-", 100)));
  BOOST_TEST(is_nothing(read_range("bytes=-0", 100)));
  BOOST_TEST(is_nothing(read_range("bytes=0-", 0)));
}

BOOST_AUTO_TEST_CASE(what_makes_no_sense_asks_for_the_whole_file) {
  for (auto text : {"", "bytes", "bytes=", "bytes=-", "bytes=a-b", "bytes=5-2", "bytes=1-2,4-5", "bytes= 1-2",
                    "bytes=+1-2", "bytes=1--2", "bytes=--1", "lines=1-2", "BYTES=1-2", "bytes=0x1-2"})
    BOOST_TEST(is_whole(read_range(text, 100)), text);
}

BOOST_AUTO_TEST_SUITE_END()
