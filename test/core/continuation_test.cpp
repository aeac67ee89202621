// A session that continues one whose process was killed: where its renditions begin, what they show until the source
// is there again, and when it begins afresh instead.
#include "test/core/session_fixture.hpp"

#include <boost/test/unit_test.hpp>

#include <vector>

using namespace troupe;
using namespace troupe::core;
using namespace std::chrono_literals;

namespace continuation_test {
namespace {

constexpr int64_t second = ticks_per_second;
constexpr int64_t unix_start = 1'800'000'000'000;

/// A session that starts 3 s after another one was killed. Clients have 101.5 s; the source had sent 103 s.
struct continued_fixture : session_fixture {
  continuation before{{10 * second, unix_start - 96'000}, 101 * second + second / 2, 103 * second, unix_start - 3'000};

  continued_fixture() {
    config.slate = slate_kind::last;
  }

  void start() {
    it.emplace(config, session_id{1}, channel{"news", {}, {"u"}, false}, effects, now, unix_start, before);
    effects.reading["hd"] = 1;
    it->watch(wanting("hd", "libx264"), 1, now);
    ingest = ingest_runs();
  }

  /// What an attempt was sent, absences included: their times.
  std::vector<int64_t> sent_to(attempt_id of) const {
    std::vector<int64_t> result;
    for (auto& x : effects.sent)
      if (x.attempt == of)
        result.push_back(x.block.samples.front().pts);
    return result;
  }

  int64_t spans_begin() const {
    return effects.transcodes.back().spans.at(0).from_pts;
  }

  attempt_id ingest;
};

} // namespace
} // namespace continuation_test

BOOST_FIXTURE_TEST_SUITE(continuation_test, continued_fixture)

BOOST_AUTO_TEST_CASE(it_begins_with_the_slate_where_clients_media_end) {
  start();
  BOOST_TEST(it->status().state == "slate");
  now += 500ms;
  source(ingest, 7 * second, true);
  source(ingest, 7 * second + frame, false);
  auto attempt = transcode_runs();
  auto interval = ticks_of(wanting("hd", "libx264").video.keyframe_interval);
  BOOST_REQUIRE(interval > 0);
  BOOST_REQUIRE(effects.transcodes.back().spans.size() == 1u);
  BOOST_TEST(spans_begin() == before.delivered / interval * interval);
  auto back = 106 * second + second / 2;
  BOOST_TEST((sent_to(attempt) == std::vector{back, back, back + frame}));
  BOOST_TEST(effects.sent[0].block.is_absence());
  BOOST_TEST(it->status().state == "running");
}

BOOST_AUTO_TEST_CASE(its_map_of_times_is_that_of_the_killed_session) {
  start();
  source(ingest, 0, true);
  auto attempt = transcode_runs();
  it->on(sample_batch{attempt, 1, block(spans_begin(), true)}, now);
  it->on(sample_batch{attempt, 2, block(spans_begin() + frame, false)}, now);
  BOOST_REQUIRE(effects.forms.contains("hd"));
  BOOST_TEST((effects.forms["hd"].clock == before.clock));
  BOOST_TEST((effects.delivered["hd"] == std::vector{spans_begin(), spans_begin() + frame}));
}

BOOST_AUTO_TEST_CASE(after_a_long_time_it_begins_afresh) {
  before.unix_ms -= continued_within.count();
  start();
  source(ingest, 7 * second, true);
  transcode_runs();
  BOOST_TEST(effects.transcodes.back().spans.empty());
}

BOOST_AUTO_TEST_CASE(what_was_left_by_a_clock_that_was_ahead_is_not_continued) {
  before.unix_ms = unix_start + 1;
  start();
  source(ingest, 7 * second, true);
  transcode_runs();
  BOOST_TEST(effects.transcodes.back().spans.empty());
}

BOOST_AUTO_TEST_CASE(without_a_slate_it_begins_afresh) {
  config.slate = slate_kind::none;
  start();
  source(ingest, 7 * second, true);
  transcode_runs();
  BOOST_TEST(effects.transcodes.back().spans.empty());
}

BOOST_AUTO_TEST_CASE(a_rendition_that_is_wanted_later_begins_as_usual) {
  start();
  for (int64_t i = 0; i < 200; ++i) {
    now += 40ms;
    source(ingest, i * frame, i % 10 == 0);
  }
  effects.reading["sd"] = 1;
  it->watch(wanting("sd", "libx264"), 2, now);
  transcode_runs(6);
  BOOST_TEST(effects.transcodes.back().spans.empty());
}

BOOST_AUTO_TEST_CASE(a_session_says_what_continues_it) {
  before.unix_ms = 0;
  start();
  BOOST_TEST(!it->to_continue(now).has_value());
  for (int64_t i = 0; i < 25; ++i)
    source(ingest, 7 * second + i * frame, i % 10 == 0);
  auto attempt = transcode_runs();
  BOOST_TEST(!it->to_continue(now).has_value());
  for (int64_t i = 0; i < 10; ++i)
    it->on(sample_batch{attempt, static_cast<uint64_t>(i + 1), block(7 * second + i * frame, i == 0)}, now);
  now += 2s;
  auto x = it->to_continue(now);
  BOOST_REQUIRE(x.has_value());
  BOOST_TEST(x->delivered == 7 * second + 9 * frame);
  BOOST_TEST(x->newest == 9 * second + 25 * frame);
  BOOST_TEST(x->unix_ms == unix_start + 2'000);
  BOOST_TEST(x->clock.pts == 7 * second);
  BOOST_TEST(*x->reached(unix_start + 5'000) == 12 * second + 25 * frame);
}

BOOST_AUTO_TEST_SUITE_END()
