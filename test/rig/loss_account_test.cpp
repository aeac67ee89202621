// Goal: a client's losses and repetitions are counted exactly, to the picture and to the sample.
// Method: made-up observations of a perfect viewing, with a loss, a repetition, a swap or a shift at a known place.
#include "rig/loss_account.hpp"

#include <boost/test/unit_test.hpp>

#include <cmath>
#include <cstdint>

using namespace troupe::bench;

BOOST_AUTO_TEST_SUITE(loss_account_test)

namespace {

constexpr int sample_rate = 48'000;
constexpr uint32_t frame_samples = 1024;

/// Ten seconds from picture 100 on: 25 pictures a second, 1024 samples a frame, a mark each second. Timestamps are
/// rounded as MPEG-TS does.
observations perfect() {
  auto rounded = [](double seconds) { return std::round(seconds * 90'000) / 90'000; };
  observations result;
  result.sample_rate = sample_rate;
  for (uint32_t i = 0; i < 250; ++i) {
    frame_seen x;
    x.number = 100 + i;
    x.seconds = rounded(1.4 + i / 25.0);
    x.arrived = wall_clock::time_point{std::chrono::milliseconds{40 * i}};
    result.frames.push_back(x);
  }
  for (uint32_t i = 0; i < 468; ++i)
    result.sounds.push_back({rounded(1.4 + i * double{frame_samples} / sample_rate), frame_samples, 0.15});
  for (int i = 1; i < 10; ++i)
    result.markers.push_back({1.4 + i, (4 + i) % tone_pitches});
  return result;
}

loss_account count(const observations& seen, uint32_t step = 1) {
  return account_of(seen, {25, step});
}

void erase_frames(observations& from, size_t first, size_t n) {
  auto at = from.frames.begin() + static_cast<std::ptrdiff_t>(first);
  from.frames.erase(at, at + static_cast<std::ptrdiff_t>(n));
}

void erase_sounds(observations& from, size_t first, size_t n) {
  auto at = from.sounds.begin() + static_cast<std::ptrdiff_t>(first);
  from.sounds.erase(at, at + static_cast<std::ptrdiff_t>(n));
}

} // namespace

BOOST_AUTO_TEST_CASE(a_perfect_viewing_is_exact) {
  auto x = count(perfect());
  BOOST_TEST(x.exact());
  BOOST_TEST(x.frames == 250u);
  BOOST_TEST(x.audio_samples == 468u * frame_samples);
  BOOST_TEST(x.marks == 9u);
}

BOOST_AUTO_TEST_CASE(lost_pictures_are_counted_each) {
  auto seen = perfect();
  erase_frames(seen, 200, 7);
  erase_frames(seen, 50, 1);
  auto x = count(seen);
  BOOST_TEST(x.frames_lost == 8u);
  BOOST_TEST(x.frames_repeated == 0u);
  BOOST_TEST(x.frames_out_of_order == 0u);
  BOOST_TEST(!x.exact());
}

BOOST_AUTO_TEST_CASE(a_picture_whose_number_cannot_be_read_is_lost) {
  auto seen = perfect();
  seen.frames[30].number.reset();
  BOOST_TEST(count(seen).frames_lost == 1u);
}

BOOST_AUTO_TEST_CASE(repeated_pictures_are_counted_each) {
  auto seen = perfect();
  auto at = seen.frames.begin();
  std::vector<frame_seen> again{at + 90, at + 95};
  seen.frames.insert(at + 95, again.begin(), again.end());
  auto x = count(seen);
  BOOST_TEST(x.frames_repeated == 5u);
  BOOST_TEST(x.frames_lost == 0u);
  BOOST_TEST(!x.exact());
}

BOOST_AUTO_TEST_CASE(swapped_pictures_are_out_of_order_and_neither_lost_nor_repeated) {
  auto seen = perfect();
  std::swap(seen.frames[60], seen.frames[61]);
  auto x = count(seen);
  BOOST_TEST(x.frames_out_of_order == 1u);
  BOOST_TEST(x.frames_lost == 0u);
  BOOST_TEST(x.frames_repeated == 0u);
  BOOST_TEST(!x.exact());
}

BOOST_AUTO_TEST_CASE(a_picture_at_the_time_of_another_is_misplaced) {
  auto seen = perfect();
  for (size_t i = 240; i < seen.frames.size(); ++i)
    seen.frames[i].seconds += 0.04;
  auto x = count(seen);
  BOOST_TEST(x.frames_misplaced == 10u);
  BOOST_TEST(x.frames_lost == 0u);
  BOOST_TEST(!x.exact());
}

BOOST_AUTO_TEST_CASE(a_rendition_of_half_the_rate_loses_only_what_it_would_show) {
  auto seen = perfect();
  for (size_t i = seen.frames.size(); i-- > 0;)
    if (i % 2 != 0)
      erase_frames(seen, i, 1);
  BOOST_TEST(count(seen, 2).exact());
  BOOST_TEST(count(seen, 1).frames_lost == 124u);
  // Frame 70 shows the source's next picture, which a rendition of half the rate leaves out.
  ++*seen.frames[70].number;
  auto x = count(seen, 2);
  BOOST_TEST(x.frames_lost == 1u);
  BOOST_TEST(x.frames_repeated == 1u);
}

BOOST_AUTO_TEST_CASE(lost_sound_is_counted_to_the_sample) {
  auto seen = perfect();
  erase_sounds(seen, 300, 3);
  auto x = count(seen);
  BOOST_TEST(std::abs(static_cast<double>(x.audio_samples_lost) - 3.0 * frame_samples) <= 1);
  BOOST_TEST(x.audio_samples_repeated == 0u);
  BOOST_TEST(x.frames_lost == 0u);
  BOOST_TEST(!x.exact());
}

BOOST_AUTO_TEST_CASE(repeated_sound_is_counted_to_the_sample) {
  auto seen = perfect();
  auto at = seen.sounds.begin();
  std::vector<sound_seen> again{at + 100, at + 102};
  seen.sounds.insert(at + 102, again.begin(), again.end());
  auto x = count(seen);
  // The sound's time steps back by two frames, and continues from there.
  BOOST_TEST(std::abs(static_cast<double>(x.audio_samples_repeated) - 2.0 * frame_samples) <= 1);
  BOOST_TEST(x.audio_samples_lost == 0u);
}

BOOST_AUTO_TEST_CASE(a_few_samples_at_each_joint_add_up_to_a_loss) {
  auto seen = perfect();
  for (size_t i = 0; i < seen.sounds.size(); ++i) {
    auto joints = i / 50;
    seen.sounds[i].seconds += 2.0 * static_cast<double>(joints) / sample_rate; // two samples at each of nine joints
  }
  auto x = count(seen);
  BOOST_TEST(x.audio_samples_lost >= 15u);
  BOOST_TEST(x.audio_samples_lost <= 19u);
}

BOOST_AUTO_TEST_CASE(sound_that_is_pushed_under_smooth_timestamps_is_found_by_its_marks) {
  auto later = perfect();
  for (size_t i = 5; i < later.markers.size(); ++i)
    later.markers[i].seconds += double{frame_samples} / sample_rate;
  auto x = count(later);
  BOOST_TEST(x.audio_samples_repeated == frame_samples);
  BOOST_TEST(x.audio_samples_lost == 0u);
  auto earlier = perfect();
  for (size_t i = 5; i < earlier.markers.size(); ++i)
    earlier.markers[i].seconds -= double{frame_samples} / sample_rate;
  x = count(earlier);
  BOOST_TEST(x.audio_samples_lost == frame_samples);
  BOOST_TEST(x.audio_samples_repeated == 0u);
}

BOOST_AUTO_TEST_CASE(whole_seconds_that_are_left_out_are_told_by_the_pitch) {
  auto seen = perfect();
  for (size_t i = 5; i < seen.markers.size(); ++i)
    seen.markers[i].pitch = (seen.markers[i].pitch + 2) % tone_pitches;
  auto x = count(seen);
  BOOST_TEST(x.audio_samples_lost == 2u * sample_rate);
}

BOOST_AUTO_TEST_CASE(silence_in_the_place_of_sound_is_lost_sound) {
  auto seen = perfect();
  seen.sounds[0].level = 0; // an encoder's beginning
  BOOST_TEST(count(seen).exact());
  seen.sounds[200].level = 0;
  BOOST_TEST(count(seen).audio_samples_lost == frame_samples);
}

BOOST_AUTO_TEST_CASE(a_mark_that_the_sound_begins_in_is_not_judged) {
  auto seen = perfect();
  seen.markers.insert(seen.markers.begin(), {1.3955, 4});
  auto x = count(seen);
  BOOST_TEST(x.exact());
  BOOST_TEST(x.marks == 9u);
}

BOOST_AUTO_TEST_CASE(an_end_that_nobody_asked_for_is_a_disconnect) {
  auto seen = perfect();
  seen.ended = true;
  BOOST_TEST(count(seen).disconnects == 1u);
  BOOST_TEST(!count(seen).exact());
}

BOOST_AUTO_TEST_CASE(accounts_add_up) {
  auto seen = perfect();
  erase_frames(seen, 10, 2);
  auto sum = count(seen);
  sum += count(perfect());
  BOOST_TEST(sum.frames_lost == 2u);
  BOOST_TEST(sum.frames == 498u);
  BOOST_TEST(sum.marks == 18u);
}

BOOST_AUTO_TEST_CASE(the_longest_gap_is_that_around_the_fault) {
  auto seen = perfect();
  auto at = [](int ms) { return wall_clock::time_point{std::chrono::milliseconds{ms}}; };
  erase_frames(seen, 101, 10); // from 4000 to 4440 ms
  auto arrivals = arrivals_of(seen);
  BOOST_TEST(longest_gap_ms(arrivals, at(3'990), at(6'000)) == 440);
  BOOST_TEST(longest_gap_ms(arrivals, at(4'200), at(4'300)) == 440);
  BOOST_TEST(longest_gap_ms(arrivals, at(4'500), at(6'000)) == 40);
  BOOST_TEST(longest_gap_ms(arrivals, at(20'000), at(21'000)) == 0);
  BOOST_TEST(percentile_of(spacings_ms(arrivals, at(0), at(4'000)), 1) == 40);
}

BOOST_AUTO_TEST_CASE(a_repeated_picture_does_not_end_a_gap) {
  auto seen = perfect();
  erase_frames(seen, 101, 10);
  auto again = seen.frames[100];
  again.arrived += std::chrono::milliseconds{200};
  seen.frames.insert(seen.frames.begin() + 101, again);
  auto at = [](int ms) { return wall_clock::time_point{std::chrono::milliseconds{ms}}; };
  BOOST_TEST(longest_gap_ms(arrivals_of(seen), at(3'990), at(6'000)) == 440);
}

BOOST_AUTO_TEST_CASE(percentiles_are_by_nearest_rank) {
  BOOST_TEST(percentile_of({}, 0.5) == 0);
  BOOST_TEST(percentile_of({3, 1, 2, 4}, 0.5) == 2);
  BOOST_TEST(percentile_of({3, 1, 2, 4}, 0.99) == 4);
  BOOST_TEST(percentile_of({7}, 0.01) == 7);
}

BOOST_AUTO_TEST_SUITE_END()
