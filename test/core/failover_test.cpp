// A transcoder is lost, stalls, falls behind or is moved: what the session does, and that clients get each time once.
#include "test/core/session_fixture.hpp"

#include <boost/test/unit_test.hpp>

#include <algorithm>

using namespace troupe;
using namespace troupe::core;
using namespace std::chrono_literals;

BOOST_FIXTURE_TEST_SUITE(failover_test, failover_fixture)

BOOST_AUTO_TEST_CASE(what_is_not_closed_is_given_to_nobody_and_made_again) {
  make_output(first, 10, 13);
  make_output(first, 16, 17, false);
  BOOST_TEST(delivered_once_each(10, 13));
  it->down(first, "killed", now);
  BOOST_TEST((effects.requests.back().refused_by == std::vector<worker_id>{worker_id{5}}));
  auto second = transcode_runs(6);
  BOOST_TEST(effects.transcodes.back().spans.front().from_pts == 12 * frame + 1);
  now += 200ms;
  make_output(second, 13, 20);
  BOOST_TEST(delivered_once_each(10, 20));
  BOOST_REQUIRE(effects.failovers.size() == 1u);
  BOOST_TEST((effects.failovers[0].first == failover_reason::lost));
  BOOST_TEST((effects.failovers[0].second == 200ms));
}

BOOST_AUTO_TEST_CASE(a_new_attempt_is_fed_from_a_random_access_point_before_the_preroll) {
  feed(20, 80);
  make_output(first, 10, 75);
  it->down(first, "killed", now);
  effects.sent.clear();
  (void)transcode_runs(6);
  BOOST_REQUIRE(!effects.sent.empty());
  // The pictures after 74 are missing. A second before 74 is picture 49; the random-access point before 49 is 40.
  BOOST_TEST(effects.sent.front().block.samples.front().pts == 40 * frame);
  BOOST_TEST(effects.sent.back().block.samples.front().pts == 79 * frame);
  BOOST_TEST(it->status().variants.front().replayed_bytes > 0u);
}

BOOST_AUTO_TEST_CASE(decoding_times_rise_over_a_joint) {
  make_output(first, 10, 13);
  it->down(first, "killed", now);
  auto second = transcode_runs(6);
  auto x = block(13 * frame, true);
  x.samples.front().dts = 11 * frame;
  it->on(sample_batch{second, 1, x}, now);
  BOOST_TEST(effects.last_dts["hd"] == 12 * frame + 1);
}

BOOST_AUTO_TEST_CASE(a_stall_is_hedged_and_the_second_attempt_wins_when_it_delivers) {
  make_output(first, 10, 13);
  rhythm(20, 20);
  feed(40, 41);
  auto requests = effects.requests.size();
  tick_for(400ms);
  BOOST_TEST(effects.requests.size() == requests);
  tick_for(300ms);
  BOOST_REQUIRE(effects.requests.size() == requests + 1);
  BOOST_TEST((effects.requests.back().refused_by == std::vector<worker_id>{worker_id{5}}));
  auto second = transcode_runs(6);
  BOOST_TEST(!effects.stopped.contains(first));
  make_output(second, 13, 15);
  BOOST_TEST(effects.stopped.contains(first));
  make_output(first, 13, 15); // ignored: the first attempt was replaced
  BOOST_TEST(delivered_once_each(10, 15));
  BOOST_TEST((effects.failovers.at(0).first == failover_reason::stalled));
}

BOOST_AUTO_TEST_CASE(a_stall_that_was_none_keeps_the_first_attempt) {
  make_output(first, 10, 13);
  rhythm(20, 20);
  feed(40, 41);
  tick_for(700ms);
  auto second = transcode_runs(6);
  make_output(first, 13, 15);
  BOOST_TEST(effects.stopped.contains(second));
  BOOST_TEST(effects.stopped.at(second).empty());
  make_output(second, 13, 15);
  BOOST_TEST(delivered_once_each(10, 15));
  BOOST_TEST(effects.failovers.empty());
}

BOOST_AUTO_TEST_CASE(a_death_during_a_hedge_lets_the_second_attempt_go_on_at_once) {
  make_output(first, 10, 13);
  rhythm(20, 20);
  feed(40, 41);
  tick_for(700ms);
  auto second = transcode_runs(6);
  auto requests = effects.requests.size();
  it->down(first, "killed", now);
  make_output(second, 13, 15);
  BOOST_TEST(delivered_once_each(10, 15));
  BOOST_TEST(effects.requests.size() == requests);
}

BOOST_AUTO_TEST_CASE(a_stall_without_another_worker_is_fenced_in_the_end) {
  make_output(first, 10, 13);
  rhythm(20, 20);
  feed(40, 41);
  tick_for(700ms);
  it->lease_failed(effects.requests.back().label.attempt, ec::no_worker, "nobody", now);
  tick_for(5000ms);
  BOOST_TEST(effects.stopped.contains(first));
  auto third = transcode_runs(5);
  make_output(third, 13, 15);
  BOOST_TEST(delivered_once_each(10, 15));
}

