// Goal: renditions of a ladder reach players in step, and a late one delays nobody. Method: blocks with chosen times
// come at chosen moments; the moments at which they are handed on are compared.
#include "core/live/ladder_pace.hpp"

#include <boost/test/unit_test.hpp>

using namespace troupe;
using namespace troupe::core;
using namespace std::chrono_literals;

namespace ladder_pace_test {
namespace {

constexpr int64_t frame = 3600; // 40 ms
constexpr auto frame_time = 40ms;

struct pace_fixture {
  /// Lets the time of `n` pictures pass. Each rendition's picture comes `delays` later than it was taken.
  void run(int n, const std::map<std::string, int>& delays) {
    for (auto i = 0; i < n; ++i) {
      ++taken;
      now += frame_time;
      for (auto& [name, delay] : delays)
        if (taken > delay)
          add(name, taken - delay);
      release();
    }
  }

  void add(const std::string& name, int64_t picture) {
    sample_block x;
    x.samples.resize(1);
    x.samples[0].dts = x.samples[0].pts = picture * frame;
    pace.add(name, std::move(x), now);
  }

  void release() {
    for (auto& x : pace.due(now)) {
      auto picture = x.block.samples.front().dts / frame;
      BOOST_TEST(picture == latest[x.rendition] + 1);
      latest[x.rendition] = picture;
    }
  }

  ladder_pace pace;
  ladder_pace::time_point now{1000s};
  int64_t taken = 0;
  std::map<std::string, int64_t> latest;
};

} // namespace
} // namespace ladder_pace_test

BOOST_FIXTURE_TEST_SUITE(ladder_pace_test, pace_fixture)

BOOST_AUTO_TEST_CASE(renditions_are_as_late_as_the_slowest_encoder) {
  run(200, {{"hd", 12}, {"sd", 3}, {"sound", 0}});
  BOOST_TEST(latest["hd"] == taken - 12);
  BOOST_TEST(latest["sd"] == taken - 12);
  BOOST_TEST(latest["sound"] == taken - 12);
}

BOOST_AUTO_TEST_CASE(a_rendition_that_stops_delays_nobody) {
  run(200, {{"hd", 5}, {"sd", 5}});
  run(100, {{"hd", 5}});
  BOOST_TEST(latest["hd"] == taken - 5);
  // What was lost in between comes at once.
  for (auto i = latest["sd"] + 1; i <= taken - 5; ++i)
    add("sd", i);
  release();
  BOOST_TEST(latest["sd"] == taken - 5);
  run(50, {{"hd", 5}, {"sd", 5}});
  BOOST_TEST(latest["hd"] == taken - 5);
  BOOST_TEST(latest["sd"] == taken - 5);
}

BOOST_AUTO_TEST_CASE(nobody_waits_longer_than_a_second_for_a_slow_one) {
  run(400, {{"hd", 100}, {"sound", 0}});
  BOOST_TEST(latest["hd"] == taken - 100);
  BOOST_TEST(latest["sound"] == taken - 25);
}

BOOST_AUTO_TEST_CASE(one_that_ends_or_changes_gives_out_what_it_has_and_is_forgotten) {
  run(200, {{"hd", 12}, {"sound", 0}});
  auto rest = pace.take("sound");
  BOOST_TEST(rest.size() == 12u);
  latest["sound"] += 12;
  BOOST_TEST(pace.take("hd").empty());
  BOOST_TEST(pace.take("other").empty());
  run(10, {{"sound", 0}});
  BOOST_TEST(latest["sound"] == taken);
}

BOOST_AUTO_TEST_CASE(if_all_stop_nothing_is_kept_back) {
  run(200, {{"hd", 12}, {"sound", 0}});
  now += 2s;
  release();
  BOOST_TEST(latest["sound"] == taken);
}

BOOST_AUTO_TEST_SUITE_END()
