// What a conversion saves: the rule, the order of chunks, and predictions against simulated films.
#include "core/library/savings.hpp"

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <numeric>
#include <random>

using namespace troupe::core;

BOOST_AUTO_TEST_SUITE(savings_test)

BOOST_AUTO_TEST_CASE(savings_of_4_9_percent_are_refused_and_of_5_1_percent_taken) {
  BOOST_TEST(!saves_enough(100'000, 95'100, usual_min_savings));
  BOOST_TEST(saves_enough(100'000, 94'900, usual_min_savings));
  BOOST_TEST(!saves_enough(0, 1, usual_min_savings));
}

BOOST_AUTO_TEST_CASE(the_first_chunks_are_spread_and_each_chunk_comes_once) {
  for (uint32_t chunks = 0; chunks < 60; ++chunks)
    for (uint32_t spread = 0; spread < 12; ++spread) {
      auto order = spread_order(chunks, spread);
      BOOST_REQUIRE(order.size() == chunks);
      std::vector<uint32_t> sorted = order;
      std::ranges::sort(sorted);
      for (uint32_t i = 0; i < chunks; ++i)
        BOOST_TEST(sorted[i] == i);
      auto first = std::min(chunks, spread);
      for (uint32_t i = 0; 2 * first <= chunks && i < first; ++i) // one in each of the equal parts
        BOOST_TEST(uint64_t{order[i]} * first / chunks == i);
    }
}

BOOST_AUTO_TEST_CASE(a_prediction_compares_bytes_of_equal_places) {
  savings_prediction x{{1'000'000, 900'000, 100'000, 20}, usual_min_savings};
  BOOST_TEST(!x.predicted());
  x.add(10'000, 5'000);
  BOOST_TEST(x.predicted().value() == 550'000);
  x.add(30'000, 5'000);
  BOOST_TEST(x.predicted().value() == 325'000);
  BOOST_TEST(!x.should_abort());
}

// A clip that would grow is left alone before half of its chunks are made, and one that saves is not.
BOOST_AUTO_TEST_CASE(a_film_that_grows_is_left_early_and_one_that_saves_is_finished) {
  auto wrongly_left = 0;
  for (uint32_t seed = 1; seed <= 2000; ++seed) {
    std::mt19937_64 random{seed};
    std::uniform_real_distribution<> noise{0.9, 1.1};
    auto chunks = static_cast<uint32_t>(3 + random() % 100);
    auto grows = seed % 2 == 0;
    auto ratio = grows ? 1.5 : 0.6;
    std::vector<std::pair<uint64_t, uint64_t>> film; // bytes of the source and of the result, by chunk
    for (uint32_t i = 0; i < chunks; ++i) {
      auto source = 1'000'000 + random() % 1'000'000;
      film.emplace_back(source, static_cast<uint64_t>(static_cast<double>(source) * ratio * noise(random)));
    }
    uint64_t video = 0;
    for (auto [source, result] : film)
      video += source;
    savings_prediction x{{video + video / 10, video, video / 20, chunks}, usual_min_savings};
    auto made = 0u;
    auto left = false;
    for (auto i : spread_order(chunks, 8)) {
      x.add(film[i].first, film[i].second);
      ++made;
      left = x.should_abort();
      if (left)
        break;
    }
    if (grows) {
      BOOST_TEST(left, "seed " << seed);
      BOOST_TEST(2 * made < chunks + 1);
    } else {
      wrongly_left += left ? 1 : 0;
    }
  }
  BOOST_TEST(wrongly_left == 0);
}

BOOST_AUTO_TEST_SUITE_END()
