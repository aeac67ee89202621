// Goal: whatever a container does to times, the timeline comes out unbroken, and no track drifts against another.
// Method: single cases by hand, then a simulated source (video with B-frames ahead of its audio, as in broadcasts) with
// known true times. The timeline sees them wrapped, rounded, cut, spliced and without decoding times, from fixed seeds.
#include "encoder/source/timeline.hpp"

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <cstdlib>
#include <limits>
#include <random>
#include <vector>

using namespace troupe::av;

BOOST_AUTO_TEST_SUITE(timeline_test)

namespace {

constexpr int64_t wrap33 = int64_t{1} << 33;
constexpr int64_t second = 90'000;

timeline_track video(int reorder = 0, int64_t wrap = wrap33) {
  timeline_track result;
  result.frame_rate = {25, 1};
  result.reorder_frames = reorder;
  result.wrap = wrap;
  return result;
}

timeline_track audio(int rate = 48'000, int64_t rounding = 1, int64_t wrap = wrap33) {
  timeline_track result;
  result.audio = true;
  result.sample_rate = rate;
  result.rounding = rounding;
  result.wrap = wrap;
  return result;
}

source_times at(int64_t dts, int64_t duration = 3600) {
  source_times result;
  result.pts = result.dts = dts;
  result.duration = duration;
  return result;
}

source_times sound(int64_t pts, int64_t samples = 1024) {
  source_times result;
  result.pts = result.dts = pts;
  result.samples = samples;
  return result;
}

struct event {
  size_t track;
  int64_t pts;
  int64_t dts;
  int64_t order; ///< place in the file
};

/// True times: `frames` pictures in the decoding order I P B B P B B …, and as much sound: frames of 1024 samples at
/// 44.1 kHz. Pictures are `lead` ticks earlier in the file than sound of the same time.
std::vector<event> make_truth(int frames, int64_t base, int64_t lead) {
  std::vector<event> result;
  for (int i = 0; i < frames; ++i) {
    auto place = i == 0 ? 0 : i % 3 == 1 ? i + 2 : i - 1;
    result.push_back({0, base + place * 3600, base + (i - 1) * 3600, base + (i - 1) * 3600 - lead});
  }
  auto length = frames * 3600;
  for (int64_t n = 0;; ++n) {
    auto pts = av_rescale_rnd(n * 1024, 90'000, 44'100, AV_ROUND_NEAR_INF);
    if (pts >= length)
      break;
    result.push_back({1, base + pts, base + pts, base + pts});
  }
  std::stable_sort(result.begin(), result.end(), [](const event& a, const event& b) { return a.order < b.order; });
  return result;
}

int64_t wrapped(int64_t x) {
  return ((x % wrap33) + wrap33) % wrap33;
}

} // namespace

BOOST_AUTO_TEST_CASE(the_source_s_own_times_are_kept) {
  timeline uut;
  auto v = uut.add_track(video());
  auto a = uut.add_track(audio());
  BOOST_TEST(uut.place(v, at(123'456'789))->dts == 123'456'789);
  BOOST_TEST(uut.place(a, sound(123'450'000))->pts == 123'450'000);
  BOOST_TEST(uut.place(v, at(123'460'389))->pts == 123'460'389);
  BOOST_TEST(uut.jumps() == 0u);
}

