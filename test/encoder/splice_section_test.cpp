// Goal: splice sections are understood as the standard says, moved without another change, and refused if anything in
// them is wrong. Method: the standard's own examples, sections written here field by field, and damaged ones.
#include "splices.hpp"

#include <boost/test/unit_test.hpp>

#include <random>

using namespace troupe::av;
using namespace troupe::av::test;

using kind = splice_mark::kind;

BOOST_AUTO_TEST_SUITE(splice_section_test)

// ANSI/SCTE 35, 14.1 and 14.2.
BOOST_AUTO_TEST_CASE(examples_of_the_standard_are_read) {
  auto placement =
    read_splice(bytes_of("fc3034000000000000fffff00506fe72bd0050001e021c435545494800008e7fcf0001a599b0080800"
                         "0000002ca0a18a3402009ac9d17e"));
  BOOST_REQUIRE(placement);
  BOOST_TEST((placement->time == 0x0'72bd'0050));
  BOOST_REQUIRE(placement->marks.size() == 1u);
  BOOST_TEST((placement->marks[0].what == kind::out));
  BOOST_TEST((placement->marks[0].event & 0xffffffff) == 0x4800008eu);
  BOOST_TEST((placement->marks[0].duration == 0x1a599b0));
  auto insert =
    read_splice(bytes_of("fc302f000000000000fffff014054800008f7feffe7369c02efe0052ccf500000000000a00084355454900"
                         "00013562dba30a"));
  BOOST_REQUIRE(insert);
  BOOST_TEST((insert->time == 0x0'7369'c02e));
  BOOST_REQUIRE(insert->marks.size() == 1u);
  BOOST_TEST((insert->marks[0].what == kind::out));
  BOOST_TEST(insert->marks[0].event == 0x4800008fu);
  BOOST_TEST((insert->marks[0].duration == 0x52ccf5));
}

BOOST_AUTO_TEST_CASE(what_a_section_asks_for_is_told) {
  auto in = read_splice(splice_insert({.event = 7, .out = false, .time = 90'000}));
  BOOST_TEST((in->marks.at(0).what == kind::in));
  BOOST_TEST(!in->marks.at(0).duration);
  auto immediate = read_splice(splice_insert({.event = 7, .out = true, .time = std::nullopt}));
  BOOST_TEST(!immediate->time);
  BOOST_TEST((immediate->marks.at(0).what == kind::out));
  auto idle = read_splice(splice_null());
  BOOST_TEST(idle->idle);
  BOOST_TEST(idle->marks.empty());
  // The time is the sum of two fields, and wraps.
  auto moved = read_splice(splice_insert({.event = 1, .out = true, .time = clock_turn - 10, .adjustment = 30}));
  BOOST_TEST((moved->time == 20));
}

BOOST_AUTO_TEST_CASE(a_moved_section_differs_in_its_time_alone) {
  std::mt19937_64 random{5};
  for (auto i = 0; i < 200; ++i) {
    auto time = static_cast<int64_t>(random() % clock_turn);
    auto section = splice_insert({.event = static_cast<uint32_t>(random()),
                                  .out = random() % 2 == 0,
                                  .time = static_cast<int64_t>(random() % clock_turn),
                                  .duration = 2'700'000,
                                  .adjustment = static_cast<int64_t>(random() % clock_turn)});
    auto moved = splice_at(section, time + static_cast<int64_t>(random() % 4) * clock_turn);
    auto read = read_splice(moved);
    BOOST_REQUIRE(read);
    BOOST_TEST((read->time == time));
    BOOST_TEST((splice_at(moved, *read_splice(section)->time) == section));
  }
  auto timeless = splice_insert({.event = 7, .out = true, .time = std::nullopt});
  BOOST_TEST((splice_at(timeless, 90'000) == timeless));
}

BOOST_AUTO_TEST_CASE(damaged_sections_are_refused) {
  auto whole = splice_insert({.event = 7, .out = true, .time = 90'000, .duration = 2'700'000});
  for (size_t size = 0; size < whole.size(); ++size)
    BOOST_TEST(!read_splice(std::span{whole}.first(size)));
  for (size_t bit = 0; bit < whole.size() * 8; ++bit) {
    auto damaged = whole;
    damaged[bit / 8] ^= static_cast<uint8_t>(1 << bit % 8);
    BOOST_TEST(!read_splice(damaged));
  }
  auto longer = whole;
  longer.push_back(0);
  BOOST_TEST(!read_splice(longer));
  BOOST_TEST(!read_splice(splice_insert({.event = 7, .out = true, .time = 90'000, .encrypted = true})));
}

BOOST_AUTO_TEST_CASE(the_way_on_the_clock_is_the_short_one) {
  BOOST_TEST(clock_distance(10, 30) == 20);
  BOOST_TEST(clock_distance(30, 10) == -20);
  BOOST_TEST(clock_distance(clock_turn - 10, 10) == 20);
  BOOST_TEST(clock_distance(10, clock_turn - 10) == -20);
  BOOST_TEST(clock_distance(10, 5 * clock_turn + 30) == 20);
}

BOOST_AUTO_TEST_SUITE_END()
