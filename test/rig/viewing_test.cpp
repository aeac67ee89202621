// Goal: a viewing's counts are true: loops are no losses, losses are no loops, and every fault becomes a problem.
// Method: observations written by hand.
#include "rig/viewing.hpp"

#include <boost/test/unit_test.hpp>

#include <algorithm>

using namespace troupe::bench;

BOOST_AUTO_TEST_SUITE(viewing_test)

namespace {

/// Pictures with these numbers, 40 ms apart, and the sound that belongs to them.
observations pictures(const std::vector<uint32_t>& numbers) {
  observations result;
  for (auto number : numbers) {
    frame_seen frame;
    frame.number = number;
    frame.seconds = static_cast<double>(result.frames.size()) * 0.04;
    if (number % 25 == 0)
      result.markers.push_back({frame.seconds, static_cast<int>(number / 25 % tone_pitches)});
    result.frames.push_back(frame);
  }
  result.audio_samples = numbers.size() * 1920;
  return result;
}

std::vector<uint32_t> numbers(uint32_t from, uint32_t to) {
  std::vector<uint32_t> result;
  for (auto number = from; number < to; ++number)
    result.push_back(number);
  return result;
}

std::vector<uint32_t> operator+(std::vector<uint32_t> one, const std::vector<uint32_t>& two) {
  one.insert(one.end(), two.begin(), two.end());
  return one;
}

bool complains(const viewing& result, const std::string& of, const expectations& expected = {}) {
  auto found = problems(result, expected);
  return std::any_of(found.begin(), found.end(), [&](auto& problem) { return problem.find(of) != std::string::npos; });
}

} // namespace

BOOST_AUTO_TEST_CASE(a_whole_viewing_has_no_problem) {
  auto result = summarise(pictures(numbers(0, 100)));
  BOOST_TEST(problems(result).empty());
  BOOST_TEST(result.coded == 100u);
  BOOST_TEST(result.first_number == 0u);
  BOOST_TEST(result.last_number == 99u);
  BOOST_TEST(result.offsets == 4u);
  BOOST_TEST(std::abs(result.frame_ms - 40) < 1e-6);
}

BOOST_AUTO_TEST_CASE(a_loop_loses_nothing) {
  for (uint32_t loop_frames : {0u, 100u}) {
    auto result = summarise(pictures(numbers(50, 100) + numbers(0, 100) + numbers(0, 30)), loop_frames);
    BOOST_TEST(problems(result).empty());
    BOOST_TEST(result.loops == 2u);
    BOOST_TEST(result.missing == 0u);
  }
}

BOOST_AUTO_TEST_CASE(frames_lost_around_a_known_loop_are_counted) {
  auto result = summarise(pictures(numbers(50, 95) + numbers(3, 60)), 100);
  BOOST_TEST(result.loops == 1u);
  BOOST_TEST(result.missing == 8u);
  BOOST_TEST(complains(result, "8 pictures missing"));
}

BOOST_AUTO_TEST_CASE(missing_repeated_and_late_pictures_are_told_apart) {
  auto missing = summarise(pictures(numbers(0, 40) + numbers(45, 100)));
  BOOST_TEST(missing.missing == 5u);
  BOOST_TEST(missing.repeated == 0u);
  auto repeated = summarise(pictures(numbers(0, 40) + numbers(39, 100)));
  BOOST_TEST(repeated.repeated == 1u);
  BOOST_TEST(repeated.missing == 0u);
  auto late = summarise(pictures(numbers(0, 40) + std::vector<uint32_t>{41, 40} + numbers(42, 100)));
  BOOST_TEST(late.out_of_order == 1u);
  BOOST_TEST(late.missing == 0u);
  BOOST_TEST(late.repeated == 0u);
  expectations other_rate;
  other_rate.every_frame_once = false;
  BOOST_TEST(!complains(missing, "missing", other_rate));
  BOOST_TEST(!complains(repeated, "repeated", other_rate));
  BOOST_TEST(complains(late, "out of order", other_rate));
}