BOOST_AUTO_TEST_CASE(a_move_changes_over_at_a_time_ahead_of_the_source_without_a_gap) {
  make_output(first, 10, 13);
  it->move(lease_id{2}, now);
  BOOST_TEST(effects.requests.back().elsewhere);
  auto second = transcode_runs(6);
  auto at = effects.transcodes.back().spans.front().from_pts;
  BOOST_TEST(at > 19 * frame);
  BOOST_TEST(effects.ends.at(first) == at);
  auto change = (at + frame - 1) / frame;
  feed(20, change + 5);
  BOOST_TEST(!effects.stopped.contains(first));
  // The first attempt flushes ahead of time: the session holds its output back until its time.
  make_output(first, 13, change);
  it->on(stream_end{first, {}, false}, now);
  BOOST_TEST(effects.stopped.at(first).empty());
  make_output(second, change, change + 3);
  BOOST_TEST(delivered_once_each(10, effects.delivered["hd"].back() / frame + 1));
  BOOST_TEST(effects.delivered["hd"].size() < static_cast<size_t>(change - 10));
  feed(change + 5, change + 20);
  BOOST_TEST(delivered_once_each(10, change + 3));
  BOOST_TEST((effects.failovers.at(0).first == failover_reason::drain));
}

BOOST_AUTO_TEST_CASE(a_death_in_the_middle_of_a_move_is_a_failover) {
  make_output(first, 10, 13);
  it->move(lease_id{2}, now);
  auto second = transcode_runs(6);
  it->down(first, "killed", now);
  BOOST_TEST(effects.stopped.contains(second));
  auto third = transcode_runs(7);
  make_output(third, 13, 20);
  BOOST_TEST(delivered_once_each(10, 20));
}

BOOST_AUTO_TEST_CASE(an_attempt_that_falls_behind_is_left_for_another_worker) {
  config.slow_lag = 2s;
  config.slow_after = 1s;
  make({"news", {}, {"u"}, false});
  it->watch(wanting("hd", "libx264"), 2, now);
  ingest = ingest_runs();
  feed(0, 20);
  first = transcode_runs(5);
  make_output(first, 10, 13);
  for (int64_t i = 20; i < 150; ++i) {
    now += 40ms;
    feed(i, i + 1);
    acknowledge_all();
    it->tick(now);
  }
  auto& wish = effects.requests.back();
  BOOST_REQUIRE((wish.label.attempt != first));
  BOOST_TEST(wish.elsewhere);
  BOOST_TEST(!effects.stopped.contains(first));
  auto second = transcode_runs(6);
  BOOST_TEST(effects.stopped.contains(first));
  make_output(second, 13, 100);
  BOOST_TEST(delivered_once_each(10, 100));
  BOOST_TEST((effects.failovers.at(0).first == failover_reason::slow));
}

BOOST_AUTO_TEST_CASE(samples_that_kill_one_task_after_the_other_are_quarantined) {
  make_output(first, 10, 13);
  auto dies = [&](attempt_id attempt) {
    acknowledge_all(); // acknowledges all but the latest sample, which is the one that kills the task
    feed(20 + fed, 21 + fed);
    ++fed;
    it->down(attempt, "killed", now);
  };
  dies(first);
  dies(transcode_runs(6));
  BOOST_TEST(effects.quarantined.empty());
  dies(transcode_runs(7));
  BOOST_TEST(effects.quarantined.contains("hd"));
  BOOST_TEST(effects.closed.contains("hd"));
}

BOOST_AUTO_TEST_CASE(deaths_with_much_delivered_between_them_are_nobodys_fault) {
  auto at = int64_t{10};
  auto attempt = first;
  for (int i = 0; i < 6; ++i) {
    feed(at + 10, at + 110);
    make_output(attempt, at, at + 100);
    acknowledge_all();
    at += 100;
    it->down(attempt, "killed", now);
    attempt = transcode_runs(6 + static_cast<uint64_t>(i));
  }
  BOOST_TEST(effects.quarantined.empty());
  BOOST_TEST(delivered_once_each(10, at));
}

BOOST_AUTO_TEST_CASE(without_any_worker_clients_stay_and_what_is_beyond_the_buffer_is_counted) {
  config.buffer.duration_max = std::chrono::seconds{4};
  make({"news", {}, {"u"}, false});
  it->watch(wanting("hd", "libx264"), 2, now);
  ingest = ingest_runs();
  feed(0, 20);
  first = transcode_runs(5);
  make_output(first, 10, 13);
  it->down(first, "killed", now);
  for (int64_t i = 20; i < 200; ++i) {
    now += 40ms;
    feed(i, i + 1);
    if (i % 25 == 0)
      it->lease_failed(effects.requests.back().label.attempt, ec::no_worker, "no worker", now);
    it->tick(now);
  }
  BOOST_TEST(!effects.closed.contains("hd"));
  effects.sent.clear();
  auto second = transcode_runs(6);
  auto begin = effects.sent.front().block.samples.front().pts / frame;
  BOOST_TEST(begin >= 100);
  make_output(second, begin, begin + 5);
  BOOST_TEST(it->status().variants.front().frames_lost == static_cast<uint64_t>(begin - 13));
}

