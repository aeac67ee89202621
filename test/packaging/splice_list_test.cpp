// Goal: players are told of each splice once, with the broadcaster's own bytes, and what they were told never changes.
// Method: sections as they come, repeated as senders do; the tags and events are read as text.
#include "packaging/splice_list.hpp"

#include "test/encoder/splices.hpp"

#include <boost/test/unit_test.hpp>

#include <algorithm>

#include <string>

using namespace troupe;
using namespace troupe::av::test;

BOOST_AUTO_TEST_SUITE(splice_list_test)

namespace {

constexpr core::clock_map machine_clock{0, 1'000'000};
constexpr int64_t second = 90'000;

bool add(splice_list& to, const std::vector<uint8_t>& section, int64_t pts) {
  return to.add(std::as_bytes(std::span{section}), pts);
}

std::string hex(const std::vector<uint8_t>& bytes) {
  std::string result{"0x"};
  char text[3];
  for (auto x : bytes) {
    std::snprintf(text, sizeof(text), "%02X", x);
    result += text;
  }
  return result;
}

bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

size_t lines(const std::string& text) {
  return static_cast<size_t>(std::count(text.begin(), text.end(), '\n'));
}

const auto out = splice_insert({.event = 7, .out = true, .time = 5 * second, .duration = 30 * second});
const auto in = splice_insert({.event = 7, .out = false, .time = 30 * second});

} // namespace

BOOST_AUTO_TEST_CASE(a_break_is_one_range_with_a_tag_for_each_end) {
  splice_list list;
  BOOST_TEST(add(list, out, 5 * second));
  auto before = list.date_ranges(0, machine_clock);
  BOOST_TEST(before
             == "#EXT-X-DATERANGE:ID=\"splice-7-450000\",START-DATE=\"1970-01-01T00:16:45.000Z\",PLANNED-"
                "DURATION=30.00000,SCTE35-OUT="
                  + hex(out) + "\n");
  BOOST_TEST(add(list, in, 30 * second));
  auto after = list.date_ranges(0, machine_clock);
  BOOST_TEST(after
             == before
                  + "#EXT-X-DATERANGE:ID=\"splice-7-450000\",START-DATE=\"1970-01-01T00:16:45.000Z\",DURATION=25."
                    "00000,SCTE35-IN="
                  + hex(in) + "\n");
}

BOOST_AUTO_TEST_CASE(repeated_messages_are_told_once) {
  splice_list list;
  BOOST_TEST(add(list, out, 5 * second));
  BOOST_TEST(!add(list, out, 5 * second + 900));
  BOOST_TEST(!add(list, splice_null(), second));
  BOOST_TEST(!add(list, {1, 2, 3}, second));
  BOOST_TEST(lines(list.date_ranges(0, machine_clock)) == 1u);
  // The same number for another break, an hour later.
  BOOST_TEST(add(list, out, 3'605 * second));
  BOOST_TEST(lines(list.date_ranges(0, machine_clock)) == 2u);
  BOOST_TEST(has(list.date_ranges(0, machine_clock), "splice-7-324450000"));
}

BOOST_AUTO_TEST_CASE(what_is_over_is_no_longer_told) {
  splice_list list;
  add(list, out, 5 * second);
  BOOST_TEST(lines(list.date_ranges(35 * second, machine_clock)) == 1u);
  BOOST_TEST(lines(list.date_ranges(36 * second, machine_clock)) == 0u);
  BOOST_TEST(list.event_stream(36 * second, 0).empty());
  // A return ahead of the plan ends it.
  add(list, in, 30 * second);
  BOOST_TEST(lines(list.date_ranges(30 * second, machine_clock)) == 2u);
  BOOST_TEST(lines(list.date_ranges(31 * second, machine_clock)) == 0u);
  splice_list open;
  add(open, splice_insert({.event = 8, .out = true, .time = 5 * second}), 5 * second);
  BOOST_TEST(lines(open.date_ranges(1'000 * second, machine_clock)) == 1u);
}

BOOST_AUTO_TEST_CASE(segments_of_a_time_signal_are_paired_by_their_kind) {
  splice_list list;
  add(list, segment_signal(5 * second, 3, 0x34), 5 * second);
  add(list, segment_signal(9 * second, 3, 0x37), 9 * second); // of another kind
  add(list, segment_signal(15 * second, 3, 0x35), 15 * second);
  add(list, segment_signal(20 * second, 4, 0x10), 20 * second); // a programme begins
  auto text = list.date_ranges(0, machine_clock);
  BOOST_TEST(lines(text) == 4u);
  BOOST_TEST(has(text, "DURATION=10.00000,SCTE35-IN=" + hex(segment_signal(15 * second, 3, 0x35))));
  BOOST_TEST(has(text, "SCTE35-CMD=" + hex(segment_signal(20 * second, 4, 0x10))));
}

BOOST_AUTO_TEST_CASE(the_manifest_has_the_sections_with_their_times) {
  splice_list list;
  BOOST_TEST(list.event_stream(0, 0).empty());
  add(list, out, 5 * second);
  auto text = list.event_stream(0, second);
  BOOST_TEST(has(text, "schemeIdUri=\"urn:scte:scte35:2014:xml+bin\" timescale=\"90000\""));
  BOOST_TEST(has(text, "presentationTime=\"360000\" duration=\"2700000\""));
  BOOST_TEST(has(text, "<Binary>/DAlAAAAAAAAAP/wFAUAAAAHf+/+"));
  BOOST_TEST(add(list, segment_signal(6 * second, 3, 0x10), 6 * second));
  BOOST_TEST(lines(list.event_stream(0, 0)) == 4u);
}

BOOST_AUTO_TEST_CASE(their_number_is_bounded) {
  splice_list list;
  for (uint32_t i = 0; i < 1'000; ++i)
    add(list, splice_insert({.event = i, .out = true, .time = second}), second);
  BOOST_TEST(lines(list.date_ranges(0, machine_clock)) == 128u);
}

BOOST_AUTO_TEST_SUITE_END()