BOOST_AUTO_TEST_CASE(a_late_picture_after_the_loop_belongs_to_the_round_before) {
  auto result = summarise(pictures(numbers(50, 99) + std::vector<uint32_t>{0, 99} + numbers(1, 30)), 100);
  BOOST_TEST(result.missing == 0u);
  BOOST_TEST(result.out_of_order == 1u);
}

BOOST_AUTO_TEST_CASE(sound_that_is_off_is_a_problem) {
  auto seen = pictures(numbers(0, 100));
  for (auto& marker : seen.markers)
    marker.seconds += 0.1;
  auto result = summarise(seen);
  BOOST_TEST(std::abs(result.offset_ms.median - 100) < 1e-6);
  BOOST_TEST(complains(result, "100.0 ms away"));
  seen.markers[1].seconds -= 0.25;
  result = summarise(seen);
  BOOST_TEST(std::abs(result.offset_ms.min + 150) < 1e-6);
  BOOST_TEST(std::abs(result.offset_ms.max - 100) < 1e-6);
}

BOOST_AUTO_TEST_CASE(sound_of_another_second_is_a_problem) {
  auto seen = pictures(numbers(0, 100));
  for (auto& marker : seen.markers)
    marker.pitch = (marker.pitch + 1) % tone_pitches;
  auto result = summarise(seen);
  BOOST_TEST(result.pitch_errors == 4u);
  BOOST_TEST(complains(result, "another second"));
}

BOOST_AUTO_TEST_CASE(the_marker_interval_follows_the_frame_rate) {
  // 30000/1001 fps: a marker each 30 frames, 1.001 s apart.
  observations seen;
  for (uint32_t number = 0; number < 150; ++number) {
    frame_seen frame;
    frame.number = number;
    frame.seconds = 10 + number * 1001 / 30'000.0;
    seen.frames.push_back(frame);
    if (number % 30 == 0)
      seen.markers.push_back({frame.seconds, static_cast<int>(number / 30)});
  }
  seen.audio_samples = 1;
  auto result = summarise(seen);
  BOOST_TEST(result.offsets == 5u);
  BOOST_TEST(std::abs(result.offset_ms.max) < 1e-6);
}

BOOST_AUTO_TEST_CASE(what_did_not_come_is_a_problem) {
  BOOST_TEST(complains(summarise({}), "no pictures"));
  BOOST_TEST(complains(summarise({}), "no sound"));
  expectations nothing;
  nothing.video = false;
  nothing.audio = false;
  BOOST_TEST(problems(summarise({}), nothing).empty());
}

BOOST_AUTO_TEST_CASE(each_fault_has_its_words) {
  auto seen = pictures(numbers(0, 100));
  seen.decode_errors = 1;
  seen.corrupt_packets = 2;
  seen.dts_violations = 3;
  seen.ended = true;
  seen.is_network = true;
  seen.frames[50].number.reset();
  seen.frames[60].seconds = seen.frames[59].seconds;
  seen.frozen_frames = 99;
  seen.audio_gaps = {0.01, -0.2};
  auto result = summarise(seen);
  for (auto* words : {"1 decode errors", "2 corrupt packets", "3 decoding timestamps", "ended early",
                      "without a readable code", "go back in time", "stand still", "200.0 ms in the sound"})
    BOOST_TEST(complains(result, words), words);
}

BOOST_AUTO_TEST_CASE(a_film_without_codes_is_judged_by_its_timestamps) {
  auto seen = pictures(numbers(0, 100));
  for (auto& frame : seen.frames)
    frame.number.reset();
  seen.markers.clear();
  seen.audio_end_seconds = 4;
  BOOST_TEST(problems(summarise(seen)).empty());
  seen.audio_end_seconds = 2;
  BOOST_TEST(complains(summarise(seen), "sound ends -2000 ms"));
}

BOOST_AUTO_TEST_SUITE_END()