BOOST_AUTO_TEST_CASE(what_is_missing_of_a_track_is_counted_once_and_only_when_something_behind_it_is_there) {
  config.buffer.duration_max = std::chrono::seconds{4};
  make({"news", {}, {"u"}, false});
  it->watch(wanting("hd", "libx264"), 2, now);
  ingest = ingest_runs(with_sound());
  feed_both(0, 20);
  first = transcode_runs(5, with_sound());
  make_both(first, 0, 13);
  it->down(first, "killed", now);
  feed_both(20, 200);
  effects.sent.clear();
  auto second = transcode_runs(6, with_sound());
  auto begin = effects.sent.front().block.samples.front().pts / frame;
  BOOST_TEST(begin >= 90);
  auto sound_only = both(begin);
  sound_only.samples.erase(sound_only.samples.begin());
  it->on(sample_batch{second, 1, sound_only}, now);
  auto lost = [this] { return it->status().variants.front(); };
  BOOST_TEST(lost().frames_lost == 0u);
  BOOST_TEST(lost().sound_lost == static_cast<uint64_t>(begin - 13));
  it->down(second, "killed", now);
  auto third = transcode_runs(7, with_sound());
  BOOST_TEST(effects.transcodes.back().spans.at(0).from_pts == 12 * frame + 1);
  make_both(third, begin, begin + 5);
  BOOST_TEST(lost().frames_lost == static_cast<uint64_t>(begin - 13));
  BOOST_TEST(lost().sound_lost == static_cast<uint64_t>(begin - 13));
}

BOOST_AUTO_TEST_CASE(sound_ahead_of_the_first_picture_is_delivered_by_no_attempt) {
  make({"news", {}, {"u"}, false});
  it->watch(wanting("hd", "libx264"), 2, now);
  ingest = ingest_runs(with_sound());
  feed_both(0, 20);
  first = transcode_runs(5, with_sound());
  auto sound_only = both(0);
  sound_only.samples.erase(sound_only.samples.begin());
  it->on(sample_batch{first, ++output[first], sound_only}, now);
  BOOST_TEST(effects.delivered["hd"].empty());
  it->down(first, "killed", now);
  auto second = transcode_runs(6, with_sound());
  BOOST_TEST(effects.transcodes.back().spans.empty());
  make_both(second, 0, 3);
  BOOST_TEST((effects.delivered["hd"] == std::vector<int64_t>{0, 0, frame, frame, 2 * frame, 2 * frame}));
}

BOOST_AUTO_TEST_CASE(a_move_that_the_source_ends_before_its_time_lets_the_transcoder_end) {
  make_output(first, 10, 13);
  it->move(lease_id{2}, now);
  (void)transcode_runs(6);
  BOOST_REQUIRE(effects.ends.contains(first));
  BOOST_TEST(effects.finished.empty());
  it->on(stream_end{ingest, {}, false}, now);
  BOOST_TEST(std::count(effects.finished.begin(), effects.finished.end(), first) == 1);
}

BOOST_AUTO_TEST_CASE(a_source_that_goes_away_is_pulled_anew_and_its_timeline_goes_on) {
  make_output(first, 10, 13);
  it->on(stream_end{ingest, "connection reset", false}, now);
  BOOST_TEST(it->status().state == "reconnecting");
  BOOST_TEST(!effects.closed.contains("hd"));
  it->tick(now += 300ms);
  auto again = effects.requests.back().label.attempt;
  it->leased(again, {lease_id{9}, task_id{9}, worker_id{9}, ""}, now);
  BOOST_TEST(effects.ingests.back().url == "v");
  BOOST_TEST(effects.ingests.back().resume_from == 20 * frame);
  it->started(again, now);
  it->on(format_change{again, format()}, now);
  sequence = 0;
  source(again, 20 * frame, false); // ignored, because it comes before a random-access point
  auto sent = effects.sent.size();
  source(again, 21 * frame, true);
  BOOST_TEST(effects.sent.size() == sent + 1);
  BOOST_TEST(it->status().state == "running");
  BOOST_TEST(it->status().source_restarts == 1u);
}

BOOST_AUTO_TEST_CASE(a_source_that_stays_away_ends_the_session_with_the_reason) {
  config.source_timeout = 5s;
  make({"news", {}, {"u"}, false});
  it->watch(wanting("hd", "libx264"), 2, now);
  ingest = ingest_runs();
  it->on(stream_end{ingest, "connection reset", false}, now);
  for (int i = 0; i < 60; ++i) {
    it->tick(now += 100ms);
    if (auto& r = effects.requests.back(); r.label.kind == work_kind::ingest && (r.label.attempt != ingest)) {
      ingest = r.label.attempt;
      it->leased(ingest, {lease_id{9}, task_id{9}, worker_id{9}, ""}, now);
      it->on(stream_end{ingest, "connection refused", false}, now);
    }
  }
  BOOST_TEST(it->finished());
  BOOST_TEST(effects.closed.at("hd") == "connection refused");
}

BOOST_AUTO_TEST_SUITE_END()
