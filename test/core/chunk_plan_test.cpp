// Goal: a file is cut only at its random-access points, into windows that together cover all of it, with the requested
// length or one that suits the workers. Method: access points at even, uneven and random distances, from seeds.
#include "core/jobs/chunk_plan.hpp"

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <limits>
#include <random>

using namespace troupe::core;

BOOST_AUTO_TEST_SUITE(chunk_plan_test)

namespace {

constexpr int64_t second = 90'000;

/// A film at 25 pictures a second with an access point every `gop` pictures.
chunk_request film(int64_t seconds, int64_t gop = 50, int64_t origin = 0) {
  chunk_request result;
  for (int64_t n = 0; n < seconds * 25; n += gop)
    result.points.push_back({origin + n * 3'600, static_cast<uint64_t>(n)});
  result.end = origin + seconds * second;
  result.pictures = static_cast<uint64_t>(seconds * 25);
  return result;
}

void check_whole(const chunk_request& from, const std::vector<planned_chunk>& made) {
  BOOST_REQUIRE(!made.empty());
  BOOST_TEST(made.front().from == std::numeric_limits<int64_t>::min());
  BOOST_TEST(made.back().to == std::numeric_limits<int64_t>::max());
  uint64_t pictures = 0;
  int64_t ticks = 0;
  for (size_t i = 0; i < made.size(); ++i) {
    ticks += made[i].ticks;
    pictures += made[i].pictures.value_or(0);
    BOOST_TEST(made[i].ticks > 0);
    if (i == 0)
      continue;
    BOOST_TEST(made[i].from == made[i - 1].to);
    BOOST_TEST(
      std::any_of(from.points.begin(), from.points.end(), [&](const cut_point& x) { return x.pts == made[i].from; }));
  }
  BOOST_TEST(pictures == from.pictures);
  BOOST_TEST(ticks == from.end - from.points.front().pts);
}

} // namespace

BOOST_AUTO_TEST_CASE(a_length_in_seconds_is_kept_as_far_as_the_source_allows) {
  auto request = film(120, 50, 900'000);
  request.target_ticks = 10 * second;
  auto made = plan_chunks(request);
  check_whole(request, made);
  BOOST_TEST(made.size() == 12);
  for (const auto& x : made)
    BOOST_TEST(std::abs(x.ticks - 10 * second) <= 2 * second);
}

BOOST_AUTO_TEST_CASE(a_length_in_pictures_is_kept_as_far_as_the_source_allows) {
  auto request = film(120);
  request.target_pictures = 500;
  auto made = plan_chunks(request);
  check_whole(request, made);
  BOOST_TEST(made.size() == 6);
  BOOST_TEST(made.front().pictures.value() == 500);
}

BOOST_AUTO_TEST_CASE(there_are_a_few_chunks_for_each_slot_of_a_long_film) {
  auto request = film(600);
  request.slots = 8;
  auto made = plan_chunks(request);
  check_whole(request, made);
  BOOST_TEST(made.size() == 8 * chunks_per_slot);
}

BOOST_AUTO_TEST_CASE(chunks_are_neither_too_short_for_the_encoder_nor_too_long_to_lose) {
  auto request = film(60);
  request.slots = 64;
  BOOST_TEST(plan_chunks(request).size() == 4);
  request = film(7200);
  request.slots = 2;
  for (const auto& x : plan_chunks(request))
    BOOST_TEST(x.ticks <= request.lengths.longest + 2 * second);
}

BOOST_AUTO_TEST_CASE(no_slot_works_on_a_last_chunk_alone_where_there_are_few) {
  for (uint32_t slots : {2u, 3u, 4u}) {
    auto request = film(15 * slots + 20);
    request.slots = slots;
    BOOST_TEST(plan_chunks(request).size() == slots);
  }
}

BOOST_AUTO_TEST_CASE(an_encoder_without_memory_gets_shorter_chunks) {
  BOOST_TEST(usual_chunk_lengths("prores_ks").shortest < usual_chunk_lengths("libx264").shortest);
  BOOST_TEST(usual_chunk_lengths("libsvtav1").shortest > usual_chunk_lengths("libx264").shortest);
  BOOST_TEST(usual_cores("libsvtav1") > usual_cores("libx264"));
}

BOOST_AUTO_TEST_CASE(an_encoder_that_goes_by_time_is_told_a_distance_that_the_source_has) {
  auto fits = [](const chunk_request& x, std::string_view encoder = "libsvtav1") {
    return fitting_key_distance(encoder, x.points, x.end, x.pictures);
  };
  // The encoder's own key picture distance at 25 pictures a second is 161.
  BOOST_TEST(fits(film(120, 25)) == 150u);
  BOOST_TEST(fits(film(120, 24)) == 168u);
  BOOST_TEST(fits(film(120, 1)) == 161u);
  BOOST_TEST(fits(film(120, 125)) == 0u);
  BOOST_TEST(fits(film(120, 25), "libx264") == 0u);
  auto scenes = film(120, 25);
  scenes.points.erase(scenes.points.begin() + 12, scenes.points.begin() + 15);
  BOOST_TEST(fits(scenes) == 0u);
  BOOST_TEST(fits({}) == 0u);
  // Half a minute, with up to four chunks at once: three chunks, with no more key pictures than one chunk would have.
  auto request = film(30, 25);
  request.lengths = usual_chunk_lengths("libsvtav1");
  request.side_by_side = 4;
  BOOST_TEST(plan_chunks(request).size() == 1u);
  request.key_distance = 150;
  request.keys_are_dear = true;
  auto made = plan_chunks(request);
  check_whole(request, made);
  BOOST_TEST(made.size() == 3u);
  for (const auto& x : made)
    BOOST_TEST(x.pictures.value() % 150 == 0u);
}

BOOST_AUTO_TEST_CASE(a_cut_goes_where_a_key_picture_is_anyway_if_that_is_near) {
  auto request = film(600, 25);
  request.slots = 2;
  request.key_distance = 250;
  auto made = plan_chunks(request);
  check_whole(request, made);
  BOOST_TEST(made.size() > 6u);
  for (const auto& x : made)
    BOOST_TEST(x.pictures.value() % 250 == 0u);
  // Half a minute in two chunks: the middle is too far from either of the encoder's own key pictures.
  request = film(30, 25);
  request.slots = 2;
  request.key_distance = 250;
  BOOST_TEST(plan_chunks(request).front().pictures.value() == 375u);
  // If key pictures are costly, there are three chunks, provided that three can be encoded at once.
  request.keys_are_dear = true;
  request.side_by_side = 2;
  BOOST_TEST(plan_chunks(request).size() == 2u);
  request.side_by_side = 3;
  made = plan_chunks(request);
  BOOST_TEST(made.size() == 3u);
  for (const auto& x : made)
    BOOST_TEST(x.pictures.value() == 250u);
  // A requested length is not changed to end at a key picture.
  request.target_ticks = 15 * second;
  made = plan_chunks(request);
  BOOST_REQUIRE(made.size() == 2u);
  BOOST_TEST(made.front().pictures.value() == 375u);
}

BOOST_AUTO_TEST_CASE(a_source_with_one_access_point_is_one_chunk) {
  auto request = film(600, 1'000'000);
  request.slots = 8;
  auto made = plan_chunks(request);
  check_whole(request, made);
  BOOST_TEST(made.size() == 1);
}

BOOST_AUTO_TEST_CASE(a_source_without_video_is_one_window) {
  auto made = plan_chunks({});
  BOOST_REQUIRE(made.size() == 1);
  BOOST_TEST(!made[0].pictures.has_value());
}

BOOST_AUTO_TEST_CASE(pictures_that_cannot_be_counted_are_not) {
  auto request = film(60);
  request.pictures = 0;
  request.target_pictures = 100;
  for (const auto& x : plan_chunks(request))
    BOOST_TEST(!x.pictures.has_value());
}

BOOST_AUTO_TEST_CASE(no_request_makes_more_chunks_than_a_job_may_have) {
  auto request = film(20'000, 25);
  request.target_ticks = 1;
  BOOST_TEST(plan_chunks(request).size() <= chunks_max);
}

BOOST_AUTO_TEST_CASE(any_access_points_give_a_whole) {
  for (unsigned seed = 1; seed <= 200; ++seed) {
    BOOST_TEST_CONTEXT("seed " << seed) {
      std::mt19937 random{seed};
      chunk_request request;
      int64_t at = std::uniform_int_distribution<int64_t>{-1'000'000, 1'000'000}(random);
      uint64_t pictures = 0;
      for (auto count = random() % 100 + 1; count > 0; --count) {
        request.points.push_back({at, pictures});
        auto step = std::uniform_int_distribution<int64_t>{1, 300}(random);
        at += step * 3'600;
        pictures += static_cast<uint64_t>(step);
      }
      request.end = at;
      request.pictures = pictures;
      request.slots = random() % 40;
      if (random() % 2 == 0)
        request.target_ticks = static_cast<int64_t>(random() % 9'000'000) + 1;
      check_whole(request, plan_chunks(request));
    }
  }
}

BOOST_AUTO_TEST_SUITE_END()
