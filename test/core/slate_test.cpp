// The slate, as a session decides it: when a source counts as away, what transcoders get meanwhile, where the source
// goes on when it returns, and who sees nothing of all that.
#include "test/core/session_fixture.hpp"

#include <boost/test/unit_test.hpp>

#include <algorithm>

using namespace troupe;
using namespace troupe::core;
using namespace std::chrono_literals;

namespace slate_test {
namespace {

constexpr int64_t second = ticks_per_second;

/// A channel whose rendition "hd" is transcoded by `first`. Its source has sent 21 pictures, and clients have 20.
struct slate_fixture : failover_fixture {
  slate_fixture() : failover_fixture(slate_kind::last) {
    make_output(first, 0, 20);
    now += 800ms;
    acknowledge_all();
    feed(20, 21);
  }

  /// The absences that were sent to an attempt: the time up to which each goes.
  std::vector<int64_t> absences(attempt_id of) const {
    std::vector<int64_t> result;
    for (auto& x : effects.sent)
      if (x.attempt == of && x.block.is_absence())
        result.push_back(x.block.samples.front().pts);
    return result;
  }

  /// Ticks, at which the rendition gets everything that it is sent.
  void pass(milliseconds time) {
    for (milliseconds t{0}; t < time; t += 100ms) {
      now += 100ms;
      if (live)
        it->on(ingest, work_statistics{}, now);
      it->tick(now);
      acknowledge_all();
    }
  }

  void lose_source(const std::string& why = "connection refused") {
    it->on(stream_end{ingest, why, false}, now);
    live = false;
  }

  /// The source is pulled again.
  void reopen() {
    while (effects.requests.back().label.kind != work_kind::ingest || effects.requests.back().label.attempt == ingest)
      pass(100ms);
    ingest = ingest_runs();
    live = true;
  }

  /// What an attempt was sent, absences included.
  std::vector<int64_t> sent_to(attempt_id of) const {
    std::vector<int64_t> result;
    for (auto& x : effects.sent)
      if (x.attempt == of)
        result.push_back(x.block.samples.front().pts);
    return result;
  }

  bool live = true;
};

} // namespace
} // namespace slate_test

BOOST_FIXTURE_TEST_SUITE(slate_test, slate_fixture)

BOOST_AUTO_TEST_CASE(a_source_that_says_nothing_is_away_and_its_time_goes_on) {
  pass(1900ms);
  BOOST_TEST(absences(first).empty());
  BOOST_TEST(it->status().state == "running");
  pass(5000ms);
  auto times = absences(first);
  BOOST_REQUIRE(times.size() > 20);
  for (size_t i = 1; i < times.size(); ++i)
    BOOST_TEST(times[i] - times[i - 1] == second / 5);
  // The newest picture ends at 21 * frame, and that was 6.9 s ago.
  BOOST_TEST(times.back() <= 21 * frame + 69 * second / 10);
  BOOST_TEST(times.back() > 21 * frame + 66 * second / 10);
  auto status = it->status();
  BOOST_TEST(status.state == "slate");
  BOOST_TEST(status.outages == 1u);
  BOOST_TEST(status.slate_since_ms == 2800);
}

BOOST_AUTO_TEST_CASE(batches_are_numbered_without_a_gap) {
  pass(10s);
  uint64_t next = 1;
  for (auto& x : effects.sent)
    BOOST_TEST(x.sequence == next++);
  BOOST_TEST(next > 40u);
}

BOOST_AUTO_TEST_CASE(a_source_that_returns_goes_on_where_the_time_is) {
  lose_source();
  pass(10s);
  reopen();
  // It began anew, and not at a random-access point.
  auto before = sent_to(first).size();
  source(ingest, 7 * frame, false);
  BOOST_TEST(sent_to(first).size() == before);
  now += 50ms;
  source(ingest, 10 * frame, true);
  source(ingest, 11 * frame, false);
  auto times = sent_to(first);
  BOOST_REQUIRE(times.size() == before + 3);
  BOOST_TEST(std::is_sorted(times.begin(), times.end()));
  // The last absence goes up to now, and the first picture is there.
  auto back = times[before];
  BOOST_TEST(times[before + 1] == back);
  BOOST_TEST(times[before + 2] == back + frame);
  auto status = it->status();
  BOOST_TEST(status.state == "running");
  BOOST_TEST(status.slate_since_ms == 0);
  BOOST_TEST(status.outages == 1u);
  BOOST_TEST(status.source_restarts == 1u);
  // The next outage begins from there.
  lose_source();
  pass(3s);
  BOOST_TEST(absences(first).back() > back + 2 * frame + 27 * second / 10);
  BOOST_TEST(it->status().outages == 2u);
}

