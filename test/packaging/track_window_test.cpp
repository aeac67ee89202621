// Goal: playlists list what players can load, in the numbers of source time, and nothing else; removed segments remain
// for the time that HLS asks for. Method: segments and parts with chosen times are added; the window and the texts made
// of it are read.
#include "packaging/compress.hpp"
#include "packaging/hls_playlist.hpp"
#include "packaging/track_window.hpp"

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <sstream>

using namespace troupe;

BOOST_AUTO_TEST_SUITE(track_window_test)

namespace {

constexpr int64_t second = ticks_per_second;
constexpr int64_t part = 2 * second / 5;

const init_segment init{"0123456789abcdef", troupe::bytes_of("init")};

media_part part_at(int64_t start, int64_t duration, bool independent) {
  return {start, duration, independent, 10, troupe::bytes_of(std::string(1000, 'x'))};
}

/// A complete segment of five parts, or the first `parts` of them.
void add_segment(track_window& to, int64_t number, int parts = 5, const init_segment& with = init) {
  to.begin(number, number * 2 * second, false);
  for (auto i = 0; i < parts; ++i)
    to.add(part_at(number * 2 * second + i * part, part, i == 0), with);
}

std::string text_of(const track_window& x, bool skip = false) {
  return media_playlist("v", x, {}, {0, 0}, {}, {.skip = skip});
}

size_t count(const std::string& text, const std::string& what) {
  size_t result = 0;
  for (auto at = text.find(what); at != std::string::npos; at = text.find(what, at + 1))
    ++result;
  return result;
}

bool has(const std::string& text, const std::string& line) {
  return count("\n" + text, "\n" + line + "\n") == 1;
}

} // namespace

BOOST_AUTO_TEST_CASE(a_playlist_lists_the_last_segments_with_the_parts_of_the_newest) {
  track_window x{{}};
  for (auto n = 100; n < 130; ++n)
    add_segment(x, n);
  add_segment(x, 130, 2);
  auto text = text_of(x);
  BOOST_TEST_CONTEXT(text) {
    BOOST_TEST(has(text, "#EXT-X-TARGETDURATION:2"));
    BOOST_TEST(has(text, "#EXT-X-PART-INF:PART-TARGET=0.44000"));
    BOOST_TEST(has(text, "#EXT-X-MEDIA-SEQUENCE:120"));
    BOOST_TEST(count(text, "#EXTINF:2.00000,\n") == 10u);
    // Of the last three target durations, and of the segment that is being made.
    BOOST_TEST(count(text, "#EXT-X-PART:") == 3u * 5u + 2u);
    BOOST_TEST(count(text, "INDEPENDENT=YES") == 4u);
    BOOST_TEST(has(text, "#EXT-X-PRELOAD-HINT:TYPE=PART,URI=\"v-130.2.m4s\""));
    BOOST_TEST(count(text, "#EXT-X-MAP") == 1u);
    BOOST_TEST(count(text, "#EXT-X-PROGRAM-DATE-TIME") == 11u);
    BOOST_TEST(has(text, "#EXT-X-PROGRAM-DATE-TIME:1970-01-01T00:04:20.000Z"));
    BOOST_TEST(text.find("ENDLIST") == std::string::npos);
  }
}

BOOST_AUTO_TEST_CASE(the_next_part_is_announced_where_it_will_be) {
  track_window x{{}};
  BOOST_TEST(!x.next());
  add_segment(x, 7, 4);
  BOOST_TEST(x.next()->number == 7);
  BOOST_TEST(x.next()->part.value() == 4);
  x.add(part_at(0, part, false), init);
  BOOST_TEST(x.next()->number == 8);
  BOOST_TEST(x.next()->part.value() == 0);
}

BOOST_AUTO_TEST_CASE(an_update_leaves_out_what_players_have) {
  track_window x{{}};
  for (auto n = 0; n < 20; ++n)
    add_segment(x, n);
  auto whole = text_of(x);
  auto update = text_of(x, true);
  BOOST_TEST_CONTEXT(update) {
    // Eleven segments are listed, the newest of which is not complete; six of them are within twelve seconds.
    BOOST_TEST(has(update, "#EXT-X-SKIP:SKIPPED-SEGMENTS=5"));
    BOOST_TEST(count(update, "#EXTINF") == count(whole, "#EXTINF") - 5);
    BOOST_TEST(count(update, "#EXT-X-MAP") == 0u);
    // What remains is the end of the whole playlist, to the byte.
    auto tail = update.substr(update.find("#EXT-X-PROGRAM-DATE-TIME"));
    BOOST_TEST(whole.ends_with(tail));
  }
}

BOOST_AUTO_TEST_CASE(segments_that_the_source_left_out_are_listed_as_missing) {
  track_window x{{}};
  add_segment(x, 3);
  add_segment(x, 6);
  add_segment(x, 7, 1);
  auto text = text_of(x);
  BOOST_TEST_CONTEXT(text) {
    BOOST_TEST(count(text, "#EXT-X-GAP") == 2u);
    BOOST_TEST(has(text, "#EXT-X-MEDIA-SEQUENCE:3"));
    BOOST_TEST(has(text, "v-4.m4s"));
    BOOST_TEST(has(text, "v-5.m4s"));
    BOOST_TEST(x.find(4)->gap);
    BOOST_TEST(!x.find(6)->gap);
  }
}

