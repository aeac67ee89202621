// Goal: a source that is pulled again continues after the earlier pull, with every track moved by the same amount, or
// by nothing if the source has kept its timeline. Method: packets without content go in; times and flags of the output
// are compared.
#include "encoder/source/timeline_joint.hpp"

#include "encoder/source/demuxer.hpp"

#include <boost/test/unit_test.hpp>

#include <limits>
#include <vector>

using namespace troupe::av;

BOOST_AUTO_TEST_SUITE(timeline_joint_test)

namespace {

constexpr int64_t second = 90'000;

struct at {
  int track;
  int64_t dts;
  int64_t lead = 0; ///< PTS - DTS
};

struct out {
  int track;
  int64_t pts;
  int64_t dts;
  bool discontinuity;

  bool operator==(const out&) const = default;
};

void add(timeline_joint& joint, const at& x, size_t tracks) {
  auto packet = make_packet();
  packet->stream_index = x.track;
  packet->dts = x.dts;
  packet->pts = x.dts + x.lead;
  packet->duration = 1'920;
  joint.add(*packet, tracks);
}

std::vector<out> take(timeline_joint& joint) {
  std::vector<out> result;
  auto packet = make_packet();
  while (joint.next(*packet))
    result.push_back(
      {packet->stream_index, packet->pts, packet->dts, (packet->flags & packet_flag_discontinuity) != 0});
  return result;
}

std::vector<out> pass(int64_t resume_from, const std::vector<at>& packets, size_t tracks = 2) {
  timeline_joint joint{resume_from};
  for (const auto& x : packets)
    add(joint, x, tracks);
  joint.finish();
  return take(joint);
}

} // namespace