BOOST_AUTO_TEST_CASE(a_wrap_is_not_a_jump) {
  timeline uut;
  auto v = uut.add_track(video());
  auto a = uut.add_track(audio());
  auto start = wrap33 - 5 * 3600;
  for (int i = 0; i < 20; ++i) {
    auto x = uut.place(v, at(wrapped(start + i * 3600)));
    BOOST_TEST(x->dts == start + i * 3600);
    BOOST_TEST(!x->discontinuity);
  }
  // This track begins after the wrap, and still gets times next to those of the other track.
  BOOST_TEST(uut.place(a, sound(10'000))->pts == wrap33 + 10'000);
  BOOST_TEST(uut.jumps() == 0u);
}

BOOST_AUTO_TEST_CASE(tracks_that_see_a_jump_at_different_places_are_shifted_once) {
  timeline uut;
  auto v = uut.add_track(video());
  auto a = uut.add_track(audio());
  for (int i = 0; i < 25; ++i) {
    uut.place(v, at(second + i * 3600));
    uut.place(a, sound(second + i * 1920));
  }
  auto jumped = uut.place(v, at(1000 * second));
  BOOST_TEST(jumped->discontinuity);
  BOOST_TEST(jumped->dts == second + 25 * 3600);
  // One more second of audio on the old timeline follows.
  for (int i = 25; i < 47; ++i) {
    auto x = uut.place(a, sound(second + i * 1920));
    BOOST_TEST(x->pts == second + i * 1920);
    BOOST_TEST(!x->discontinuity);
  }
  auto follows = uut.place(a, sound(1000 * second + 240));
  BOOST_TEST(follows->discontinuity);
  BOOST_TEST(follows->pts == second + 25 * 3600 + 240);
  BOOST_TEST(!uut.place(v, at(1000 * second + 3600))->discontinuity);
  BOOST_TEST(uut.jumps() == 1u);
}

/// Twenty parts whose timestamps jump. The sound ends 0, 1, 2 or 3 s before the pictures, in turn; in every second part
/// the sound comes first.
BOOST_AUTO_TEST_CASE(sound_that_ends_early_in_each_part_stays_with_its_picture) {
  timeline uut;
  auto v = uut.add_track(video());
  auto a = uut.add_track(audio());
  int64_t worst = 0;
  int pictures = 0;
  int64_t end = no_pts;
  for (int part = 0; part < 20; ++part) {
    auto start = second * (part % 3 == 0 ? 2 : 500 + part * 977);
    auto silent = part % 4 * second; // none, 1, 2 and 3 s
    auto sound_first = part % 2 == 1;
    std::optional<int64_t> shift;
    for (int i = 0; i < 5 * 25; ++i) {
      auto place_sound = [&] {
        for (int k = 0; k < 2; ++k) {
          auto raw = start + (2 * i + k) * 1800;
          if (raw - start >= 5 * second - silent)
            continue;
          source_times x = sound(raw, 960);
          auto placed = uut.place(a, x);
          BOOST_REQUIRE(placed);
          if (i > 0)
            worst = std::max(worst, std::abs(placed->pts - raw - *shift));
        }
      };
      if (sound_first)
        place_sound();
      auto placed = uut.place(v, at(start + i * 3600));
      BOOST_REQUIRE(placed);
      // Pictures of successive parts follow without a hole; an overlap at a joint may cost one picture's length.
      if (end != no_pts)
        BOOST_TEST(std::abs(placed->pts - end) <= 3600, "part " << part << " picture " << i);
      end = placed->pts + 3600;
      shift = placed->pts - (start + i * 3600);
      ++pictures;
      if (!sound_first)
        place_sound();
    }
  }
  BOOST_TEST(pictures == 20 * 125);
  BOOST_TEST(worst <= 90, "sound is off by " << worst << " ticks");
  BOOST_TEST(uut.jumps() >= 19u);
}

BOOST_AUTO_TEST_CASE(a_picture_that_ends_early_leaves_a_hole_and_the_sound_in_its_place) {
  timeline uut;
  auto v = uut.add_track(video());
  auto a = uut.add_track(audio());
  for (int i = 0; i < 50; ++i) {
    uut.place(v, at(i * 3600));
    uut.place(a, sound(i * 3600, 1920));
  }
  for (int i = 50; i < 125; ++i)
    uut.place(a, sound(i * 3600, 1920));
  auto picture = uut.place(v, at(900 * second));
  auto tone = uut.place(a, sound(900 * second, 1920));
  BOOST_TEST(picture->discontinuity);
  BOOST_TEST(tone->discontinuity);
  BOOST_TEST(std::abs(picture->pts - tone->pts) <= 3600);
  auto next = uut.place(v, at(900 * second + 3600));
  BOOST_TEST(next->pts - uut.place(a, sound(900 * second + 3600, 1920))->pts == 0);
  BOOST_TEST(next->pts >= 125 * 3600);
}

BOOST_AUTO_TEST_CASE(a_stream_that_takes_a_track_s_place_goes_on_where_the_track_was) {
  timeline uut;
  auto v = uut.add_track(video());
  auto a = uut.add_track(audio());
  for (int i = 0; i < 100; ++i) {
    uut.place(v, at(second + i * 3600));
    if (i < 50)
      uut.place(a, sound(second + i * 3600, 1920));
  }
  uut.change_track(v, video(1));
  uut.change_track(a, audio(44'100));
  auto tone = uut.place(a, sound(70 * second));
  auto picture = uut.place(v, at(70 * second));
  BOOST_TEST(tone->discontinuity);
  BOOST_TEST(picture->discontinuity);
  BOOST_TEST(std::abs(picture->dts - (second + 100 * 3600)) <= 3600);
  BOOST_TEST(uut.place(a, sound(71 * second))->pts - picture->pts == second);
}

BOOST_AUTO_TEST_CASE(pictures_that_are_never_shown_take_no_time) {
  timeline uut;
  auto v = uut.add_track(video(1, 0));
  auto a = uut.add_track(audio(48'000, 1, 0));
  int64_t last = std::numeric_limits<int64_t>::min();
  for (int pass = 0; pass < 3; ++pass) {
    for (int i = -30; i < 0; ++i) {
      auto x = at(i * 3600);
      x.hidden = true;
      auto placed = uut.place(v, x);
      BOOST_REQUIRE(placed);
      BOOST_TEST(placed->dts > last);
      BOOST_TEST(placed->pts >= placed->dts);
      last = placed->dts;
    }
    for (int i = 0; i < 50; ++i) {
      auto placed = uut.place(v, at(i * 3600));
      BOOST_TEST(placed->pts == (pass * 50 + i) * 3600);
      BOOST_TEST(placed->dts > last);
      last = placed->dts;
      BOOST_TEST(uut.place(a, sound(i * 3600, 1920))->pts == (pass * 50 + i) * 3600);
    }
    uut.restart();
  }
}

BOOST_AUTO_TEST_CASE(a_gap_of_some_seconds_stays_a_gap) {
  timeline uut;
  auto v = uut.add_track(video());
  uut.place(v, at(0));
  auto x = uut.place(v, at(5 * second));
  BOOST_TEST(x->dts == 5 * second);
  BOOST_TEST(!x->discontinuity);
}

BOOST_AUTO_TEST_CASE(a_sparse_picture_is_where_the_sound_is) {
  timeline uut;
  auto v = uut.add_track(video());
  auto a = uut.add_track(audio());
  uut.place(v, at(0));
  for (int i = 0; i < 1500; ++i)
    uut.place(a, sound(i * 1920));
  auto x = uut.place(v, at(1500 * 1920));
  BOOST_TEST(x->dts == 1500 * 1920);
  BOOST_TEST(uut.jumps() == 0u);
}

BOOST_AUTO_TEST_CASE(one_wild_timestamp_moves_nothing_else) {
  timeline uut;
  auto v = uut.add_track(video());
  auto a = uut.add_track(audio());
  uut.place(v, at(0));
  uut.place(a, sound(0));
  uut.place(v, at(777'777'777));
  BOOST_TEST(uut.place(v, at(7200))->dts == 7200);
  BOOST_TEST(uut.place(a, sound(1920))->pts == 1920);
}

BOOST_AUTO_TEST_CASE(a_step_back_goes_on_and_is_flagged) {
  timeline uut;
  auto v = uut.add_track(video());
  uut.place(v, at(10 * second));
  auto x = uut.place(v, at(9 * second));
  BOOST_TEST(x->discontinuity);
  BOOST_TEST(x->dts == 10 * second + 3600);
}

BOOST_AUTO_TEST_CASE(a_missing_dts_is_made_from_the_pts) {
  timeline uut;
  auto v = uut.add_track(video(1));
  auto truth = make_truth(60, second, 0);
  int64_t last = std::numeric_limits<int64_t>::min();
  for (const auto& x : truth) {
    if (x.track != 0)
      continue;
    source_times y;
    y.pts = x.pts;
    y.duration = 3600;
    auto placed = uut.place(v, y);
    BOOST_TEST(placed->pts == x.pts);
    BOOST_TEST(placed->dts == x.dts);
    BOOST_TEST(placed->dts > last);
    last = placed->dts;
  }
}

BOOST_AUTO_TEST_CASE(frames_without_any_time_are_ordered_by_their_picture_order) {
  timeline uut;
  auto v = uut.add_track(video(1, 0));
  for (int gop = 0; gop < 3; ++gop) {
    const int64_t orders[] = {0, 6, 2, 4, 12, 8, 10};
    for (int i = 0; i < 7; ++i) {
      source_times x;
      x.picture_order = orders[i];
      x.picture_order_reset = i == 0;
      auto placed = uut.place(v, x);
      BOOST_TEST(placed->pts == (gop * 7 + orders[i] / 2) * 3600);
      BOOST_TEST(placed->dts == (gop * 7 + i - 1) * 3600);
    }
  }
}

BOOST_AUTO_TEST_CASE(audio_of_millisecond_containers_lies_on_the_exact_grid) {
  timeline uut;
  auto a = uut.add_track(audio(44'100, 45, 0));
  for (int64_t n = 0; n < 100'000; ++n) {
    auto exact = av_rescale_rnd(n * 1024, 90'000, 44'100, AV_ROUND_NEAR_INF);
    auto rounded = av_rescale_rnd(exact, 1000, 90'000, AV_ROUND_NEAR_INF) * 90;
    auto x = uut.place(a, sound(rounded));
    if (x->pts != exact)
      BOOST_REQUIRE_EQUAL(x->pts, exact);
  }
}

BOOST_AUTO_TEST_CASE(a_lost_audio_frame_leaves_a_gap_and_a_repeated_one_is_dropped) {
  timeline uut;
  auto a = uut.add_track(audio());
  uut.place(a, sound(0));
  BOOST_TEST(uut.place(a, sound(2 * 1920))->pts == 2 * 1920);
  BOOST_TEST(!uut.place(a, sound(2 * 1920)));
  BOOST_TEST(uut.place(a, sound(3 * 1920))->pts == 3 * 1920);
}

BOOST_AUTO_TEST_CASE(sound_whose_first_packet_has_no_duration_and_lends_its_time_to_the_second_is_whole) {
  timeline uut;
  auto a = uut.add_track(audio());
  BOOST_TEST(uut.place(a, sound(0))->duration == 1920);
  BOOST_TEST(uut.place(a, sound(0))->pts == 1920);
  BOOST_TEST(!uut.place(a, sound(0)));
  BOOST_TEST(uut.place(a, sound(2 * 1920))->pts == 2 * 1920);
  // If the packet has a duration, a packet with the same time is a repetition.
  timeline other;
  a = other.add_track(audio());
  auto first = sound(0);
  first.duration = 1920;
  other.place(a, first);
  BOOST_TEST(!other.place(a, first));
}

BOOST_AUTO_TEST_CASE(a_loop_begins_at_the_end_of_the_longest_track) {
  timeline uut;
  auto v = uut.add_track(video(1, 0));
  auto a = uut.add_track(audio(44'100, 1, 0));
  auto truth = make_truth(31, 0, 0);
  auto end = int64_t{31} * 3600;
  for (const auto& x : truth)
    if (x.track == 1)
      end = std::max(end, x.pts + 2090);
  int64_t last[2] = {-second, -second};
  for (int pass = 0; pass < 4; ++pass) {
    for (const auto& x : truth) {
      auto y = x.track == 0 ? at(0) : sound(x.pts);
      y.pts = x.pts;
      y.dts = x.dts;
      auto placed = uut.place(x.track == 0 ? v : a, y);
      BOOST_REQUIRE(placed);
      BOOST_TEST(std::abs(placed->pts - (x.pts + pass * end)) <= pass);
      BOOST_TEST(placed->dts > last[x.track]);
      last[x.track] = placed->dts;
    }
    uut.restart();
  }
  BOOST_TEST(uut.jumps() == 0u);
}

BOOST_AUTO_TEST_CASE(any_source_comes_out_monotone_and_in_sync) {
  for (uint32_t seed = 1; seed <= 60; ++seed) {
    BOOST_TEST_CONTEXT("seed " << seed) {
      std::mt19937 random{seed};
      auto pick = [&random](int64_t from, int64_t to) {
        return std::uniform_int_distribution<int64_t>{from, to}(random);
      };
      timeline uut;
      uut.add_track(video(1));
      uut.add_track(audio(44'100));
      auto base = pick(0, wrap33);
      auto truth = make_truth(3000, base, pick(0, second * 7 / 10));
      int64_t offset = 0;
      int64_t worst = 0;
      uint64_t splices = 0;
      int64_t last[2] = {std::numeric_limits<int64_t>::min(), std::numeric_limits<int64_t>::min()};
      int until_splice = static_cast<int>(pick(200, 2000));
      bool strip_dts = seed % 3 == 0;
      int64_t first = no_pts;
      for (const auto& x : truth) {
        if (--until_splice == 0) {
          until_splice = static_cast<int>(pick(300, 3000));
          offset += pick(0, 1) ? pick(12 * second, wrap33 / 3) : -pick(3 * second, wrap33 / 3);
          ++splices;
        }
        source_times y;
        y.pts = wrapped(x.pts + offset + (x.track == 1 ? pick(-2, 2) : 0));
        y.dts = strip_dts && x.track == 0 ? no_pts : y.pts;
        if (x.track == 0 && !strip_dts)
          y.dts = wrapped(x.dts + offset);
        y.duration = x.track == 0 ? 3600 : 0;
        y.samples = x.track == 0 ? 0 : 1024;
        auto placed = uut.place(x.track, y);
        BOOST_REQUIRE(placed);
        BOOST_REQUIRE(placed->dts > last[x.track]);
        BOOST_REQUIRE(placed->pts >= placed->dts);
        last[x.track] = placed->dts;
        // Timelines that differ by whole wraps are equivalent; the first packet tells which of them was chosen.
        if (first == no_pts)
          first = ((placed->pts - x.pts) / wrap33) * wrap33;
        worst = std::max(worst, std::abs(placed->pts - x.pts - first));
      }
      BOOST_TEST(uut.jumps() == splices);
      // Each splice may shift the times: by a rounding error of its first packet, or, without decoding times, by up to
      // three pictures.
      auto allowed = static_cast<int64_t>(splices) * (strip_dts ? 3 * 3600 : 4) + 4;
      BOOST_TEST(worst <= allowed);
    }
  }
}

BOOST_AUTO_TEST_CASE(absurd_numbers_do_no_harm) {
  std::mt19937_64 random{7};
  timeline uut;
  uut.add_track(video(3));
  uut.add_track(audio());
  uut.add_track(audio(0));
  int64_t last[3] = {std::numeric_limits<int64_t>::min(), std::numeric_limits<int64_t>::min(),
                     std::numeric_limits<int64_t>::min()};
  for (int i = 0; i < 20'000; ++i) {
    auto number = [&random] {
      switch (random() % 6) {
      case 0:
        return no_pts;
      case 1:
        return std::numeric_limits<int64_t>::max();
      case 2:
        return static_cast<int64_t>(random());
      default:
        return static_cast<int64_t>(random() % 1'000'000);
      }
    };
    auto track = random() % 3;
    source_times x;
    x.pts = number();
    x.dts = number();
    x.duration = number();
    x.samples = number();
    if (random() % 2)
      x.picture_order = number();
    if (random() % 500 == 0)
      uut.restart();
    if (auto placed = uut.place(track, x)) {
      BOOST_REQUIRE(placed->dts > last[track]);
      BOOST_REQUIRE(placed->pts >= placed->dts);
      BOOST_REQUIRE(placed->duration >= 0);
      last[track] = placed->dts;
    }
  }
}

BOOST_AUTO_TEST_CASE(what_an_edit_list_hides_has_its_place_in_order_and_moves_nothing) {
  timeline::limits limits;
  limits.keep_presentation = true;
  limits.jump = limits.start_spread = 24 * 3600 * second;
  timeline x{limits};
  x.add_track(video(2, 0));
  struct step {
    int64_t pts; // in pictures, as the container has it
    int64_t dts;
    bool hidden;
    int64_t want_pts; // ticks; `no_pts` where only the order counts
  };
  constexpr int64_t frame = 3600;
  const std::vector<step> steps{{-3, -5, true, -3 * frame}, {1, -4, false, frame},     {-1, -3, true, -frame},
                                {0, -2, false, 0},          {2, -1, false, 2 * frame}, {4, 0, true, no_pts},
                                {3, 1, true, no_pts},                              // after the end of the first edit
                                {-2, -4, true, no_pts},     {0, -3, true, no_pts}, // before the second one begins
                                {5, 1, false, 5 * frame},   {3, 2, false, 3 * frame},  {4, 3, false, 4 * frame}};
  auto last = std::numeric_limits<int64_t>::min();
  for (const auto& s : steps) {
    BOOST_TEST_CONTEXT("decoded at " << s.dts << ", shown at " << s.pts) {
      source_times given;
      given.pts = s.pts * frame;
      given.dts = s.dts * frame;
      given.duration = frame;
      given.hidden = s.hidden;
      auto placed = x.place(0, given);
      BOOST_REQUIRE(placed.has_value());
      BOOST_TEST(placed->dts > last);
      BOOST_TEST(placed->dts <= placed->pts);
      BOOST_TEST(!placed->discontinuity);
      if (s.want_pts != no_pts)
        BOOST_TEST(placed->pts == s.want_pts);
      last = placed->dts;
    }
  }
  BOOST_TEST(x.jumps() == 0u);
}

BOOST_AUTO_TEST_SUITE_END()