BOOST_AUTO_TEST_CASE(the_next_pull_is_told_to_go_on_after_the_slate) {
  lose_source();
  pass(10s);
  reopen();
  BOOST_TEST(effects.ingests.back().resume_from >= absences(first).front());
}

BOOST_AUTO_TEST_CASE(a_source_that_was_only_late_goes_on_at_a_random_access_point) {
  pass(3s);
  auto before = sent_to(first).size();
  BOOST_TEST(!absences(first).empty());
  feed(21, 30);
  BOOST_TEST(sent_to(first).size() == before);
  feed(30, 32);
  auto times = sent_to(first);
  BOOST_REQUIRE(times.size() == before + 2 || times.size() == before + 3);
  BOOST_TEST(times.back() - times[times.size() - 2] == frame);
  BOOST_TEST(std::is_sorted(times.begin(), times.end()));
}

BOOST_AUTO_TEST_CASE(a_recognised_source_goes_on_at_a_random_access_point_too) {
  lose_source();
  pass(5s);
  reopen();
  auto before = sent_to(first).size();
  auto x = block(21 * frame, false);
  x.samples.front().flags |= sample::continues;
  it->on(sample_batch{ingest, ++sequence, x}, now);
  BOOST_TEST(sent_to(first).size() == before);
  source(ingest, 30 * frame, true);
  BOOST_TEST(sent_to(first).size() > before);
}

BOOST_AUTO_TEST_CASE(a_transcoder_that_begins_during_an_outage_gets_the_last_group_and_one_absence) {
  lose_source();
  // Far longer than the source buffer.
  pass(10min);
  it->down(first, "killed", now);
  auto second_one = transcode_runs(6);
  auto times = sent_to(second_one);
  BOOST_REQUIRE(times.size() >= 3);
  // The output ends with picture 19: its group begins with picture 10, or a second earlier.
  BOOST_TEST(times.front() % (10 * frame) == 0);
  BOOST_TEST(times[times.size() - 2] == 20 * frame);
  BOOST_TEST(absences(second_one).size() == 1u);
  BOOST_TEST(times.back() == absences(first).back());
  pass(1s);
  BOOST_TEST(absences(second_one).size() > 4u);
  BOOST_TEST(it->frames_lost() == 0u);
}

BOOST_AUTO_TEST_CASE(a_rendition_that_begins_during_an_outage_shows_the_slate_at_once) {
  lose_source();
  pass(60s);
  effects.reading["sd"] = 1;
  it->watch(wanting("sd", "libx264"), 2, now);
  auto other = transcode_runs(6);
  auto& spans = effects.transcodes.back().spans;
  BOOST_REQUIRE(spans.size() == 1u);
  auto newest = absences(first).back();
  BOOST_TEST(newest - spans[0].from_pts == 4 * second);
  BOOST_TEST(sent_to(other).front() == 20 * frame);
  BOOST_TEST(absences(other).back() == newest);
}

BOOST_AUTO_TEST_CASE(copies_have_no_slate) {
  effects.reading["source"] = 1;
  it->watch(wanting("source", "copy"), 2, now);
  auto copied = effects.delivered["source"].size();
  lose_source();
  pass(10s);
  BOOST_TEST(!absences(first).empty());
  BOOST_TEST(effects.delivered["source"].size() == copied);
  reopen();
  source(ingest, 0, true);
  BOOST_TEST(effects.delivered["source"].size() == copied + 1);
}

BOOST_AUTO_TEST_CASE(copied_sound_has_a_slate_if_its_codec_has_silence) {
  for (std::string codec : {"mp2", "opus"}) {
    make({"news", {}, {"u"}, false});
    effects = {};
    effects.reading["hd"] = 1;
    it->watch(wanting("hd", "libx264"), 1, now);
    auto tracks = with_sound();
    tracks.tracks[1].codec = codec;
    ingest = ingest_runs(tracks);
    feed_both(0, 20);
    first = transcode_runs(5, tracks);
    lose_source();
    pass(10s);
    BOOST_TEST(absences(first).empty() == (codec == "opus"));
  }
}

BOOST_AUTO_TEST_CASE(a_source_that_is_only_copied_is_awaited_as_ever) {
  make({"news", {}, {"u"}, false});
  effects = {};
  effects.reading["source"] = 1;
  it->watch(wanting("source", "copy"), 1, now);
  ingest = ingest_runs();
  feed(0, 20);
  lose_source();
  pass(10s);
  BOOST_TEST(it->status().state == "reconnecting");
  BOOST_TEST(it->status().outages == 0u);
  pass(config.source_timeout);
  BOOST_TEST(effects.closed.contains("source"));
  BOOST_TEST(it->finished());
}