BOOST_AUTO_TEST_CASE(a_removed_segment_remains_for_as_long_as_the_longest_playlist) {
  delivery_times times;
  track_window x{times};
  add_segment(x, 0);
  auto removed_at = 0;
  for (auto n = 1; n < 60; ++n) {
    add_segment(x, n);
    if (x.segments()[x.listed_from()].number > 0 && removed_at == 0)
      removed_at = n;
    auto since = (n - removed_at) * times.segment;
    if (removed_at == 0 || since <= times.segment + times.window)
      BOOST_TEST(x.find(0) != nullptr);
  }
  BOOST_TEST(x.find(0) == nullptr);
  BOOST_TEST(x.segments().size() < 25u);
}

BOOST_AUTO_TEST_CASE(another_init_segment_is_announced_before_its_first_segment) {
  track_window x{{}};
  init_segment other{"fedcba9876543210", troupe::bytes_of("other")};
  add_segment(x, 0);
  add_segment(x, 1, 5, other);
  add_segment(x, 2, 2, other);
  auto text = text_of(x);
  auto map = text.find("#EXT-X-MAP:URI=\"v-fedcba9876543210.mp4\"");
  BOOST_TEST_CONTEXT(text) {
    BOOST_REQUIRE(map != std::string::npos);
    BOOST_TEST(map > text.find("v-0.m4s"));
    BOOST_TEST(map < text.find("v-1.0.m4s"));
    BOOST_TEST(count(text, "#EXT-X-DISCONTINUITY\n") == 0u);
    BOOST_TEST(x.init(init.name) != nullptr);
    BOOST_TEST(x.init("none") == nullptr);
  }
}

BOOST_AUTO_TEST_CASE(discontinuities_are_counted_when_they_leave_the_playlist) {
  track_window x{{}};
  add_segment(x, 0);
  x.begin(1, 2 * second, true);
  x.add(part_at(2 * second, part, true), init);
  for (auto n = 2; n < 40; ++n)
    add_segment(x, n);
  BOOST_TEST(x.discontinuities_before() == 1);
}

BOOST_AUTO_TEST_CASE(the_run_of_the_first_listed_segment_is_known_after_its_beginning_is_gone) {
  track_window x{{}};
  for (auto n = 100; n < 105; ++n)
    add_segment(x, n);
  x.begin(105, 105 * 2 * second, true);
  BOOST_TEST(x.first_run().number == 0);
  for (auto n = 106; n < 114; ++n)
    add_segment(x, n);
  BOOST_TEST(x.first_run().number == 0);
  for (auto n = 114; n < 140; ++n)
    add_segment(x, n);
  BOOST_TEST(x.first_run().number == 105);
  BOOST_TEST(x.first_run().start == 105 * 2 * second);
}

BOOST_AUTO_TEST_CASE(a_jump_beyond_the_playlist_begins_it_again_and_keeps_count) {
  track_window x{{}};
  add_segment(x, 0);
  x.begin(1, 2 * second, true);
  x.add(part_at(2 * second, part, true), init);
  add_segment(x, 1000);
  BOOST_TEST(x.segments().size() == 1u);
  BOOST_TEST(x.segments().front().discontinuity);
  BOOST_TEST(x.discontinuities_before() == 1);
  BOOST_TEST(x.find(1) == nullptr);
}

BOOST_AUTO_TEST_CASE(a_reload_waits_for_the_part_that_it_names) {
  track_window x{{}};
  add_segment(x, 5);
  add_segment(x, 6, 2);
  BOOST_TEST(x.contains({5, std::nullopt}));
  BOOST_TEST(x.contains({1, std::nullopt}));
  BOOST_TEST(!x.contains({6, std::nullopt}));
  BOOST_TEST(x.contains({6, 1}));
  BOOST_TEST(!x.contains({6, 2}));
  // A part behind the last one of a complete segment means the first part of the next.
  BOOST_TEST(x.contains({5, 5}));
  x.begin(7, 14 * second, false);
  BOOST_TEST(!x.contains({6, 2}));
  x.add(part_at(14 * second, part, true), init);
  BOOST_TEST(x.contains({6, 2}));
}

BOOST_AUTO_TEST_CASE(an_ended_playlist_says_so) {
  track_window x{{}};
  add_segment(x, 0, 3);
  x.end();
  auto text = text_of(x);
  BOOST_TEST(has(text, "#EXT-X-ENDLIST"));
  BOOST_TEST(has(text, "#EXTINF:1.20000,"));
  BOOST_TEST(text.find("PRELOAD") == std::string::npos);
}

BOOST_AUTO_TEST_CASE(bit_rates_are_measured) {
  track_window x{{}};
  add_segment(x, 0);
  BOOST_TEST(x.peak_bit_rate() == 0);
  add_segment(x, 1);
  BOOST_TEST(x.peak_bit_rate() == 5 * 1000 * 8 / 2);
  BOOST_TEST(x.mean_bit_rate() == 5 * 1000 * 8 / 2);
}

BOOST_AUTO_TEST_SUITE_END()