BOOST_AUTO_TEST_CASE(a_first_pull_passes_as_it_is) {
  timeline_joint joint{no_pts};
  add(joint, {0, 5 * second, 7'200}, 2);
  BOOST_TEST((take(joint) == std::vector<out>{{0, 5 * second + 7'200, 5 * second, false}}));
}

BOOST_AUTO_TEST_CASE(all_tracks_move_by_one_amount) {
  // The sound begins first, 200 ticks before the pictures.
  auto got = pass(100 * second, {{0, 1'000, 7'200}, {1, 800}, {0, 4'600}, {1, 2'720}});
  BOOST_TEST((got
              == std::vector<out>{{0, 100 * second + 7'400, 100 * second + 200, true},
                                  {1, 100 * second, 100 * second, true},
                                  {0, 100 * second + 3'800, 100 * second + 3'800, false},
                                  {1, 100 * second + 1'920, 100 * second + 1'920, false}}));
}

BOOST_AUTO_TEST_CASE(a_source_that_is_ahead_is_moved_back) {
  auto got = pass(100 * second, {{0, 200 * second}, {1, 200 * second + 10}});
  BOOST_TEST(
    (got == std::vector<out>{{0, 100 * second, 100 * second, true}, {1, 100 * second + 10, 100 * second + 10, true}}));
}

BOOST_AUTO_TEST_CASE(a_source_that_kept_its_timeline_is_not_moved) {
  auto got = pass(100 * second, {{0, 103 * second}, {1, 103 * second + 10}});
  BOOST_TEST(
    (got == std::vector<out>{{0, 103 * second, 103 * second, true}, {1, 103 * second + 10, 103 * second + 10, true}}));
  // A source that is ahead by the longest gap (10 s) or more has not kept its timeline.
  BOOST_TEST(pass(100 * second, {{0, 110 * second}}, 1).front().dts == 100 * second);
  BOOST_TEST(pass(100 * second, {{0, 110 * second - 1}}, 1).front().dts == 110 * second - 1);
  BOOST_TEST(pass(100 * second, {{0, 100 * second}}, 1).front().dts == 100 * second);
  BOOST_TEST(pass(100 * second, {{0, 100 * second - 1}}, 1).front().dts == 100 * second);
}

BOOST_AUTO_TEST_CASE(a_counter_that_has_wrapped_meanwhile_is_still_the_same_timeline) {
  auto turn = int64_t{1} << 33;
  BOOST_TEST(pass(turn + 100 * second, {{0, 102 * second}}, 1).front().dts == turn + 102 * second);
  BOOST_TEST(pass(2 * turn - second, {{0, second}}, 1).front().dts == 2 * turn + second);
}

BOOST_AUTO_TEST_CASE(packets_wait_until_every_track_has_come_but_not_for_ever) {
  timeline_joint joint{100 * second};
  add(joint, {0, 50}, 2);
  BOOST_TEST(take(joint).empty());
  add(joint, {1, 0}, 2);
  BOOST_TEST(take(joint).size() == 2u);

  timeline_joint alone{100 * second};
  for (int64_t i = 0; i <= 25; ++i) {
    add(alone, {0, i * 3'600}, 2);
    BOOST_TEST(take(alone).empty());
  }
  add(alone, {0, 26 * 3'600}, 2);
  BOOST_TEST(take(alone).size() == 27u);
  // A packet that still comes later, and would lie before the joint, is dropped.
  add(alone, {1, -10}, 2);
  add(alone, {1, 10}, 2);
  BOOST_TEST((take(alone) == std::vector<out>{{1, 100 * second + 10, 100 * second + 10, true}}));
}

BOOST_AUTO_TEST_CASE(the_track_that_a_source_may_be_known_by_is_waited_for_longer) {
  // The burst at the start of a pull begins 1.5 s before a key picture.
  auto sound = [](timeline_joint& joint, int64_t i) {
    auto packet = make_packet();
    packet->stream_index = 1;
    packet->dts = packet->pts = i * 1'920;
    packet->duration = 1'920;
    joint.add(*packet, 2, 0);
  };
  timeline_joint joint{100 * second};
  int64_t i = 0;
  for (; i * 1'920 < second * 3 / 2; ++i)
    sound(joint, i);
  BOOST_TEST(joint.is_open());
  BOOST_TEST(take(joint).empty());
  joint.go_on(97 * second, {100 * second - 3'600, 100 * second - 1'920});
  for (; i * 1'920 < 4 * second; ++i)
    sound(joint, i);
  auto got = take(joint);
  BOOST_REQUIRE(!got.empty());
  BOOST_TEST(got.front().dts >= 100 * second);
  BOOST_TEST(got.front().dts < 100 * second + 1'920);
  // If the key picture never comes, the wait ends.
  timeline_joint alone{100 * second};
  for (i = 0; alone.is_open() && i * 1'920 < 60 * second; ++i)
    sound(alone, i);
  BOOST_TEST(take(alone).back().dts - 100 * second > timeline_joint::gap_max);
  BOOST_TEST(i * 1'920 < timeline_joint::gap_max + 2 * 1'920);
}

BOOST_AUTO_TEST_CASE(a_source_that_is_known_again_gives_only_what_is_new) {
  timeline_joint joint{100 * second};
  BOOST_TEST(joint.is_open());
  joint.go_on(98 * second, {100 * second - 3'600, 100 * second - 1'920});
  BOOST_TEST(!joint.is_open());
  for (int64_t i = 48; i < 52; ++i) {
    add(joint, {0, i * 3'600}, 2);
    add(joint, {1, 2 * second + (i - 50) * 1'920 + 1}, 2);
  }
  auto packet = make_packet();
  std::vector<int64_t> times;
  auto continues = 0;
  while (joint.next(*packet)) {
    times.push_back(packet->dts);
    BOOST_TEST((packet->flags & packet_flag_discontinuity) == 0);
    continues += (packet->flags & packet_flag_continues) != 0;
  }
  BOOST_TEST(
    (times == std::vector<int64_t>{100 * second, 100 * second + 1, 100 * second + 3'600, 100 * second + 1'921}));
  BOOST_TEST(continues == 1);
}

BOOST_AUTO_TEST_CASE(absurd_times_do_not_overflow) {
  auto lowest = std::numeric_limits<int64_t>::min() + 1;
  auto highest = std::numeric_limits<int64_t>::max();
  BOOST_TEST(pass(highest, {{0, lowest}}, 1).size() == 1u);
  BOOST_TEST(pass(lowest, {{0, highest}}, 1).size() == 1u);
  BOOST_TEST(pass(0, {{0, lowest}, {1, highest}}).size() == 2u);
}

BOOST_AUTO_TEST_SUITE_END()