BOOST_AUTO_TEST_CASE(with_a_slate_the_source_is_awaited_as_long_as_there_are_clients) {
  effects.reading["source"] = 1;
  it->watch(wanting("source", "copy"), 2, now);
  lose_source();
  for (int i = 0; i < 20; ++i) {
    auto refused = effects.requests.back().label.attempt;
    pass(10s);
    if (auto attempt = effects.requests.back().label.attempt; attempt != refused)
      it->lease_failed(attempt, ec::no_worker, "no", now);
  }
  BOOST_TEST(effects.closed.contains("source"));
  BOOST_TEST(!effects.closed.contains("hd"));
  BOOST_TEST(it->status().state == "slate");
  effects.reading["hd"] = 0;
  pass(config.idle_timeout + 200ms);
  BOOST_TEST(it->finished());
}

BOOST_AUTO_TEST_CASE(the_usual_silence_of_a_source_is_no_outage) {
  // Segments of a second and a half come at once, as from a playlist.
  auto sent = int64_t{21};
  for (int i = 0; i < 10; ++i) {
    pass(1500ms);
    feed(sent, sent + 38);
    sent += 38;
  }
  BOOST_TEST(absences(first).empty());
  pass(2800ms);
  BOOST_TEST(absences(first).empty());
  pass(8s);
  BOOST_TEST(!absences(first).empty());
}

BOOST_AUTO_TEST_CASE(a_planned_move_works_during_an_outage) {
  lose_source();
  pass(5s);
  it->move(lease_id{2}, now);
  auto moved = effects.requests.back().label.attempt;
  it->leased(moved, {lease_id{3}, task_id{3}, worker_id{7}, "w"}, now);
  auto at = effects.transcodes.back().spans.at(0).from_pts;
  BOOST_TEST(at == absences(first).back() + second);
  it->started(moved, now);
  BOOST_TEST(effects.ends.at(first) == at);
  pass(2s);
  BOOST_TEST(absences(moved).back() > at);
}

BOOST_AUTO_TEST_CASE(attempts_that_die_at_the_same_absence_die_at_the_same_place) {
  config.quarantine_after = 2;
  config.stall = {24h, 24h};
  make({"news", {}, {"u", "v"}, false});
  effects = {};
  it->watch(wanting("hd", "libx264"), 1, now);
  ingest = ingest_runs();
  feed(0, 50);
  first = transcode_runs(5);
  effects.reading["hd"] = 1;
  it->on(sample_batch{first, 1, block(40 * frame, true)}, now);
  feed(50, 51);
  acknowledge_all();
  lose_source();
  // It takes none of the absences, each of which replaces the one before.
  for (int i = 0; i < 60; ++i)
    it->tick(now += 100ms);
  BOOST_TEST(absences(first).size() > 10u);
  it->down(first, "killed", now);
  auto second_one = transcode_runs(6);
  for (auto& x : effects.sent)
    if (x.attempt == second_one && !x.block.is_absence())
      it->on(batch_ack{second_one, x.sequence}, now);
  it->down(second_one, "killed", now);
  BOOST_TEST(effects.quarantined.contains("hd"));
}

BOOST_AUTO_TEST_CASE(sound_before_the_first_picture_of_a_source_that_returns_is_kept_unless_there_is_a_slate) {
  make({"news", {}, {"u"}, false});
  effects = {};
  effects.reading["source"] = 1;
  it->watch(wanting("source", "copy"), 1, now);
  ingest = ingest_runs(with_sound());
  feed_both(0, 20);
  lose_source();
  reopen();
  ingest = effects.ingests.back().attempt;
  it->on(format_change{ingest, with_sound()}, now);
  effects.delivered.clear();
  feed_both(21, 23);
  BOOST_TEST((effects.delivered["source"] == std::vector<int64_t>{21 * frame, 22 * frame}));
  feed_both(30, 31);
  BOOST_TEST(effects.delivered["source"].size() == 4u);
  BOOST_TEST(it->status().source_restarts == 1u);
}

BOOST_AUTO_TEST_CASE(a_channel_may_have_a_slate_of_its_own_or_none) {
  make({"news", {}, {"u"}, false, "none"});
  effects = {};
  it->watch(wanting("hd", "libx264"), 1, now);
  ingest = ingest_runs();
  feed(0, 20);
  first = transcode_runs();
  effects.reading["hd"] = 1;
  pass(10s);
  BOOST_TEST(absences(first).empty());
  make({"news", "The News", {"u"}, false, "bars"});
  effects = {};
  it->watch(wanting("hd", "libx264"), 1, now);
  ingest = ingest_runs();
  feed(0, 20);
  first = transcode_runs();
  auto& still = effects.transcodes.back().still;
  BOOST_TEST((still.kind == slate_kind::bars));
  BOOST_TEST(still.title == "The News");
}

BOOST_AUTO_TEST_SUITE_END()
