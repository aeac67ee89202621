// When a chunk is made again for its bit rate, and with which rate. The encoder is a function that delivers a share of
// the requested rate.
#include "encoder/chunks/chunk_rate.hpp"

#include <boost/test/unit_test.hpp>

#include <cmath>
#include <functional>
#include <vector>

using troupe::av::chunk_rate;

BOOST_AUTO_TEST_SUITE(chunk_rate_test)

namespace {

constexpr int64_t second = 90'000;

/// The rates that a chunk of ten seconds was made with.
std::vector<int64_t> rates_of(int64_t target, const std::function<double(int64_t)>& encoder) {
  chunk_rate rate{target};
  std::vector<int64_t> result{target};
  while (auto next = rate.again(static_cast<uint64_t>(encoder(result.back()) * 10 / 8), 10 * second))
    result.push_back(*next);
  return result;
}

} // namespace

BOOST_AUTO_TEST_CASE(what_is_near_is_made_once) {
  for (auto share : {0.95, 1.0, 1.05})
    BOOST_TEST(rates_of(1'000'000, [=](int64_t x) { return static_cast<double>(x) * share; }).size() == 1u);
  chunk_rate none{0};
  BOOST_TEST(!none.again(1, 10 * second));
  chunk_rate brief{1'000'000};
  BOOST_TEST(!brief.again(1'000'000, second / 2));
}

BOOST_AUTO_TEST_CASE(one_that_misses_by_a_share_is_right_the_second_time) {
  for (auto share : {0.6, 0.85, 1.2, 2.5}) {
    auto rates = rates_of(1'000'000, [=](int64_t x) { return static_cast<double>(x) * share; });
    BOOST_REQUIRE(rates.size() == 2u);
    BOOST_TEST(static_cast<double>(rates[1]) * share == 1e6, boost::test_tools::tolerance(0.001));
  }
}

BOOST_AUTO_TEST_CASE(one_that_follows_slowly_gets_nearer) {
  // An encoder whose rate has a part that does not depend on the requested rate.
  auto lazy = [](int64_t x) { return 500'000 + static_cast<double>(x) * 0.75; };
  // An encoder like libvpx on noise: twice the requested rate at first, and not in proportion to lower requests.
  auto wild = [](int64_t x) { return 2.1e6 * std::pow(static_cast<double>(x) / 1e6, x > 600'000 ? 1.46 : 1.3); };
  for (auto& encoder : {std::function<double(int64_t)>{lazy}, std::function<double(int64_t)>{wild}}) {
    auto rates = rates_of(1'000'000, encoder);
    BOOST_TEST(rates.size() <= static_cast<size_t>(chunk_rate::tries_max));
    BOOST_TEST(encoder(rates.back()) == 1e6, boost::test_tools::tolerance(chunk_rate::tolerance));
  }
}

BOOST_AUTO_TEST_CASE(pictures_that_need_less_are_left_alone) {
  BOOST_TEST(rates_of(1'000'000, [](int64_t) { return 300'000.0; }).size() == 1u);
  // A higher requested rate does not raise the rate.
  BOOST_TEST(rates_of(1'000'000, [](int64_t) { return 800'000.0; }).size() == 2u);
}

BOOST_AUTO_TEST_SUITE_END()
