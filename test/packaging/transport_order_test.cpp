// Goal: the sound of a ladder joins the pictures of each of its renditions in the order in which receivers want them,
// and neither waits for the other for long. Method: blocks with nothing but times are added, and the order is read.
#include "packaging/transport_order.hpp"

#include <boost/test/unit_test.hpp>

#include <string>
#include <vector>

using namespace troupe;

namespace transport_order_test {
namespace {

constexpr int64_t frame = ticks_per_second / 10;

struct order_fixture {
  transport_order order{true};
  std::vector<std::string> written;

  static stream_format tracks(track_kind kind) {
    stream_format x;
    x.tracks.emplace_back().kind = kind;
    return x;
  }

  void tell(bool joins, track_kind kind) {
    order.add({.joins = joins, .tracks = tracks(kind)});
    note(order.take_due());
  }

  /// A block of one sample at the given tenth of a second.
  void put(bool joins, int64_t tenth) {
    order.add({.joins = joins, .block = {{{0, 0, tenth * frame, tenth * frame, frame, 0}}, {}}});
    note(order.take_due());
  }

  void note(const std::vector<transport_order::item>& items) {
    for (auto& x : items)
      written.push_back((x.joins ? "s" : "p")
                        + (x.tracks ? std::string{"!"} : std::to_string(x.block.samples.front().dts / frame)));
  }

  void expect(const std::vector<std::string>& what) {
    BOOST_TEST(written == what, boost::test_tools::per_element());
    written.clear();
  }
};

} // namespace
} // namespace transport_order_test

BOOST_FIXTURE_TEST_SUITE(transport_order_test, transport_order_test::order_fixture)

BOOST_AUTO_TEST_CASE(the_first_pictures_wait_for_sound_and_then_both_go_in_the_order_of_their_times) {
  tell(false, track_kind::video);
  put(false, 10);
  put(false, 12);
  expect({});
  tell(true, track_kind::audio);
  expect({"s!", "p!", "p10", "p12"});
  put(true, 11);
  put(true, 12);
  put(true, 13);
  put(true, 14);
  expect({"s11", "s12"});
  put(false, 13);
  expect({"s13", "p13"});
  put(false, 20);
  expect({"s14", "p20"});
}

BOOST_AUTO_TEST_CASE(pictures_wait_four_seconds_for_sound_and_never_again) {
  tell(false, track_kind::video);
  put(false, 0);
  put(false, 39);
  expect({});
  put(false, 40);
  expect({"p!", "p0", "p39", "p40"});
  put(false, 41);
  expect({"p41"});
  tell(true, track_kind::audio);
  put(true, 41);
  expect({"s!", "s41"});
}

BOOST_AUTO_TEST_CASE(other_tracks_come_in_the_order_of_their_blocks) {
  tell(true, track_kind::audio);
  tell(false, track_kind::video);
  put(false, 0);
  expect({"s!", "p!", "p0"});
  put(true, 1);
  tell(true, track_kind::audio);
  put(true, 2);
  expect({});
  put(false, 1);
  expect({"s1", "s!", "p1"});
  tell(false, track_kind::video);
  put(false, 2);
  expect({"p!", "s2", "p2"});
}

BOOST_AUTO_TEST_CASE(sound_without_pictures_waits_for_ten_seconds) {
  tell(true, track_kind::audio);
  expect({"s!"});
  for (int64_t tenth = 0; tenth <= 100; tenth += 10)
    put(true, tenth);
  expect({"s0"});
  put(true, 105);
  expect({});
  note(order.take_all());
  expect({"s10", "s20", "s30", "s40", "s50", "s60", "s70", "s80", "s90", "s100", "s105"});
}

BOOST_AUTO_TEST_CASE(nothing_that_waits_is_lost_at_the_end) {
  tell(false, track_kind::video);
  put(false, 0);
  note(order.take_all());
  expect({"p!", "p0"});
}

BOOST_AUTO_TEST_CASE(what_has_no_pictures_and_what_is_in_no_ladder_waits_for_nothing) {
  tell(false, track_kind::audio);
  put(false, 0);
  expect({"p!", "p0"});
  order = transport_order{false};
  tell(false, track_kind::video);
  put(false, 0);
  expect({"p!", "p0"});
}

BOOST_AUTO_TEST_SUITE_END()
